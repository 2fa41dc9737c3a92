/** What is written: Observations of about one kilobyte, each with another value. */
import { randomInt } from 'node:crypto';

export interface Observation {
  [element: string]: unknown;
  resourceType: 'Observation';
}

const BYTES = 1024;

/** An Observation of exactly 1,024 bytes of JSON about `Patient/<patientId>`. */
export function newObservation(patientId: string): Observation {
  const observation: Observation & { note: { text: string }[] } = {
    resourceType: 'Observation',
    status: 'final',
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/observation-category',
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
      },
    ],
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }], text: 'Heart rate' },
    subject: { reference: `Patient/${patientId}` },
    effectiveDateTime: new Date().toISOString(),
    valueQuantity: {
      value: randomInt(500, 1800) / 10,
      unit: '/min',
      system: 'http://unitsofmeasure.org',
      code: '/min',
    },
    note: [{ text: '.' }],
  };
  const missing = BYTES - Buffer.byteLength(JSON.stringify(observation));
  observation.note = [
    {
      text: 'A made-up measurement. '
        .repeat(60)
        .slice(0, missing)
        .trim()
        .padEnd(missing + 1, '.'),
    },
  ];
  return observation;
}
