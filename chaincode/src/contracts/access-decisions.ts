/** What comes of requests for access: what is permitted is delivered as it is decided, and nothing else is written. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ShownRecord } from '../ledger/evidence.ts';
import { checkDistinct, forEachOf } from '../ledger/several.ts';
import type { Call } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { isEmergency } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { lifetimeEnd } from '../model/renewals.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { AccessRequest, AccessState } from '../model/values.ts';
import { isWaiting } from '../model/waiting.ts';
import { type AccessRefusal, type Delivery, decideDelivery, permittedFrom, reasonsOf } from '../rules/access.ts';
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
} from './access-steps.ts';
import { groundsOf } from './deciding.ts';

type Done = OutputOf<'DecideAccess'>;

export async function decideAccess(call: Call<'DecideAccess'>): Promise<Done> {
  await putDecision(call);
  call.store.emit(events.AccessDecided, { id: call.input.id });
  return { time: call.store.time };
}

/** Each is what it would be by itself; one that is not permitted now is named by its place, and nothing is written. */
export async function decideAccesses(call: Call<'DecideAccesses'>): Promise<Done> {
  const { input, store } = call;
  const { decisions } = call.private;
  const ids = decisions.map(({ id }) => id);
  checkDistinct(ids, DECISIONS);
  await forEachOf(decisions, DECISIONS, ({ id, ...decision }) =>
    putDecision({ ...call, input: { ...input, id }, private: decision }),
  );
  store.emit(events.AccessDecided, { ids });
  return { time: store.time };
}

const DECISIONS = { list: 'private.decisions', item: 'private' };

async function putDecision(call: Call<'DecideAccess'>): Promise<void> {
  const { input, store } = call;
  const { requestor, salt } = call.private;
  const { current, request, delivery, records, companions, patient } = await decide(call);
  // Recorded here, the reason would be the requestor's to read, and what was read for it everybody's.
  if (delivery.outcome === 'deny') throw new LedgerError('CONFLICT', 'nothing is permitted now', 'id');
  const { counts } = call.private;
  if (request.overview === true) {
    await putCounts(call, current, { delivery, records, ...(patient === undefined ? {} : { patient }) });
    return;
  }
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
}

/** Of what types there is something that may be told, each shown by one record; how much of each is the custodian's word. */
async function putCounts(
  { input, store, private: { requestor, counts = {}, salt } }: Call<'DecideAccess'>,
  current: AccessState,
  {
    delivery,
    records,
    patient,
  }: { delivery: Extract<Delivery, { outcome: 'permit' }>; records: ShownRecord[]; patient?: string },
): Promise<void> {
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
}

export async function evaluateAccess(call: Call<'EvaluateAccess'>): Promise<OutputOf<'EvaluateAccess'>> {
  const { delivery, again, reasons } = await decide(call);
  const { outcome, consent } = delivery;
  const named = { ...(consent === undefined ? {} : { consent }), ...(reasons === undefined ? {} : { reasons }) };
  if (delivery.outcome === 'permit') return { outcome, ...named, ...companionsIn(delivery) };
  return { outcome, reason: delivery.reason, ...named, ...(again === undefined ? {} : { again }) };
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
