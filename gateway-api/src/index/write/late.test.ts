/** Whenever private data arrives, the tables end as if it had come with its block. */
import { expect } from 'chai';
import fc from 'fast-check';
import { withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, recordWrites, wideConsortium } from '../index.fixture.ts';
import { COLUMNS, type TableName } from '../schema.ts';
import { chainOf, histories, isMasked } from './history.fixture.ts';

const TABLES = Object.keys(COLUMNS) as TableName[];
/** The custodian holds most; the others see many writes by their hashes alone. */
const MEMBERS = ['patients', 'patients', 'hospital', 'clinic', 'payer', 'bank'];

/** Some of what is written is faulty, and some versions of one resource are. */
const judge = (resource: object): string | undefined =>
  JSON.stringify(resource).includes('"y"') ? 'value Patient' : undefined;

onEachDatabase('private data that arrives late', function (kind) {
  this.timeout(120_000);
  let fixture: FixtureIndex;
  before(() => open('patients'));
  after(() => fixture.close());

  const open = async (name: string): Promise<void> => {
    await fixture?.close();
    fixture = await FixtureIndex.open(name, kind, wideConsortium);
    fixture.projector = await fixture.openProjector({ judge });
  };

  const empty = async (): Promise<void> => {
    for (const table of TABLES) await fixture.stores.writing.deleteFrom(table).execute();
    await fixture.projector.reopen();
  };
  const dump = async (): Promise<Record<string, unknown[]>> => {
    const found: Record<string, unknown[]> = {};
    for (const table of TABLES) {
      const rows = await fixture.stores.writing.selectFrom(table).selectAll().execute();
      found[table] = rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();
    }
    return found;
  };

  for (const name of new Set(MEMBERS)) {
    it(`leaves the same rows in any order of arrival, at ${name}`, async () => {
      await open(name);
      const property = fc.asyncProperty(histories, async (blocks) => {
        const chain = chainOf(blocks);
        await empty();
        for (const block of chain) await fixture.apply(block);
        const inTime = await dump();
        await empty();
        for (const [number, block] of chain.entries()) {
          const { mask } = blocks[number]!;
          await fixture.apply(withheld(block, (tx, collection) => isMasked(mask, tx, collection)));
          for (const [earlier, whole] of chain.slice(0, number + 1).entries()) {
            const { first, second, mask: lacking } = blocks[earlier]!;
            const isStillLacking = (tx: number, collection: string) => isMasked(lacking >> 3, tx, collection);
            if (earlier + first === number) await fixture.complete(withheld(whole, isStillLacking));
            if (earlier + first + second === number) await fixture.complete(whole);
          }
        }
        for (const number of (await fixture.incomplete()).reverse()) await fixture.complete(chain[number]!);
        expect(await dump()).to.deep.equal(inTime);
      });
      const runs = MEMBERS.filter((one) => one === name).length * (kind.name === 'SQLite' ? 150 : 30);
      await fc.assert(property, { numRuns: runs });
    });
  }

  it('is noted until then by block, and not asked for where it was delivered and cannot be read', async () => {
    await open('hospital');
    const unreadable = { collection: 'care_hospital', key: 'sheet/a\0', value: '{}' };
    const chain = chainOf([{ transactions: [{ privateWrites: [...recordWrites('Patient', {}), unreadable] }] }]);
    await fixture.apply(withheld(chain[0]!, () => true));
    expect(await fixture.projector.incomplete()).to.deep.equal([{ block: 0, values: 3 }]);
    expect(await fixture.complete(chain[0]!)).to.equal(3);
    expect(await fixture.projector.incomplete()).to.deep.equal([]);
    const left = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
    expect(left.map(({ reason }) => reason)).to.deep.equal(['unreadable']);
  });

  it('is taken once, also by a projector that was opened since', async () => {
    await open('hospital');
    const record = recordWrites('Patient', {});
    const chain = chainOf([{ transactions: [{ privateWrites: record }] }]);
    await fixture.apply(withheld(chain[0]!, () => true));
    expect(await fixture.index.newest('Patient', record.id).catch(({ status }) => status)).to.equal(503);
    fixture.projector = await fixture.openProjector();
    expect([await fixture.complete(chain[0]!), await fixture.complete(chain[0]!)]).to.deep.equal([2, 0]);
    expect((await fixture.index.newest('Patient', record.id))?.version).to.equal(1);
  });
});
