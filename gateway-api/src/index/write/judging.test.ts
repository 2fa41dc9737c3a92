/** What other organisations wrote is shown where it would be taken from this gateway's own clients, and isolated where not. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { observation, patient } from '../../fhir/fixtures/resources.ts';
import { faultOf } from '../../fhir/validation/faults.ts';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock, withheld } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, type Logged, logInto, type RecordFixture, sheetWrites } from '../index.fixture.ts';
import {
  claimWrites,
  consentWrite,
  copiesWrite,
  delivery,
  erasedMark,
  evidenceFrom,
  purgeWrites,
} from '../values.fixture.ts';
import { verify } from '../verification/verification.fixture.ts';

const SCRIPT = '<div xmlns="http://www.w3.org/1999/xhtml"><script>steal()</script></div>';
const FAULTY = { text: { status: 'generated', div: SCRIPT } };
const REPORT = 'what another organisation wrote is not valid FHIR R4';

onEachDatabase('What other organisations wrote', (kind) => {
  let custodian: FixtureIndex;
  let logged: Logged[];
  let faults: number;
  const chain: Awaited<ReturnType<FixtureIndex['block']>>[] = [];

  async function open(organisation: string): Promise<FixtureIndex> {
    const fixture = await FixtureIndex.open(organisation, kind);
    const onFaults = (count: number): void => {
      faults += count;
    };
    fixture.projector = await fixture.openProjector({ judge: faultOf, log: logInto(logged), onFaults });
    return fixture;
  }
  beforeEach(async () => {
    [logged, faults] = [[], 0];
    chain.length = 0;
    custodian = await open('patients');
  });
  afterEach(() => custodian.close());

  const block = async (...transactions: FixtureTransaction[]): Promise<void> => {
    chain.push(await custodian.block(...transactions));
  };
  const record = (fields: RecordFixture = {}) => {
    const { resourceType: _, id: __, ...sound } = observation();
    return anchored('Observation', { id: randomUUID(), ...sound, ...fields });
  };
  const ofHospital = (privateWrites: FixtureWrite[]): FixtureTransaction => ({ creator: 'HospitalMSP', privateWrites });
  const reports = () => logged.filter(({ msg }) => msg === REPORT);
  const statusOf = (reading: Promise<unknown>): Promise<number> =>
    reading.then(
      (found) => (found === undefined ? 404 : 200),
      ({ status }: { status: number }) => status,
    );
  const read = (id: string, type = 'Observation') => statusOf(custodian.index.newest(type, id));
  const search = (type = 'Observation') => custodian.index.search({ type, count: 10 });

  it('stands beside what is not shown: a sheet of sound and faulty records', async () => {
    const [sound, faulty, other] = [record(), record(FAULTY), record()];
    await block(ofHospital(sheetWrites([sound, faulty, other])));
    expect([await read(sound.id), await read(faulty.id), await read(other.id)]).to.deep.equal([200, 409, 200]);
    const { matches, invalid, total } = await search();
    expect(matches.map(({ resource }) => resource.id)).to.deep.equal([sound.id, other.id]);
    expect([invalid, total]).to.deep.equal([1, 2]);
    expect(await custodian.index.missing([sound, faulty].map(({ id }) => `Observation/${id}`))).to.deep.equal([
      `Observation/${faulty.id}`,
    ]);
  });

  it('is reported once, counted, and quoted nowhere', async () => {
    await block(ofHospital(sheetWrites([record(FAULTY), record({ secretOfTheAuthor: 'x' }), record()])));
    expect(reports()).to.have.length(1);
    const { transactionId: _, time: __, pid: ___, hostname: ____, ...report } = reports()[0]!;
    expect(report).to.deep.equal({
      ...{ level: 50, block: 0, collection: 'care_hospital', author: 'HospitalMSP', msg: REPORT },
      ...{ faulty: 2, fault: 'invariant Observation.text' },
    });
    expect(faults).to.equal(2);
    expect(JSON.stringify(logged)).to.not.match(/steal|secret/);
    expect(custodian.projector.faults()).to.equal(2);
  });

  it('is not what was shown before, until its author corrects it', async () => {
    const first = record();
    const { id } = first;
    await block(ofHospital(sheetWrites([first])));
    await block(ofHospital(sheetWrites([record({ id, version: 2, ...FAULTY })])));
    expect(await read(id)).to.equal(409);
    expect(await statusOf(custodian.index.version('Observation', id, 1))).to.equal(200);
    expect(await statusOf(custodian.index.version('Observation', id, 2))).to.equal(409);
    const { versions, total } = await custodian.index.versions('Observation', id);
    expect([versions.map(({ version }) => version), total]).to.deep.equal([[1], 1]);
    expect((await search()).matches).to.deep.equal([]);
    await block(ofHospital(sheetWrites([record({ id, version: 3 })])));
    expect(await read(id)).to.equal(200);
    expect((await search()).invalid).to.equal(undefined);
    expect((await custodian.index.versions('Observation', id)).versions.map(({ version }) => version)).to.deep.equal([
      ...[3, 1],
    ]);
  });

  it('is not found by what it states', async () => {
    const identifier = [{ system: 's', value: 'x' }];
    const { resourceType: _, id: __, ...sound } = patient();
    const faulty = anchored('Patient', { id: randomUUID(), ...sound, identifier, ...FAULTY });
    const { id } = faulty;
    await block(ofHospital(sheetWrites([faulty])));
    expect(await custodian.index.findByIdentifier([{ type: 'Patient', value: 'x' }])).to.deep.equal([[]]);
    expect(await custodian.index.evidence.bearerAt('care_hospital', identifier[0]!, Number.MAX_SAFE_INTEGER)).to.equal(
      undefined,
    );
    expect(await custodian.index.patientRecords.newest('care_hospital', id, [], 10)).to.deep.equal([]);
    expect(await statusOf(custodian.index.versions('Patient', id))).to.equal(409);
  });

  it('is judged whatever it is: a consent, a claim, a copy', async () => {
    await custodian.close();
    custodian = await open('hospital');
    const consent = consentWrite({ ...FAULTY });
    await block({ creator: 'PatientsMSP', privateWrites: [consent] });
    expect(await read(consent.id, 'Consent')).to.equal(409);
    const claim = randomUUID();
    await block({ creator: 'PayerMSP', privateWrites: claimWrites(claim, {}, 'hospital') });
    expect(await read(claim, 'Claim')).to.equal(409);
    expect(await statusOf(custodian.index.evidence.text('billing_hospital', `claim/${claim}`))).to.equal(409);
    await custodian.close();
    custodian = await open('clinic');
    chain.length = 0;
    const [sound, faulty] = [record(), record(FAULTY)];
    const sheet = sheetWrites([sound, faulty]);
    await block(ofHospital(sheet));
    await block(delivery(copiesWrite([sound, faulty].map(({ id }) => evidenceFrom(sheet, id)))));
    expect([await read(sound.id), await read(faulty.id)]).to.deep.equal([200, 409]);
  });

  it('stays as it was judged when an erasure writes its neighbour’s sheet again, and is not reported again', async () => {
    const [lost, faulty] = [record(), record(FAULTY)];
    const writes = sheetWrites([lost, faulty]);
    await block(ofHospital(writes));
    const erasure = (privateWrites: FixtureWrite[]) => block({ creator: 'PatientsMSP', privateWrites });
    await erasure([erasedMark(lost.id)]);
    await erasure(purgeWrites(writes, [lost.id]));
    expect([await read(lost.id), await read(faulty.id)]).to.deep.equal([410, 409]);
    expect([reports().length, faults]).to.deep.equal([1, 1]);
  });

  it('is not judged where this organisation created it', async () => {
    const consent = consentWrite({ ...FAULTY });
    await block({ creator: 'PatientsMSP', privateWrites: [consent] });
    expect(await read(consent.id, 'Consent')).to.equal(200);
    expect(reports()).to.deep.equal([]);
  });

  it('is judged when it arrives late', async () => {
    const [sound, faulty] = [record(), record(FAULTY)];
    const whole = fixtureBlock(0, [ofHospital(sheetWrites([sound, faulty]))]);
    await custodian.apply(withheld(whole, () => true));
    expect([await read(sound.id), await read(faulty.id)]).to.deep.equal([503, 503]);
    await custodian.complete(whole);
    expect([await read(sound.id), await read(faulty.id)]).to.deep.equal([200, 409]);
    expect([reports().length, custodian.projector.faults()]).to.deep.equal([1, 1]);
  });

  it('is the same made a second time', async () => {
    await block(ofHospital(sheetWrites([record(), record(FAULTY)])));
    const { differences } = await verify(custodian, chain, { judge: faultOf });
    expect(differences).to.deep.equal([]);
    const lenient = await verify(custodian, chain);
    const changed = lenient.differences.filter(({ kind }) => kind === 'changed');
    expect(changed.map(({ columns }) => columns)).to.deep.equal([['fault', 'seal']]);
    // What is shown is found by what it states as well.
    expect(new Set(lenient.differences.map(({ kind }) => kind))).to.deep.equal(new Set(['changed', 'absent']));
  });
});
