import { expect } from 'chai';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, seals } from '../index.fixture.ts';
import type { StatesTable, TransactionsTable } from '../schema.ts';
import { newInserts, pieces } from './inserts.ts';

const transaction = (position: number): TransactionsTable => ({
  time: '2026-03-01T10:00:00.000Z',
  event: position % 2 === 0 ? null : `Event${position}`,
  transaction_id: `transaction-${position}`,
  block: 7,
  position,
  code: 0,
  creator: 'HospitalMSP',
  endorsers: 'HospitalMSP,PatientsMSP',
});

const state = (id: string, block: number): StatesTable => ({
  ...{ kind: 'access', id, block, status: `after ${block}` },
  ...{ sequence: block, own: 1, last_updated: null, ends_at: null, about: null },
  ...{ value: '{}', transaction_id: `${block}`, time: '2026-03-01T10:00:00.000Z' },
});

describe('pieces', () => {
  it('cut any number of rows into pieces of few sizes', () => {
    for (const count of [0, 1, 2, 3, 127, 128, 300]) {
      const rows = Array.from({ length: count }, (_, index) => index);
      const cut = [...pieces(rows)];
      expect(cut.flat()).to.deep.equal(rows);
      for (const { length } of cut) expect([1, 2, 4, 8, 16, 32, 64, 128]).to.include(length);
    }
  });
});

onEachDatabase('inserts that are compiled once', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  it('store every row under its own columns, whatever the order of its properties, and again with other rows', async () => {
    const db = fixture.stores.writing;
    const { transactions } = newInserts(seals);
    const rows = Array.from({ length: 300 }, (_, position) => transaction(position));
    for (const [from, to] of [
      [0, 149],
      [149, 298],
      [298, 299],
      [299, 300],
    ])
      await transactions.into(db, rows.slice(from, to));
    const stored = await db.selectFrom('transactions').selectAll().orderBy('position').execute();
    expect(stored.map(({ seal: _, ...row }) => row)).to.have.deep.members(rows);
  });

  it('replace what is there, also what came in the same statement', async () => {
    const db = fixture.stores.writing;
    const { states } = newInserts(seals);
    const all = async () =>
      (await db.selectFrom('states').selectAll().orderBy('id').execute()).map(({ seal: _, ...row }) => row);
    await states.into(db, [state('a', 1), state('b', 1), state('a', 2)]);
    expect(await all()).to.deep.equal([state('a', 2), state('b', 1)]);
    await states.into(db, [state('b', 3)]);
    expect(await all()).to.deep.equal([state('a', 2), state('b', 3)]);
  });
});
