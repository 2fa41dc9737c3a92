/** The checks of prescriptions, as the gateway answers them: which medicines they know, and what they find. */
import type { Bundle, DetectedIssue, MedicationRequest } from '@medplum/fhirtypes';
import { ask, fhirPath } from '../api.ts';
import type { Medicine } from './medicines.ts';

/** @throws {Problem} */
export const medicines = async (signal: AbortSignal): Promise<Medicine[]> =>
  (await ask<{ medicines: Medicine[] }>({ path: '/medicines', signal })).body.medicines;

/** What speaks against it by all that its prescriber may see of her. @throws {Problem} */
export async function alertsAgainst(order: MedicationRequest): Promise<DetectedIssue[]> {
  const path = fhirPath('MedicationRequest/$check');
  const { body } = await ask<Bundle<DetectedIssue>>({ method: 'POST', path, body: order });
  return (body.entry ?? []).flatMap(({ resource }) => resource ?? []);
}
