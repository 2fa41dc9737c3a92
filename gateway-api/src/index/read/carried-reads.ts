/** Reads at other organisations, as their anchors have carried them to the custodian: checked for being this gateway's rows. */
import { type Kysely, sql } from 'kysely';
import type { CarriedReadsTable } from '../log-tables.ts';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';

/** A place between reads: what is older is behind it. */
export interface Behind {
  /** ISO 8601 UTC. */
  at: string;
  sequence: number;
}

export class CarriedReads {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Of these patients, newest first by their own time. @throws {IntegrityFailure} */
  async page(
    patients: readonly string[],
    { count, behind }: { count: number; behind?: Behind | undefined },
  ): Promise<readonly CarriedReadsTable[]> {
    let query = this.#db
      .selectFrom('carried_reads')
      .selectAll()
      .where('patient', 'in', [...patients]);
    if (behind !== undefined) query = query.where(sql<boolean>`(at, sequence) < (${behind.at}, ${behind.sequence})`);
    const rows = await query.orderBy('at', 'desc').orderBy('sequence', 'desc').limit(count).execute();
    return this.#checks.rows('carried_reads', rows);
  }

  /** By its number in the log of another organisation. @throws {IntegrityFailure} */
  async find(organisation: string, row: number): Promise<CarriedReadsTable | undefined> {
    const query = this.#db.selectFrom('carried_reads').selectAll().where('organisation', '=', organisation);
    const found = await query.where('row', '=', row).executeTakeFirst();
    return found && this.#checks.row('carried_reads', found);
  }
}
