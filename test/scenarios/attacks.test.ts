/**
 * What a dishonest member tries with identities of its own, and what comes of it: by the SDK alone, with endorsers of
 * its choice, in league with others who run changed chaincode, and by doing one thing twice at the same time.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { findLedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import { accessAllowed, consentGranted } from '@telemed-ledger/scripts/demo/access.ts';
import { adjudicated, claimSubmitted, coverageShown, paid, remitted } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker, type Endorser, type Forged } from './forgery.fixture.ts';

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

/** What the chaincode said when it refused to endorse; the promise must fail. */
const refusalOf = (action: Promise<unknown>): Promise<string | undefined> =>
  action.then(
    (code) => `committed with ${code}`,
    (error: unknown) => {
      if (!(error instanceof GatewayError)) throw error;
      const texts = [error.message, ...error.details.map(({ message }) => message)];
      return texts.map(findLedgerError).find((found) => found !== undefined)?.code ?? texts.join();
    },
  );

describe('A dishonest member', function () {
  this.timeout(30_000);
  let scene: Scene;
  const opened: Attacker[] = [];
  const attacker = (...who: [organisation: string, role?: ConstructorParameters<typeof Attacker>[2], at?: string]) => {
    const made = new Attacker(scene.dataDir, ...who);
    opened.push(made);
    return made;
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
  });
  after(() => {
    for (const one of opened) one.close();
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

  describe('with endorsers of its choice', () => {
    const record = (type = 'Basic') => {
      const sheet = randomUUID();
      const id = recordIdAt({ sheet, index: 0 }, type);
      const resource = canonicalJson({ resourceType: type, id });
      return { sheets: [{ id: sheet, salt: newSalt(), records: [{ id, version: 1, salt: newSalt(), resource }] }] };
    };

    it("keeps no record from the patient's end", async () => {
      const hospital = attacker('hospital');
      for (const other of ['regulator', 'clinic', 'bank']) {
        const code = await hospital.submit('RecordVersions', {}, record(), ['hospital', other]);
        expect(code, other).to.equal(POLICY_FAILURE);
      }
      expect(await hospital.submit('RecordVersions', {}, record(), ['hospital', 'patients'])).to.equal(VALID);
    });

    it('asks for nothing behind the back of the patients', async () => {
      const id = randomUUID();
      const patient = { system: 'urn:s', value: 'v' };
      const request = { id, salt: newSalt(), holder: 'hospital', patient, types: [], purpose: 'TREAT' };
      const code = await attacker('clinic').submit('RequestAccess', { id }, { request }, ['clinic', 'bank']);
      expect(code).to.equal(POLICY_FAILURE);
    });

    it("takes no other organisation's part, whatever its role", async () => {
      const id = randomUUID();
      const hidden = { salt: newSalt(), state: '{}', request: '{}', records: [], directory: 0, consents: [] };
      const decision = { ...hidden, requestor: 'hospital' };
      const consent = { id, version: 1, salt: newSalt(), resource: { resourceType: 'Consent', id } };
      const licence = { number: '1234567893', status: 'active', start: '2026-01-01', end: '2027-01-01' };
      const parties = { id, requestor: 'clinic', holder: 'hospital' };
      const mark = { id, provider: 'hospital', version: 1 };
      const tries = [
        attacker('hospital').submit('DecideAccess', { id, holder: 'hospital' }, decision, ['hospital', 'patients']),
        attacker('clinic').submit('PurgeCopies', parties, { state: '{}', salt: newSalt() }, ['clinic', 'patients']),
        attacker('clinic').submit('AmendConsent', { id, provider: 'clinic' }, { consent }, ['clinic', 'patients']),
        attacker('hospital').submit('RevokeConsent', mark, { salt: newSalt() }, ['hospital', 'patients']),
        attacker('patients', 'caretaker').submit('RevokeConsent', mark, { salt: newSalt() }, ['patients', 'clinic']),
        attacker('patients', 'patient').submit('AmendConsent', { id, provider: 'clinic' }, { consent }, [
          'patients',
          'clinic',
        ]),
        attacker('payer').submit('RecordVersions', {}, record(), ['payer', 'patients']),
      ];
      const refused = await refusalOf(
        attacker('hospital', 'practitioner').submit('SetLicence', licence, undefined, ['hospital', 'patients']),
      );
      expect(refused).to.be.oneOf(['FORBIDDEN', 'INVALID']);
      expect(await Promise.all(tries.map(refusalOf))).to.deep.equal(tries.map(() => 'FORBIDDEN'));
    });

    /**
     * The chaincodes' collections of which a peer delivers anything to this caller. Fabric shows every member which
     * chaincode definitions another organisation approved: these are in a collection of `_lifecycle`, and not private.
     */
    const collectionsSeenBy = async (who: Attacker): Promise<string[]> => {
      const info = await who.network.getContract('qscc').evaluateTransaction('GetChainInfo', 'telemed');
      const last = common.BlockchainInfo.deserializeBinary(info).getHeight() - 1;
      const blocks = await who.network.getBlockAndPrivateDataEvents({ startBlock: 0n });
      const seen = new Set<string>();
      for await (const block of blocks) {
        block.getPrivateDataMapMap().forEach((set) => {
          const chaincodes = set.getNsPvtRwsetList().filter((one) => one.getNamespace() !== '_lifecycle');
          const collections = chaincodes.flatMap((one) => one.getCollectionPvtRwsetList());
          for (const collection of collections) seen.add(collection.getCollectionName());
        });
        if (block.getBlock()?.getHeader()?.getNumber() === last) break;
      }
      blocks.close();
      return [...seen].filter((name) => name !== 'registers' && name !== 'marks');
    };

    it("is delivered nothing private at another's peer", async () => {
      expect(await attacker('hospital').submit('RecordVersions', {}, record(), ['hospital', 'patients'])).to.equal(
        VALID,
      );
      expect(await collectionsSeenBy(attacker('hospital'))).to.include('care_hospital');
      for (const stranger of ['bank', 'clinic', 'regulator'])
        expect(await collectionsSeenBy(attacker(stranger, 'system', 'hospital')), stranger).to.deep.equal([]);
    });
  });

  let story: Story;
  before(async () => {
    const { parties } = scene;
    const startedAt = new Date().toISOString();
    story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
  });

  describe('or one of its people, at its own gateway', () => {
    /** Ways to what is the patient's: directly, by search, and by a GET in a Bundle. */
    const ways = (): string[] => {
      const patient = `Patient/${story.patientId}`;
      const observation = `Observation/${story.observationId}`;
      const { system, value } = story.visit.mrn;
      return [
        ...[patient, `${patient}/_history`, `${patient}/_history/1`, observation, `${observation}/_history/1`],
        ...['Patient', `Patient?_id=${story.patientId}`, `Patient?identifier=${system}|${value}`],
        ...[`Observation?patient=${story.patientId}`, 'Observation?_summary=count', 'AuditEvent', 'Claim'],
      ];
    };
    interface Found {
      resourceType?: string;
      total?: number;
      entry?: { resource: Found; response?: { status: string } }[];
    }
    const isNothing = ({ resourceType, total = 0, entry = [] }: Found): boolean =>
      resourceType === 'Bundle' && total === 0 && entry.length === 0;

    it("sees nothing of another patient's", async () => {
      const own = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
      const stranger = scene.parties.of('patients', 'patient', `Patient/${randomUUID()}`);
      for (const way of ways()) {
        const { status, body } = await stranger.send({ path: `/fhir/R4/${encodeURI(way)}` });
        expect(status === 404 || (status === 200 && isNothing(body as Found)), `${status} ${way}`).to.equal(true);
      }
      const entry = ways().map((url) => ({ request: { method: 'GET', url } }));
      const asked = {
        method: 'POST',
        path: '/fhir/R4',
        body: { resourceType: 'Bundle', type: 'batch', entry },
      } as const;
      const seen = async (who: typeof own): Promise<Found[]> =>
        (await who.ask<Resource & Found>(asked))
          .entry!.filter(({ response }) => response?.status.startsWith('200'))
          .map(({ resource }) => resource);
      expect((await seen(own)).filter((found) => !isNothing(found))).to.have.length.above(5);
      expect((await seen(stranger)).filter((found) => !isNothing(found))).to.deep.equal([]);
    });

    it('learns nothing in a role that sees no health data, not even whether a coverage exists', async () => {
      const operator = scene.parties.of('hospital', 'operator');
      for (const way of ways()) {
        expect((await operator.send({ path: `/fhir/R4/${encodeURI(way)}` })).status, way).to.equal(403);
      }
      for (const coverage of [story.coverageId, randomUUID()]) {
        const insurance = [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverage}` } }];
        const body = { ...story.visit.claim, ...references(), insurance };
        const answer = await operator.send({ method: 'POST', path: '/fhir/R4/Claim/$submit', body });
        expect(answer.status).to.equal(403);
      }
    });

    const references = () => ({ patient: { reference: `Patient/${story.patientId}` } });
  });

  describe('that does everything at once', () => {
    const TIMES = 4;
    const times = <T>(run: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: TIMES }, run));

    it('has one of several claims for one service accepted', async () => {
      const copies = Array.from({ length: TIMES }, () => ({ ...story }));
      const outcomes = await Promise.allSettled(copies.map((copy) => claimSubmitted(copy, silent)));
      const accepted = copies.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      expect(accepted).to.have.length(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(String(outcome.reason)).to.include('denied: duplicate');
      story.claimId = accepted[0]!.claimId!;
    });

    it('has it adjudicated once, and settled once', async () => {
      const payer = scene.parties.of('payer', 'adjudicator');
      await payer.find({ path: `/fhir/R4/Claim/${story.claimId}` }, 'the claim at the payer');
      const adjudicate = { method: 'POST', path: `/fhir/R4/Claim/${story.claimId}/$adjudicate` } as const;
      const adjudications = await times(() => payer.send(adjudicate));
      expect(adjudications.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409]);
      const bank = scene.parties.of('bank', 'settlement');
      type Found = Resource & { entry?: { resource: Resource & { detail: [{ request: { reference: string } }] } }[] };
      const mine = ({ entry = [] }: Found) =>
        entry.filter(({ resource }) => resource.detail[0].request.reference === `Claim/${story.claimId}`);
      const path = '/fhir/R4/PaymentReconciliation?_count=1000';
      const found = await bank.find<Found>({ path }, 'the instruction', (body) => mine(body).length > 0);
      expect(mine(found)).to.have.length(1);
      const parameter = [
        { name: 'reference', valueString: 'TRF-1' },
        { name: 'paidOn', valueDate: new Date().toISOString().slice(0, 10) },
      ];
      const body = { resourceType: 'Parameters', parameter };
      const settle = `/fhir/R4/PaymentReconciliation/${mine(found)[0]!.resource.id}/$settle`;
      const settlements = await times(() => bank.send({ method: 'POST', path: settle, body }));
      expect(settlements.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409]);
    });

    it('keeps no copy that was delivered while its consent was being revoked', async () => {
      const patient = scene.parties.of('patients', 'patient', `Patient/${story.patientId}`);
      const clinic = scene.parties.of('clinic', 'practitioner');
      await consentGranted(story, silent);
      const found = await patient.ask<{ entry: { resource: Resource }[] }>({ path: '/fhir/R4/Consent' });
      const { resource } = found.entry[0]!;
      const body = { holder: 'hospital', patient: story.visit.mrn, types: ['Observation'], purpose: 'TREAT' };
      const ask = () => clinic.write<AccessState>({ method: 'POST', path: '/access-requests', body });
      const revoke = patient.send({
        ...{ method: 'PUT', path: `/fhir/R4/Consent/${resource.id}` },
        body: { ...resource, status: 'inactive' },
      });
      const asked = [...(await times(ask)), ...(await times(ask))];
      expect((await revoke).status).to.equal(200);
      for (const {
        body: { id },
      } of asked) {
        const path = `/access-requests/${id}`;
        const over = ({ status }: AccessState) => status === 'refused' || status === 'purged';
        await clinic.find<AccessState>({ path }, 'a refusal or a purge', over);
      }
      const path = `/fhir/R4/Observation/${story.observationId}`;
      for (let tries = 0; tries < 40 && (await clinic.send({ path })).status !== 404; tries += 1) await sleep(50);
      expect((await clinic.send({ path })).status).to.equal(404);
    });
  });

  describe('in league with others who sign whatever they like', () => {
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
      payers: both('payer', 'regulator'),
      marks: withAny('patients'),
      registers: withAny('regulator'),
    };

    it('writes and purges nothing where those concerned have not signed: every pair, in every collection', async function () {
      this.timeout(300_000);
      const defined = collectionsOf(scene.consortium).map(({ name }) => name);
      expect(Object.keys(WRITERS).sort()).to.deep.equal([...defined].sort());
      for (const [collection, mayWrite] of Object.entries(WRITERS)) {
        const codes = await Promise.all(
          PAIRS.map(async ([one, other]) => {
            const key = `probe/${randomUUID()}`;
            const written = await forge([one, other], { private: { [collection]: { [key]: 'x' } } });
            const purged = await forge([one, other], { private: { [collection]: { [key]: null } } });
            return [`${one} ${other}`, written, purged];
          }),
        );
        const due = PAIRS.map(([one, other]) => {
          const code = mayWrite(one, other) || mayWrite(other, one) ? VALID : POLICY_FAILURE;
          return [`${one} ${other}`, code, code];
        });
        expect(codes, collection).to.deep.equal(due);
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
      const payment = { paymentId: randomUUID(), salt: newSalt(), state: JSON.stringify(state), response: '{}' };
      const paying = attacker('payer').submit('InstructPayment', { id: claim, bank: 'bank' }, payment, [
        'payer',
        'bank',
      ]);
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
      for (const [collection, ...pair] of owners) {
        expect(await forge(pair, { private: { [collection]: { [key]: 'first' } } })).to.equal(VALID);
        expect(await forge(pair, { private: { [collection]: { [key]: 'second' } } }), collection).to.equal(VALID);
      }
      await untilAllCaughtUp();
      expect(await alarms()).to.deep.equal(before.map((count) => count + owners.length));
    });

    it('takes no mark away, and makes no revoked consent valid again', async () => {
      const mark = `revoked/${randomUUID()}`;
      expect(await forge(['patients', 'clinic'], { private: { marks: { [mark]: 'x' } } })).to.equal(VALID);
      expect(await forge(['hospital', 'clinic'], { private: { marks: { [mark]: null } } })).to.equal(POLICY_FAILURE);
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
      const next: Story = { ...story, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
      const steps = [visitRecorded, consentGranted, accessAllowed, coverageShown, claimSubmitted, adjudicated, paid];
      for (const step of [...steps, remitted]) await step(next, silent);
      const patient = scene.parties.of('patients', 'patient', `Patient/${next.patientId}`);
      const log = await patient.ask<{ total: number }>({ path: `/fhir/R4/AuditEvent?patient=${next.patientId}` });
      expect(log.total).to.equal(1);
    });
  });
});
