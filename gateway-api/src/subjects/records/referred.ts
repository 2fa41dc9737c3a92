/**
 * What records refer to and is about no patient (model/companions.ts), as whoever reads the records may read it: it goes with
 * them wherever a Bundle holds all of a patient's, so that its references lead somewhere within it.
 */
import { companionTypes, isMeant, type Target, targetsIn } from '@telemed-ledger/chaincode/model/companions.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { ReferredTo, Search, StoredResource } from '../../fhir/repository.ts';
import { memberEntry } from '../directory/directory.ts';

/** The most that go with the records of one Bundle. */
const MOST = 1_000;
const IDS_PER_SEARCH = 500;

interface Sides {
  consortium: Consortium;
  /** As the reader sees it, and written down; nothing of a type that he may not read. */
  search: (search: Search) => Promise<StoredResource[]>;
}

type Of = (target: Target) => string;
const keyOf = ({ resource: { resourceType, id } }: StoredResource): string => `${resourceType}/${id}`;

/** All that these lead to, directly or through each other, each once, without what is among them. */
export async function referredTo(records: readonly StoredResource[], sides: Sides): Promise<ReferredTo> {
  const seen = new Set(records.map(keyOf));
  const found: StoredResource[] = [];
  for (let from = records; from.length > 0; ) {
    const fresh = (await meantBy(from, seen, sides)).filter((one) => !seen.has(keyOf(one)));
    from = [...new Map(fresh.map((one) => [keyOf(one), one])).values()];
    for (const one of from) seen.add(keyOf(one));
    found.push(...from);
    if (found.length > MOST) return { found: found.slice(0, MOST), isCut: true };
  }
  return { found, isCut: false };
}

/** Whoever recorded the record recorded what it means too: another's under the same identifier is another. */
async function meantBy(
  records: readonly StoredResource[],
  seen: ReadonlySet<string>,
  sides: Sides,
): Promise<StoredResource[]> {
  const targets = new Map<string, Target[]>();
  for (const { resource, author } of records)
    targets.set(author, [...(targets.get(author) ?? []), ...targetsIn(resource, author)]);
  const all = [...targets.values()].flat();
  const found: StoredResource[] = [];
  for (const type of companionTypes) {
    for (const search of searchesFor(type, all, seen)) {
      const isMeantHere = ({ resource, author }: StoredResource): boolean =>
        (targets.get(author) ?? []).some((target) => isMeant(resource, target));
      found.push(...(await sides.search(search)).filter(isMeantHere));
    }
  }
  return [...found, ...membersAmong(all, seen, found, sides.consortium)];
}

function* searchesFor(type: string, targets: readonly Target[], seen: ReadonlySet<string>): Generator<Search> {
  const isFresh = (reference: string): boolean => reference.startsWith(`${type}/`) && !seen.has(reference);
  const literal = targets.flatMap((target) => ('reference' in target && isFresh(target.reference) ? [target] : []));
  const ids = [...new Set(literal.map(({ reference }) => reference.slice(type.length + 1)))];
  for (let start = 0; start < ids.length; start += IDS_PER_SEARCH)
    yield { type, ids: ids.slice(start, start + IDS_PER_SEARCH), count: IDS_PER_SEARCH };
  const logical = targets.filter((target) => !('reference' in target) && (target.type ?? type) === type);
  const text: Of = (target) => JSON.stringify(target);
  const anyOf = [...new Map(logical.map((target) => [text(target), target])).values()].flatMap((target) =>
    'reference' in target ? [] : [{ system: target.system, value: target.value }],
  );
  for (let start = 0; start < anyOf.length; start += IDS_PER_SEARCH) {
    const some = anyOf.slice(start, start + IDS_PER_SEARCH);
    yield { type, values: [{ parameter: 'identifier', anyOf: some }], count: IDS_PER_SEARCH };
  }
}

/** A member of the consortium is there by its name, whether or not anybody has recorded an Organization for it. */
function membersAmong(
  targets: readonly Target[],
  seen: ReadonlySet<string>,
  found: readonly StoredResource[],
  consortium: Consortium,
): StoredResource[] {
  const known = new Set([...seen, ...found.map(keyOf)]);
  const references = targets.flatMap((target) => ('reference' in target ? [target.reference] : []));
  return [...new Set(references)]
    .filter((reference) => !known.has(reference))
    .flatMap((reference) => memberEntry(consortium, reference) ?? []);
}
