/** A payment as FHIR has it, by what its bank has said of it (docs/payments.md). */
import type { PaymentReconciliation } from '@medplum/fhirtypes';

export const REPORTS = ['accept', 'settle', 'reject', 'fail', 'stop', 'return'] as const;
export type Report = (typeof REPORTS)[number];

const STATUSES = ['instructed', 'accepted', 'settled', 'rejected', 'failed', 'stopped', 'returned'] as const;
export type PaymentStatus = (typeof STATUSES)[number];

/** The outcomes that a search knows, and the states that each stands for. */
export const OUTCOMES = ['queued', 'complete', 'error'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const said = ({ extension = [] }: PaymentReconciliation, name: string): string | undefined => {
  const found = extension.find(({ url }) => url.endsWith(`/payment-${name}`));
  return found?.valueCode ?? found?.valueCoding?.code;
};

export function statusOf(payment: PaymentReconciliation): PaymentStatus {
  const status = STATUSES.find((one) => one === said(payment, 'status'));
  return status ?? (payment.outcome === 'complete' ? 'settled' : 'instructed');
}

export const reasonOf = (payment: PaymentReconciliation): string | undefined => said(payment, 'reason');

/** What its bank can still say of it. */
const NEXT: Record<PaymentStatus, readonly Report[]> = {
  instructed: REPORTS,
  accepted: ['settle', 'reject', 'fail', 'stop', 'return'],
  settled: ['return'],
  ...{ rejected: [], failed: [], stopped: [], returned: [] },
};
export const reportsOf = (payment: PaymentReconciliation): readonly Report[] => NEXT[statusOf(payment)];

/** It ended without money: the payer can instruct it anew. */
export const isEnded = (payment: PaymentReconciliation): boolean => payment.outcome === 'error';

/** Codes of ISO 20022's for why, as desks use them most. */
export const REASONS = ['AC04', 'AC01', 'AM04', 'MD07', 'FOCR', 'DUPL', 'NARR'] as const;
