/** The payer decides a claim: by the rules, which every endorser computes, and by what a person decides within them. */
import type { Call } from '../ledger/transaction.ts';
import { type Bill, readBill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import { billedItems } from '../model/claim-practitioners.ts';
import { APPEAL_DAYS, termsOn } from '../model/claim-rules.ts';
import type { ClaimRecord, ClaimResponseRecord, ClaimTask, Finding, HumanDecision } from '../model/claims.ts';
import { addDays, firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { ClaimState } from '../model/values.ts';
import { type Adjudication, adjudicateClaim } from '../rules/adjudication.ts';
import type { Tariffs } from '../rules/claim-facts.ts';
import { type Human, OUTDATED, type Outcome, outcomeOf, reduced, reductionsOf } from '../rules/claim-outcomes.ts';
import { claimResponseOf } from '../rules/claim-response.ts';
import { scoreOf } from '../rules/claim-score.ts';
import { signalsOf } from '../rules/claim-signals.ts';
import { claimTaskOf } from '../rules/claim-tasks.ts';
import { judgeClaim, standing, type Verdict, verdictOf } from '../rules/claims.ts';
import { coordinated } from '../rules/coordination.ts';
import { checkBeside } from './beside-claims.ts';
import { checkActivities } from './claim-activities.ts';
import { debtOf, type StepValue } from './claim-balance.ts';
import { loadBenefits, returnBenefits, takeBenefits } from './claim-benefits.ts';
import { checkClaim } from './claim-corrections.ts';
import { benefitAppealed, decisionValue, humanOf, signedBefore } from './claim-humans.ts';
import { checkCover, loadFacts, outdatedEvidence, storedEvidence } from './claim-loading.ts';
import { checkClaimRules } from './claim-rules.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';
import type { TakenBefore } from './held-lists.ts';
import { holdDecided } from './held-services.ts';
import { checkScreened, freeTokens, loadScreening } from './screened.ts';
import { forEachClaim } from './several-claims.ts';

type Done = OutputOf<'AdjudicateClaim'>;

/** The versions of the fee schedules that a claim was decided by. */
function feeSchedulesIn({ all }: Tariffs): Pick<ClaimResponseRecord, 'feeSchedule' | 'feeSchedules'> {
  const versions = all.map(({ version }) => version);
  if (versions.length > 1) return { feeSchedules: versions };
  return versions[0] === undefined ? {} : { feeSchedule: versions[0] };
}

export async function decideClaims(call: Call<'AdjudicateClaims'>): Promise<Done> {
  const { provider } = call.input;
  return forEachClaim(
    call,
    call.private.claims,
    ({ id }) => id,
    events.ClaimAdjudicated,
    ({ id, ...shown }) => decideClaim({ ...call, input: { id, provider }, private: shown }),
  );
}

export async function decideClaim(call: Call<'AdjudicateClaim'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const {
    responseId,
    salt,
    claim,
    state: text,
    rules,
    decision,
    signed,
    response: earlier,
    screening: screened,
    activities: texts = [],
    beside: others,
    services: lists,
    ...shown
  } = call.private;
  const payer = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'adjudicate', caller });
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  const human = humanOf(call, state);
  const record = await checkClaim(store, state, claim);
  const screening = await loadScreening(store, payer, input.id, screened);
  const bill = readBill(record.resource);
  const loaded = await checkCover(store, payer, shown.coverage);
  if (loaded.id !== record.coverage.id) throw new LedgerError('INVALID', 'is not what was claimed on', 'coverage');
  const { facts, fingerprints } = await loadFacts({
    ...{ store, payer, terms: shown, bill, evidence: storedEvidence(record), cover: loaded.cover },
    outdated: await outdatedEvidence(store, record),
    provider: memberOfKind(consortium, state.provider, 'provider', 'provider'),
    ...{ salt: record.salt, now: record.submittedAt },
    ...{
      identities: record.identities,
      prior: record.prior,
      beside: new Set(record.prior?.map(({ holder }) => holder)),
    },
    before: takenBefore(state, record, bill),
    lists,
    ...(screening?.claim === sha256Hex(claim) ? { elsewhere: screening.elsewhere, alike: screening.alike } : {}),
  });
  const between = { payer, provider: state.provider, beyond: input.beyond === true };
  const activities = await checkActivities(store, { ...between, texts });
  const benefits = await loadBenefits(store, { ...between, state, coverage: loaded.id }, facts, shown);
  const beside = await checkBeside(store, { state, record }, others);
  const judged = { ...facts, plan: benefits?.facts, beside };
  const edits = [...judgeClaim(judged), ...signalsOf({ ...judged, activities })];
  const verdict = deniedBy(human, verdictOf(edits, facts.bill));
  const signatures = await signedBefore(store, state, signed);
  const reductions = reductionsOf([...signatures, ...(decision === undefined ? [] : [decision])]);
  const adjudication = reduced(
    coordinated(adjudicateClaim(facts.bill, loaded.cover, facts.tariffs, verdict, benefits?.facts), record.prior ?? []),
    reductions,
  );
  const terms = termsOn(await checkClaimRules(store, payer, rules), firstDay(store.time));
  const outcome = outcomeOf({
    ...{ before: state, adjudication, isOutdated: isOutdated(edits, verdict), score: scoreOf(edits), terms, human },
    earlierBenefit: await benefitAppealed(store, state, earlier),
  });
  const appealUntil = addDays(firstDay(store.time), terms.appealDays ?? APPEAL_DAYS);
  // What is upheld, or waits, goes on with what it took of the plan by an earlier decision.
  const isFinal = outcome.waitsFor === undefined && outcome.appeal !== 'upheld';
  if (isFinal && benefits === undefined) await returnBenefits(store, record, state, { took: shown.took, salt });
  const decided: ClaimResponseRecord = {
    ...{ schema: 1, claimId: input.id, salt, coverage: { id: loaded.id, version: loaded.version }, edits },
    ...feeSchedulesIn(facts.tariffs),
    ...takeBenefits(store, { payer, coverage: loaded.id }, benefits, { id: input.id, salt, adjudication, isFinal }),
    ...(outcome.waitsFor === undefined ? { appealUntil } : {}),
    resource: claimResponseOf({
      ...{
        responseId,
        payer,
        claim: record.resource,
        prior: record.prior,
        bill,
        adjudication,
        verdict,
        outcome,
        note: decision?.reason,
      },
      signals: edits.filter((one) => one.outcome === 'signal'),
      ...(outcome.waitsFor === undefined ? { appealUntil } : {}),
      now: store.time,
    }),
  };
  const isDenied = outcome.status === 'denied';
  // What was paid and is upheld keeps its services, and so does what is to be judged by other records. One that was submitted before there were factors holds its own from now on.
  if ((outcome.appeal !== 'upheld' && outcome.waitsFor !== OUTDATED) || isDenied) {
    const owed = isDenied ? new Set<number>() : paidOf(adjudication);
    const asking = new Set(billedItems(facts.bill).map(({ sequence }) => sequence));
    if (outcome.waitsFor === undefined) checkScreened(screening, claim, asking.intersection(owed));
    await holdDecided(store, record, fingerprints, owed);
    if (outcome.waitsFor === undefined)
      await freeTokens(store, record, screening, { generation: screened?.generation, standing: owed });
  }
  const currency = adjudication.currency;
  const denial = verdict.claim?.edit ?? termOf(adjudication);
  const taken = isFinal ? { taken: decided.taken === undefined ? undefined : state.step + 1 } : {};
  const next = decidedState(call, state, outcome, { denial, currency, ...taken });
  await takeStep(store, {
    state: next,
    event: events.ClaimAdjudicated,
    values: [
      { key: privateKeys.response(input.id, next.step), value: decided, copies: [state.provider] },
      ...decisionValue(next, human, salt),
      ...debtOf(next, { units: outcome.owedBack, currency }, store.time, salt),
      ...(outcome.status === 'pended' ? [askedOf(call, next, askedFor(outcome, decision))] : []),
    ],
    concerned: [state.provider],
  });
  return { time: store.time };
}

/** What a claim took by its submission, while that is all that became of it. */
function takenBefore({ step }: ClaimState, { held, edits }: ClaimRecord, bill: Bill): TakenBefore | undefined {
  return step > 1 || held === undefined ? undefined : { held, lines: standing(bill, verdictOf(edits, bill)) };
}

/** Of what a person denies nothing is allowed, whatever the edits say of it. */
function deniedBy(human: Human | undefined, verdict: Verdict): Verdict {
  if (human?.decision.outcome !== 'deny') return verdict;
  return { ...verdict, claim: verdict.claim ?? { edit: 'adjudicator', version: '1', outcome: 'deny' } };
}

function decidedState(
  call: Call<'AdjudicateClaim'>,
  state: ClaimState,
  { status, waitsFor, due, owedBack, signers }: Outcome,
  {
    denial = 'no-benefit',
    currency,
    ...taken
  }: { denial?: string | undefined; currency: string; taken?: number | undefined },
): ClaimState {
  const reason = status === 'denied' ? { reason: denial } : {};
  if (waitsFor !== undefined) {
    const signed = signers.length === 0 ? {} : { signers: [...signers] };
    const { appealOf } = state;
    const missing = waitsFor === OUTDATED ? { reason: OUTDATED } : {};
    return nextState(call, 'adjudicate', state, { status, appealOf, ...signed, ...missing, writes: ['response'] });
  }
  const deciders = [...new Set([...(state.deciders ?? []), ...signers])];
  const left = (state.paid?.units ?? 0) - owedBack;
  return nextState(call, 'adjudicate', state, {
    ...{ status, ...reason, writes: ['response'], payment: undefined, ...taken },
    // A payment shows it to the bank by the claim's state, without the decision itself.
    owed: due === 0 ? undefined : { units: due, currency, response: call.private.responseId },
    ...(deciders.length === 0 ? {} : { deciders }),
    ...(owedBack === 0 ? {} : { paid: left === 0 ? undefined : { units: left, currency } }),
  });
}

/** Whether records have newer versions, and nothing else denies the whole. */
const isOutdated = (edits: readonly Finding[], { claim }: Verdict): boolean =>
  edits.some(({ edit, outcome }) => edit === OUTDATED && outcome === 'deny') &&
  (claim === undefined || claim.edit === OUTDATED);

/** Why it waits: what a person says, but where that waits for records. */
const askedFor = ({ waitsFor = '' }: Outcome, decision: HumanDecision | undefined): string =>
  waitsFor === OUTDATED ? waitsFor : (decision?.reason ?? waitsFor);

/** What the payer asks the provider. */
function askedOf(
  { store, private: { salt, responseId } }: Call<'AdjudicateClaim'>,
  next: ClaimState,
  reason: string,
): StepValue {
  const { id, step, payer, provider } = next;
  // One id for what is told and what is asked in one step.
  const facts = { taskId: responseId, kind: 'answer', claimId: id, provider, payer, reason, now: store.time } as const;
  const value: ClaimTask = {
    schema: 1,
    claimId: id,
    payer,
    salt: sha256Hex(`claim-task/${salt}`),
    resource: claimTaskOf(facts),
  };
  return { key: privateKeys.claimTask(id, step), value, copies: [provider] };
}

/** The term that denies what is billed, where every line is denied: that of the first. */
function termOf({ items }: Adjudication): string | undefined {
  const asking = items.filter(({ submitted }) => submitted > 0);
  return asking.every(({ denied }) => denied !== undefined) ? asking[0]?.denied : undefined;
}

/** Sequences of the lines of which something is owed, by the payer or the patient: a line that is denied holds no service. */
const paidOf = ({ status, items }: Adjudication): Set<number> =>
  new Set(
    status === 'denied' ? [] : items.filter(({ denied }) => denied === undefined).map(({ sequence }) => sequence),
  );
