/** The criteria of a search on what `search_values` keeps, each as a condition on a row of `versions`. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { RangeCriterion, Search, ValueCriterion } from '../../fhir/repository.ts';
import { componentName, rangesByName } from '../../fhir/search/extraction.ts';
import { keptUnder, parameterOf } from '../../fhir/search-parameters.ts';
import { indexed } from '../storable.ts';
import type { VersionQuery } from './version-query.ts';

export type Condition = RawBuilder<SqlBool>;
type Texts = Pick<ValueCriterion, 'anyOf' | 'isPrefix' | 'isPart'>;

const and = (all: readonly Expression<SqlBool>[]): Condition =>
  all.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`(${sql.join([...all], sql` and `)})`;
const or = (all: readonly Expression<SqlBool>[]): Condition =>
  all.length === 0 ? sql<SqlBool>`1 = 0` : sql<SqlBool>`(${sql.join([...all], sql` or `)})`;

/** Sorts behind whatever may follow a prefix: texts are compared byte by byte. */
const AFTER_ALL = '\u{10ffff}';
const literally = (text: string): string => text.replace(/[\\%_]/g, (character) => `\\${character}`);

/** On a row `term` of search_values. */
function isValue(value: string, { isPrefix, isPart }: Texts): Condition {
  if (isPart === true) return sql<SqlBool>`term.value like ${`%${literally(value)}%`} escape '\\'`;
  if (isPrefix !== true) return sql<SqlBool>`term.value = ${indexed(value)}`;
  return sql<SqlBool>`(term.value >= ${value} and term.value < ${`${value}${AFTER_ALL}`})`;
}

/** On a row `term` of search_values. */
export const isText = (wanted: Texts): Condition =>
  or(
    wanted.anyOf.map(({ system, value }) =>
      and([
        ...(value === undefined ? [] : [isValue(value, wanted)]),
        ...(system === undefined ? [] : [sql<SqlBool>`term.system = ${indexed(system)}`]),
      ]),
    ),
  );

const ENDS = { low: sql`term.low`, high: sql`term.high` };
const OPERATORS = { '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=` };

/** The literal lets the index over ranges be taken. */
const isWithin = (anyOf: RangeCriterion['anyOf']): Condition =>
  and([
    sql<SqlBool>`term.ranged = 1`,
    or(
      anyOf.map(({ system, unit, alternatives }) =>
        and([
          ...(system === undefined ? [] : [sql<SqlBool>`term.system = ${indexed(system)}`]),
          ...(unit === undefined ? [] : [sql<SqlBool>`term.value = ${indexed(unit)}`]),
          or(
            alternatives.map((all) =>
              and(all.map(({ end, operator, limit }) => sql<SqlBool>`${ENDS[end]} ${OPERATORS[operator]} ${limit}`)),
            ),
          ),
        ]),
      ),
    ),
  ]);

export class Matching {
  readonly #search: Search;
  /** The newest versions that another search matches, as far as the caller sees them. */
  readonly #within: (search: Search) => VersionQuery<object>;

  constructor(search: Search, within: (search: Search) => VersionQuery<object>) {
    this.#search = search;
    this.#within = within;
  }

  /**
   * Whether a patient or ids leave few rows: then each is looked at, where the values of everybody would be gathered first (of
   * 100,000 records 44 ms instead of 1).
   */
  get #isAmongFew(): boolean {
    const { type, ids, patients, chains = [] } = this.#search;
    return (
      ids !== undefined || patients !== undefined || chains.some(({ parameter }) => this.#isColumn(type, parameter))
    );
  }

  all(): Condition[] {
    const { values = [], ranges = [], composites = [], missing = [], chains = [], reverse = [] } = this.#search;
    return [
      ...values.map((one) => this.#value(one)),
      ...ranges.map(({ parameter, anyOf }) =>
        or(rangesByName(parameter, anyOf).map(([name, some]) => this.#has(name, isWithin(some)))),
      ),
      ...composites.map((one) => this.#composite(one)),
      ...missing.map(({ parameter, isMissing }) => this.#missing(parameter, isMissing)),
      ...chains.map(({ parameter, anyOf }) => or(anyOf.map((one) => this.#chain(parameter, one)))),
      ...reverse.map(({ parameter, of }) => this.#referred(parameter, of)),
    ];
  }

  /** Rows of what this search looks for: the collection tells apart what others recorded under the same id. */
  #terms(parameter: string, condition: Condition, type = this.#search.type): Condition {
    const names = sql.join([...keptUnder(type, parameter)]);
    return sql<SqlBool>`term.type = ${type} and term.parameter in (${names}) and ${condition}`;
  }

  #has(parameter: string, condition: Condition): Condition {
    const terms = this.#terms(parameter, condition);
    if (this.#isAmongFew)
      return sql<SqlBool>`exists (select 1 from search_values as term where term.id = versions.id and term.collection = versions.collection and ${terms})`;
    return sql<SqlBool>`(versions.id, versions.collection) in (select term.id, term.collection from search_values as term where ${terms})`;
  }

  #isColumn = (type: string, parameter: string): boolean => parameterOf(type, parameter)?.column === 'patient';

  #value({ parameter, orUnder = [], isNot, ...wanted }: ValueCriterion): Condition {
    const any = or([parameter, ...orUnder].map((name) => this.#valueUnder(name, wanted)));
    return isNot === true ? sql<SqlBool>`not ${any}` : any;
  }

  #valueUnder(parameter: string, wanted: Texts): Condition {
    const found = this.#has(parameter, isText(wanted));
    const patients = this.#isColumn(this.#search.type, parameter)
      ? wanted.anyOf.flatMap(({ value = '' }) => (value.startsWith('Patient/') ? [value.slice('Patient/'.length)] : []))
      : [];
    return patients.length === 0
      ? found
      : or([sql<SqlBool>`coalesce(versions.patient, '') in (${sql.join(patients)})`, found]);
  }

  #missing(parameter: string, isMissing: boolean): Condition {
    const kept = this.#has(parameter, sql<SqlBool>`1 = 1`);
    const any = this.#isColumn(this.#search.type, parameter)
      ? or([sql<SqlBool>`versions.patient is not null`, kept])
      : kept;
    return isMissing ? sql<SqlBool>`not ${any}` : any;
  }

  /** All components in one base: the places are those where every one of them is met. */
  #composite({ parameter, anyOf }: NonNullable<Search['composites']>[number]): Condition {
    return or(
      anyOf.map((components) => {
        const met = components.map((one, index) => {
          const condition = 'ranges' in one ? isWithin(one.ranges) : isText(one);
          const terms = this.#terms(componentName(parameter, index + 1), condition);
          return sql`select term.id, term.collection, term.place from search_values as term where ${terms}`;
        });
        const places = sql.join(met, sql` intersect `);
        return sql<SqlBool>`(versions.id, versions.collection) in (select met.id, met.collection from (${places}) as met)`;
      }),
    );
  }

  #chain(parameter: string, to: Search): Condition {
    const ids = this.#within(to).select('versions.id');
    if (to.type === 'Patient' && this.#isColumn(this.#search.type, parameter))
      return sql<SqlBool>`versions.patient in ${ids}`;
    const references = this.#within(to).select(sql<string>`${`${to.type}/`} || versions.id`.as('reference'));
    return this.#has(parameter, sql<SqlBool>`term.value in ${references}`);
  }

  #referred(parameter: string, from: Search): Condition {
    const { type } = this.#search;
    if (type === 'Patient' && this.#isColumn(from.type, parameter))
      return sql<SqlBool>`versions.id in ${this.#within(from).select('versions.patient').where('versions.patient', 'is not', null)}`;
    const found = this.#within(from).select(['versions.id', 'versions.collection']);
    const isOfThem = sql<SqlBool>`(term.id, term.collection) in ${found}`;
    const isOfType = sql<SqlBool>`term.value >= ${`${type}/`} and term.value < ${`${type}0`}`;
    const terms = this.#terms(parameter, and([isOfType, isOfThem]), from.type);
    return sql<SqlBool>`versions.id in (select substr(term.value, ${type.length + 2}) from search_values as term where ${terms})`;
  }
}
