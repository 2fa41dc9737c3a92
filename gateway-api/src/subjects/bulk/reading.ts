/**
 * The records of an export, type by type and in pages, as whoever asks may read them: each page is a search of theirs, and is
 * logged as one. A record that was changed after the export was asked for is in it as it was then.
 */

import type { Caller } from '../../auth/caller.ts';
import type { Search, StoredResource } from '../../fhir/repository.ts';
import { unlessForbidden } from '../../fhir/unless-forbidden.ts';
import type { Records } from '../records/records.ts';
import { searchOf } from './asking.ts';
import type { ExportAsked } from './exports.ts';

const PAGE = 200;
const PATIENTS_PER_SEARCH = 200;

/** Reads in turn with others. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

interface Reading {
  records: Pick<Records, 'search' | 'history'>;
  caller: Caller;
  inTurn: InTurn;
}

/** The searches that together find what is asked for of a type. */
function* searchesFor(type: string, asked: ExportAsked): Generator<Omit<Search, 'count'>> {
  const { since, patients, ofPatients } = asked;
  const changed =
    since === undefined ? {} : { lastUpdated: searchOf(type, `_lastUpdated=ge${since}`, '_since').search.lastUpdated! };
  const about = ofPatients && type !== 'Patient' ? [{ parameter: 'patient', isMissing: false }] : [];
  for (const query of asked.filters[type] ?? ['']) {
    const { search, impossible } = searchOf(type, query, '_typeFilter');
    if (impossible) continue;
    const { count: _, ...criteria } = search;
    const wanted = {
      ...{ ...criteria, ...changed, isUncounted: true },
      lastUpdated: [...(criteria.lastUpdated ?? []), ...(changed.lastUpdated ?? [])],
      missing: [...(criteria.missing ?? []), ...about],
    };
    if (patients === undefined) yield wanted;
    else for (const some of pieces(patients)) yield ofSome(type, wanted, some);
  }
}

/** Narrowed to patients, beside what it is narrowed to already. */
function ofSome(type: string, search: Omit<Search, 'count'>, patients: string[]): Omit<Search, 'count'> {
  const both = (one: readonly string[] | undefined): string[] =>
    one === undefined ? patients : patients.filter((id) => one.includes(id));
  return type === 'Patient' ? { ...search, ids: both(search.ids) } : { ...search, patients: both(search.patients) };
}

function* pieces(all: readonly string[]): Generator<string[]> {
  for (let start = 0; start < all.length; start += PATIENTS_PER_SEARCH)
    yield all.slice(start, start + PATIENTS_PER_SEARCH);
}

/** Whether there is anything of a type; undefined where the caller may not read it. */
export function hasAny(type: string, asked: ExportAsked, reading: Reading): Promise<boolean | undefined> {
  const { records, caller, inTurn } = reading;
  return unlessForbidden(async () => {
    for (const search of searchesFor(type, asked)) {
      const { matches } = await inTurn(() => records.search(caller, { ...search, count: 1 }));
      if (matches.length > 0) return true;
    }
    return false;
  });
}

/** Each record once, however many of the filters it matches. */
export async function* recordsOf(
  type: string,
  asked: ExportAsked,
  reading: Reading,
): AsyncGenerator<StoredResource['resource'][]> {
  const { records, caller, inTurn } = reading;
  const searches = [...searchesFor(type, asked)];
  const seen = searches.length > 1 ? new Set<string>() : undefined;
  for (const search of searches) {
    for (let after: string | undefined; ; ) {
      const place = after === undefined ? {} : { after };
      const { matches, next } = await inTurn(() => records.search(caller, { ...search, ...place, count: PAGE }));
      const fresh = matches.filter(({ resource: { id } }) => seen?.has(id) !== true);
      for (const { resource } of fresh) seen?.add(resource.id);
      const then = await Promise.all(fresh.map((one) => asOf(one, asked, reading)));
      yield then.flatMap((one) => (one === undefined ? [] : [one.resource]));
      if (next === undefined) break;
      after = next;
    }
  }
}

/** As it was when the export was asked for; undefined for what came later. */
async function asOf(
  one: StoredResource,
  { at }: ExportAsked,
  { records, caller, inTurn }: Reading,
): Promise<StoredResource | undefined> {
  if (Date.parse(one.lastUpdated) <= Date.parse(at)) return one;
  const { resourceType, id } = one.resource;
  for (let before: number | undefined; ; ) {
    const page = { count: 20, ...(before === undefined ? {} : { before }) };
    const { versions, next } = await inTurn(() => records.history(caller, resourceType, id, page));
    const found = versions.find(({ lastUpdated }) => Date.parse(lastUpdated) <= Date.parse(at));
    if (found !== undefined || next === undefined) return found;
    before = next;
  }
}
