/** What a search matches among the versions, as SQL; and what of it is checked again on the text of each match. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import { SEARCH_PARAMETERS, searchValuesOf } from '../../fhir/search-parameters.ts';
import type { IndexTables } from '../schema.ts';
import { indexed } from '../storable.ts';
import { boundsOf } from './dates.ts';

export type VersionQuery<O> = SelectQueryBuilder<IndexTables, 'versions', O>;

/** The data of one patient. */
export interface Compartment {
  /** Id of the Patient; absent: everybody's data. */
  compartment?: string | undefined;
  /** With a compartment: those that are linked with it. */
  linked?: readonly string[] | undefined;
  /** In a compartment: ids of what is about no patient and is seen beside it, of the type that is asked for. */
  beside?: readonly string[] | undefined;
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
const RARE = new Set(SEARCH_PARAMETERS.filter(({ isRare }) => isRare).map(({ name }) => name));
export const isForFew = ({ ids, values = [] }: Search): boolean =>
  ids !== undefined || values.some(({ parameter }) => RARE.has(parameter));

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
  { compartment, linked = [], beside = [] }: Compartment,
): VersionQuery<object> {
  const current = isForFew(search) ? FEW.current : 'current';
  let query = visible.where(current, '=', NEWEST).where('type', '=', search.type);
  if (compartment !== undefined && beside.length === 0) query = query.where('patient', 'in', [compartment, ...linked]);
  if (compartment !== undefined && beside.length > 0)
    query = query.where((where) =>
      where.or([
        where('patient', 'in', [compartment, ...linked]),
        where.and([where('patient', 'is', null), where('id', 'in', [...beside])]),
      ]),
    );
  if (search.ids !== undefined) query = query.where('id', 'in', search.ids);
  if (search.patients !== undefined) query = query.where('patient', 'in', search.patients);
  for (const value of search.values ?? []) query = withValue(query, search.type, value);
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

/** Sorts behind whatever may follow a prefix: texts are compared byte by byte. */
const AFTER_ALL = '\u{10ffff}';

type WantedValue = NonNullable<Search['values']>[number];

/** What has the value in its newest version: the collection tells apart what others recorded under the same id. */
function withValue(
  query: VersionQuery<object>,
  type: string,
  { parameter, anyOf, isPrefix }: WantedValue,
): VersionQuery<object> {
  return query.where(
    (where) => where.refTuple('versions.id', 'versions.collection'),
    'in',
    (where) =>
      where
        .selectFrom('search_values')
        .where('search_values.type', '=', type)
        .where('search_values.parameter', '=', parameter)
        .where((or) =>
          or.or(
            anyOf.map(({ system, value }) =>
              isPrefix === true
                ? or.and([
                    or('search_values.value', '>=', value),
                    or('search_values.value', '<', `${value}${AFTER_ALL}`),
                  ])
                : system === undefined
                  ? or('search_values.value', '=', indexed(value))
                  : or.and([
                      or('search_values.value', '=', indexed(value)),
                      or('search_values.system', '=', indexed(system)),
                    ]),
            ),
          ),
        )
        .select(['search_values.id', 'search_values.collection'])
        .$asTuple('id', 'collection'),
  );
}

/** Whether a resource has the values by which it was found. */
export function hasValues(resource: Resource, { values = [] }: Search): boolean {
  if (values.length === 0) return true;
  const stated = searchValuesOf(resource);
  return values.every(({ parameter, anyOf, isPrefix }) =>
    anyOf.some(({ system, value }) =>
      stated.some(
        (one) =>
          one.parameter === parameter &&
          (isPrefix === true ? one.value.startsWith(value) : one.value === value) &&
          (system === undefined || one.system === system),
      ),
    ),
  );
}
