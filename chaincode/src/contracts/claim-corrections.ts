/**
 * How a provider puts its claims right: takes one back before or after it is decided, replaces it, answers what is missing, and
 * appeals. Each is a step of the table; what was paid stays accounted for.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { lastAppealDay } from '../model/claim-ends.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { type ClaimRecord, type ClaimTask, claimRecordSchema } from '../model/claims.ts';
import { firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys, USUAL_STEPS } from '../model/keys.ts';
import type { Amount } from '../model/money.ts';
import { payableOf } from '../model/payment-details.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { ClaimState } from '../model/values.ts';
import { type ClaimTaskKind, claimTaskOf } from '../rules/claim-tasks.ts';
import { debtOf, type StepValue } from './claim-balance.ts';
import { returnBenefits } from './claim-benefits.ts';
import { checkResponse } from './claim-humans.ts';
import { keptWith, loadEvidence } from './claim-loading.ts';
import { offsetClaim } from './claim-offsets.ts';
import { servicesOf } from './claim-services.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';
import { freeServices } from './held-services.ts';
import { freeScreened } from './screened.ts';

export class ClaimCorrections extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claim-corrections');
    this.#consortium = consortium;
  }

  WithdrawClaim(ctx: Context, argument: string): Promise<string> {
    return run('WithdrawClaim', this.#consortium, ctx, argument, withdrawClaim);
  }

  OffsetClaim(ctx: Context, argument: string): Promise<string> {
    return run('OffsetClaim', this.#consortium, ctx, argument, offsetClaim);
  }

  ReopenClaim(ctx: Context, argument: string): Promise<string> {
    return run('ReopenClaim', this.#consortium, ctx, argument, reopenClaim);
  }
}

type Done = OutputOf<'WithdrawClaim'>;

/** The claim as its payer holds it, or what remains of it. @throws LedgerError NOT_FOUND, INVALID */
export async function checkClaim(
  store: Store,
  state: ClaimState,
  text: string,
  expression = 'claim',
): Promise<ClaimRecord> {
  const collection = collections.billing(state.payer);
  const { claim, remains } = keysOfClaim(state);
  const key = (await store.anchor(collection, claim)) === undefined ? remains : claim;
  return checkPresented(store, collection, key, text, claimRecordSchema, expression);
}

/**
 * What has been paid for a claim. States of earlier chaincode do not say it: then the decision does, which is to be shown.
 * @throws LedgerError NOT_FOUND, INVALID at `response`
 */
export async function paidFor(
  store: Store,
  state: ClaimState,
  response: string | undefined,
): Promise<Amount | undefined> {
  if (state.paid !== undefined || state.status !== 'remitted') return state.paid;
  return payableOf((await checkResponse(store, state, state.response, response ?? '')).resource);
}

async function withdrawClaim(call: Call<'WithdrawClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { kind, claim, state: text, response, fingerprintKey, coverage, screening, took, salt } = call.private;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  const state = await checkState(store, { id: input.id, payer, text, step: kind, caller });
  const record = await checkClaim(store, state, claim);
  const services = await servicesOf(store, record, caller.organisation, { coverage, fingerprintKey });
  const paid = await paidFor(store, state, response);
  await freeServices(store, record, services);
  await freeScreened(store, record, screening);
  await returnBenefits(store, record, state, { took, salt });
  const status = kind === 'cancel' ? 'cancelled' : 'voided';
  const next = nextState(call, kind, state, { status, paid: undefined, taken: undefined });
  const owed = paid === undefined ? [] : debtOf(next, paid, store.time, salt);
  await takeStep(store, {
    state: next,
    event: events.ClaimWithdrawn,
    values: [taskValue(call, next, kind), ...owed],
    concerned: [state.provider],
  });
  return { time: store.time };
}

/** What a provider asks, for both sides to read. */
function taskValue(
  { store, private: { taskId, reason, salt } }: Call<'WithdrawClaim'> | Call<'ReopenClaim'>,
  { id, step, payer, provider }: ClaimState,
  kind: ClaimTaskKind,
): StepValue {
  const resource = claimTaskOf({ taskId, kind, claimId: id, provider, payer, reason, now: store.time });
  const value: ClaimTask = { schema: 1, claimId: id, payer, salt: sha256Hex(`claim-task/${salt}`), resource };
  return { key: privateKeys.claimTask(id, step), value, copies: [provider] };
}

async function reopenClaim(call: Call<'ReopenClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { kind, claim, state: text, resource, evidence } = call.private;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  const state = await checkState(store, { id: input.id, payer, text, step: kind, caller });
  const record = await checkClaim(store, state, claim);
  checkSameBill(record.resource, resource);
  readBill(resource);
  const records = await loadEvidence(store, caller.organisation.name, evidence);
  const next = nextState(call, kind, state, { ...(await reopened(call, state)), writes: ['claim'] });
  const shown: ClaimRecord = { ...record, resource, evidence: keptWith(evidence, records) };
  await takeStep(store, {
    state: next,
    event: kind === 'appeal' ? events.ClaimAppealed : events.ClaimSubmitted,
    values: [{ key: keysOfClaim(next).claim, value: shown, copies: [state.provider] }, taskValue(call, next, kind)],
    concerned: [state.provider],
  });
  return { time: store.time };
}

type Reopened = Pick<ClaimState, 'status' | 'appealOf' | 'paid'>;

/** An answer is decided as what it was pended as. @throws LedgerError where an appeal comes too late */
async function reopened(
  { store, private: { kind, response } }: Call<'ReopenClaim'>,
  state: ClaimState,
): Promise<Reopened> {
  const { appealOf, paid } = state;
  if (kind === 'supplement') return { status: appealOf === undefined ? 'submitted' : 'appealed', appealOf, paid };
  return appealed(store, state, response);
}

/** What an appeal makes of a claim. @throws LedgerError CONFLICT where it comes too late, NOT_FOUND and INVALID at `response` */
export async function appealed(store: Store, state: ClaimState, response: string | undefined): Promise<Reopened> {
  const last = lastAppealDay(await checkResponse(store, state, state.response, response ?? ''));
  if (firstDay(store.time) > last) throw new LedgerError('CONFLICT', `the appeal period ended on ${last}`, 'id');
  return {
    status: 'appealed',
    appealOf: state.response ?? USUAL_STEPS.response,
    paid: await paidFor(store, state, response),
  };
}

/** What a Claim refers to for evidence, which an answer or an appeal may add to. */
const OF_CLAIM = new Set(['supportingInfo', 'procedure', 'careTeam']);
const OF_ITEM = new Set(['encounter', 'procedureSequence', 'informationSequence', 'careTeamSequence']);

const without = (of: object, names: ReadonlySet<string>): object =>
  Object.fromEntries(Object.entries(of).filter(([name]) => !names.has(name)));

const billedIn = (claim: Resource): string =>
  canonicalJson({
    ...without(claim, OF_CLAIM),
    item: ((claim['item'] ?? []) as object[]).map((item) => without(item, OF_ITEM)),
  });

/** @throws LedgerError INVALID where it bills anything else: that takes a replacement */
function checkSameBill(before: Resource, after: Resource): void {
  if (billedIn(before) === billedIn(after)) return;
  throw new LedgerError('INVALID', 'only what a claim refers to may change; replace it to bill otherwise', 'resource');
}
