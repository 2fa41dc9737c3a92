/** What the read model shows to endorsers is what the ledger holds, exactly, and only where all of it is here. */
import { randomUUID } from 'node:crypto';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { isIncluded, leafHash } from '@telemed-ledger/chaincode/model/merkle.ts';
import { recordEvidenceSchema, recordIdAt, type Sheet } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { type FixtureWrite, fixtureBlock, withheldKeys } from '../../ledger/block.fixture.ts';
import { onEachDatabase, sqlite } from '../databases.fixture.ts';
import { anchored, FixtureIndex, newSalt, recordWrites, seals, sheetWrites, silent } from '../index.fixture.ts';
import { consentWrite, evidenceFrom, requestWrite } from '../values.fixture.ts';
import { Checks } from './checks.ts';
import { Evidence } from './evidence.ts';
import type { VersionRow } from './stored.ts';

const CARE = 'care_hospital';

onEachDatabase('Evidence from the read model', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const row = async (id: string): Promise<VersionRow> => (await fixture.index.newestRow('Observation', id))!;
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      ({ status }) => status,
    );

  it('shows each record of a sheet of any size with its path, as the contracts take it', async () => {
    for (const size of [1, 2, 3, 7, 8, 33]) {
      const sheet = randomUUID();
      const records = Array.from({ length: size }, (_, index) => {
        const isCreated = index % 2 === 0;
        return anchored('Observation', { id: isCreated ? recordIdAt({ sheet, index }, 'Observation') : randomUUID() });
      });
      const writes = sheetWrites(records, { sheet });
      await fixture.block({ privateWrites: writes });
      for (const { id } of records) {
        const shown = await fixture.index.evidence.ofRecord(await row(id));
        expect(shown).to.deep.equal(evidenceFrom(writes, id));
        expect(recordEvidenceSchema.safeParse(shown).success).to.equal(true);
        const { text, index, path, tree } = shown;
        expect(isIncluded(leafHash(text), index, path, JSON.parse(tree) as Sheet)).to.equal(true);
      }
    }
  });

  it('shows a later version with the key that says where it stands', async () => {
    const first = recordWrites('Observation', {});
    const second = recordWrites('Observation', { id: first.id, version: 2 });
    await fixture.block({ privateWrites: first });
    expect(await fixture.index.evidence.ofRecord(await row(first.id))).to.not.have.property('place');
    await fixture.block({ privateWrites: second });
    expect(await fixture.index.evidence.ofRecord(await row(first.id))).to.deep.equal(evidenceFrom(second, first.id, 2));
  });

  it('says that a part has not arrived where sheet or key are not here any more', async () => {
    for (const gone of ['sheet', 'version']) {
      const writes = recordWrites('Observation', { id: randomUUID() });
      await fixture.block({ privateWrites: writes });
      const stored = await row(writes.id);
      expect(await failure(fixture.index.evidence.ofRecord(stored))).to.equal(undefined);
      const { collection, key } = writes.find((one) => one.key.startsWith(`${gone}/`))!;
      await fixture.block({ privateWrites: [{ collection, key, purge: true }] });
      expect(await failure(fixture.index.evidence.ofRecord(stored)), gone).to.equal(503);
    }
    const consent = consentWrite({});
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] });
    const version = await fixture.index.newestRow('Consent', consent.id);
    expect(await failure(fixture.index.evidence.ofRecord(version!)), 'on no sheet').to.equal(503);
  });

  it('refuses what was changed behind the gateway’s back', async () => {
    const writes = recordWrites('Observation', { id: randomUUID() });
    await fixture.block({ privateWrites: writes });
    const stored = await row(writes.id);
    const { writing } = fixture.stores;
    const { value } = await writing
      .selectFrom('private_values')
      .select('value')
      .where('kind', '=', 'sheet')
      .executeTakeFirstOrThrow();
    await writing
      .updateTable('private_values')
      .set({ value: value.replace('"size":1', '"size":2') })
      .where('kind', '=', 'sheet')
      .execute();
    expect(await failure(fixture.index.evidence.ofRecord(stored))).to.equal(409);
  });

  it('finds the exact text under a key, whatever it holds', async () => {
    const [consent, request] = [consentWrite({}), requestWrite(randomUUID(), 'P-1', 'hospital')];
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] }, { privateWrites: [request] });
    for (const { collection, key, value } of [consent, request]) {
      expect(await fixture.index.evidence.text(collection, key)).to.equal(value);
      expect(await fixture.index.evidence.text('care_clinic', key)).to.equal(undefined);
    }
    expect(
      await fixture.index.evidence.texts(consent.collection, [consent.key, 'none', request.key, consent.key]),
    ).to.deep.equal([
      ...[consent.value, undefined, request.collection === consent.collection ? request.value : undefined],
      consent.value,
    ]);
  });

  it('says where the first version stands, and of none where it is not here', async () => {
    const { evidence } = fixture.index;
    const sheet = randomUUID();
    const records = [0, 1].map((index) => anchored('Observation', { id: recordIdAt({ sheet, index }, 'Observation') }));
    const [first, second] = records;
    await fixture.block({ privateWrites: sheetWrites(records, { sheet }) });
    await fixture.block({ privateWrites: recordWrites('Observation', { id: second!.id, version: 2 }) });
    expect(await evidence.originOf(CARE, second!.id)).to.deep.equal({ sheet, index: 1 });
    expect(await evidence.originOf('care_clinic', first!.id)).to.equal(undefined);
    const late = recordWrites('Observation', { id: randomUUID(), version: 2 });
    await fixture.block({ privateWrites: late });
    expect(await evidence.originOf(CARE, late.id)).to.equal(undefined);
    const { id, ...consent } = consentWrite({});
    await fixture.block({ creator: 'PatientsMSP', privateWrites: [consent] });
    expect(await evidence.originOf(CARE, id), 'on no sheet').to.equal(undefined);
  });

  it('refuses a place that was changed behind the gateway’s back', async () => {
    const writes = recordWrites('Observation', {});
    await fixture.block({ privateWrites: writes });
    const leaf = JSON.stringify({ index: 7, size: 8, path: [] });
    await fixture.stores.writing.updateTable('versions').set({ leaf }).execute();
    expect(await failure(fixture.index.evidence.originOf(CARE, writes.id))).to.equal(409);
  });

  it('lists the values of a kind in the order of the ledger, after one that is known', async () => {
    const at = (index: number): FixtureWrite => ({
      collection: 'registers',
      key: privateKeys.bucket(index, 1),
      value: '{}',
    });
    await fixture.block(
      { privateWrites: [at(3), at(1)] },
      { privateWrites: [at(2), { ...at(4), collection: 'marks' }] },
    );
    const all = await fixture.index.evidence.values('registers', 'bucket');
    expect(all.map(({ key }) => key)).to.deep.equal([3, 1, 2].map((index) => privateKeys.bucket(index, 1)));
    const rest = await fixture.index.evidence.values('registers', 'bucket', all[0]!.sequence);
    expect(rest.map(({ key }) => key)).to.deep.equal([1, 2].map((index) => privateKeys.bucket(index, 1)));
  });
});

describe('The newest of a series', () => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', sqlite);
  });
  afterEach(() => fixture.close());

  const series = (name: string): string => `directory/${name}/`;
  const write = (name: string, generation: number): FixtureWrite => ({
    ...{ collection: CARE, key: `${series(name)}${generation}` },
    value: canonicalJson({ generation, salt: newSalt() }),
  });
  const newest = (name: string) => fixture.index.evidence.newest(CARE, series(name));

  it('is found whatever its length, and 0 is said where there is none', async () => {
    const lengths = [...Array.from({ length: 34 }, (_, length) => length), 63, 64, 65, 127, 128, 129, 1000];
    const writes = lengths.flatMap((length) => Array.from({ length }, (_, index) => write(`${length}`, index + 1)));
    await fixture.block({ creator: 'PatientsMSP', privateWrites: writes });
    for (const length of lengths) expect(await newest(`${length}`), `${length}`).to.equal(length);
    expect(await fixture.index.evidence.newest('care_clinic', series('7')), 'elsewhere').to.equal(0);
  });

  it('does not wait for values, and stands when they are purged', async () => {
    const writes = [1, 2, 3].map((generation) => write('a', generation));
    const block = fixtureBlock(0, [{ creator: 'PatientsMSP', privateWrites: writes }]);
    await fixture.apply(withheldKeys(block, (key) => !key.endsWith('/1')));
    expect(await newest('a')).to.equal(3);
    await fixture.apply(
      fixtureBlock(
        1,
        [{ privateWrites: writes.map(({ collection, key }) => ({ collection, key, purge: true })) }],
        block,
      ),
    );
    expect(await newest('a')).to.equal(3);
  });

  it('is one that was written, and not less than what stands without a gap, whatever was written beyond', async () => {
    let turn = 0;
    const generations = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 20 });
    const property = fc.asyncProperty(fc.nat({ max: 20 }), generations, async (whole, beyond) => {
      turn += 1;
      const name = `${turn}`;
      const all = new Set([...Array.from({ length: whole }, (_, index) => index + 1), ...beyond]);
      await fixture.block({
        creator: 'PatientsMSP',
        privateWrites: [...all].map((generation) => write(name, generation)),
      });
      const found = await newest(name);
      expect(found).to.be.at.least(whole);
      if (found > 0) expect([...all]).to.include(found);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('costs few questions', async () => {
    const length = 500;
    await fixture.block({
      creator: 'PatientsMSP',
      privateWrites: Array.from({ length }, (_, index) => write('a', index + 1)),
    });
    let asked = 0;
    const counted = new Proxy(fixture.stores.reading, {
      get(target, name) {
        if (name === 'selectFrom') asked += 1;
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const evidence = new Evidence(counted, new Checks(seals, silent, () => {}));
    expect(await evidence.newest(CARE, series('a'))).to.equal(length);
    expect(asked).to.be.within(1, 2 * Math.ceil(Math.log2(length)) + 2);
  });
});
