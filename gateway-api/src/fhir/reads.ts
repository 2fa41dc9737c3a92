/** The reading interactions of hl7.org/fhir/R4/http.html: read, vread and the history of an instance. */
import { type Answer, answerOf } from './answers.ts';
import { refuse } from './outcomes.ts';
import type { Scope, StoredResource } from './repository.ts';
import { etagOf } from './requests.ts';

const ID = /^[A-Za-z0-9.-]{1,64}$/;
const VERSION = /^[1-9][0-9]{0,8}$/;

/** 404 names no id: an error that is logged or shown must not say whose record was looked for. */
const notFound = (): never => refuse(404, 'not-found', 'This server has no such resource.');

export async function read({ repository, caller }: Scope, type: string, id: string): Promise<Answer> {
  const stored = ID.test(id) ? await repository.read(caller, type, id) : undefined;
  return stored === undefined ? notFound() : answerOf(stored);
}

export async function vread({ repository, caller }: Scope, type: string, id: string, version: string): Promise<Answer> {
  const known = ID.test(id) && VERSION.test(version);
  const stored = known ? await repository.readVersion(caller, type, id, Number(version)) : undefined;
  return stored === undefined ? notFound() : answerOf(stored);
}

/** hl7.org/fhir/R4/http.html#history: newest first, with how each version came about. */
function historyEntry({ resource, version, lastUpdated }: StoredResource, type: string, baseUrl: string): object {
  return {
    fullUrl: `${baseUrl}/${type}/${resource.id}`,
    resource,
    request: version === 1 ? { method: 'POST', url: type } : { method: 'PUT', url: `${type}/${resource.id}` },
    response: { status: version === 1 ? '201 Created' : '200 OK', etag: etagOf(version), lastModified: lastUpdated },
  };
}

export async function history(scope: Scope, type: string, id: string): Promise<Answer> {
  const { repository, caller, baseUrl } = scope;
  const versions = ID.test(id) ? await repository.history(caller, type, id) : [];
  const [newest] = versions;
  if (newest === undefined) return notFound();
  const entry = versions.map((version) => historyEntry(version, type, baseUrl));
  const link = [{ relation: 'self', url: `${baseUrl}/${type}/${id}/_history` }];
  const bundle = { resourceType: 'Bundle', type: 'history', total: versions.length, link, entry };
  return { status: 200, resource: bundle, lastModified: newest.lastUpdated };
}
