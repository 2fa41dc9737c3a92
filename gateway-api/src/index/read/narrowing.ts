/**
 * What a search rests on and few have is found first: the patients whom a chain means, and those of a patient's records that have a value,
 * which `search_values` has side by side. Then few rows are looked at.
 */
import { type Kysely, sql } from 'kysely';
import type { Search, ValueCriterion } from '../../fhir/repository.ts';
import { keptUnder, parameterOf } from '../../fhir/search-parameters.ts';
import type { IndexTables } from '../schema.ts';
import { indexed } from '../storable.ts';
import { isText } from './conditions.ts';
import { type Compartment, isForFew, matchingIn } from './matching.ts';
import type { VersionQuery } from './version-query.ts';

/** What more of them have is no narrowing: then her records are looked at in their order, until a page is full. */
const MOST = 256;
/** For more of them their records are not few. */
const MOST_PATIENTS = 16;
/** No resource's id. */
const NONE = '';

/** Whether all that it asks for is a value, or one of some, under parameters that `search_values` has all values of. */
const isExact = (type: string, { parameter, orUnder = [], isNot, isPrefix, isPart, anyOf }: ValueCriterion): boolean =>
  isNot !== true &&
  isPrefix !== true &&
  isPart !== true &&
  anyOf.length > 0 &&
  anyOf.every(({ value }) => value !== undefined) &&
  [parameter, ...orUnder].every((name) => parameterOf(type, name)?.column !== 'patient');

/** Of whose records alone a search can match any; undefined where it can match others. */
function patientsOf({ type, patients }: Search, view: Compartment): readonly string[] | undefined {
  const { compartment, linked = [], beside = [], offered = [] } = view;
  if (patients !== undefined) return patients;
  const isAlone = compartment !== undefined && beside.length === 0 && !offered.includes(type);
  return isAlone ? [compartment, ...linked] : undefined;
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
async function withPatients(search: Search, within: (search: Search) => VersionQuery<object>): Promise<Search> {
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

/** The same search with the ids that can match, where it is among few patients' records and asks for a value that few of them have. */
async function withIds(db: Kysely<IndexTables>, search: Search, view: Compartment): Promise<Search> {
  const { type, ids, values = [] } = search;
  const patients = patientsOf(search, view);
  if (ids !== undefined || patients === undefined || patients.length > MOST_PATIENTS) return search;
  for (const value of values.filter((one) => isExact(type, one))) {
    const found = await idsWith(db, type, patients, value);
    if (found.length <= MOST) return { ...search, ids: found.length === 0 ? [NONE] : found };
  }
  return search;
}

async function idsWith(
  db: Kysely<IndexTables>,
  type: string,
  patients: readonly string[],
  { parameter, orUnder = [], ...wanted }: ValueCriterion,
): Promise<string[]> {
  const names = [parameter, ...orUnder].flatMap((name) => [...keptUnder(type, name)]);
  const values = new Set(wanted.anyOf.map(({ value = '' }) => indexed(value)));
  const { rows } = await sql<{ id: string }>`select distinct term.id from search_values as term
    where term.type = ${type} and term.value in (${sql.join([...values])}) and term.parameter in (${sql.join(names)})
    and term.patient in (${sql.join([...patients])}) and ${isText(wanted)} limit ${MOST + 1}`.execute(db);
  return rows.map(({ id }) => id);
}

/** A search that matches the same and looks at fewer rows. @param shown the rows that the caller may see */
export async function narrowed(
  db: Kysely<IndexTables>,
  search: Search,
  shown: VersionQuery<object>,
  view: Compartment,
): Promise<Search> {
  const { compartment, linked } = view;
  return withIds(db, await withPatients(search, (to) => matchingIn(shown, to, { compartment, linked })), view);
}
