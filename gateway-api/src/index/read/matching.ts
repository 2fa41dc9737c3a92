/** What a search matches among the versions, as SQL; search/matching.ts has the same on the text of each match. */
import { type Kysely, type SqlBool, sql } from 'kysely';
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
  const isFor =
    audience === undefined ? sql`1 = 1` : sql`(versions.audience is null or versions.audience = ${audience})`;
  const isDelivered = sql`(versions.collection = ${inbox} and versions.expires_at > ${now} and ${isFor})`;
  return db.selectFrom('versions').where(sql<SqlBool>`(versions.source is null or ${isDelivered})`);
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
  if (search.ids !== undefined) query = query.where('id', 'in', evenly(search.ids));
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

/** As many of them as a power of two, some more than once: so there are few different statements, which are prepared once each. */
function evenly(ids: readonly string[]): string[] {
  const size = 2 ** Math.ceil(Math.log2(Math.max(ids.length, 1)));
  return Array.from({ length: size }, (_, index) => ids[Math.min(index, ids.length - 1)]!);
}
