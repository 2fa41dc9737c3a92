/** Claims: coverage and prices shown by the payer, submission by the provider, adjudication by the payer. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { type Bill, checkDiagnoses, readBill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import { APPEAL_DAYS } from '../model/claim-rules.ts';
import type { ClaimRecord, ClaimResponseRecord, Finding } from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { addDays, firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { likenessesOf } from '../model/likenesses.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { Anchored, ClaimState, Draft } from '../model/values.ts';
import { adjudicateClaim } from '../rules/adjudication.ts';
import { identitiesOf } from '../rules/claim-edits/billed-services.ts';
import { type ClaimFacts, patientOf } from '../rules/claim-facts.ts';
import { claimResponseOf } from '../rules/claim-response.ts';
import { signalsOf } from '../rules/claim-signals.ts';
import { judgeClaim, standing, type Verdict, verdictOf } from '../rules/claims.ts';
import { activityOf } from './claim-activities.ts';
import type { StepValue } from './claim-balance.ts';
import { checkPrior } from './claim-coordination.ts';
import { checkCover, keptWith, loadEvidence, loadFacts } from './claim-loading.ts';
import { loadFeeSchedule } from './claim-prices.ts';
import { checkReplaced, type Replaced, replace } from './claim-replacing.ts';
import { setClaimRules } from './claim-rules.ts';
import { holdingsOf } from './claim-services.ts';
import { memberOfKind, nextState, putCopies, takeStep } from './claim-states.ts';
import { decideClaim, decideClaims } from './deciding-claims.ts';
import { heldBy, holdServices, putFingerprintKey } from './held-services.ts';
import { registerPlan } from './plans.ts';
import { forEachClaim } from './several-claims.ts';

export class Claims extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claims');
    this.#consortium = consortium;
  }

  RegisterCoverage(ctx: Context, argument: string): Promise<string> {
    return run('RegisterCoverage', this.#consortium, ctx, argument, registerCoverage);
  }

  RegisterPlan(ctx: Context, argument: string): Promise<string> {
    return run('RegisterPlan', this.#consortium, ctx, argument, registerPlan);
  }

  LoadFeeSchedule(ctx: Context, argument: string): Promise<string> {
    return run('LoadFeeSchedule', this.#consortium, ctx, argument, loadFeeSchedule);
  }

  SubmitClaim(ctx: Context, argument: string): Promise<string> {
    return run('SubmitClaim', this.#consortium, ctx, argument, submitClaim);
  }

  SubmitClaims(ctx: Context, argument: string): Promise<string> {
    return run('SubmitClaims', this.#consortium, ctx, argument, submitClaims);
  }

  AdjudicateClaims(ctx: Context, argument: string): Promise<string> {
    return run('AdjudicateClaims', this.#consortium, ctx, argument, decideClaims);
  }

  SetClaimRules(ctx: Context, argument: string): Promise<string> {
    return run('SetClaimRules', this.#consortium, ctx, argument, setClaimRules);
  }

  AdjudicateClaim(ctx: Context, argument: string): Promise<string> {
    return run('AdjudicateClaim', this.#consortium, ctx, argument, decideClaim);
  }
}

/** That a draft is of its type, by its own id. @throws LedgerError INVALID */
function checkDraft({ id, resource }: Pick<Draft, 'id' | 'resource'>, type: string, at: string): void {
  if (resource.resourceType !== type) throw new LedgerError('INVALID', `must be a ${type}`, `${at}.resource`);
  if (resource.id !== id) throw new LedgerError('INVALID', 'the id is another one', `${at}.resource.id`);
}

type Done = OutputOf<'SubmitClaim'>;

async function registerCoverage(call: Call<'RegisterCoverage'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { coverage } = call.private;
  checkDraft(coverage, 'Coverage', 'coverage');
  readCover(coverage.resource);
  checkProviders(consortium, input.providers);
  const own = collections.billing(caller.organisation.name);
  await checkNextVersion(store, own, coverage);
  const value: Anchored = { schema: 1, author: caller.mspId, recordedAt: store.time, ...coverage };
  const key = privateKeys.coverage(coverage.id, coverage.version);
  store.putPrivate(own, key, value);
  await putCopies(store, input.providers, key, value);
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
    throw new LedgerError('CONFLICT', 'not the next version of this coverage', 'coverage.version');
  }
}

async function submitClaims(call: Call<'SubmitClaims'>): Promise<Done> {
  const { payer } = call.input;
  return forEachClaim(
    call,
    call.private.claims,
    ({ claim }) => claim.id,
    events.ClaimSubmitted,
    (one) => submitClaim({ ...call, input: { id: one.claim.id, payer }, private: one }),
  );
}

async function submitClaim(call: Call<'SubmitClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { claim, evidence, services: lists, ...terms } = call.private;
  const provider = caller.organisation;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  checkDraft(claim, 'Claim', 'claim');
  if (claim.id !== input.id) throw new LedgerError('INVALID', 'the id is another one', 'claim.id');
  const bill = readBill(claim.resource);
  checkDiagnoses(claim.resource);
  const loaded = await checkCover(store, payer, terms.coverage);
  if (bill.coverage !== `Coverage/${loaded.id}`) {
    throw new LedgerError('INVALID', 'names another coverage', 'Claim.insurance.coverage');
  }
  const before = await checkReplaced(call, bill, payer);
  const prior = await checkPrior(call, bill);
  const shown = await loadEvidence(store, provider.name, evidence);
  const { facts, fingerprints } = await loadFacts({
    ...{ store, payer, terms, bill, provider, evidence: shown, cover: loaded.cover, outdated: [] },
    ...{ salt: claim.salt, now: store.time, prior, lists },
    beside: new Set([...(before === undefined ? [] : holdingsOf(before.record)), ...prior.map(({ holder }) => holder)]),
  });
  const edits = [...judgeClaim(facts), ...signalsOf(facts)];
  const patient = patientOf(facts);
  const identities = identitiesOf(patient);
  const likenesses = patient === undefined ? [] : likenessesOf(patient, facts.bill.items[0]!.first);
  const verdict = verdictOf(edits, facts.bill);
  const lines = standing(facts.bill, verdict);
  const record: ClaimRecord = {
    ...{ schema: 1, id: claim.id, salt: claim.salt, submittedAt: store.time, provider: provider.name, payer },
    ...{ coverage: { id: loaded.id, version: loaded.version }, resource: claim.resource },
    ...{ evidence: keptWith(evidence, shown), edits },
    ...(identities.length === 0 ? {} : { identities }),
    ...(likenesses.length === 0 ? {} : { likenesses }),
    ...(prior.length === 0 ? {} : { prior }),
    ...(lines.size === 0 ? {} : { held: heldBy(fingerprints, lines) }),
  };
  const denial = verdict.claim;
  if (denial === undefined) {
    await putFingerprintKey(store, record, fingerprints);
    await holdServices(store, record, fingerprints, lines);
  }
  // A replacement that an edit denies replaces nothing.
  const replacing = denial === undefined ? before : undefined;
  if (replacing !== undefined) await replace(call, replacing, claim.id);
  const next = submittedState(call, record, denial, replacing);
  const response =
    denial === undefined ? [] : [deniedResponse(call, { record, bill, cover: loaded.cover, facts, verdict })];
  await takeStep(store, {
    state: next,
    event: events.ClaimSubmitted,
    values: [
      { key: privateKeys.claim(claim.id), value: record, copies: [provider.name] },
      ...response,
      ...(denial === undefined ? activityOf(record, facts) : []),
    ],
    concerned: [provider.name],
  });
  return { time: store.time };
}

function submittedState(
  { store }: Pick<Call<'SubmitClaim'>, 'store'>,
  record: ClaimRecord,
  denial: Finding | undefined,
  replacing: Replaced | undefined,
): ClaimState {
  const salted = { store, private: { salt: record.salt } };
  if (denial !== undefined)
    return nextState(salted, 'submit', record, { status: 'denied', reason: denial.edit, writes: ['response'] });
  const { state, paid } = replacing ?? {};
  return nextState(salted, 'submit', record, { status: 'submitted', replaces: state?.id, paid });
}

interface Denied {
  record: ClaimRecord;
  bill: Bill;
  cover: Cover;
  facts: ClaimFacts;
  verdict: Verdict;
}

/** What the provider is answered where an edit denies at once: it may appeal against that. */
function deniedResponse(
  { store, private: { responseId } }: Call<'SubmitClaim'>,
  { record, bill, cover, facts, verdict }: Denied,
): StepValue {
  const { id, coverage, edits, payer, provider } = record;
  const adjudication = adjudicateClaim(facts.bill, cover, facts.tariffs, verdict);
  const appealUntil = addDays(firstDay(store.time), APPEAL_DAYS);
  const value: ClaimResponseRecord = {
    ...{ schema: 1, claimId: id, salt: sha256Hex(`response/${record.salt}`), coverage, edits, appealUntil },
    resource: claimResponseOf({
      ...{ responseId, payer, claim: record.resource, bill, adjudication, verdict, appealUntil, now: store.time },
    }),
  };
  return { key: privateKeys.response(id, 1), value, copies: [provider] };
}
