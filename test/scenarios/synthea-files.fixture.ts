/**
 * Files as Synthea writes them, of nobody: practitioners and hospitals in one, a patient with a visit and three Claims in the other. Procedures,
 * vaccines and supplies name nobody who did them, and lines for reports and supplies no record.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SNOMED = 'http://snomed.info/sct';
const NPI = 'http://hl7.org/fhir/sid/us-npi';
const TERMS = 'http://terminology.hl7.org/CodeSystem';

const coded = (system: string, code: string): object => ({ coding: [{ system, code }] });
const usd = (value: number): object => ({ value, currency: 'USD' });
const to = (id: string): object => ({ reference: `urn:uuid:${id}` });

const bundleOf = (
  resources: ({ resourceType: string; id: string } & Record<string, unknown>)[],
  condition?: string,
) => ({
  ...{ resourceType: 'Bundle', type: 'transaction' },
  entry: resources.map((resource) => ({
    ...{ fullUrl: `urn:uuid:${resource.id}`, resource },
    request: {
      ...{ method: 'POST', url: resource.resourceType },
      ...(condition === undefined ? {} : { ifNoneExist: condition }),
    },
  })),
});

/** Written to a directory. @returns their paths, in the order in which they are to be read */
export function syntheaFiles(directory: string): string[] {
  const number = String(randomInt(1_000_000_000, 2_000_000_000));
  const practitioner = { resourceType: 'Practitioner', id: randomUUID(), identifier: [{ system: NPI, value: number }] };
  const known = bundleOf([practitioner], `identifier=${NPI}|${number}`);
  const files = [
    ['practitionerInformation.json', known],
    ['Sample_Patient.json', bundleOf(patientsRecords(number))],
  ] as const;
  return files.map(([name, bundle]) => {
    const file = join(directory, name);
    writeFileSync(file, JSON.stringify(bundle));
    return file;
  });
}

function patientsRecords(number: string) {
  const ids = Array.from({ length: 7 }, () => randomUUID());
  const [patient, encounter, procedure, vaccine, report, supply, medicine] = ids as [string, ...string[]] & string[];
  const subject = to(patient);
  const start = '2024-03-05T14:06:26+00:00';
  const period = { start, end: '2024-03-05T15:06:26+00:00' };
  const by = { reference: `Practitioner?identifier=${NPI}|${number}` };
  const at = { subject, encounter: to(encounter!) };
  const claim = (insurer: string, more: object) => ({
    ...{
      resourceType: 'Claim',
      id: randomUUID(),
      status: 'active',
      use: 'claim',
      patient: subject,
      created: period.end,
    },
    ...{ type: coded(`${TERMS}/claim-type`, 'professional'), priority: coded(`${TERMS}/processpriority`, 'normal') },
    ...{ billablePeriod: period, provider: { display: 'A made-up practice' } },
    ...{ insurance: [{ sequence: 1, focal: true, coverage: { display: insurer } }], ...more },
  });
  const line = (sequence: number, concept: object, more: object) => ({ sequence, productOrService: concept, ...more });
  const codes = {
    visit: coded(SNOMED, '162673000'),
    procedure: coded(SNOMED, '710824005'),
    vaccine: coded('http://hl7.org/fhir/sid/cvx', '140'),
    report: coded('http://loinc.org', '58410-2'),
    supply: coded(SNOMED, '337388004'),
    medicine: coded('http://www.nlm.nih.gov/research/umls/rxnorm', '314076'),
  };
  const information = { category: coded(`${TERMS}/claiminformationcategory`, 'info') };
  const visit = line(1, codes.visit, { encounter: [to(encounter!)] });
  return [
    {
      ...{ resourceType: 'Patient', id: patient, gender: 'female', birthDate: '1961-07-23' },
      identifier: [{ system: 'https://github.com/synthetichealth/synthea', value: patient }],
      name: [{ family: 'Samplepatient', given: [patient.slice(0, 8)] }],
    },
    {
      ...{ resourceType: 'Encounter', id: encounter!, status: 'finished', subject, type: [codes.visit], period },
      ...{ class: { system: `${TERMS}/v3-ActCode`, code: 'AMB' }, participant: [{ individual: by }] },
    },
    {
      ...{ resourceType: 'Procedure', id: procedure!, status: 'completed', ...at, code: codes.procedure },
      performedPeriod: { start, end: '2024-03-05T14:16:26+00:00' },
    },
    {
      ...{ resourceType: 'Immunization', id: vaccine!, status: 'completed', vaccineCode: codes.vaccine },
      ...{ patient: subject, encounter: to(encounter!), occurrenceDateTime: start, primarySource: true },
    },
    {
      ...{ resourceType: 'DiagnosticReport', id: report!, status: 'final', ...at, code: codes.report },
      ...{ effectiveDateTime: start, performer: [{ display: 'A made-up practice' }] },
    },
    {
      ...{ resourceType: 'SupplyDelivery', id: supply!, status: 'completed', patient: subject },
      suppliedItem: { quantity: { value: 50 }, itemCodeableConcept: codes.supply },
      occurrenceDateTime: start,
    },
    {
      ...{ resourceType: 'MedicationRequest', id: medicine!, status: 'stopped', intent: 'order', ...at },
      ...{ medicationCodeableConcept: codes.medicine, authoredOn: start, requester: by },
    },
    claim('An insurer', {
      procedure: [{ sequence: 1, procedureReference: to(procedure!) }],
      supportingInfo: [
        { sequence: 1, ...information, valueReference: to(vaccine!) },
        { sequence: 2, ...information },
        { sequence: 3, ...information },
      ],
      item: [
        visit,
        line(2, codes.procedure, { procedureSequence: [1], net: usd(431.4) }),
        line(3, codes.vaccine, { informationSequence: [1], net: usd(136) }),
        line(4, codes.report, { informationSequence: [2], net: usd(74.58) }),
        line(5, codes.supply, { informationSequence: [3], net: usd(6.8) }),
      ],
      total: usd(734.49),
    }),
    claim('An insurer', {
      ...{ type: coded(`${TERMS}/claim-type`, 'pharmacy'), prescription: to(medicine!), total: usd(0.91) },
      item: [line(1, codes.medicine, { encounter: [to(encounter!)] })],
    }),
    claim('NO_INSURANCE', { item: [visit], total: usd(10) }),
  ];
}
