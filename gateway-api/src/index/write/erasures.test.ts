/** From a mark on a record is shown nowhere; when its texts are purged, its neighbours stand as they stood. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type FixtureTransaction,
  type FixtureWrite,
  fixtureBlock,
  withheld,
  withheldKeys,
} from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { type AnchoredFixture, anchored, FixtureIndex, type Logged, logInto, sheetWrites } from '../index.fixture.ts';
import { COLUMNS, type TableName } from '../schema.ts';
import { copiesWrite, delivery, erasedMark, evidenceFrom, purgeWrites, purging } from '../values.fixture.ts';
import { named, verify } from '../verification/verification.fixture.ts';
import { erasureIdOf } from './erasures.ts';

const PATIENT = randomUUID();
const IDENTIFIER = 'urn:example:mrn';

onEachDatabase('An erased record', function (kind) {
  this.timeout(60_000);
  let fixture: FixtureIndex;
  let chain: peer.BlockAndPrivateData[];
  let logged: Logged[];
  beforeEach(() => open('hospital'));
  afterEach(() => fixture.close());

  async function open(organisation: string): Promise<void> {
    await fixture?.close();
    fixture = await FixtureIndex.open(organisation, kind);
    [chain, logged] = [[], []];
    fixture.projector = await fixture.openProjector({ log: logInto(logged) });
  }
  async function commit(...transactions: FixtureTransaction[]): Promise<void> {
    const delivered = fixtureBlock(chain.length, transactions, chain.at(-1));
    await fixture.apply(delivered);
    chain.push(delivered);
  }
  /** Observations of one sheet: the first ones have ids of their places, the last one an id of its author's. */
  function sheetOf(count: number): { records: AnchoredFixture[]; writes: FixtureWrite[] } {
    const sheet = randomUUID();
    const records = Array.from({ length: count }, (_, index) =>
      anchored('Observation', {
        id: index + 1 < count ? recordIdAt({ sheet, index }, 'Observation') : randomUUID(),
        subject: { reference: `Patient/${PATIENT}` },
        note: [{ text: `secret ${index}` }],
        identifier: [{ system: IDENTIFIER, value: `${index}` }],
      }),
    );
    return { records, writes: sheetWrites(records, { sheet }) };
  }
  const statusOf = (read: Promise<unknown>): Promise<number> =>
    read.then(
      (found) => (found === undefined ? 404 : 200),
      (error) => error.status as number,
    );
  /** How reads, vreads and histories of a record are answered. */
  const answers = (id: string, compartment?: string) =>
    Promise.all([
      statusOf(fixture.index.newest('Observation', id, { compartment })),
      statusOf(fixture.index.version('Observation', id, 1, { compartment })),
      statusOf(fixture.index.versions('Observation', id, { compartment }).then(({ total }) => total || undefined)),
    ]);
  const onItsWay = (write: FixtureWrite): FixtureWrite => ({ ...write, delivered: false });
  const GONE = [410, 410, 410];
  const HERE = [200, 200, 200];
  const NOWHERE = [404, 404, 404];
  const found = async (compartment?: string) =>
    (await fixture.index.search({ type: 'Observation', count: 10 }, { compartment })).matches.map(
      ({ resource }) => resource.id,
    );
  const byIdentifier = (value: string) =>
    fixture.index.findByIdentifier([{ type: 'Observation', system: IDENTIFIER, value }]);
  const erasures = async () => (await fixture.index.erasures.page({ count: 10 })).erasures;
  const rows = (table: TableName, db = fixture.stores.reading) =>
    db
      .selectFrom(table)
      .selectAll()
      .execute()
      .then((all) => all.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort());
  async function dump(): Promise<Record<string, string[]>> {
    const all: Record<string, string[]> = {};
    for (const table of Object.keys(COLUMNS) as TableName[]) all[table] = await rows(table);
    return all;
  }
  const differences = async (from = chain) => (await verify(fixture, from)).differences.map(named);
  /** The blocks as a peer delivers them from then on: without what these transactions have purged. */
  const without = (...purges: FixtureWrite[][]) => {
    const keys = new Set(purges.flat().flatMap(({ key, purge }) => (purge === true ? [key] : [])));
    return chain.map((block) => withheldKeys(block, (key) => keys.has(key)));
  };

  it('is shown in no version, found by nothing and in no list, and its neighbours are', async () => {
    const { records, writes } = sheetOf(2);
    const [kept, lost] = records.map(({ id }) => id);
    await commit({ privateWrites: writes });
    expect(await answers(lost!)).to.deep.equal(HERE);
    await commit(purging(erasedMark(lost!)));
    expect(await answers(lost!)).to.deep.equal(GONE);
    expect(await answers(kept!)).to.deep.equal(HERE);
    expect(await found()).to.deep.equal([kept]);
    expect(await found(PATIENT)).to.deep.equal([kept]);
    expect(await byIdentifier('1')).to.deep.equal([[]]);
    expect(await byIdentifier('0')).to.deep.equal([[kept]]);
    const listed = await fixture.index.patientRecords.newest('care_hospital', PATIENT, [], 10);
    expect(listed.map(({ id }) => id)).to.deep.equal([kept]);
    expect(await fixture.index.missing([`Observation/${lost}`, `Observation/${kept}`])).to.deep.equal([]);
    expect(await differences()).to.deep.equal([]);
  });

  it('is erased to its patient, and not there to another', async () => {
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    await commit({ privateWrites: writes });
    await commit(purging(erasedMark(id)));
    const other = randomUUID();
    expect([await answers(id, PATIENT), await answers(id, other)]).to.deep.equal([GONE, NOWHERE]);
    await commit(purging(...purgeWrites(writes, [id])));
    expect([await answers(id, PATIENT), await answers(id, other)]).to.deep.equal([GONE, NOWHERE]);
  });

  it('is gone with its text, from every table, and leaves its neighbours the same rows', async () => {
    const { records, writes } = sheetOf(3);
    const [first, lost, last] = records.map(({ id }) => id) as [string, string, string];
    await commit({ privateWrites: writes });
    const rowOf = async (id: string) => {
      const { key: _, key_hash: __, seal: ___, ...row } = (await fixture.index.newestRow('Observation', id))!;
      return {
        ...row,
        evidence: await fixture.index.evidence.ofRecord((await fixture.index.newestRow('Observation', id))!),
      };
    };
    const before = [await rowOf(first), await rowOf(last)];
    const order = await found();
    await commit(purging(erasedMark(lost)));
    const purge = purgeWrites(writes, [lost]);
    await commit(purging(...purge));
    expect([await rowOf(first), await rowOf(last)]).to.deep.equal(before);
    expect(await found()).to.deep.equal(order.filter((id) => id !== lost));
    expect(await answers(lost)).to.deep.equal(GONE);
    expect(JSON.stringify(await dump())).not.to.contain('secret 1');
    expect(await fixture.index.missing([`Observation/${lost}`])).to.deep.equal([]);
    expect(logged).to.deep.equal([]);
    expect(await differences(without(purge))).to.deep.equal([]);
  });

  it('says when it was marked and purged, of which patient and type, and nothing of what it held', async () => {
    const { records, writes } = sheetOf(2);
    const [, { id }] = records as [AnchoredFixture, AnchoredFixture];
    await commit({ privateWrites: writes });
    await commit(purging(erasedMark(id)));
    const common = { id: erasureIdOf(erasureHandle('hospital', id)), collection: 'care_hospital', record: id };
    const about = { ...common, type: 'Observation', patient: PATIENT, author: 'PatientsMSP', block: 1 };
    const [pending] = await erasures();
    expect(pending).to.include({ ...about, status: 'pending', purged_at: null, purged_by: null });
    await commit(purging(...purgeWrites(writes, [id])));
    const [done, ...more] = await erasures();
    const { seal: _, purged_by: __, asked_by: ___, ...marked } = pending as never as Record<string, unknown>;
    expect(done).to.include({
      ...marked,
      status: 'purged',
      purged_at: '2026-03-04T10:00:00.000Z',
      asked_by: 'patient',
    });
    expect(more).to.deep.equal([]);
    expect(await fixture.index.erasures.find(common.id)).to.deep.equal(done);
    const page = await fixture.index.erasures.page({ count: 1, patients: [PATIENT] });
    expect(page).to.deep.equal({ erasures: [done] });
  });

  it('is pending while one of its versions is held', async () => {
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    const second = sheetWrites([
      anchored('Observation', { id, version: 2, subject: { reference: `Patient/${PATIENT}` } }),
    ]);
    await commit({ privateWrites: writes }, { privateWrites: second });
    await commit(purging(erasedMark(id)));
    expect(
      (await fixture.index.erasures.held({ count: 10, after: undefined })).map(({ version }) => version),
    ).to.deep.equal([1, 2]);
    const purges = [second, writes].map((one) => purgeWrites(one, [id]));
    await commit(purging(...purges[0]!));
    expect(await erasures()).to.have.length(1);
    expect((await erasures())[0]).to.include({ status: 'pending', purged_at: '2026-03-04T10:00:00.000Z' });
    expect(await answers(id)).to.deep.equal(GONE);
    await commit(purging(...purges[1]!));
    expect((await erasures())[0]).to.include({ status: 'purged' });
    expect(await differences(without(...purges))).to.deep.equal([]);
  });

  it('is erased one after the other with others of its sheet, to the last', async () => {
    const { records, writes } = sheetOf(3);
    const ids = records.map(({ id }) => id);
    await commit({ privateWrites: writes });
    let content = writes;
    for (const [index, id] of ids.entries()) {
      await commit(purging(erasedMark(id)));
      content = purgeWrites(content, [id]);
      await commit(purging(...content));
      expect(await found()).to.deep.equal(ids.slice(index + 1));
    }
    expect(await rows('versions')).to.deep.equal([]);
    expect((await erasures()).map(({ record, status }) => `${record} ${status}`)).to.deep.equal(
      ids.map((id) => `${id} purged`),
    );
    expect(logged).to.deep.equal([]);
  });

  it('is erased where it was delivered, and not shown there though its copy is still held', async () => {
    await open('clinic');
    const { records, writes } = sheetOf(2);
    const [kept, lost] = records.map(({ id }) => id) as [string, string];
    const copies = copiesWrite([kept, lost].map((id) => evidenceFrom(writes, id)));
    await commit({ privateWrites: writes }, delivery(copies));
    await commit(purging(erasedMark(lost)));
    expect([await answers(kept), await answers(lost)]).to.deep.equal([HERE, GONE]);
    expect(await found()).to.deep.equal([kept]);
    const held = await fixture.index.erasures.held({ count: 10, after: undefined });
    expect(held.map(({ id, access }) => [id, access])).to.deep.equal([[lost, copies.key.split('/')[1]]]);
    await commit(purging({ collection: copies.collection, key: copies.key, purge: true }));
    expect([await answers(kept), await answers(lost)]).to.deep.equal([NOWHERE, GONE]);
    expect(JSON.stringify(await dump())).not.to.contain('secret');
    expect(await erasures()).to.deep.equal([]);
    expect(await differences()).to.deep.equal([]);
  });

  it('is erased where its mark came first, and where a copy is delivered after it', async () => {
    await open('clinic');
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    await commit(purging(erasedMark(id)));
    await fixture.reopen();
    await commit({ privateWrites: writes }, delivery(copiesWrite([evidenceFrom(writes, id)])));
    expect(await answers(id)).to.deep.equal(GONE);
    expect(await found()).to.deep.equal([]);
    expect(await differences()).to.deep.equal([]);
  });

  it('of one provider is none of another, under the same id', async () => {
    await open('patients');
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    await commit({ privateWrites: writes });
    await commit(purging(erasedMark(id, 'clinic')));
    expect(await answers(id)).to.deep.equal(HERE);
    expect(await found()).to.deep.equal([id]);
  });

  it('is erased by a mark that is itself on its way: its hash is enough', async () => {
    const { records, writes } = sheetOf(2);
    const [kept, lost] = records.map(({ id }) => id) as [string, string];
    await commit({ privateWrites: writes });
    await commit(purging({ ...erasedMark(lost), delivered: false }));
    expect([await answers(kept), await answers(lost)]).to.deep.equal([HERE, GONE]);
  });

  it('is erased whatever else is on its way, before its texts are purged and after', async () => {
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    await commit({ privateWrites: writes }, { privateWrites: sheetOf(1).writes.map(onItsWay) });
    await commit(purging(erasedMark(id)));
    expect(await answers(id)).to.deep.equal(GONE);
    await commit(purging(...purgeWrites(writes, [id])));
    expect(await answers(id)).to.deep.equal(GONE);
  });

  it('is not erased by what is no mark: elsewhere, or of nothing', async () => {
    const { records, writes } = sheetOf(1);
    const [{ id }] = records as [AnchoredFixture];
    await commit({ privateWrites: writes });
    const mark = erasedMark(id);
    await commit(
      purging({ ...mark, collection: 'care_hospital' }),
      purging({ ...erasedMark(randomUUID()) }),
      purging({ ...erasedMark(id, 'clinic') }),
    );
    expect(await answers(id)).to.deep.equal(HERE);
    expect(await erasures()).to.deep.equal([]);
  });

  describe('whose content was written again', () => {
    const two = async () => {
      const { records, writes } = sheetOf(2);
      await commit({ privateWrites: writes });
      const [kept, lost] = records.map(({ id }) => id) as [string, string];
      await commit(purging(erasedMark(lost)));
      return { kept, lost, writes, remainder: purgeWrites(writes, [lost]) };
    };
    const unreadable = () => logged.filter(({ msg }) => msg === 'a committed value cannot be read');

    it('by no erasure is not believed: where the one before is not purged in the same transaction', async () => {
      const { kept, remainder } = await two();
      const [next, ...rest] = remainder;
      await commit(purging(next!));
      expect(unreadable()).to.have.length(1);
      expect(await found()).to.deep.equal([kept]);
      await commit(purging(...rest));
      expect(await found()).to.deep.equal([]);
      expect(await rows('missing')).to.have.length(1);
    });

    it('as a generation that skips one is not believed', async () => {
      const { kept, remainder } = await two();
      const [next, ...rest] = remainder;
      await commit(purging({ ...next!, key: next!.key.replace(/1$/, '2') }, ...rest));
      expect(unreadable()).to.have.length(1);
      expect(await found()).to.deep.equal([]);
      expect(await answers(kept)).to.deep.equal(NOWHERE);
    });

    for (const [what, change] of [
      ['with a text that was changed', (text: string) => text.replace('secret 0', 'secret 7')],
      ['under another sheet', (text: string) => text.replace(/\\"size\\":2/, '\\"size\\":3')],
      ['without its sheet', (text: string) => text.replace(/,"tree":".*"\}$/, '}')],
      ['as nothing', () => 'null'],
    ] as const)
      it(`${what} is not believed`, async () => {
        const { remainder } = await two();
        const [next, ...rest] = remainder;
        await commit(purging({ ...next!, value: change(next!.value!) }, ...rest));
        expect(unreadable()).to.have.length(1);
        expect(await found()).to.deep.equal([]);
        expect((await differences()).filter((one) => !one.startsWith('unreadable'))).to.deep.equal([]);
      });
  });

  describe('as verification finds it', () => {
    const erased = async () => {
      const { records, writes } = sheetOf(2);
      const [kept, lost] = records.map(({ id }) => id) as [string, string];
      await commit({ privateWrites: writes });
      const before = await fixture.stores.reading.selectFrom('versions').selectAll().execute();
      await commit(purging(erasedMark(lost)));
      const purge = purgeWrites(writes, [lost]);
      await commit(purging(...purge));
      return { kept, lost, before, purge };
    };

    it('is damage where its text came back into the read model, with every seal as it was', async () => {
      const { lost, before, purge } = await erased();
      const text = before.find(({ id }) => id === lost)!;
      await fixture.stores.writing.insertInto('versions').values(text).execute();
      expect(await differences(without(purge))).to.deep.equal([`additional versions Observation/${lost}/_history/1`]);
    });

    it('is damage where somebody takes the mark from the rows that are still held', async () => {
      const { records, writes } = sheetOf(1);
      const [{ id }] = records as [AnchoredFixture];
      await commit({ privateWrites: writes });
      const before = await fixture.stores.reading.selectFrom('versions').selectAll().execute();
      await commit(purging(erasedMark(id)));
      const { sequence, erased, seal } = before[0]!;
      await fixture.stores.writing.updateTable('versions').set({ erased }).where('sequence', '=', sequence).execute();
      expect(await answers(id)).to.deep.equal([409, 409, 409]);
      await fixture.stores.writing.updateTable('versions').set({ seal }).where('sequence', '=', sequence).execute();
      expect(await differences()).to.deep.equal([`changed versions Observation/${id}/_history/1 (erased, seal)`]);
    });

    it('is no damage, and nothing that is missing, where the peer has purged it and delivers what remains', async () => {
      const { purge } = await erased();
      expect(await differences(without(purge))).to.deep.equal([]);
    });

    it('says of what remains that the peer has lost it, and goes on', async () => {
      const { kept, purge } = await erased();
      const lacking = without(purge).map((block) => withheldKeys(block, (key) => key === purge[0]!.key));
      expect(await differences(lacking)).to.deep.equal([`gone versions Observation/${kept}/_history/1`]);
    });
  });

  /** A few sheets, marks and purges in any order that the ledger permits, and values that arrive at any time. */
  const stories = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    order: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 6 }),
    late: fc.array(fc.tuple(fc.nat({ max: 0xff }), fc.nat({ max: 4 })), { minLength: 20, maxLength: 20 }),
    isPurgedAtOnce: fc.boolean(),
  });

  it('leaves the same rows at each member, whenever what arrives, and those that a read model made anew has', async () => {
    const property = fc.asyncProperty(stories, async ({ sizes, order, late, isPurgedAtOnce }) => {
      const sheets = sizes.map(sheetOf);
      const blocks: FixtureTransaction[][] = sheets.map(({ writes }) => [{ privateWrites: writes }]);
      const all = sheets.flatMap(({ records }, sheet) => records.map(({ id }) => ({ sheet, id })));
      const contents = sheets.map(({ writes }) => writes);
      const done = new Set<string>();
      for (const [which, isDelivered, isPurged] of order) {
        const { sheet, id } = all[which % all.length]!;
        if (done.has(id)) continue;
        done.add(id);
        if (isDelivered)
          blocks.push([delivery(copiesWrite([evidenceFrom(sheets[sheet]!.writes, id)], { requestor: 'clinic' }))]);
        const mark = purging(erasedMark(id));
        blocks.push([mark]);
        if (!isPurged) continue;
        const next = purgeWrites(contents[sheet]!, [id]);
        contents[sheet] = [
          ...next,
          ...contents[sheet]!.filter(({ key }) => key.startsWith('sheet/') || key.startsWith('version/')),
        ];
        if (isPurgedAtOnce) blocks.at(-1)!.push(purging(...next));
        else blocks.push([purging(...next)]);
      }
      const delivered: peer.BlockAndPrivateData[] = [];
      for (const transactions of blocks) delivered.push(fixtureBlock(delivered.length, transactions, delivered.at(-1)));
      for (const organisation of ['hospital', 'patients', 'clinic']) {
        await open(organisation);
        for (const block of delivered) await fixture.apply(block);
        const inTime = await dump();
        await open(organisation);
        for (const [number, block] of delivered.entries()) {
          const lacks = (one: number) => (tx: number, collection: string) =>
            ((late[one % late.length]![0] >> ((tx + collection.length) % 8)) & 1) === 1;
          await fixture.apply(withheld(block, lacks(number)));
          for (const [earlier, whole] of delivered.slice(0, number).entries())
            if (earlier + late[earlier % late.length]![1] === number) await fixture.complete(whole);
        }
        for (
          let incomplete = await fixture.incomplete();
          incomplete.length > 0;
          incomplete = await fixture.incomplete()
        )
          for (const number of incomplete) await fixture.complete(delivered[number]!);
        expect(await dump(), organisation).to.deep.equal(inTime);
      }
    });
    await fc.assert(property, { numRuns: kind.name === 'SQLite' ? 8 : 2 });
  });
});
