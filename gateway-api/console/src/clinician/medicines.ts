/** An order of a medicine as it is typed. Pure. */
import type { MedicationRequest } from '@medplum/fhirtypes';

export interface Medicine {
  system: string;
  code: string;
  ingredient: string;
}

export interface Wanted {
  /** Code of a medicine; empty for another one. */
  code: string;
  /** Name of another one, which nothing is checked of. */
  name: string;
  /** A single dose in mg. */
  dose: string;
  /** A day. */
  times: string;
  quantity: string;
  unit: string;
  refills: string;
  instructions: string;
}

export const NOTHING: Wanted = {
  ...{ code: '', name: '', dose: '', times: '', quantity: '', unit: '', refills: '0', instructions: '' },
};

const numberIn = (text: string): number | undefined =>
  /^\d{1,6}(?:[.,]\d{1,3})?$/.test(text.trim()) ? Number(text.trim().replace(',', '.')) : undefined;
const isWhole = (text: string): boolean => /^\d{1,3}$/.test(text.trim());

/** Names of what is written and cannot be. */
export function wantedFaults({ code, name, dose, times, quantity, refills }: Wanted): (keyof Wanted)[] {
  const isPositive = (text: string): boolean => (numberIn(text) ?? 0) > 0;
  return [
    ...(code === '' && name.trim() === '' ? ['name' as const] : []),
    ...(dose.trim() !== '' && !isPositive(dose) ? ['dose' as const] : []),
    ...(isWhole(times) && isPositive(times) ? [] : ['times' as const]),
    ...(isPositive(quantity) ? [] : ['quantity' as const]),
    ...(isWhole(refills) ? [] : ['refills' as const]),
  ];
}

interface About {
  patient: string;
  encounter: string;
  me: string;
  now: string;
  /** How the dosage is said. */
  said: string;
}

export function orderOf(
  wanted: Wanted,
  medicine: Medicine | undefined,
  { patient, encounter, me, now, said }: About,
): MedicationRequest {
  const { name, dose, times, quantity, unit, refills } = wanted;
  const mg = numberIn(dose);
  const quantityOf = (value: number) => ({ value, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' });
  const text = medicine?.ingredient ?? name.trim();
  return {
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', authoredOn: now },
    ...{ subject: { reference: `Patient/${patient}` }, encounter: { reference: `Encounter/${encounter}` } },
    requester: { reference: me },
    medicationCodeableConcept: {
      ...(medicine === undefined ? {} : { coding: [{ system: medicine.system, code: medicine.code, display: text }] }),
      text,
    },
    dosageInstruction: [
      {
        text: said,
        timing: { repeat: { frequency: Number(times), period: 1, periodUnit: 'd' } },
        ...(mg === undefined ? {} : { doseAndRate: [{ doseQuantity: quantityOf(mg) }] }),
      },
    ],
    dispenseRequest: {
      quantity: { value: numberIn(quantity) ?? 0, ...(unit.trim() === '' ? {} : { unit: unit.trim() }) },
      numberOfRepeatsAllowed: Number(refills),
    },
  };
}
