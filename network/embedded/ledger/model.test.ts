/** Random transactions in random blocks, against a model of Fabric's rules in a page of code. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Simulator } from '../seams.ts';
import { CHAINCODE, LedgerFixture } from './ledger.fixture.ts';
import { verifyLedger } from './verification/verify.ts';

type Step =
  | { kind: 'read' | 'write' | 'remove' | 'hash' | 'private' | 'purge'; key: string }
  | { kind: 'scan'; from: string; to: string };
type Transaction = Step[];
/** Transactions endorsed on one state and committed in one block. */
type Round = { transactions: Transaction[] };

const KEYS = ['a', 'b', 'c', '\ufffd', '\u{1f600}'];
const key = fc.constantFrom(...KEYS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('read', 'write', 'remove', 'hash', 'private', 'purge'), key }),
  fc.record({ kind: fc.constant('scan'), from: key, to: key }),
) as fc.Arbitrary<Step>;
const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({ transactions: fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }) }),
  { minLength: 1, maxLength: 5 },
);

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** State as name to the label of the last write; `#` before private keys. */
class Model {
  readonly state = new Map<string, string>();

  range(from: string, to: string): string {
    const keys = [...this.state.keys()].filter((each) => !each.startsWith('#'));
    const inside = keys.filter((each) => order(each, from) >= 0 && order(each, to) < 0).sort(order);
    return JSON.stringify(inside.map((each) => [each, this.state.get(each)]));
  }

  observe(each: Step): string | undefined {
    if (each.kind === 'scan') return this.range(each.from, each.to);
    return this.state.get(each.kind === 'read' ? each.key : `#${each.key}`);
  }

  /** Codes of a block whose transactions were all simulated on the state as it is now. */
  commit(transactions: Transaction[], block: number): number[] {
    const before = new Model();
    for (const [name, label] of this.state) before.state.set(name, label);
    const written = new Set<string>();
    return transactions.map((steps, index) => {
      const reads = steps.filter(({ kind }) => kind === 'read');
      const hashes = steps.filter(({ kind }) => kind === 'hash');
      const scans = steps.filter(({ kind }) => kind === 'scan');
      const isStale = (each: Step) =>
        each.kind !== 'scan' && written.has(each.kind === 'hash' ? `#${each.key}` : each.key);
      if (reads.some(isStale)) return 11;
      if (scans.some((each) => this.observe(each) !== before.observe(each))) return 12;
      if (hashes.some(isStale)) return 11;
      this.#apply(steps, `${block}/${index}`, written);
      return 0;
    });
  }

  #apply(steps: Transaction, label: string, written: Set<string>): void {
    for (const each of steps) {
      if (each.kind === 'scan' || each.kind === 'read' || each.kind === 'hash') continue;
      const name = each.kind === 'private' || each.kind === 'purge' ? `#${each.key}` : each.key;
      written.add(name);
      if (each.kind === 'write' || each.kind === 'private') this.state.set(name, label);
      else this.state.delete(name);
    }
  }
}

async function run(simulator: Simulator, steps: Transaction, label: string): Promise<void> {
  for (const each of steps) {
    const value = Buffer.from(label);
    if (each.kind === 'scan') {
      const iterator = simulator.range(CHAINCODE, '', each.from, each.to);
      while (await iterator.next());
    } else if (each.kind === 'read') simulator.getState(CHAINCODE, '', each.key);
    else if (each.kind === 'hash') simulator.getPrivateDataHash(CHAINCODE, 'shared', each.key);
    else if (each.kind === 'write') simulator.putState(CHAINCODE, '', each.key, value);
    else if (each.kind === 'remove') simulator.deleteState(CHAINCODE, '', each.key);
    else if (each.kind === 'private') simulator.putState(CHAINCODE, 'shared', each.key, value);
    else simulator.purgePrivateData(CHAINCODE, 'shared', each.key);
  }
}

describe('Any transactions in any blocks', () => {
  it('get the codes and leave the state that the rules say, and a replay agrees', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (each) => {
        const fixture = await LedgerFixture.open();
        try {
          const model = new Model();
          for (const { transactions } of each) await commitRound(fixture, model, transactions);
          await compareState(fixture, model);
          await fixture.ledger.close();
          const { ledgerDir: dir, config } = fixture;
          expect((await verifyLedger({ dir, config, orderer: fixture.orderersCopy() })).damages).to.deep.equal([]);
        } finally {
          await fixture.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});

async function commitRound(fixture: LedgerFixture, model: Model, transactions: Transaction[]): Promise<void> {
  const block = fixture.ledger.height();
  const envelopes: Buffer[] = [];
  for (const [index, steps] of transactions.entries()) {
    envelopes.push(await fixture.transact(['alpha'], (s) => run(s, steps, `${block}/${index}`)));
  }
  expect(await fixture.commit(...envelopes)).to.deep.equal(model.commit(transactions, block));
}

async function compareState(fixture: LedgerFixture, model: Model): Promise<void> {
  for (const name of KEYS) {
    const found = await fixture.read('beta', (s) => [
      s.getState(CHAINCODE, '', name),
      s.getState(CHAINCODE, 'shared', name),
    ]);
    const expected = [model.state.get(name), model.state.get(`#${name}`)];
    expect(found.map((value) => value && Buffer.from(value).toString())).to.deep.equal(expected);
  }
}
