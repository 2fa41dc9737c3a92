/**
 * A ledger with something of everything: values written again, deleted, purged and expired, invalid transactions, key
 * policies, a second definition, private data that waits. And ways to change it behind its back.
 */
import type { Simulator } from '../../seams.ts';
import { CHAINCODE, COLLECTIONS, LedgerFixture, POLICY } from '../ledger.fixture.ts';
import { type Database, openDatabase } from '../state/store.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const put =
  (key: string, value: string, collection = '') =>
  (s: Simulator): void =>
    s.putState(CHAINCODE, collection, key, bytes(value));
const remove =
  (key: string, collection = '') =>
  (s: Simulator): void =>
    s.deleteState(CHAINCODE, collection, key);
const purge =
  (key: string, collection: string) =>
  (s: Simulator): void =>
    s.purgePrivateData(CHAINCODE, collection, key);
const all =
  (...bodies: ((s: Simulator) => void)[]) =>
  (s: Simulator): void => {
    for (const body of bodies) body(s);
  };

/** Values that must not be found in what is reported. */
export const SECRETS = /secret|whose/;

export class RichLedger {
  readonly fixture: LedgerFixture;

  private constructor(fixture: LedgerFixture) {
    this.fixture = fixture;
  }

  /** Closed, so that its files can be changed. */
  static async make(): Promise<RichLedger> {
    const fixture = await LedgerFixture.open();
    const rich = new RichLedger(fixture);
    const policy = fixture.channel.policies.parseText("OR('AlphaMSP.peer','BetaMSP.peer')");
    const protect = (collection: string, key: string) => (s: Simulator) =>
      s.putMetadata(CHAINCODE, collection, key, 'VALIDATION_PARAMETER', policy);
    await rich.commit(
      put('a', '1'),
      put('b', '1'),
      all(put('whose', 'secret 1', 'shared'), put('kept', 'secret 2', 'shared')),
    );
    await rich.commit(put('whose brief', 'secret 3', 'short'), put('c', '1'), put('gone', 'secret 4', 'shared'));
    await rich.commit(
      all(put('a', '2'), put('whose', 'secret 5', 'shared')),
      remove('b'),
      put('strict', 'secret 6', 'strict'),
    );
    const stale = (s: Simulator) => {
      s.getState(CHAINCODE, '', 'c');
      put('c', 'late')(s);
      put('whose', 'secret of an invalid one', 'shared')(s);
    };
    await rich.commit(all(put('c', '2'), protect('', 'c')), stale, protect('shared', 'kept'));
    await rich.commit(purge('gone', 'shared'), all(put('d', '1'), put('whose brief', 'secret 7', 'short')));
    await fixture.define(COLLECTIONS, POLICY, '2.0');
    await rich.commit(put('e', '1'), all(put('whose brief', 'secret 8', 'short'), put('other', 'secret 9', 'short')));
    await rich.commit(put('f', '1'), all(put('g', '1', 'gammas'), put('h', 'secret 10', 'strict')));
    await fixture.transact(['alpha', 'beta'], put('waiting', 'secret 11', 'shared'));
    await fixture.ledger.close();
    return rich;
  }

  /** One block of transactions endorsed on one state. */
  async commit(...bodies: ((s: Simulator) => void)[]): Promise<number[]> {
    const envelopes: Buffer[] = [];
    for (const body of bodies) envelopes.push(await this.fixture.transact(['alpha', 'beta'], body));
    return this.fixture.commit(...envelopes);
  }

  /** Changes entries of the closed store. */
  async change(work: (database: Database) => void | Promise<void>): Promise<void> {
    const database = await openDatabase(this.fixture.ledgerDir);
    try {
      await work(database);
    } finally {
      await database.close();
    }
  }

  entries(): Promise<[Buffer, Buffer][]> {
    return this.#read((database) => database.iterator().all());
  }

  async #read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const database = await openDatabase(this.fixture.ledgerDir);
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  }

  async close(): Promise<void> {
    await this.fixture.close();
  }
}
