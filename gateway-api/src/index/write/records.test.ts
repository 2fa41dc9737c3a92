/** A record is shown where its sheet, its id or its version's key, and its signature say that it stands, and nowhere else. */
import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Content, type Place, recordIdAt, type Sheet } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { expect } from 'chai';
import { type FixtureWrite, fixtureBlock, withheldKeys } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import {
  type AnchoredFixture,
  anchored,
  FixtureIndex,
  type Logged,
  logInto,
  newSalt,
  recordWrites,
  sheetWrites,
} from '../index.fixture.ts';
import { consentWrite } from '../values.fixture.ts';

const UNREADABLE = 'a committed value cannot be read';

onEachDatabase('The records of a sheet', (kind) => {
  let fixture: FixtureIndex;
  let logged: Logged[];
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    logged = [];
    fixture.projector = await fixture.openProjector({ log: logInto(logged) });
  });
  afterEach(() => fixture.close());

  const own = (fields: object = {}) => anchored('Observation', { id: randomUUID(), ...fields });
  const held = async (): Promise<string[]> =>
    (await fixture.stores.reading.selectFrom('versions').select('id').orderBy('sequence').execute()).map(
      ({ id }) => id,
    );
  const missing = () => fixture.stores.reading.selectFrom('missing').selectAll().execute();
  const reports = () => logged.filter(({ msg }) => msg === UNREADABLE);
  const write = (key: string, value: unknown): FixtureWrite => ({
    ...{ collection: 'care_hospital', key },
    value: typeof value === 'string' ? value : canonicalJson(value),
  });
  /** The same writes with another value under a key, or without it. */
  const change = (writes: FixtureWrite[], kindOfKey: string, to: (value: string) => unknown): FixtureWrite[] =>
    writes.flatMap((one) => {
      if (!one.key.startsWith(`${kindOfKey}/`)) return [one];
      const value = to(one.value!);
      return value === undefined ? [] : [write(one.key, value)];
    });
  /** A sheet over texts, whatever they are, without keys of versions. */
  function sheetOver(leaves: Content['leaves'], sheet = randomUUID()): FixtureWrite[] {
    const hashes = leaves.map((leaf) => (typeof leaf === 'string' ? leafHash(leaf) : leaf.hash));
    const tree: Sheet = { schema: 1, root: rootOf(hashes), size: leaves.length, salt: newSalt() };
    return [write(privateKeys.sheet(sheet), tree), write(privateKeys.content(sheet, 0), { schema: 1, leaves })];
  }
  const place = ({ type, id, version }: AnchoredFixture, sheet: string, index: number, fields: Partial<Place> = {}) =>
    write(privateKeys.version(id, version), { schema: 1, sheet, index, type, salt: newSalt(), ...fields });

  /** That a content was not taken at all, was reported and is listed, and the next is taken. */
  async function expectNothingOf(writes: FixtureWrite[], creator = 'HospitalMSP'): Promise<void> {
    await fixture.block({ creator, privateWrites: writes });
    expect(await held()).to.deep.equal([]);
    const content = writes.find(({ key }) => key.startsWith('content/'))!;
    const listed = (await missing()).map(({ key_hash, reason }) => `${reason} ${key_hash}`);
    expect(listed).to.include(`unreadable ${sha256Hex(content.key)}`);
    expect(reports()).to.have.length(1);
    expect(reports()[0]).to.include({ level: 50, collection: 'care_hospital', block: 0 });
    const next = own();
    await fixture.block({ privateWrites: sheetWrites([next]) });
    expect(await held()).to.deep.equal([next.id]);
  }

  it('are each found by their ids, with their paths, whoever gave the id', async () => {
    const sheet = randomUUID();
    const created = recordIdAt({ sheet, index: 1 }, 'Observation');
    const records = [own(), anchored('Observation', { id: created }), own({ version: 3 })];
    await fixture.block({ privateWrites: sheetWrites(records, { sheet }) });
    expect(await held()).to.deep.equal(records.map(({ id }) => id));
    for (const { id, version, text } of records) {
      const row = await fixture.index.newestRow('Observation', id);
      expect(row).to.include({ version, value: text, author: 'HospitalMSP' });
      expect(JSON.parse(row!.leaf!)).to.have.property('size', 3);
    }
    expect(reports()).to.deep.equal([]);
  });

  describe('are not shown at all', () => {
    const records = () => [own(), own()];

    it('where the root is not that of the sheet', async () => {
      const writes = sheetWrites(records());
      await expectNothingOf(change(writes, 'sheet', (text) => ({ ...JSON.parse(text), root: 'ab'.repeat(32) })));
    });

    it('where the size is not that of the sheet', async () => {
      await expectNothingOf(change(sheetWrites(records()), 'sheet', (text) => ({ ...JSON.parse(text), size: 3 })));
    });

    it('where one text is not what the sheet holds', async () => {
      await expectNothingOf(
        change(sheetWrites(records()), 'content', (text) => text.replace('Observation', 'Condition')),
      );
    });

    it('where they were put into another order', async () => {
      const reversed = (text: string) => ({ schema: 1, leaves: (JSON.parse(text) as Content).leaves.reverse() });
      await expectNothingOf(change(sheetWrites(records()), 'content', reversed));
    });

    it('without their sheet, or with one of another transaction', async () => {
      await expectNothingOf(change(sheetWrites(records()), 'sheet', () => undefined));
      const [tree, ...rest] = sheetWrites(records());
      await fixture.block({ privateWrites: [tree!] }, { privateWrites: rest });
      expect(await held()).to.have.length(1);
    });

    it('with a sheet in another collection', async () => {
      const [tree, ...rest] = sheetWrites(records());
      await fixture.block({ privateWrites: [{ ...tree!, collection: 'inbox_hospital' }, ...rest] });
      expect(await held()).to.deep.equal([]);
    });

    for (const junk of ['null', '7', '"x"', '[]', '{}', '{"root":7,"size":{}}', 'not JSON']) {
      it(`with a sheet or a content that says ${junk}`, async () => {
        await expectNothingOf(change(sheetWrites(records()), 'sheet', () => junk));
        await fixture.block({ privateWrites: change(sheetWrites(records()), 'content', () => junk) });
        expect(await held()).to.have.length(1);
      });
    }

    for (const leaves of [[], [null], [7], [{}], [{ hash: 7 }], [[]], 'x', { length: 1 }]) {
      it(`with the leaves ${JSON.stringify(leaves)}`, () =>
        expectNothingOf(change(sheetWrites(records()), 'content', () => ({ schema: 1, leaves }))));
    }

    for (const key of ['content/x', 'content/x/y', 'content/x/01', 'content/x/-1', 'content/x/0/1', 'content//0']) {
      it(`under the key ${key}`, async () => {
        const writes = sheetWrites(records(), { sheet: 'x' });
        await expectNothingOf(writes.map((one) => (one.key === 'content/x/0' ? { ...one, key } : one)));
      });
    }

    it('where somebody else signed them', async () => {
      await expectNothingOf(sheetWrites(records()), 'PatientsMSP');
    });
  });

  describe('are shown without those', () => {
    /** One bad leaf among two good ones hides neither; it is reported once. */
    async function expectNeighboursOf(bad: AnchoredFixture, writesOf: (all: AnchoredFixture[]) => FixtureWrite[]) {
      const [before, after] = [own(), own()];
      await fixture.block({ privateWrites: writesOf([before, bad, after]) });
      expect(await held()).to.deep.equal([before.id, after.id]);
      for (const { id } of [before, after])
        expect((await fixture.index.newest('Observation', id))?.resource.id).to.equal(id);
      const content = await fixture.stores.reading.selectFrom('versions').select('key_hash').executeTakeFirstOrThrow();
      expect((await missing()).map(({ key_hash }) => key_hash)).to.not.include(content.key_hash);
      expect(reports()).to.have.length(1);
    }
    const without = (writes: FixtureWrite[], { id, version }: AnchoredFixture): FixtureWrite[] =>
      writes.filter(({ key }) => key !== privateKeys.version(id, version));

    it('whose version no key gives', async () => {
      for (const version of [1, 2]) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        const bad = own({ version });
        await expectNeighboursOf(bad, (all) => without(sheetWrites(all), bad));
      }
    });

    it('whose key gives another place or type', async () => {
      const wrong: Partial<Place>[] = [{ sheet: randomUUID() }, { index: 0 }, { type: 'Condition' }];
      for (const fields of wrong) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        const bad = own();
        const at = randomUUID();
        await expectNeighboursOf(bad, (all) => [
          ...without(sheetWrites(all, { sheet: at }), bad),
          place(bad, at, 1, fields),
        ]);
      }
    });

    for (const junk of ['null', '7', '[]', 'not JSON', '{"sheet":{}}'])
      it(`whose key says ${junk}`, async () => {
        const bad = own();
        const key = privateKeys.version(bad.id, bad.version);
        await expectNeighboursOf(bad, (all) =>
          sheetWrites(all).map((one) => (one.key === key ? { ...one, value: junk } : one)),
        );
      });

    it('that another signed', async () => {
      const bad = own({ author: 'ClinicMSP' });
      await expectNeighboursOf(bad, sheetWrites);
    });

    it('that no provider records', async () => {
      const types = ['Consent', 'Coverage', 'ClaimResponse', 'PaymentNotice', 'ExplanationOfBenefit'];
      for (const type of types) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        await expectNeighboursOf(anchored(type, { id: randomUUID() }), sheetWrites);
      }
    });

    it('that are no anchored resource', async () => {
      const changes: ((value: Anchored) => unknown)[] = [
        ...['null', '7', '"x"', '[]', '{}', 'not JSON', '\u{1}'].map((text) => () => text),
        (value) => ({ ...value, author: 7 }),
        ...['1', 0, -1, 1.5, null].map((version) => (value: Anchored) => ({ ...value, version })),
        (value) => ({ ...value, recordedAt: undefined }),
        (value) => ({ ...value, id: randomUUID() }),
        (value) => ({ ...value, resource: null }),
        (value) => ({ ...value, resource: { ...value.resource, id: 7 } }),
        (value) => ({ ...value, resource: { ...value.resource, resourceType: [] } }),
        (value) => ({ ...value, resource: [value.resource] }),
      ];
      for (const to of changes) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        // The key gives the place of what the text was before.
        const record = own();
        const changed = to(JSON.parse(record.text) as Anchored);
        const text = typeof changed === 'string' ? changed : canonicalJson(changed);
        await expectNeighboursOf({ ...record, text }, sheetWrites);
      }
    });

    it('whose version is below the first', async () => {
      for (const version of [0, -1]) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        await expectNeighboursOf(own({ version }), sheetWrites);
      }
    });

    it('that no database holds', async () => {
      for (const fields of [{ id: 'a\0b' }, { id: 'x'.repeat(10_000) }]) {
        logged.length = 0;
        await fixture.stores.writing.deleteFrom('versions').execute();
        await expectNeighboursOf(own(fields), (all) => sheetWrites(all).filter(({ key }) => key.length < 500));
      }
      logged.length = 0;
      await fixture.stores.writing.deleteFrom('versions').execute();
      await expectNeighboursOf(anchored('X'.repeat(10_000), { id: randomUUID() }), sheetWrites);
    });

    it('that say the same id again', async () => {
      const [record, neighbour] = [own(), own()];
      const again = anchored('Observation', { id: record.id, version: 2 });
      await fixture.block({ privateWrites: sheetWrites([record, again, neighbour]) });
      expect(await held()).to.deep.equal([record.id, neighbour.id]);
      expect(reports()).to.have.length(1);
    });

    it('that were erased, which nobody is told of', async () => {
      const [before, erased, after] = [own(), own(), own()];
      const sheet = randomUUID();
      const leaves = [before.text, { hash: leafHash(erased.text) }, after.text];
      const writes = [
        ...sheetOver(leaves, sheet),
        place(before, sheet, 0),
        place(erased, sheet, 1),
        place(after, sheet, 2),
      ];
      await fixture.block({ privateWrites: writes });
      expect(await held()).to.deep.equal([before.id, after.id]);
      expect([reports(), await missing()]).to.deep.equal([[], []]);
      const row = await fixture.index.newestRow('Observation', after.id);
      expect((await fixture.index.evidence.ofRecord(row!)).path).to.have.length(1);
    });
  });

  it('begin where their ids say and nowhere else', async () => {
    const first = recordWrites('Observation', { status: 'final' });
    await fixture.block({ privateWrites: first });
    const again = anchored('Observation', { id: first.id, status: 'amended' });
    await fixture.block({ privateWrites: sheetWrites([again, own()]) });
    const { versions } = await fixture.index.versions('Observation', first.id);
    expect(versions.map(({ resource }) => resource['status'])).to.deep.equal(['final']);
    expect(reports()).to.have.length(1);
  });

  for (const lacking of ['version', 'sheet', 'content'])
    it(`wait for their ${lacking}, and are read again until it has come`, async () => {
      const records = [own(), own()];
      const block = fixtureBlock(0, [{ privateWrites: sheetWrites(records) }]);
      const partly = withheldKeys(block, (key) => key.startsWith(`${lacking}/`));
      await fixture.apply(partly);
      expect(await held()).to.deep.equal([]);
      const { status } = await fixture.index.newest('Observation', records[0]!.id).catch((error) => error);
      expect(status).to.equal(503);
      expect(await fixture.complete(partly), 'as before').to.equal(0);
      expect(await fixture.complete(block)).to.be.greaterThan(0);
      expect(await held()).to.deep.equal(records.map(({ id }) => id));
      expect([fixture.projector.lacks(), reports()]).to.deep.equal([0, []]);
    });

  it('and a consent are their signer’s', async () => {
    const grants = [consentWrite({}), consentWrite({ author: 'HospitalMSP' }), consentWrite({})];
    await fixture.block(
      { creator: 'PatientsMSP', privateWrites: [grants[0]!] },
      { creator: 'PatientsMSP', privateWrites: [grants[1]!] },
      { creator: 'HospitalMSP', privateWrites: [grants[2]!] },
    );
    expect(await held()).to.deep.equal([grants[0]!.id]);
    const states = await fixture.stores.reading.selectFrom('states').select('id').execute();
    expect(states).to.deep.equal([{ id: grants[0]!.id }]);
    expect(reports()).to.have.length(2);
  });
});
