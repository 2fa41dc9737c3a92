/**
 * What the custodian shows to have a delivery looked at again, or delivered anew: the texts of the access and of the request
 * that it began with, and the holder's records as they stand.
 */
import { isEmergency } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { rootOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import {
  ACCESS_STEPS,
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  MAX_DELIVERED,
  type OutputOf,
  type PrivateOf,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { anchoredText, groundsShown, NO_GROUNDS } from './decision.ts';
import { criticalFirst } from './emergency.ts';
import { patientShown } from './patient.ts';

type Shown = PrivateOf<'ReviewDelivery'>;
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

/** Has delivered anew what may be shown still of a delivery that was withdrawn. */
export async function deliveredAgain(id: string, state: AccessState, { index, ledger }: Sides): Promise<void> {
  const shown = await shownAgain(state, index, (patient, request) => thereThen(index, state, patient, request));
  const { id: previous, holder } = state;
  await ledger.submit('DeliverAgain', { id, holder }, { ...shown, previous, salt: newSalt() }, AS_SYSTEM);
}

async function shownAgain(
  state: AccessState,
  index: ReadModel,
  recordsOf: (patient: string, request: AccessRequest) => Promise<Named[]>,
): Promise<Shown> {
  const { requestor, holder } = state;
  const inbox = collections.inbox(requestor);
  const [text, step] = await Promise.all([
    anchoredText(index, inbox, privateKeys.request(rootOf(state))),
    anchoredText(index, inbox, privateKeys.access(state.id, ACCESS_STEPS[state.status])),
  ]);
  const request = accessRequestSchema.parse(JSON.parse(text));
  const common = { requestor, request: text, state: step };
  const patient = await patientShown(state, index);
  if (patient === undefined) return { ...common, ...NO_GROUNDS };
  const found = await recordsOf(patient, request);
  return { ...common, ...(await groundsShown(index, { requestor, holder }, request, { patient, found })) };
}

/** What was delivered, as far as it is there and the patient's; in an emergency the Patient is shown apart. */
async function standing(index: ReadModel, { holder }: AccessState, delivered: Named[], patient: string) {
  const found: Named[] = [];
  for (const { type, id } of delivered) {
    const row = await index.newestRow(type, id);
    if (row?.collection === collections.care(holder) && row.patient === patient) found.push({ type, id });
  }
  return found;
}

/** Of what was asked for what was there when it was first delivered: what was recorded later is another request's. */
async function thereThen(index: ReadModel, state: AccessState, patient: string, request: AccessRequest) {
  const care = collections.care(state.holder);
  const found = isEmergency(request)
    ? await criticalFirst(index, care, patient, request.types)
    : await index.recordsOfPatient(care, patient, request.types, MAX_DELIVERED);
  const then = await firstDelivered(index, state);
  const there = await index.delivered.thereBy(
    care,
    found.map(({ id }) => id),
    then,
  );
  return found.filter(({ id }) => there.has(id));
}

/** When the delivery that it goes on from was decided; ISO 8601 UTC. */
async function firstDelivered(index: ReadModel, state: AccessState): Promise<string> {
  const row = state.root === undefined ? undefined : await index.state('access', state.root);
  const first = row === undefined ? state : accessStateSchema.parse(JSON.parse(row.value));
  return first.decidedAt ?? first.requestedAt;
}
