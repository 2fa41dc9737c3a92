/** A private key is written once: every member's gateway sees a second write, reports it and goes by the first. */

import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import {
  type FixtureTransaction,
  type FixtureWrite,
  fixtureBlock,
  newTransactionId,
  withheld,
} from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, type Logged, logInto, recordWrites, sheetWrites } from '../index.fixture.ts';
import { consentWrite, markWrite, requestWrite } from '../values.fixture.ts';
import { named, verify } from '../verification/verification.fixture.ts';

const ALARM = 'a private key was written a second time: ignored';
/** Members of the collections that the tests write into, and not. */
const ORGANISATIONS = ['hospital', 'patients', 'clinic', 'bank', 'regulator'];

onEachDatabase('A second write of a private key', (kind) => {
  let fixtures: Map<string, FixtureIndex>;
  let chain: peer.BlockAndPrivateData[];
  let logged: Map<string, Logged[]>;
  let counted: Map<string, number>;
  beforeEach(async () => {
    [fixtures, chain, logged, counted] = [new Map(), [], new Map(), new Map()];
    for (const name of ORGANISATIONS) {
      const fixture = await FixtureIndex.open(name, kind);
      const lines: Logged[] = [];
      fixture.projector = await fixture.openProjector({
        log: logInto(lines),
        onRewrite: () => void counted.set(name, (counted.get(name) ?? 0) + 1),
      });
      fixtures.set(name, fixture);
      logged.set(name, lines);
    }
  });
  afterEach(async () => {
    for (const fixture of fixtures.values()) await fixture.close();
  });

  const at = (name: string): FixtureIndex => fixtures.get(name)!;
  async function commit(...transactions: FixtureTransaction[]): Promise<void> {
    const delivered = fixtureBlock(chain.length, transactions, chain.at(-1));
    for (const fixture of fixtures.values()) await fixture.apply(delivered);
    chain.push(delivered);
  }
  const alarms = (name: string): Logged[] => logged.get(name)!.filter(({ msg }) => msg === ALARM);

  /** Every organisation tells of it once, by transaction and endorsers, and verify of each lists it. */
  async function expectAlarm({ collection, key }: FixtureWrite, transactionId: string, endorsers: string[]) {
    const keyHash = sha256Hex(key);
    for (const name of ORGANISATIONS) {
      const found = alarms(name).map((line) => ({ ...line }));
      expect(found, name).to.have.length(1);
      expect(found[0]).to.deep.include({ level: 50, collection, keyHash, transactionId, endorsers });
      expect(found[0]).to.have.property('block', chain.length - 1);
      expect(counted.get(name), name).to.equal(1);
      const { differences } = await verify(at(name), chain);
      expect(differences.map(named), name).to.deep.equal([`rewritten anchors ${collection} ${keyHash}`]);
      expect(differences[0]).to.include({ transactionId, remedy: 'none' });
    }
  }

  const second = (privateWrites: FixtureWrite[]) => ({
    ...{ transactionId: newTransactionId(), creator: 'HospitalMSP', endorsers: ['HospitalMSP', 'PatientsMSP'] },
    privateWrites,
  });
  const { id, version } = { id: '11111111-1111-4111-8111-111111111111', version: 2 };
  const placed = anchored('Observation', { id, version, status: 'final' });
  const sheet = '22222222-2222-4222-8222-222222222222';

  it('of a sheet is reported by everybody, and the records of the first are served', async () => {
    const created = recordIdAt({ sheet, index: 0 }, 'Observation');
    const writes = sheetWrites([anchored('Observation', { id: created, status: 'final' })], { sheet });
    await commit({ privateWrites: writes });
    const [tree, content] = sheetWrites([anchored('Observation', { id: created, status: 'amended' })], { sheet });
    const rewriting = second([tree!, { ...content!, key: privateKeys.content(sheet, 1) }]);
    await commit(rewriting);
    const unreadable = `unreadable missing care_hospital ${sha256Hex(privateKeys.content(sheet, 1))}`;
    for (const name of ['hospital', 'patients']) {
      const { versions } = await at(name).index.versions('Observation', created);
      expect(versions.map(({ resource }) => resource['status'])).to.deep.equal(['final']);
      const stored = await at(name).index.privateValue('care_hospital', privateKeys.sheet(sheet));
      expect(stored?.value).to.equal(writes[0]!.value);
      expect((await verify(at(name), chain)).differences.map(named)).to.include(unreadable);
    }
    for (const name of ORGANISATIONS)
      expect(alarms(name).map(({ transactionId }) => transactionId)).to.deep.equal([rewriting.transactionId]);
  });

  it('of a sheet in its own transaction leaves the records of the first', async () => {
    const [first, other] = ['final', 'amended'].map((status) =>
      sheetWrites([anchored('Observation', { id, status })], { sheet }),
    );
    const both = second([...first!, other![0]!]);
    await commit(both);
    await expectAlarm(first![0]!, both.transactionId, both.endorsers);
    expect((await at('hospital').index.newest('Observation', id))?.resource['status']).to.equal('final');
  });

  it('of a place is reported by everybody, and the version stands where it stood', async () => {
    await commit({ privateWrites: sheetWrites([placed], { sheet }) });
    const forged = sheetWrites([anchored('Observation', { id, version, status: 'amended' })]);
    await commit(second(forged));
    for (const name of ORGANISATIONS) expect(alarms(name), name).to.have.length(1);
    for (const name of ['hospital', 'patients']) {
      const { versions } = await at(name).index.versions('Observation', id);
      expect(versions.map(({ resource }) => resource['status'])).to.deep.equal(['final']);
    }
  });

  it('of a request, a consent and a mark is reported by everybody, members or not', async () => {
    const request = requestWrite(id, 'P-1');
    const consent = consentWrite({ id });
    const mark = markWrite(id);
    for (const [creator, write] of [
      ['ClinicMSP', request],
      ['PatientsMSP', consent],
      ['PatientsMSP', mark],
    ] as const)
      await commit({ creator, privateWrites: [write] });
    const again: [string, FixtureWrite][] = [
      ['ClinicMSP', requestWrite(id, 'P-2')],
      ['PatientsMSP', consentWrite({ id, status: 'draft' })],
      ['PatientsMSP', markWrite(id, undefined, '2027-01-01T00:00:00.000Z')],
    ];
    for (const [creator, write] of again) await commit({ creator, privateWrites: [write] });
    for (const name of ORGANISATIONS) {
      expect(alarms(name).map(({ collection }) => collection)).to.deep.equal([
        'inbox_clinic',
        'care_hospital',
        'marks',
      ]);
      const { reading } = at(name).stores;
      const stored = await reading.selectFrom('anchors').selectAll().where('rewritten_by', 'is not', null).execute();
      const first = [request, consent, mark].map(({ value }) => sha256Hex(value!));
      expect(stored.map(({ anchor }) => anchor)).to.have.members(first);
    }
    expect((await at('clinic').index.privateValue('inbox_clinic', request.key))?.value).to.equal(request.value);
    const { versions } = await at('hospital').index.versions('Consent', id);
    expect(versions.map(({ resource }) => resource['status'])).to.deep.equal(['inactive', 'active']);
    expect(versions[0]?.lastUpdated).to.equal('2026-03-02T10:00:00.000Z');
  });

  for (const removal of [{ purge: true }, {}]) {
    it(`is one after a ${removal.purge === true ? 'purge' : 'deletion'} too, and nothing is served then`, async () => {
      const write = requestWrite(id, 'P-1');
      const { collection, key } = write;
      await commit({ creator: 'ClinicMSP', privateWrites: [write] });
      await commit(second([{ collection, key, ...removal }]));
      expect(alarms('bank')).to.deep.equal([]);
      const rewriting = second([requestWrite(id, 'P-2')]);
      await commit({ ...rewriting, creator: 'ClinicMSP' });
      await expectAlarm(write, rewriting.transactionId, rewriting.endorsers);
      expect(await at('clinic').index.privateValue(collection, key)).to.equal(undefined);
    });
  }

  it('is one whatever purges come before and after it, also in its own block and transaction', async () => {
    const write = requestWrite(id, 'P-1');
    const { collection, key } = write;
    const purge = { collection, key, purge: true };
    await commit({ creator: 'ClinicMSP', privateWrites: [purge] });
    await commit({ creator: 'ClinicMSP', privateWrites: [write] });
    expect(alarms('bank'), 'nothing was there').to.deep.equal([]);
    const rewriting = { ...second([purge, requestWrite(id, 'P-2'), purge]), creator: 'ClinicMSP' };
    await commit(second([purge]), rewriting, second([purge]));
    await expectAlarm(write, rewriting.transactionId, rewriting.endorsers);
    expect(await at('clinic').index.privateValue(collection, key)).to.equal(undefined);
  });

  it('is one within a block, and the first transaction counts', async () => {
    const [write, other] = [requestWrite(id, 'P-1'), requestWrite(id, 'P-2')];
    const rewriting = { ...second([other]), creator: 'ClinicMSP' };
    await commit({ creator: 'ClinicMSP', privateWrites: [write] }, rewriting);
    await expectAlarm(write, rewriting.transactionId, rewriting.endorsers);
    expect((await at('clinic').index.privateValue(write.collection, write.key))?.value).to.equal(write.value);
  });

  it('is one within a transaction, and the first write counts', async () => {
    const [write, other] = [requestWrite(id, 'P-1'), requestWrite(id, 'P-2')];
    const both = { ...second([write, other]), creator: 'ClinicMSP' };
    await commit(both);
    await expectAlarm(write, both.transactionId, both.endorsers);
    expect((await at('clinic').index.privateValue(write.collection, write.key))?.value).to.equal(write.value);
  });

  it('is one where it says the same', async () => {
    const write = requestWrite(id, 'P-1');
    await commit({ creator: 'ClinicMSP', privateWrites: [write] });
    const rewriting = { ...second([write]), creator: 'ClinicMSP' };
    await commit(rewriting);
    await expectAlarm(write, rewriting.transactionId, rewriting.endorsers);
  });

  it('is none of the same key in another collection, of a copy, or in an invalid transaction', async () => {
    const value = canonicalJson({ schema: 1 });
    const key = privateKeys.fingerprint('a', 0);
    const write = (collection: string) => ({ collection, key, value });
    await commit({ creator: 'PayerMSP', privateWrites: ['billing_payer', 'billing_hospital'].map(write) });
    await commit({ code: 11, privateWrites: [write('billing_payer')] });
    await commit({ chaincode: 'another', privateWrites: [write('billing_payer')] });
    for (const name of ORGANISATIONS) expect(alarms(name), name).to.deep.equal([]);
  });

  it('is reported each time, and lists the first that did it', async () => {
    const write = requestWrite(id, 'P-1');
    await commit({ creator: 'ClinicMSP', privateWrites: [write] });
    const rewriting = [second([requestWrite(id, 'P-2')]), second([requestWrite(id, 'P-3')])];
    for (const one of rewriting) await commit(one);
    expect(alarms('bank').map(({ transactionId }) => transactionId)).to.deep.equal(
      rewriting.map(({ transactionId }) => transactionId),
    );
    expect(counted.get('bank')).to.equal(2);
    const [difference] = (await verify(at('bank'), chain)).differences;
    expect(difference).to.include({ kind: 'rewritten', transactionId: rewriting[0]!.transactionId });
  });

  it('is not waited for, and nothing of it is taken when it arrives', async () => {
    const hospital = at('hospital');
    const write = recordWrites('Observation', { id, version, status: 'final' });
    const again = write.map((one) => ({ ...one, value: one.value?.replace('final', 'amended') ?? '' }));
    await hospital.block({ privateWrites: write });
    const delivered = await hospital.block({ privateWrites: again.map((one) => ({ ...one, delivered: false })) });
    expect(hospital.projector.lacks()).to.equal(0);
    expect(await hospital.complete(withheld(delivered, () => false))).to.equal(0);
    expect((await hospital.index.newest('Observation', id))?.resource['status']).to.equal('final');
  });

  it('is seen by a gateway that was opened since', async () => {
    const write = requestWrite(id, 'P-1');
    await commit({ creator: 'ClinicMSP', privateWrites: [write] });
    const bank = at('bank');
    const lines: Logged[] = [];
    bank.projector = await bank.openProjector({ log: logInto(lines) });
    await commit({ creator: 'ClinicMSP', privateWrites: [write] });
    expect(lines.filter(({ msg }) => msg === ALARM)).to.have.length(1);
  });
});
