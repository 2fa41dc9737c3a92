/** Every column of every row is compared with the ledger, and what differs is named by what it is. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import { type FixtureTransaction, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, recordWrites, sheetWrites } from '../index.fixture.ts';
import { placeOf } from '../places.ts';
import { copiesWrite, delivery, evidenceFrom, grantOf } from '../values.fixture.ts';
import { type Damage, everyDamage } from './damage.fixture.ts';
import { type RichIndex, richIndex } from './rich-index.fixture.ts';
import { named, verify } from './verification.fixture.ts';

/** One damage of each row at a time: what is done to one row is not seen in another. */
function oneOfEachRow(damages: readonly Damage[]): Damage[][] {
  const byRow = [...Map.groupBy(damages, ({ table, of }) => `${table} ${JSON.stringify(of)}`).values()];
  const most = Math.max(...byRow.map(({ length }) => length));
  return Array.from({ length: most }, (_, index) => byRow.flatMap((those) => those.slice(index, index + 1)));
}

function nameOf({ table, row, column, kind }: Damage): string {
  const place = placeOf(table, row as never);
  if (kind === 'removed') return `absent ${table} ${place}`;
  if (kind === 'added') return `additional ${table} ${place}`;
  return `${column === 'value' && 'anchor' in row ? 'content' : 'changed'} ${table} ${place} (${column})`;
}

onEachDatabase('The comparison of a read model that holds something in every column', function (kind) {
  this.timeout(300_000);
  let rich: RichIndex;
  before(async () => {
    rich = await richIndex(kind);
  });
  after(() => rich?.fixture.close());

  const differences = async () =>
    (await verify(rich.fixture, rich.chain)).differences.filter(
      ({ kind }) => kind !== 'missing' && kind !== 'rewritten',
    );

  it('finds nothing but what has not been delivered, and what was written twice', async () => {
    const report = await verify(rich.fixture, rich.chain);
    const { reading } = rich.fixture.stores;
    const lacking = await reading.selectFrom('missing').select('key_hash').executeTakeFirstOrThrow();
    const rewritten = await reading.selectFrom('anchors').selectAll().where('rewritten_by', 'is not', null).execute();
    expect(rewritten.map(({ collection }) => collection)).to.have.members(['care_clinic', 'inbox_clinic']);
    expect(report.differences.map(named)).to.have.members([
      `missing missing inbox_clinic ${lacking.key_hash}`,
      ...rewritten.map(({ collection, key_hash }) => `rewritten anchors ${collection} ${key_hash}`),
    ]);
    expect(report).to.include({ organisation: 'clinic', block: 5, more: 0 });
    expect(report.values).to.be.greaterThan(20);
  });

  it('finds each change of a column, each row that is gone and each that was added, and names it and nothing else', async () => {
    const damages = await everyDamage(rich.fixture.stores.writing);
    for (const round of oneOfEachRow(damages)) {
      for (const { inflict } of round) await inflict();
      const found = await differences();
      for (const { undo } of round.reverse()) await undo();
      expect(found.map(named), round.map(({ name }) => name).join('; ')).to.have.members(round.map(nameOf));
      expect(new Set(found.map(({ remedy }) => remedy))).to.deep.equal(new Set(['reindex']));
    }
    expect(damages.length).to.be.greaterThan(250);
    expect(await differences()).to.deep.equal([]);
  });

  it('names a rollback: the version that is gone, and the one that was made current', async () => {
    const { writing } = rich.fixture.stores;
    const { observation: id } = rich.ids;
    const of = (version: number) =>
      writing
        .selectFrom('versions')
        .selectAll()
        .where('id', '=', id)
        .where('version', '=', version)
        .executeTakeFirstOrThrow();
    const [second, third] = [await of(2), await of(3)];
    await writing.deleteFrom('versions').where('sequence', '=', third.sequence).execute();
    await writing
      .updateTable('versions')
      .set({ current: 1, held: 2 })
      .where('sequence', '=', second.sequence)
      .execute();
    const found = await differences();
    await writing.deleteFrom('versions').where('sequence', '=', second.sequence).execute();
    await writing.insertInto('versions').values([second, third]).execute();
    expect(found.map(named)).to.deep.equal([
      `changed versions Observation/${id}/_history/2 (current, held)`,
      `absent versions Observation/${id}/_history/3`,
    ]);
  });

  it('names a text that was forged with its anchor', async () => {
    const { writing } = rich.fixture.stores;
    const { patient: id } = rich.ids;
    const { value, anchor, leaf } = await writing
      .selectFrom('versions')
      .select(['value', 'anchor', 'leaf'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const forged = value.replace('P-1', 'P-2');
    const set = (to: { value: string; anchor: string; leaf: string | null }) =>
      writing.updateTable('versions').set(to).where('id', '=', id).execute();
    const forgeries = [
      [{ anchor: leafHash(forged), leaf: leaf!.replace(leafHash(value), leafHash(forged)) }, '(anchor, leaf)'],
      [{ anchor: sha256Hex(forged), leaf: null }, '(anchor, leaf)'],
    ] as const;
    for (const [forgery, columns] of forgeries) {
      await set({ value: forged, ...forgery });
      const found = await differences();
      await set({ value, anchor, leaf });
      expect(found.map(named)).to.deep.equal([`changed versions Patient/${id}/_history/1 ${columns}`]);
    }
  });
});

onEachDatabase('The comparison of read model and ledger', (kind) => {
  let fixture: FixtureIndex;
  let chain: peer.BlockAndPrivateData[];
  beforeEach(async () => {
    fixture = await FixtureIndex.open('clinic', kind);
    chain = [];
  });
  afterEach(() => fixture.close());

  const commit = async (...transactions: FixtureTransaction[]): Promise<void> =>
    void chain.push(await fixture.block(...transactions.map((one) => ({ creator: 'ClinicMSP', ...one }))));
  const record = (fields = {}) => recordWrites('Observation', fields, 'care_clinic');
  const found = async (peerHolds: readonly peer.BlockAndPrivateData[] = chain) =>
    (await verify(fixture, peerHolds)).differences;

  it('goes through more rows than one page', async () => {
    for (let block = 0; block < 3; block += 1) {
      await commit({ privateWrites: Array.from({ length: 120 }, () => record()).flat() });
    }
    const report = await verify(fixture, chain);
    expect(report.differences).to.deep.equal([]);
    // Of each record its version, its sheet and two anchors; of three transactions their leaves and the nodes over them.
    expect(report.values).to.equal(3 * (120 * 4 + 1) + 3 + 4);
  });

  it('holds while blocks and late values come', async () => {
    const late = [record(), record()];
    const whole = fixtureBlock(
      0,
      late.map((privateWrites) => ({ creator: 'ClinicMSP', privateWrites })),
    );
    await fixture.apply(withheld(whole, () => true));
    fixture.startAfter(whole);
    chain.push(whole);
    for (let block = 0; block < 5; block += 1) await commit({ privateWrites: record() });
    let paused = 0;
    const pause = async (): Promise<void> => {
      paused += 1;
      if (paused === 3) await fixture.complete(whole);
      if (paused < 8)
        await commit({ privateWrites: [...record(), ...record({ id: late[0]!.id, version: paused + 1 })] });
    };
    expect((await verify(fixture, chain, { pause })).differences).to.deep.equal([]);
    expect(paused).to.be.greaterThan(5);
  });

  it('names what has not been delivered, and what can never be shown', async () => {
    const key = privateKeys.sheet(randomUUID());
    const lacking = { collection: 'care_clinic', key, value: '{}', delivered: false };
    const nul = 'sheet/a\0b';
    const unreadable = { collection: 'care_clinic', key: nul, value: '{}' };
    await commit({ privateWrites: [lacking, unreadable, ...record()] });
    const all = await found();
    expect(all.map(({ kind, place, remedy }) => [kind, place, remedy])).to.have.deep.members([
      ['missing', `care_clinic ${sha256Hex(key)}`, 'wait'],
      ['unreadable', `care_clinic ${sha256Hex(nul)}`, 'none'],
    ]);
  });

  it('takes what the peer lost for no difference of the read model, and names it', async () => {
    const write = record();
    await commit({ privateWrites: write });
    await commit({ privateWrites: record({ id: write.id, version: 2 }) });
    const all = await found([withheld(chain[0]!, () => true), chain[1]!]);
    expect(all.map(named)).to.have.members([
      `gone private_values care_clinic ${write[0]!.key}`,
      `gone versions Observation/${write.id}/_history/1`,
    ]);
    expect(all.map(({ remedy }) => remedy)).to.deep.equal(['repair', 'repair']);
  });

  it('puts together what the peer lost of sheets and deliveries, and misses it where it cannot', async () => {
    const sheet = randomUUID();
    const records = [0, 1, 2].map((index) => {
      const id = index === 1 ? randomUUID() : recordIdAt({ sheet, index }, 'Observation');
      return anchored('Observation', { id, author: 'ClinicMSP' });
    });
    const writes = sheetWrites(records, { sheet, collection: 'care_clinic' });
    const theirs = sheetWrites(records.map(({ id }) => anchored('Observation', { id })));
    const delivered = records.map(({ id }) => evidenceFrom(theirs, id));
    const copies = copiesWrite(delivered.slice(1, 2));
    await commit({ privateWrites: writes }, { creator: 'HospitalMSP', privateWrites: theirs }, delivery(copies));
    expect(await found()).to.deep.equal([]);
    const lost = await found([withheld(chain[0]!, () => true)]);
    expect(lost.map(named)).to.have.members([
      ...records.map(({ id }) => `gone versions Observation/${id}/_history/1`),
      `gone versions Observation/${records[1]!.id}/_history/1`,
      `gone private_values care_clinic sheet/${sheet}`,
      `gone private_values care_clinic version/${records[1]!.id}/1`,
      `gone private_values inbox_clinic ${grantOf(copies)[0]!.key}`,
    ]);
    const { writing } = fixture.stores;
    await writing.deleteFrom('versions').where('id', '=', records[0]!.id).execute();
    const some = (await found([withheld(chain[0]!, () => true)])).map(({ kind, table }) => `${kind} ${table}`);
    expect(some).to.include.members(['missing missing', 'absent missing', 'additional versions']);
  });

  it('names a block of the peer that is not what its hash says, and compares nothing with it', async () => {
    await commit({ privateWrites: record() });
    await commit({ privateWrites: record() });
    const damaged = chain.map((block) => block.cloneMessage());
    damaged[1]!
      .getBlock()!
      .getData()!
      .setDataList([new Uint8Array([1, 2, 3])]);
    const all = await found(damaged);
    expect(all).to.deep.equal([{ kind: 'block', remedy: 'repair', place: 'block 1' }]);
  });

  it('names a purged value that was put back', async () => {
    const write = record();
    await commit({ privateWrites: write });
    const { writing } = fixture.stores;
    const row = await writing.selectFrom('versions').selectAll().executeTakeFirstOrThrow();
    await commit({ privateWrites: write.map(({ collection, key }) => ({ collection, key, purge: true })) });
    expect(await found()).to.deep.equal([]);
    await writing.insertInto('versions').values(row).execute();
    expect((await found()).map(named)).to.deep.equal([`additional versions Observation/${write.id}/_history/1`]);
  });
});
