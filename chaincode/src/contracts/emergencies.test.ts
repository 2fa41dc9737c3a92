import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { restrictionHandle } from '../model/corrections.ts';
import type { Copies } from '../model/sheets.ts';
import type { InputOf, OutputOf, PrivateOf } from '../model/transactions.ts';
import { ExamplePatient, identifier, newSalt, patients, toOrganisation } from './example-patient.fixture.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';

const DOCTOR = 'Practitioner/d1';
const NUMBER = '1234567893';
const REASON = 'Unconscious after a fall, no relatives\nand no time.';
const PURPOSES = { BTG: 'BTG', ETREAT: 'ETREAT' } as const;
const purposeOf = (code: string) => [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code }];

describe('the emergencies contract', () => {
  let example: ExamplePatient;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    await licensed();
  });

  const licensed = (change: Partial<InputOf<'SetLicence'>> = {}) =>
    example.ledger.submit(
      'SetLicence',
      licensing(example.ledger, {
        ...{ number: NUMBER, status: 'active', start: '2020-01-01', end: '2030-01-01' },
        practitioners: [{ organisation: 'clinic', practitioner: DOCTOR }],
        ...change,
      }),
    );
  const caller = { role: 'practitioner', fhirUser: DOCTOR };
  async function ask(change: object = {}, by: object = caller): Promise<string> {
    const id = randomUUID();
    const request = {
      ...{ id, salt: newSalt(), holder: 'hospital', patient: identifier, types: ['Observation'] },
      ...{ purpose: PURPOSES.BTG, reason: REASON, ...change },
    };
    await example.request(request, by);
    return id;
  }
  const licence = (number = NUMBER) => {
    const { register, buckets } = bucketEvidence(example.ledger, [number]);
    return { number, register, bucket: buckets[0]! };
  };
  const parties = (id: string) => ({ id, requestor: 'clinic', holder: 'hospital' });
  const requested = (id: string) => ({
    request: example.text(`request/${id}`),
    state: example.text(`access/${id}/1`),
  });
  const evidence = (records: string[]) => records.map((record) => example.evidence(record));
  const evaluate = (id: string, records: string[] = [], change: object = {}): Promise<OutputOf<'EvaluateEmergency'>> =>
    example.ledger.evaluate('EvaluateEmergency', {
      ...patients,
      input: parties(id),
      private: {
        ...requested(id),
        ...{ licence: licence(), patient: example.evidence(example.patientId), records: evidence(records) },
        ...{ directory: 0, consents: [], ...change },
      },
    });
  const openReview = (id: string, change: object = {}, by: object = {}) =>
    example.ledger.submit('OpenReview', {
      ...{ ...patients, input: parties(id) },
      private: { ...requested(id), licence: licence(), salt: 'cd'.repeat(32), ...change },
      ...by,
    });
  const review = (id: string, step = 1): string => example.ledger.private.get(`reviews review/${id}/${step}`) ?? '';
  const breakGlass = (id: string, records: string[], change: object = {}, by: object = {}) => {
    const hidden: PrivateOf<'BreakGlass'> = {
      ...{ ...requested(id), review: review(id), licence: licence(), salt: 'ab'.repeat(32) },
      ...{ patient: example.evidence(example.patientId), records: evidence(records), ...change },
    };
    return example.ledger.submit('BreakGlass', { ...patients, input: parties(id), private: hidden, ...by });
  };

  describe('a request', () => {
    const refused: [string, object, object, RegExp][] = [
      ['no reason', { reason: undefined }, caller, /INVALID at <private.request.reason>: an emergency needs a written/],
      ['an empty reason', { reason: '' }, caller, /INVALID at <private.request.reason>/],
      ['a blank reason', { reason: ' \n\t ' }, caller, /INVALID at <private.request.reason>: is blank/],
      [
        'too long a reason',
        { reason: 'a'.repeat(1_001) },
        caller,
        /INVALID at <private.request.reason>: has more than/,
      ],
      ['far too long a reason', { reason: 'a'.repeat(9_999) }, caller, /INVALID at <private.request.reason>/],
      ['a reason with U+0000', { reason: 'a\0' }, caller, /INVALID at <private.request.reason>: holds a character/],
      ['a system', {}, { role: 'system' }, /FORBIDDEN at <private.request.purpose>/],
      ['a practitioner whom nobody names', {}, { role: 'practitioner' }, /FORBIDDEN at <private.request.purpose>/],
      ['a payer', {}, { from: 'payer', role: 'system' }, /FORBIDDEN at <private.request.purpose>/],
      ['a reason for treatment', { purpose: 'TREAT' }, caller, /INVALID at <private.request.reason>: a reason is of/],
    ];
    for (const purpose of Object.values(PURPOSES))
      for (const [what, change, by, message] of refused)
        it(`for ${purpose} by or with ${what} is refused and writes nothing`, async () => {
          const before = example.ledger.private.size;
          expect(await failureOf(ask({ purpose, ...change }, by))).to.match(message);
          expect(example.ledger.private.size).to.equal(before);
        });

    it('keeps its reason with what was asked, and nowhere in a block', async () => {
      for (const reason of [REASON, 'x', '\u{1F691}'.repeat(1_000)]) {
        const id = await ask({ reason });
        expect(example.ledger.read('inbox_clinic', `request/${id}`)).to.include({ reason, practitioner: DOCTOR });
        expect(example.text(`access/${id}/1`)).not.to.contain(reason);
      }
    });

    it('is decided in no other way', async () => {
      const observation = await example.observation();
      const id = await ask();
      for (const other of [example.decide(id, [observation]), example.evaluate(id, [observation])])
        expect(await failureOf(other)).to.match(/INVALID at <private.request>: an emergency is decided otherwise/);
    });

    it('of earlier chaincode, without a reason, is decided by consents as it was', async () => {
      const id = await example.ask({ purpose: 'TREAT' });
      for (const key of [`request/${id}`, `access/${id}/1`]) {
        const text = example.text(key).replace('"TREAT"', '"BTG"');
        example.ledger.private.set(`inbox_clinic ${key}`, text);
      }
      await example.permit({ type: 'permit', actor: toOrganisation('clinic'), purpose: purposeOf('BTG') });
      await example.decide(id, [await example.observation()]);
      expect(example.accessState(id)).to.include({ status: 'granted', purpose: 'BTG' });
      const late = await example.ask();
      expect(await failureOf(openReview(late))).to.match(/INVALID at <private.request>: is no emergency/);
    });
  });

  describe('what would come of it', () => {
    for (const purpose of Object.values(PURPOSES))
      it(`is a permission for ${purpose} without any consent, and writes nothing`, async () => {
        const [id, ...records] = [await ask({ purpose }), await example.observation(), await example.observation()];
        const before = example.ledger.private.size;
        expect(await evaluate(id, records)).to.deep.equal({ outcome: 'permit', permitted: [0, 1] });
        expect(await evaluate(id, [])).to.deep.equal({ outcome: 'permit', permitted: [] });
        expect(example.ledger.private.size).to.equal(before);
      });

    it('is a refusal where the patient is not known', async () => {
      expect(await evaluate(await ask(), [], { patient: undefined })).to.deep.equal({
        outcome: 'deny',
        reason: 'patient-unknown',
      });
    });

    const licences: [string, Partial<InputOf<'SetLicence'>>, string][] = [
      ['is suspended', { status: 'suspended' }, 'licence-suspended'],
      ['is excluded', { status: 'excluded' }, 'licence-excluded'],
      ['is over', { end: '2026-02-28' }, 'licence-expired'],
      ['has not begun', { start: '2026-03-02' }, 'licence-not-begun'],
      [
        'names another practitioner',
        { practitioners: [{ organisation: 'clinic', practitioner: 'Practitioner/d2' }] },
        'licence-of-another',
      ],
      [
        'names another organisation’s practitioner of that reference',
        { practitioners: [{ organisation: 'hospital', practitioner: DOCTOR }] },
        'licence-of-another',
      ],
    ];
    for (const [what, change, reason] of licences)
      it(`is a refusal where the licence ${what}`, async () => {
        await licensed(change);
        const id = await ask();
        expect(await evaluate(id, [await example.observation()])).to.deep.equal({ outcome: 'deny', reason });
        expect(await failureOf(openReview(id))).to.match(new RegExp(`CONFLICT at <private.licence>: ${reason}`));
      });

    it('is a refusal where there is no licence, or one that names nobody', async () => {
      const id = await ask();
      const absent = { outcome: 'deny', reason: 'licence-absent' };
      expect(await evaluate(id, [], { licence: undefined })).to.deep.equal(absent);
      expect(await evaluate(id, [], { licence: licence('999') })).to.deep.equal(absent);
      await example.ledger.submit(
        'SetLicence',
        licensing(example.ledger, { number: '77', status: 'active', start: '2020-01-01', end: '2030-01-01' }),
      );
      const ofNobody = { outcome: 'deny', reason: 'licence-of-another' };
      expect(await evaluate(id, [], { licence: licence('77') })).to.deep.equal(ofNobody);
    });

    it('goes by the register as it stands', async () => {
      const id = await ask();
      const before = licence();
      await licensed({ status: 'suspended' });
      expect(await failureOf(evaluate(id, [], { licence: before }))).to.match(/CONFLICT/);
    });

    it('leaves out what the patient has denied by the name of breaking the glass, and all where she denied all', async () => {
      const [shown, hidden] = [await example.observation(), await example.observation()];
      const data = [{ meaning: 'instance', reference: { reference: `Observation/${hidden}` } }];
      await example.permit({ type: 'deny', purpose: purposeOf('BTG'), data });
      for (const purpose of Object.values(PURPOSES))
        expect(await evaluate(await ask({ purpose }), [shown, hidden])).to.deep.equal({
          outcome: 'permit',
          permitted: [0],
        });
      const { id: consent } = await example.permit({ type: 'deny', purpose: purposeOf('BTG') });
      for (const purpose of Object.values(PURPOSES))
        expect(await evaluate(await ask({ purpose }), [shown])).to.deep.equal({
          outcome: 'deny',
          reason: 'consent-denied',
          consent: { id: consent, version: 1 },
        });
    });

    it('is not touched by a denial of treatment where the glass is broken, and is where it is emergency treatment', async () => {
      await example.permit({ type: 'deny', purpose: purposeOf('ETREAT') });
      await example.permit({ type: 'deny', purpose: purposeOf('TREAT') });
      const observation = await example.observation();
      expect(await evaluate(await ask(), [observation])).to.include({ outcome: 'permit' });
      const treatment = await evaluate(await ask({ purpose: PURPOSES.ETREAT }), [observation]);
      expect(treatment).to.include({ outcome: 'deny', reason: 'consent-denied' });
    });

    it('is told to the custodian alone', async () => {
      const id = await ask();
      const forbidden = { from: 'clinic', input: parties(id), private: { ...requested(id), records: [] } };
      const asked = example.ledger.evaluate('EvaluateEmergency', { ...forbidden, role: 'system' } as never);
      expect(await failureOf(asked)).to.match(/FORBIDDEN: only a custodian/);
    });
  });

  describe('a review', () => {
    it('is opened for the regulators and holds who, where, when and why', async () => {
      const id = await ask({ purpose: PURPOSES.ETREAT });
      const { writes } = await openReview(id);
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`reviews review/${id}/1`]: canonicalJson({
            ...{ schema: 1, id, licence: NUMBER, requestor: 'clinic', holder: 'hospital', purpose: 'ETREAT' },
            ...{ reason: REASON, openedAt: example.ledger.time, salt: sha256Hex(`review/${'cd'.repeat(32)}`) },
          }),
        },
        purged: [],
        policies: {},
        event: { name: 'ReviewOpened', payload: canonicalJson({ id }) },
      });
      expect(await failureOf(openReview(id))).to.match(/CONFLICT at <id>: this is already written/);
    });

    const outcome = { outcome: 'justified', text: 'c2VhbGVk', salt: 'ef'.repeat(32) } as const;
    const close = (id: string, change: object = {}) =>
      example.ledger.submit('CloseReview', {
        ...{ from: 'regulator', role: 'auditor', input: { id }, private: outcome, ...change },
      });

    it('is closed once, by a regulator with any one other', async () => {
      for (const second of ['hospital', 'clinic', 'patients', 'payer', 'bank']) {
        const id = await ask();
        expect(await failureOf(close(id))).to.match(/NOT_FOUND at <id>/);
        await openReview(id);
        expect(await failureOf(close(id, { from: 'patients', role: 'system' }))).to.match(
          /FORBIDDEN: only a regulator/,
        );
        await close(id, { endorsers: ['regulator', second] });
        const written = { schema: 1, id, ...outcome, closedAt: example.ledger.time };
        expect(review(id, 2)).to.equal(canonicalJson(written));
        expect(await failureOf(close(id))).to.match(/CONFLICT at <id>: this is already written/);
      }
    });
  });

  describe('by the rules that a regulator has set', () => {
    const rules = (change: Partial<InputOf<'SetRules'>>) =>
      example.ledger.submit('SetRules', {
        ...{ from: 'regulator', role: 'system', private: { salt: newSalt() } },
        input: { emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'named', ...change },
      });

    it('lasts so many hours, also what goes on from it once they are others', async () => {
      await rules({ emergencyHours: 6 });
      const id = await ask();
      await openReview(id);
      await breakGlass(id, []);
      const expiresAt = '2026-03-01T18:00:00.000Z';
      expect(example.accessState(id)).to.include({ expiresAt, lastsUntil: expiresAt });
      await rules({ emergencyHours: 24 });
      const later = await ask();
      await openReview(later);
      await breakGlass(later, []);
      expect(example.accessState(later))
        .to.include({ expiresAt: '2026-03-02T12:00:00.000Z' })
        .and.not.have.property('lastsUntil');
    });

    it('is shown nothing that its patient has restricted, or all of it, and says so', async () => {
      const [kept, record] = [await example.observation(), await example.observation()];
      const restrict = (n: number) =>
        example.ledger.submit('RestrictRecord', {
          ...{ ...patients, input: { provider: 'hospital' } },
          private: { handle: restrictionHandle('hospital', record), n, salt: newSalt() },
        });
      await restrict(1);
      for (const purpose of Object.values(PURPOSES)) {
        const id = await ask({ purpose });
        await openReview(id);
        expect(await failureOf(evaluate(id, [record]))).to.match(/restricted by its patient/);
        expect(await failureOf(breakGlass(id, [record]))).to.match(/restricted by its patient/);
        await breakGlass(id, [kept], { restricted: true });
        expect(example.accessState(id)).to.include({ status: 'granted', restricted: 'withheld' });
      }
      await rules({ restrictedInEmergencies: true });
      const consented = await example.ask({});
      expect(await failureOf(example.evaluate(consented, [record]))).to.match(/restricted by its patient/);
      for (const purpose of Object.values(PURPOSES)) {
        const id = await ask({ purpose });
        await openReview(id);
        expect(await evaluate(id, [record])).to.deep.include({ outcome: 'permit', permitted: [0] });
        await breakGlass(id, [record, kept]);
        expect(example.accessState(id)).to.include({ status: 'granted', restricted: 'delivered' });
        const other = await ask({ purpose });
        await openReview(other);
        await breakGlass(other, [kept]);
        expect(example.accessState(other)).to.not.have.property('restricted');
      }
      await rules({ restrictedInEmergencies: false });
      const last = await ask();
      await openReview(last);
      expect(await failureOf(breakGlass(last, [record]))).to.match(/restricted by its patient/);
    });

    for (const purpose of Object.values(PURPOSES))
      it(`is for ${purpose} stopped by a denial that names it, or is not`, async () => {
        const record = await example.observation();
        await example.permit({ type: 'deny', purpose: purposeOf('BTG') });
        expect((await evaluate(await ask({ purpose }), [record])).outcome).to.equal('deny');
        await rules({ denialStopsBreakGlass: false });
        expect(await evaluate(await ask({ purpose }), [record])).to.deep.equal({
          outcome: 'permit',
          permitted: [0],
        });
        await rules({ denialStopsBreakGlass: true });
        expect((await evaluate(await ask({ purpose }), [record])).outcome).to.equal('deny');
      });

    it('is stopped by a denial of emergency treatment whatever they say of breaking the glass', async () => {
      await example.permit({ type: 'deny', purpose: purposeOf('TREAT') });
      await rules({ denialStopsBreakGlass: false });
      expect((await evaluate(await ask({ purpose: 'ETREAT' }), [])).outcome).to.equal('deny');
      expect((await evaluate(await ask({ purpose: 'BTG' }), [])).outcome).to.equal('permit');
    });
  });

  describe('breaking the glass', () => {
    for (const endorser of ['hospital', 'clinic'])
      it(`with the ${endorser} delivers the Patient and the records for a day`, async () => {
        const [one, other] = [await example.observation(), await example.observation()];
        const id = await ask();
        await openReview(id, {}, { endorsers: ['patients', endorser] });
        const { reply, writes } = await breakGlass(id, [one, other], {}, { endorsers: ['patients', endorser] });
        const expiresAt = '2026-03-02T12:00:00.000Z';
        const state = example.accessState(id);
        expect(reply).to.deep.equal({ time: example.ledger.time });
        expect(state).to.include({ status: 'granted', purpose: 'BTG', expiresAt, decidedAt: example.ledger.time });
        expect(state.consent).to.equal(undefined);
        const copies: Copies = {
          ...{ schema: 1, accessId: id, holder: 'hospital', deliveredAt: example.ledger.time, expiresAt },
          ...{ audience: { role: 'practitioner', user: 'Practitioner/d1' }, purpose: 'BTG' },
          ...{ salt: sha256Hex(`copies/${'ab'.repeat(32)}`), records: evidence([example.patientId, one, other]) },
        };
        expect(writes).to.deep.equal({
          public: {},
          private: {
            [`inbox_clinic copies/${id}`]: canonicalJson(copies),
            [`inbox_clinic access/${id}/2`]: canonicalJson(state),
          },
          purged: [],
          policies: {},
          event: { name: 'AccessDecided', payload: canonicalJson({ id }) },
        });
      });

    it('takes along what the Patient and the records refer to, but for what is denied', async () => {
      const house = await example.record({ resourceType: 'Organization' });
      const doctor = await example.record({ resourceType: 'Practitioner' });
      const denied = await example.record({ resourceType: 'Practitioner' });
      const other = await example.record({ resourceType: 'Practitioner' });
      const data = [{ meaning: 'instance', reference: { reference: `Practitioner/${denied}` } }];
      await example.permit({ type: 'deny', purpose: purposeOf('BTG'), data });
      const managingOrganization = { reference: `Organization/${house}` };
      const change = { resourceType: 'Patient', identifier: [identifier], managingOrganization };
      await example.record(change, 2, example.patientId);
      const patient = example.evidence(example.patientId, 2);
      const subject = { reference: `Patient/${example.patientId}` };
      const performer = [doctor, denied].map((one) => ({ reference: `Practitioner/${one}` }));
      const record = await example.record({ resourceType: 'Observation', subject, performer });
      const id = await ask();
      const companions = evidence([other, denied, doctor, house]);
      expect(await evaluate(id, [record], { patient, companions })).to.deep.include({ companions: [2, 3] });
      await openReview(id);
      await breakGlass(id, [record], { patient, companions: evidence([other, doctor, house]) });
      expect(example.accessState(id)).to.include({ delivered: 2, companions: 2 });
      const { records } = JSON.parse(example.text(`copies/${id}`)) as Copies;
      expect(records.map((one) => one.id)).to.deep.equal([example.patientId, record, doctor, house]);
    });

    it('is reported to the holder, and over after a day', async () => {
      const id = await ask();
      await openReview(id);
      await breakGlass(id, []);
      const report = (step: number) =>
        example.ledger.submit('ReportAccess', {
          ...{ ...patients, input: parties(id), private: { state: example.text(`access/${id}/${step}`) } },
        });
      await report(2);
      expect(example.ledger.private.get(`care_hospital access/${id}/2`)).to.equal(example.text(`access/${id}/2`));
      const purge = (time: string) =>
        example.ledger.submit('PurgeCopies', {
          ...{ ...patients, input: parties(id), time },
          private: { state: example.text(`access/${id}/2`), salt: newSalt() },
        });
      expect(await failureOf(purge('2026-03-02T11:59:59.000Z'))).to.match(/CONFLICT at <id>: the consent is in force/);
      await purge('2026-03-02T12:00:00.000Z');
      expect(example.accessState(id)).to.include({ status: 'purged', reason: 'copies-expired' });
      await report(3);
    });

    it('delivers the Patient once, where she was asked for too', async () => {
      const id = await ask({ types: [] });
      await openReview(id);
      await breakGlass(id, [example.patientId, await example.observation()]);
      const { records } = example.ledger.read('inbox_clinic', `copies/${id}`) as Copies;
      expect(records.map((record) => record.id).slice(0, 1)).to.deep.equal([example.patientId]);
      expect(records).to.have.length(2);
    });

    it('shows nothing before its review is open', async () => {
      const [id, other] = [await ask(), await ask()];
      await openReview(other);
      expect(await failureOf(breakGlass(id, [], { review: review(other) }))).to.match(/NOT_FOUND at <private.review>/);
      await openReview(id);
      expect(await failureOf(breakGlass(id, [], { review: review(other) }))).to.match(/INVALID at <private.review>/);
    });

    it('and a refusal exclude each other', async () => {
      const refuse = (id: string) =>
        example.ledger.submit('RefuseAccess', {
          ...{ ...patients, input: parties(id) },
          private: { state: example.text(`access/${id}/1`), salt: newSalt() },
        });
      const [one, other] = [await ask(), await ask()];
      for (const id of [one, other]) await openReview(id);
      await refuse(one);
      expect(await failureOf(breakGlass(one, []))).to.match(/CONFLICT at <id>: this is already written/);
      await breakGlass(other, []);
      expect(await failureOf(refuse(other))).to.match(/CONFLICT at <id>/);
      expect(await failureOf(breakGlass(other, []))).to.match(/CONFLICT at <id>/);
    });

    it('rests on the licence in force, the request as it was made, and the records as they stand on the holder’s sheets', async () => {
      const observation = await example.observation();
      const id = await ask();
      await openReview(id);
      const foreign = await example.record({
        resourceType: 'Observation',
        subject: { reference: `Patient/${randomUUID()}` },
      });
      expect(await failureOf(breakGlass(id, [foreign]))).to.match(
        /INVALID at <private.records\[0\]>: belongs to another/,
      );
      const shown = example.evidence(observation);
      const changed = { records: [{ ...shown, text: shown.text.replace('Observation', 'Obserwation') }] };
      expect(await failureOf(breakGlass(id, [], changed))).to.match(/INVALID at <private.records\[0\]>/);
      const request = example.text(`request/${id}`).replace('Unconscious', 'Conscious');
      expect(await failureOf(breakGlass(id, [], { request }))).to.match(/INVALID at <private.request>/);
      expect(await failureOf(breakGlass(id, [], {}, { from: 'clinic' }))).to.match(/FORBIDDEN: only a custodian/);
      await licensed({ status: 'suspended' });
      expect(await failureOf(breakGlass(id, []))).to.match(/CONFLICT at <private.licence>: licence-suspended/);
      expect(example.accessState(id).status).to.equal('requested');
    });
  });
});
