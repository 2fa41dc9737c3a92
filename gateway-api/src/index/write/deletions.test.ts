/** Versions that say that a record is deleted: it is in no search and no list, its history stays, and a later version brings it back. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../index.fixture.ts';

const PATIENT = randomUUID();
const subject = { reference: `Patient/${PATIENT}` };

onEachDatabase('Deleted records', (kind) => {
  let fixture: FixtureIndex;
  const id = randomUUID();
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const first = () =>
    recordWrites('Observation', {
      id,
      subject,
      status: 'final',
      code: { text: 'x' },
      performer: [{ reference: 'Practitioner/p' }],
    });
  const deletion = (version = 2) => recordWrites('Observation', { id, version, subject, deleted: true });
  const write = (writes: ReturnType<typeof first>) => fixture.block({ privateWrites: writes });
  const found = async () => (await fixture.index.search({ type: 'Observation', count: 10 })).total;
  const statusOf = (read: Promise<unknown>): Promise<number | undefined> =>
    read.then(
      () => undefined,
      ({ status }) => status,
    );

  it('are found by nothing and read by nobody, and their history stays', async () => {
    await write(first());
    expect(await found()).to.equal(1);
    expect(await fixture.index.referrers.of(['Practitioner/p'])).to.deep.equal([
      { reference: 'Practitioner/p', by: `Observation/${id}` },
    ]);
    await write(deletion());
    expect(await found()).to.equal(0);
    expect(await fixture.index.referrers.of(['Practitioner/p'])).to.deep.equal([]);
    expect(await statusOf(fixture.index.newest('Observation', id))).to.equal(410);
    expect(await statusOf(fixture.index.version('Observation', id, 2))).to.equal(410);
    expect(await fixture.index.newestRow('Observation', id)).to.equal(undefined);
    fixture.index.forgetKnown();
    expect(await fixture.index.missing([`Observation/${id}`])).to.deep.equal([`Observation/${id}`]);
    expect((await fixture.index.version('Observation', id, 1))?.resource['status']).to.equal('final');
    const { versions, total } = await fixture.index.versions('Observation', id);
    expect([total, versions.map(({ version, deleted }) => [version, deleted])]).to.deep.equal([
      2,
      [
        [2, true],
        [1, undefined],
      ],
    ]);
    expect((await fixture.index.standing('Observation', id))?.version).to.equal(2);
    const own = { types: [], records: [`Observation/${id}`] };
    expect(await fixture.index.patientRecords.of('care_hospital', PATIENT, own)).to.deep.equal([]);
    expect(await fixture.index.patientRecords.newest('care_hospital', PATIENT, [], 10)).to.deep.equal([]);
    expect((await fixture.stores.reading.selectFrom('search_values').selectAll().execute()).length).to.equal(0);
  });

  it('are the patient’s in her history, and can be erased', async () => {
    await write(first());
    await write(deletion());
    expect((await fixture.index.versions('Observation', id, { compartment: PATIENT })).versions).to.have.length(2);
    expect((await fixture.index.versions('Observation', id, { compartment: randomUUID() })).exists).to.equal(false);
    expect(await fixture.index.erasures.subject('Observation', id)).to.include({ record: id, patient: PATIENT });
  });

  it('are there again with a later version, and can be deleted again', async () => {
    for (const writes of [first(), deletion()]) await write(writes);
    await write(recordWrites('Observation', { id, version: 3, subject, status: 'amended', code: { text: 'x' } }));
    expect(await found()).to.equal(1);
    expect((await fixture.index.newest('Observation', id))?.resource['status']).to.equal('amended');
    expect(await statusOf(fixture.index.version('Observation', id, 2))).to.equal(410);
    await write(deletion(4));
    expect(await found()).to.equal(0);
    expect((await fixture.index.versions('Observation', id)).versions.map(({ deleted }) => deleted)).to.deep.equal([
      true,
      undefined,
      true,
      undefined,
    ]);
  });

  it('leave the same rows whenever their values arrive', async () => {
    const later = recordWrites('Observation', { id, version: 3, subject, status: 'amended', code: { text: 'x' } });
    const all = [first(), deletion(), later, deletion(4)];
    const blocks: peer.BlockAndPrivateData[] = [];
    for (const privateWrites of all) blocks.push(fixtureBlock(blocks.length, [{ privateWrites }], blocks.at(-1)));
    const rows = () => fixture.stores.reading.selectFrom('versions').selectAll().orderBy('sequence').execute();
    for (const block of blocks) await fixture.apply(block);
    const inOrder = await rows();
    expect(inOrder.map(({ current }) => current)).to.deep.equal([0, 3, 0, 2]);
    await fixture.close();
    fixture = await FixtureIndex.open('hospital', kind);
    for (const block of blocks) await fixture.apply(withheld(block, () => true));
    for (const block of [blocks[1]!, blocks[3]!, blocks[0]!, blocks[2]!]) await fixture.complete(block);
    expect(await rows()).to.deep.equal(inOrder);
    expect(await found()).to.equal(0);
  });
});
