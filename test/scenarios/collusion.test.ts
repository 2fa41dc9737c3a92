/**
 * What members can do together who run changed chaincode and sign whatever they like: every pair, in every collection. In a
 * consortium of its own: values that they never deliver stay on their way for ever.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import { accessAllowed, consentGranted } from '@telemed-ledger/scripts/demo/access.ts';
import { adjudicated, claimSubmitted, coverageShown, paid, remitted } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attackers, type Endorser, type Forged, refusalOf } from './forgery.fixture.ts';

const VALID = 0;
const INVALID_ENDORSER_TRANSACTION = 5;
const POLICY_FAILURE = 10;
const ORGANISATIONS = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];

type Pair = readonly [string, string];
/** Every two organisations. */
const PAIRS: readonly Pair[] = ORGANISATIONS.flatMap((one, index) =>
  ORGANISATIONS.slice(index + 1).map((other): Pair => [one, other]),
);
const both = (a: string, b: string) => (one: string, other: string) => one === a && other === b;
const withAny = (a: string) => (one: string) => one === a;

const newSalt = (): string => randomBytes(32).toString('hex');
const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

describe('Members in league, who sign whatever they like', function () {
  this.timeout(180_000);
  let scene: Scene;
  const attackers = new Attackers(() => scene.dataDir);
  const attacker = attackers.of;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium('league');
  });
  after(() => {
    attackers.close();
  });

  const untilAllCaughtUp = async (): Promise<void> => {
    const probe = attacker('regulator');
    expect(await probe.forge(['regulator', 'bank'], { public: { [`probe/${randomUUID()}`]: '{}' } })).to.equal(VALID);
    for (const organisation of ORGANISATIONS) {
      const party = scene.parties.of(organisation, 'operator');
      type Readiness = Resource & { ready: boolean };
      await party.find<Readiness>({ path: '/readyz' }, `${organisation} to be ready`, ({ ready }) => ready);
    }
  };

  /** Second writes of a key that a member's gateway has reported. */
  const rewritesAt = async (organisation: string): Promise<number> => {
    const { body } = await scene.parties.of(organisation, 'operator').send({ path: '/metrics' });
    return Number(/^gateway_rewrites_total (\d+)$/m.exec(String(body))?.[1] ?? Number.NaN);
  };

  const id = randomUUID();
  const forge = (endorsers: Endorser[], forged: Forged): Promise<number> =>
    attacker(typeof endorsers[0] === 'string' ? endorsers[0] : endorsers[0]!.organisation).forge(endorsers, forged);
  /** In words of its own: whose two signatures a write into a collection needs. */
  const WRITERS: Record<string, (one: string, other: string) => boolean> = {
    care_hospital: both('hospital', 'patients'),
    care_clinic: both('clinic', 'patients'),
    ...Object.fromEntries(
      ['hospital', 'clinic', 'payer', 'bank', 'regulator'].map((owner) => [`inbox_${owner}`, withAny('patients')]),
    ),
    ...Object.fromEntries(
      ['payer', 'hospital', 'clinic', 'bank'].map((owner) => [`billing_${owner}`, withAny('payer')]),
    ),
    // The custodian endorses screenings.
    payers: (one, other) => one === 'payer' && ['regulator', 'patients'].includes(other),
    marks: withAny('patients'),
    registers: withAny('regulator'),
    reviews: (one) => one === 'patients' || one === 'regulator',
  };

  const writes = (collections: readonly string[], key: string, value: string | null): Forged => ({
    private: Object.fromEntries(collections.map((collection) => [collection, { [key]: value }])),
  });

  /**
   * What becomes of a pair's writes. Those that it may make are one transaction: on Fabric each block with a value that a peer
   * is never given holds up that peer for seconds. Those that it may not make are one each.
   */
  async function triedBy([one, other]: Pair, forged: (collections: readonly string[]) => Forged) {
    const all = Object.keys(WRITERS);
    const allowed = all.filter((name) => WRITERS[name]!(one, other) || WRITERS[name]!(other, one));
    const refused = all
      .filter((name) => !allowed.includes(name))
      .map((name) => ({ names: [name], due: POLICY_FAILURE }));
    const wanted = allowed.length === 0 ? refused : [...refused, { names: allowed, due: VALID }];
    return Promise.all(
      wanted.map(async ({ names, due }) => ({
        ...{ pair: `${one} ${other}`, collections: names.join(), due },
        code: await forge([one, other], forged(names)),
      })),
    );
  }

  it('writes and purges nothing where those concerned have not signed: every pair, in every collection', async function () {
    this.timeout(300_000);
    const defined = collectionsOf(scene.consortium).map(({ name }) => name);
    expect(Object.keys(WRITERS).sort()).to.deep.equal([...defined].sort());
    const key = `probe/${randomUUID()}`;
    for (const value of ['x', null]) {
      const codes = await Promise.all(
        PAIRS.map((pair) => triedBy(pair, (collections) => writes(collections, key, value))),
      );
      expect(codes.flat().filter(({ code, due }) => code !== due)).to.deep.equal([]);
    }
  });

  it('writes nothing alone, twice, as a client, or into the definition of the chaincode', async () => {
    const forged = { public: { [`claim/${id}`]: '{}' } };
    for (const one of ORGANISATIONS) expect(await forge([one], forged), one).to.equal(POLICY_FAILURE);
    expect(await forge(['clinic', 'clinic'], forged)).to.equal(POLICY_FAILURE);
    expect(await forge(['clinic', { organisation: 'bank', role: 'system' }], forged)).to.equal(POLICY_FAILURE);
    const definition = { namespace: '_lifecycle', public: { 'namespaces/x': 'y' } };
    for (const [one, other] of PAIRS) expect(await forge([one, other], definition)).to.equal(POLICY_FAILURE);
  });

  it('is not believed in public state, which the ledger does not have: every pair', async () => {
    const number = `F${Date.now()}`;
    const times = { submittedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' };
    const claim = randomUUID();
    const licence = { number, status: 'active', start: '2000-01-01', end: '2099-01-01', updatedAt: times.updatedAt };
    const state = { id: claim, provider: 'clinic', payer: 'payer', status: 'approved', ...times };
    const access = {
      id: randomUUID(),
      requestor: 'clinic',
      holder: 'hospital',
      custodian: 'patients',
      purpose: 'BTG',
    };
    const states = {
      [`licence/${number}`]: JSON.stringify(licence),
      [`claim/${claim}`]: JSON.stringify(state),
      [`access/${access.id}`]: JSON.stringify({ ...access, status: 'granted', requestedAt: times.updatedAt }),
      [`consent/${id}`]: JSON.stringify({ id, provider: 'hospital', status: 'active', version: 1 }),
      [`revoked/${id}`]: '{}',
    };
    const event = { name: 'ClaimAdjudicated', payload: JSON.stringify({ id: claim }) };
    for (const pair of PAIRS) expect(await forge([...pair], { public: states, event })).to.equal(VALID);
    await untilAllCaughtUp();
    for (const organisation of ORGANISATIONS) {
      const party = scene.parties.of(organisation, 'system');
      for (const path of [`/licences/${number}`, `/access-requests/${access.id}`, `/fhir/R4/AuditEvent/${access.id}`])
        expect((await party.send({ path })).status, `${organisation} ${path}`).to.be.oneOf([403, 404]);
    }
    const payment = { salt: newSalt(), claims: [{ id: claim, state: JSON.stringify(state), response: '{}' }] };
    const instruction = { id: randomUUID(), bank: 'bank' };
    const paying = attacker('payer').submit('InstructPayment', instruction, payment, ['payer', 'bank']);
    expect(await refusalOf(paying)).to.be.oneOf(['NOT_FOUND', 'INVALID', 'CONFLICT']);
  });

  it('changes nothing that stands: a second write of a key is an alarm at every member', async () => {
    const sheet = randomUUID();
    const key = `sheet/${sheet}`;
    const owners: [string, string, string][] = [
      ['care_hospital', 'hospital', 'patients'],
      ['inbox_clinic', 'patients', 'bank'],
      ['billing_payer', 'payer', 'regulator'],
      ['registers', 'regulator', 'clinic'],
    ];
    const alarms = () => Promise.all(ORGANISATIONS.map(rewritesAt));
    const before = await alarms();
    for (const value of ['first', 'second']) {
      const codes = owners.map(([collection, ...pair]) => forge(pair, writes([collection], key, value)));
      expect(await Promise.all(codes), value).to.deep.equal(owners.map(() => VALID));
    }
    await untilAllCaughtUp();
    expect(await alarms()).to.deep.equal(before.map((count) => count + owners.length));
  });

  it('takes no mark away, and makes no revoked consent valid again', async () => {
    const mark = `revoked/${randomUUID()}`;
    expect(await forge(['patients', 'clinic'], { private: { marks: { [mark]: 'x' } } })).to.equal(VALID);
    expect(await forge(['hospital', 'clinic'], { private: { marks: { [mark]: null } } })).to.equal(POLICY_FAILURE);
  });

  it('erases no record without its custodian, and undoes no erasure: every pair', async function () {
    this.timeout(120_000);
    const hospital = scene.parties.of('hospital', 'system');
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'example' } };
    const { body } = await hospital.write({ method: 'POST', path: '/fhir/R4/Observation', body: observation });
    const path = `/fhir/R4/Observation/${body.id}`;
    const mark = `erased/${erasureHandle('hospital', body.id)}`;
    const without = PAIRS.filter((pair) => !pair.includes('patients'));
    const marking = without.map((pair) => forge([...pair], { private: { marks: { [mark]: 'x' } } }));
    expect(new Set(await Promise.all(marking))).to.deep.equal(new Set([POLICY_FAILURE]));
    await untilAllCaughtUp();
    const served = { path };
    expect((await hospital.send(served)).status).to.equal(200);

    expect((await hospital.send({ method: 'POST', path: `${path}/$erase` })).status).to.equal(202);
    const custodian = scene.parties.of('patients', 'system');
    const isGone = async (party: typeof hospital) => (await party.send(served)).status === 410;
    while (!((await isGone(hospital)) && (await isGone(custodian)))) await new Promise((next) => setTimeout(next, 50));
    const undoing = PAIRS.flatMap((pair) => [
      forge([...pair], { private: { marks: { [mark]: null } } }),
      forge([...pair], { private: { marks: { [mark]: '{}' } } }),
    ]);
    expect(new Set(await Promise.all(undoing))).to.deep.equal(new Set([POLICY_FAILURE]));
    await untilAllCaughtUp();
    for (const party of [hospital, custodian]) expect((await party.send(served)).status).to.equal(410);
  });

  it('stops nobody with garbage: neither in a transaction nor in what it says', async () => {
    const garbage = Uint8Array.of(0xff, 0xff, 0xff);
    const clinic = attacker('clinic');
    expect(await clinic.forge(['clinic'], { data: garbage })).to.equal(INVALID_ENDORSER_TRANSACTION);
    expect(await clinic.forge(['clinic'], { endorser: garbage })).to.equal(POLICY_FAILURE);
    expect(await clinic.forge(['clinic'], { seconds: 9e12 })).to.equal(POLICY_FAILURE);
    expect(await clinic.forge(['clinic', 'bank'], { seconds: -9e12 })).to.equal(VALID);
    const states = ['no JSON', 'null', '[]', '{}', '{"status":"requested"}', '{"status":"granted","expiresAt":"1"}'];
    const keys = states.map((state) => [`access/${randomUUID()}`, state]);
    const event = { name: 'AccessRequested', payload: 'no JSON' };
    expect(await clinic.forge(['clinic', 'bank'], { public: Object.fromEntries(keys), event })).to.equal(VALID);
    await untilAllCaughtUp();
    for (const organisation of ['hospital', 'patients', 'payer'])
      for (const path of ['/access-requests', '/fhir/R4/AuditEvent'])
        expect((await scene.parties.of(organisation, 'system').send({ path })).status, path).to.equal(200);
  });

  it('stops no list and no duty with all of that: a patient is asked for, consents, is delivered, and a claim is paid', async function () {
    this.timeout(120_000);
    const startedAt = new Date().toISOString();
    const { parties } = scene;
    const next: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    const steps = [
      licensed,
      visitRecorded,
      consentGranted,
      accessAllowed,
      coverageShown,
      claimSubmitted,
      adjudicated,
      paid,
    ];
    for (const step of [...steps, remitted]) await step(next, silent);
    const patient = scene.parties.of('patients', 'patient', `Patient/${next.patientId}`);
    const log = await patient.ask<{ total: number }>({
      path: `/fhir/R4/AuditEvent?patient=${next.patientId}&type=110106,110113`,
    });
    expect(log.total).to.equal(1);
  });
});
