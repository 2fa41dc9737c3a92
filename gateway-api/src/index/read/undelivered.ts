/**
 * What is known to be on the ledger and has not been delivered to this organisation's peer yet. Blocks name it by the
 * hash of its key alone, so it is found by the keys that it could have.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { isIdOfPlace } from '@telemed-ledger/chaincode/model/sheets.ts';
import { ACCESS_STEPS } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import { notHereYet } from '../../http/failures.ts';
import type { IndexTables } from '../schema.ts';
import type { Checks } from './checks.ts';
import { type ConsentEnd, marksOf } from './consent-ends.ts';

export interface UndeliveredOptions {
  /** How many values are undelivered: nobody looks for what cannot be there. */
  lacks: () => number;
  retryAfterSeconds: () => number;
  /** How many versions are held and not shown; nobody looks for them where there are none. */
  faults?: () => number;
}

const versionKeys = (id: string, version: number): string[] => [
  ...[privateKeys.version(id, version), privateKeys.consent(id, version), privateKeys.coverage(id, version)],
];

const CARE = collections.care('');

/** What a step of an access is written with. */
const keysOfStep = (id: string, step: number): string[] => [
  privateKeys.access(id, step),
  ...(step === ACCESS_STEPS.requested ? [privateKeys.request(id)] : []),
  ...(step === ACCESS_STEPS.granted ? [privateKeys.copies(id), privateKeys.account(id)] : []),
];

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

  /**
   * Values of an access that have not arrived: of a step, and of the one after that. One transaction may carry several accesses,
   * and what is lacking of another is none of this one's.
   */
  async ofAccess(id: string, step: number): Promise<number> {
    if (this.#options.lacks() === 0) return 0;
    const keys = [...keysOfStep(id, step), ...keysOfStep(id, step + 1)];
    const { values } = await this.#db
      .selectFrom('missing')
      .select((select) => select.fn.countAll<number>().as('values'))
      .where('key_hash', 'in', keys.map(sha256Hex))
      .where('reason', '=', 'undelivered')
      .executeTakeFirstOrThrow();
    return Number(values);
  }

  /** @throws {Failure} 503 where the version after the newest that is held (0 for none) is on its way. */
  async demandNext(id: string, newest: number): Promise<void> {
    if (this.#options.lacks() === 0) return;
    await this.#demandContent(id, [newest + 1]);
    const keys = versionKeys(id, newest + 1);
    await this.#demand(newest === 0 ? [...keys, privateKeys.claim(id)] : keys);
    if (newest === 0) await this.demandContents(isIdOfPlace(id) ? [CARE, this.#inbox] : [this.#inbox]);
  }

  /** @throws {Failure} 503 where one of these versions is on its way. */
  async demandVersions(id: string, versions: readonly number[]): Promise<void> {
    if (this.#options.lacks() === 0) return;
    await this.#demandContent(id, versions);
    await this.#demand(versions.flatMap((version) => versionKeys(id, version)));
  }

  /** @throws {Failure} 503 where the value under this key is on its way. */
  async demandValue(key: string): Promise<void> {
    if (this.#options.lacks() > 0) await this.#demand([key]);
  }

  /**
   * How a version of a consent ended by a mark whose value has not arrived or cannot be read: a mark ends it by being there.
   * undefined where there is none.
   */
  async endOfConsent({ id, version }: { id: string; version: number }): Promise<ConsentEnd | undefined> {
    for (const [key, isVersion] of marksOf(id, version)) {
      const mark = await this.#db
        .selectFrom('missing')
        .selectAll()
        .where('key_hash', '=', sha256Hex(key))
        .where('collection', '=', collections.marks)
        .executeTakeFirst();
      if (mark === undefined) continue;
      const { transaction_id: transactionId } = this.#checks.row('missing', mark);
      const transaction = await this.#db
        .selectFrom('transactions')
        .selectAll()
        .where('transaction_id', '=', transactionId)
        .executeTakeFirstOrThrow();
      const { time } = this.#checks.row('transactions', transaction);
      return { at: time, transactionId, isVersion };
    }
    return undefined;
  }

  /** @throws {Failure} 503 where it is known where one of these versions stands, and the content there is on its way. */
  async #demandContent(id: string, versions: readonly number[]): Promise<void> {
    const hashes = versions.map((version) => sha256Hex(privateKeys.version(id, version)));
    if (hashes.length === 0) return;
    const places = await this.#db
      .selectFrom('private_values')
      .select('transaction_id')
      .where('key_hash', 'in', hashes)
      .execute();
    if (places.length === 0) return;
    const found = await this.#undelivered()
      .where(
        'transaction_id',
        'in',
        places.map((place) => place.transaction_id),
      )
      .executeTakeFirst();
    this.#refuse(found);
  }

  /**
   * What is lacking may hold any record: a content and a delivery do not say in their key what is in them.
   * @param collections the beginnings of their names
   * @throws {Failure} 503 where one is on its way
   */
  async demandContents(collections: readonly string[]): Promise<void> {
    if (this.#options.lacks() === 0) return;
    const found = await this.#undelivered()
      .where((where) => where.or(collections.map((name) => where('collection', 'like', `${name}%`))))
      .executeTakeFirst();
    this.#refuse(found);
  }

  /** How many values of a collection have not arrived. */
  async countIn(collection: string): Promise<number> {
    if (this.#options.lacks() === 0) return 0;
    const { values } = await this.#db
      .selectFrom('missing')
      .select((select) => select.fn.countAll<number>().as('values'))
      .where('collection', '=', collection)
      .where('reason', '=', 'undelivered')
      .executeTakeFirstOrThrow();
    return Number(values);
  }

  #undelivered() {
    return this.#db.selectFrom('missing').selectAll().where('reason', '=', 'undelivered').limit(1);
  }

  #refuse(found: IndexTables['missing'] | undefined): void {
    if (found === undefined) return;
    this.#checks.row('missing', found);
    throw notHereYet(this.#options.retryAfterSeconds());
  }

  async #demand(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.#refuse(await this.#undelivered().where('key_hash', 'in', keys.map(sha256Hex)).executeTakeFirst());
  }
}

const LONGEST_GAP = 100;

/** Versions that are lacking between those held, which are given newest first; of a long gap the first. */
export function gapsIn(rows: readonly { version: number }[]): number[] {
  const versions = rows.map(({ version }) => version).reverse();
  return versions.flatMap((version, index) => {
    const before = versions[index - 1] ?? 0;
    return Array.from({ length: Math.min(version - before - 1, LONGEST_GAP) }, (_, at) => before + 1 + at);
  });
}
