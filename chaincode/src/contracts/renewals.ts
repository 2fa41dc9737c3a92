/**
 * Later changes reach what was delivered. The custodian's own peer says whether a delivery is what would be delivered now;
 * where it is not, it is purged whole (access.ts), and with its holder the custodian delivers anew what may be shown still, as
 * an access that goes on from it and lasts no longer. So it delivers the parts of what one transaction does not carry.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { ShownRecord } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { continuationOf, partOf, restOf, sameOf } from '../model/deliveries.ts';
import { isEmergency } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { lastsUntil, renewalOf, rootOf } from '../model/renewals.ts';
import { copiesSchema } from '../model/sheets.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type AccessRequest, type AccessState, anchoredSchema, type Because } from '../model/values.ts';
import { reasonsOf } from '../rules/access.ts';
import { decideAgain, type Redelivery, withdrawalOf } from '../rules/renewals.ts';
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
  restrictionOf,
} from './access-steps.ts';
import { groundsOf, withPatient } from './deciding.ts';

export class Renewals extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('renewals');
    this.#consortium = consortium;
  }

  ReviewDelivery(ctx: Context, argument: string): Promise<string> {
    return run('ReviewDelivery', this.#consortium, ctx, argument, reviewDelivery);
  }

  EvaluateAgain(ctx: Context, argument: string): Promise<string> {
    return run('EvaluateAgain', this.#consortium, ctx, argument, evaluateAgain);
  }

  DeliverAgain(ctx: Context, argument: string): Promise<string> {
    return run('DeliverAgain', this.#consortium, ctx, argument, deliverAgain);
  }

  DeliverFurther(ctx: Context, argument: string): Promise<string> {
    return run('DeliverFurther', this.#consortium, ctx, argument, deliverFurther);
  }
}

async function reviewDelivery(call: Call<'ReviewDelivery'>): Promise<OutputOf<'ReviewDelivery'>> {
  const { input, store, private: shown } = call;
  const state = await presentedStep(call, shown.requestor, 'granted');
  const inbox = collections.inbox(shown.requestor);
  const copies = await store.getPrivate(inbox, privateKeys.copies(input.id), copiesSchema);
  if (copies === undefined) throw new LedgerError('NOT_FOUND', 'no such copies', 'id');
  const delivered = copies.records.map(({ text }) => parseText(anchoredSchema, text, 'id')).map(versionOf);
  const { redelivery, considered, permitted, companions } = await decidedAgain(call, state);
  const goesOn = redelivery.outcome === 'permit';
  const withdraw = withdrawalOf({
    delivered,
    now: [...considered, ...companions.shown].map(({ anchored }) => versionOf(anchored)),
    permitted: [...permitted, ...companions.along].map(({ anchored }) => versionOf(anchored)),
    expiresAt: { told: copies.expiresAt, due: goesOn ? redelivery.expiresAt : copies.expiresAt },
  });
  return withdraw === undefined ? { goesOn } : { withdraw, goesOn };
}

/** What may be shown now on a request that was decided: of what comes behind a delivery, or of one that was purged. */
async function evaluateAgain(call: Call<'EvaluateAgain'>): Promise<OutputOf<'EvaluateAgain'>> {
  const { input, private: shown } = call;
  const state = await presentedStep(call, shown.requestor, shown.going === 'further' ? 'granted' : 'purged', input.id);
  const { redelivery, reasons } = await decidedAgain(
    call,
    shown.going === 'further' ? { ...state, ...nextOf(state) } : state,
  );
  const { outcome, consent } = redelivery;
  const named = { ...(consent === undefined ? {} : { consent }), ...(reasons === undefined ? {} : { reasons }) };
  if (redelivery.outcome === 'deny') return { outcome, reason: redelivery.reason, ...named };
  return { outcome, ...named, ...companionsIn(redelivery) };
}

async function deliverAgain(call: Call<'DeliverAgain'>): Promise<OutputOf<'DeliverAgain'>> {
  const { input, private: shown } = call;
  if (input.id !== renewalOf(shown.previous)) throw new LedgerError('INVALID', 'does not go on from that access', 'id');
  const previous = await presentedStep(call, shown.requestor, 'purged', shown.previous);
  if (previous.goesOn !== true) throw new LedgerError('CONFLICT', 'it does not go on', 'private.previous');
  const { part } = previous;
  const asBefore = { ...(part === undefined ? {} : { part }), ...sameOf(previous) };
  return delivered(call, previous, { renews: previous.id, ...asBefore });
}

async function deliverFurther(call: Call<'DeliverFurther'>): Promise<OutputOf<'DeliverFurther'>> {
  const { input, private: shown } = call;
  if (input.id !== continuationOf(shown.previous))
    throw new LedgerError('INVALID', 'is not the part behind that', 'id');
  const previous = await presentedStep(call, shown.requestor, 'granted', shown.previous);
  if (previous.through === undefined) throw new LedgerError('CONFLICT', 'is the last part', 'private.previous');
  return delivered(call, previous, { continues: previous.id, ...nextOf(previous) });
}

/** What of being a part the one behind this one says. */
const nextOf = (state: AccessState): Pick<AccessState, 'part' | 'stretch'> => ({
  ...{ part: partOf(state) + 1, ...restOf(state) },
});

type Went = Pick<AccessState, 'renews' | 'continues' | 'part' | 'stretch'>;

/** Delivers what may be shown, as an access that goes on from another and lasts no longer; else records it as refused. */
async function delivered(
  call: Call<'DeliverAgain' | 'DeliverFurther'>,
  previous: AccessState,
  { renews, continues, part, stretch }: Went,
): Promise<OutputOf<'DeliverAgain'>> {
  const { input, store, private: shown } = call;
  const about = { ...(part === undefined ? {} : { part }), ...(stretch === undefined ? {} : { stretch }) };
  const decided = await decidedAgain(call, { ...previous, ...about });
  const { redelivery, permitted, considered, request, decidedOn } = decided;
  const { along } = decided.companions;
  const { schema, requestor, holder, custodian, purpose, requestedAt } = previous;
  const isPermitted = redelivery.outcome === 'permit';
  const outcome = isPermitted
    ? {
        ...{ ...outcomeOf(redelivery), ...audienceOf(request), ...partOfStep(permitted, considered, shown, along) },
        ...(isEmergency(request) ? await restrictionOf(store, holder, permitted, shown.restricted) : {}),
      }
    : REFUSED;
  const state: AccessState = {
    ...{ schema, id: input.id, requestor, holder, custodian, purpose, requestedAt },
    ...{ root: rootOf(previous), lastsUntil: lastsUntil(previous, request), ...about },
    ...(renews === undefined ? {} : { renews }),
    ...(continues === undefined ? {} : { continues }),
    ...outcome,
    ...(decidedOn === undefined ? {} : { patient: decidedOn }),
    decidedAt: store.time,
    salt: sha256Hex(`decided/${shown.salt}`),
  };
  if (isPermitted) await putCopies(store, state, [...permitted, ...along], shown.salt);
  await putStep(store, collections.inbox(requestor), state);
  const told = isPermitted ? state : { ...state, because: becauseOf(redelivery, shown.salt) };
  await putStep(store, collections.care(holder), told);
  await putAccount(store, state, shown.withheld, shown.salt);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/** What a refusal rests on, as the holder is told it. */
const becauseOf = ({ reason, consent }: Extract<Redelivery, { outcome: 'deny' }>, salt: string): Because => ({
  ...{ reason, salt: sha256Hex(`because/${salt}`) },
  ...(consent === undefined ? {} : { consent }),
});

type Again = 'ReviewDelivery' | 'DeliverAgain' | 'DeliverFurther' | 'EvaluateAgain';

interface DecidedAgain {
  redelivery: Redelivery;
  /** What was shown, and of that what may be delivered. */
  considered: ShownRecord[];
  permitted: ShownRecord[];
  /** The same of companions. */
  companions: { shown: ShownRecord[]; along: ShownRecord[] };
  request: AccessRequest;
  /** Id of the Patient that it is about; absent where no decision says so and the holder does not know her. */
  decidedOn?: string;
  /** Of each record that was shown, unless it is denied whatever the records are. */
  reasons?: OutputOf<'EvaluateAgain'>['reasons'];
}

/** What may be shown of what an access delivered. @throws LedgerError where what was shown is not what stands there */
async function decidedAgain(call: Call<Again>, state: AccessState): Promise<DecidedAgain> {
  const { store, private: shown } = call;
  const { requestor } = state;
  const request = await presentedRequest(store, { id: rootOf(state), requestor }, shown.request);
  const grounds = await groundsOf(store, state, request, shown);
  if (grounds === undefined)
    return {
      redelivery: { outcome: 'deny', reason: 'patient-unknown' },
      considered: [],
      permitted: [],
      companions: { shown: [], along: [] },
      request,
      ...(state.patient === undefined ? {} : { decidedOn: state.patient }),
    };
  const { consents, considered, patient, records } = grounds;
  const times = { now: store.time, latest: lastsUntil(state, request) };
  const who = { ...grounds.who, isEmergency: isEmergency(request) };
  const redelivery = decideAgain(consents, who, considered, times);
  // In an emergency the Patient goes with the first part.
  const isFirst = who.isEmergency && partOf(state) === 1;
  const all = (some: ShownRecord[]) => (isFirst ? withPatient(patient, some) : some);
  const places = redelivery.outcome === 'permit' ? redelivery.permitted : [];
  const permitted = redelivery.outcome === 'permit' ? all(places.map((index) => records[index]!)) : [];
  const reasons = who.isEmergency
    ? records.map((_, index) => (places.includes(index) ? 'consent-permits' : 'consent-denied'))
    : reasonsOf(consents, grounds.who, considered, store.time);
  const along = redelivery.outcome === 'permit' ? redelivery.companions.map((one) => grounds.companions[one]!) : [];
  const companions = { shown: grounds.companions, along };
  const decided = { considered: all(records), permitted, companions, request, reasons, decidedOn: patient.anchored.id };
  // A part of an emergency that nothing is left of.
  if (redelivery.outcome === 'permit' && permitted.length === 0)
    return { ...decided, redelivery: { outcome: 'deny', reason: 'records-absent' } };
  return { ...decided, redelivery };
}

const versionOf = ({ id, version, resource }: ShownRecord['anchored']) => ({
  ...{ type: resource.resourceType, id, version },
});
