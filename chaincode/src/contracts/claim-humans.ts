/** Loads who decides a claim, what was signed of it before, and which decision an appeal is against. Nothing is decided here. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import {
  type ClaimDecision,
  type ClaimResponseRecord,
  claimDecisionSchema,
  claimResponseRecordSchema,
} from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { parseMoney } from '../model/money.ts';
import type { ClaimState } from '../model/values.ts';
import { type Human, whyNot } from '../rules/claim-outcomes.ts';
import type { StepValue } from './claim-balance.ts';

/**
 * The person who decides; undefined where the rules alone do.
 * @throws LedgerError FORBIDDEN where no person is named, or this one may not, CONFLICT where a person is to decide
 */
export function humanOf(
  { caller, private: { decision } }: Call<'AdjudicateClaim'>,
  state: ClaimState,
): Human | undefined {
  if (decision !== undefined && (caller.role !== 'adjudicator' || caller.fhirUser === undefined))
    throw new LedgerError('FORBIDDEN', 'a decision takes a person: an adjudicator whom the certificate names');
  const human = decision === undefined ? undefined : { decision, by: caller.fhirUser! };
  const reason = whyNot(state, human);
  if (reason === undefined) return human;
  throw new LedgerError(human === undefined ? 'CONFLICT' : 'FORBIDDEN', reason, 'id');
}

/** What was signed before, where another person is to sign. @throws LedgerError NOT_FOUND, INVALID */
export async function signedBefore(
  store: Store,
  state: ClaimState,
  text: string | undefined,
): Promise<ClaimDecision[]> {
  if (state.signers === undefined) return [];
  const key = privateKeys.claimDecision(state.id, state.step);
  return [
    await checkPresented(store, collections.billing(state.payer), key, text ?? '', claimDecisionSchema, 'signed'),
  ];
}

/** A person's decision as the payer's collection holds it, and no other. */
export function decisionValue({ id, payer, step }: ClaimState, human: Human | undefined, salt: string): StepValue[] {
  if (human === undefined) return [];
  const value: ClaimDecision = {
    ...{ schema: 1, claimId: id, payer, by: human.by, ...human.decision, salt: sha256Hex(`claim-decision/${salt}`) },
  };
  return [{ key: privateKeys.claimDecision(id, step), value, copies: [] }];
}

/** The decision by a step of a claim, as the payer holds it. @throws LedgerError NOT_FOUND, INVALID */
export const checkResponse = (
  store: Store,
  { id, payer }: Pick<ClaimState, 'id' | 'payer'>,
  step: number | undefined,
  text: string,
  expression = 'response',
): Promise<ClaimResponseRecord> =>
  checkPresented(
    ...([store, collections.billing(payer), privateKeys.response(id, step), text] as const),
    ...([claimResponseRecordSchema, expression] as const),
  );

/** What a decision comes to for the payer in all, in minor units. */
export function benefitOf(response: Resource): number {
  const totals = (response['total'] ?? []) as { category?: { coding?: { code?: string }[] }; amount?: unknown }[];
  const benefit = totals.find(({ category }) => category?.coding?.some(({ code }) => code === 'benefit'));
  return benefit === undefined ? 0 : parseMoney(benefit.amount, 'ClaimResponse.total').units;
}

/** Of the decision that an appeal is against, in minor units; undefined where there is no appeal. @throws LedgerError */
export async function benefitAppealed(
  store: Store,
  state: ClaimState,
  text: string | undefined,
): Promise<number | undefined> {
  if (state.appealOf === undefined) return undefined;
  return benefitOf((await checkResponse(store, state, state.appealOf, text ?? '')).resource);
}
