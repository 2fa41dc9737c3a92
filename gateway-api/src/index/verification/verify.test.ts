import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { expect } from 'chai';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, recordWrite } from '../index.fixture.ts';
import { verifyAll } from './verify.ts';

onEachDatabase('The sweep', (kind) => {
  let fixture: FixtureIndex;
  /** What the peer's ledger holds. */
  let ledger: Map<string, string>;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('clinic', kind);
    ledger = new Map();
  });
  afterEach(() => fixture.close());

  const commit = async (collection: string, key: string, value: string) => {
    ledger.set(`${collection} ${key}`, sha256Hex(value));
    await fixture.block({ privateWrites: [{ collection, key, value }] });
  };
  const sweep = () =>
    verifyAll(fixture.stores.reading, async (entries) =>
      entries.map(({ collection, key }) => ledger.get(`${collection} ${key}`) ?? ''),
    );
  const onDisk = (id: string, changed: { value: string; anchor?: string }) =>
    fixture.stores.writing.updateTable('versions').set(changed).where('id', '=', id).execute();
  const kinds = async () => (await sweep()).differences.map(({ kind, place }) => [kind, place]);

  it('finds nothing where everything is as it was anchored', async () => {
    for (let index = 0; index < 3; index += 1) {
      const { key, value = '' } = recordWrite('Observation', {});
      await commit('care_clinic', key, value);
    }
    await commit('inbox_clinic', 'request/1', '{}');
    const report = await sweep();
    expect(report).to.include({ values: 4 });
    expect(report.differences).to.deep.equal([]);
  });

  it('names changed content, another anchor, and what the ledger no longer holds', async () => {
    const writes = [1, 2, 3].map(() => recordWrite('Observation', {}));
    for (const { key, value = '' } of writes) await commit('care_clinic', key, value);
    const places = writes.map(({ id }) => `Observation/${id}/_history/1`);
    await onDisk(writes[0]!.id, { value: `${writes[0]!.value} ` });
    const forged = `${writes[1]!.value} `;
    await onDisk(writes[1]!.id, { value: forged, anchor: sha256Hex(forged) });
    ledger.delete(`care_clinic ${writes[2]!.key}`);
    expect(await kinds()).to.deep.equal([
      ['content', places[0]],
      ['anchor', places[1]],
      ['gone', places[2]],
    ]);
  });

  it('names a delivered copy that is not what its holder anchored', async () => {
    const { id, text } = anchored('Observation', {});
    const expiresAt = '2126-01-01T00:00:00.000Z';
    const access = randomUUID();
    const copy = { accessId: access, holder: 'hospital', deliveredAt: expiresAt, expiresAt, salt: '0', record: text };
    await commit('inbox_clinic', `copy/${access}/${id}`, canonicalJson(copy));
    ledger.set(`care_hospital record/${id}/1`, sha256Hex(text));
    expect(await kinds()).to.deep.equal([]);
    ledger.set(`care_hospital record/${id}/1`, sha256Hex(`${text} `));
    expect(await kinds()).to.deep.equal([['original', `Observation/${id}/_history/1`]]);
  });

  it('names what was anchored and never delivered', async () => {
    const key = `record/${randomUUID()}/1`;
    await fixture.block({ privateWrites: [{ collection: 'care_clinic', key, value: '{}', delivered: false }] });
    expect(await kinds()).to.deep.equal([['missing', `care_clinic ${sha256Hex(key)}`]]);
  });

  it('goes through more values than one batch', async () => {
    const writes = Array.from({ length: 950 }, () => recordWrite('Observation', {}, 'care_clinic'));
    for (const { key, value = '' } of writes) ledger.set(`care_clinic ${key}`, sha256Hex(value));
    await fixture.block({ privateWrites: writes });
    expect(await sweep()).to.deep.include({ values: 950, differences: [] });
  });
});
