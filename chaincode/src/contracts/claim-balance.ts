/**
 * What providers owe back to payers: debts of theirs, each the end of a chain of values of which one says what is left of it. A
 * payment takes from them; nobody takes the same twice, since what is left is written once.
 */
import { sha256Hex } from '../model/canonical.ts';
import type { Debt } from '../model/claims.ts';
import { privateKeys } from '../model/keys.ts';
import type { Amount } from '../model/money.ts';
import type { ClaimState } from '../model/values.ts';

/** A value of a step, as `takeStep` writes it. */
export interface StepValue {
  key: string;
  value: unknown;
  copies: readonly string[];
}

const debtKey = ({ claimId, step, number }: Pick<Debt, 'claimId' | 'step' | 'number'>): string =>
  privateKeys.debt(claimId, step, number);

/** What a claim's provider owes back from this state on; nothing where that is nothing. */
export function debtOf(
  { id, step, payer, provider }: ClaimState,
  left: Amount,
  now: string,
  salt: string,
): StepValue[] {
  if (left.units === 0) return [];
  const debt: Debt = {
    ...{ schema: 1, claimId: id, step, number: 1, payer, provider, left, at: now, salt: sha256Hex(`debt/${salt}`) },
  };
  return [{ key: debtKey(debt), value: debt, copies: [provider] }];
}
