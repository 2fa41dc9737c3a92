/**
 * A licence over time: a step function of the day. What a regulator says counts from a day on and replaces what counted from
 * later days, or all of it where no day is said; what counted before stays. What it replaced is on the ledger still, in the buckets of earlier generations.
 */
import type { LicenceInput, LicenceStanding, LicenceState } from './values.ts';

/** The day from which what was said last counts. */
export const effectiveDay = ({ effective, start }: Pick<LicenceState, 'effective' | 'start'>): string =>
  effective ?? start;

/** What counts of a licence, by the day it counts from, ascending; at least one. */
export function standingsOf(licence: LicenceState): LicenceStanding[] {
  const { status, start, end, jurisdictions, updatedAt } = licence;
  const where = jurisdictions === undefined ? {} : { jurisdictions };
  return [...(licence.history ?? []), { status, start, end, ...where, effective: effectiveDay(licence), updatedAt }];
}

/** What counts on a day, YYYY-MM-DD; undefined before the first. */
export const standingOn = (licence: LicenceState, day: string): LicenceStanding | undefined =>
  standingsOf(licence).findLast(({ effective }) => effective <= day);

/**
 * A licence once a regulator has said something more of it. Whom it names it goes on naming, and where it counts: left out by
 * mistake, it would count for whoever claims the number, and everywhere.
 * @param now ISO 8601 UTC
 */
export function licenceAfter(before: LicenceState | undefined, said: LicenceInput, now: string): LicenceState {
  const practitioners = said.practitioners ?? before?.practitioners;
  const jurisdictions = said.jurisdictions ?? before?.jurisdictions;
  const { effective: from } = said;
  const kept = before === undefined || from === undefined ? [] : standingsOf(before);
  const history = kept.filter(({ effective }) => effective < from!);
  return {
    ...said,
    ...(practitioners && { practitioners }),
    ...(jurisdictions && { jurisdictions }),
    updatedAt: now,
    ...(history.length === 0 ? {} : { history }),
  };
}

export const LICENCE_ACTS = ['issue', 'renew', 'correct', 'suspend', 'exclude', 'reinstate'] as const;
export type LicenceAct = (typeof LICENCE_ACTS)[number];

/** What a regulator did by saying that, in the field's word. */
export function licenceAct(before: LicenceState | undefined, after: LicenceState): LicenceAct {
  if (after.status === 'suspended') return 'suspend';
  if (after.status === 'excluded') return 'exclude';
  if (before === undefined) return 'issue';
  if (before.status !== 'active') return 'reinstate';
  return after.end > before.end ? 'renew' : 'correct';
}

export type LicenceRefusal =
  | 'licence-absent'
  | 'licence-of-another'
  | 'licence-suspended'
  | 'licence-excluded'
  | 'licence-not-begun'
  | 'licence-expired'
  | 'licence-elsewhere';

export type LicenceDecision = { outcome: 'permit' } | { outcome: 'deny'; reason: LicenceRefusal };

export const denyLicence = (reason: LicenceRefusal): LicenceDecision => ({ outcome: 'deny', reason });

/** Whether a licence was in force on a day, and in a place where that is asked, whoever holds it. */
export function decisionOn(licence: LicenceState, date: string, jurisdiction?: string): LicenceDecision {
  const standing = standingOn(licence, date);
  // Before anything counted: as what was said first says of every day before it.
  const { status, start, end, jurisdictions } = standing ?? standingsOf(licence)[0]!;
  if (status !== 'active') return denyLicence(`licence-${status}`);
  if (standing === undefined || date < start) return denyLicence('licence-not-begun');
  if (date > end) return denyLicence('licence-expired');
  return jurisdiction === undefined || countsIn(jurisdictions, jurisdiction)
    ? { outcome: 'permit' }
    : denyLicence('licence-elsewhere');
}

const countsIn = (jurisdictions: readonly string[] | undefined, place: string): boolean =>
  jurisdictions === undefined || jurisdictions.some((one) => place === one || place.startsWith(`${one}-`));
