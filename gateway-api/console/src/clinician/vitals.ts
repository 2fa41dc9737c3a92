/** Vital signs as they are typed, and the Observations that they become (hl7.org/fhir/R4/observation-vitalsigns.html). */
import type { MedicationRequest, Observation } from '@medplum/fhirtypes';

export const VITALS = ['systolic', 'diastolic', 'pulse', 'saturation', 'temperature', 'weight'] as const;
export type Vital = (typeof VITALS)[number];
export type Vitals = Readonly<Partial<Record<Vital, string>>>;

interface Measure {
  loinc: string;
  display: string;
  /** UCUM. */
  unit: string;
  shown: string;
  /** What a person can have: more or less is a slip of the hand. */
  least: number;
  most: number;
}

export const MEASURES: Record<Vital, Measure> = {
  systolic: {
    ...{ loinc: '8480-6', display: 'Systolic blood pressure', unit: 'mm[Hg]' },
    ...{ shown: 'mmHg', least: 30, most: 300 },
  },
  diastolic: {
    ...{ loinc: '8462-4', display: 'Diastolic blood pressure', unit: 'mm[Hg]' },
    ...{ shown: 'mmHg', least: 10, most: 200 },
  },
  pulse: { ...{ loinc: '8867-4', display: 'Heart rate', unit: '/min' }, ...{ shown: '/min', least: 20, most: 300 } },
  saturation: {
    ...{ loinc: '2708-6', display: 'Oxygen saturation', unit: '%' },
    ...{ shown: '%', least: 30, most: 100 },
  },
  temperature: {
    ...{ loinc: '8310-5', display: 'Body temperature', unit: 'Cel' },
    ...{ shown: '°C', least: 25, most: 45 },
  },
  weight: { ...{ loinc: '29463-7', display: 'Body weight', unit: 'kg' }, ...{ shown: 'kg', least: 0.3, most: 500 } },
};

/** As a person writes it, with a point or a comma; undefined for what is no number of its kind. */
export function measured(vital: Vital, text: string): number | undefined {
  const value = /^\d+(?:[.,]\d+)?$/.test(text.trim()) ? Number(text.trim().replace(',', '.')) : Number.NaN;
  const { least, most } = MEASURES[vital];
  return value >= least && value <= most ? value : undefined;
}

const stated = (text: string | undefined): text is string => text !== undefined && text.trim() !== '';

/** Those that are written and cannot be: blood pressure takes both numbers. */
export function faultsIn(vitals: Vitals): Vital[] {
  const lone = stated(vitals.systolic) !== stated(vitals.diastolic);
  return VITALS.filter((one) => {
    const text = vitals[one];
    if (!stated(text)) return lone && (one === 'systolic' || one === 'diastolic');
    return measured(one, text) === undefined;
  });
}

interface About extends Pick<MedicationRequest, 'subject' | 'encounter'> {
  now: string;
  /** `Practitioner/ID` */
  performer: string;
}

const codeOf = ({ loinc, display }: Pick<Measure, 'loinc' | 'display'>) => ({
  coding: [{ system: 'http://loinc.org', code: loinc, display }],
});

export function observationsOf(vitals: Vitals, { subject, encounter, now, performer }: About): Observation[] {
  const valueIn = (vital: Vital) => {
    const { unit, shown } = MEASURES[vital];
    const value = measured(vital, vitals[vital] ?? '')!;
    return { valueQuantity: { value, unit: shown, system: 'http://unitsofmeasure.org', code: unit } };
  };
  const shared = {
    ...{ resourceType: 'Observation', status: 'final', subject, encounter, effectiveDateTime: now },
    performer: [{ reference: performer }],
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
    ],
  };
  const written = VITALS.filter((one) => stated(vitals[one]));
  const single = written
    .filter((one) => one !== 'systolic' && one !== 'diastolic')
    .map((one) => ({ ...shared, code: codeOf(MEASURES[one]), ...valueIn(one) }));
  if (!written.includes('systolic')) return single as Observation[];
  const component = (['systolic', 'diastolic'] as const).map((one) => ({
    code: codeOf(MEASURES[one]),
    ...valueIn(one),
  }));
  const pressure = { ...shared, code: codeOf({ loinc: '85354-9', display: 'Blood pressure panel' }), component };
  return [pressure, ...single] as Observation[];
}
