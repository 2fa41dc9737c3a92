/** What a request for access says, and who may ask so: what is refused here never waits for anybody's decision. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../ledger/caller.ts';
import { checkDistinct, forEachOf } from '../ledger/several.ts';
import type { Call } from '../ledger/transaction.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { MAX_STATE_LENGTH } from '../model/decision-shape.ts';
import { isEmergencyPurpose } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { coversPurpose, mayAskFor, PURPOSES_OF_KIND } from '../model/purposes.ts';
import { userSchema } from '../model/texts.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { AccessRequest, AccessState } from '../model/values.ts';
import { waitRefusal } from '../model/waiting.ts';
import { putStep } from './access-steps.ts';

type Done = OutputOf<'RequestAccess'>;

export async function requestAccess(call: Call<'RequestAccess'>): Promise<Done> {
  await putRequest(call);
  call.store.emit(events.AccessRequested, { id: call.input.id });
  return { time: call.store.time };
}

/** Each is what it would be by itself; one that is not taken is named by its place, and nothing is written. */
export async function requestAccesses(call: Call<'RequestAccesses'>): Promise<Done> {
  const { store } = call;
  const { requests } = call.private;
  const ids = requests.map(({ id }) => id);
  checkDistinct(ids, REQUESTS);
  await forEachOf(requests, REQUESTS, (request) =>
    putRequest({ ...call, input: { id: request.id }, private: { request } }),
  );
  store.emit(events.AccessRequested, { ids });
  return { time: store.time };
}

const REQUESTS = { list: 'private.requests', item: 'private.request' };

async function putRequest(call: Call<'RequestAccess'>): Promise<void> {
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
    ...(request.waitUntil === undefined ? {} : { waitUntil: request.waitUntil }),
    salt: sha256Hex(`access/${request.salt}`),
  };
  await store.putOnce(inbox, privateKeys.request(input.id), request, { expression: 'id' });
  await putStep(store, inbox, state);
}

/** The request as it is anchored. Who asks comes from the certificate; a request may only repeat it. */
function checkedRequest({ input, caller, store, private: { request } }: Call<'RequestAccess'>): AccessRequest {
  if (request.id !== input.id) throw new LedgerError('INVALID', 'is not the id of the argument', 'private.request.id');
  const practitioner = practitionerOf(caller);
  if (request.practitioner !== undefined && request.practitioner !== practitioner)
    throw new LedgerError('FORBIDDEN', 'is not who calls', 'private.request.practitioner');
  if (request.role !== undefined && request.role !== caller.role)
    throw new LedgerError('FORBIDDEN', 'is not who calls', 'private.request.role');
  checkPurpose(caller, request.purpose);
  checkEmergency(caller, request);
  checkWait(request, store.time);
  checkOverview(caller, request);
  const asked = { ...request, role: caller.role as NonNullable<AccessRequest['role']> };
  return shownAgain(practitioner === undefined ? asked : { ...asked, practitioner });
}

/** A request that is too long to be shown again could never be decided. */
function shownAgain(request: AccessRequest): AccessRequest {
  if (canonicalJson(request).length <= MAX_STATE_LENGTH) return request;
  throw new LedgerError('INVALID', `is longer than ${MAX_STATE_LENGTH} characters`, 'private.request');
}

/** Which kind of organisation may ask for what is a table: a payer is not asked in whose treatment it has a part. */
function checkPurpose({ organisation: { kind } }: Caller, purpose: string): void {
  if (mayAskFor(kind, purpose)) return;
  const allowed = PURPOSES_OF_KIND[kind] ?? [];
  throw new LedgerError(
    'FORBIDDEN',
    `a ${kind} asks for ${allowed.join(', ')} or a purpose that is a kind of it, and not for ${purpose}`,
    'private.request.purpose',
  );
}

/**
 * Whom the requestor's organisation certified, as its certificate names him: a practitioner, or whom a system acts for. What
 * cannot stand in a request is refused before it is written: nobody could read that request again.
 */
function practitionerOf({ fhirUser }: Caller): string | undefined {
  if (fhirUser === undefined) return undefined;
  if (!userSchema.safeParse(fhirUser).success)
    throw new LedgerError('FORBIDDEN', "the certificate's fhirUser names nobody");
  return fhirUser;
}

/** Breaking the glass is a practitioner's, who says who he is and why. */
function checkEmergency({ organisation, role, fhirUser }: Caller, { purpose, reason }: AccessRequest): void {
  if (!isEmergencyPurpose(purpose)) {
    if (reason === undefined) return;
    throw new LedgerError('INVALID', 'a reason is of an emergency', 'private.request.reason');
  }
  if (organisation.kind !== 'provider' || role !== 'practitioner' || fhirUser === undefined)
    throw new LedgerError('FORBIDDEN', 'an emergency is a practitioner’s, who is named', 'private.request.purpose');
  if (reason === undefined)
    throw new LedgerError('INVALID', 'an emergency needs a written reason', 'private.request.reason');
}

/** Who holds what is a question of whoever treats her, by name. */
function checkOverview({ organisation, role, fhirUser }: Caller, { overview, purpose }: AccessRequest): void {
  if (overview === undefined) return;
  if (organisation.kind !== 'provider' || role !== 'practitioner' || fhirUser === undefined)
    throw new LedgerError(
      'FORBIDDEN',
      'who holds what is asked by a practitioner, who is named',
      'private.request.overview',
    );
  if (isEmergencyPurpose(purpose) || !coversPurpose('TREAT', purpose))
    throw new LedgerError('INVALID', 'who holds what is asked for a treatment', 'private.request.purpose');
}

/** An emergency waits for nobody. */
function checkWait({ waitUntil, purpose }: AccessRequest, now: string): void {
  if (waitUntil === undefined) return;
  const refusal = isEmergencyPurpose(purpose) ? 'an emergency does not wait' : waitRefusal(waitUntil, now);
  if (refusal !== undefined) throw new LedgerError('INVALID', refusal, 'private.request.waitUntil');
}
