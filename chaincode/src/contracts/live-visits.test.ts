/** Consultations at a distance as they take place: their order, their times by the ledger, who takes part, and what was agreed to. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import type { Resource } from '../model/fhir.ts';
import { CONSENT_CATEGORIES, TELEHEALTH, type VisitShown } from '../model/live-visits.ts';
import { ExamplePatient } from './example-patient.fixture.ts';
import { bucketEvidence, licensing } from './example-register.fixture.ts';
import { recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';

const NUMBER = '1234567893';
const DOCTOR = 'Practitioner/d1';
const at = (time: string) => `2026-03-01T${time}Z`;

interface Step {
  status: string;
  time?: string;
  version?: number;
  id?: string;
  resource?: object;
  shown?: Partial<VisitShown>;
  bare?: true;
}

describe('a consultation at a distance', () => {
  let example: ExamplePatient;
  let consent: string;
  beforeEach(async () => {
    example = new ExamplePatient();
    example.patientId = await example.record({
      ...{ resourceType: 'Patient', birthDate: '1970-01-01' },
      address: [{ country: 'US', state: 'MA' }],
    });
    await licensed({});
    consent = await agreed({});
  });

  const licensed = (change: object, number = NUMBER) =>
    example.ledger.submit(
      'SetLicence',
      licensing(example.ledger, {
        ...{ number, status: 'active', start: '2020-01-01', end: '2030-01-01', jurisdictions: ['US-MA'] },
        practitioners: [{ organisation: 'hospital', practitioner: DOCTOR }],
        ...change,
      }),
    );
  async function agreed(change: object): Promise<string> {
    const draft = example.consent({ type: 'permit' });
    const scope = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] };
    const category = [{ coding: [{ system: CONSENT_CATEGORIES, code: TELEHEALTH }] }];
    await example.grant({ ...draft, resource: { ...draft.resource, scope, category, ...change } });
    return draft.id;
  }
  const licenceShown = (number = NUMBER) => {
    const { register, buckets } = bucketEvidence(example.ledger, [number]);
    return [{ practitioner: DOCTOR, licence: { number, register, bucket: buckets[0]! } }];
  };
  const take = ({ status, time = '12:00:00', version = 1, id = randomUUID(), ...step }: Step) => {
    const visit = {
      ...{ resourceType: 'Encounter', id, status, class: { code: 'VR' } },
      subject: { reference: `Patient/${example.patientId}` },
      participant: [{ individual: { reference: DOCTOR } }],
      ...step.resource,
    };
    const request = recording([sheetOf([recordDraft(visit as Resource, version)])]);
    const shown: VisitShown = {
      id,
      ...(version === 1 ? {} : { previous: example.evidence(id, version - 1) }),
      patient: example.evidence(example.patientId),
      licences: licenceShown(),
      consent: { id: consent, version: 1 },
      ...step.shown,
    };
    const hidden = { ...request.private!, ...(step.bare === undefined ? { visits: [shown] } : {}) };
    return example.ledger.submit('RecordVersions', { ...request, private: hidden, time: at(time) });
  };
  const refused = async (reason: string, step: Step): Promise<void> => {
    const before = [...example.ledger.private.keys()];
    expect(await failureOf(take(step))).to.contain(reason);
    expect([...example.ledger.private.keys()]).to.deep.equal(before);
  };
  const period = (start?: string, end?: string) => ({
    period: { ...(start && { start: at(start) }), ...(end && { end: at(end) }) },
  });
  const begun = async (): Promise<string> => {
    const id = randomUUID();
    await take({ status: 'in-progress', id, resource: period('12:00:00') });
    return id;
  };

  it('is planned, waits, is under way and is finished, each at its time', async () => {
    const id = randomUUID();
    await take({ status: 'planned', id });
    await refused('not-next-step', { status: 'finished', id, version: 2 });
    await take({ status: 'arrived', id, version: 2, time: '12:10:00' });
    await refused('not-next-step', { status: 'planned', id, version: 3 });
    await take({ status: 'in-progress', id, version: 3, time: '12:20:00', resource: period('12:20:00') });
    await refused('not-next-step', { status: 'cancelled', id, version: 4 });
    await take({ status: 'finished', id, version: 4, time: '12:40:00', resource: period('12:20:00', '12:39:50') });
    await refused('INVALID', { status: 'finished', id, version: 5, bare: true });
    await take({ status: 'finished', id, version: 5, time: '15:00:00', resource: period('12:20:00', '12:35:00') });
  });

  it('starts and ends by the ledger’s time', async () => {
    for (const start of [undefined, '11:50:00', '12:10:00'])
      await refused('start-not-now', { status: 'in-progress', resource: period(start) });
    const id = await begun();
    const end = { status: 'finished', id, version: 2, time: '12:30:00' };
    await refused('start-changed', { ...end, resource: period('12:01:00', '12:30:00') });
    await refused('end-not-now', { ...end, resource: period('12:00:00', '12:20:00') });
    await refused('end-not-now', { ...end, resource: period('12:00:00') });
    await refused('ends-before-it-starts', { ...end, resource: period('12:00:00', '11:59:00') });
    const tomorrow = { period: { start: at('12:00:00'), end: '2026-03-02T18:00:00Z' } };
    await refused('longer-than-a-day', { ...end, resource: tomorrow });
    await take({ ...end, resource: period('12:00:00', '12:29:00') });
  });

  it('begins with practitioners who have a licence in force where the patient is', async () => {
    const start = { status: 'in-progress', resource: period('12:00:00') };
    await refused('licence-absent', { ...start, shown: { licences: [] } });
    for (const [change, reason] of [
      [{ status: 'suspended' }, 'licence-suspended'],
      [{ status: 'excluded' }, 'licence-excluded'],
      [{ end: '2026-02-28' }, 'licence-expired'],
      [{ start: '2026-03-02' }, 'licence-not-begun'],
      [{ jurisdictions: ['US-NH', 'CA'] }, 'licence-elsewhere'],
      [{ practitioners: [{ organisation: 'clinic', practitioner: DOCTOR }] }, 'licence-of-another'],
    ] as const) {
      await licensed(change);
      await refused(reason, start);
    }
    await licensed({ jurisdictions: ['US'] });
    await take(start);
    for (const individual of [undefined, { reference: 'PractitionerRole/r' }, { display: 'Dr. Who' }])
      await refused('no-practitioner', {
        ...start,
        resource: { ...period('12:00:00'), participant: individual && [{ individual }] },
      });
  });

  it('takes the patient to be where her record says that she is at the time', async () => {
    const start = { status: 'in-progress', resource: period('12:00:00') };
    const move = async (address: object[] | undefined, version: number) => {
      await example.record({ resourceType: 'Patient', address }, version, example.patientId);
      return { shown: { patient: example.evidence(example.patientId, version) } };
    };
    const away = { use: 'temp', country: 'US', state: 'NH', period: { start: '2026-02-20', end: '2026-03-10' } };
    const home = { country: 'US', state: 'MA' };
    await refused('licence-elsewhere', { ...start, ...(await move([home, away], 2)) });
    await take({ ...start, ...(await move([home, { ...away, period: { end: '2026-02-20' } }], 3)) });
    await refused('licence-elsewhere', { ...start, ...(await move(undefined, 4)) });
    await refused('licence-elsewhere', { ...start, ...(await move([{ country: 'USA' }], 5)) });
    await refused('not the current version', { ...start, shown: { patient: example.evidence(example.patientId, 1) } });
  });

  it('begins with the patient’s consent to telehealth on file', async () => {
    const start = { status: 'in-progress', resource: period('12:00:00') };
    await refused('no-telehealth-consent', { ...start, shown: { consent: undefined } });
    await refused('no-telehealth-consent', { ...start, shown: { consent: { id: randomUUID(), version: 1 } } });
    for (const change of [
      { category: [{ text: 'telehealth' }] },
      { provision: { type: 'permit', period: { end: '2026-02-01' } } },
    ]) {
      const id = await agreed(change);
      await refused('no-telehealth-consent', { ...start, shown: { consent: { id, version: 1 } } });
    }
    await example.revoke(consent);
    await refused('no-telehealth-consent', start);
  });

  it('takes no other practitioner or patient in on its way without the same', async () => {
    const id = await begun();
    const others = { participant: [DOCTOR, 'Practitioner/d2'].map((reference) => ({ individual: { reference } })) };
    for (const step of [
      { status: 'in-progress', resource: { ...period('12:00:00'), ...others } },
      { status: 'finished', time: '12:30:00', resource: { ...period('12:00:00', '12:30:00'), ...others } },
    ])
      await refused('licence-absent', { ...step, id, version: 2 });
    const other = await example.record({ resourceType: 'Patient' });
    const subject = { subject: { reference: `Patient/${other}` } };
    const shown = { patient: example.evidence(other) };
    await refused('patient-changed', {
      status: 'in-progress',
      id,
      version: 2,
      shown,
      resource: { ...period('12:00:00'), ...subject },
    });
  });

  const since = (telehealthSince?: string) =>
    example.ledger.submit('SetRules', {
      ...{ from: 'regulator', role: 'auditor', private: { salt: 'cd'.repeat(32) } },
      input: {
        ...{ emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'named' },
        ...(telehealthSince === undefined ? {} : { telehealthSince }),
      },
    });

  describe('that is recorded after it was held', () => {
    beforeEach(() => since('2026-01-01'));

    const yesterday = (change: object = {}) => ({
      ...{ period: { start: '2026-02-28T10:00:00Z', end: '2026-02-28T10:20:00Z' } },
      ...change,
    });
    /** What stands before it under its id, for each way in which one comes to be. */
    const WAYS: Record<string, (id: string) => Promise<number>> = {
      'from its first version': async () => 0,
      'from what was no visit': async (id) => {
        await take({ status: 'finished', id, bare: true, resource: yesterday({ class: { code: 'AMB' } }) });
        return 1;
      },
      'from one under way elsewhere': async (id) => {
        await take({ status: 'in-progress', id, bare: true, resource: { class: { code: 'HH' } } });
        return 1;
      },
      'from one that never was': async (id) => {
        await take({ status: 'entered-in-error', id, bare: true });
        return 1;
      },
      'from one that was called off': async (id) => {
        await take({ status: 'cancelled', id, bare: true });
        return 1;
      },
    };
    for (const [way, before] of Object.entries(WAYS))
      for (const status of ['finished', 'unknown'])
        it(`rests on licence and consent of its day, ${way} as ${status}`, async () => {
          const id = randomUUID();
          const version = (await before(id)) + 1;
          const step = { status, id, version, resource: yesterday() };
          await refused('no-telehealth-consent', { ...step, shown: { consent: undefined } });
          if (version === 1) await refused('no-telehealth-consent', { ...step, bare: true });
          else await refused('does not show what the visit rests on', { ...step, bare: true });
          await refused('licence-absent', { ...step, shown: { licences: [] } });
          await refused('no-practitioner', { ...step, resource: yesterday({ participant: [] }) });
          await refused('in-the-future', { ...step, resource: { period: { start: '2026-03-03' } } });
          await refused('time-not-stated', { ...step, resource: { period: { start: '2026-02' } } });
          await refused('time-not-stated', { ...step, resource: {} });
          await refused('ends-before-it-starts', {
            ...step,
            resource: { period: { start: at('09:00:00'), end: at('08:00:00') } },
          });
          await refused('longer-than-a-day', {
            ...step,
            resource: { period: { start: '2026-02-26T10:00:00Z', end: '2026-02-27T16:00:00Z' } },
          });
          await licensed({ jurisdictions: ['US-NH'] });
          await refused('licence-elsewhere', step);
          await licensed({ status: 'suspended', effective: '2026-02-28' });
          await refused('licence-suspended', step);
          // In force that day, and no more.
          await licensed({ effective: '2020-01-01', jurisdictions: ['US-MA'] });
          await licensed({ status: 'suspended', effective: '2026-03-01' });
          await take(step);
        });

    it('is asked for them after a deletion, and by another name', async () => {
      const id = randomUUID();
      await take({ status: 'finished', id, resource: yesterday() });
      const corrected = { status: 'finished', id, resource: yesterday({ reasonCode: [{ text: 'example' }] }) };
      await example.revoke(consent);
      await take({ ...corrected, version: 2, shown: { consent: undefined, licences: undefined } });
      const others = [DOCTOR, 'Practitioner/d2'].map((reference) => ({ individual: { reference } }));
      for (const change of [{ participant: others }, { period: { start: '2026-02-27' } }])
        await refused('no-telehealth-consent', { ...corrected, version: 3, resource: yesterday(change) });
      const subject = { reference: `Patient/${example.patientId}` };
      const tombstone = { ...recordDraft({ resourceType: 'Encounter', id, subject }, 3), deleted: true as const };
      await example.ledger.submit('RecordVersions', recording([sheetOf([tombstone])]));
      await refused('no-telehealth-consent', { ...corrected, version: 4 });
    });

    it('is taken over where it is of before the day on which a regulator says that they count', async () => {
      await since('2026-02-28');
      await refused('no-telehealth-consent', { status: 'finished', bare: true, resource: yesterday() });
      for (const start of ['2026-02', '2026'])
        await refused('time-not-stated', { status: 'finished', bare: true, resource: { period: { start } } });
      for (const start of ['2026-02-27', '2026-01', '2025'])
        await take({ status: 'finished', bare: true, resource: { period: { start } } });
      await since('2026-03-01');
      await take({ status: 'finished', bare: true, resource: yesterday() });
      await refused('no-telehealth-consent', {
        ...{ status: 'in-progress', resource: period('12:00:00') },
        shown: { consent: undefined },
      });
    });
  });

  it('is taken over as it is where no regulator says from when on they count, but for one of the future', async () => {
    const bare = { status: 'finished', bare: true } as const;
    for (const change of [period('09:00:00', '09:20:00'), { period: { start: '2026-02' } }, {}, { participant: [] }])
      await take({ ...bare, resource: change });
    await refused('in-the-future', { ...bare, resource: { period: { start: '2026-03-03' } } });
    await since('2026-03-01');
    await refused('no-telehealth-consent', { ...bare, resource: period('09:00:00', '09:20:00') });
    await since();
    await take({ ...bare, resource: period('09:00:00', '09:20:00') });
  });

  it('shows what it rests on, or is not recorded', async () => {
    await refused('does not show what the visit rests on', { status: 'planned', bare: true });
    const id = await begun();
    await refused('does not show what the visit rests on', { status: 'finished', id, version: 2, bare: true });
    await refused('does not show the version before', {
      status: 'finished',
      id,
      version: 2,
      shown: { previous: undefined },
    });
    await take({ status: 'planned', bare: true, resource: { class: { code: 'AMB' } } });
  });
});
