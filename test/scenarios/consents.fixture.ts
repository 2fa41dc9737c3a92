/** What a patient of the hospital's permits the clinic, for scenarios: all of it, or what a provision leaves of it. */
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';

interface Shown {
  id: string;
  whole?: { status: string };
}

/** Asks the hospital for treatment as somebody whom she permits it, and waits until all of it is there. */
export async function delivered(
  asking: Party,
  patient: { system: string; value: string },
  types: readonly string[],
): Promise<void> {
  const body = { holder: 'hospital', patient, types, purpose: 'TREAT' };
  const { id } = (await asking.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body;
  await asking.find<Shown>({ path: `/access-requests/${id}` }, 'it', ({ whole }) => whole?.status === 'complete');
}

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
