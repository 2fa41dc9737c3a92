/** What a search matches among the versions, as SQL; search/matching.ts has the same on the text of each match. */
import { type Kysely, sql } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import { boundsOf } from '../../fhir/search/dates.ts';
import { parameterOf } from '../../fhir/search-parameters.ts';
import type { IndexTables } from '../schema.ts';
import { Matching } from './conditions.ts';
import type { VersionQuery } from './version-query.ts';

/** The data of one patient. */
export interface Compartment {
  /** Id of the Patient; absent: everybody's data. */
  compartment?: string | undefined;
  /** With a compartment: those that are linked with it. */
  linked?: readonly string[] | undefined;
  /** In a compartment: ids of what is about no patient and is seen beside it, of the type that is asked for. */
  beside?: readonly string[] | undefined;
  /** In a compartment: types of which everything that is about no patient is seen. */
  offered?: readonly string[] | undefined;
  /** One of these must match as well. */
  only?: readonly Search[] | undefined;
}

/** A literal: the indexes over the newest versions only are used where the statement says so itself. */
export const NEWEST = sql.lit(1);

/**
 * What is asked for by ids or identifiers is few: found by the ids and then sorted. Written like this, no index over a
 * type, and none in the order of arrival, is taken for it and walked through; PostgreSQL did, until it had statistics.
 */
export const FEW = {
  current: sql<number>`${sql.ref('current')} + 0`,
  sequence: sql<number>`${sql.ref('sequence')} + 0`,
};
const isRare = (type: string, parameter: string): boolean => parameterOf(type, parameter)?.isRare === true;
export const isForFew = ({ type, ids, values = [], chains = [], reverse = [] }: Search): boolean =>
  ids !== undefined ||
  reverse.length > 0 ||
  [...values.filter(({ isNot }) => isNot !== true), ...chains].some(({ parameter }) => isRare(type, parameter));

/** Originals, and copies in this inbox whose time is not over: those for this audience, where one is given, or for all. */
export function heldIn(db: Kysely<IndexTables>, inbox: string, audience?: string): VersionQuery<object> {
  const now = new Date().toISOString();
  return db.selectFrom('versions').where((where) => {
    const delivered = [where('collection', '=', inbox), where('expires_at', '>', now)];
    const isFor = where.or([where('audience', 'is', null), where('audience', '=', audience ?? '')]);
    return where.or([
      where('source', 'is', null),
      where.and(audience === undefined ? delivered : [...delivered, isFor]),
    ]);
  });
}

/** The newest versions among `visible` that a search matches. */
export function matchingIn(
  visible: VersionQuery<object>,
  search: Search,
  { compartment, linked = [], beside = [], offered = [], only }: Compartment,
): VersionQuery<object> {
  const current = isForFew(search) ? FEW.current : 'current';
  let query = visible.where(current, '=', NEWEST).where('type', '=', search.type);
  const isOffered = offered.includes(search.type);
  if (compartment !== undefined && isOffered)
    query = query.where((where) =>
      where.or([where('patient', 'in', [compartment, ...linked]), where('patient', 'is', null)]),
    );
  else if (compartment !== undefined && beside.length === 0)
    query = query.where('patient', 'in', [compartment, ...linked]);
  else if (compartment !== undefined)
    query = query.where((where) =>
      where.or([
        where('patient', 'in', [compartment, ...linked]),
        where.and([where('patient', 'is', null), where('id', 'in', [...beside])]),
      ]),
    );
  if (search.ids !== undefined) query = query.where('id', 'in', search.ids);
  if (search.patients !== undefined) query = query.where('patient', 'in', search.patients);
  if (only !== undefined) {
    const any = only.map((one) => matchingIn(visible, one, {}).select('id'));
    query = query.where((where) => where.or(any.map((ids) => where('id', 'in', ids))));
  }
  const within = (inner: Search) => matchingIn(visible, inner, { compartment, linked, beside: [], offered });
  for (const condition of new Matching(search, within).all()) query = query.where(condition);
  for (const condition of search.lastUpdated ?? []) {
    const alternatives = boundsOf(condition);
    query = query.where((where) =>
      where.or(
        alternatives.map((all) => where.and(all.map((bound) => where('last_updated', bound.operator, bound.instant)))),
      ),
    );
  }
  return query;
}

/** Patients who are found first; of more of them their records are not few. */
const MOST_FIRST = 200;
/** No Patient's id. */
const NOBODY = '';

/**
 * The same search, with the patients whom a chain finds by something rare in its place: then their records are looked at, and not
 * everybody's.
 * @param within the rows that a search of patients matches
 */
export async function withPatients(search: Search, within: (search: Search) => VersionQuery<object>): Promise<Search> {
  const { type, chains = [], patients } = search;
  const first = chains.find(
    ({ parameter, anyOf: [to, ...more] }) =>
      parameterOf(type, parameter)?.column === 'patient' && more.length === 0 && to?.type === 'Patient' && isForFew(to),
  );
  if (first === undefined || patients !== undefined) return search;
  const rows = await within(first.anyOf[0]!)
    .select('versions.id')
    .limit(MOST_FIRST + 1)
    .execute();
  if (rows.length > MOST_FIRST) return search;
  const others = chains.filter((one) => one !== first);
  return { ...search, chains: others, patients: rows.length === 0 ? [NOBODY] : rows.map(({ id }) => id) };
}
