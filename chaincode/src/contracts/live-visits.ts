/** Consultations among records: each step is held to when it takes place, with whom, and what its patient has agreed to. */
import { checkRecord } from '../ledger/evidence.ts';
import { licenceShown, loadRules } from '../ledger/register.ts';
import type { Call } from '../ledger/transaction.ts';
import { isConsultation } from '../model/consultations.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { isHeld, isLive, type VisitShown } from '../model/live-visits.ts';
import type { LicenceState } from '../model/values.ts';
import { VISIT_REFUSALS, visitRefusal } from '../rules/live-visits.ts';
import { standingConsent } from './consent-directory.ts';
import { previousOf, type Recorded, type Recording, withShown } from './following.ts';

type Visiting = Call<'RecordVersions'> & Recording;

/**
 * Holds the consultations among these records to their next step.
 * @throws LedgerError CONFLICT by the name of the rule; INVALID, NOT_FOUND where what is shown is not what it rests on
 */
export async function holdVisits(call: Visiting, entries: readonly Recorded[]): Promise<void> {
  for (const { entry, shown, root } of withShown(entries, 'Encounter', 'visits', call.private.visits))
    await holdVisit(call, entry, shown, root);
}

async function holdVisit(call: Visiting, entry: Recorded, shown: VisitShown | undefined, root: string): Promise<void> {
  const { draft, resource: visit, at } = entry;
  if (!isConsultation(visit) || draft.deleted !== undefined) return;
  if (draft.version === 1 && !isLive(visit) && !isHeld(visit)) return;
  if (shown === undefined && (draft.version > 1 || isLive(visit)))
    throw new LedgerError('INVALID', 'does not show what the visit rests on', `${at}.resource.status`);
  const before = await previousOf(call, entry, shown?.previous, root);
  const previous = before?.deleted === undefined ? before?.resource : undefined;
  const { store, provider } = call;
  const patient = await patientIn(call, visit, shown, root);
  const consent = shown?.consent && (await standingConsent(store, provider, shown.consent));
  const licences = await licencesIn(call, shown);
  const since = isHeld(visit) ? (await loadRules(store)).telehealthSince : undefined;
  const reason = visitRefusal({ visit, previous, now: store.time, since, provider, patient, consent, licences });
  if (reason !== undefined) throw new LedgerError('CONFLICT', `${reason}: ${VISIT_REFUSALS[reason]}`, `${at}.resource`);
}

/** The Patient whom the visit is with, as she is recorded now. */
async function patientIn(
  { provider, store }: Visiting,
  visit: Resource,
  { patient }: Partial<VisitShown> = {},
  root: string,
): Promise<Resource | undefined> {
  if (patient === undefined) return undefined;
  const { anchored } = await checkRecord(store, provider, patient, `${root}.patient`);
  if (anchored.resource.resourceType !== 'Patient' || anchored.id !== patientIdOf(visit))
    throw new LedgerError('INVALID', 'is not the patient of the visit', `${root}.patient`);
  return anchored.resource;
}

async function licencesIn(
  { store }: Visiting,
  { licences = [] }: Partial<VisitShown> = {},
): Promise<Map<string, LicenceState>> {
  const found = new Map<string, LicenceState>();
  for (const { practitioner, licence } of licences) {
    const held = await licenceShown(store, licence);
    if (held !== undefined) found.set(practitioner, held);
  }
  return found;
}
