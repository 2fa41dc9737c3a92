/** Claims: coverage and prices shown by the payer, submission by the provider, adjudication by the payer. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { type ClaimRecord, type ClaimResponseRecord, claimRecordSchema, type Finding } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { payableOf } from '../model/payment-details.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { Anchored, ClaimState, Draft, Owed } from '../model/values.ts';
import { type Adjudication, adjudicateClaim } from '../rules/adjudication.ts';
import type { Tariffs } from '../rules/claim-facts.ts';
import { claimResponseOf } from '../rules/claim-response.ts';
import { signalsOf } from '../rules/claim-signals.ts';
import { judgeClaim, standing, verdictOf } from '../rules/claims.ts';
import { checkCover, loadEvidence, loadFacts, outdatedEvidence, storedEvidence } from './claim-loading.ts';
import { loadFeeSchedule } from './claim-prices.ts';
import { checkState, memberOfKind, nextState, putCopies, takeStep } from './claim-states.ts';
import { holdServices, putFingerprintKey } from './held-services.ts';

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

async function submitClaim(call: Call<'SubmitClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { claim, evidence, ...terms } = call.private;
  const provider = caller.organisation;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  checkDraft(claim, 'Claim', 'claim');
  if (claim.id !== input.id) throw new LedgerError('INVALID', 'the id is another one', 'claim.id');
  const bill = readBill(claim.resource);
  const loaded = await checkCover(store, payer, terms.coverage);
  if (bill.coverage !== `Coverage/${loaded.id}`) {
    throw new LedgerError('INVALID', 'names another coverage', 'Claim.insurance.coverage');
  }
  const shown = await loadEvidence(store, provider.name, evidence);
  const { facts, fingerprints } = await loadFacts({
    ...{ store, payer, terms, bill, provider, evidence: shown, cover: loaded.cover, outdated: [] },
    ...{ salt: claim.salt, now: store.time },
  });
  const edits = [...judgeClaim(facts), ...signalsOf(facts)];
  const record: ClaimRecord = {
    ...{ schema: 1, id: claim.id, salt: claim.salt, submittedAt: store.time, provider: provider.name, payer },
    ...{ coverage: { id: loaded.id, version: loaded.version }, resource: claim.resource, evidence, edits },
  };
  const verdict = verdictOf(edits, facts.bill);
  if (verdict.claim === undefined) {
    await putFingerprintKey(store, record, fingerprints);
    holdServices(store, record, fingerprints, standing(facts.bill, verdict));
  }
  await takeStep(store, {
    state: submittedState(call, record, verdict.claim),
    event: events.ClaimSubmitted,
    values: [{ key: privateKeys.claim(claim.id), value: record, copies: [provider.name] }],
    concerned: [provider.name],
  });
  return { time: store.time };
}

function submittedState(
  { store }: Pick<Call<'SubmitClaim'>, 'store'>,
  record: ClaimRecord,
  denial?: Finding,
): ClaimState {
  const outcome =
    denial === undefined ? { status: 'submitted' as const } : { status: 'denied' as const, reason: denial.edit };
  return nextState({ store, private: { salt: record.salt } }, 'submit', record, outcome);
}

/** The versions of the fee schedules that a claim was decided by. */
function feeSchedulesIn({ all }: Tariffs): Pick<ClaimResponseRecord, 'feeSchedule' | 'feeSchedules'> {
  const versions = all.map(({ version }) => version);
  if (versions.length > 1) return { feeSchedules: versions };
  return versions[0] === undefined ? {} : { feeSchedule: versions[0] };
}

async function decideClaim(call: Call<'AdjudicateClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { responseId, salt, claim, state: text, ...terms } = call.private;
  const payer = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'adjudicate', caller });
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  const at = keysOfClaim(state).claim;
  const record = await checkPresented(store, collections.billing(payer), at, claim, claimRecordSchema, 'claim');
  const bill = readBill(record.resource);
  const loaded = await checkCover(store, payer, terms.coverage);
  if (loaded.id !== record.coverage.id) throw new LedgerError('INVALID', 'is not what was claimed on', 'coverage');
  const { facts, fingerprints } = await loadFacts({
    ...{ store, payer, terms, bill, evidence: storedEvidence(record), cover: loaded.cover },
    outdated: await outdatedEvidence(store, record),
    provider: memberOfKind(consortium, state.provider, 'provider', 'provider'),
    ...{ salt: record.salt, now: record.submittedAt },
  });
  const edits = [...judgeClaim(facts), ...signalsOf(facts)];
  const verdict = verdictOf(edits, facts.bill);
  const adjudication = adjudicateClaim(facts.bill, loaded.cover, facts.tariffs, verdict);
  const response: ClaimResponseRecord = {
    ...{ schema: 1, claimId: input.id, salt, coverage: { id: loaded.id, version: loaded.version }, edits },
    ...feeSchedulesIn(facts.tariffs),
    resource: claimResponseOf({
      ...{ responseId, payer, claim: record.resource },
      ...{ bill, adjudication, verdict, now: store.time },
    }),
  };
  const { status } = adjudication;
  // One that was submitted before there were factors holds its services by them from now on.
  holdServices(store, record, fingerprints, paidOf(adjudication));
  const reason = status === 'denied' ? { reason: verdict.claim?.edit ?? 'no-benefit' } : {};
  await takeStep(store, {
    state: nextState(call, 'adjudicate', state, {
      status,
      ...reason,
      ...owedBy(response.resource),
      writes: ['response'],
    }),
    event: events.ClaimAdjudicated,
    values: [{ key: privateKeys.response(input.id, state.step + 1), value: response, copies: [state.provider] }],
    concerned: [state.provider],
  });
  return { time: store.time };
}

/** Sequences of the lines of which something is owed, by the payer or the patient: a line that is denied holds no service. */
const paidOf = ({ status, items }: Adjudication): Set<number> =>
  new Set(
    status === 'denied' ? [] : items.filter(({ denied }) => denied === undefined).map(({ sequence }) => sequence),
  );

/** What a decision says is to be paid: a payment shows it to the bank by the claim's state, without the decision itself. */
const owedBy = (response: Resource): { owed?: Owed } =>
  response['payment'] === undefined ? {} : { owed: { ...payableOf(response), response: response.id } };
