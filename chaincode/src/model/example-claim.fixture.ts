/**
 * A made-up telemedicine visit with everything a claim for it rests on, for tests: each call gives fresh objects to
 * change. The claim bills a visit and two units of a test, 150.50 USD in all.
 */
import type { Resource } from './fhir.ts';
import type { Anchored } from './transactions.ts';

const uuid = (last: number): string => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`;
export const exampleIds = {
  patient: uuid(1),
  encounter: uuid(2),
  procedure: uuid(3),
  observation: uuid(4),
  practitioner: uuid(5),
  coverage: uuid(6),
  claim: uuid(7),
  response: uuid(8),
  payment: uuid(9),
  notice: uuid(10),
  reconciliation: uuid(11),
  otherClaim: uuid(12),
  other: uuid(13),
};
export const exampleNumber = '1234567893';
export const exampleSalt = (digit: string): string => digit.repeat(64);

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const SNOMED = 'http://snomed.info/sct';
const usd = (value: number): { value: number; currency: string } => ({ value, currency: 'USD' });
const coded = (system: string, code: string): { coding: { system: string; code: string }[] } => ({
  coding: [{ system, code }],
});

// biome-ignore lint/suspicious/noExplicitAny: tests change any element, also to what its type forbids.
export type Changeable = Resource & Record<string, any>;

export interface Example {
  patient: Changeable;
  encounter: Changeable;
  procedure: Changeable;
  observation: Changeable;
  practitioner: Changeable;
  coverage: Changeable;
  claim: Changeable;
}

const subject = { reference: `Patient/${exampleIds.patient}` };
const performer = { reference: `Practitioner/${exampleIds.practitioner}` };

const records = (): Pick<Example, 'patient' | 'encounter' | 'procedure' | 'observation' | 'practitioner'> => ({
  patient: {
    resourceType: 'Patient',
    id: exampleIds.patient,
    identifier: [
      { system: 'https://hospital.example/mrn', value: 'MRN-4711' },
      {
        type: coded('http://terminology.hl7.org/CodeSystem/v2-0203', 'MB'),
        system: 'https://payer.example/member',
        value: 'M-88-2001',
      },
    ],
    birthDate: '1970-05',
  },
  encounter: {
    resourceType: 'Encounter',
    id: exampleIds.encounter,
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'VR' },
    subject,
    participant: [{ individual: performer }],
    period: { start: '2026-02-10T09:00:00+01:00', end: '2026-02-10T09:40:00+01:00' },
  },
  procedure: {
    resourceType: 'Procedure',
    id: exampleIds.procedure,
    status: 'completed',
    subject,
    performedPeriod: { start: '2026-02-10T09:10:00+01:00', end: '2026-02-10T09:20:00+01:00' },
    performer: [{ actor: performer }],
  },
  observation: {
    resourceType: 'Observation',
    id: exampleIds.observation,
    status: 'final',
    code: coded(SNOMED, '166888009'),
    subject,
    effectiveDateTime: '2026-02-10T09:15:00+01:00',
    performer: [performer],
  },
  practitioner: {
    resourceType: 'Practitioner',
    id: exampleIds.practitioner,
    identifier: [{ system: NPI, value: exampleNumber }],
  },
});

const coverage = (): Changeable => ({
  resourceType: 'Coverage',
  id: exampleIds.coverage,
  status: 'active',
  beneficiary: { identifier: { system: 'https://payer.example/member', value: 'M-88-2001' } },
  period: { start: '2026-01-01', end: '2026-12-31' },
  payor: [{ display: 'payer' }],
  costToBeneficiary: [
    { type: coded('http://terminology.hl7.org/CodeSystem/coverage-copay-type', 'copay'), valueMoney: usd(20) },
    {
      type: coded('http://terminology.hl7.org/CodeSystem/coverage-copay-type', 'copaypct'),
      valueQuantity: { value: 10, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
    },
  ],
});

const claim = (): Changeable => ({
  resourceType: 'Claim',
  id: exampleIds.claim,
  status: 'active',
  type: coded('http://terminology.hl7.org/CodeSystem/claim-type', 'professional'),
  use: 'claim',
  patient: subject,
  billablePeriod: { start: '2026-02-10', end: '2026-02-10' },
  created: '2026-02-11',
  provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
  priority: coded('http://terminology.hl7.org/CodeSystem/processpriority', 'normal'),
  insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${exampleIds.coverage}` } }],
  item: [
    {
      sequence: 1,
      productOrService: coded(SNOMED, '185317003'),
      encounter: [{ reference: `Encounter/${exampleIds.encounter}` }],
      net: usd(120),
    },
    {
      sequence: 2,
      productOrService: coded(SNOMED, '166888009'),
      servicedDate: '2026-02-10',
      encounter: [{ reference: `Encounter/${exampleIds.encounter}` }],
      quantity: { value: 2 },
      unitPrice: usd(15.25),
      net: usd(30.5),
    },
  ],
  total: usd(150.5),
});

export const exampleClaim = (): Example => structuredClone({ ...records(), coverage: coverage(), claim: claim() });

/** A resource as the first version of a record. */
export const anchoredExample = (resource: Resource, author = 'HospitalMSP'): Anchored => ({
  schema: 1,
  author,
  id: resource.id,
  version: 1,
  recordedAt: '2026-02-10T10:00:00.000Z',
  salt: exampleSalt('a'),
  resource,
});
