/**
 * What a provider is to be told of its claims, and when, from how they went on: with a payment what that pays, without one what comes to
 * nothing, is taken back or is owed back. Pure. Each report balances: what its claims come to is what is paid and what was taken or
 * owed beside (X12 835, 005010X221A1, sections 1.10.2.1 and 1.10.2.17).
 */
import type { PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import type { DecidedClaim } from './decided-lines.ts';

/** What a claim is told as: what was decided, or that what was told of it before counts no more. */
export interface Entry {
  decided: DecidedClaim;
  isReversal: boolean;
}

/** A provider-level adjustment (PLB), minor units: what is more than nothing is paid less. */
export interface Beside {
  /**
   * WO: an overpayment, taken or paid back, or with a minus owed from now on. 72: what was paid back, always with a minus and beside
   * the WOs that it is for. CS: a transfer that came back, of either.
   */
  code: 'WO' | '72' | 'CS';
  /** The claim, or the payment, that it comes of. */
  reference: string;
  units: number;
}

export interface Report {
  claimId: string;
  /** The payment that it goes with; without, nothing is paid. */
  payment: string | undefined;
  /** ISO 8601 UTC: when the step was taken that it follows from. */
  at: string;
  entries: readonly Entry[];
  beside: readonly Beside[];
  currency: string;
}

/** The steps of a claim that are known here, with what was written by them; amounts in minor units. */
export interface History {
  /** In their order; some are another party's alone. */
  states: readonly ClaimState[];
  /** Decisions that wait for nobody, by their steps; not those that uphold an earlier one. */
  decisions: ReadonlyMap<number, DecidedClaim>;
  /** What the provider owes back since a step. */
  debts: ReadonlyMap<number, number>;
  /** What was taken by a step, by the claims that it was owed for. */
  taken: ReadonlyMap<number, readonly { claimId: string; units: number }[]>;
  /** Of steps whose states do not say it: the payment of one that is remitted. */
  payments: ReadonlyMap<number, string>;
  /** Of the claim that it replaces. */
  replaced: History | undefined;
}

/** Where a claim stands with its provider. */
interface Account {
  /** What it was told last. */
  told: DecidedClaim | undefined;
  /** What it is to be told. */
  open: DecidedClaim | undefined;
  beside: readonly Beside[];
}

const PAID_BY_TRANSFER = new Set<string>(['approved', 'partial']);
const DECIDED = new Set<string>(['approved', 'partial', 'patient-responsibility', 'denied', 'satisfied']);
const TAKEN_BACK = new Set<string>(['cancelled', 'voided']);
const UNPAID = new Set<string>(['rejected', 'failed', 'stopped', 'returned']);

/** What comes of the claims of a report: paid less what is beside. Zero where no payment goes with it. */
export const sumOf = ({ entries, beside }: Pick<Report, 'entries' | 'beside'>): number =>
  entries.reduce((sum, { decided, isReversal }) => sum + (isReversal ? -decided.paid : decided.paid), 0) -
  beside.reduce((sum, { units }) => sum + units, 0);

/** What a provider pays back: the steps of the payment in their order, and how much of which claim, minor units. */
export interface Repayment {
  states: readonly Pick<PaymentState, 'id' | 'status' | 'updatedAt' | 'units' | 'currency'>[];
  parts: readonly { claimId: string; units: number }[];
}

/** What a provider is told of a payment back: that it was received, and that it came back. It comes to nothing: no claim is paid by it. */
export function reportsOfRepayment({ states, parts }: Repayment): Report[] {
  const told = states.some(({ status }) => status === 'settled') ? states : [];
  return told.flatMap(({ id, status, updatedAt, units, currency }): Report[] => {
    if (status !== 'settled' && status !== 'returned') return [];
    const sign = status === 'settled' ? 1 : -1;
    const recovered = parts.map((part): Beside => ({ code: 'WO', reference: part.claimId, units: sign * part.units }));
    const money: Beside = { code: sign === 1 ? '72' : 'CS', reference: id, units: -sign * units };
    return [{ claimId: id, payment: undefined, at: updatedAt, entries: [], beside: [...recovered, money], currency }];
  });
}

/** The reports of one claim, in their order; those of the claim that it replaces are its own. */
export const reportsOf = (history: History): Report[] => walk(history).reports;

function walk(history: History): { account: Account; reports: Report[] } {
  const before = history.replaced === undefined ? undefined : walk(history.replaced).account;
  const walker = new Walker(before);
  for (const state of history.states) walker.take(state, history);
  return walker;
}

class Walker {
  readonly reports: Report[] = [];
  account: Account;
  /** After a payment was told, until anything else happens: what stood before. */
  #beforePayment: Account | undefined;

  constructor(before: Account | undefined) {
    this.account = { told: before?.told, open: undefined, beside: before?.beside ?? [] };
  }

  take(state: ClaimState, history: History): void {
    const { status, step } = state;
    this.#account(state, history);
    if (status === 'remitted') this.#remit(state, history.payments.get(step) ?? state.payment);
    else if (DECIDED.has(status) && !PAID_BY_TRANSFER.has(status) && this.#isOpen) this.#report(state, undefined);
    else if (TAKEN_BACK.has(status)) {
      this.account = { ...this.account, open: undefined };
      if (this.account.told !== undefined || this.account.beside.length > 0) this.#report(state, undefined);
    } else if (UNPAID.has(status)) this.#undo(state);
    if (status !== 'remitted') this.#beforePayment = undefined;
  }

  get #isOpen(): boolean {
    return this.account.open !== undefined || this.account.beside.length > 0;
  }

  /** What the step adds to what is to be told. */
  #account({ id, step }: ClaimState, { decisions, debts, taken }: History): void {
    const owed = debts.get(step) ?? 0;
    const beside: Beside[] = [
      ...(taken.get(step) ?? []).map((part): Beside => ({ code: 'WO', reference: part.claimId, units: part.units })),
      ...(owed === 0 ? [] : [{ code: 'WO', reference: id, units: -owed } as const]),
    ];
    const open = decisions.get(step) ?? this.account.open;
    this.account = { ...this.account, open, beside: [...this.account.beside, ...beside] };
  }

  #remit(state: ClaimState, payment: string | undefined): void {
    this.#beforePayment = this.account;
    this.#report(state, payment);
  }

  #report({ id, updatedAt }: ClaimState, payment: string | undefined): void {
    const { told, open, beside } = this.account;
    const entries: Entry[] = [
      ...(told === undefined ? [] : [{ decided: told, isReversal: true }]),
      ...(open === undefined ? [] : [{ decided: open, isReversal: false }]),
    ];
    const currency = (open ?? told)?.currency ?? '';
    this.reports.push({ claimId: id, payment, at: updatedAt, entries, beside, currency });
    this.account = { told: open, open: undefined, beside: [] };
  }

  /** A transfer that was told of came back: all that was told with it counts no more, and is told again with the next. */
  #undo({ id, updatedAt }: ClaimState): void {
    const last = this.reports.at(-1);
    if (this.#beforePayment === undefined || last?.payment === undefined) return;
    const entries = last.entries.map(({ decided, isReversal }) => ({ decided, isReversal: !isReversal })).reverse();
    const beside = [
      ...last.beside.map((one) => ({ ...one, units: -one.units })),
      { code: 'CS', reference: last.payment, units: -sumOf(last) } as const,
    ];
    const { currency } = last;
    this.reports.push({ claimId: id, payment: undefined, at: updatedAt, entries, beside, currency });
    this.account = this.#beforePayment;
  }
}
