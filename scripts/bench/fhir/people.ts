/** Made-up people with long records, as transactions that fill a gateway: what the queries of the bench find is known beforehand. */
import { randomUUID } from 'node:crypto';

/** Of one person, the Patient among them: as many as a usual record of Synthea's has. */
export const ENTRIES = 266;
const ENCOUNTERS = 25;
const CONDITIONS = 20;
/** Different codes of Observations. */
const CODES = 20;
const LOINC = 'http://loinc.org';
const SYSTEM = 'urn:telemed-ledger:bench';

export interface Person {
  id: string;
  identifier: string;
}

/** Codes as a search writes them. */
export const codeOf = (index: number): string => `${LOINC}|${10_000 + (index % CODES)}-1`;
export const identifierOf = ({ identifier }: Person): string => `${SYSTEM}|${identifier}`;

const dayOf = (index: number): string => new Date(Date.UTC(2015, 0, 1 + index * 11)).toISOString().slice(0, 10);

export const observationOf = (patient: string, index: number, encounter?: string): Record<string, unknown> => ({
  ...{ resourceType: 'Observation', status: 'final', subject: { reference: patient } },
  ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] },
  ],
  code: { coding: [{ system: LOINC, code: codeOf(index).split('|')[1] }] },
  effectiveDateTime: `${dayOf(index)}T10:00:00Z`,
  valueQuantity: { value: 50 + (index % 100), unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
});

/** A person's whole record as one transaction. */
export function recordOf(): { identifier: string; bundle: object } {
  const [patient, identifier] = [`urn:uuid:${randomUUID()}`, randomUUID()];
  const entry: object[] = [];
  const add = (fullUrl: string, resource: Record<string, unknown>): void => {
    entry.push({ fullUrl, resource, request: { method: 'POST', url: resource['resourceType'] } });
  };
  add(patient, {
    ...{ resourceType: 'Patient', active: true, gender: 'female', birthDate: '1970-01-01' },
    ...{
      identifier: [{ system: SYSTEM, value: identifier }],
      name: [{ family: `B${identifier.slice(0, 6)}`, given: ['Ada'] }],
    },
  });
  const encounters = Array.from({ length: ENCOUNTERS }, () => `urn:uuid:${randomUUID()}`);
  for (const [index, fullUrl] of encounters.entries())
    add(fullUrl, {
      ...{ resourceType: 'Encounter', status: 'finished', subject: { reference: patient } },
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      period: { start: `${dayOf(index)}T09:00:00Z`, end: `${dayOf(index)}T10:30:00Z` },
    });
  for (let index = 0; index < CONDITIONS; index += 1)
    add(`urn:uuid:${randomUUID()}`, {
      ...{
        resourceType: 'Condition',
        subject: { reference: patient },
        code: { coding: [{ system: 'http://snomed.info/sct', code: String(38_341_003 + index) }] },
      },
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
      },
      ...{ encounter: { reference: encounters[index % ENCOUNTERS] }, onsetDateTime: dayOf(index) },
    });
  for (let index = 0; entry.length < ENTRIES; index += 1)
    add(`urn:uuid:${randomUUID()}`, observationOf(patient, index, encounters[index % ENCOUNTERS]));
  return { identifier, bundle: { resourceType: 'Bundle', type: 'transaction', entry } };
}
