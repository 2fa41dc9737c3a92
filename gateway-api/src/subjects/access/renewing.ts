/**
 * What the custodian shows to have a delivery looked at again, or delivered anew: the texts of the access and of the request
 * that it began with, and the holder's records as they stand.
 */
import { companionTypes } from '@telemed-ledger/chaincode/model/companions.ts';
import { isWithin, partOf, restOf, sameOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { isEmergency } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { rootOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import {
  ACCESS_STEPS,
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  type OutputOf,
  type PrivateOf,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import { IntegrityFailure } from '../../http/failures.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { filledFrom, patientIn, toldOf } from './deciding.ts';
import { anchoredText, groundsShown, NO_GROUNDS, type Shown, shownAbout, stepOf } from './decision.ts';
import { restrictedIn } from './emergency.ts';
import { patientShown } from './patient.ts';

type Reviewed = PrivateOf<'ReviewDelivery'>;
type Sides = Pick<Services, 'index' | 'ledger'>;
interface Named {
  type: string;
  id: string;
}

/** What is to become of a delivery, as the ledger's rules say. @throws {Failure} 503 while something has not arrived here */
export async function reviewed(state: AccessState, { index, ledger }: Sides): Promise<OutputOf<'ReviewDelivery'>> {
  const delivered = await index.deliveries.recordsOf(state.id);
  const shown = await shownAgain(state, index, (patient, request) =>
    standing(
      index,
      state,
      isEmergency(request) ? delivered.filter(({ type }) => type !== 'Patient') : delivered,
      patient,
    ),
  );
  const { id, holder } = state;
  return ledger.evaluate('ReviewDelivery', { id, holder }, { private: shown });
}

/** Whether something of a delivery that is to go may be shown still. It goes in any case: where that is not known, perhaps. */
export async function goesOn(state: AccessState, sides: Sides): Promise<{ goesOn?: true }> {
  try {
    return (await reviewed(state, sides)).goesOn ? { goesOn: true } : {};
  } catch (error) {
    if (error instanceof DatabaseLost) throw error;
    return { goesOn: true };
  }
}

/** Has the copies of an access purged, and says whether something of them may be shown still. */
export async function withdrawn(
  state: AccessState,
  why: Pick<PrivateOf<'PurgeCopies'>, 'withdraw' | 'goesOn' | 'erased'>,
  { index, ledger }: Sides,
): Promise<void> {
  const { id, requestor, holder } = state;
  const shown = { state: await stepOf(state, ACCESS_STEPS.granted, index), salt: newSalt(), ...why };
  await ledger.submit('PurgeCopies', { id, requestor, holder }, shown, AS_SYSTEM);
}

/** Has delivered anew what may be shown still of a delivery that was withdrawn. */
export const deliveredAgain = (id: string, state: AccessState, sides: Sides): Promise<void> =>
  delivered(state, 'again', sides, async (shown) => {
    const { id: previous, holder } = state;
    await sides.ledger.submit('DeliverAgain', { id, holder }, { ...shown, previous, salt: newSalt() }, AS_SYSTEM);
  });

/** Has delivered what comes behind a delivery, whatever became of that since. */
export const deliveredFurther = (id: string, state: AccessState, sides: Sides): Promise<void> =>
  delivered(state, 'further', sides, async (shown) => {
    const { id: previous, holder } = state;
    await sides.ledger.submit('DeliverFurther', { id, holder }, { ...shown, previous, salt: newSalt() }, AS_SYSTEM);
  });

type Delivery = Omit<PrivateOf<'DeliverFurther'>, 'previous' | 'salt'>;

/** Fills the part and has it delivered; where nothing may be shown, it shows a record that says why. */
async function delivered(
  state: AccessState,
  going: 'further' | 'again',
  { index, ledger }: Sides,
  submit: (shown: Delivery) => Promise<void>,
): Promise<void> {
  const { id, holder, decidedAt = '', purgedAt = '' } = state;
  const shown = await shownOf(state, going, index);
  const since = going === 'further' ? decidedAt : purgedAt;
  // In an emergency the Patient goes with the first part.
  const isFirst = going === 'again' && partOf(state) === 1 && isEmergency(shown.request);
  const apart = isFirst ? patientIn(shown.grounds) : {};
  const part = await filledFrom(shown, { index, holder, since, ...apart }, (records, companions) =>
    ledger.evaluate('EvaluateAgain', { id, holder }, { private: { ...shown.grounds, records, companions, going } }),
  );
  const { companions, refusal, withheld } = part;
  const isRefused = part.records.length === 0 && refusal?.record !== undefined;
  const told = isEmergency(shown.request) ? restrictedIn(part) : {};
  const records = isRefused ? [refusal.record!] : part.records;
  await submit({ ...shown.grounds, records, companions, ...toldOf(part), ...told, withheld });
}

/** The grounds of such a part, and of what was asked for what it is about: what was there when it was first delivered. */
async function shownOf(state: AccessState, going: 'further' | 'again', index: ReadModel): Promise<Shown> {
  const { text, request } = await requestOf(state, index);
  const step = going === 'further' ? ACCESS_STEPS.granted : ACCESS_STEPS[state.status];
  const common = { requestor: state.requestor, request: text, state: await stepOf(state, step, index) };
  const shown = await shownAbout(state, request, common, index);
  const { stretch = {} } = going === 'further' ? restOf(state) : sameOf(state);
  const then = await firstDelivered(state, index);
  const isApart = (type: string) => type === 'Patient' && isEmergency(request);
  const candidates = shown.candidates.filter(
    ({ type, place, since }) => since < then && isWithin(place, stretch) && !isApart(type),
  );
  return { ...shown, candidates };
}

async function requestOf(state: AccessState, index: ReadModel): Promise<{ text: string; request: AccessRequest }> {
  const text = await anchoredText(index, collections.inbox(state.requestor), privateKeys.request(rootOf(state)));
  return { text, request: accessRequestSchema.parse(JSON.parse(text)) };
}

async function shownAgain(
  state: AccessState,
  index: ReadModel,
  recordsOf: (patient: string, request: AccessRequest) => Promise<Standing>,
): Promise<Reviewed> {
  const { requestor, holder } = state;
  const { text, request } = await requestOf(state, index);
  const step = await stepOf(state, ACCESS_STEPS[state.status], index);
  const common = { requestor, request: text, state: step };
  const patient = await patientShown(state, index);
  if (patient === undefined) return { ...common, ...NO_GROUNDS };
  const { found, companions } = await recordsOf(patient, request);
  return { ...common, ...(await groundsShown(index, { requestor, holder }, request, { patient, found })), companions };
}

/** What was delivered, as it stands. */
interface Standing {
  found: Named[];
  companions: RecordEvidence[];
}

/**
 * The same as far as it is there and the patient's, or goes with what is; in an emergency the Patient is shown apart. A companion
 * that nothing refers to any more is left to the rule.
 */
async function standing(
  index: ReadModel,
  { holder }: AccessState,
  delivered: Named[],
  patient: string,
): Promise<Standing> {
  const care = collections.care(holder);
  const found: Named[] = [];
  const companions: RecordEvidence[] = [];
  for (const { type, id } of delivered) {
    const row = await index.newestRow(type, id).catch(absentWhereDamaged);
    if (row?.collection !== care) continue;
    if (row.patient === patient) found.push({ type, id });
    else if (row.patient === null && companionTypes.includes(type)) companions.push(await index.evidence.ofRecord(row));
  }
  return { found, companions };
}

/** What is not as it was anchored counts as changed: the delivery is withdrawn, and delivered anew without it. */
function absentWhereDamaged(error: unknown): undefined {
  if (!(error instanceof IntegrityFailure)) throw error;
}

/** Where the first delivery on the request was decided, in the order of the ledger: no clock says what was there then. */
async function firstDelivered(state: AccessState, index: ReadModel): Promise<number> {
  const key = privateKeys.access(rootOf(state), ACCESS_STEPS.granted);
  const step = await index.privateValue(collections.inbox(state.requestor), key);
  return step?.sequence ?? Number.POSITIVE_INFINITY;
}
