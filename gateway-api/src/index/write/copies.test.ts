/** A delivered copy is shown where it is what its holder anchored, until its time is over or it is purged. */
import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { type RecordEvidence, recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import { type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
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
import { copiesWrite, delivery, evidenceFrom, grantOf, LATER } from '../values.fixture.ts';

const PAST = '2020-01-01T00:00:00.000Z';

onEachDatabase('Delivered copies', (kind) => {
  let clinic: FixtureIndex;
  let logged: Logged[];
  beforeEach(async () => {
    clinic = await FixtureIndex.open('clinic', kind);
    logged = [];
    clinic.projector = await clinic.openProjector({ log: logInto(logged) });
  });
  afterEach(() => clinic.close());

  /** Another one, which holds nothing. */
  async function reopened(): Promise<FixtureIndex> {
    await clinic.close();
    return FixtureIndex.open('clinic', kind);
  }
  const held = async (): Promise<string[]> =>
    (await clinic.stores.reading.selectFrom('versions').select('id').orderBy('sequence').execute()).map(({ id }) => id);
  const own = (fields: object = {}) => anchored('Observation', { id: randomUUID(), ...fields });
  /** Has the hospital anchor records, of which the clinic sees the hashes, and answers them as evidence. */
  async function anchor(...records: AnchoredFixture[]): Promise<RecordEvidence[]> {
    const writes = sheetWrites(records);
    await clinic.block({ privateWrites: writes });
    return records.map(({ id, version }) => evidenceFrom(writes, id, version));
  }
  const deliver = (...writes: FixtureWrite[]) => clinic.block(delivery(...writes));
  const reports = () => logged.filter(({ level }) => level === 50);
  const total = async (type = 'Observation') => (await clinic.index.search({ type, count: 10 })).total;

  it('are shown with their source, until they expire', async () => {
    const [kept, over] = await anchor(own(), own());
    await deliver(copiesWrite([kept!]), copiesWrite([over!], { expiresAt: PAST }));
    const stored = await clinic.index.newest('Observation', kept!.id);
    expect(stored?.author).to.equal('hospital');
    expect((stored!.resource['meta'] as { source: string }).source).to.match(/organisations\/hospital$/);
    expect(await clinic.index.newest('Observation', over!.id)).to.equal(undefined);
    expect(await total()).to.equal(1);
    expect(reports()).to.deep.equal([]);
  });

  it('are shown without their holder’s part in an emergency, which waits for nobody', async () => {
    for (const purpose of ['BTG', 'ETREAT'] as const) {
      const [record] = await anchor(own());
      const copies = copiesWrite([record!]);
      const [step] = grantOf(copies, { purpose });
      const broken = { creator: 'PatientsMSP', endorsers: ['PatientsMSP', 'ClinicMSP'] };
      await clinic.block({ ...broken, privateWrites: [copies, step!] });
      expect(await held()).to.include(record!.id);
    }
    expect(reports()).to.deep.equal([]);
  });

  it('are for everybody where they say for nobody, for whom they say, and for nobody where that cannot be read', async () => {
    const [older, own1, own2, odd] = await anchor(own(), own(), own(), own());
    await deliver(
      copiesWrite([older!]),
      copiesWrite([own1!], { audience: { role: 'practitioner', user: 'Practitioner/d1' } }),
      copiesWrite([own2!], { audience: { role: 'system' } }),
      copiesWrite([odd!], { audience: 'everybody' as never }),
    );
    const seen = async (audience: string | undefined): Promise<string[]> => {
      const { matches } = await clinic.index.search({ type: 'Observation', count: 10 }, { audience });
      const found = matches.map(({ resource: { id } }) => id);
      for (const { id } of [older!, own1!, own2!, odd!])
        expect((await clinic.index.newest('Observation', id, { audience })) !== undefined, id).to.equal(
          found.includes(id),
        );
      return found;
    };
    expect(await seen('Practitioner/d1')).to.deep.equal([older!.id, own1!.id]);
    expect(await seen('role system')).to.deep.equal([older!.id, own2!.id]);
    expect(await seen('role practitioner')).to.deep.equal([older!.id]);
    expect(await seen('')).to.deep.equal([older!.id, odd!.id]);
    expect(
      (await clinic.index.deliveries.withheld('Observation', { view: { audience: 'role system' } })).flatMap(
        ({ id }) => id,
      ),
    ).to.have.members([own1!.id, odd!.id]);
  });

  it('of one record are each in the version that was delivered for whom they are', async () => {
    const id = randomUUID();
    const [first] = await anchor(anchored('Observation', { id, identifier: [{ system: 's', value: 'old' }] }));
    await deliver(copiesWrite([first!], { audience: { role: 'practitioner', user: 'Practitioner/d1' } }));
    const [second] = await anchor(
      anchored('Observation', { id, version: 2, identifier: [{ system: 's', value: 'new' }] }),
    );
    await deliver(copiesWrite([second!], { audience: { role: 'practitioner', user: 'Practitioner/d2' } }));
    const found = async (audience: string, value: string): Promise<number[]> => {
      const values = [{ parameter: 'identifier', anyOf: [{ system: 's', value }] }];
      const { matches } = await clinic.index.search({ type: 'Observation', count: 10, values }, { audience });
      return matches.map(({ version }) => version);
    };
    expect(await found('Practitioner/d1', 'old')).to.deep.equal([1]);
    expect(await found('Practitioner/d1', 'new')).to.deep.equal([]);
    expect(await found('Practitioner/d2', 'new')).to.deep.equal([2]);
    expect(await found('Practitioner/d2', 'old')).to.deep.equal([]);
    expect(reports()).to.deep.equal([]);
  });

  it('are forgotten when they are purged by their hash alone, with their identifiers', async () => {
    const records = await anchor(anchored('Patient', { identifier: [{ system: 's', value: 'x' }] }), own());
    const copies = copiesWrite(records);
    await deliver(copies);
    expect(await held()).to.have.length(2);
    const { collection, key } = copies;
    await deliver({ collection, key, purge: true, delivered: false });
    expect(await held()).to.deep.equal([]);
    expect(await clinic.stores.reading.selectFrom('search_values').selectAll().execute()).to.deep.equal([]);
  });

  it('are shown as the earlier delivery has them when the later one is purged', async () => {
    const records = await anchor(own());
    const [first, second] = [copiesWrite(records), copiesWrite(records)];
    await deliver(first);
    await deliver(second);
    expect(await total()).to.equal(1);
    await deliver({ collection: second.collection, key: second.key, purge: true });
    expect(await total()).to.equal(1);
  });

  it('do not stand in for an own resource when identifiers are resolved', async () => {
    await deliver(copiesWrite(await anchor(anchored('Practitioner', { identifier: [{ system: 's', value: 'x' }] }))));
    const found = await clinic.index.findByIdentifier([{ type: 'Practitioner', system: 's', value: 'x' }]);
    expect(found).to.deep.equal([[]]);
  });

  it('show a later version with the key that says where it stands', async () => {
    const [record] = await anchor(own({ version: 7 }));
    expect(record).to.have.property('place');
    await deliver(copiesWrite([record!]));
    expect((await clinic.index.newest('Observation', record!.id))?.version).to.equal(7);
  });

  it('show a created record, which needs no key', async () => {
    const writes = recordWrites('Observation', {});
    await clinic.block({ privateWrites: writes });
    const evidence = evidenceFrom(writes, writes.id);
    expect(evidence).to.not.have.property('place');
    await deliver(copiesWrite([evidence]));
    expect(await held()).to.deep.equal([writes.id]);
  });

  describe('are left out one by one', () => {
    /** One of three copies is changed: the others are shown, and one report says that something was left out. */
    async function expectLeftOut(changed: (evidence: RecordEvidence, all: RecordEvidence[]) => unknown): Promise<void> {
      const [before, bad, after] = (await anchor(own(), own(), own())) as [
        RecordEvidence,
        RecordEvidence,
        RecordEvidence,
      ];
      const all = [before, bad, after];
      const known = await held();
      logged.length = 0;
      await deliver(copiesWrite([before, changed(bad, all) as RecordEvidence, after]));
      expect((await held()).filter((id) => !known.includes(id))).to.deep.equal([before.id, after.id]);
      expect(reports()).to.have.length(1);
      expect(reports()[0]).to.include({ collection: 'inbox_clinic', msg: 'a committed value cannot be read' });
    }

    it('where the text was altered', async () => {
      await expectLeftOut((one) => ({
        ...one,
        text: one.text.replace('hospital', 'clinic').replace('Observation', 'Condition'),
      }));
      await expectLeftOut((one) => ({ ...one, text: `${one.text} ` }));
    });

    it('where the path does not lead to the tree', async () => {
      await expectLeftOut((one) => ({ ...one, path: one.path.slice(1) }));
      await expectLeftOut((one) => ({ ...one, path: [...one.path].reverse() }));
      await expectLeftOut((one) => ({ ...one, path: [...one.path, 'ab'.repeat(32)] }));
      await expectLeftOut((one, [first]) => ({ ...one, path: first!.path }));
    });

    it('where the place is another', async () => {
      await expectLeftOut((one) => ({ ...one, index: 0 }));
      await expectLeftOut((one) => ({ ...one, index: 1.5 }));
      await expectLeftOut((one) => ({ ...one, index: '1' }));
      await expectLeftOut((one) => ({ ...one, sheet: randomUUID() }));
    });

    it('where the place is no number of one, though the id follows from it', async () => {
      const sheet = randomUUID();
      const record = anchored('Observation', { id: recordIdAt({ sheet, index: 0.5 }, 'Observation') });
      const writes = sheetWrites([record], { sheet });
      await clinic.block({ privateWrites: writes });
      await expectLeftOut(() => ({ ...evidenceFrom(writes, record.id), place: undefined, index: 0.5 }));
    });

    it('where the tree is another, though its root is the same', async () => {
      await expectLeftOut((one) => ({ ...one, tree: canonicalJson({ ...JSON.parse(one.tree), salt: newSalt() }) }));
      await expectLeftOut((one) => ({ ...one, tree: canonicalJson({ ...JSON.parse(one.tree), size: 2 }) }));
    });

    it('where id or version are not the text’s', async () => {
      await expectLeftOut((one) => ({ ...one, id: randomUUID() }));
      await expectLeftOut((one) => ({ ...one, version: 2 }));
    });

    it('where the key of their version is not the holder’s, or is lacking', async () => {
      await expectLeftOut(({ place: _, ...one }) => one);
      await expectLeftOut((one) => ({ ...one, place: canonicalJson({ ...JSON.parse(one.place!), salt: newSalt() }) }));
      await expectLeftOut((one, [first]) => ({ ...one, place: first!.place }));
    });

    for (const junk of [null, 7, 'x', [], {}, { text: 7 }, { text: '{}', tree: 'null', path: [], index: 0 }])
      it(`where one is ${JSON.stringify(junk)}`, () => expectLeftOut(() => junk));

    for (const part of ['text', 'tree', 'place', 'path', 'sheet', 'index'])
      it(`where its ${part} is no such thing`, async () => {
        for (const junk of [null, 7, 'null', '{}', [7], ['zz'], {}])
          await expectLeftOut((one) => ({ ...one, [part]: junk }));
      });

    it('where another’s record stands on the holder’s sheet', async () => {
      const foreign = own({ author: 'ClinicMSP' });
      const writes = sheetWrites([foreign]);
      await clinic.block({ privateWrites: writes });
      await expectLeftOut(() => evidenceFrom(writes, foreign.id));
    });
  });

  describe('are refused as a whole, and listed', () => {
    async function expectRefused(...writes: FixtureWrite[]): Promise<void> {
      await deliver(...writes);
      expect(await held()).to.deep.equal([]);
      const missing = await clinic.stores.reading.selectFrom('missing').selectAll().execute();
      const hashes = writes.map(({ key }) => sha256Hex(key));
      expect(missing.map(({ key_hash }) => key_hash)).to.have.members(hashes);
      expect(missing.map(({ reason }) => reason)).to.deep.equal(hashes.map(() => 'unreadable'));
      expect(reports()).to.have.length(new Set(writes.map(({ collection }) => collection)).size);
    }

    it('of a sheet that nobody anchored', async () => {
      const record = own();
      await expectRefused(copiesWrite([evidenceFrom(sheetWrites([record]), record.id)]));
    });

    it('of a sheet that another organisation anchored', async () => {
      const record = own();
      const writes = sheetWrites([record], { collection: 'care_clinic' });
      await clinic.block({ creator: 'HospitalMSP', privateWrites: writes });
      expect(await held()).to.deep.equal([record.id]);
      const copies = copiesWrite([evidenceFrom(writes, record.id)]);
      await deliver(copies);
      expect(await held()).to.deep.equal([record.id]);
      const [missing] = await clinic.stores.reading.selectFrom('missing').selectAll().execute();
      expect(missing?.key_hash).to.equal(sha256Hex(copies.key));
    });

    it('of a sheet that its holder anchored only later, whenever they arrive', async () => {
      const record = own();
      const writes = sheetWrites([record]);
      const copies = copiesWrite([evidenceFrom(writes, record.id)]);
      const early = fixtureBlock(0, [delivery(copies)]);
      await clinic.apply(withheld(early, () => true));
      await clinic.apply(fixtureBlock(1, [{ privateWrites: writes }], early));
      expect(await clinic.complete(early)).to.equal(2);
      expect(await held()).to.deep.equal([]);
      expect(reports()).to.have.length(1);
    });

    /** A delivery that the custodian makes up with any other member, which may write to the inbox: with these steps. */
    async function expectForgedRefused(steps: (copies: FixtureWrite) => FixtureWrite[]): Promise<void> {
      const [record] = await anchor(own());
      const copies = copiesWrite([record!]);
      const forged = { creator: 'PatientsMSP', endorsers: ['PatientsMSP', 'BankMSP'] };
      await clinic.block({ ...forged, privateWrites: [copies, ...steps(copies)] });
      expect(await held()).to.deep.equal([]);
      const missing = await clinic.stores.reading.selectFrom('missing').select(['key_hash', 'reason']).execute();
      expect(missing).to.deep.include({ key_hash: sha256Hex(copies.key), reason: 'unreadable' });
    }
    const [inbox, care] = [0, 1] as const;

    it('of which its holder knows nothing, also where it goes on from another one, in an emergency too', async () => {
      const renews = randomUUID();
      const renewal = { renews, root: renews, lastsUntil: LATER };
      for (const more of [
        {},
        renewal,
        { ...renewal, purpose: 'BTG' as const },
        { ...renewal, purpose: 'ETREAT' as const },
      ]) {
        clinic = await reopened();
        await expectForgedRefused((copies) => [grantOf(copies, more)[inbox]!]);
      }
    });

    it('that comes with no step that grants it, or with another access’s, holder’s or requestor’s', async () => {
      const wrong: ((copies: FixtureWrite) => FixtureWrite[])[] = [
        () => [],
        (copies) => [grantOf(copies)[care]!],
        (copies) => grantOf(copies, { status: 'refused', reason: 'consent-absent' }),
        (copies) => grantOf(copies, { holder: 'payer' }),
        (copies) => grantOf(copies).map((one) => ({ ...one, value: '{}' })),
        (copies) => grantOf(copies).map((one) => ({ ...one, value: one.value!.replace('"clinic"', '"payer"') })),
        (copies) => grantOf(copies, { id: randomUUID() }).map((one) => ({ ...one, key: grantOf(copies)[inbox]!.key })),
      ];
      for (const steps of wrong) {
        clinic = await reopened();
        await expectForgedRefused(steps);
      }
    });

    it('to which its holder agreed otherwise', async () => {
      await expectForgedRefused((copies) => {
        const [told] = grantOf(copies, { expiresAt: LATER });
        const [, agreed] = grantOf(copies, { expiresAt: PAST });
        return [told!, agreed!];
      });
    });

    it('of a second writing of a sheet', async () => {
      const [sheet, id] = [randomUUID(), randomUUID()];
      const [first, second] = ['final', 'amended'].map((status) => sheetWrites([own({ id, status })], { sheet }));
      await clinic.block({ privateWrites: first! });
      await clinic.block({ privateWrites: second! });
      logged.length = 0;
      await expectRefused(copiesWrite([evidenceFrom(second!, id)]));
      await deliver(copiesWrite([evidenceFrom(first!, id)]));
      expect((await clinic.index.newest('Observation', id))?.resource['status']).to.equal('final');
    });

    it('of a second writing of a place', async () => {
      const id = randomUUID();
      const [first, second] = ['final', 'amended'].map((status) => sheetWrites([own({ id, status })]));
      await clinic.block({ privateWrites: first! });
      await clinic.block({ privateWrites: second! });
      logged.length = 0;
      await expectRefused(copiesWrite([evidenceFrom(second!, id)]));
    });

    it('under the key of another access', async () => {
      const records = await anchor(own());
      const { key } = copiesWrite([]);
      await expectRefused({ ...copiesWrite(records), key });
    });

    it('of a holder that is no member, or is another', async () => {
      const records = await anchor(own());
      await expectRefused(
        ...['nobody', 'clinic', 'payer', '', '../hospital'].map((holder) => copiesWrite(records, { holder })),
      );
    });

    it('in a collection that is no inbox', async () => {
      const records = await anchor(own());
      await expectRefused(
        ...['care_clinic', 'billing_clinic', 'marks'].map((collection) => ({ ...copiesWrite(records), collection })),
      );
    });

    it('of another shape', async () => {
      const records = await anchor(own());
      const broken: object[] = [
        { records: 7 },
        { records: { length: 1 } },
        { expiresAt: 7 },
        { salt: null },
        { deliveredAt: [] },
        { holder: {} },
      ];
      await expectRefused(...broken.map((fields) => copiesWrite(records, fields)));
    });
  });

  it('of a delivery that is late are shown when it arrives, whatever has been purged since', async () => {
    const [one, other] = await anchor(own(), own());
    const [kept, gone] = [copiesWrite([one!]), copiesWrite([other!])];
    const late = fixtureBlock(1, [delivery(kept), delivery(gone)]);
    await clinic.apply(withheld(late, () => true));
    const { status } = await clinic.index.newest('Observation', one!.id).catch((error) => error);
    expect(status).to.equal(503);
    await clinic.apply(fixtureBlock(2, [delivery({ collection: gone.collection, key: gone.key, purge: true })], late));
    expect(await clinic.complete(late)).to.equal(3);
    expect(await held()).to.deep.equal([one!.id]);
  });

  it('are nobody else’s to show: neither the custodian nor the holder', async () => {
    const custodian = await FixtureIndex.open('patients', kind);
    try {
      const writes = sheetWrites([own()]);
      const record = JSON.parse(JSON.parse(writes[1]!.value!).leaves[0]) as { id: string };
      await custodian.block({ privateWrites: writes });
      await custodian.block(delivery(copiesWrite([evidenceFrom(writes, record.id)], { expiresAt: LATER })));
      expect((await custodian.index.search({ type: 'Observation', count: 10 })).total).to.equal(1);
      const stored = await custodian.index.newest('Observation', record.id);
      expect(stored!.resource['meta']).to.not.have.property('source');
      const rows = await custodian.stores.reading.selectFrom('versions').select('key').execute();
      expect(rows.map(({ key }) => key.split('/')[0])).to.have.members(['content', 'copies']);
    } finally {
      await custodian.close();
    }
  });
});
