/**
 * Rows of versions in answers of a bounded size. How large a value is, is known without reading it; so it is asked first,
 * and what would make an answer too large is left for the next page.
 */
import { type Kysely, sql } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import { inStretches } from '../../http/pauses.ts';
import type { IndexTables } from '../schema.ts';
import { STANDING, type Standing } from '../write/resources.ts';
import { isForFew } from './matching.ts';
import { Order } from './order.ts';
import type { VersionRow } from './stored.ts';
import type { VersionQuery } from './version-query.ts';

/** Of the values in one answer; one larger value is an answer of its own. */
const ANSWER_BYTES = 8 * 1024 * 1024;
/** Read at once without asking for their size: most answers have fewer, and cost one statement. */
const FEW = 4;
const ROWS_PER_QUERY = 100;
const BYTES = sql<number>`octet_length(value)`.as('bytes');
/** Values up to this are read with their rows: of the longest page together about as much as an answer holds. */
const SHORT_BYTES = 8 * 1024;
/** The columns of a row in one piece, which is put together once; a value that is not short is left out. */
const SHORT = sql<string | null>`${sql.raw(STANDING.map((column) => `versions."${column}"`).join(', '))},
  octet_length(value) as bytes, case when octet_length(value) <= ${sql.lit(SHORT_BYTES)} then value end`.as('value');

export interface Chosen {
  rows: VersionRow[];
  /** Some that were chosen did not fit into the answer: they come next. */
  isCut: boolean;
}

/**
 * Reads what `choose` takes from all rows of a query, in that order, as far as it fits into one answer.
 * @param query in an order of its own, without columns
 */
export async function chosenRows(
  db: Kysely<IndexTables>,
  query: VersionQuery<object>,
  choose: <Row extends Omit<VersionRow, 'value'>>(rows: Row[]) => Row[],
): Promise<Chosen> {
  const few = await query
    .selectAll('versions')
    .limit(FEW + 1)
    .execute();
  if (few.length <= FEW) {
    const chosen = choose(few);
    const rows = fittingOf(chosen, ({ value }) => value.length);
    return { rows, isCut: rows.length < chosen.length };
  }
  return rowsOf(db, choose(await query.select(STANDING).select(BYTES).execute()));
}

/** The same with short values read at once: nearly always one statement. For a query that sorts none, or few. */
async function shortRows(
  db: Kysely<IndexTables>,
  query: VersionQuery<object>,
  choose: <Row>(rows: Row[]) => Row[],
): Promise<Chosen> {
  return rowsOf(db, choose(await query.select(SHORT).$castTo<Short>().execute()));
}

type Short = Standing & { bytes: number; value: string | null };
type Found = { sequence: number; bytes: number; value?: undefined } | Short;

const isWhole = (found: Found): found is Short & { value: string } => typeof found.value === 'string';

/** The whole rows of these, as far as they fit into one answer. */
async function rowsOf(db: Kysely<IndexTables>, chosen: Found[]): Promise<Chosen> {
  const fitting = fittingOf(chosen, ({ bytes }) => Number(bytes));
  const bySequence = new Map<number, VersionRow>();
  for (const found of fitting) if (isWhole(found)) bySequence.set(found.sequence, found);
  const all = fitting.map(({ sequence }) => sequence);
  const sequences = all.filter((sequence) => !bySequence.has(sequence));
  const pieces = Array.from({ length: Math.ceil(sequences.length / ROWS_PER_QUERY) }, (_, piece) =>
    sequences.slice(piece * ROWS_PER_QUERY, (piece + 1) * ROWS_PER_QUERY),
  );
  await inStretches(pieces, async (piece) => {
    const rows = await db.selectFrom('versions').selectAll().where('sequence', 'in', piece).execute();
    for (const row of rows) bySequence.set(row.sequence, row);
  });
  // One that a block has removed in between is not there any more.
  const rows = all.flatMap((sequence) => bySequence.get(sequence) ?? []);
  return { rows, isCut: fitting.length < chosen.length };
}

function fittingOf<Row>(rows: Row[], bytesOf: (row: Row) => number): Row[] {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += bytesOf(row);
    return index > 0 && bytes > ANSWER_BYTES;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/** Whether its matches are met in the order of the ledger, by an index: nothing is gathered first, and nothing sorted. */
function isInOrder({ sort = [], patients, values, ranges, composites, missing, chains, reverse }: Search): boolean {
  const sifting = [values, ranges, composites, missing, chains, reverse];
  return sort.length === 0 && (patients !== undefined || sifting.every((one = []) => one.length === 0));
}

/** Beyond this a total is left out unless it is asked for: counting on would hold up everybody. */
const MOST_COUNTED = 1_000;

export interface FoundRows {
  rows: VersionRow[];
  total?: number;
  next?: string;
  previous?: string;
}

/**
 * A page of what matches a search, in its order; it ends early where it would become too large. A total is counted to
 * MOST_COUNTED, unless an accurate one is asked for.
 */
export async function searchRows(
  db: Kysely<IndexTables>,
  matching: VersionQuery<object>,
  search: Search,
): Promise<FoundRows> {
  const { count, after, before } = search;
  const order = new Order(search);
  const isBack = before !== undefined;
  let isMore = false;
  const paged = order.page(matching, count + 1);
  const chosen = <Row>(found: Row[]): Row[] => {
    isMore = found.length > count;
    return found.slice(0, count);
  };
  const { rows, isCut } =
    isForFew(search) || isInOrder(search)
      ? await shortRows(db, paged, chosen)
      : await rowsOf(db, chosen(await paged.select(['sequence', BYTES]).execute()));
  isMore ||= isCut;
  if (isBack) rows.reverse();
  const isAll = after === undefined && !isBack && !isMore;
  const total = isAll ? rows.length : await countedOf(db, matching, search);
  const [first, last] = [rows[0], rows.at(-1)];
  const isNext = isBack || isMore;
  const isPrevious = isBack ? isMore : after !== undefined;
  return {
    rows,
    ...(total === undefined ? {} : { total }),
    ...(isNext && last !== undefined ? { next: await order.placeOf(db, last) } : {}),
    ...(isPrevious && first !== undefined ? { previous: await order.placeOf(db, first) } : {}),
  };
}

const countedOf = async (
  db: Kysely<IndexTables>,
  matching: VersionQuery<object>,
  { isUncounted, isTotalAlone, isAccurate }: Search,
): Promise<number | undefined> =>
  isUncounted === true ? undefined : totalOf(db, matching, isTotalAlone === true || isAccurate === true);

async function totalOf(
  db: Kysely<IndexTables>,
  matching: VersionQuery<object>,
  exact: boolean,
): Promise<number | undefined> {
  const one = matching.select(sql<number>`1`.as('one'));
  const { total } = await db
    .selectFrom((exact ? one : one.limit(MOST_COUNTED + 1)).as('counted'))
    .select((select) => select.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return !exact && Number(total) > MOST_COUNTED ? undefined : Number(total);
}
