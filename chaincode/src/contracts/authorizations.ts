/** Prior authorizations: asked by a provider or received by the payer itself, amended, taken back and decided. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { authorizationEnds, remainsOf } from '../model/authorization-ends.ts';
import {
  AUTHORIZATION_STEPS,
  type AuthorizationRecord,
  type AuthorizationState,
  type AuthorizationStep,
  authorizationNumber,
  authorizationRecordSchema,
  authorizationStateSchema,
  MAX_AUTHORIZATION_STEPS,
  MOST_HELD_HOURS,
  nameOfNumber,
} from '../model/authorizations.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { termsOn } from '../model/claim-rules.ts';
import { firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { type EventName, events } from '../model/events.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { authorizationResponseOf } from '../rules/authorization-response.ts';
import { type Asked, decided, dueAt, objectionTo, readAsked, stepOf } from '../rules/authorizations.ts';
import { checkCover } from './claim-loading.ts';
import { checkClaimRules } from './claim-rules.ts';
import { memberOfKind, putCopies } from './claim-states.ts';

export class Authorizations extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('authorizations');
    this.#consortium = consortium;
  }

  RequestAuthorization(ctx: Context, argument: string): Promise<string> {
    return run('RequestAuthorization', this.#consortium, ctx, argument, requestAuthorization);
  }

  ReceiveAuthorization(ctx: Context, argument: string): Promise<string> {
    return run('ReceiveAuthorization', this.#consortium, ctx, argument, receiveAuthorization);
  }

  DecideAuthorization(ctx: Context, argument: string): Promise<string> {
    return run('DecideAuthorization', this.#consortium, ctx, argument, decideAuthorization);
  }

  PurgeAuthorization(ctx: Context, argument: string): Promise<string> {
    return run('PurgeAuthorization', this.#consortium, ctx, argument, purgeAuthorization);
  }
}

type Done = OutputOf<'RequestAuthorization'>;

/** Between whom a request is; `provider` undefined where no member asks. */
interface Between {
  id: string;
  payer: string;
  provider: string | undefined;
}

function requestAuthorization(call: Call<'RequestAuthorization'>): Promise<Done> {
  const { input, caller, consortium } = call;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  return ask(call, { id: input.id, payer, provider: caller.organisation.name });
}

function receiveAuthorization(call: Call<'ReceiveAuthorization'>): Promise<Done> {
  const { input, caller, consortium } = call;
  if (input.provider !== undefined) memberOfKind(consortium, input.provider, 'provider', 'provider');
  const receivedAt = receivedWhen(call);
  return ask(call, { id: input.id, payer: caller.organisation.name, provider: input.provider }, receivedAt);
}

/** @throws LedgerError INVALID where it was received later than now, or longer ago than anything is kept */
function receivedWhen({ private: { receivedAt }, store: { time } }: Call<'ReceiveAuthorization'>): string {
  if (receivedAt === undefined) return time;
  const heldMs = Date.parse(time) - Date.parse(receivedAt);
  if (heldMs >= 0 && heldMs <= MOST_HELD_HOURS * 3_600_000) return receivedAt;
  throw new LedgerError('INVALID', 'not within the days before now', 'receivedAt');
}

/** The first request, or what amends it. */
async function ask(
  { store, private: shown }: Pick<Call<'RequestAuthorization'>, 'store' | 'private'>,
  between: Between,
  cameAt = store.time,
): Promise<Done> {
  const { claim, salt, patient } = shown;
  if (claim.resourceType !== 'Claim') throw new LedgerError('INVALID', 'must be a Claim', 'claim');
  if (claim.id !== between.id) throw new LedgerError('INVALID', 'the id is another one', 'claim.id');
  const asked = readAsked(claim);
  const loaded = await checkCover(store, between.payer, shown.coverage);
  if (asked.coverage !== `Coverage/${loaded.id}`)
    throw new LedgerError('INVALID', 'names another coverage', 'Claim.insurance.coverage');
  const before = shown.before === undefined ? undefined : await checkStanding(store, between, shown.before);
  const step = stepOf(asked, before === undefined);
  if (before !== undefined) checkStep(before.state, step);
  if (before === undefined && asked.isCancelled)
    throw new LedgerError('INVALID', 'there is nothing yet to take back', 'Claim.status');
  const objection = step === 'cancel' ? undefined : objectionTo(asked, loaded.cover, patient, cameAt);
  const state = stateAfter(store, between, { asked, step, before: before?.state, objection, salt, cameAt });
  const response = authorizationResponseOf({
    ...{ responseId: before?.responseId ?? shown.responseId, claim, asked, state },
    items: itemsOf(asked, state),
  });
  const coverage = { id: loaded.id, version: loaded.version };
  await put(store, events.AuthorizationRequested, state, { salt, coverage, resources: [claim, response] });
  return { time: store.time };
}

/** Each line as it stands before anybody has looked at it. */
const itemsOf = ({ items }: Asked, { status }: AuthorizationState) =>
  status === 'cancelled'
    ? []
    : items
        .filter(({ isCancelled }) => !isCancelled)
        .map(({ sequence }) => ({
          ...{ sequence, reason: undefined, quantity: undefined },
          outcome: status === 'denied' ? ('deny' as const) : ('pend' as const),
        }));

interface Asking {
  asked: Asked;
  step: AuthorizationStep;
  before: AuthorizationState | undefined;
  objection: string | undefined;
  salt: string;
  /** When the payer had it: by the time of this transaction, or before. */
  cameAt: string;
}

/** The clock starts when the payer has it; another member endorses that. */
function stateAfter(
  { time }: Store,
  { id, payer, provider }: Between,
  { asked: { urgency }, step, before, objection, salt, cameAt }: Asking,
): AuthorizationState {
  const isOver = step === 'cancel';
  const status = isOver ? 'cancelled' : objection === undefined ? 'pended' : 'denied';
  const receivedAt = isOver ? before!.receivedAt : cameAt;
  const due = dueAt(receivedAt, urgency);
  const wasLate = isOver && before?.isLate === true;
  return {
    ...{ schema: 1, id, step: (before?.step ?? 0) + 1, payer, ...(provider === undefined ? {} : { provider }) },
    ...{ status, urgency, receivedAt, dueAt: due },
    ...(objection === undefined ? {} : { reason: objection, decidedAt: time }),
    ...(isOver && before?.decidedAt !== undefined ? { decidedAt: before.decidedAt } : {}),
    ...(wasLate || (status === 'denied' && time > due) ? { isLate: true as const } : {}),
    revisions: (before?.revisions ?? 0) + (step === 'revise' ? 1 : 0),
    ...{ updatedAt: time, salt: sha256Hex(`authorization-state/${salt}`) },
  };
}

interface Standing {
  state: AuthorizationState;
  record: AuthorizationRecord;
  responseId: string;
}

/**
 * How a request stands, as it was shown: the next step is the one after. Works on every peer.
 * @throws LedgerError NOT_FOUND, INVALID
 */
async function checkStanding(
  store: Store,
  { id, payer, provider }: Between,
  shown: { state: string; record: string },
): Promise<Standing> {
  const { step } = parseText(authorizationStateSchema, shown.state, 'state');
  const collection = collections.billing(payer);
  const at = privateKeys.authorizationState(id, step);
  const state = await checkPresented(store, collection, at, shown.state, authorizationStateSchema, 'state');
  const key = privateKeys.authorization(id, step);
  const record = await checkPresented(store, collection, key, shown.record, authorizationRecordSchema, 'record');
  if (state.payer !== payer) throw new LedgerError('INVALID', "another payer's", 'payer');
  if (state.provider !== provider) throw new LedgerError('INVALID', "another provider's", 'provider');
  return { state, record, responseId: record.resources[1]!.id };
}

/** @throws LedgerError CONFLICT */
function checkStep({ status, step: number }: AuthorizationState, step: AuthorizationStep): void {
  const from: readonly string[] = AUTHORIZATION_STEPS[step];
  if (!from.includes(status)) throw new LedgerError('CONFLICT', `the request is ${status}`, 'id');
  // The last one is that by which it ends.
  if (number >= MAX_AUTHORIZATION_STEPS - 1) throw new LedgerError('CONFLICT', 'it has taken all its steps', 'id');
}

/** Writes a step: nothing of it may be on the ledger yet. @throws LedgerError CONFLICT where it was taken before */
async function put(
  store: Store,
  event: EventName | undefined,
  state: AuthorizationState,
  said: Pick<AuthorizationRecord, 'salt' | 'coverage' | 'resources'> & { reviewer?: string | undefined },
): Promise<void> {
  const { id, step, payer, provider } = state;
  const { reviewer, ...kept } = said;
  const record: AuthorizationRecord = {
    ...{ schema: 1, id, version: step, recordedAt: store.time, payer, ...kept },
    ...(reviewer === undefined ? {} : { reviewer }),
  };
  const own = collections.billing(payer);
  for (const [key, value] of [
    [privateKeys.authorizationState(id, step), state],
    [privateKeys.authorization(id, step), record],
  ] as const) {
    await store.putOnce(own, key, value, { expression: 'id' });
    await putCopies(store, provider === undefined ? [] : [provider], key, value);
  }
  if (event !== undefined) store.emit(event, { id });
}

async function decideAuthorization(call: Call<'DecideAuthorization'>): Promise<Done> {
  const { input, caller, store } = call;
  const { salt, decision, ...shown } = call.private;
  const between = { id: input.id, payer: caller.organisation.name, provider: input.provider };
  const before = await checkStanding(store, between, shown);
  checkStep(before.state, 'decide');
  const claim = before.record.resources[0] as Resource;
  const asked = readAsked(claim);
  const { status, items } = decided(asked, decision);
  const isOpen = status === 'pended';
  const { step, dueAt: due } = before.state;
  const state: AuthorizationState = {
    ...before.state,
    ...{ step: step + 1, status },
    ...(isOpen ? {} : { decidedAt: store.time }),
    ...(!isOpen && store.time > due ? { isLate: true as const } : {}),
    ...{ updatedAt: store.time, salt: sha256Hex(`authorization-state/${salt}`) },
  };
  const response = authorizationResponseOf({ responseId: before.responseId, claim, asked, state, items, decision });
  const { coverage } = before.record;
  const reviewer = caller.fhirUser;
  await putNumber(store, state, coverage.id, response['preAuthRef']);
  await put(store, events.AuthorizationDecided, state, { salt, coverage, resources: [claim, response], reviewer });
  return { time: store.time };
}

/** By its number a claim will name it. @throws LedgerError INVALID where the number means another request of the coverage's */
async function putNumber(store: Store, { id, payer }: AuthorizationState, coverage: string, number: unknown) {
  if (typeof number !== 'string') return;
  const own = collections.billing(payer);
  const key = privateKeys.authorizationNumber(payer, nameOfNumber(coverage, number.trim()));
  const value = authorizationNumber(id);
  const taken = await store.anchor(own, key);
  if (taken === undefined) store.putPrivate(own, key, value);
  else if (taken !== sha256Hex(canonicalJson(value)))
    throw new LedgerError('INVALID', 'is the number of another authorization of this coverage', 'decision.number');
}

/** Only when it is over, and once. @throws LedgerError CONFLICT */
async function purgeAuthorization(call: Call<'PurgeAuthorization'>): Promise<Done> {
  const { input, caller, store } = call;
  const { salt, rules, ...shown } = call.private;
  const payer = caller.organisation.name;
  const { state: before, record } = await checkStanding(
    store,
    { id: input.id, payer, provider: input.provider },
    shown,
  );
  const [claim, response] = record.resources as [Resource, Resource];
  const today = firstDay(store.time);
  const ends = authorizationEnds(before, response, termsOn(await checkClaimRules(store, payer, rules), today));
  if (ends === undefined) throw new LedgerError('CONFLICT', 'it goes on, or is purged', 'id');
  if (today < ends) throw new LedgerError('CONFLICT', `it is kept until ${ends}`, 'id');
  if (before.step === MAX_AUTHORIZATION_STEPS) throw new LedgerError('CONFLICT', 'it has taken all its steps', 'id');
  for (const owner of [payer, ...(input.provider === undefined ? [] : [input.provider])])
    await purgeTexts(store, collections.billing(owner), before);
  const state: AuthorizationState = {
    ...before,
    ...{ step: before.step + 1, purgedAt: store.time, updatedAt: store.time },
    salt: sha256Hex(`authorization-state/${salt}`),
  };
  const { coverage } = record;
  // Nobody is told: nothing was decided.
  await put(store, undefined, state, { salt, coverage, resources: [remainsOf(claim), response] });
  return { time: store.time };
}

/** What was asked and answered, as each of its steps left it. */
async function purgeTexts(store: Store, collection: string, { id, step: last }: AuthorizationState): Promise<void> {
  for (let step = 1; step <= last; step += 1) {
    const key = privateKeys.authorization(id, step);
    if ((await store.anchor(collection, key)) !== undefined) store.purge(collection, key);
  }
}
