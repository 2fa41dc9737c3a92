/**
 * What a decision about access rests on: who asks, the holder's records that are shown, and the patient's consents for them
 * as they stand.
 */
import { checkRecord, type ShownRecord } from '../ledger/evidence.ts';
import { loadRules } from '../ledger/register.ts';
import type { Store } from '../ledger/store.ts';
import { isEmergencyPurpose } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import type { Narrowing } from '../model/narrowing.ts';
import type { PrivateOf } from '../model/transactions.ts';
import type { AccessRequest, AccessState } from '../model/values.ts';
import type { Considered } from '../rules/access.ts';
import type { AccessFacts, LedgerConsent } from '../rules/consents.ts';
import type { EmergencyFacts } from '../rules/emergencies.ts';
import { consentsInForce } from './consent-directory.ts';
import { checkCompanions, checkContext, checkHeldRecords, checkPatient } from './held-records.ts';

/** What is shown of it. */
type Shown = Omit<PrivateOf<'EvaluateAccess'>, 'requestor' | 'request' | 'state'>;

export interface Grounds {
  who: EmergencyFacts;
  consents: LedgerConsent[];
  considered: Considered;
  patient: ShownRecord;
  records: ShownRecord[];
  companions: ShownRecord[];
}

/** Between whom, and for what. */
type Parties = Pick<AccessState, 'requestor' | 'holder' | 'purpose'>;
/** Who asks, and for what records. */
type Asking = Pick<AccessRequest, 'practitioner' | 'role'> & Narrowing;

/** Undefined where the holder does not know the patient. @throws LedgerError where what was shown is not what stands there */
export async function groundsOf(
  store: Store,
  state: Parties & Pick<AccessState, 'patient'>,
  request: AccessRequest,
  shown: Shown,
): Promise<Grounds | undefined> {
  if (shown.patient === undefined) return undefined;
  const patient = await checkPatient(store, state.holder, shown.patient, request, state.patient);
  return groundsAbout(store, patient, state, request, shown);
}

/** The same of a patient who is known. @throws LedgerError */
export async function groundsAbout(
  store: Store,
  patient: ShownRecord,
  parties: Parties,
  request: Asking,
  shown: Omit<Shown, 'patient'>,
): Promise<Grounds> {
  const { holder } = parties;
  const { id } = patient.anchored;
  const { isShownRestricted, ...law } = await lawOf(store, parties);
  const records = await checkHeldRecords(store, holder, id, shown.records, request, isShownRestricted);
  const companions = await checkCompanions(store, holder, shown.companions);
  const context = await checkContext(store, holder, id, shown.context ?? []);
  const consents = await consentsInForce(store, holder, id, shown.directory, shown.consents);
  const identifiers = await identifiersOf(store, request, parties, shown);
  const who = { ...requestFacts(parties, request), ...law, identifiers };
  const resources = records.map(({ anchored }) => anchored.resource);
  return {
    ...{ who, consents, patient, records, companions },
    considered: {
      ...{ patient: patient.anchored.resource, records: resources, context },
      companions: companions.map(({ anchored }) => anchored.resource),
    },
  };
}

/** What the consortium's rules say of an emergency; nothing else depends on them. */
async function lawOf(
  store: Store,
  { purpose }: Parties,
): Promise<Pick<EmergencyFacts, 'denialStopsBreakGlass'> & { isShownRestricted?: boolean }> {
  if (!isEmergencyPurpose(purpose)) return {};
  const { denialStopsBreakGlass, restrictedInEmergencies = false } = await loadRules(store);
  return { denialStopsBreakGlass, isShownRestricted: restrictedInEmergencies };
}

/** In an emergency the Patient goes with the records, once. */
export const withPatient = (patient: ShownRecord, records: readonly ShownRecord[]): ShownRecord[] => [
  patient,
  ...records.filter(({ evidence }) => evidence.id !== patient.evidence.id),
];

/** A practitioner who does not say who he is is none: neither he nor a system may pass for the other. */
const requestFacts = (
  { requestor, holder, purpose }: Parties,
  { practitioner, role }: Omit<Asking, 'types'>,
): AccessFacts => ({
  organisation: requestor,
  holder,
  practitioner,
  role: practitioner === undefined ? (role ?? 'unknown') : 'practitioner',
  purpose,
});

/** What the requestor's own record of the practitioner who asks has; undefined where it is not shown. */
async function identifiersOf(
  store: Store,
  { practitioner }: Asking,
  { requestor }: Parties,
  { practitioner: evidence }: Pick<Shown, 'practitioner'>,
): Promise<AccessFacts['identifiers']> {
  if (evidence === undefined) return undefined;
  const place = 'private.practitioner';
  const { resource } = (await checkRecord(store, requestor, evidence, place)).anchored;
  if (`${resource.resourceType}/${resource.id}` !== practitioner)
    throw new LedgerError('INVALID', 'is not who asks', place);
  return [resource['identifier'] ?? []].flat() as NonNullable<AccessFacts['identifiers']>;
}
