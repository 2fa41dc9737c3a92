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

/** What takes from debts: at most so much, for a claim's payment or for a payment back. */
interface Payment extends Pick<Debt, 'payer' | 'provider'> {
  amount: Amount;
  by: Pick<Debt, 'takenFrom' | 'repaidBy'>;
}

export interface Taken {
  /** What is left of each debt, to be written. */
  values: StepValue[];
  /** By claims that the debts came of, in minor units; each more than nothing. */
  parts: { claimId: string; step: number; units: number }[];
  units: number;
}

/**
 * Takes from debts as they were shown, in their order, no more than a payment comes to. @throws LedgerError INVALID, CONFLICT where
 * something was taken from one since
 */
export async function takeDebts(
  store: Store,
  texts: readonly string[],
  payment: Payment & { salt: string },
): Promise<Taken> {
  const taken: Taken = { values: [], parts: [], units: 0 };
  if (new Set(texts).size < texts.length) throw new LedgerError('INVALID', 'one is named twice', 'debts');
  for (const [index, text] of texts.entries()) {
    const at = `debts[${index}]`;
    const debt = await checkDebt(store, text, payment, at);
    const units = Math.min(debt.left.units, payment.amount.units - taken.units);
    if (units === 0) throw new LedgerError('INVALID', 'nothing can be taken from it', at);
    const salt = sha256Hex(`debt/${index}/${payment.salt}`);
    const left = nextOf(debt, { units: debt.left.units - units, ...payment.by, at: store.time, salt });
    taken.values.push({ key: debtKey(left), value: left, copies: [debt.provider] });
    taken.parts.push({ claimId: debt.claimId, step: debt.step, units });
    taken.units += units;
  }
  return taken;
}

type Change = Pick<Debt, 'takenFrom' | 'repaidBy' | 'reopenedBy' | 'at' | 'salt'> & { units: number };

/** A debt of which so much is left from now on. */
function nextOf({ takenFrom: _, repaidBy: __, reopenedBy: ___, ...debt }: Debt, { units, ...change }: Change): Debt {
  return { ...debt, ...change, number: debt.number + 1, left: { ...debt.left, units } };
}

/**
 * The debts of which a payment was to pay back these parts, owed again; each as it was shown, in their order.
 * @throws LedgerError INVALID, CONFLICT where something was taken from one since
 */
export async function reopenDebts(
  store: Store,
  texts: readonly string[],
  { parts, ...payment }: Omit<Payment, 'by'> & { id: string; salt: string; parts: Taken['parts'] },
): Promise<StepValue[]> {
  if (texts.length !== parts.length) throw new LedgerError('INVALID', 'not the debts of that payment', 'debts');
  const values: StepValue[] = [];
  for (const [index, { claimId, step, units }] of parts.entries()) {
    const at = `debts[${index}]`;
    const debt = await checkDebt(store, texts[index]!, payment, at);
    if (debt.claimId !== claimId || debt.step !== step) throw new LedgerError('INVALID', 'is another debt', at);
    const change = { reopenedBy: payment.id, at: store.time, salt: sha256Hex(`debt/${index}/${payment.salt}`) };
    const owed = nextOf(debt, { ...change, units: debt.left.units + units });
    values.push({ key: debtKey(owed), value: owed, copies: [owed.provider] });
  }
  return values;
}

async function checkDebt(
  store: Store,
  text: string,
  { payer, provider, amount }: Omit<Payment, 'by'>,
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
