/**
 * The custodian's duties: has every access request decided as soon as it is seen, purges delivered copies when their
 * consent is in force no more or their time is over, and tells the holder of what was done without it. The decision itself
 * is the chaincode's. Each access is for itself: one that cannot be read or done holds up no other.
 */
import { isEmergency, isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  ACCESS_STEPS,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState, ownStates, paged } from '../../duties/found.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { hasEnded } from '../consents/ends.ts';
import type { Services } from '../services.ts';
import { decided } from './deciding.ts';
import { anchoredText, shownForDecision } from './decision.ts';
import { emergencyDecided } from './emergency.ts';

/** The accesses in a status that this custodian decides about. */
async function* decidedHere(services: Services, status: AccessState['status']): AsyncGenerator<AccessState> {
  for await (const state of ownStates(services, 'access', accessStateSchema, [status])) {
    if (state.custodian === services.organisation.name) yield state;
  }
}

/** A step of an access, exactly as the requestor's inbox holds it. */
const stepOf = ({ id, requestor }: AccessState, step: number, index: ReadModel): Promise<string> =>
  anchoredText(index, collections.inbox(requestor), privateKeys.access(id, step));

export const decideAccess: Duty<AccessState> = {
  name: 'decide access',
  kind: 'custodian',
  on: [events.AccessRequested],
  idOf: ({ id }) => id,
  // An emergency waits for nothing that others wait for.
  waitsFor: ({ holder, requestor, purpose }) => (isEmergencyPurpose(purpose) ? `emergency at ${requestor}` : holder),
  find: (services) => decidedHere(services, 'requested'),
  async perform(state, services) {
    const { index, ledger } = services;
    const text = await anchoredText(index, collections.inbox(state.requestor), privateKeys.request(state.id));
    const request = accessRequestSchema.parse(JSON.parse(text));
    if (isEmergency(request)) await emergencyDecided(state, request, services);
    else await decided(state, await shownForDecision(state, index), ledger);
  },
};

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
  const { index, broken, organisation } = services;
  const now = new Date().toISOString();
  const due = paged((page) => index.accesses.due(now, page));
  const orphaned = paged((page) => index.accesses.orphaned(page));
  for (const candidates of [due, orphaned]) {
    for await (const { id } of candidates) {
      const state = await ownState(services, 'access', accessStateSchema, id);
      if (state?.custodian !== organisation.name) continue;
      try {
        if (!(await isOver(state, index))) continue;
      } catch (error) {
        if (error instanceof DatabaseLost) throw error;
        broken.report('access', id, error);
        continue;
      }
      yield state;
    }
  }
}

export const purgeCopies: Duty<AccessState> = {
  name: 'purge copies',
  kind: 'custodian',
  on: [events.ConsentRevoked, events.ConsentAmended, events.AccessDecided],
  idOf: ({ id }) => id,
  find: overAccesses,
  async perform(state, { index, ledger }) {
    const { id, requestor, holder } = state;
    const shown = { state: await stepOf(state, ACCESS_STEPS.granted, index), salt: newSalt() };
    await ledger.submit('PurgeCopies', { id, requestor, holder }, shown, AS_SYSTEM);
  },
};

/** Steps that were taken without the holder, and that it has not been told of. */
async function* unreported(services: Services): AsyncGenerator<AccessState> {
  const { index, organisation } = services;
  const now = new Date().toISOString();
  for await (const { id } of paged((page) => index.accesses.due(now, page))) {
    const state = await ownState(services, 'access', accessStateSchema, id);
    if (state?.custodian !== organisation.name) continue;
    for (const step of await index.steps.untold(state)) {
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
  async perform(state, { index, ledger }) {
    const { id, requestor, holder, status } = state;
    const shown = { state: await stepOf(state, ACCESS_STEPS[status], index) };
    await ledger.submit('ReportAccess', { id, requestor, holder }, shown, AS_SYSTEM);
  },
};
