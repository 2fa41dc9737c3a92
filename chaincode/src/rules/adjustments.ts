/**
 * Why a payer allows less than a line bills, as X12's claim adjustment group and reason codes (https://x12.org/codes), next to the
 * edit's own name. The codes alone: X12 licenses their descriptions.
 */
import { type CodeableConcept, editConcept } from './fhir-terms.ts';

const REASONS = 'https://x12.org/codes/claim-adjustment-reason-codes';
const GROUPS = 'https://x12.org/codes/claim-adjustment-group-codes';

/** Of each edit. An edit that is not here lacks information for adjudication (16). */
const BY_EDIT: Record<string, string> = {
  'patient-mismatch': '31',
  'coverage-not-of-patient': '31',
  'coverage-not-in-force': '27',
  'service-not-shown': '252',
  'evidence-outdated': '252',
  'practitioner-not-licensed': 'B7',
  duplicate: '18',
  'not-covered': '96',
};

export interface Adjustment {
  category: CodeableConcept;
  reason: CodeableConcept;
}

const reasonOf = (code: string): CodeableConcept['coding'] => [
  { system: GROUPS, code: 'CO' },
  { system: REASONS, code },
];

/** A line that an edit denies; nobody owes it. */
export const denied = (edit: string): Adjustment => ({
  category: {
    coding: [{ system: 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', code: 'denialreason' }],
  },
  reason: { coding: [...reasonOf(BY_EDIT[edit] ?? '16'), ...editConcept(edit).coding] },
});

/** What is billed above the price that is agreed on. */
export const contractual: Adjustment = {
  category: { coding: [{ system: 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication', code: 'discount' }] },
  reason: { coding: reasonOf('45') },
};
