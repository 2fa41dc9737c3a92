/**
 * The custodian's duties: has every access request decided as soon as it is seen, purges delivered copies when their
 * consent is in force no more, their time is over or they are not what would be delivered now, has delivered anew what may be
 * shown still, and tells the holder of what was done without it. The decision itself is the chaincode's. Each access is for
 * itself: one that cannot be read or done holds up no other.
 */
import { continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { isEmergency, isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { renewalOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import {
  ACCESS_STEPS,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState, paged } from '../../duties/found.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { hasEnded } from '../consents/ends.ts';
import type { Services } from '../services.ts';
import { becauseOf, isToldApart } from './because.ts';
import { type Become, becomeOf } from './deciding.ts';
import { anchoredText, shownForDecision, stepOf } from './decision.ts';
import { emergencyDecided } from './emergency.ts';
import { sendRefusal } from './refusals.ts';
import { deliveredAgain, deliveredFurther, goesOn, reviewed, withdrawn } from './renewing.ts';
import { isLarge, sendDecision } from './together.ts';

/** A request that is to be decided, or whose refusal is to be sent. */
interface Asked {
  state: AccessState;
  /** How often something was found of it; undefined where it is refused already. */
  changes?: number;
}

async function* asked(services: Services): AsyncGenerator<Asked> {
  const { refusals, undecided, organisation } = services;
  for await (const { access } of paged((page) => refusals.due(new Date().toISOString(), page))) {
    const state = await ownState(services, 'access', accessStateSchema, access);
    if (state?.status === 'requested') yield { state };
    // What was sent before this process ended, or was decided otherwise.
    else if (state !== undefined) await (state.status === 'refused' ? refusals.sent(access) : refusals.forget(access));
  }
  for (const [id, changes] of await undecided.open()) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    const isOpen = state?.status === 'requested' && state.custodian === organisation.name;
    if (isOpen && (await refusals.find(id)) === undefined) yield { state, changes };
    else undecided.looked(id, changes);
  }
}

/** Of one holder's, so that those that come while a transaction is under way go together in the next. */
const DECIDED_AT_ONCE = 64;

export const decideAccess: Duty<Asked> = {
  name: 'decide access',
  kind: 'custodian',
  // What lets a request be permitted that waits may be anything that is written of its patient.
  on: 'every block',
  idOf: ({ state: { id }, changes = 'refusal' }) => `${id}/${changes}`,
  // A refusal waits for no holder, and an emergency for nothing that others wait for.
  waitsFor({ state: { holder, requestor, purpose }, changes }) {
    if (changes === undefined) return `refusals to ${requestor}`;
    return isEmergencyPurpose(purpose) ? `emergency at ${requestor}` : holder;
  },
  atOnce: DECIDED_AT_ONCE,
  find: asked,
  async soonest({ refusals, undecided }) {
    const times = [await refusals.nextDue(), undecided.soonest()].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  },
  async perform({ state, changes }, services) {
    if (changes === undefined) {
      await sendRefusal(state, services);
      return;
    }
    const until = await came(state, services);
    if (until === undefined) services.undecided.looked(state.id, changes);
    else services.undecided.waits(state.id, changes, until);
  },
};

/** Decides one; until when it waits, milliseconds since 1970, where it does. */
async function came(state: AccessState, services: Services): Promise<number | undefined> {
  const { decision, until } = await services.evaluations.run(state.holder, async () => {
    const become = await looked(state, services);
    // What is large keeps its slot until it is sent.
    if (become.decision === undefined || !isLarge(become.decision)) return become;
    await sendDecision(services, become.decision);
    return {};
  });
  if (decision !== undefined) await sendDecision(services, decision);
  return until;
}

async function looked(state: AccessState, services: Services): Promise<Become> {
  const { index } = services;
  const text = await anchoredText(index, collections.inbox(state.requestor), privateKeys.request(state.id));
  const request = accessRequestSchema.parse(JSON.parse(text));
  if (!isEmergency(request)) return becomeOf(state, await shownForDecision(state, index), services);
  await emergencyDecided(state, request, services);
  return {};
}

/** The consents that delivered copies rest on. */
const consentsBehind = ({ consent, furtherConsents = [] }: AccessState) => [
  ...(consent === undefined ? [] : [consent]),
  ...furtherConsents,
];

/** Whether the copies of an access must go: its time is over, or a consent it rests on is in force no more. */
async function isOver(state: AccessState, index: ReadModel): Promise<boolean> {
  if (state.status !== 'granted') return false;
  if (state.expiresAt !== undefined && state.expiresAt <= new Date().toISOString()) return true;
  for (const consent of consentsBehind(state)) {
    if (await hasEnded(index, state.holder, consent)) return true;
  }
  return false;
}

/** The index names what may be over; the steps and the consents themselves decide. */
async function* overAccesses(services: Services): AsyncGenerator<AccessState> {
  const { index, organisation } = services;
  const now = new Date().toISOString();
  const due = paged((page) => index.accesses.due(now, page));
  const orphaned = paged((page) => index.accesses.orphaned(page));
  for (const candidates of [due, orphaned]) {
    for await (const { id } of candidates) {
      const state = await ownState(services, 'access', accessStateSchema, id);
      if (state?.custodian === organisation.name && (await isOverHere(state, services))) yield state;
    }
  }
}

/** The same of one among many: one of which it cannot be said is reported; undefined. */
async function isOverHere(state: AccessState, { index, broken }: Services): Promise<boolean | undefined> {
  try {
    return await isOver(state, index);
  } catch (error) {
    if (error instanceof DatabaseLost) throw error;
    broken.report('access', state.id, error);
    return undefined;
  }
}

export const purgeCopies: Duty<AccessState> = {
  name: 'purge copies',
  kind: 'custodian',
  on: [events.ConsentRevoked, events.ConsentAmended, events.AccessDecided],
  idOf: ({ id }) => id,
  find: overAccesses,
  soonest: ({ index }) => index.accesses.nextDue(new Date().toISOString()),
  async perform(state, sides) {
    await withdrawn(state, await goesOn(state, sides), sides);
  },
};

/** A delivery after which something was changed. */
interface Touched {
  state: AccessState;
  /** How often, when it was found. */
  changes: number;
}

/** The deliveries that this custodian decides about and that are not over anyhow. */
async function* touched(services: Services): AsyncGenerator<Touched> {
  const { changes: all, organisation } = services;
  for (const [id, changes] of await all.open()) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    if (state?.status !== 'granted' || state.custodian !== organisation.name) all.looked(id, changes);
    else if ((await isOverHere(state, services)) === false) yield { state, changes };
  }
}

export const reviewDeliveries: Duty<Touched> = {
  name: 'review deliveries',
  kind: 'custodian',
  on: 'every block',
  // What is changed while it is being reviewed is reviewed after that.
  idOf: ({ state, changes }) => `${state.id}/${changes}`,
  find: touched,
  async perform({ state, changes }, services) {
    const { withdraw, goesOn } = await reviewed(state, services);
    if (withdraw !== undefined) await withdrawn(state, { withdraw, ...(goesOn ? { goesOn } : {}) }, services);
    services.changes.looked(state.id, changes);
  },
};

/** Withdrawn deliveries of which something may be shown still. */
async function* unrenewed(services: Services): AsyncGenerator<AccessState> {
  const { index, organisation } = services;
  const now = new Date().toISOString();
  for await (const { id } of paged((page) => index.accesses.due(now, page))) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    if (state?.goesOn !== true || state.custodian !== organisation.name) continue;
    if ((await index.state('access', renewalOf(id))) === undefined) yield state;
  }
}

export const deliverAgain: Duty<AccessState> = {
  name: 'deliver again',
  kind: 'custodian',
  on: [events.CopiesPurged],
  idOf: ({ id }) => id,
  waitsFor: ({ holder }) => holder,
  find: unrenewed,
  perform: (state, services) => deliveredAgain(renewalOf(state.id), state, services),
};

/** Deliveries behind which there is more that nobody has delivered yet. */
async function* unfinished(services: Services): AsyncGenerator<AccessState> {
  const { index, organisation } = services;
  const now = new Date().toISOString();
  for await (const { id } of paged((page) => index.accesses.due(now, page))) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    if (state?.through === undefined || state.custodian !== organisation.name) continue;
    if ((await index.state('access', continuationOf(id))) === undefined) yield state;
  }
}

export const deliverFurther: Duty<AccessState> = {
  name: 'deliver further',
  kind: 'custodian',
  on: [events.AccessDecided],
  // The ledger takes each part once: a gateway that ends between two goes on where it stopped.
  idOf: ({ id }) => id,
  waitsFor: ({ holder }) => holder,
  find: unfinished,
  perform: (state, services) => deliveredFurther(continuationOf(state.id), state, services),
};

/** Steps that were taken without the holder, and that it has not been told of. */
async function* unreported(services: Services): AsyncGenerator<AccessState> {
  const { index, organisation } = services;
  const now = new Date().toISOString();
  for await (const { id } of paged((page) => index.accesses.due(now, page))) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    if (state?.custodian !== organisation.name) continue;
    for (const step of (await index.steps.taken(state)).untold) {
      const text = await index.evidence.text(collections.inbox(state.requestor), privateKeys.access(id, step));
      if (text !== undefined) yield accessStateSchema.parse(JSON.parse(text));
    }
  }
}

export const reportAccess: Duty<AccessState> = {
  name: 'report access',
  kind: 'custodian',
  on: [events.AccessDecided, events.CopiesPurged],
  idOf: ({ id, status }) => `${id}/${ACCESS_STEPS[status]}`,
  waitsFor: ({ holder }) => holder,
  find: unreported,
  async perform(state, { index, ledger, refusals }) {
    const { id, requestor, holder, status } = state;
    const refusal = isToldApart(state) ? await refusals.find(id) : undefined;
    const because = refusal === undefined ? {} : { because: becauseOf(refusal) };
    const shown = { state: await stepOf(state, ACCESS_STEPS[status], index), ...because };
    await ledger.submit('ReportAccess', { id, requestor, holder }, shown, AS_SYSTEM);
    if (refusal !== undefined) await refusals.forget(id);
  },
};
