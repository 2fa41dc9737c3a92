/**
 * Which transactions wrote the steps of an access, by what the blocks say: who endorsed the decision, whether its holder was
 * among them, and when the holder was told of it. Every member of the channel can say that.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ACCESS_STEPS, type AccessState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables, TransactionsTable } from '../schema.ts';
import type { Checks } from './checks.ts';

type Parties = Pick<AccessState, 'id' | 'requestor' | 'holder'>;

/** How an access was decided. */
export interface Decided {
  /** MSP ids. */
  endorsers: string[];
  /** When the holder was told of a decision that it did not endorse; absent where it did, or is not told yet. */
  holderToldAt?: string;
}

export interface Taken {
  /** Steps, from the decision on, that the requestor's inbox has and the holder has not. */
  untold: number[];
  decided?: Decided;
}

/** Ids of the transactions that wrote a step: for the requestor, and for the holder. */
interface Written {
  inbox?: string;
  care?: string;
}

const DECIDED = ACCESS_STEPS.granted;
const PURGED = ACCESS_STEPS.purged;

export class AccessSteps {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Which steps the holder has not been told of, and who endorsed the decision, where there is one. */
  async taken(access: Parties): Promise<Taken> {
    const steps = await this.#written(access);
    const untold = [DECIDED, PURGED].filter((step) => isUntold(steps.get(step)));
    const decided = await this.#decided(steps.get(DECIDED));
    return decided === undefined ? { untold } : { untold, decided };
  }

  async #decided({ inbox, care }: Written = {}): Promise<Decided | undefined> {
    const decision = inbox && (await this.#transaction(inbox));
    if (!decision) return undefined;
    const endorsers = decision.endorsers.split(',');
    const told = care === undefined || care === inbox ? undefined : await this.#transaction(care);
    return told === undefined ? { endorsers } : { endorsers, holderToldAt: told.time };
  }

  async #written({ id, requestor, holder }: Parties): Promise<Map<number, Written>> {
    const stepOf = new Map([DECIDED, PURGED].map((step) => [sha256Hex(privateKeys.access(id, step)), step]));
    const [inbox, care] = [collections.inbox(requestor), collections.care(holder)];
    const rows = await this.#db
      .selectFrom('anchors')
      .selectAll()
      .where('key_hash', 'in', [...stepOf.keys()])
      .where('collection', 'in', [inbox, care])
      .execute();
    const steps = new Map<number, Written>();
    for (const { key_hash: hash, collection, transaction_id: id } of this.#checks.rows('anchors', rows)) {
      const step = stepOf.get(hash) ?? 0;
      steps.set(step, { ...steps.get(step), ...(collection === inbox ? { inbox: id } : { care: id }) });
    }
    return steps;
  }

  async #transaction(id: string): Promise<TransactionsTable | undefined> {
    const query = this.#db.selectFrom('transactions').selectAll().where('transaction_id', '=', id);
    const row = await query.executeTakeFirst();
    return row && this.#checks.row('transactions', row);
  }
}

const isUntold = ({ inbox, care }: Written = {}): boolean => inbox !== undefined && care === undefined;
