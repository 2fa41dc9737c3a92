/**
 * Why a payer pays less than a line bills, as X12's claim adjustment group and reason codes (https://x12.org/codes), next to the name
 * of the edit or the term. The codes alone: X12 licenses their descriptions.
 */
import { type CodeableConcept, editConcept } from './fhir-terms.ts';

const REASONS = 'https://x12.org/codes/claim-adjustment-reason-codes';
const GROUPS = 'https://x12.org/codes/claim-adjustment-group-codes';
const C4BB = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication';

/** CO: the provider may not ask the patient for it; PR: it is hers to pay; OA: neither. */
type Group = 'CO' | 'PR' | 'OA';

/** Of each edit and each term. An edit that is not here lacks information for adjudication (CO-16). */
const ADJUSTMENTS: Readonly<Record<string, readonly [Group, string]>> = {
  'patient-mismatch': ['CO', '31'],
  'coverage-not-of-patient': ['CO', '31'],
  'coverage-not-in-force': ['CO', '27'],
  'service-not-shown': ['CO', '252'],
  'evidence-outdated': ['CO', '252'],
  'code-not-of-record': ['CO', 'B12'],
  'dispense-not-shown': ['CO', '252'],
  'duration-too-short': ['CO', '150'],
  'units-exceeded': ['CO', '151'],
  'procedure-pair': ['CO', '236'],
  'age-mismatch': ['CO', '6'],
  'sex-mismatch': ['CO', '7'],
  'place-mismatch': ['CO', '5'],
  'modifier-conflict': ['CO', '4'],
  'outside-lifetime': ['CO', '13'],
  'practitioner-not-licensed': ['CO', 'B7'],
  duplicate: ['CO', '18'],
  'not-covered': ['CO', '96'],
  'no-agreed-price': ['CO', '147'],
  adjudicator: ['CO', 'A1'],
  coordination: ['CO', '22'],
  'prior-payer': ['OA', '23'],
  'prior-allowed': ['OA', '23'],
  contractual: ['CO', '45'],
  'plan-not-in-force': ['CO', '27'],
  excluded: ['PR', '204'],
  'out-of-network': ['PR', '242'],
  'waiting-period': ['PR', '179'],
  'no-authorization': ['CO', '197'],
  'authorization-exceeded': ['CO', '198'],
  'authorization-denied': ['CO', '39'],
  'authorization-invalid': ['CO', '15'],
  'benefit-maximum': ['PR', '119'],
  deductible: ['PR', '1'],
  coinsurance: ['PR', '2'],
  copay: ['PR', '3'],
};

/** Parts of the patient's share, which are no denials. */
const SHARES = new Set(['deductible', 'coinsurance', 'copay']);

export interface Adjustment {
  category: CodeableConcept;
  reason: CodeableConcept;
}

/** The categories of those that deny nothing; the patient's share has one. */
const CATEGORIES: Readonly<Record<string, string>> = {
  contractual: 'discount',
  'prior-allowed': 'discount',
  'prior-payer': 'priorpayerpaid',
};

const categoryOf = (name: string): CodeableConcept => ({
  coding: [{ system: C4BB, code: CATEGORIES[name] ?? (SHARES.has(name) ? 'memberliability' : 'denialreason') }],
});

/** What other payers paid of a claim. */
export const PRIOR_PAID = categoryOf('prior-payer');

/** The codes of an adjustment; where it denies, next to the name of the edit or the term. */
export function adjustmentOf(name: string): Adjustment {
  const [group, code] = ADJUSTMENTS[name] ?? ['CO', '16'];
  const own = name in CATEGORIES || SHARES.has(name) ? [] : editConcept(name).coding;
  const coding = [{ system: GROUPS, code: group }, { system: REASONS, code }, ...own];
  return { category: categoryOf(name), reason: { coding } };
}
