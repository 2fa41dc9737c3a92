/** Whenever private data arrives, the tables end as if it had come with its block. */
import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, consortium, FixtureIndex, recordWrite, seals, silent } from '../index.fixture.ts';
import type { IndexTables } from '../schema.ts';
import { Projector } from './projector.ts';

const TABLES = [
  'checkpoint',
  'transactions',
  'versions',
  'search_values',
  'private_values',
  'states',
  'missing',
] as const;
const IDS = ['a', 'b', 'c'];
const EXPIRES = '2126-01-01T00:00:00.000Z';

/** What can be written, few keys and many collisions: versions of records, copies, claims, values, and removals. */
const write: fc.Arbitrary<FixtureWrite> = fc
  .record({
    kind: fc.constantFrom('record', 'record', 'copy', 'claim', 'request', 'removal'),
    id: fc.constantFrom(...IDS),
    version: fc.integer({ min: 1, max: 4 }),
    collection: fc.constantFrom('care_hospital', 'care_clinic'),
    identifier: fc.constantFrom('x', 'y', 'z'),
    text: fc.nat({ max: 3 }),
    purge: fc.boolean(),
    access: fc.constantFrom('1', '2'),
  })
  .map(({ kind, id, version, collection, identifier, text, purge, access }) => {
    const stated = { id, version, identifier: [{ system: 's', value: identifier }], text: String(text) };
    const record = recordWrite('Patient', stated, collection);
    if (kind === 'record') return record;
    if (kind === 'removal') return { collection, key: record.key, purge };
    if (kind === 'request') return { collection: 'inbox_clinic', key: `request/${id}`, value: `{"text":${text}}` };
    const resource = { resourceType: 'Claim', id, identifier: stated.identifier };
    const more = { resourceType: 'Coverage', id, identifier: stated.identifier };
    if (kind === 'claim') {
      const value = canonicalJson({ resource, resources: [more, more], submittedAt: EXPIRES, text });
      return { collection: text % 2 === 0 ? 'claim_hospital_payer' : 'claim_clinic_payer', key: `claim/${id}`, value };
    }
    const copy = { accessId: access, holder: 'hospital', deliveredAt: EXPIRES, expiresAt: EXPIRES, salt: '0' };
    const value = canonicalJson({ ...copy, record: anchored('Patient', stated).text });
    return { collection: 'inbox_clinic', key: `copy/${access}/${id}`, value };
  });

const transactions = fc.array(
  fc.array(write, { minLength: 1, maxLength: 4 }).map((privateWrites): FixtureTransaction => ({ privateWrites })),
  { minLength: 1, maxLength: 3 },
);

/** A chain, and for each block when its private data is obtained: with it, or in one or two parts after later blocks. */
const history = fc.record({
  chain: fc.array(transactions, { minLength: 1, maxLength: 6 }),
  late: fc.array(fc.record({ first: fc.nat({ max: 6 }), second: fc.nat({ max: 6 }), mask: fc.nat({ max: 255 }) }), {
    minLength: 6,
    maxLength: 6,
  }),
});

function chainOf(blocks: FixtureTransaction[][]): peer.BlockAndPrivateData[] {
  const chain: peer.BlockAndPrivateData[] = [];
  for (const block of blocks) chain.push(fixtureBlock(chain.length, block.map(onceEach), chain.at(-1)));
  return chain;
}

/** One transaction writes a key once. */
const onceEach = ({ privateWrites = [] }: FixtureTransaction): FixtureTransaction => ({
  privateWrites: [...new Map(privateWrites.map((one) => [`${one.collection} ${one.key}`, one])).values()],
});

onEachDatabase('private data that arrives late', function (kind) {
  this.timeout(120_000);
  let fixture: FixtureIndex;
  before(async () => {
    fixture = await FixtureIndex.open('patients', kind);
  });
  after(() => fixture.close());

  const empty = async (): Promise<void> => {
    for (const table of TABLES) await fixture.stores.writing.deleteFrom(table).execute();
    await fixture.projector.reopen();
  };
  const dump = async (): Promise<Record<string, unknown[]>> => {
    const found: Record<string, unknown[]> = {};
    for (const table of TABLES) {
      const rows = await fixture.stores.writing
        .selectFrom(table as keyof IndexTables)
        .selectAll()
        .execute();
      found[table] = rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();
    }
    return found;
  };

  it('leaves the same rows in any order of arrival', async () => {
    const custodian = consortium.organisations.find(({ name }) => name === 'patients')!;
    expect(custodian.kind).to.equal('custodian');
    const property = fc.asyncProperty(history, async ({ chain: blocks, late }) => {
      const chain = chainOf(blocks);
      await empty();
      for (const block of chain) await fixture.apply(block);
      const inTime = await dump();
      await empty();
      for (const [number, block] of chain.entries()) {
        const { mask } = late[number]!;
        await fixture.apply(withheld(block, (tx) => (mask & (1 << (tx % 8))) !== 0));
        for (const [earlier, whole] of chain.slice(0, number + 1).entries()) {
          const { first, second, mask: lacking } = late[earlier]!;
          if (earlier + first === number) await fixture.complete(withheld(whole, (tx) => (lacking & (16 << tx)) !== 0));
          if (earlier + first + second === number) await fixture.complete(whole);
        }
      }
      const whole = new Set(await fixture.incomplete());
      for (const number of [...whole].reverse()) await fixture.complete(chain[number]!);
      expect(await dump()).to.deep.equal(inTime);
    });
    await fc.assert(property, { numRuns: kind.name === 'SQLite' ? 150 : 40 });
  });

  it('is noted until then by block, and not asked for where it was delivered and cannot be read', async () => {
    await empty();
    const unreadable = { collection: 'care_hospital', key: 'record/a\0/1', value: '{}' };
    const chain = chainOf([[{ privateWrites: [recordWrite('Patient', {}), unreadable] }]]);
    await fixture.apply(withheld(chain[0]!, () => true));
    expect(await fixture.projector.incomplete()).to.deep.equal([{ block: 0, values: 2 }]);
    expect(await fixture.complete(chain[0]!)).to.equal(2);
    expect(await fixture.projector.incomplete()).to.deep.equal([]);
    const left = await fixture.stores.reading.selectFrom('missing').selectAll().execute();
    expect(left.map(({ reason }) => reason)).to.deep.equal(['unreadable']);
  });

  it('is taken once, also by a projector that was opened since', async () => {
    await empty();
    const record = recordWrite('Patient', {});
    const chain = chainOf([[{ privateWrites: [record] }]]);
    await fixture.apply(withheld(chain[0]!, () => true));
    expect(await fixture.index.newest('Patient', record.id)).to.equal(undefined);
    fixture.projector = await Projector.open(fixture.stores.writing, fixture.member, seals, silent);
    expect([await fixture.complete(chain[0]!), await fixture.complete(chain[0]!)]).to.deep.equal([1, 0]);
    expect((await fixture.index.newest('Patient', record.id))?.version).to.equal(1);
  });
});
