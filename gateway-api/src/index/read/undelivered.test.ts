/** What is on the ledger and has not arrived is 503, never 404; and what cannot be there is not waited for. */
import { randomUUID } from 'node:crypto';
import type { peer } from '@hyperledger/fabric-protos';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { expect } from 'chai';
import { type FixtureTransaction, fixtureBlock, withheldKeys } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, newSalt, recordWrites, sheetWrites } from '../index.fixture.ts';
import { claimWrites, consentWrite, copiesWrite, delivery, evidenceFrom, markWrite } from '../values.fixture.ts';

onEachDatabase('What has not arrived', (kind) => {
  let fixture: FixtureIndex;
  let chain: peer.BlockAndPrivateData[];
  const open = async (name: string): Promise<void> => {
    await fixture?.close();
    fixture = await FixtureIndex.open(name, kind);
    chain = [];
  };
  beforeEach(() => open('hospital'));
  afterEach(() => fixture.close());

  async function commit(transaction: FixtureTransaction, lacks: (key: string) => boolean = () => false): Promise<void> {
    const block = fixtureBlock(chain.length, [transaction], chain.at(-1));
    chain.push(block);
    await fixture.apply(withheldKeys(block, lacks));
  }
  const complete = async (): Promise<void> => {
    for (const block of chain) await fixture.complete(block);
  };
  const of = (prefix: string) => (key: string) => key.startsWith(`${prefix}/`);
  /** What each way to read a resource answers: a status, or how many versions are shown. */
  async function answers(type: string, id: string, version = 1) {
    const { index } = fixture;
    const answer = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        (found) => (Array.isArray(found) ? found.length === 0 : found !== undefined),
        ({ status }) => status as number,
      );
    return {
      read: await answer(index.newest(type, id)),
      history: await answer(index.versions(type, id).then(({ versions }) => versions[0])),
      vread: await answer(index.version(type, id, version)),
      reference: await answer(index.missing([`${type}/${id}`])),
    };
  }
  const all = (one: unknown) => ({ read: one, history: one, vread: one, reference: one });
  /** Of no such record while nothing is on its way. */
  const unknown = { ...all(false) };

  it('is nothing while nothing is on its way', async () => {
    for (const id of [randomUUID(), recordWrites('Observation', {}).id])
      expect(await answers('Observation', id)).to.deep.equal(unknown);
  });

  const ends: [string, number | undefined, number][] = [
    ['revokes a consent', undefined, 2],
    ['withdraws a version', 1, 1],
  ];
  for (const [what, version, shownAs] of ends)
    for (const value of [undefined, 'no JSON'])
      it(`is a mark that ${what}, which is ended ${value === undefined ? 'before it arrives' : 'whatever it says'}`, async () => {
        const { id, ...grant } = consentWrite({});
        await commit({ creator: 'PatientsMSP', privateWrites: [grant] });
        const standing = async () => {
          const found = await fixture.index.newest('Consent', id);
          const { matches } = await fixture.index.search({ type: 'Consent', count: 1 });
          expect(matches[0]?.resource['status']).to.equal(found?.resource['status']);
          return [found?.resource['status'], found?.version];
        };
        expect(await standing()).to.deep.equal(['active', 1]);
        const mark = markWrite(id, version);
        const marked = value === undefined ? mark : { ...mark, value };
        await commit(
          { creator: 'PatientsMSP', privateWrites: [marked] },
          (key) => value === undefined && key === mark.key,
        );
        expect(await standing()).to.deep.equal(['inactive', shownAs]);
        const { versions } = await fixture.index.versions('Consent', id);
        await complete();
        expect(await standing()).to.deep.equal(['inactive', shownAs]);
        expect((await fixture.index.versions('Consent', id)).versions.map((one) => one.version)).to.deep.equal(
          versions.map((one) => one.version),
        );
      });

  for (const lacking of ['content', 'sheet']) {
    it(`may be a created record where a ${lacking} is on its way`, async () => {
      const writes = recordWrites('Observation', {});
      await commit({ privateWrites: writes }, of(lacking));
      expect(await answers('Observation', writes.id)).to.deep.equal(all(503));
      // So may any other whose id is of that form.
      expect(await answers('Observation', recordWrites('Observation', {}).id)).to.deep.equal(all(503));
      expect(await answers('Observation', randomUUID()), 'an id of a client’s').to.deep.equal(unknown);
      await complete();
      expect(await answers('Observation', writes.id)).to.deep.equal(all(true));
      expect(await answers('Observation', recordWrites('Observation', {}).id)).to.deep.equal(unknown);
    });
  }

  for (const lacking of ['content', 'sheet', 'version']) {
    it(`is a record under its client’s id where its ${lacking} is on its way`, async () => {
      const writes = recordWrites('Observation', { id: randomUUID() });
      await commit({ privateWrites: writes }, of(lacking));
      expect(await answers('Observation', writes.id)).to.deep.equal(all(503));
      expect(await answers('Observation', randomUUID())).to.deep.equal(unknown);
      await complete();
      expect(await answers('Observation', writes.id)).to.deep.equal(all(true));
    });

    it(`is a later version where its ${lacking} is on its way`, async () => {
      const first = recordWrites('Observation', {});
      const second = recordWrites('Observation', { id: first.id, version: 2 });
      await commit({ privateWrites: first });
      await commit({ privateWrites: second }, of(lacking));
      const { read, history, vread } = await answers('Observation', first.id, 2);
      expect([read, history, vread]).to.deep.equal([503, 503, 503]);
      expect((await fixture.index.version('Observation', first.id, 1))?.version, 'what is here').to.equal(1);
      await complete();
      expect((await answers('Observation', first.id, 2)).read).to.equal(true);
    });

    it(`is an earlier version where its ${lacking} is on its way`, async () => {
      const first = recordWrites('Observation', { id: randomUUID() });
      const second = recordWrites('Observation', { id: first.id, version: 2 });
      await commit({ privateWrites: first }, of(lacking));
      await commit({ privateWrites: second });
      const { read, history, vread } = await answers('Observation', first.id, 1);
      expect([read, history, vread]).to.deep.equal([true, 503, 503]);
      await complete();
      expect((await fixture.index.versions('Observation', first.id)).total).to.equal(2);
    });
  }

  it('is no version that nobody wrote, though its neighbour is on its way', async () => {
    const [first, other] = [
      recordWrites('Observation', { id: randomUUID() }),
      recordWrites('Observation', { id: randomUUID() }),
    ];
    await commit({ privateWrites: first });
    await commit({ privateWrites: other }, of('content'));
    expect((await fixture.index.newest('Observation', first.id))?.version).to.equal(1);
    expect(await fixture.index.version('Observation', first.id, 2)).to.equal(undefined);
    expect((await fixture.index.versions('Observation', first.id)).total).to.equal(1);
  });

  it('may be any record at its requestor where a delivery is on its way, and only there', async () => {
    const [created, given] = [recordWrites('Observation', {}), recordWrites('Observation', { id: randomUUID() })];
    const records = [created, given].map((writes) => evidenceFrom(writes, writes.id));
    for (const name of ['clinic', 'patients']) {
      await open(name);
      await commit({ privateWrites: [...created, ...given] });
      await commit(delivery(copiesWrite(records)), of('copies'));
      const waits = name === 'clinic' ? 503 : false;
      const [one, other] = [randomUUID(), recordWrites('Observation', {}).id];
      expect((await answers('Observation', one)).read, `${name}: an id of a client’s`).to.equal(waits);
      expect((await answers('Observation', other)).read, `${name}: an id of a place`).to.equal(waits);
      expect((await answers('Observation', given.id)).read).to.equal(name === 'clinic' ? 503 : true);
      await complete();
      for (const { id } of [created, given]) expect(await answers('Observation', id)).to.deep.equal(all(true));
      expect(await answers('Observation', one)).to.deep.equal(unknown);
    }
  });

  it('is a consent, a coverage or a claim by its own key', async () => {
    const consent = consentWrite({});
    await commit({ creator: 'PatientsMSP', privateWrites: [consent] }, of('consent'));
    const { id, text } = anchored('Coverage', { author: 'PayerMSP' });
    const coverage = ['billing_payer', 'billing_hospital'].map((collection) => ({
      collection,
      key: privateKeys.coverage(id, 1),
      value: text,
    }));
    await commit({ creator: 'PayerMSP', privateWrites: coverage }, of('coverage'));
    const claim = randomUUID();
    await commit({ privateWrites: claimWrites(claim, {}, 'hospital') }, of('claim'));
    const sought = [
      ['Consent', consent.id],
      ['Coverage', id],
      ['Claim', claim],
    ] as const;
    for (const [type, one] of sought) {
      const { read, history, vread, reference } = await answers(type, one);
      expect([read, history, reference], type).to.deep.equal([503, 503, 503]);
      expect(vread, type).to.equal(503);
    }
    expect(await answers('Consent', randomUUID())).to.deep.equal(unknown);
    await complete();
    for (const [type, one] of sought) expect(await answers(type, one), type).to.deep.equal(all(true));
  });

  it('is told by a search as how much is lacking, and is not what never arrives', async () => {
    const writes = recordWrites('Observation', {});
    await commit({ privateWrites: writes }, of('content'));
    expect(await fixture.index.search({ type: 'Observation', count: 5 })).to.include({ total: 0, undelivered: 1 });
    await complete();
    expect(await fixture.index.search({ type: 'Observation', count: 5 })).to.not.have.property('undelivered');
    const [tree, content] = sheetWrites([anchored('Observation', {})]);
    await commit({ privateWrites: [tree!, { ...content!, value: '{}' }] });
    expect(await answers('Observation', recordWrites('Observation', {}).id)).to.deep.equal(unknown);
  });

  it('of an access is what is lacking of it, and not of others that came in its transaction', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const valuesOf = (id: string) =>
      [privateKeys.copies(id), privateKeys.access(id, 2)].map((key) => ({
        ...{ collection: 'inbox_hospital', key, value: JSON.stringify({ schema: 1, salt: newSalt() }) },
      }));
    const isOthers = (key: string) => key === privateKeys.copies(other);
    await commit({ creator: 'PatientsMSP', privateWrites: [...valuesOf(one), ...valuesOf(other)] }, isOthers);
    const { undelivered } = fixture.index;
    expect(await Promise.all([one, other].map((id) => undelivered.ofAccess(id, 2)))).to.deep.equal([0, 1]);
    expect(await Promise.all([1, 3].map((step) => undelivered.ofAccess(other, step)))).to.deep.equal([1, 0]);
    await complete();
    expect(await undelivered.ofAccess(other, 2)).to.equal(0);
  });
});
