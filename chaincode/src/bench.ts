/** What the rules cost, without a ledger: for `npm run bench -- access`. */

import { ORGANISATION_SYSTEM } from './model/organisations.ts';
import type { ConsentContent } from './rules/consent-content.ts';
import { evaluateConsents, type LedgerConsent, recordFacts } from './rules/consents.ts';

const [HOLDER, REQUESTOR] = ['hospital', 'clinic'];
const toOrganisation = (value: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value } });

/** Permits an organisation observations for treatment, but those with one label. */
const consentFor = (organisation: string): ConsentContent => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: 'Patient/p1' } },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
  provision: {
    ...{ type: 'permit', actor: [{ reference: toOrganisation(organisation) }], purpose: [{ code: 'TREAT' }] },
    class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
    provision: [{ type: 'deny', securityLabel: [{ code: 'PSY' }] }],
  },
});

/**
 * Evaluates so many consents about one record, over and over; the last of them permits it.
 * @returns milliseconds of each evaluation
 */
export function timeEvaluations(consents: number, runs: number): number[] {
  const all = Array.from({ length: consents }, (_, index): LedgerConsent => {
    const resource = consentFor(index === consents - 1 ? REQUESTOR! : `organisation-${index}`);
    return { id: `c${index}`, version: 1, status: 'active', resource };
  });
  const [record] = recordFacts([{ resourceType: 'Observation', id: 'o1', subject: { reference: 'Patient/p1' } }]);
  const who = { organisation: REQUESTOR!, holder: HOLDER!, role: 'system', purpose: 'TREAT' } as const;
  return Array.from({ length: runs }, () => {
    const started = performance.now();
    const { outcome } = evaluateConsents(all, who, record!, '2026-03-01T12:00:00.000Z');
    if (outcome !== 'permit') throw new Error('the evaluation permits nothing');
    return performance.now() - started;
  });
}
