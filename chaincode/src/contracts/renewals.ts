/**
 * Later changes reach what was delivered. The custodian's own peer says whether a delivery is what would be delivered now;
 * where it is not, it is purged whole (access.ts), and with its holder the custodian delivers anew what may be shown still, as
 * an access that goes on from it and lasts no longer.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { ShownRecord } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { isEmergency } from '../model/emergencies.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { lastsUntil, renewalOf, rootOf } from '../model/renewals.ts';
import { copiesSchema } from '../model/sheets.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type AccessRequest, type AccessState, anchoredSchema, type Because } from '../model/values.ts';
import { decideAgain, type Redelivery, withdrawalOf } from '../rules/renewals.ts';
import { audienceOf, outcomeOf, presentedRequest, presentedStep, putCopies, putStep, REFUSED } from './access-steps.ts';
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

  DeliverAgain(ctx: Context, argument: string): Promise<string> {
    return run('DeliverAgain', this.#consortium, ctx, argument, deliverAgain);
  }
}

async function reviewDelivery(call: Call<'ReviewDelivery'>): Promise<OutputOf<'ReviewDelivery'>> {
  const { input, store, private: shown } = call;
  const state = await presentedStep(call, shown.requestor, 'granted');
  const inbox = collections.inbox(shown.requestor);
  const copies = await store.getPrivate(inbox, privateKeys.copies(input.id), copiesSchema);
  if (copies === undefined) throw new LedgerError('NOT_FOUND', 'no such copies', 'id');
  const delivered = copies.records.map(({ text }) => parseText(anchoredSchema, text, 'id')).map(versionOf);
  const { redelivery, considered, permitted } = await decidedAgain(call, state);
  const goesOn = redelivery.outcome === 'permit';
  const withdraw = withdrawalOf({
    delivered,
    now: considered.map(({ anchored }) => versionOf(anchored)),
    permitted: permitted.map(({ anchored }) => versionOf(anchored)),
    expiresAt: { told: copies.expiresAt, due: goesOn ? redelivery.expiresAt : copies.expiresAt },
  });
  return withdraw === undefined ? { goesOn } : { withdraw, goesOn };
}

async function deliverAgain(call: Call<'DeliverAgain'>): Promise<OutputOf<'DeliverAgain'>> {
  const { input, store, private: shown } = call;
  if (input.id !== renewalOf(shown.previous)) throw new LedgerError('INVALID', 'does not go on from that access', 'id');
  const previous = await presentedStep(call, shown.requestor, 'purged', shown.previous);
  if (previous.goesOn !== true) throw new LedgerError('CONFLICT', 'it does not go on', 'private.previous');
  const { redelivery, permitted, request, decidedOn } = await decidedAgain(call, previous);
  const { schema, requestor, holder, custodian, purpose, requestedAt } = previous;
  const isPermitted = redelivery.outcome === 'permit';
  const state: AccessState = {
    ...{ schema, id: input.id, requestor, holder, custodian, purpose, requestedAt },
    ...{ renews: previous.id, root: rootOf(previous), lastsUntil: lastsUntil(previous, request) },
    ...(isPermitted ? { ...outcomeOf(redelivery), ...audienceOf(request) } : REFUSED),
    ...(decidedOn === undefined ? {} : { patient: decidedOn }),
    decidedAt: store.time,
    salt: sha256Hex(`decided/${shown.salt}`),
  };
  if (isPermitted) await putCopies(store, state, permitted, shown.salt);
  await putStep(store, collections.inbox(requestor), state);
  const told = isPermitted ? state : { ...state, because: becauseOf(redelivery, shown.salt) };
  await putStep(store, collections.care(holder), told);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/** What a refusal rests on, as the holder is told it. */
const becauseOf = ({ reason, consent }: Extract<Redelivery, { outcome: 'deny' }>, salt: string): Because => ({
  ...{ reason, salt: sha256Hex(`because/${salt}`) },
  ...(consent === undefined ? {} : { consent }),
});

interface DecidedAgain {
  redelivery: Redelivery;
  /** What was shown, and of that what may be delivered. */
  considered: ShownRecord[];
  permitted: ShownRecord[];
  request: AccessRequest;
  /** Id of the Patient that it is about; absent where no decision says so and the holder does not know her. */
  decidedOn?: string;
}

/** What may be shown of what an access delivered. @throws LedgerError where what was shown is not what stands there */
async function decidedAgain(call: Call<'ReviewDelivery' | 'DeliverAgain'>, state: AccessState): Promise<DecidedAgain> {
  const { store, private: shown } = call;
  const { requestor } = state;
  const request = await presentedRequest(store, { id: rootOf(state), requestor }, shown.request);
  const grounds = await groundsOf(store, state, request, shown);
  if (grounds === undefined)
    return {
      redelivery: { outcome: 'deny', reason: 'patient-unknown' },
      considered: [],
      permitted: [],
      request,
      ...(state.patient === undefined ? {} : { decidedOn: state.patient }),
    };
  const { consents, considered, patient, records } = grounds;
  const times = { now: store.time, latest: lastsUntil(state, request) };
  const who = { ...grounds.who, isEmergency: isEmergency(request) };
  const redelivery = decideAgain(consents, who, considered, times);
  const all = who.isEmergency ? (some: ShownRecord[]) => withPatient(patient, some) : (some: ShownRecord[]) => some;
  const permitted = redelivery.outcome === 'permit' ? all(redelivery.permitted.map((index) => records[index]!)) : [];
  return { redelivery, considered: all(records), permitted, request, decidedOn: patient.anchored.id };
}

const versionOf = ({ id, version, resource }: ShownRecord['anchored']) => ({
  ...{ type: resource.resourceType, id, version },
});
