/** Who has signed the ledger's tree at which size: what the rows say, checked for being this gateway's. */
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import type { CosignaturesTable, WitnessesTable } from '../tree-tables.ts';
import type { Checks } from './checks.ts';

/** Signatures that are looked at for one receipt. */
const MOST = 500;

export class Cosignatures {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Of trees that hold a leaf, the smallest first. */
  async over(leaf: number): Promise<readonly CosignaturesTable[]> {
    const query = this.#db.selectFrom('cosignatures').selectAll().where('size', '>', leaf).orderBy('size');
    return this.#checks.rows('cosignatures', await query.orderBy('msp_id').limit(MOST).execute());
  }

  /** Of the greatest trees, the greatest first. */
  async newest(count: number): Promise<readonly CosignaturesTable[]> {
    const query = this.#db.selectFrom('cosignatures').selectAll().orderBy('size', 'desc').orderBy('msp_id');
    return this.#checks.rows('cosignatures', await query.limit(count).execute());
  }

  async witness(mspId: string, publicKey: string): Promise<WitnessesTable | undefined> {
    const row = await this.#db
      .selectFrom('witnesses')
      .selectAll()
      .where('msp_id', '=', mspId)
      .where('public_key', '=', publicKey)
      .executeTakeFirst();
    return row && this.#checks.row('witnesses', row);
  }

  /** Whether there is anything from this leaf on that is no signature of the tree. */
  async isMoreSince(leaf: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('leaves')
      .leftJoin('transactions', 'transactions.transaction_id', 'leaves.transaction_id')
      .select('leaf')
      .where('leaf', '>=', leaf)
      .where((where) => where.or([where('event', 'is', null), where('event', '!=', events.CheckpointCosigned)]))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}
