import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { referenceTo } from '../model/organisations.ts';
import type { Copies } from '../model/sheets.ts';
import { ExamplePatient, identifier, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';

const forClinic = { type: 'permit', actor: toOrganisation('clinic') };

describe('the access contract', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
  });

  describe("of a practitioner, whose reference another organisation's practitioner has too", () => {
    const doctor = randomUUID();
    const asking = { role: 'practitioner', fhirUser: `Practitioner/${doctor}` };
    const to = (reference: string) => [{ reference: { reference } }];
    const cases: [string, object, string, string?][] = [
      [
        "of a permission for the clinic's",
        { type: 'permit', actor: to(referenceTo('clinic', asking.fhirUser)) },
        'granted',
      ],
      [
        "of a permission for the hospital's",
        { type: 'permit', actor: to(asking.fhirUser) },
        'refused',
        'consent-absent',
      ],
      [
        "of a permission for the payer's",
        { type: 'permit', actor: to(referenceTo('payer', asking.fhirUser)) },
        'refused',
        'consent-absent',
      ],
      [
        'of a denial of anybody of that reference',
        { type: 'permit', provision: [{ type: 'deny', actor: to(asking.fhirUser) }] },
        'refused',
        'consent-denied',
      ],
      [
        "of a denial of the payer's",
        { type: 'permit', provision: [{ type: 'deny', actor: to(referenceTo('payer', asking.fhirUser)) }] },
        'granted',
      ],
    ];
    for (const [what, provision, status, reason] of cases)
      it(`is ${status} because ${what}`, async () => {
        const observation = await example.observation();
        const recorded = await example.recordAt('hospital', { resourceType: 'Practitioner' }, doctor);
        await example.permit(provision, [recorded]);
        const id = await example.ask({}, asking);
        const { status: came, reason: why } = await example.settle(id, [observation]);
        expect([came, why]).to.deep.equal([status, reason]);
      });
  });

  describe('a decision', () => {
    /** What a request comes to, asked and decided about these records. */
    const outcome = async (records: string[], change: object = {}) =>
      example.settle(await example.ask(), records, change);

    it('is taken of what is permitted alone: where nothing is, nothing is written', async () => {
      const observation = await example.observation();
      const id = await example.ask();
      const before = example.ledger.private.size;
      for (const [records, change] of [
        [[observation], {}],
        [[], {}],
        [[], { patient: undefined }],
      ] as const)
        expect(await failureOf(example.decide(id, [...records], change))).to.match(
          /CONFLICT at <id>: nothing is permitted now/,
        );
      expect(example.ledger.private.size).to.equal(before);
      expect(example.accessState(id).status).to.equal('requested');
    });

    it('with a consent delivers exactly what is anchored', async () => {
      const observation = await example.observation();
      const consent = await example.permit({ ...forClinic, period: { end: '2026-03-15' } });
      const id = await example.ask();
      const { writes } = await example.decide(id, [observation]);
      const expiresAt = '2026-03-16T00:00:00.000Z';
      const state = example.accessState(id);
      expect(state).to.include({ status: 'granted', expiresAt });
      expect(state.consent).to.deep.equal({ id: consent.id, version: 1 });
      expect(writes.private).to.deep.equal({
        [`inbox_clinic copies/${id}`]: canonicalJson({
          schema: 1,
          accessId: id,
          holder: 'hospital',
          deliveredAt: example.ledger.time,
          audience: { role: 'system' },
          purpose: state.purpose,
          expiresAt,
          salt: sha256Hex(`copies/${'ab'.repeat(32)}`),
          records: [example.evidence(observation)],
        }),
        [`inbox_clinic access/${id}/2`]: canonicalJson(state),
        [`care_hospital access/${id}/2`]: canonicalJson(state),
      });
      expect(state.patient).to.equal(example.patientId);
      expect(writes.event?.payload).not.to.contain(example.patientId);
    });

    it('leaves copies for thirty days where the consent has no end', async () => {
      const observation = await example.observation();
      await example.permit(forClinic);
      const id = await example.ask();
      await example.decide(id, [observation]);
      expect(example.accessState(id).expiresAt).to.equal('2026-03-31T12:00:00.000Z');
    });

    it('delivers the permitted of several records', async () => {
      const [first, second] = [await example.observation(), await example.observation()];
      const data = [{ meaning: 'instance', reference: { reference: `Observation/${second}` } }];
      await example.permit({ ...forClinic, provision: [{ type: 'deny', data }] });
      const id = await example.ask();
      const { writes } = await example.decide(id, [first, second]);
      const { records } = JSON.parse(writes.private[`inbox_clinic copies/${id}`]!) as Copies;
      expect(records.map((record) => record.id)).to.deep.equal([first]);
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
        expect(await outcome([observation])).to.include({ status: 'refused', reason });
      });

    it('goes by the version of a consent that is in force, and by none that is revoked', async () => {
      const observation = await example.observation();
      const consent = example.consent(forClinic);
      await example.grant(consent);
      const input = { id: consent.id, provider: 'hospital' };
      const second = example.consent({ type: 'deny' }, consent.id, 2);
      await example.ledger.submit('AmendConsent', { ...patients, input, private: { consent: second } });
      expect(await outcome([observation])).to.deep.include({
        reason: 'consent-denied',
        consent: { id: consent.id, version: 2 },
      });
      await example.revoke(consent.id);
      expect(await outcome([observation])).to.include({ reason: 'consent-absent' });
    });

    it('goes by no version that is withdrawn', async () => {
      const observation = await example.observation();
      const { id } = await example.permit(forClinic);
      expect(await outcome([observation])).to.include({ status: 'granted' });
      const input = { id, provider: 'hospital', version: 1 };
      const withdrawal = { ...patients, input, private: { salt: newSalt() }, endorsers: ['patients', 'bank'] };
      await example.ledger.submit('WithdrawConsentVersion', withdrawal);
      expect(await outcome([observation])).to.include({ reason: 'consent-absent' });
    });

    it('finds the consents in force, whatever generation and versions it is told of', async () => {
      const observation = await example.observation();
      for (let count = 0; count < 3; count += 1) await example.permit(forClinic);
      const { id } = await example.permit({ type: 'deny' });
      for (const directory of [0, 1, 4])
        expect(await outcome([observation], { directory })).to.include({ reason: 'consent-denied' });
      const asked = await example.ask();
      const beyond = example.decide(asked, [observation], { directory: 5 });
      expect(await failureOf(beyond)).to.match(/INVALID at <private.directory>/);
      const version = example.decide(asked, [observation], { consents: [{ id, version: 7 }] });
      expect(await failureOf(version)).to.match(/INVALID at <private.consents>/);
    });

    it('about a patient whom the holder does not know is a refusal', async () => {
      expect(await outcome([], { patient: undefined })).to.include({ status: 'refused', reason: 'patient-unknown' });
    });

    it('tells that there are no records only to whom the consent permits them', async () => {
      expect(await outcome([])).to.include({ reason: 'consent-absent' });
      await example.permit(forClinic);
      expect(await outcome([])).to.include({ reason: 'records-absent' });
    });

    it('is taken once', async () => {
      const observation = await example.observation();
      await example.permit(forClinic);
      const id = await example.ask();
      await example.decide(id, [observation]);
      expect(await failureOf(example.decide(id, [observation]))).to.match(/CONFLICT at <id>: this is already written/);
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
      const wrong = { patient: example.evidence(other) };
      expect(await failureOf(example.decide(id, [], wrong))).to.match(/INVALID at <private.patient>/);
      const input = { id, holder: 'clinic' };
      expect(await failureOf(example.decide(id, [], {}, { input }))).to.match(/INVALID at <holder>/);
      const unknown = { input: { id: randomUUID(), holder: 'hospital' } };
      expect(await failureOf(example.decide(id, [], {}, unknown))).to.match(/NOT_FOUND at <private.state>/);
      const changed = example.text(`access/${id}/1`).replace('TREAT', 'BTG');
      expect(await failureOf(example.decide(id, [], { state: changed }))).to.match(/INVALID at <private.state>/);
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
      expect(await failure(condition)).to.match(/INVALID at <private.records\[0\]>: was not asked for/);
      const shown = example.evidence(observation);
      const unknown = { records: [{ ...shown, sheet: randomUUID() }] };
      expect(await failureOf(example.decide(id, [], unknown))).to.match(/NOT_FOUND at <private.records\[0\].tree>/);
      expect(await failure(observation, observation)).to.match(/INVALID at <private.records>: a record is shown twice/);
      await example.record({ resourceType: 'Observation', subject }, 2, observation);
      expect(await failure(observation)).to.match(/CONFLICT at <private.records\[0\]>: is not the current version/);
      expect(example.accessState(id).status).to.equal('requested');
    });
  });

  describe('what a decision would be', () => {
    it('is what it then is, and writes nothing', async () => {
      const observation = await example.observation();
      const cases: [object | undefined, object][] = [
        [undefined, { outcome: 'deny', reason: 'consent-absent' }],
        [forClinic, { outcome: 'permit' }],
        [{ type: 'deny' }, { outcome: 'deny', reason: 'consent-denied' }],
      ];
      for (const [provision, expected] of cases) {
        const named =
          provision === undefined ? {} : { consent: { id: (await example.permit(provision)).id, version: 1 } };
        const id = await example.ask();
        const before = example.ledger.private.size;
        const reasons = [(expected as { reason?: string }).reason ?? 'consent-permits'];
        expect(await example.evaluate(id, [observation])).to.deep.equal({ ...expected, ...named, reasons });
        expect(example.ledger.private.size).to.equal(before);
        const { reason, status, consent } = await example.settle(id, [observation]);
        expect({ status, reason, consent }).to.deep.equal({
          status: provision === forClinic ? 'granted' : 'refused',
          reason: (expected as { reason?: string }).reason,
          consent: (named as { consent?: object }).consent,
        });
      }
    });

    it('is told to the custodian alone', async () => {
      const id = await example.ask();
      expect(await failureOf(example.evaluate(id, [], { from: 'hospital' }))).to.match(/FORBIDDEN: only a custodian/);
    });
  });

  describe('a refusal', () => {
    it('goes with any second organisation, and writes the step for the requestor alone, without a reason', async () => {
      for (const second of ['hospital', 'clinic', 'payer', 'bank', 'regulator']) {
        const id = await example.ask();
        const { reply, writes } = await example.refuse(id, {}, { endorsers: ['patients', second] });
        const { salt: _, ...asked } = JSON.parse(example.text(`access/${id}/1`));
        const state = example.accessState(id);
        expect(reply).to.deep.equal({ time: example.ledger.time });
        expect(state).to.deep.equal({
          ...asked,
          ...{ status: 'refused', reason: 'not-permitted', decidedAt: example.ledger.time },
          salt: sha256Hex(`decided/${'ab'.repeat(32)}`),
        });
        expect(writes).to.deep.equal({
          public: {},
          private: { [`inbox_clinic access/${id}/2`]: canonicalJson(state) },
          purged: [],
          policies: {},
          event: { name: 'AccessDecided', payload: canonicalJson({ id }) },
        });
      }
    });

    it('takes no reason and no consent: an earlier client is told so', async () => {
      const { id: consent } = await example.permit({ type: 'deny' });
      const id = await example.ask();
      for (const told of [{ reason: 'consent-denied' }, { consent: { id: consent, version: 1 } }, { because: {} }])
        expect(await failureOf(example.refuse(id, told))).to.match(/INVALID at <private>/);
      expect(example.accessState(id).status).to.equal('requested');
    });

    it('and a decision exclude each other', async () => {
      const observation = await example.observation();
      await example.permit(forClinic);
      const [one, other] = [await example.ask(), await example.ask()];
      await example.refuse(one);
      expect(await failureOf(example.decide(one, [observation]))).to.match(/CONFLICT at <id>: this is already written/);
      expect(await failureOf(example.refuse(one))).to.match(/CONFLICT at <id>: this is already written/);
      await example.decide(other, [observation]);
      expect(await failureOf(example.refuse(other))).to.match(/CONFLICT at <id>: this is already written/);
    });

    it('is reported to the holder with what it rests on, under a salt of its own', async () => {
      const { id: consent } = await example.permit({ type: 'deny' });
      const id = await example.ask();
      const because = { reason: 'consent-denied', consent: { id: consent, version: 1 }, salt: newSalt() };
      expect(await failureOf(example.report(id, because, example.text(`access/${id}/1`)))).to.match(
        /INVALID at <private.state>: a request is reported once/,
      );
      await example.refuse(id);
      const { reason, consent: named } = because;
      expect(await failureOf(example.report(id, { reason, consent: named } as never))).to.match(
        /INVALID at <private.because.salt>/,
      );
      const state = example.accessState(id);
      const changed = canonicalJson({ ...state, decidedAt: state.requestedAt.replace('T12', 'T13') });
      expect(await failureOf(example.report(id, because, changed))).to.match(
        /INVALID at <private.state>: not what was anchored/,
      );
      const { writes } = await example.report(id, because);
      expect(writes).to.deep.equal({
        public: {},
        private: { [`care_hospital access/${id}/2`]: canonicalJson({ ...state, because }) },
        purged: [],
        policies: {},
        event: { name: 'AccessReported', payload: canonicalJson({ id }) },
      });
      expect(await failureOf(example.report(id, because))).to.match(/CONFLICT at <id>/);
    });

    it('of earlier chaincode is reported as it is, and rests on nothing else', async () => {
      const id = await example.ask();
      await example.refuse(id);
      const early = canonicalJson({ ...example.accessState(id), reason: 'consent-absent' });
      example.ledger.private.set(`inbox_clinic access/${id}/2`, early);
      const because = { reason: 'consent-denied', salt: newSalt() };
      expect(await failureOf(example.report(id, because))).to.match(/INVALID at <private.because>/);
      await example.report(id);
      expect(example.ledger.private.get(`care_hospital access/${id}/2`)).to.equal(early);
    });

    it('says the same to the requestor, whatever it rests on', async () => {
      const observation = await example.observation();
      const seen = new Set<string>();
      for (const [records, change] of [
        [[observation], {}],
        [[], {}],
        [[], { patient: undefined }],
      ] as const) {
        const id = await example.ask();
        await example.settle(id, [...records], change);
        const { salt: _, ...step } = JSON.parse(example.text(`access/${id}/2`));
        seen.add(canonicalJson({ ...step, id: '' }));
      }
      expect(seen.size).to.equal(1);
    });

    it('rests on the request that was made, and is the custodian’s', async () => {
      const [id, other] = [await example.ask(), await example.ask()];
      const foreign = { state: example.text(`access/${other}/1`) };
      expect(await failureOf(example.refuse(id, foreign))).to.match(
        /INVALID at <private.state>: not what was anchored/,
      );
      const input = { id, requestor: 'clinic', holder: 'clinic' };
      expect(await failureOf(example.refuse(id, {}, { input }))).to.match(/INVALID at <holder>/);
      const elsewhere = { input: { id, requestor: 'payer', holder: 'hospital' } };
      expect(await failureOf(example.refuse(id, {}, elsewhere))).to.match(/NOT_FOUND at <private.state>/);
      expect(await failureOf(example.refuse(id, {}, { from: 'clinic' }))).to.match(/FORBIDDEN: only a custodian/);
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
    const purge = (change: object = {}) => {
      const input = { id, requestor: 'clinic', holder: 'hospital' };
      const hidden = { state: example.text(`access/${id}/2`), salt: newSalt() };
      return example.ledger.submit('PurgeCopies', { ...patients, input, private: hidden, ...change });
    };
    const revoke = () => example.revoke(consentId);

    it('is refused while the consent is in force', async () => {
      expect(await failureOf(purge())).to.match(/CONFLICT at <id>: the consent is in force/);
    });

    it('after a revocation removes the copies and says why', async () => {
      await revoke();
      const { writes } = await purge();
      const state = example.accessState(id);
      expect(state).to.include({ status: 'purged', reason: 'consent-revoked', purgedAt: example.ledger.time });
      expect(writes).to.deep.equal({
        public: {},
        private: { [`inbox_clinic access/${id}/3`]: canonicalJson(state) },
        purged: [`inbox_clinic copies/${id}`],
        policies: {},
        event: { name: 'CopiesPurged', payload: canonicalJson({ id }) },
      });
      expect(await failureOf(purge())).to.match(/NOT_FOUND at <id>: no such copies/);
    });

    it('goes with any second organisation', async () => {
      await revoke();
      await purge({ endorsers: ['patients', 'bank'] });
      expect(example.accessState(id).status).to.equal('purged');
    });

    it('is reported to the holder, as it is', async () => {
      const input = { id, requestor: 'clinic', holder: 'hospital' };
      const report = (state: string) =>
        example.ledger.submit('ReportAccess', { ...patients, input, private: { state } });
      const decision = example.text(`access/${id}/2`);
      expect(await failureOf(report(decision))).to.match(/CONFLICT at <id>: this is already written/);
      const early = { ...JSON.parse(decision), status: 'purged' };
      expect(await failureOf(report(canonicalJson(early)))).to.match(/NOT_FOUND at <private.state>/);
      await revoke();
      await purge();
      const state = example.text(`access/${id}/3`);
      await report(state);
      expect(example.ledger.private.get(`care_hospital access/${id}/3`)).to.equal(state);
      expect(await failureOf(report(state))).to.match(/CONFLICT at <id>/);
    });

    it('follows the end of its time', async () => {
      await purge({ time: '2026-03-31T12:00:00.000Z' });
      expect(example.accessState(id).reason).to.equal('copies-expired');
    });

    it('follows an amendment', async () => {
      const input = { id: consentId, provider: 'hospital' };
      const consent = example.consent({ type: 'deny' }, consentId, 2);
      await example.ledger.submit('AmendConsent', { ...patients, input, private: { consent } });
      await purge();
      expect(example.accessState(id).reason).to.equal('consent-amended');
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
      await example.decide(id, [observation, condition]);
      expect(example.accessState(id)).to.deep.include({ consent: { id: consentId, version: 2 } });
      expect(example.accessState(id)).to.deep.include({ furtherConsents: [{ id: second.id, version: 1 }] });
      expect(await failureOf(purge())).to.match(/CONFLICT at <id>: the consent is in force/);
      await example.revoke(second.id);
      await purge();
      expect(example.accessState(id).reason).to.equal('consent-revoked');
    });

    it('is refused where nothing was delivered, and to others', async () => {
      await revoke();
      const copies = example.ledger.private.get(`inbox_clinic copies/${id}`)!;
      example.ledger.private.delete(`inbox_clinic copies/${id}`);
      expect(await failureOf(purge())).to.match(/NOT_FOUND at <id>/);
      example.ledger.private.set(`inbox_clinic copies/${id}`, copies);
      expect(await failureOf(purge({ from: 'clinic' }))).to.match(/FORBIDDEN/);
      expect(example.accessState(id).status).to.equal('granted');
    });
  });
});
