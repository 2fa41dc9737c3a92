/** A record at one provider that follows another one's: the same person may be two Patients. */
import { checkRecord, type ShownRecord } from '../ledger/evidence.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource, shareIdentifier } from '../model/fhir.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import type { Recording } from './following.ts';

interface Followed {
  /** What it follows, and at whom that stands. */
  resource: Resource;
  provider: string;
  /** The Patients of both, where they are shown. */
  patients: { theirs: RecordEvidence; ours: RecordEvidence } | undefined;
  /** Where in the input the Patients stand, for errors. */
  at: string;
}

/** The record as of the patient of what it follows, where that is the same person under another Patient. @throws LedgerError INVALID */
export async function asPatientOf(
  { provider, store }: Pick<Recording, 'provider' | 'store'>,
  resource: Resource,
  followed: Followed,
): Promise<Resource> {
  const [own, wanted] = [patientIdOf(resource), patientIdOf(followed.resource)];
  const { patients, at } = followed;
  if (patients === undefined || own === wanted) return resource;
  const theirs = await checkRecord(store, followed.provider, patients.theirs, at);
  const ours = await checkRecord(store, provider, patients.ours, at);
  if (!isPatient(theirs, wanted) || !isPatient(ours, own))
    throw new LedgerError('INVALID', 'are not the Patients of both records', at);
  const isSame = shareIdentifier(ours.anchored.resource, theirs.anchored.resource);
  return isSame ? { ...resource, subject: { reference: `Patient/${wanted}` } } : resource;
}

const isPatient = ({ anchored: { id, resource } }: ShownRecord, wanted: string | undefined): boolean =>
  resource.resourceType === 'Patient' && id === wanted;
