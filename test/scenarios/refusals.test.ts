/**
 * A refusal is no oracle: whatever it rests on, who asked and who has nothing to do with it see the same, and the patient and the
 * holder read why. On either network.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { envelopesOf } from '@telemed-ledger/formats/blocks/block.ts';
import { decodeRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import {
  readActionPayload,
  readActions,
  readChaincodeAction,
  readChaincodeEvent,
  readEnvelope,
  readPayload,
  readResponsePayload,
} from '@telemed-ledger/formats/blocks/transaction.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, Member, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const DOCTOR = `Practitioner/${randomUUID()}`;
const STRANGER = `Practitioner/${randomUUID()}`;
const EMERGENCY = { purpose: 'BTG', reason: 'Unconscious' };
const PURPOSES = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const toClinic = [
  { role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } } },
];

interface Because {
  reason: string;
  consent?: { id: string; version: number };
}
type Shown = AccessState & { because?: Because; endorsers?: string[]; transactionId: string; pending?: string };

interface Case {
  /** What it rests on. */
  reason: string;
  /** Of the consent that the patient gives; none where there is none. */
  provision?: object;
  isKnown?: false;
  isWithoutRecords?: true;
  ask?: object;
  as?: string;
}

const CASES: Record<string, Case> = {
  'a patient whom nobody knows': { reason: 'patient-unknown', isKnown: false },
  'a patient without a consent': { reason: 'consent-absent' },
  'a patient who denies it': { reason: 'consent-denied', provision: { type: 'deny' } },
  'a consent that is over': {
    ...{ reason: 'consent-expired' },
    provision: { type: 'permit', actor: toClinic, period: { end: '2020-01-01' } },
  },
  'a patient without such records': {
    ...{ reason: 'records-absent', provision: { type: 'permit', actor: toClinic }, isWithoutRecords: true },
  },
};
const EMERGENCIES: Record<string, Case> = {
  'a patient whom nobody knows': { reason: 'patient-unknown', isKnown: false, ask: EMERGENCY, as: DOCTOR },
  'a patient who said not even then': {
    ...{ reason: 'consent-denied', ask: EMERGENCY, as: DOCTOR },
    provision: { type: 'deny', purpose: [{ system: PURPOSES, code: 'BTG' }] },
  },
  'a practitioner without a licence': { reason: 'licence-absent', ask: EMERGENCY, as: STRANGER },
};

/** One refusal, as all sides of it see it. */
interface Refused {
  patientId: string;
  id: string;
  case: Case;
}

describe('A refusal', function () {
  this.timeout(120_000);
  let scene: Scene;
  let regulator: Member;
  const from = new Map<string, number>();
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    regulator = new Member(scene.dataDir, 'regulator');
    const body = {
      ...{ status: 'active', start: '2020-01-01', end: '2099-01-01' },
      practitioners: [{ organisation: 'clinic', practitioner: DOCTOR }],
    };
    const path = `/licences/${randomUUID().slice(0, 8)}`;
    await scene.parties.of('regulator', 'system').write({ method: 'PUT', path, body });
  });
  after(() => regulator?.close());

  const height = async (): Promise<number> =>
    (await scene.parties.of('regulator', 'system').ask<{ block: number }>({ path: '/readyz' })).block;

  async function patientOf({ isKnown, isWithoutRecords, provision }: Case, mrn: string): Promise<string> {
    if (isKnown === false) return '';
    const hospital = scene.parties.of('hospital', 'system');
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    const id = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${id}` };
    if (isWithoutRecords !== true)
      for (let count = 0; count < 3; count += 1)
        await create({ resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject });
    const patient = scene.parties.of('patients', 'patient', `Patient/${id}`);
    await patient.find({ path: `/fhir/R4/Patient/${id}` }, 'the patient');
    if (provision !== undefined) await granted(patient, consentOf(id, provision));
    return id;
  }

  const consentOf = (patientId: string, provision: object): object => ({
    ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }], provision },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    patient: { reference: `Patient/${patientId}` },
    organization: [{ identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } }],
    policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
  });

  let last: Promise<unknown> = Promise.resolve();
  /** Requests that come at the same time share a transaction, and others do not: here each has one of its own. */
  function inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = last.then(ask);
    last = asked.catch(() => undefined);
    return asked;
  }

  async function refused(one: Case): Promise<Refused> {
    const mrn = randomUUID();
    const patientId = await patientOf(one, mrn);
    const clinic = one.as === undefined ? asClinic() : scene.parties.of('clinic', 'practitioner', one.as);
    const asked = {
      holder: 'hospital',
      patient: { system: MRN, value: mrn },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const body = { ...asked, ...one.ask };
    const before = await height();
    const { id } = await inTurn(
      async () => (await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body,
    );
    from.set(id, before);
    const isOver = ({ status, pending }: Shown) => status !== 'requested' && pending === undefined;
    for (const who of [asClinic(), scene.parties.of('patients', 'system')])
      await who.find<Shown>({ path: `/access-requests/${id}` }, 'a refusal that is reported', isOver);
    return { patientId, id, case: one };
  }

  const asClinic = () => scene.parties.of('clinic', 'system');

  /** The same text where it is the same but for what is anybody's: ids, times, hashes and salts. */
  const alike = (value: unknown): string =>
    JSON.stringify(value)
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      // As its sentence says it, to the minute.
      .replaceAll(/\b[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d\s?[AP]M UTC/gu, '<time>')
      .replaceAll(/[0-9a-f]{64}/g, '<hash>');

  /** What the requestor's gateway answers of it, headers included. */
  async function answered({ id }: Refused): Promise<string> {
    const answers = [];
    for (const path of [`/access-requests/${id}`, `/fhir/R4/AuditEvent/${id}`]) {
      const { status, headers, body } = await asClinic().send({ path });
      const names = Object.entries(headers).filter(([name]) => !['date', 'etag', 'x-ledger-block'].includes(name));
      answers.push({ status, body, headers: names.map(([name, value]) => [name, /\d/.test(`${value}`) ? '' : value]) });
    }
    const listed = await asClinic().ask<{ accessRequests: Shown[] }>({ path: '/access-requests?count=500' });
    const [element] = listed.accessRequests.filter((one) => one.id === id);
    const searched = await asClinic().send({ path: `/fhir/R4/AuditEvent?_id=${id}` });
    const entry = (searched.body as unknown as { entry: { resource: Resource }[] }).entry.map(
      ({ resource }) => resource,
    );
    return alike([answers, element, entry]);
  }

  /** The requestor's raw value, with its length. */
  function held({ id }: Refused): string {
    const database = new DatabaseSync(join(scene.dataDir, 'organisations', 'clinic', 'gateway', 'index.sqlite'), {
      readOnly: true,
    });
    const rows = database
      .prepare('select collection, value from private_values where key = ?')
      .all(`access/${id}/2`) as { collection: string; value: string }[];
    database.close();
    expect(rows.map(({ collection }) => collection)).to.deep.equal(['inbox_clinic']);
    const [{ value } = { value: '' }] = rows;
    return `${value.length} ${alike(JSON.parse(value))}`;
  }

  /** What an uninvolved member reads of it in the blocks. */
  async function seen(all: readonly Refused[]): Promise<Map<string, string>> {
    const found = new Map<string, unknown[]>();
    const last = await height();
    const start = BigInt(Math.min(...all.map(({ id }) => from.get(id) ?? 0)));
    const blocks = await regulator.network.getBlockEvents({ startBlock: start });
    for await (const block of blocks) {
      for (const envelope of envelopesOf(block.serializeBinary())) {
        const text = Buffer.from(envelope).toString('latin1');
        for (const { id } of all) if (text.includes(id)) found.set(id, [...(found.get(id) ?? []), shapeOf(envelope)]);
      }
      if (block.getHeader()?.getNumber() === last) break;
    }
    blocks.close();
    return new Map([...found].map(([id, shapes]) => [id, alike(shapes)]));
  }

  function shapeOf(envelope: Uint8Array): unknown {
    const { data } = readPayload(readEnvelope(envelope).payload);
    const { proposalPayload, responsePayload, endorsements } = readActionPayload(readActions(data)[0]!.payload);
    const { event, results } = readChaincodeAction(readResponsePayload(responsePayload).chaincodeAction);
    const call = new Message(proposalPayload).message(1).message(1).message(3).list(1);
    const sets = decodeRwset(results).filter(({ namespace }) => namespace !== '_lifecycle');
    return {
      call: call.map((one) => one.toString('utf8')),
      endorsers: endorsements
        .map(({ endorser }) => /\w+MSP/.exec(Buffer.from(endorser).toString('latin1'))?.[0])
        .sort(),
      event: event === undefined ? undefined : readChaincodeEvent(event).name,
      sets: sets.map(({ namespace, reads, writes, collections }) => ({
        ...{ namespace, reads: reads.length, writes: writes.length },
        collections: collections.map(({ collection, reads: read, writes: written }) => ({
          ...{ collection, reads: read.length, writes: written.length },
          versions: read.map(({ version }) => version !== undefined),
        })),
      })),
    };
  }

  const together = (what: string, cases: Record<string, Case>): void => {
    describe(`of ${what}`, () => {
      const all: Refused[] = [];
      before(async () => {
        all.push(...(await Promise.all(Object.values(cases).map(refused))));
      });

      const expectSame = (views: readonly string[]): void => {
        for (const [index, view] of views.entries()) expect(view, Object.keys(cases)[index]).to.equal(views[0]);
      };

      it('is the same in all that the requestor’s gateway answers', async () => {
        const views: string[] = [];
        for (const one of all) views.push(await answered(one));
        expect(views[0]).to.include('"reason":"not-permitted"').and.not.include('because');
        expectSame(views);
      });

      it('is the same in what the requestor holds', () => {
        expectSame(all.map(held));
      });

      it('is the same to a member that has nothing to do with it', async () => {
        const shapes = await seen(all);
        expect([...shapes.keys()]).to.have.members(all.map(({ id }) => id));
        expect(shapes.get(all[0]!.id)).to.match(/access:RequestAccess.*access:RefuseAccess.*access:ReportAccess/);
        expectSame(all.map(({ id }) => shapes.get(id) ?? ''));
      });

      it('comes a whole number of seconds after the request, and not at once', async () => {
        for (const { id } of all) {
          const { requestedAt, decidedAt = '' } = await asClinic().ask<Shown>({ path: `/access-requests/${id}` });
          expect(Date.parse(decidedAt) - Date.parse(requestedAt)).to.be.at.least(1_000);
        }
      });

      it('says why to the holder and to the patient, in her log too', async () => {
        for (const { id, patientId, case: one } of all) {
          const path = `/access-requests/${id}`;
          const sides = [scene.parties.of('patients', 'system'), scene.parties.of('hospital', 'system')];
          if (patientId !== '') sides.push(scene.parties.of('patients', 'patient', `Patient/${patientId}`));
          for (const side of sides) {
            const shown = await side.find<Shown>({ path }, 'the refusal', ({ status }) => status === 'refused');
            expect(shown).to.include({ reason: 'not-permitted' });
            expect(shown.because).to.include({ reason: one.reason });
            expect(shown.because).to.have.keys(
              shown.because?.consent === undefined ? ['reason'] : ['reason', 'consent'],
            );
            const event = await side.ask<Resource & { outcomeDesc: string }>({ path: `/fhir/R4/AuditEvent/${id}` });
            expect(event).to.include({ outcome: '4', outcomeDesc: one.reason });
          }
        }
      });

      it('cannot be told by the hash of what the holder has, by whoever has the step', async () => {
        const reasons = [...Object.values(CASES), ...Object.values(EMERGENCIES)].map(({ reason }) => reason);
        for (const { id } of all) {
          const database = new DatabaseSync(join(scene.dataDir, 'organisations', 'clinic', 'gateway', 'index.sqlite'), {
            readOnly: true,
          });
          const step = database.prepare('select value from private_values where key = ?').get(`access/${id}/2`);
          const anchor = database
            .prepare("select * from anchors where key_hash = ? and collection = 'care_hospital'")
            .get(sha256Hex(`access/${id}/2`));
          database.close();
          const state = JSON.parse(`${step?.['value']}`) as AccessState;
          const guesses = [state, ...reasons.map((reason) => ({ ...state, because: { reason, salt: state.salt } }))];
          const known = JSON.stringify(anchor);
          expect(anchor, 'the holder has been told').to.not.equal(undefined);
          for (const guess of guesses) expect(known).to.not.include(sha256Hex(canonicalJson(guess)));
        }
      });
    });
  };

  together('a request', CASES);
  together('an emergency', EMERGENCIES);
});
