import { randomUUID } from 'node:crypto';
import { all } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { AccessRequest } from '../model/transactions.ts';
import { ExamplePatient, identifier, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';

const forClinic = { type: 'permit', actor: toOrganisation('clinic') };

describe('the access contract', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });

  describe('a request', () => {
    let request: AccessRequest;
    beforeEach(() => {
      request = { id: randomUUID(), salt: newSalt(), patient: identifier, types: ['Observation'], purpose: 'TREAT' };
    });

    it('writes what is asked into the inbox, and in public only who asks whom for which purpose', async () => {
      const { reply, writes } = await example.request(request);
      const state = canonicalJson({
        id: request.id,
        requestor: 'clinic',
        holder: 'hospital',
        custodian: 'patients',
        purpose: 'TREAT',
        status: 'requested',
        requestedAt: example.ledger.time,
      });
      expect(canonicalJson(reply)).to.equal(state);
      expect(writes).to.deep.equal({
        public: { [`access/${request.id}`]: state },
        private: { [`inbox_clinic request/${request.id}`]: canonicalJson(request) },
        purged: [],
        policies: {
          [`access/${request.id}`]: Buffer.from(
            policyBytes(all('HospitalMSP', exampleConsortium.organisations[2]!.mspId)),
          ).toString('hex'),
        },
        event: { name: 'AccessRequested', payload: state },
      });
    });

    it("takes the practitioner from the caller's certificate", async () => {
      await example.request(request, { role: 'practitioner', fhirUser: 'Practitioner/d1' });
      const written = example.ledger.read('inbox_clinic', `request/${request.id}`);
      expect(written).to.have.property('practitioner', 'Practitioner/d1');
    });

    const refused: [string, object, object, RegExp][] = [
      ['a bank', {}, { from: 'bank' }, /FORBIDDEN: only a provider or payer/],
      ['an operator', {}, { role: 'operator' }, /FORBIDDEN: the role must be/],
      [
        'a practitioner of its own choice',
        { practitioner: 'Practitioner/d1' },
        {},
        /FORBIDDEN at <private.request.pract/,
      ],
      [
        'another practitioner',
        { practitioner: 'Practitioner/d2' },
        { role: 'practitioner', fhirUser: 'Practitioner/d1' },
        /FORBIDDEN at <private.request.practitioner>/,
      ],
      ['an unknown purpose', { purpose: 'MARKETING' }, {}, /INVALID at <purpose>/],
      ['another id', { id: randomUUID() }, {}, /INVALID at <private.request.id>/],
    ];
    for (const [what, change, caller, message] of refused)
      it(`by or with ${what} is refused and writes nothing`, async () => {
        const changed = { ...request, ...change } as AccessRequest;
        const input = { id: request.id, holder: 'hospital', purpose: changed.purpose };
        expect(await failureOf(example.request(changed, { input, ...caller }))).to.match(message);
        expect(example.ledger.public.size).to.equal(0);
      });

    it('of another purpose than the argument is refused', async () => {
      const input = { id: request.id, holder: 'hospital', purpose: 'HOPERAT' };
      expect(await failureOf(example.request(request, { input }))).to.match(/INVALID at <private.request.purpose>/);
    });

    it('to oneself or to no provider is refused', async () => {
      for (const holder of ['clinic', 'payer', 'nobody']) {
        const input = { id: request.id, holder, purpose: 'TREAT' };
        expect(await failureOf(example.request(request, { input }))).to.match(/INVALID at <holder>/);
      }
    });

    it('with an id that exists is refused', async () => {
      await example.request(request);
      expect(await failureOf(example.request(request))).to.match(/CONFLICT at <id>/);
    });
  });

  describe('a decision', () => {
    it('without any consent is a refusal, recorded', async () => {
      const observation = await example.observation();
      const id = await example.ask();
      const { reply, writes } = await example.decide(id, [observation]);
      expect(reply).to.include({ status: 'refused', reason: 'consent-absent', decidedAt: example.ledger.time });
      expect(writes).to.deep.equal({
        public: { [`access/${id}`]: canonicalJson(reply) },
        private: {},
        purged: [],
        policies: {},
        event: { name: 'AccessDecided', payload: canonicalJson(reply) },
      });
    });

    it('with a consent delivers exactly what is anchored', async () => {
      const observation = await example.observation();
      const consent = await example.permit({ ...forClinic, period: { end: '2026-03-15' } });
      const id = await example.ask();
      const { reply, writes } = await example.decide(id, [observation]);
      const expiresAt = '2026-03-16T00:00:00.000Z';
      expect(reply).to.include({ status: 'granted', expiresAt });
      expect(reply.consent).to.deep.equal({ id: consent.id, version: 1 });
      const record = example.ledger.private.get(`care_hospital record/${observation}/1`)!;
      expect(writes.private).to.deep.equal({
        [`inbox_clinic copy/${id}/${observation}`]: canonicalJson({
          accessId: id,
          holder: 'hospital',
          deliveredAt: example.ledger.time,
          expiresAt,
          salt: sha256Hex(`copy/${'ab'.repeat(32)}/${observation}`),
          record,
        }),
      });
      expect(canonicalJson(writes.public) + writes.event?.payload).not.to.contain(example.patientId);
    });

    it('leaves copies for thirty days where the consent has no end', async () => {
      const observation = await example.observation();
      await example.permit(forClinic);
      const { reply } = await example.decide(await example.ask(), [observation]);
      expect(reply.expiresAt).to.equal('2026-03-31T12:00:00.000Z');
    });

    it('delivers the permitted of several records', async () => {
      const [first, second] = [await example.observation(), await example.observation()];
      const data = [{ meaning: 'instance', reference: { reference: `Observation/${second}` } }];
      await example.permit({ ...forClinic, provision: [{ type: 'deny', data }] });
      const id = await example.ask();
      const { writes } = await example.decide(id, [first, second]);
      expect(Object.keys(writes.private)).to.deep.equal([`inbox_clinic copy/${id}/${first}`]);
    });

    const refusals: [string, object | undefined, string][] = [
      ['denies', { type: 'deny' }, 'consent-denied'],
      ['has expired', { ...forClinic, period: { end: '2026-02-28' } }, 'consent-expired'],
      ['is for another', { type: 'permit', actor: toOrganisation('payer') }, 'consent-absent'],
    ];
    for (const [what, provision, reason] of refusals)
      it(`with a consent that ${what} is refused as ${reason}`, async () => {
        const observation = await example.observation();
        await example.permit(provision!);
        const { reply, writes } = await example.decide(await example.ask(), [observation]);
        expect(reply).to.include({ status: 'refused', reason });
        expect(writes.private).to.deep.equal({});
      });

    it('goes by the version of a consent that is in force, and by none that is revoked', async () => {
      const observation = await example.observation();
      const consent = example.consent(forClinic);
      await example.grant(consent);
      const input = { id: consent.id, provider: 'hospital' };
      const second = example.consent({ type: 'deny' }, consent.id, 2);
      await example.ledger.submit('AmendConsent', { ...patients, input, private: { consent: second } });
      const denied = await example.decide(await example.ask(), [observation]);
      expect(denied.reply).to.deep.include({ reason: 'consent-denied', consent: { id: consent.id, version: 2 } });
      await example.ledger.submit('RevokeConsent', { ...patients, input: { id: consent.id } });
      const absent = await example.decide(await example.ask(), [observation]);
      expect(absent.reply).to.include({ reason: 'consent-absent' });
    });

    it('about a patient whom the holder does not know is a refusal', async () => {
      const { reply } = await example.decide(await example.ask(), [], { patient: undefined });
      expect(reply).to.include({ status: 'refused', reason: 'patient-unknown' });
    });

    it('tells that there are no records only to whom the consent permits them', async () => {
      expect((await example.decide(await example.ask(), [])).reply.reason).to.equal('consent-absent');
      await example.permit(forClinic);
      expect((await example.decide(await example.ask(), [])).reply.reason).to.equal('records-absent');
    });

    it('is taken once', async () => {
      const id = await example.ask();
      await example.decide(id, []);
      expect(await failureOf(example.decide(id, []))).to.match(/CONFLICT at <id>: the request is refused/);
    });

    it('is refused to all but the custodian', async () => {
      const id = await example.ask();
      expect(await failureOf(example.decide(id, [], {}, { from: 'hospital' }))).to.match(/FORBIDDEN: only a custodian/);
      expect(await failureOf(example.decide(id, [], {}, { role: 'patient' }))).to.match(/FORBIDDEN: the role must be/);
    });

    it('rests on the request that was anchored, to the byte', async () => {
      const id = await example.ask();
      const text = example.ledger.private.get(`inbox_clinic request/${id}`)!;
      for (const request of [`${text} `, text.replace('TREAT', 'HPAYMT'), ''])
        expect(await failureOf(example.decide(id, [], { request }))).to.match(
          /INVALID at <private.request>: not what was anchored/,
        );
    });

    it('rests on the request, holder and patient asked about', async () => {
      const id = await example.ask();
      const other = await example.record({ resourceType: 'Patient', identifier: [{ ...identifier, value: 'MRN-1' }] });
      const wrong = { patient: { id: other, version: 1 } };
      expect(await failureOf(example.decide(id, [], wrong))).to.match(/INVALID at <private.patient>/);
      const input = { id, holder: 'clinic' };
      expect(await failureOf(example.decide(id, [], {}, { input }))).to.match(/INVALID at <holder>/);
      const unknown = { input: { id: randomUUID(), holder: 'hospital' } };
      expect(await failureOf(example.decide(id, [], {}, unknown))).to.match(/NOT_FOUND at <id>/);
    });

    it('is never taken on a record of another patient, of another type, superseded, missing or named twice', async () => {
      await example.permit(forClinic);
      const observation = await example.observation();
      const subject = { reference: `Patient/${randomUUID()}` };
      const foreign = await example.record({ resourceType: 'Observation', subject });
      const condition = await example.record({
        resourceType: 'Condition',
        subject: { reference: `Patient/${example.patientId}` },
      });
      const id = await example.ask();
      const failure = (...records: string[]) => failureOf(example.decide(id, records));
      expect(await failure(observation, foreign)).to.match(
        /INVALID at <private.records\[1\]>: belongs to another patient/,
      );
      expect(await failure(condition)).to.match(/INVALID at <private.records\[0\]>: is of a type/);
      expect(await failure(randomUUID())).to.match(/NOT_FOUND at <private.records\[0\]>/);
      expect(await failure(observation, observation)).to.match(/INVALID at <private.records>: the same record twice/);
      await example.record({ resourceType: 'Observation', subject }, 2, observation);
      expect(await failure(observation)).to.match(/CONFLICT at <private.records\[0\]>: is not the current version/);
      expect(example.accessState(id).status).to.equal('requested');
    });
  });

  describe('a purge', () => {
    let id: string;
    let observation: string;
    let consentId: string;
    beforeEach(async () => {
      observation = await example.observation();
      consentId = (await example.permit(forClinic)).id;
      id = await example.ask();
      await example.decide(id, [observation]);
    });
    const purge = (records: string[], change: object = {}) => {
      const input = { id, holder: 'hospital' };
      return example.ledger.submit('PurgeCopies', { ...patients, input, private: { records }, ...change });
    };
    const revoke = () => example.ledger.submit('RevokeConsent', { ...patients, input: { id: consentId } });

    it('is refused while the consent is in force', async () => {
      expect(await failureOf(purge([observation]))).to.match(/CONFLICT at <id>: the consent is in force/);
    });

    it('after a revocation removes the copies and says why', async () => {
      await revoke();
      const { reply, writes } = await purge([observation]);
      expect(reply).to.include({ status: 'purged', reason: 'consent-revoked' });
      expect(writes).to.deep.equal({
        public: { [`access/${id}`]: canonicalJson(reply) },
        private: {},
        purged: [`inbox_clinic copy/${id}/${observation}`],
        policies: {},
        event: { name: 'CopiesPurged', payload: canonicalJson(reply) },
      });
      expect(await failureOf(purge([observation]))).to.match(/CONFLICT at <id>: the request is purged/);
    });

    it('follows the end of its time', async () => {
      const { reply } = await purge([observation], { time: '2026-03-31T12:00:00.000Z' });
      expect(reply.reason).to.equal('copies-expired');
    });

    it('follows an amendment', async () => {
      const input = { id: consentId, provider: 'hospital' };
      const consent = example.consent({ type: 'deny' }, consentId, 2);
      await example.ledger.submit('AmendConsent', { ...patients, input, private: { consent } });
      expect((await purge([observation])).reply.reason).to.equal('consent-amended');
    });

    it('follows the end of any consent that a copy rests on, whichever record was permitted by which', async () => {
      const subject = { reference: `Patient/${example.patientId}` };
      const condition = await example.record({ resourceType: 'Condition', subject });
      const forConditions = {
        ...forClinic,
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }],
      };
      const forObservations = { ...forClinic, class: [{ ...forConditions.class[0]!, code: 'Observation' }] };
      const amendment = example.consent(forObservations, consentId, 2);
      const amended = { input: { id: consentId, provider: 'hospital' }, private: { consent: amendment } };
      await example.ledger.submit('AmendConsent', { ...patients, ...amended });
      const second = await example.permit(forConditions);
      id = await example.ask({ types: [] });
      const { reply } = await example.decide(id, [observation, condition]);
      expect(reply).to.deep.include({ consent: { id: consentId, version: 2 } });
      expect(reply).to.deep.include({ furtherConsents: [{ id: second.id, version: 1 }] });
      expect(await failureOf(purge([observation, condition]))).to.match(/CONFLICT at <id>: the consent is in force/);
      await example.ledger.submit('RevokeConsent', { ...patients, input: { id: second.id } });
      expect((await purge([observation, condition])).reply.reason).to.equal('consent-revoked');
    });

    it('is refused for a copy that is not there, for none, and to others', async () => {
      await revoke();
      expect(await failureOf(purge([observation, randomUUID()]))).to.match(/NOT_FOUND at <private.records\[1\]>/);
      expect(await failureOf(purge([]))).to.match(/INVALID at <private.records>/);
      expect(await failureOf(purge([observation], { from: 'clinic' }))).to.match(/FORBIDDEN/);
      expect(example.accessState(id).status).to.equal('granted');
    });

    it('answers the state to anyone', async () => {
      const request = { from: 'regulator', role: 'auditor', input: { id } };
      expect((await example.ledger.evaluate('GetAccess', request)).status).to.equal('granted');
      const unknown = { ...request, input: { id: randomUUID() } };
      expect(await failureOf(example.ledger.evaluate('GetAccess', unknown))).to.match(/NOT_FOUND at <id>/);
    });
  });
});
