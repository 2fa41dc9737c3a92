/**
 * In which order a search's matches come, and where a page begins: after the last row of the page before it, whatever has been
 * written since. Equals, and everything where no order is asked for, come in the order of the ledger.
 */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Search, SortKey } from '../../fhir/repository.ts';
import { FOREVER } from '../../fhir/search/dates.ts';
import { keptUnder, parameterOf } from '../../fhir/search-parameters.ts';
import type { IndexTables } from '../schema.ts';
import { FEW, isForFew } from './matching.ts';
import type { VersionRow } from './stored.ts';
import type { VersionQuery } from './version-query.ts';

type Value = string | number;

interface Key {
  value: RawBuilder<Value>;
  isDescending: boolean;
}

const RANGED = new Set<string | undefined>(['date', 'number', 'quantity']);

/** hl7.org/fhir/R4/search.html#sort: of several values the lowest, or from the highest on; what has none comes first. */
function sortedBy(type: string, { parameter, isDescending }: SortKey): RawBuilder<Value> {
  const known = parameterOf(type, parameter);
  if (known?.column === 'id') return sql`versions.id`;
  if (known?.column === 'last_updated') return sql`versions.last_updated`;
  if (known?.column === 'patient') return sql`coalesce(versions.patient, '')`;
  const isRanged = RANGED.has(known?.type);
  const [extreme, column] = isDescending
    ? [sql`max`, isRanged ? sql`term.high` : sql`term.value`]
    : [sql`min`, isRanged ? sql`term.low` : sql`term.value`];
  const names = sql.join([...keptUnder(type, parameter)]);
  const found = sql`select ${extreme}(${column}) from search_values as term
    where term.id = versions.id and term.type = versions.type and term.collection = versions.collection
    and term.parameter in (${names})`;
  return isRanged ? sql`coalesce((${found}), ${sql.lit(-FOREVER)})` : sql`coalesce((${found}), '')`;
}

export class Order {
  readonly #search: Search;
  readonly #keys: readonly Key[];

  constructor(search: Search) {
    this.#search = search;
    const { type, sort = [] } = search;
    this.#keys = sort.map((key) => ({ value: sortedBy(type, key), isDescending: key.isDescending }));
  }

  /** Up to so many rows from where the search's page begins, without columns; backwards where it is the one before. */
  page(matching: VersionQuery<object>, limit: number): VersionQuery<object> {
    const { after, before } = this.#search;
    const isBack = before !== undefined;
    const place = before ?? after;
    let query = place === undefined ? matching : matching.where(this.#beyond(place, isBack));
    for (const { value, isDescending } of this.#keys)
      query = query.orderBy(value, isDescending === isBack ? 'asc' : 'desc');
    const sequence = this.#keys.length === 0 && isForFew(this.#search) ? FEW.sequence : 'sequence';
    return query.orderBy(sequence, isBack ? 'desc' : 'asc').limit(limit);
  }

  /** The place of a row, opaque to everybody else. */
  async placeOf(db: Kysely<IndexTables>, { sequence }: VersionRow): Promise<string> {
    if (this.#keys.length === 0) return String(sequence);
    const columns = this.#keys.map(({ value }, index) => value.as(`key${index}`));
    const row = await db.selectFrom('versions').select(columns).where('sequence', '=', sequence).executeTakeFirst();
    return JSON.stringify([...Object.values(row ?? {}), sequence]);
  }

  #beyond(place: string, isBack: boolean): RawBuilder<SqlBool> {
    const parsed: unknown = JSON.parse(place);
    const values = (Array.isArray(parsed) ? parsed : [parsed]) as Value[];
    const keys = [...this.#keys, { value: sql<Value>`versions.sequence`, isDescending: false }];
    const alternatives = keys.map(({ value, isDescending }, index) => {
      const equal = keys.slice(0, index).map((key, before) => sql`${key.value} = ${values[before]}`);
      const operator = isDescending === isBack ? sql`>` : sql`<`;
      return sql`(${sql.join([...equal, sql`${value} ${operator} ${values[index]}`], sql` and `)})`;
    });
    return sql<SqlBool>`(${sql.join(alternatives, sql` or `)})`;
  }
}
