/** What a patient of the hospital's permits the clinic, for scenarios: all of it, or what a provision leaves of it. */
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';

const organisation = (value: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value } });

/** @param more further members of the provision */
export const permissionOf = (patientId: string, more: object = {}) => ({
  ...{ resourceType: 'Consent' as const, status: 'active', category: [{ text: 'privacy' }] },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  patient: { reference: `Patient/${patientId}` },
  organization: [organisation('hospital')],
  policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
  provision: {
    ...{ type: 'permit', actor: [{ role: { text: 'recipient' }, reference: organisation('clinic') }] },
    ...more,
  },
});
