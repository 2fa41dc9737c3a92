/**
 * What providers owe back to payers: debts of theirs, each the end of a chain of values of which one says what is left of it. A
 * payment takes from them; nobody takes the same twice, since what is left is written once.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { type Debt, debtSchema } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
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

export interface Taken {
  /** What is left of each debt, to be written. */
  values: StepValue[];
  /** By claims that the debts came of, in minor units; each more than nothing. */
  parts: { claimId: string; units: number }[];
  units: number;
}

/**
 * Takes from debts as they were shown, in their order, no more than a payment comes to. @throws LedgerError INVALID, CONFLICT where
 * something was taken from one since
 */
export async function takeDebts(
  store: Store,
  texts: readonly string[],
  payment: Pick<Debt, 'payer' | 'provider'> & { claimId: string; amount: Amount; salt: string },
): Promise<Taken> {
  const taken: Taken = { values: [], parts: [], units: 0 };
  if (new Set(texts).size < texts.length) throw new LedgerError('INVALID', 'one is named twice', 'debts');
  for (const [index, text] of texts.entries()) {
    const at = `debts[${index}]`;
    const debt = await checkDebt(store, text, payment, at);
    const units = Math.min(debt.left.units, payment.amount.units - taken.units);
    if (units === 0) throw new LedgerError('INVALID', 'nothing can be taken from it', at);
    const left: Debt = {
      ...debt,
      ...{ number: debt.number + 1, takenFrom: payment.claimId, at: store.time },
      ...{ left: { ...debt.left, units: debt.left.units - units }, salt: sha256Hex(`debt/${index}/${payment.salt}`) },
    };
    taken.values.push({ key: debtKey(left), value: left, copies: [debt.provider] });
    taken.parts.push({ claimId: debt.claimId, units });
    taken.units += units;
  }
  return taken;
}

async function checkDebt(
  store: Store,
  text: string,
  { payer, provider, amount }: Pick<Debt, 'payer' | 'provider'> & { amount: Amount },
  at: string,
): Promise<Debt> {
  const shown = parseText(debtSchema, text, at);
  const collection = collections.billing(payer);
  const debt = await checkPresented(store, collection, debtKey(shown), text, debtSchema, at);
  if (debt.payer !== payer || debt.provider !== provider) throw new LedgerError('INVALID', "another's debt", at);
  if (debt.left.currency !== amount.currency) throw new LedgerError('INVALID', 'is in another currency', at);
  const next = debtKey({ ...debt, number: debt.number + 1 });
  if ((await store.anchor(collection, next)) !== undefined)
    throw new LedgerError('CONFLICT', 'something was taken from it since', at);
  return debt;
}
