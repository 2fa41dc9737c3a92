/** Whose data a resource is, and when what it says was so, for every type that names it in a way of its own. */
import { expect } from 'chai';
import { patientIdOf } from './fhir.ts';
import { spanOf } from './periods.ts';
import { recordFacts } from './record-facts.ts';
import { unrecordable } from './record-types.ts';

const OWN = { reference: 'Patient/p' };
const OTHER = { reference: 'Patient/q' };
const NOBODY = { reference: 'Practitioner/d' };

describe('A resource is about', () => {
  const cases: [what: string, resource: Record<string, unknown>, patient: string | undefined][] = [
    ['its subject', { resourceType: 'ServiceRequest', subject: OWN }, 'p'],
    ['its patient', { resourceType: 'EpisodeOfCare', patient: OWN }, 'p'],
    ['whom a task is for', { resourceType: 'Task', for: OWN }, 'p'],
    [
      'the patient of an appointment',
      { resourceType: 'Appointment', participant: [{ actor: NOBODY }, { actor: OWN }] },
      'p',
    ],
    ['one who takes part twice', { resourceType: 'Appointment', participant: [{ actor: OWN }, { actor: OWN }] }, 'p'],
    [
      'nobody where several take part',
      { resourceType: 'Appointment', participant: [{ actor: OWN }, { actor: OTHER }] },
      undefined,
    ],
    [
      'nobody where no patient does',
      { resourceType: 'Appointment', participant: [{ actor: NOBODY }, { status: 'accepted' }] },
      undefined,
    ],
    ['who answers for an appointment', { resourceType: 'AppointmentResponse', actor: OWN }, 'p'],
    ['whose account it is', { resourceType: 'Account', subject: [OWN] }, 'p'],
    ['nobody where several share an account', { resourceType: 'Account', subject: [OWN, OTHER] }, undefined],
    ['whose time a schedule is', { resourceType: 'Schedule', actor: [OWN] }, 'p'],
    ['the patient in whose context a content is', { resourceType: 'Binary', securityContext: OWN }, 'p'],
    ['to whom a supply goes', { resourceType: 'SupplyRequest', deliverTo: OWN }, 'p'],
    ['no member of a group', { resourceType: 'Group', member: [{ entity: OWN }] }, undefined],
    [
      'what is no reference',
      { resourceType: 'Appointment', participant: [null, 'x', { actor: 'Patient/p' }] },
      undefined,
    ],
  ];
  for (const [what, resource, patient] of cases)
    it(what, () => {
      expect(patientIdOf(resource)).to.equal(patient);
    });
});

describe('The time of a record', () => {
  const cases: [resource: Record<string, unknown>, time: string][] = [
    [{ resourceType: 'Appointment', created: '2024-01-01', start: '2025-05-05T10:00:00Z' }, '2025-05-05T10:00:00Z'],
    [
      { resourceType: 'Specimen', collection: { collectedDateTime: '2025-05-05' }, receivedTime: '2025-06-01' },
      '2025-05-05',
    ],
    [{ resourceType: 'Media', createdDateTime: '2025-05-05', issued: '2025-06-01T00:00:00Z' }, '2025-05-05'],
    [{ resourceType: 'DetectedIssue', identifiedDateTime: '2025-05-05' }, '2025-05-05'],
    [{ resourceType: 'VisionPrescription', created: '2025-06-01', dateWritten: '2025-05-05' }, '2025-05-05'],
    [{ resourceType: 'NutritionOrder', dateTime: '2025-05-05' }, '2025-05-05'],
    [{ resourceType: 'Communication', sent: '2025-05-05', received: '2025-06-01' }, '2025-05-05'],
    [{ resourceType: 'Goal', startDate: '2025-05-05' }, '2025-05-05'],
    [{ resourceType: 'DeviceUseStatement', timingDateTime: '2025-05-05', recordedOn: '2025-06-01' }, '2025-05-05'],
  ];
  for (const [resource, time] of cases)
    it(`is when it happened: ${resource['resourceType']}`, () => {
      const [facts] = recordFacts([{ id: 'r', ...resource } as never]);
      expect(facts!.span).to.deep.equal(spanOf(time));
    });
});

describe('A Task', () => {
  const task = (system: string) => ({ resourceType: 'Task', id: 't', code: { coding: [{ system, code: 'appeal' }] } });
  it('of a provider asks nothing in the codes of the ledger’s own', () => {
    expect(unrecordable(task('http://hl7.org/fhir/CodeSystem/task-code'))).to.equal(undefined);
    expect(unrecordable({ resourceType: 'Task', id: 't' })).to.equal(undefined);
    expect(unrecordable(task('https://telemed-ledger.example/fhir/CodeSystem/claim-tasks'))).to.match(
      /its transactions/,
    );
  });
});
