/** What a clinician must know first, of a patient's summary (hl7.org/fhir/uv/ips): allergies, problems, medication; then the rest. */
import type { Bundle, Composition, Resource } from '@medplum/fhirtypes';
import { conceptOf } from '../parts/fhir-texts.ts';

export interface Line {
  text: string;
  more: string;
  /** It can harm her badly. */
  isHigh: boolean;
}

/** Sections by their LOINC codes. */
export const CRITICAL = { allergies: '48765-2', conditions: '11450-4', medication: '10160-0' } as const;

const quantitySaid = ({ value, unit = '' }: { value?: unknown; unit?: string } = {}): string =>
  value === undefined ? '' : `${value} ${unit}`.trim();

/** A record in a line. */
export function lineOf(one: Resource): Line {
  switch (one.resourceType) {
    case 'AllergyIntolerance': {
      const more = one.reaction?.flatMap(({ manifestation }) => manifestation.map(conceptOf)).join(', ') ?? '';
      return { text: conceptOf(one.code), more, isHigh: one.criticality === 'high' };
    }
    case 'MedicationRequest': {
      const more = one.dosageInstruction?.map(({ text = '' }) => text).join(' ') ?? '';
      return { text: conceptOf(one.medicationCodeableConcept), more, isHigh: false };
    }
    case 'MedicationStatement': {
      const more = one.dosage?.map(({ text = '' }) => text).join(' ') ?? '';
      return { text: conceptOf(one.medicationCodeableConcept), more, isHigh: false };
    }
    case 'Observation': {
      const parts = one.component?.map(({ valueQuantity }) => quantitySaid(valueQuantity)).join(' / ') ?? '';
      const more = `${quantitySaid(one.valueQuantity)}${one.valueString ?? ''}${parts}`;
      return { text: conceptOf(one.code), more, isHigh: false };
    }
    case 'Immunization':
      return { text: conceptOf(one.vaccineCode), more: one.occurrenceDateTime ?? '', isHigh: false };
    case 'Encounter': {
      const text = conceptOf(one.type?.[0]) || (one.class.display ?? one.class.code ?? '');
      return { text, more: one.period?.start ?? '', isHigh: false };
    }
    case 'DocumentReference':
    case 'Composition':
      return { text: conceptOf(one.type), more: '', isHigh: false };
    default: {
      const { code, medicationCodeableConcept } = one as { code?: object; medicationCodeableConcept?: object };
      return { text: conceptOf(code ?? medicationCodeableConcept), more: '', isHigh: false };
    }
  }
}

export interface Part {
  code: string;
  title: string;
  lines: Line[];
}

/** @param summary a document, its Composition first */
export function partsIn({ entry = [] }: Bundle): Part[] {
  const composition = entry[0]?.resource as Composition | undefined;
  const named = (reference: string): Resource | undefined =>
    entry.find(({ fullUrl = '' }) => fullUrl === reference || fullUrl.endsWith(`/${reference}`))?.resource;
  return (composition?.section ?? []).map(({ code, title = '', entry: references = [] }) => ({
    ...{ code: code?.coding?.[0]?.code ?? '', title },
    lines: references.flatMap(({ reference = '' }) => {
      const found = named(reference);
      return found === undefined ? [] : [lineOf(found)];
    }),
  }));
}
