/**
 * Access to records across organisations. A request and its decision are two transactions, because only the
 * custodian's client may make the holder's peer read content; the decision delivers copies as it is taken.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { Caller } from '../ledger/caller.ts';
import { checkPresented, type ShownRecord } from '../ledger/evidence.ts';
import { isMarkedErased } from '../ledger/marks.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { Copies } from '../model/sheets.ts';
import { userSchema } from '../model/texts.ts';
import type { OutputOf } from '../model/transactions.ts';
import {
  ACCESS_STEPS,
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
} from '../model/values.ts';
import { consentsBehind, type Delivery, decideDelivery, type PurgeReason, purgeReason } from '../rules/access.ts';
import type { AccessFacts } from '../rules/consents.ts';
import { consentsInForce, endOfConsent } from './consent-directory.ts';
import { checkHeldRecords, checkPatient } from './held-records.ts';

export class Access extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('access');
    this.#consortium = consortium;
  }

  RequestAccess(ctx: Context, argument: string): Promise<string> {
    return run('RequestAccess', this.#consortium, ctx, argument, requestAccess);
  }

  DecideAccess(ctx: Context, argument: string): Promise<string> {
    return run('DecideAccess', this.#consortium, ctx, argument, decideAccess);
  }

  PurgeCopies(ctx: Context, argument: string): Promise<string> {
    return run('PurgeCopies', this.#consortium, ctx, argument, purgeCopies);
  }

  ReportPurge(ctx: Context, argument: string): Promise<string> {
    return run('ReportPurge', this.#consortium, ctx, argument, reportPurge);
  }
}

type Done = OutputOf<'RequestAccess'>;

async function requestAccess(call: Call<'RequestAccess'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { name: requestor } = caller.organisation;
  const request = checkedRequest(call);
  const holder = organisationByName(consortium, request.holder);
  if (holder?.kind !== 'provider' || holder.name === requestor)
    throw new LedgerError('INVALID', 'is no other provider of the consortium', 'private.request.holder');
  const inbox = collections.inbox(requestor);
  const state: AccessState = {
    schema: 1,
    id: input.id,
    requestor,
    holder: holder.name,
    custodian: custodianOf(consortium).name,
    purpose: request.purpose,
    status: 'requested',
    requestedAt: store.time,
    salt: sha256Hex(`access/${request.salt}`),
  };
  await store.putOnce(inbox, privateKeys.request(input.id), request, { expression: 'id' });
  await putStep(store, inbox, state);
  store.emit(events.AccessRequested, { id: input.id });
  return { time: store.time };
}

async function decideAccess(call: Call<'DecideAccess'>): Promise<Done> {
  const { input, store } = call;
  const { requestor, request: text, salt } = call.private;
  const inbox = collections.inbox(requestor);
  const current = await presentedStep(call, requestor, 'requested');
  const key = privateKeys.request(input.id);
  const request = await checkPresented(store, inbox, key, text, accessRequestSchema, 'private.request');
  const { delivery, records } = await decide(call, current, request);
  const decided: AccessState = {
    ...current,
    ...outcomeOf(delivery),
    decidedAt: store.time,
    salt: sha256Hex(`decided/${salt}`),
  };
  if (delivery.outcome === 'permit') {
    const delivered = delivery.permitted.map((index) => records[index]!);
    putCopies(call, current, delivered, delivery.expiresAt);
  }
  await putStep(store, inbox, decided);
  await putStep(store, collections.care(input.holder), decided);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

function outcomeOf(
  delivery: Delivery,
): Pick<AccessState, 'status' | 'consent' | 'furtherConsents' | 'expiresAt' | 'reason'> {
  const { consent } = delivery;
  const named = consent === undefined ? {} : { consent };
  if (delivery.outcome === 'deny') return { status: 'refused', ...named, reason: delivery.reason };
  const { furtherConsents, expiresAt } = delivery;
  return { status: 'granted', ...named, ...(furtherConsents.length === 0 ? {} : { furtherConsents }), expiresAt };
}

async function purgeCopies(call: Call<'PurgeCopies'>): Promise<Done> {
  const { input, store } = call;
  const current = await presentedStep(call, input.requestor, 'granted');
  const reason = (await reasonOfErasure(call)) ?? (await reasonOfEnd(call, current));
  if (reason === undefined) throw new LedgerError('CONFLICT', 'the consent is in force', 'id');
  const inbox = collections.inbox(input.requestor);
  const key = privateKeys.copies(input.id);
  if ((await store.anchor(inbox, key)) === undefined) throw new LedgerError('NOT_FOUND', 'no such copies', 'id');
  store.purge(inbox, key);
  const salt = sha256Hex(`purged/${call.private.salt}`);
  await putStep(store, inbox, { ...current, status: 'purged', purgedAt: store.time, reason, salt });
  store.emit(events.CopiesPurged, { id: input.id });
  return { time: store.time };
}

/** Why delivered copies go whatever their consents say: the custodian, who holds them too, names an erased record of theirs. */
async function reasonOfErasure({ store, private: { erased } }: Call<'PurgeCopies'>): Promise<PurgeReason | undefined> {
  return erased !== undefined && (await isMarkedErased(store, erased)) ? 'record-erased' : undefined;
}

async function reasonOfEnd({ store }: Call<'PurgeCopies'>, state: AccessState): Promise<PurgeReason | undefined> {
  const ends = await Promise.all(consentsBehind(state).map((consent) => endOfConsent(store, state.holder, consent)));
  return purgeReason(state, ends, store.time);
}

async function reportPurge(call: Call<'ReportPurge'>): Promise<Done> {
  const { input, store } = call;
  const purged = await presentedStep(call, input.requestor, 'purged');
  await putStep(store, collections.care(input.holder), purged);
  store.emit(events.CopiesPurged, { id: input.id });
  return { time: store.time };
}

/** Each step is a key of its own, written once. */
const putStep = (store: Store, collection: string, state: AccessState): Promise<void> =>
  store.putOnce(collection, privateKeys.access(state.id, ACCESS_STEPS[state.status]), state, { expression: 'id' });

/** The request as it is anchored. Who asks comes from the certificate; a request may only repeat it. */
function checkedRequest({ input, caller, private: { request } }: Call<'RequestAccess'>): AccessRequest {
  if (request.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the argument', 'private.request.id');
  const practitioner = practitionerOf(caller);
  if (request.practitioner !== undefined && request.practitioner !== practitioner)
    throw new LedgerError('FORBIDDEN', 'is not who calls', 'private.request.practitioner');
  return practitioner === undefined ? request : { ...request, practitioner };
}

/**
 * Whom the requestor's organisation certified, as its certificate names him. What cannot stand in a request is refused
 * before it is written: nobody could read that request again.
 */
function practitionerOf({ role, fhirUser }: Caller): string | undefined {
  if (role !== 'practitioner' || fhirUser === undefined) return undefined;
  if (!userSchema.safeParse(fhirUser).success)
    throw new LedgerError('FORBIDDEN', "the certificate's fhirUser names nobody");
  return fhirUser;
}

/**
 * The step of an access that was shown, exactly as the requestor's inbox holds it. Works on every peer.
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT where the access stands at another step
 */
async function presentedStep(
  { input, caller, store, private: { state: text } }: Call<'DecideAccess' | 'PurgeCopies' | 'ReportPurge'>,
  requestor: string,
  status: AccessState['status'],
): Promise<AccessState> {
  const inbox = collections.inbox(requestor);
  const key = privateKeys.access(input.id, ACCESS_STEPS[status]);
  const state = await checkPresented(store, inbox, key, text, accessStateSchema, 'private.state');
  if (state.custodian !== caller.organisation.name)
    throw new LedgerError('FORBIDDEN', 'another custodian decides', 'id');
  if (state.holder !== input.holder) throw new LedgerError('INVALID', 'is not the holder asked', 'holder');
  if (state.status !== status) throw new LedgerError('CONFLICT', `the request is ${state.status}`, 'id');
  return state;
}

async function decide(
  { input, store, private: named }: Call<'DecideAccess'>,
  state: AccessState,
  request: AccessRequest,
): Promise<{ delivery: Delivery; records: ShownRecord[] }> {
  if (named.patient === undefined) return { delivery: { outcome: 'deny', reason: 'patient-unknown' }, records: [] };
  const { anchored: patient } = await checkPatient(store, input.holder, named.patient, request);
  const records = await checkHeldRecords(store, input.holder, patient.id, named.records, request);
  const consents = await consentsInForce(store, input.holder, patient.id, named.directory, named.consents);
  const resources = records.map(({ anchored }) => anchored.resource);
  const asked = requestFacts(state, request);
  return { delivery: decideDelivery(consents, asked, patient.resource, resources, store.time), records };
}

const requestFacts = ({ requestor, holder, purpose }: AccessState, { practitioner }: AccessRequest): AccessFacts => ({
  organisation: requestor,
  holder,
  practitioner,
  role: practitioner === undefined ? 'system' : 'practitioner',
  purpose,
});

function putCopies(
  { input, store, private: { salt } }: Call<'DecideAccess'>,
  { requestor }: AccessState,
  records: readonly ShownRecord[],
  expiresAt: string,
): void {
  const copies: Copies = {
    schema: 1,
    accessId: input.id,
    holder: input.holder,
    deliveredAt: store.time,
    expiresAt,
    salt: sha256Hex(`copies/${salt}`),
    records: records.map(({ evidence }) => evidence),
  };
  store.putPrivate(collections.inbox(requestor), privateKeys.copies(input.id), copies);
}
