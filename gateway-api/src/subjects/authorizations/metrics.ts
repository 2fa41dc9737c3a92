/**
 * What payers must publish of prior authorizations each year (42 CFR 422.122(c), CMS-0057-F): how many were approved and denied, how long
 * it took, and here how often the time ran out. Pure: of states to figures.
 */
import type { AuthorizationState, Urgency } from '@telemed-ledger/chaincode/model/authorizations.ts';

const HOUR_MS = 3_600_000;

/** Of requests of one urgency. */
export interface Figures {
  /** Received in the year, revisions among them. */
  requests: number;
  decided: number;
  approved: number;
  approvedInPart: number;
  denied: number;
  /** Not decided yet. */
  pended: number;
  /** Taken back before they were decided. */
  cancelled: number;
  /** Per cent of those decided, two decimals; absent where none is. */
  approvedPercent?: number;
  approvedInPartPercent?: number;
  deniedPercent?: number;
  /** From receipt to decision, in hours, two decimals; absent where none is decided. */
  meanHours?: number;
  medianHours?: number;
  /** Decided after the time that was due, and not decided yet though it is over. */
  decidedLate: number;
  overdue: number;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * One entry for each time that something was received, as it was decided in the end.
 * @param states of one request, in the order of its steps
 */
export function roundsOf(states: readonly AuthorizationState[]): AuthorizationState[] {
  const rounds = new Map<number, AuthorizationState>();
  for (const state of states) {
    const before = rounds.get(state.revisions);
    // What was taken back after it had been decided stays decided.
    if (state.status === 'cancelled' && before?.decidedAt !== undefined) continue;
    rounds.set(state.revisions, state);
  }
  return [...rounds.values()];
}

/** @param now ISO 8601 UTC */
function figuresOf(rounds: readonly AuthorizationState[], now: string): Figures {
  const count = (status: AuthorizationState['status']): number => rounds.filter((one) => one.status === status).length;
  const decided = rounds.filter(({ status }) => status !== 'pended' && status !== 'cancelled');
  const hours = decided
    .map(({ receivedAt, decidedAt }) => (Date.parse(decidedAt!) - Date.parse(receivedAt)) / HOUR_MS)
    .sort((a, b) => a - b);
  const percent = (part: number): number => rounded((100 * part) / decided.length);
  const [approved, approvedInPart, denied] = [count('approved'), count('partial'), count('denied')];
  return {
    ...{ requests: rounds.length, decided: decided.length, approved, approvedInPart, denied },
    ...{ pended: count('pended'), cancelled: count('cancelled') },
    ...(decided.length === 0
      ? {}
      : {
          approvedPercent: percent(approved),
          approvedInPartPercent: percent(approvedInPart),
          deniedPercent: percent(denied),
          meanHours: rounded(hours.reduce((sum, one) => sum + one, 0) / hours.length),
          medianHours: rounded(median(hours)),
        }),
    decidedLate: decided.filter(({ isLate }) => isLate === true).length,
    overdue: rounds.filter(({ status, dueAt }) => status === 'pended' && dueAt < now).length,
  };
}

export interface Metrics {
  standard: Figures;
  expedited: Figures;
  /** By the name of the rule that denied on receipt, and `reviewed` for what the payer's people did. */
  denials: Record<string, number>;
}

/** The figures of a year. @param rounds of all years */
export function metricsOf(rounds: readonly AuthorizationState[], year: number, now: string): Metrics {
  const ofYear = rounds.filter(({ receivedAt }) => new Date(receivedAt).getUTCFullYear() === year);
  const of = (urgency: Urgency): Figures =>
    figuresOf(
      ofYear.filter((one) => one.urgency === urgency),
      now,
    );
  const denials: Record<string, number> = {};
  for (const { status, reason = 'reviewed' } of ofYear)
    if (status === 'denied') denials[reason] = (denials[reason] ?? 0) + 1;
  return { standard: of('standard'), expedited: of('expedited'), denials };
}
