/** A consent that is being written: who, what and until when. Flat, and so with one meaning. */
import type { Consent } from '@medplum/fhirtypes';
import { ORGANISATIONS } from '../parts/fhir-texts.ts';

/** What may be shown, in words that a person chooses by. Everything is a choice of its own. */
export const KINDS = {
  results: ['Observation', 'DiagnosticReport'],
  medication: ['MedicationRequest', 'MedicationDispense', 'MedicationStatement', 'MedicationAdministration'],
  conditions: ['Condition'],
  allergies: ['AllergyIntolerance'],
  immunisations: ['Immunization'],
  visits: ['Encounter', 'Procedure'],
  documents: ['DocumentReference', 'Composition', 'Binary'],
} as const;
export type Kind = keyof typeof KINDS;

export interface Receiver {
  /** Name of a member. */
  organisation: string;
  /** One of its people, by an identifier; anybody there where it is left out. */
  person?: { system: string; value: string; name: string };
}

export interface Draft {
  receiver: Receiver;
  /** `Patient/ID` */
  patient: string;
  /** FHIR types; empty: everything. */
  types: readonly string[];
  /** HL7's PurposeOfUse. */
  purpose: string;
  /** Last day, YYYY-MM-DD; until it is withdrawn where it is left out. */
  until?: string;
  /** `RelatedPerson/ID` of who gives it in her place. */
  performer?: string;
  /** Day of writing, YYYY-MM-DD. */
  today: string;
}

const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
const HL7 = 'http://terminology.hl7.org/CodeSystem';

/** hl7.org/fhir/R4/consent.html, as docs/consents.md reads it. */
export function consentOf({ receiver, patient, types, purpose, until, performer, today }: Draft): Consent {
  const { organisation, person } = receiver;
  const identifier =
    person === undefined
      ? { system: ORGANISATIONS, value: organisation }
      : { system: person.system, value: person.value };
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: coded(`${HL7}/consentscope`, 'patient-privacy'),
    category: [coded('http://loinc.org', '59284-0')],
    patient: { reference: patient },
    ...(performer === undefined ? {} : { performer: [{ reference: performer }] }),
    dateTime: today,
    policyRule: coded(`${HL7}/v3-ActCode`, 'OPTIN'),
    provision: {
      type: 'permit',
      actor: [
        {
          role: coded(`${HL7}/v3-ParticipationType`, 'PRCP'),
          reference: { type: person === undefined ? 'Organization' : 'Practitioner', identifier },
        },
      ],
      purpose: [{ system: `${HL7}/v3-ActReason`, code: purpose }],
      ...(until === undefined ? {} : { period: { start: today, end: until } }),
      ...(types.length === 0
        ? {}
        : { class: types.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code })) }),
    },
  };
}

/** FHIR types of what was chosen. */
export const typesOf = (kinds: readonly Kind[]): string[] => kinds.flatMap((kind) => KINDS[kind]);

/** The choices that make up these types, and the types that no choice is. */
export function kindsOf(types: readonly string[]): { kinds: Kind[]; others: string[] } {
  const all = Object.keys(KINDS) as Kind[];
  const kinds = all.filter((kind) => KINDS[kind].some((type) => types.includes(type)));
  const covered: readonly string[] = typesOf(kinds);
  return { kinds, others: types.filter((type) => !covered.includes(type)) };
}
