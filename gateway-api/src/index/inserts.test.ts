import { expect } from 'chai';
import { openDatabase } from './database.ts';
import { newInserts, pieces } from './inserts.ts';
import { migrateIndex } from './migrations.ts';
import type { IndexTables, TransactionsTable } from './schema.ts';

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

describe('inserts that are compiled once', () => {
  it('cut any number of rows into pieces of few sizes', () => {
    for (const count of [0, 1, 2, 3, 127, 128, 300]) {
      const rows = Array.from({ length: count }, (_, index) => index);
      const cut = [...pieces(rows)];
      expect(cut.flat()).to.deep.equal(rows);
      for (const { length } of cut) expect([1, 2, 4, 8, 16, 32, 64, 128]).to.include(length);
    }
  });

  it('store every row under its own columns, whatever the order of its properties, and again with other rows', async () => {
    const db = openDatabase<IndexTables>(':memory:', { durability: 'NORMAL' });
    await migrateIndex(db);
    const { transactions, checkpoint } = newInserts();
    const rows = Array.from({ length: 300 }, (_, position) => transaction(position));
    for (const [from, to] of [
      [0, 149],
      [149, 298],
      [298, 299],
      [299, 300],
    ])
      await transactions.into(db, rows.slice(from, to));
    const stored = await db.selectFrom('transactions').selectAll().orderBy('position').execute();
    expect(stored.map((row) => ({ ...row }))).to.have.deep.members(rows);
    await checkpoint.into(db, [{ id: 1, block: 1, hash: 'a' }]);
    await checkpoint.into(db, [{ id: 1, block: 2, hash: 'b' }]);
    expect({ ...(await db.selectFrom('checkpoint').selectAll().executeTakeFirst()) }).to.deep.equal({
      id: 1,
      block: 2,
      hash: 'b',
    });
    await db.destroy();
  });
});
