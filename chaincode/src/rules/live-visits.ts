/** Whether a consultation at a distance can take its next step now. Pure: the visit and what it rests on in; the reason against it out. */
import { canonicalJson } from '../model/canonical.ts';
import type { Resource } from '../model/fhir.ts';
import { decisionOn } from '../model/licences.ts';
import {
  isHeld,
  isLive,
  isTelehealthConsent,
  isUnderWay,
  jurisdictionOf,
  staffOf,
  startOf,
} from '../model/live-visits.ts';
import { instantOf } from '../model/periods.ts';
import type { LicenceState } from '../model/values.ts';
import { licenceRefusal } from './licences.ts';

/** The reasons, and what each means. Those of licences are named as everywhere. */
export const VISIT_REFUSALS = {
  'not-next-step':
    'a visit is planned, waits, is under way and is finished, in this order, or is cancelled before it begins',
  'start-not-now': 'a visit starts when it is recorded to, by the ledger’s time',
  'start-changed': 'a visit keeps when it started',
  'end-not-now': 'a visit ends when it is recorded to, by the ledger’s time',
  'time-not-stated': 'a visit that was held says on which day it began',
  'in-the-future': 'a visit that was held is not of the future',
  'patient-changed': 'a visit keeps its patient',
  'no-practitioner': 'a visit names its practitioners by Practitioner/<id>, at least one',
  'no-telehealth-consent': 'the patient’s consent to telehealth is not on file',
  'licence-absent': 'a practitioner has no licence',
  'licence-of-another': 'the licence names another',
  'licence-suspended': 'a practitioner’s licence is suspended',
  'licence-excluded': 'a practitioner is excluded',
  'licence-not-begun': 'a practitioner’s licence has not begun',
  'licence-expired': 'a practitioner’s licence has expired',
  'licence-elsewhere': 'a practitioner’s licence does not count where the patient is',
} as const;
export type VisitRefusal = keyof typeof VISIT_REFUSALS;

export interface VisitStep {
  visit: Resource;
  /** The version before; undefined of a new one, and after a deletion. */
  previous: Resource | undefined;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
  /** The first day of which visits that are recorded afterwards are held to licence and consent, YYYY-MM-DD; undefined: none is. */
  since: string | undefined;
  /** Name of the provider. */
  provider: string;
  /** Undefined where the visit shows none. */
  patient: Resource | undefined;
  consent: Resource | undefined;
  /** By `Practitioner/<id>`. */
  licences: ReadonlyMap<string, LicenceState>;
}

/** How far its time may be from the ledger's: from when a client reads its clock until it sends. */
const NOW_MS = 5 * 60_000;

const AFTER: Readonly<Record<string, readonly string[]>> = {
  planned: ['planned', 'arrived', 'triaged', 'in-progress', 'cancelled'],
  arrived: ['arrived', 'triaged', 'in-progress', 'cancelled'],
  triaged: ['triaged', 'in-progress', 'cancelled'],
  'in-progress': ['in-progress', 'onleave', 'finished'],
  onleave: ['in-progress', 'onleave', 'finished'],
};

/** The first reason against it; undefined where there is none, and for what never was a visit. */
export function visitRefusal(step: VisitStep): VisitRefusal | undefined {
  const { visit, previous } = step;
  const before = isLive(previous) ? previous : undefined;
  if (before === undefined && !isLive(visit)) return isHeld(visit) ? heldRefusal(step) : undefined;
  const asks = needsStaff(visit, before);
  return stepRefusal(visit, previous) ?? timeRefusal(step) ?? (asks ? staffRefusal(step, step.now) : undefined);
}

const TIMES = ['start', 'end'] as const;
/** A day without a time may have begun by so much before it does in UTC; and clocks differ. */
const EARLIEST_ZONE_MS = 14 * 3_600_000 + NOW_MS;

/** Of one that is recorded after it was held, or is corrected. */
function heldRefusal(step: VisitStep): VisitRefusal | undefined {
  const { visit, previous, since, now } = step;
  if (TIMES.some((end) => timeIn(visit, end) > Date.parse(now) + EARLIEST_ZONE_MS)) return 'in-the-future';
  if (since === undefined || (isHeld(previous) && whatCounts(visit) === whatCounts(previous))) return undefined;
  const start = startOf(visit) ?? '';
  // Of a date that says less than a day as much of the first day's is compared.
  if (start !== '' && start.slice(0, 10) < since.slice(0, start.length)) return undefined;
  const isDay = start.length >= 10 && !Number.isNaN(timeIn(visit, 'start'));
  return isDay ? staffRefusal(step, start) : 'time-not-stated';
}

/** What licence and consent were asked for: a correction that leaves it as it was asks for neither again. */
const whatCounts = (visit: Resource): string =>
  canonicalJson([subjectIn(visit) ?? '', startOf(visit)?.slice(0, 10) ?? '', staffOf(visit)]);

function stepRefusal(visit: Resource, previous: Resource | undefined): VisitRefusal | undefined {
  const status = String(visit['status']);
  if (previous === undefined || status === 'entered-in-error') return undefined;
  if (!(AFTER[String(previous['status'])] ?? []).includes(status)) return 'not-next-step';
  return subjectIn(visit) === subjectIn(previous) ? undefined : 'patient-changed';
}

const subjectIn = ({ subject }: Resource): unknown => (subject as { reference?: unknown } | undefined)?.reference;
const timeIn = ({ period }: Resource, end: 'start' | 'end'): number => {
  const text = (period as Record<string, unknown> | undefined)?.[end];
  return typeof text === 'string' ? instantOf(text) : Number.NaN;
};

function timeRefusal({ visit, previous, now }: VisitStep): VisitRefusal | undefined {
  const isNow = (time: number): boolean => Math.abs(time - Date.parse(now)) <= NOW_MS;
  const hasBegun = isUnderWay(previous);
  if (isUnderWay(visit) && !hasBegun) return isNow(timeIn(visit, 'start')) ? undefined : 'start-not-now';
  if (!hasBegun || visit['status'] === 'entered-in-error') return undefined;
  if (timeIn(visit, 'start') !== timeIn(previous, 'start')) return 'start-changed';
  return visit['status'] !== 'finished' || isNow(timeIn(visit, 'end')) ? undefined : 'end-not-now';
}

/** It begins, or others take part than before. */
const needsStaff = (visit: Resource, before: Resource | undefined): boolean => {
  if (!isUnderWay(visit) && !(isUnderWay(before) && visit['status'] === 'finished')) return false;
  return !isUnderWay(before) || staffOf(visit).join() !== staffOf(before).join();
};

/** @param now when it takes place or took place, ISO 8601 from the day on */
function staffRefusal(
  { visit, provider, patient, consent, licences }: VisitStep,
  now: string,
): VisitRefusal | undefined {
  const staff = staffOf(visit);
  if (staff.length === 0 || !staff.every((one) => one.startsWith('Practitioner/'))) return 'no-practitioner';
  if (consent === undefined || patient === undefined || !isTelehealthConsent(consent, patient.id, now))
    return 'no-telehealth-consent';
  // A licence that counts in some places alone does not count where nobody knows.
  const place = jurisdictionOf(patient, now) ?? '';
  for (const practitioner of staff) {
    const licence = licences.get(practitioner);
    const reason = licenceRefusal(licence, { organisation: provider, practitioner }, now);
    if (reason !== undefined || licence === undefined) return reason ?? 'licence-absent';
    const decision = decisionOn(licence, now.slice(0, 10), place);
    if (decision.outcome === 'deny') return decision.reason;
  }
  return undefined;
}
