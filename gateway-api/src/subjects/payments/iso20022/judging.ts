/**
 * What a bank's file says of payments, held against how they stand: what is recorded, what is known already, and what differs. Nothing
 * that a file names is dropped: each report has an outcome, with its reason in words.
 */
import type { AccountNumber } from '@telemed-ledger/chaincode/model/accounts.ts';
import {
  isEnded,
  mayFollow,
  type PaymentReport,
  type PaymentState,
  paymentReasonSchema,
} from '@telemed-ledger/chaincode/model/payments.ts';
import type { Report } from '../payments.ts';
import { referenceOf } from './pain001.ts';
import type { FileReport } from './reports.ts';

/** `new`: it can be recorded; `known`: it stands so; `pending`: nothing became of the payment yet. */
export type Finding = 'new' | 'known' | 'pending' | 'unknown' | 'differs';

export interface Judged {
  finding: Finding;
  /** Why, in words that hold no account. */
  words?: string;
  /** What is to be recorded of it. */
  report?: Report;
}

/** An account of a payment, by its token and where it is known by its number. */
export interface KnownAccount {
  id: string;
  number: AccountNumber | undefined;
}

const differs = (words: string): Judged => ({ finding: 'differs', words });

/** @param account that the payment is made from, where the parties have agreed on one */
export function judged(said: FileReport, state: PaymentState | undefined, account: KnownAccount | undefined): Judged {
  if (said.paymentId === undefined) return { finding: 'unknown', words: 'it names no payment of this ledger' };
  if (state === undefined) return { finding: 'unknown', words: 'there is no such payment here' };
  const { status } = said;
  if (status === undefined) return { finding: 'pending', words: `it says ${said.said}` };
  return mismatchOf(said, state, account) ?? standingOf({ ...said, status }, state);
}

function mismatchOf(said: FileReport, state: PaymentState, account: KnownAccount | undefined): Judged | undefined {
  const isMoney = said.status === 'settled' || said.status === 'returned';
  if (said.currency === undefined && isMoney) return differs('it states no amount');
  if (said.currency !== undefined && said.currency !== state.currency) return differs('it is in another currency');
  if (said.currency !== undefined && said.units !== state.units) return differs('it is of another amount');
  // A payer's gateway has no numbers, not even of its own account.
  if (said.account !== undefined && account?.number !== undefined && !isOf(said.account, account))
    return differs('it is of another account');
  if (said.status === 'settled' && said.reference === undefined) return differs('it has no reference of the bank’s');
  return said.day === undefined ? differs('it has no date') : undefined;
}

const isOf = (named: string, { id, number }: KnownAccount): boolean =>
  [id, referenceOf(id), number?.iban, number?.number].includes(named.replaceAll(' ', ''));

type Stated = FileReport & { status: PaymentReport };

function standingOf(said: Stated, state: PaymentState): Judged {
  const isSame = said.status === state.status;
  if (isSame && said.status === 'settled' && said.reference !== state.reference)
    return differs('it was paid with another reference');
  // A bank that has paid, or has not, has accepted before: word of that may come later.
  if (isSame || (said.status === 'accepted' && state.status !== 'instructed')) return { finding: 'known' };
  if (said.status === 'settled' && state.status === 'returned' && said.reference === state.reference)
    return { finding: 'known' };
  if (said.status === 'settled' && isEnded(state.status))
    return differs(`it was paid after it had been ${state.status}: the money is to be had back`);
  if (!mayFollow(state.status, said.status)) return differs(`it is ${state.status}, and cannot be ${said.status}`);
  return { finding: 'new', report: reportOf(said) };
}

const UNSPECIFIED = 'MS03';

function reportOf({ status, day = '', reason, reference }: Stated): Report {
  const code = paymentReasonSchema.safeParse(reason).success ? reason : UNSPECIFIED;
  return {
    ...{ status, day },
    ...(isEnded(status) ? { reason: code } : {}),
    ...(status === 'settled' ? { reference } : {}),
  };
}
