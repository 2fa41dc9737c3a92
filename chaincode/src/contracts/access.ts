/**
 * Access to records across organisations. A request and its decision are two transactions, because only the
 * custodian's client may make the holder's peer read content; the decision delivers copies as it is taken.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { Caller } from '../ledger/caller.ts';
import type { ShownRecord } from '../ledger/evidence.ts';
import { isMarkedErased } from '../ledger/marks.ts';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { MAX_STATE_LENGTH } from '../model/decision-shape.ts';
import { isEmergency, isEmergencyPurpose } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { coversPurpose, mayAskFor, PURPOSES_OF_KIND } from '../model/purposes.ts';
import { lifetimeEnd } from '../model/renewals.ts';
import { userSchema } from '../model/texts.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type AccessRequest, type AccessState, accessStateSchema, NOT_PERMITTED } from '../model/values.ts';
import { isWaiting, waitRefusal } from '../model/waiting.ts';
import {
  type AccessRefusal,
  consentsBehind,
  type Delivery,
  decideDelivery,
  type PurgeReason,
  permittedFrom,
  purgeReason,
  reasonsOf,
} from '../rules/access.ts';
import {
  audienceOf,
  companionsIn,
  outcomeOf,
  partOfStep,
  presentedRequest,
  presentedStep,
  putAccount,
  putCopies,
  putStep,
  REFUSED,
} from './access-steps.ts';
import { endOfConsent } from './consent-directory.ts';
import { groundsOf } from './deciding.ts';

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

  EvaluateAccess(ctx: Context, argument: string): Promise<string> {
    return run('EvaluateAccess', this.#consortium, ctx, argument, evaluateAccess);
  }

  RefuseAccess(ctx: Context, argument: string): Promise<string> {
    return run('RefuseAccess', this.#consortium, ctx, argument, refuseAccess);
  }

  PurgeCopies(ctx: Context, argument: string): Promise<string> {
    return run('PurgeCopies', this.#consortium, ctx, argument, purgeCopies);
  }

  ReportAccess(ctx: Context, argument: string): Promise<string> {
    return run('ReportAccess', this.#consortium, ctx, argument, reportAccess);
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
    ...(request.waitUntil === undefined ? {} : { waitUntil: request.waitUntil }),
    salt: sha256Hex(`access/${request.salt}`),
  };
  await store.putOnce(inbox, privateKeys.request(input.id), request, { expression: 'id' });
  await putStep(store, inbox, state);
  store.emit(events.AccessRequested, { id: input.id });
  return { time: store.time };
}

async function decideAccess(call: Call<'DecideAccess'>): Promise<Done> {
  const { input, store } = call;
  const { requestor, salt } = call.private;
  const { current, request, delivery, records, companions, patient } = await decide(call);
  // Recorded here, the reason would be the requestor's to read, and what was read for it everybody's.
  if (delivery.outcome === 'deny') throw new LedgerError('CONFLICT', 'nothing is permitted now', 'id');
  const { counts } = call.private;
  if (request.overview === true)
    return told(call, current, { delivery, records, ...(patient === undefined ? {} : { patient }) });
  if (counts !== undefined)
    throw new LedgerError('INVALID', 'is of a request that asks who holds what', 'private.counts');
  const delivered = delivery.permitted.map((index) => records[index]!);
  const along = delivery.companions.map((index) => companions[index]!);
  const decided: AccessState = {
    ...current,
    ...outcomeOf(delivery),
    ...audienceOf(request),
    ...(patient === undefined ? {} : { patient }),
    ...partOfStep(delivered, records, call.private, along),
    decidedAt: store.time,
    salt: sha256Hex(`decided/${salt}`),
  };
  await putCopies(store, decided, [...delivered, ...along], salt);
  await putStep(store, collections.inbox(requestor), decided);
  await putStep(store, collections.care(input.holder), decided);
  await putAccount(store, decided, call.private.withheld, salt);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/** Of what types there is something that may be told, each shown by one record; how much of each is the custodian's word. */
async function told(
  { input, store, private: { requestor, counts = {}, salt } }: Call<'DecideAccess'>,
  current: AccessState,
  {
    delivery,
    records,
    patient,
  }: { delivery: Extract<Delivery, { outcome: 'permit' }>; records: ShownRecord[]; patient?: string },
): Promise<Done> {
  const types = new Set(delivery.permitted.map((index) => records[index]!.anchored.resource.resourceType));
  if (Object.keys(counts).sort().join() !== [...types].sort().join())
    throw new LedgerError('INVALID', 'must count the types that are shown, and no others', 'private.counts');
  const decided: AccessState = {
    ...{ ...current, status: 'granted', counts, toldBy: delivery.consent },
    ...(patient === undefined ? {} : { patient }),
    ...{ decidedAt: store.time, salt: sha256Hex(`decided/${salt}`) },
  };
  await putStep(store, collections.inbox(requestor), decided);
  await putStep(store, collections.care(input.holder), decided);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

async function evaluateAccess(call: Call<'EvaluateAccess'>): Promise<OutputOf<'EvaluateAccess'>> {
  const { delivery, again, reasons } = await decide(call);
  const { outcome, consent } = delivery;
  const named = { ...(consent === undefined ? {} : { consent }), ...(reasons === undefined ? {} : { reasons }) };
  if (delivery.outcome === 'permit') return { outcome, ...named, ...companionsIn(delivery) };
  return { outcome, reason: delivery.reason, ...named, ...(again === undefined ? {} : { again }) };
}

/**
 * A refusal takes nothing from the holder and shows it nothing, so it waits for no particular second organisation. That it is
 * refused is the custodian's word: nobody else may see what it rests on, and by no refusal can anybody tell.
 */
async function refuseAccess(call: Call<'RefuseAccess'>): Promise<Done> {
  const { input, store } = call;
  const current = await presentedStep(call, input.requestor, 'requested');
  const salt = sha256Hex(`decided/${call.private.salt}`);
  const refused: AccessState = { ...current, ...REFUSED, decidedAt: store.time, salt };
  await putStep(store, collections.inbox(input.requestor), refused);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/**
 * Takes away, which needs no proof: that a delivery is not what would be delivered now is the custodian's word, as it is of a
 * refusal, and so is that something of it may be shown still.
 */
async function purgeCopies(call: Call<'PurgeCopies'>): Promise<Done> {
  const { input, store } = call;
  const current = await presentedStep(call, input.requestor, 'granted');
  const { withdraw, goesOn } = call.private;
  const reason = (await reasonOfErasure(call)) ?? (await reasonOfEnd(call, current)) ?? withdraw;
  if (reason === undefined) throw new LedgerError('CONFLICT', 'the consent is in force', 'id');
  const inbox = collections.inbox(input.requestor);
  const key = privateKeys.copies(input.id);
  if ((await store.anchor(inbox, key)) === undefined) throw new LedgerError('NOT_FOUND', 'no such copies', 'id');
  store.purge(inbox, key);
  const salt = sha256Hex(`purged/${call.private.salt}`);
  const purged: AccessState = { ...current, status: 'purged', purgedAt: store.time, reason, salt };
  await putStep(store, inbox, goesOn === undefined ? purged : { ...purged, goesOn });
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

/** The holder's copy of a step is what the requestor's inbox holds, and with a refusal what that rests on. */
async function reportAccess(call: Call<'ReportAccess'>): Promise<Done> {
  const { input, store } = call;
  const { because } = call.private;
  const { status, reason } = parseText(accessStateSchema, call.private.state, 'private.state');
  if (status === 'requested')
    throw new LedgerError('INVALID', 'a request is reported once it is decided', 'private.state');
  if (because !== undefined && (status !== 'refused' || reason !== NOT_PERMITTED))
    throw new LedgerError('INVALID', 'is of a refusal that does not say it', 'private.because');
  const step = await presentedStep(call, input.requestor, status);
  await putStep(store, collections.care(input.holder), because === undefined ? step : { ...step, because });
  store.emit(events.AccessReported, { id: input.id });
  return { time: store.time };
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

interface Decided {
  current: AccessState;
  request: AccessRequest;
  delivery: Delivery;
  records: ShownRecord[];
  companions: ShownRecord[];
  /** Id of the holder's Patient; absent where it is not known. */
  patient?: string;
  /** Of what is denied and waits: when something of it will be permitted by what is known now. */
  again?: string;
  /** Of each record, unless it is denied whatever the records are. */
  reasons?: OutputOf<'EvaluateAccess'>['reasons'];
}

/** What comes of a request by what stands on the ledger now. @throws LedgerError where what was shown is not what stands there */
async function decide(call: Call<'DecideAccess' | 'EvaluateAccess'>): Promise<Decided> {
  const { store, private: named } = call;
  const current = await presentedStep(call, named.requestor, 'requested');
  const request = await presentedRequest(store, current, named.request);
  if (isEmergency(request)) throw new LedgerError('INVALID', 'an emergency is decided otherwise', 'private.request');
  const denied = (reason: AccessRefusal): Decided => ({
    ...{ current, request, delivery: { outcome: 'deny', reason }, records: [], companions: [] },
  });
  if (request.waitUntil !== undefined && !isWaiting(request, store.time)) return denied('wait-over');
  const grounds = await groundsOf(store, current, request, named);
  if (grounds === undefined) return denied('patient-unknown');
  const { consents, who, considered, records, companions } = grounds;
  const patient = grounds.patient.anchored.id;
  const times = { now: store.time, latest: lifetimeEnd(request, store.time) };
  const delivery = decideDelivery(consents, who, considered, times);
  const reasons = reasonsOf(consents, who, considered, store.time);
  const decided = { current, request, delivery, records, companions, patient, reasons };
  if (delivery.outcome === 'permit' || request.waitUntil === undefined) return decided;
  const again = permittedFrom(consents, who, considered, { now: store.time, latest: request.waitUntil });
  return again === undefined ? decided : { ...decided, again };
}
