/**
 * What the custodian does about a request for an emergency: asks its own peer what comes of it, opens a review, and has the
 * glass broken with the holder or else the requestor. No step of it waits for one particular other organisation.
 */
import { REVIEW_STEPS } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type AccessRequest,
  type AccessState,
  type InputOf,
  MAX_DELIVERED,
  type PrivateOf,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { licenceNaming } from '../registers/licence-shown.ts';
import type { Services } from '../services.ts';
import { anchoredText, groundsShown, NO_GROUNDS } from './decision.ts';
import { patientShown } from './patient.ts';
import { refuse } from './refusals.ts';

type Sides = Pick<Services, 'index' | 'ledger' | 'refusals' | 'refusalsEveryMs'>;
type Evaluated = PrivateOf<'EvaluateEmergency'>;

/** What is shown first where not all of a patient's records fit: allergies, problems, medication. */
const CRITICAL = ['AllergyIntolerance', 'Condition', 'MedicationStatement', 'MedicationRequest'];
/** Beside the Patient. */
const MOST_RECORDS = MAX_DELIVERED - 1;

/** @throws what the decision lacks: it is to be tried again */
export async function emergencyDecided(state: AccessState, request: AccessRequest, sides: Sides): Promise<void> {
  const { index, ledger } = sides;
  const { id, requestor, holder } = state;
  const parties = { id, requestor, holder };
  const shown = await shownFor(state, request, index);
  const {
    outcome,
    reason,
    consent,
    permitted = [],
    until,
  } = await ledger.evaluate('EvaluateEmergency', parties, {
    private: shown,
  });
  if (outcome === 'deny') return refuse(state, { reason: reason ?? 'consent-absent', consent }, sides);
  const delivered = permitted.flatMap((place) => shown.records[place] ?? []);
  await breakGlass(parties, { ...shown, records: delivered, until }, sides);
}

/** Opens the review, where an earlier try has not, and delivers. */
async function breakGlass(
  parties: InputOf<'BreakGlass'>,
  shown: Evaluated & { until: string | undefined },
  { index, ledger }: Sides,
): Promise<void> {
  const { request, state, licence, patient, records, until } = shown;
  if (licence === undefined || patient === undefined) throw new Error('a permission without a licence or a patient');
  const key = privateKeys.review(parties.id, REVIEW_STEPS.opened);
  const asked = { request, state, licence };
  if (!(await index.evidence.isWritten(collections.reviews, key)))
    await ledger.submit('OpenReview', parties, { ...asked, salt: newSalt() }, AS_SYSTEM);
  const review = await anchoredText(index, collections.reviews, key);
  const delivered = { patient, records, ...(until === undefined ? {} : { until }) };
  await ledger.submit('BreakGlass', parties, { ...asked, review, ...delivered, salt: newSalt() }, AS_SYSTEM);
}

/** The private input of EvaluateEmergency: what is here now is shown, nothing that is on its way is waited for. */
async function shownFor(state: AccessState, request: AccessRequest, index: ReadModel): Promise<Evaluated> {
  const inbox = collections.inbox(state.requestor);
  const care = collections.care(state.holder);
  const common = {
    request: await anchoredText(index, inbox, privateKeys.request(state.id)),
    state: await anchoredText(index, inbox, privateKeys.access(state.id, 1)),
    ...(await licenceNaming(index, { organisation: state.requestor, practitioner: request.practitioner ?? '' })),
  };
  const patient = await patientShown(state, index);
  if (patient === undefined) return { ...common, ...NO_GROUNDS };
  const found = await criticalFirst(index, care, patient, request.types);
  return { ...common, ...(await groundsShown(index, state, request, { patient, found })) };
}

/** The newest of a patient's records, what is critical before all others. The Patient goes apart. */
export async function criticalFirst(index: ReadModel, care: string, patient: string, types: string[]) {
  const critical = types.length === 0 ? CRITICAL : CRITICAL.filter((type) => types.includes(type));
  const first = critical.length === 0 ? [] : await index.recordsOfPatient(care, patient, critical, MOST_RECORDS);
  const others = await index.recordsOfPatient(care, patient, types, MAX_DELIVERED);
  const all = [...first, ...others].filter(({ type }) => type !== 'Patient');
  return [...new Map(all.map((record) => [record.id, record])).values()].slice(0, MOST_RECORDS);
}
