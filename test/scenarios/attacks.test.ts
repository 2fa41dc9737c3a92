/**
 * What a dishonest member tries with identities of its own, and what comes of it: by the SDK alone, with endorsers of
 * its choice, and by doing one thing twice at the same time.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { common } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { consentGranted } from '@telemed-ledger/scripts/demo/access.ts';
import { claimSubmitted, coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { withLinks } from '@telemed-ledger/scripts/load/links.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker, refusalOf } from './forgery.fixture.ts';

const VALID = 0;
const POLICY_FAILURE = 10;

const newSalt = (): string => randomBytes(32).toString('hex');
const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

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

  describe('whose own client writes what is no valid FHIR R4', () => {
    const faulty = {
      text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>steal()</script></div>' },
    };
    const invalidAt = async (organisation: string): Promise<number> => {
      const { body } = await scene.parties.of(organisation, 'operator').send({ path: '/metrics' });
      return Number(/^gateway_invalid_resources_total\S* (\d+)$/m.exec(String(body))?.[1] ?? Number.NaN);
    };
    /** Waits until it is known at a gateway, and expects that it is shown nowhere there while others are. */
    const expectHidden = async (organisation: string, role: Role, reference: string): Promise<void> => {
      const party = scene.parties.of(organisation, role);
      const path = `/fhir/R4/${reference}`;
      let answer = await party.send({ path });
      for (let tries = 0; tries < 200 && answer.status === 404; tries += 1) {
        await sleep(50);
        answer = await party.send({ path });
      }
      expect(answer.status, reference).to.equal(409);
      expect(JSON.stringify(answer.body)).to.not.include('steal');
      const [type] = reference.split('/');
      type Page = Resource & { entry: { resource: Resource & { issue?: { code: string }[] } }[] };
      const { entry } = await party.ask<Page>({ path: `/fhir/R4/${type}?_count=1000` });
      expect(JSON.stringify(entry)).to.not.include('steal');
      const issues = entry.flatMap(({ resource }) => resource.issue ?? []);
      expect(issues.map(({ code }) => code)).to.include('invalid');
    };

    it('is shown to nobody else: a record, a coverage', async () => {
      const { patientId, visit } = story;
      const sheet = randomUUID();
      const id = recordIdAt({ sheet, index: 0 }, 'Observation');
      const subject = { reference: `Patient/${patientId}` };
      const observation = { resourceType: 'Observation', id, status: 'final', code: { text: 'x' }, subject, ...faulty };
      const records = [{ id, version: 1, salt: newSalt(), resource: canonicalJson(observation) }];
      const before = await invalidAt('patients');
      const hospital = attacker('hospital');
      const sheets = [{ id: sheet, salt: newSalt(), records }];
      expect(await hospital.submit('RecordVersions', {}, { sheets }, ['hospital', 'patients'])).to.equal(VALID);
      await expectHidden('patients', 'system', `Observation/${id}`);
      expect(await invalidAt('patients')).to.equal(before + 1);
      const coverageId = randomUUID();
      const resource = {
        ...{ resourceType: 'Coverage', id: coverageId, status: 'active', payor: [{ display: 'payer' }], ...faulty },
        ...{ beneficiary: { identifier: visit.member }, period: { start: '2026-01-01', end: '2026-12-31' } },
      };
      const coverage = { id: coverageId, version: 1, salt: newSalt(), resource };
      const shown = attacker('payer', 'adjudicator').submit(
        'RegisterCoverage',
        { providers: ['hospital'] },
        { coverage },
        ['payer', 'hospital'],
      );
      expect(await shown).to.equal(VALID);
      await expectHidden('hospital', 'system', `Coverage/${coverageId}`);
      expect(await invalidAt('hospital')).to.be.greaterThan(0);
      const verified = await scene.parties.of('patients', 'operator').send({ method: 'POST', path: '/verify' });
      expect((verified.body as { differences?: unknown[] }).differences).to.deep.equal([]);
    });
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
        ...[`Observation?patient=${story.patientId}`, 'Observation?_summary=count', 'Claim'],
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
      // A stranger's log has what the stranger did, and not what of it was hers.
      const { body: log } = await stranger.send({ path: '/fhir/R4/AuditEvent?_count=1000' });
      for (const id of [story.patientId!, story.observationId!]) expect(JSON.stringify(log)).to.not.include(id);
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

  describe("whose certificate names another organisation's practitioner", () => {
    type Entry = { resource: Resource & { id: string; agent: { who: { reference?: string } }[] } };
    let next: Story;
    let practitioner: string;
    before(async () => {
      const { parties } = scene;
      const startedAt = new Date().toISOString();
      next = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
      for (const step of [licensed, visitRecorded]) await step(next, silent);
      practitioner = [...next.locations.values()].find((location) => location.startsWith('Practitioner/')) ?? '';
    });

    const patient = () => scene.parties.of('patients', 'patient', `Patient/${next.patientId}`);
    const grant = (reference: string) => {
      const role = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PRCP' }] };
      const actor = [{ role, reference: { reference } }];
      const scope = {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      };
      const body = {
        ...{ resourceType: 'Consent', status: 'active', scope },
        category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
        patient: { reference: `Patient/${next.patientId}` },
        organization: [{ identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } }],
        policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
        provision: { type: 'permit', actor },
      };
      return patient().send({ method: 'POST', path: '/fhir/R4/Consent', body });
    };
    /** Asks as the clinic's practitioner of that reference, and answers what was decided. */
    const ask = async (): Promise<AccessState> => {
      const clinic = scene.parties.of('clinic', 'practitioner', practitioner);
      const body = { holder: 'hospital', patient: next.visit.mrn, types: ['Observation'], purpose: 'TREAT' };
      const asked = await clinic.write<AccessState>({ method: 'POST', path: '/access-requests', body });
      const path = `/access-requests/${asked.body.id}`;
      return clinic.find<AccessState>({ path }, 'a decision', ({ status }) => status !== 'requested');
    };

    it('is delivered nothing by what the other is permitted, and stands in the log as who it is', async () => {
      expect((await grant(practitioner)).status).to.be.oneOf([201, 202]);
      const refused = await ask();
      expect([refused.status, refused.reason]).to.deep.equal(['refused', 'not-permitted']);
      const log = await patient().ask<{ entry: Entry[] }>({ path: `/fhir/R4/AuditEvent?patient=${next.patientId}` });
      const entry = log.entry.find(({ resource }) => resource.id === refused.id);
      const named = entry?.resource.agent.flatMap(({ who }) => who.reference ?? []);
      expect(named).to.deep.equal([`${ORGANISATION_SYSTEM}/clinic/${practitioner}`]);
      expect((await grant(`${ORGANISATION_SYSTEM}/clinic/${practitioner}`)).status).to.be.oneOf([201, 202]);
      expect((await ask()).status).to.equal('granted');
    });
  });

  describe("that bills with the number of another organisation's practitioner", () => {
    /** The story as if the clinic were the hospital. */
    const atClinic = (): Story => {
      const { parties } = scene;
      const clinics = Object.create(parties, {
        of: {
          value: (name: string, ...who: [Role, string?]) => parties.of(name === 'hospital' ? 'clinic' : name, ...who),
        },
      });
      const startedAt = new Date().toISOString();
      return { parties: clinics, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
    };

    it('is denied, until the licence names its own too', async () => {
      const { parties } = scene;
      const own = atClinic();
      // The hospital's, whom the clinic records as its own.
      await licensed({ ...own, parties }, silent);
      await visitRecorded(own, silent);
      const payer = parties.of('payer', 'adjudicator');
      const shown = await payer.ask<Resource>({ path: `/fhir/R4/Coverage/${story.coverageId}` });
      const coverage = {
        ...shown,
        extension: [{ ...(shown['extension'] as object[])[0], valueString: 'clinic' }],
        beneficiary: { identifier: own.visit.member },
      };
      const { body: registered } = await payer.write({ method: 'POST', path: '/fhir/R4/Coverage', body: coverage });
      const clinic = parties.of('clinic', 'system');
      await clinic.find({ path: `/fhir/R4/Coverage/${registered.id}` }, 'the coverage');
      const insurance = [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${registered.id}` } }];
      const provider = { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } };
      const claim = { ...withLinks(own.visit.claim, (link) => own.locations.get(link) ?? link), provider, insurance };
      const submit = async (): Promise<Record<string, unknown>> => {
        const sending = { method: 'POST', path: '/fhir/R4/Claim/$submit', body: claim } as const;
        return (await clinic.write(sending)).body;
      };
      const denied = await submit();
      expect(denied).to.include({ outcome: 'error', disposition: 'denied: practitioner-not-licensed' });
      const path = `/licences/${own.visit.npi}`;
      type Licence = { practitioners: object[] } & Record<string, unknown>;
      const regulator = parties.of('regulator', 'system');
      const { number: _, updatedAt: __, ...licence } = await regulator.ask<Licence>({ path });
      const practitioner = [...own.locations.values()].find((location) => location.startsWith('Practitioner/'));
      const practitioners = [...licence.practitioners, { organisation: 'clinic', practitioner }];
      await regulator.write({ method: 'PUT', path, body: { ...licence, practitioners } });
      expect(await submit()).to.include({ outcome: 'queued' });
    });
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
});
