/** What a clinician's desk makes of what it finds and of what is typed, without a browser. */
import type {
  Appointment,
  Composition,
  DetectedIssue,
  Encounter,
  MedicationRequest,
  Observation,
} from '@medplum/fhirtypes';
import { expect } from 'chai';
import { type Draft, EMPTY, finishing } from './draft.ts';
import { NOTHING, orderOf, wantedFaults } from './medicines.ts';
import { today, visitsOf } from './visits.ts';
import { faultsIn, measured, observationsOf } from './vitals.ts';

const KEY = '4c2b1f0e-0f3a-4a57-9f21-2f6f7e0a1234';
const NOW = '2026-03-01T10:00:00.000Z';
const her = { reference: 'Patient/p' };
const appointment = (id: string, status: Appointment['status'], start: string, lastUpdated: string): Appointment => ({
  ...{ resourceType: 'Appointment', id, status, start, meta: { lastUpdated, versionId: '2' } },
  participant: [
    { actor: { reference: 'Practitioner/d' }, status: 'accepted' },
    { actor: her, status: 'accepted' },
  ],
});
const encounter: Encounter = {
  ...{ resourceType: 'Encounter', id: 'e', status: 'in-progress', class: { code: 'VR' }, subject: her },
  ...{ period: { start: NOW }, appointment: [{ reference: 'Appointment/b' }], meta: { versionId: '3' } },
};

describe('The clinician’s day', () => {
  it('has each visit once, who waits first and since when', () => {
    const patient = { resourceType: 'Patient' as const, id: 'p', name: [{ text: 'Ada' }] };
    const booked = appointment('a', 'booked', '2026-03-01T12:00:00Z', '2026-01-01T00:00:00Z');
    const begun = appointment('b', 'arrived', '2026-03-01T10:00:00Z', '2026-03-01T09:50:00Z');
    const waiting = appointment('c', 'arrived', '2026-03-01T11:00:00Z', '2026-03-01T10:40:00Z');
    const found = visitsOf([booked, begun, waiting, patient, encounter]);
    expect(found.map(({ key, state, at, name, patient: id }) => [key, state, at, name, id])).to.deep.equal([
      ['c', 'waiting', '2026-03-01T10:40:00Z', 'Ada', 'p'],
      ['e', 'under-way', NOW, 'Ada', 'p'],
      ['a', 'later', '2026-03-01T12:00:00Z', 'Ada', 'p'],
    ]);
    expect(found[1]?.appointment?.id).to.equal('b');
  });

  it('leaves out nobody around midnight', () => {
    for (const at of ['2026-03-01T00:05:00', '2026-03-01T12:00:00', '2026-03-01T23:55:00']) {
      const now = new Date(at);
      const { start, end } = today(now);
      expect(Date.parse(start), at).to.be.at.most(now.getTime() - 12 * 3_600_000);
      expect(Date.parse(end), at).to.be.at.least(now.getTime() + 2 * 3_600_000);
    }
  });
});

describe('A visit that is finished', () => {
  const issue: DetectedIssue = {
    ...{ resourceType: 'DetectedIssue', id: 'i', status: 'preliminary', severity: 'moderate' },
    ...{ code: { text: 'warfarin' }, implicated: [{ reference: 'MedicationRequest/other' }] },
  };
  const order = orderOf(
    { ...NOTHING, code: '310965', times: '2', quantity: '20', dose: '200', unit: 'tablet' },
    { system: 'rx', code: '310965', ingredient: 'ibuprofen' },
    { patient: 'p', encounter: 'e', me: 'Practitioner/d', now: NOW, said: '200 mg, 2 times a day' },
  );
  const draft: Draft = {
    ...EMPTY,
    note: 'One <script>\n\nTwo & "three"',
    vitals: { pulse: '72' },
    orders: [
      { kind: 'referral', text: 'Knee', to: 'hospital' },
      { kind: 'laboratory', text: 'Blood count', to: 'hospital' },
    ],
    prescriptions: [{ order, alerts: [{ issue, reason: ' is watched ' }] }],
  };
  const what = { encounter, draft, me: 'Practitioner/d', now: NOW, title: 'Progress note', key: KEY };

  it('is one transaction with everything in it, the same when it is sent again', () => {
    const booked = appointment('b', 'arrived', NOW, NOW);
    const bundle = finishing({ ...what, appointment: booked });
    expect(finishing({ ...what, appointment: booked })).to.deep.equal(bundle);
    const { entry = [] } = bundle;
    expect(entry.map(({ resource, request }) => `${request?.method} ${resource?.resourceType}`)).to.deep.equal([
      ...['PUT Encounter', 'PUT Appointment', 'POST Composition', 'POST Observation'],
      ...['POST ServiceRequest', 'POST ServiceRequest', 'POST MedicationRequest', 'POST DetectedIssue'],
    ]);
    expect(entry[0]?.request).to.deep.equal({ method: 'PUT', url: 'Encounter/e', ifMatch: 'W/"3"' });
    expect(entry[0]?.resource).to.include({ status: 'finished' }).and.not.have.property('meta');
    expect(entry[1]?.resource).to.include({ status: 'fulfilled' });
    const note = entry[2]?.resource as Composition | undefined;
    expect(note?.section?.[0]?.text?.div).to.include('<p>One &lt;script&gt;</p><p>Two &amp; &quot;three&quot;</p>');
    const [referral, laboratory] = entry.slice(4).map(({ resource }) => JSON.stringify(resource));
    expect(referral).to.include('"value":"hospital"');
    expect(laboratory).to.not.include('hospital');
    const found = entry[7]?.resource as DetectedIssue;
    expect(found.implicated?.[0]?.reference).to.equal(entry[6]?.fullUrl);
    expect(found).to.include({ status: 'final' }).and.not.have.property('id');
    expect(found.mitigation?.[0]?.action.text).to.equal('is watched');
  });

  it('has nothing in it that was not written', () => {
    const { entry = [] } = finishing({ ...what, draft: EMPTY });
    expect(entry.map(({ resource }) => resource?.resourceType)).to.deep.equal(['Encounter']);
  });

  it('prescribes as it was typed', () => {
    const { dosageInstruction, dispenseRequest, medicationCodeableConcept } = order as MedicationRequest;
    expect(dosageInstruction?.[0]?.timing?.repeat).to.deep.equal({ frequency: 2, period: 1, periodUnit: 'd' });
    expect(dosageInstruction?.[0]?.doseAndRate?.[0]?.doseQuantity).to.include({ value: 200, code: 'mg' });
    expect(dispenseRequest).to.deep.equal({ quantity: { value: 20, unit: 'tablet' }, numberOfRepeatsAllowed: 0 });
    expect(medicationCodeableConcept?.coding?.[0]).to.include({ system: 'rx', code: '310965' });
    const typed = { ...NOTHING, name: 'x', times: '2', quantity: '1,5' };
    expect(wantedFaults(typed)).to.deep.equal([]);
    expect(wantedFaults(NOTHING)).to.deep.equal(['name', 'times', 'quantity']);
    for (const bad of ['0', '-1', '1e3', 'two', ''])
      expect(wantedFaults({ ...typed, quantity: bad, refills: '0' }), bad).to.deep.equal(['quantity']);
    expect(wantedFaults({ ...typed, dose: 'some', refills: '1.5' })).to.deep.equal(['dose', 'refills']);
  });
});

describe('Vital signs', () => {
  const about = { subject: her, encounter: { reference: 'Encounter/e' }, now: NOW, performer: 'Practitioner/d' };

  it('are numbers that a person can have, with a point or a comma', () => {
    expect(measured('temperature', ' 37,5 ')).to.equal(37.5);
    for (const text of ['', 'warm', '375', '-1', '3e1'])
      expect(measured('temperature', text), text).to.equal(undefined);
    expect(faultsIn({ pulse: '7200', weight: '80' })).to.deep.equal(['pulse']);
    expect(faultsIn({ systolic: '120' })).to.deep.equal(['diastolic']);
    expect(faultsIn({ systolic: '120', diastolic: '80', pulse: ' ' })).to.deep.equal([]);
  });

  it('become Observations of the visit, blood pressure as one', () => {
    const found = observationsOf({ systolic: '128', diastolic: '82', weight: '80.5', pulse: '' }, about);
    expect(found.map(({ code }: Observation) => code.coding?.[0]?.code)).to.deep.equal(['85354-9', '29463-7']);
    expect(found[0]?.component?.map(({ valueQuantity }) => valueQuantity?.value)).to.deep.equal([128, 82]);
    expect(found[1]).to.deep.include({ status: 'final', subject: her, encounter: { reference: 'Encounter/e' } });
    expect(observationsOf({}, about)).to.deep.equal([]);
  });
});
