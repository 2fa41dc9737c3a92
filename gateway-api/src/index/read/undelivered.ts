/**
 * What is known to be on the ledger and has not been delivered to this organisation's peer yet. Blocks name it by the
 * hash of its key alone, so it is found by the keys that it could have.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import { notHereYet } from '../../http/failures.ts';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';

export interface UndeliveredOptions {
  /** How many values are undelivered: nobody looks for what cannot be there. */
  lacks: () => number;
  retryAfterSeconds: () => number;
}

const versionKeys = (id: string, version: number): string[] => [
  ...[privateKeys.record(id, version), privateKeys.consent(id, version), privateKeys.coverage(id, version)],
];

/** Of more incomplete deliveries, the first ones are looked into. */
const ACCESSES = 1_000;

export class Undelivered {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;
  readonly #inbox: string;
  readonly #options: UndeliveredOptions;

  constructor(db: Kysely<IndexTables>, checks: Checks, organisation: string, options: UndeliveredOptions) {
    this.#db = db;
    this.#checks = checks;
    this.#inbox = collections.inbox(organisation);
    this.#options = options;
  }

  count(): number {
    return this.#options.lacks();
  }

  /** Values that a transaction wrote and that have not arrived. */
  async ofTransaction(transactionId: string): Promise<number> {
    if (this.#options.lacks() === 0) return 0;
    const { values } = await this.#db
      .selectFrom('missing')
      .select((select) => select.fn.countAll<number>().as('values'))
      .where('transaction_id', '=', transactionId)
      .where('reason', '=', 'undelivered')
      .executeTakeFirstOrThrow();
    return Number(values);
  }

  /** @throws {Failure} 503 where the version after the newest that is held (0 for none) is on its way. */
  async demandNext(id: string, newest: number): Promise<void> {
    if (this.#options.lacks() === 0) return;
    const keys = versionKeys(id, newest + 1);
    await this.#demand(newest === 0 ? [...keys, privateKeys.claim(id), ...(await this.#copiesOf(id))] : keys);
  }

  /** @throws {Failure} 503 where one of these versions is on its way. */
  async demandVersions(id: string, versions: readonly number[]): Promise<void> {
    if (this.#options.lacks() > 0) await this.#demand(versions.flatMap((version) => versionKeys(id, version)));
  }

  /** @throws {Failure} 503 where the value under this key is on its way. */
  async demandValue(key: string): Promise<void> {
    if (this.#options.lacks() > 0) await this.#demand([key]);
  }

  /** The keys that copies of a record have in incomplete deliveries to this organisation. */
  async #copiesOf(id: string): Promise<string[]> {
    const accesses = await this.#db
      .selectFrom('missing')
      .innerJoin('states', 'states.transaction_id', 'missing.transaction_id')
      .select('states.id')
      .distinct()
      .where('missing.collection', '=', this.#inbox)
      .where('missing.reason', '=', 'undelivered')
      .where('states.kind', '=', 'access')
      .limit(ACCESSES)
      .execute();
    return accesses.map((access) => privateKeys.copy(access.id, id));
  }

  async #demand(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const found = await this.#db
      .selectFrom('missing')
      .selectAll()
      .where('key_hash', 'in', keys.map(sha256Hex))
      .where('reason', '=', 'undelivered')
      .limit(1)
      .executeTakeFirst();
    if (found === undefined) return;
    this.#checks.row('missing', found);
    throw notHereYet(this.#options.retryAfterSeconds());
  }
}
