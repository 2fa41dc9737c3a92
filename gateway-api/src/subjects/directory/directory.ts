/**
 * The directory at the custodian's gateway, in which a patient finds whom her consents may name: the members of the
 * consortium, and the practitioners and their roles that providers have recorded. Of those it shows what registers of
 * practitioners show, names and identifiers, and nothing else.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM, referenceTo } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import type { Search, SearchPage, StoredResource } from '../../fhir/repository.ts';
import { isAsked } from '../../fhir/search/matching.ts';
import type { ReadModel } from '../../index/read/queries.ts';

interface Sides {
  index: ReadModel;
  consortium: Consortium;
  organisation: Organisation;
}

/** What is shown of each type beside id and meta. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  Organization: [],
  Practitioner: ['active', 'identifier', 'name', 'qualification'],
  PractitionerRole: ['active', 'identifier', 'practitioner', 'organization', 'code', 'specialty'],
};

/** Whether a caller reads a type here: whoever sees all of an organisation's data has the records themselves. */
export const isInDirectory = ({ role }: Caller, type: string, { kind }: Organisation): boolean =>
  kind === 'custodian' && (role === 'patient' || role === 'caretaker') && type in SHOWN;

export async function readEntry(
  { index, consortium }: Sides,
  type: string,
  id: string,
): Promise<StoredResource | undefined> {
  if (type === 'Organization') return members(consortium).find(({ resource }) => resource.id === id);
  const found = await index.newest(type, id);
  return found && entryOf(found);
}

/** A member of the consortium, by `Organization/<its name>`. */
export const memberEntry = (consortium: Consortium, reference: string): StoredResource | undefined =>
  members(consortium).find(({ resource }) => reference === `Organization/${resource.id}`);

/** In the order of the file, or of the ledger. */
export async function searchEntries({ index, consortium }: Sides, search: Search): Promise<SearchPage> {
  if (search.type === 'Organization') return searchMembers(members(consortium), search);
  const page = await index.search(search);
  return { ...page, matches: page.matches.map(entryOf) };
}

function searchMembers(all: StoredResource[], search: Search): SearchPage {
  const { ids, count, after, lastUpdated = [] } = search;
  // Members have no time at which they were recorded.
  const found = lastUpdated.length > 0 ? [] : all.filter(({ resource }) => ids?.includes(resource.id) ?? true);
  const matches = found.filter(({ resource }) => isAsked(resource, search));
  const start = Number(after ?? 0);
  const end = start + count;
  const next = end < matches.length ? { next: String(end) } : {};
  return { matches: matches.slice(start, end), total: matches.length, ...next };
}

const KINDS = 'https://telemed-ledger.example/fhir/CodeSystem/organisation-kind';

const members = ({ organisations }: Consortium): StoredResource[] =>
  organisations.map(({ name, kind }) => ({
    resource: {
      resourceType: 'Organization',
      id: name,
      meta: { versionId: '1' },
      identifier: [{ system: ORGANISATION_SYSTEM, value: name }],
      active: true,
      type: [{ coding: [{ system: KINDS, code: kind }] }],
      name,
    },
    version: 1,
    lastUpdated: NEVER,
    author: name,
    transactionId: '',
  }));

/** The definition of the consortium says no time. */
const NEVER = '1970-01-01T00:00:00.000Z';

/** With an identifier that says whose practitioner he is, which an actor may be named by as it stands. */
function entryOf({ resource, author, ...stored }: StoredResource): StoredResource {
  const { resourceType, id, meta } = resource;
  const shown = Object.entries(resource).filter(([name]) => SHOWN[resourceType]?.includes(name) === true);
  const { versionId, lastUpdated } = (meta ?? {}) as Record<string, unknown>;
  const entry: Resource = { resourceType, id, meta: { versionId, lastUpdated }, ...Object.fromEntries(shown) };
  if (resourceType === 'Practitioner') {
    const own = { system: referenceTo(author, 'people'), value: `Practitioner/${id}` };
    entry['identifier'] = [own, ...[resource['identifier'] ?? []].flat()];
  }
  return { ...stored, author, resource: entry };
}
