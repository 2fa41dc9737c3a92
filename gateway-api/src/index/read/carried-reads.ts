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

  /** Of one patient, newest first by their own time. @throws {IntegrityFailure} */
  async page(
    patient: string,
    { count, behind }: { count: number; behind?: Behind | undefined },
  ): Promise<readonly CarriedReadsTable[]> {
    let query = this.#db.selectFrom('carried_reads').selectAll().where('patient', '=', patient);
    if (behind !== undefined) query = query.where(sql<boolean>`(at, sequence) < (${behind.at}, ${behind.sequence})`);
    const rows = await query.orderBy('at', 'desc').orderBy('sequence', 'desc').limit(count).execute();
    return this.#checks.rows('carried_reads', rows);
  }
}
