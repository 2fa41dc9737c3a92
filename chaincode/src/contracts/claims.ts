/** Claims: coverage and prices shown by the payer, submission by the provider, adjudication by the payer. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import {
  type Consortium,
  custodianOf,
  type Kind,
  type Organisation,
  organisationByName,
  organisationsOfKind,
} from '@telemed-ledger/consortium/members.ts';
import { all, type PolicyRule, withOneOf } from '@telemed-ledger/consortium/policies.ts';
import type { Context } from 'fabric-contract-api';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { type ClaimRecord, type ClaimResponseRecord, claimRecordSchema, type Finding } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys, publicKeys } from '../model/keys.ts';
import { exponentOf } from '../model/money.ts';
import { type Anchored, type ClaimState, claimStateSchema, type Draft, type OutputOf } from '../model/transactions.ts';
import { adjudicateClaim } from '../rules/adjudication.ts';
import { claimResponseOf } from '../rules/claim-response.ts';
import { denialOf, judgeClaim } from '../rules/claims.ts';
import { type Fingerprints, loadCover, loadEvidence, loadFacts, storedEvidence } from './claim-loading.ts';

export class Claims extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claims');
    this.#consortium = consortium;
  }

  RegisterCoverage(ctx: Context, argument: string): Promise<string> {
    return run('RegisterCoverage', this.#consortium, ctx, argument, registerCoverage);
  }

  LoadFeeSchedule(ctx: Context, argument: string): Promise<string> {
    return run('LoadFeeSchedule', this.#consortium, ctx, argument, loadFeeSchedule);
  }

  SubmitClaim(ctx: Context, argument: string): Promise<string> {
    return run('SubmitClaim', this.#consortium, ctx, argument, submitClaim);
  }

  AdjudicateClaim(ctx: Context, argument: string): Promise<string> {
    return run('AdjudicateClaim', this.#consortium, ctx, argument, decideClaim);
  }

  GetClaim(ctx: Context, argument: string): Promise<string> {
    return run('GetClaim', this.#consortium, ctx, argument, ({ input, store }) => loadClaim(store, input.id));
  }
}

/** An organisation of a kind, by name. @throws LedgerError NOT_FOUND at `expression` */
export function memberOfKind(consortium: Consortium, name: string, kind: Kind, expression: string): Organisation {
  const found = organisationByName(consortium, name);
  if (found?.kind !== kind) throw new LedgerError('NOT_FOUND', `no such ${kind}`, expression);
  return found;
}

/** The public state of a claim. @throws LedgerError NOT_FOUND */
export async function loadClaim(store: Store, id: string): Promise<ClaimState> {
  const state = await store.get(publicKeys.claim(id), claimStateSchema);
  if (state === undefined) throw new LedgerError('NOT_FOUND', 'no such claim', 'id');
  return state;
}

/** Who takes a claim's next step: the payer, with a bank once it is to be paid, else with the provider or the custodian. */
export function claimPolicy(consortium: Consortium, { status, payer, provider, bank }: ClaimState): PolicyRule {
  const mspIdOf = (name: string): string => organisationByName(consortium, name)!.mspId;
  if (status === 'instructed' && bank !== undefined) return all(mspIdOf(payer), mspIdOf(bank));
  const isPayable = status === 'approved' || status === 'partial';
  const banks = organisationsOfKind(consortium, 'bank').map(({ mspId }) => mspId);
  return withOneOf(mspIdOf(payer), isPayable ? banks : [mspIdOf(provider), custodianOf(consortium).mspId]);
}

/**
 * That a step has not been taken, as its private key says: claimPolicy's organisations alone could set the public state
 * back, but not this one of those who took the step.
 * @throws LedgerError CONFLICT
 */
export async function checkNotDone(store: Store, collection: string, key: string): Promise<void> {
  if ((await store.anchor(collection, key)) !== undefined)
    throw new LedgerError('CONFLICT', 'this was done before', 'id');
}

/** That a draft is of its type, by its own id. @throws LedgerError INVALID */
function checkDraft({ id, resource }: Pick<Draft, 'id' | 'resource'>, type: string, at: string): void {
  if (resource.resourceType !== type) throw new LedgerError('INVALID', `must be a ${type}`, `${at}.resource`);
  if (resource.id !== id) throw new LedgerError('INVALID', 'the id is another one', `${at}.resource.id`);
}

async function registerCoverage(call: Call<'RegisterCoverage'>): Promise<OutputOf<'RegisterCoverage'>> {
  const { input, caller, consortium, store } = call;
  const { coverage } = call.private;
  checkDraft(coverage, 'Coverage', 'coverage');
  readCover(coverage.resource);
  const { id, version, salt, resource } = coverage;
  const value: Anchored = { author: caller.mspId, id, version, recordedAt: store.time, salt, resource };
  checkProviders(consortium, input.providers);
  for (const name of input.providers) {
    const collection = collections.claim(name, caller.organisation.name);
    await checkNextVersion(store, collection, coverage);
    store.putPrivate(collection, privateKeys.coverage(id, version), value);
  }
  return { time: store.time };
}

function checkProviders(consortium: Consortium, names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    memberOfKind(consortium, name, 'provider', `providers[${index}]`);
    if (names.indexOf(name) < index) throw new LedgerError('INVALID', 'named twice', `providers[${index}]`);
  }
}

async function checkNextVersion(store: Store, collection: string, { id, version }: Draft): Promise<void> {
  const same = await store.anchor(collection, privateKeys.coverage(id, version));
  const before = version === 1 ? 'none' : await store.anchor(collection, privateKeys.coverage(id, version - 1));
  if (same !== undefined || before === undefined) {
    throw new LedgerError('CONFLICT', 'not the next version of this coverage there', 'coverage.version');
  }
}

function loadFeeSchedule(call: Call<'LoadFeeSchedule'>): OutputOf<'LoadFeeSchedule'> {
  const { input, caller, consortium, store } = call;
  memberOfKind(consortium, input.provider, 'provider', 'provider');
  if (exponentOf(call.private.currency) === undefined) {
    throw new LedgerError('INVALID', 'not an ISO 4217 currency', 'currency');
  }
  const collection = collections.claim(input.provider, caller.organisation.name);
  store.putPrivate(collection, privateKeys.feeSchedule(), { ...call.private, loadedAt: store.time });
  return { time: store.time };
}

async function submitClaim(call: Call<'SubmitClaim'>): Promise<ClaimState> {
  const { input, caller, consortium, store } = call;
  const { claim, coverage, evidence } = call.private;
  const provider = caller.organisation;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer');
  checkDraft(claim, 'Claim', 'claim');
  if (claim.id !== input.id) throw new LedgerError('INVALID', 'the id is another one', 'claim.id');
  if ((await store.get(publicKeys.claim(input.id), claimStateSchema)) !== undefined) {
    throw new LedgerError('CONFLICT', 'the claim exists already', 'id');
  }
  const bill = readBill(claim.resource);
  if (bill.coverage !== `Coverage/${coverage.id}`) {
    throw new LedgerError('INVALID', 'names another coverage', 'Claim.insurance.coverage');
  }
  const collection = collections.claim(provider.name, payer.name);
  const loaded = await loadCover(store, collection, coverage);
  const shown = await loadEvidence(store, provider.name, evidence);
  const { facts, fingerprints } = await loadFacts({
    ...{ store, collection, bill, provider, evidence: shown, cover: loaded.cover },
    ...{ salt: claim.salt, now: store.time },
  });
  const edits = judgeClaim(facts);
  const record: ClaimRecord = {
    ...{ id: claim.id, salt: claim.salt, submittedAt: store.time, provider: provider.name, payer: payer.name },
    ...{ coverage: { id: loaded.id, version: loaded.version }, resource: claim.resource, evidence, edits },
  };
  store.putPrivate(collection, privateKeys.claim(claim.id), record);
  const denial = denialOf(edits);
  if (denial === undefined) saveFingerprints(store, collection, record, fingerprints);
  const state = submittedState(record, denial);
  store.put(publicKeys.claim(state.id), state, claimPolicy(consortium, state));
  store.emit(events.ClaimSubmitted, state);
  return state;
}

function submittedState(record: ClaimRecord, denial: Finding | undefined): ClaimState {
  const { id, provider, payer, submittedAt } = record;
  const outcome =
    denial === undefined ? { status: 'submitted' as const } : { status: 'denied' as const, reason: denial.edit };
  return { id, provider, payer, ...outcome, submittedAt, updatedAt: submittedAt };
}

/** A denied claim holds no services: only a claim that stands writes them down. */
function saveFingerprints(store: Store, collection: string, record: ClaimRecord, fingerprints: Fingerprints): void {
  const { id: claimId, salt } = record;
  if (fingerprints.isNew) store.putPrivate(collection, privateKeys.fingerprintKey(), { key: fingerprints.key });
  for (const { item, hash } of fingerprints.all) {
    store.putPrivate(collection, privateKeys.fingerprint(hash), { claimId, item, salt });
  }
}

/** A claim of the caller's that waits for its adjudication. @throws LedgerError NOT_FOUND, FORBIDDEN or CONFLICT */
async function loadSubmitted({ input, caller, store }: Call<'AdjudicateClaim'>): Promise<ClaimState> {
  const state = await loadClaim(store, input.id);
  if (state.payer !== caller.organisation.name) throw new LedgerError('FORBIDDEN', "another payer's claim", 'id');
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  if (state.status !== 'submitted') throw new LedgerError('CONFLICT', `the claim is ${state.status}`, 'id');
  return state;
}

async function decideClaim(call: Call<'AdjudicateClaim'>): Promise<ClaimState> {
  const { input, caller, consortium, store } = call;
  const { responseId, salt } = call.private;
  const state = await loadSubmitted(call);
  const collection = collections.claim(state.provider, state.payer);
  await checkNotDone(store, collection, privateKeys.response(input.id));
  const record = await store.getPrivate(collection, privateKeys.claim(input.id), claimRecordSchema);
  if (record === undefined) throw new Error('a claim has no content');
  const bill = readBill(record.resource);
  const loaded = await loadCover(store, collection, record.coverage);
  const { facts } = await loadFacts({
    ...{ store, collection, bill, evidence: storedEvidence(record), cover: loaded.cover },
    provider: memberOfKind(consortium, state.provider, 'provider', 'provider'),
    ...{ salt: record.salt, now: record.submittedAt },
  });
  const edits = judgeClaim(facts);
  const denial = denialOf(edits);
  const adjudication = adjudicateClaim(bill, loaded.cover, facts.feeSchedule, denial !== undefined);
  const payer = caller.organisation.name;
  const response: ClaimResponseRecord = {
    ...{ claimId: input.id, salt, coverage: { id: loaded.id, version: loaded.version }, edits },
    ...(facts.feeSchedule === undefined ? {} : { feeSchedule: facts.feeSchedule.version }),
    resource: claimResponseOf({
      responseId,
      payer,
      claim: record.resource,
      bill,
      adjudication,
      denial,
      now: store.time,
    }),
  };
  store.putPrivate(collection, privateKeys.response(input.id), response);
  const { status } = adjudication;
  const reason = status === 'denied' ? { reason: denial?.edit ?? 'no-benefit' } : {};
  const decided: ClaimState = { ...state, status, ...reason, updatedAt: store.time };
  store.put(publicKeys.claim(input.id), decided, claimPolicy(consortium, decided));
  store.emit(events.ClaimAdjudicated, decided);
  return decided;
}
