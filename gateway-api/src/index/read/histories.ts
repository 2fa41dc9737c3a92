/**
 * The history of many records (hl7.org/fhir/R4/http.html#history): their versions in the order of the ledger, the last first. Copies of
 * others' records are not in it: their history is their holder's.
 */
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { HistoryPage } from '../../fhir/repository.ts';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';
import { isIn, type View } from './deliveries.ts';
import { chosenRows } from './rows.ts';
import type { VersionRow } from './stored.ts';

/** Rows of the order that one page looks through: it may have fewer entries than asked for, and another one behind it. */
const WINDOW = 5_000;

export interface RowsPage {
  rows: VersionRow[];
  /** What the next page comes before; undefined on the last one. */
  next?: number;
}

const instant = (time: number): string => new Date(time).toISOString();

/** Versions that stood at some moment of a span: search/dates.ts, `stoodIn`. */
const stoodAt = ({ low, high }: NonNullable<HistoryPage['at']>) => sql<SqlBool>`versions.last_updated < ${instant(high)}
  and not exists (select 1 from versions as newer where newer.id = versions.id and newer.type = versions.type
  and newer.collection = versions.collection and newer.version > versions.version and newer.last_updated <= ${instant(low)})`;

export class Histories {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** @param views what is seen of each type; of others nothing @throws {IntegrityFailure} */
  async page(views: ReadonlyMap<string, View>, { count, before, since, at }: HistoryPage): Promise<RowsPage> {
    let query = this.#db.selectFrom('versions').orderBy('sequence', 'desc').limit(WINDOW);
    if (before !== undefined) query = query.where('sequence', '<', before);
    if (at !== undefined) query = query.where(stoodAt(at));
    let [looked, last]: [number, number | undefined] = [0, undefined];
    let isMore = false;
    const { rows, isCut } = await chosenRows(this.#db, query, (window) => {
      [looked, last] = [window.length, window.at(-1)?.sequence];
      const asked = window.filter((row) => {
        const view = views.get(row.type);
        const isShown = row.source === null && row.leaf !== null && row.erased === 0 && row.fault === null;
        const isSince = since === undefined || Date.parse(row.last_updated) >= since;
        return view !== undefined && isShown && isSince && isIn(row, view);
      });
      isMore = asked.length > count;
      return asked.slice(0, count);
    });
    for (const row of rows) this.#checks.row('versions', row);
    const next = isMore || isCut ? rows.at(-1)?.sequence : last;
    return { rows, ...(next !== undefined && (isMore || isCut || looked >= WINDOW) ? { next } : {}) };
  }
}
