/** The single interactions of hl7.org/fhir/R4/http.html: create, read, vread, history of an instance, update. */

import type { Turns } from '../idempotency/turns.ts';
import { type Answer, answerOf, preferred } from './answers.ts';
import { type Answers, answersOf, commit } from './commit.ts';
import { Draft, type DraftRequest } from './drafts.ts';
import { Refusal, refuse } from './outcomes.ts';
import { criteriaOf, plan, type Scope } from './plan.ts';
import type { IdempotentRequest, StoredResource } from './repository.ts';
import { etagOf, type Return } from './requests.ts';

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

export interface WriteOptions {
  turns: Turns;
  idempotency: IdempotentRequest | undefined;
  return: Return | undefined;
}

/** The lock under which requests with one Idempotency-Key come one after the other. */
export const idempotencyLock = ({ caller }: Scope, idempotency: IdempotentRequest | undefined): string[] =>
  idempotency === undefined ? [] : [`idempotency ${caller.subject} ${idempotency.key}`];

/** What the same request came to before; undefined for a first one. */
export async function replayed(scope: Scope, idempotency: IdempotentRequest | undefined): Promise<Answers | undefined> {
  const replay = idempotency && (await scope.repository.replay(scope.caller, idempotency));
  return replay && answersOf(replay, scope);
}

async function writeOne(draft: Draft, scope: Scope, idempotency: IdempotentRequest | undefined): Promise<Answers> {
  const before = await replayed(scope, idempotency);
  if (before !== undefined) return before;
  await plan([draft], scope, false);
  if (draft.failure !== undefined) {
    const { status, issues } = draft.failure;
    throw new Refusal(status, issues, status === 405 ? { Allow: 'GET, HEAD, OPTIONS' } : {});
  }
  try {
    return await commit([draft], scope, idempotency);
  } catch (error) {
    throw asPrecondition(error, draft);
  }
}

/** A version that came in between: 412 for who named the one to change, 409 for who did not. */
export function asPrecondition(error: unknown, draft: Draft): unknown {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code !== 'CONFLICT' || draft.request.ifMatch === undefined) return error;
  return new Refusal(412, {
    severity: 'error',
    code: 'conflict',
    diagnostics: 'The resource was changed meanwhile.',
    expression: [draft.request.conditionPath ?? 'If-Match'],
  });
}

/** create and update, with their conditions. */
export async function write(request: DraftRequest, scope: Scope, options: WriteOptions): Promise<Answer> {
  const draft = new Draft(request);
  const { turns, idempotency } = options;
  const locks = [...idempotencyLock(scope, idempotency), ...criteriaOf([draft])];
  const answers = await turns.hold(locks, () => writeOne(draft, scope, idempotency));
  return preferred(answers.get(0) ?? { status: 200 }, options.return);
}
