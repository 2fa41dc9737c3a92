/**
 * Access to records across organisations. A request and its decision are two transactions, because only the
 * custodian's client may make the holder's peer read content; the decision delivers copies as it is taken.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { all } from '@telemed-ledger/consortium/policies.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys, publicKeys } from '../model/keys.ts';
import {
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
  type Copy,
  consentStateSchema,
} from '../model/transactions.ts';
import { consentsBehind, type Delivery, decideDelivery, purgeReason } from '../rules/access.ts';
import type { AccessFacts } from '../rules/consents.ts';
import { activeConsents } from './consent-directory.ts';
import { type HeldRecord, loadPatient, loadRecords } from './held-records.ts';

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

  GetAccess(ctx: Context, argument: string): Promise<string> {
    return run('GetAccess', this.#consortium, ctx, argument, getAccess);
  }
}

async function requestAccess(call: Call<'RequestAccess'>): Promise<AccessState> {
  const { input, caller, consortium, store } = call;
  const { name: requestor } = caller.organisation;
  const request = checkedRequest(call);
  if ((await store.get(publicKeys.access(input.id), accessStateSchema)) !== undefined)
    throw new LedgerError('CONFLICT', 'a request with this id exists', 'id');
  const holder = organisationByName(consortium, input.holder);
  if (holder?.kind !== 'provider' || holder.name === requestor)
    throw new LedgerError('INVALID', 'is no other provider of the consortium', 'holder');
  const custodian = custodianOf(consortium);
  store.putPrivate(collections.inbox(requestor), privateKeys.request(input.id), request);
  const state: AccessState = {
    ...input,
    requestor,
    custodian: custodian.name,
    status: 'requested',
    requestedAt: store.time,
  };
  store.put(publicKeys.access(input.id), state, all(holder.mspId, custodian.mspId));
  store.emit(events.AccessRequested, state);
  return state;
}

async function decideAccess(call: Call<'DecideAccess'>): Promise<AccessState> {
  const { input, store } = call;
  const current = await loadState(call, 'requested');
  const inbox = collections.inbox(current.requestor);
  const key = privateKeys.request(input.id);
  const request = await checkPresented(store, inbox, key, call.private.request, accessRequestSchema, 'private.request');
  const { delivery, records } = await decide(call, current, request);
  const decided: AccessState = { ...current, status: 'refused', decidedAt: store.time };
  if (delivery.consent !== undefined) decided.consent = delivery.consent;
  if (delivery.outcome === 'permit') {
    decided.status = 'granted';
    if (delivery.furtherConsents.length > 0) decided.furtherConsents = delivery.furtherConsents;
    decided.expiresAt = delivery.expiresAt;
    for (const index of delivery.permitted) putCopy(call, current, records[index]!, delivery.expiresAt);
  } else decided.reason = delivery.reason;
  store.put(publicKeys.access(input.id), decided);
  store.emit(events.AccessDecided, decided);
  return decided;
}

async function purgeCopies(call: Call<'PurgeCopies'>): Promise<AccessState> {
  const { input, store } = call;
  const current = await loadState(call, 'granted');
  const consents = await Promise.all(
    consentsBehind(current).map(({ id }) => store.get(publicKeys.consent(id), consentStateSchema)),
  );
  const known = consents.filter((consent) => consent !== undefined);
  const reason = purgeReason(current, known, store.time);
  if (reason === undefined) throw new LedgerError('CONFLICT', 'the consent is in force', 'id');
  const inbox = collections.inbox(current.requestor);
  const ids = new Set(call.private.records);
  if (ids.size === 0) throw new LedgerError('INVALID', 'names no copy', 'private.records');
  for (const [index, id] of [...ids].entries()) {
    const key = privateKeys.copy(input.id, id);
    if ((await store.anchor(inbox, key)) === undefined)
      throw new LedgerError('NOT_FOUND', 'no such copy', `private.records[${index}]`);
    store.purge(inbox, key);
  }
  const state: AccessState = { ...current, status: 'purged', reason };
  store.put(publicKeys.access(input.id), state);
  store.emit(events.CopiesPurged, state);
  return state;
}

async function getAccess({ input, store }: Call<'GetAccess'>): Promise<AccessState> {
  const state = await store.get(publicKeys.access(input.id), accessStateSchema);
  if (state === undefined) throw new LedgerError('NOT_FOUND', 'no such request', 'id');
  return state;
}

/** The request as it is anchored. Who asks comes from the certificate; a request may only repeat it. */
function checkedRequest({ input, caller, private: { request } }: Call<'RequestAccess'>): AccessRequest {
  if (request.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the argument', 'private.request.id');
  if (request.purpose !== input.purpose)
    throw new LedgerError('INVALID', 'is not the purpose of the argument', 'private.request.purpose');
  const practitioner = caller.role === 'practitioner' ? caller.fhirUser : undefined;
  if (request.practitioner !== undefined && request.practitioner !== practitioner)
    throw new LedgerError('FORBIDDEN', 'is not who calls', 'private.request.practitioner');
  return practitioner === undefined ? request : { ...request, practitioner };
}

async function loadState(
  call: Call<'DecideAccess' | 'PurgeCopies'>,
  status: AccessState['status'],
): Promise<AccessState> {
  const { input, caller } = call;
  const state = await call.store.get(publicKeys.access(input.id), accessStateSchema);
  if (state === undefined) throw new LedgerError('NOT_FOUND', 'no such request', 'id');
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
): Promise<{ delivery: Delivery; records: HeldRecord[] }> {
  if (named.patient === undefined) return { delivery: { outcome: 'deny', reason: 'patient-unknown' }, records: [] };
  const patient = await loadPatient(store, input.holder, named.patient, request);
  const records = await loadRecords(store, input.holder, patient.id, named.records, request);
  const consents = await activeConsents(store, input.holder, patient.id);
  const resources = records.map(({ resource }) => resource);
  const asked = requestFacts(state, request);
  return { delivery: decideDelivery(consents, asked, patient.resource, resources, store.time), records };
}

const requestFacts = ({ requestor, purpose }: AccessState, { practitioner }: AccessRequest): AccessFacts => ({
  organisation: requestor,
  practitioner,
  role: practitioner === undefined ? 'system' : 'practitioner',
  purpose,
});

function putCopy(
  { input, store, private: { salt } }: Call<'DecideAccess'>,
  { requestor }: AccessState,
  record: HeldRecord,
  expiresAt: string,
): void {
  const copy: Copy = {
    accessId: input.id,
    holder: input.holder,
    deliveredAt: store.time,
    expiresAt,
    salt: sha256Hex(`copy/${salt}/${record.id}`),
    record: record.text,
  };
  store.putPrivate(collections.inbox(requestor), privateKeys.copy(input.id, record.id), copy);
}
