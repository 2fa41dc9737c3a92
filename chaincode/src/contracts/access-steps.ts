/**
 * The steps of an access: each a key of its own, written once, and shown to the transaction that takes the next one. A
 * request, its decision, the end of what was delivered.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented, type ShownRecord } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { Account, DeliveryPlace, Withheld } from '../model/deliveries.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { Copies } from '../model/sheets.ts';
import {
  ACCESS_STEPS,
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  type ConsentVersion,
  NOT_PERMITTED,
} from '../model/values.ts';
import { restrictedAmong } from './held-records.ts';

/** What follows a request. */
type Later =
  | 'DecideAccess'
  | 'EvaluateAccess'
  | 'RefuseAccess'
  | 'PurgeCopies'
  | 'ReportAccess'
  | 'EvaluateEmergency'
  | 'OpenReview'
  | 'BreakGlass'
  | 'ReviewDelivery'
  | 'DeliverAgain'
  | 'DeliverFurther'
  | 'EvaluateAgain';

/** Writes a step where none is yet. @throws LedgerError CONFLICT at `id` */
export const putStep = (store: Store, collection: string, state: AccessState): Promise<void> =>
  store.putOnce(collection, privateKeys.access(state.id, ACCESS_STEPS[state.status]), state, { expression: 'id' });

/** A permission that came of a request. */
interface Permitted {
  consent?: ConsentVersion;
  furtherConsents: ConsentVersion[];
  expiresAt: string;
}

/** What its step says of that. */
export function outcomeOf({
  consent,
  furtherConsents,
  expiresAt,
}: Permitted): Pick<AccessState, 'status' | 'consent' | 'furtherConsents' | 'expiresAt'> {
  const named = consent === undefined ? {} : { consent };
  return { status: 'granted', ...named, ...(furtherConsents.length === 0 ? {} : { furtherConsents }), expiresAt };
}

/** Which companions go, where any does. */
export const companionsIn = ({ companions }: { companions: number[] }): { companions?: number[] } =>
  companions.length === 0 ? {} : { companions };

/** What every refusal says in the requestor's inbox. */
export const REFUSED = { status: 'refused', reason: NOT_PERMITTED } as const;

/** What whoever has something delivered says of the part. */
interface ToldPart {
  through?: DeliveryPlace | undefined;
  unreadable?: true | undefined;
}

/**
 * The same as its step says it: how many records are delivered, and where the next part goes on.
 * @throws LedgerError INVALID where that is behind none of the records that are shown
 */
export function partOfStep(
  delivered: readonly ShownRecord[],
  shown: readonly ShownRecord[],
  { through, unreadable }: ToldPart,
  companions: readonly ShownRecord[] = [],
): Pick<AccessState, 'delivered' | 'companions' | 'through' | 'unreadable'> {
  if (through !== undefined && !shown.some(({ anchored: { id } }) => id === through.id))
    throw new LedgerError('INVALID', 'is none of the records shown', 'private.through');
  return {
    delivered: delivered.length,
    ...(companions.length === 0 ? {} : { companions: companions.length }),
    ...(through === undefined ? {} : { through }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

/**
 * What an emergency is told of what the patient has restricted: that it was shown all the same, as the marks say, or that something
 * is withheld, as the custodian says.
 */
export async function restrictionOf(
  store: Store,
  holder: string,
  delivered: readonly ShownRecord[],
  isWithheld: true | undefined,
): Promise<Pick<AccessState, 'restricted'>> {
  if ((await restrictedAmong(store, holder, delivered)).some(Boolean)) return { restricted: 'delivered' };
  return isWithheld === undefined ? {} : { restricted: 'withheld' };
}

/** Says to the holder what of a part was delivered, and what was not; nothing where the custodian does not say it. */
export async function putAccount(
  store: Store,
  { id, requestor, holder, delivered = 0 }: AccessState,
  withheld: Withheld | undefined,
  salt: string,
): Promise<void> {
  if (withheld === undefined) return;
  const account: Account = { schema: 1, id, requestor, delivered, withheld, salt: sha256Hex(`account/${salt}`) };
  await store.putOnce(collections.care(holder), privateKeys.account(id), account, { expression: 'id' });
}

/** Delivers, for as long and to whom the step says. */
export function putCopies(
  store: Store,
  { id, holder, requestor, purpose, audience, expiresAt = store.time }: AccessState,
  records: readonly ShownRecord[],
  salt: string,
): Promise<void> {
  const copies: Copies = {
    schema: 1,
    accessId: id,
    holder,
    deliveredAt: store.time,
    expiresAt,
    salt: sha256Hex(`copies/${salt}`),
    ...(audience === undefined ? {} : { audience, purpose }),
    records: records.map(({ evidence }) => evidence),
  };
  return store.putOnce(collections.inbox(requestor), privateKeys.copies(id), copies, { expression: 'id' });
}

/**
 * The step of an access that was shown, exactly as the requestor's inbox holds it. Works on every peer.
 * @param id of the access; that of the argument where nothing else is said
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT where the access stands at another step
 */
export async function presentedStep(
  { input, caller, store, private: { state: text } }: Call<Later>,
  requestor: string,
  status: AccessState['status'],
  id: string = input.id,
): Promise<AccessState> {
  const inbox = collections.inbox(requestor);
  const key = privateKeys.access(id, ACCESS_STEPS[status]);
  const state = await checkPresented(store, inbox, key, text, accessStateSchema, 'private.state');
  if (state.custodian !== caller.organisation.name)
    throw new LedgerError('FORBIDDEN', 'another custodian decides', 'id');
  if (state.holder !== input.holder) throw new LedgerError('INVALID', 'is not the holder asked', 'holder');
  if (state.status !== status) throw new LedgerError('CONFLICT', `the request is ${state.status}`, 'id');
  return state;
}

/** The request of an access that was shown, exactly as it is anchored. @throws LedgerError NOT_FOUND, INVALID */
export const presentedRequest = (
  store: Store,
  { id, requestor }: Pick<AccessState, 'id' | 'requestor'>,
  text: string,
): Promise<AccessRequest> =>
  checkPresented(
    store,
    collections.inbox(requestor),
    privateKeys.request(id),
    text,
    accessRequestSchema,
    'private.request',
  );

/** For whom something is delivered; not said of a request of earlier chaincode, which does not say who asked. */
export const audienceOf = ({ role, practitioner }: AccessRequest): Pick<AccessState, 'audience'> =>
  role === undefined ? {} : { audience: { role, ...(practitioner === undefined ? {} : { user: practitioner }) } };
