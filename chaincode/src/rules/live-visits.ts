/** Whether a consultation at a distance can take its next step now. Pure: the visit and what it rests on in; the reason against it out. */
import type { Resource } from '../model/fhir.ts';
import { decisionOn } from '../model/licences.ts';
import { isLive, isTelehealthConsent, isUnderWay, jurisdictionOf, staffOf } from '../model/live-visits.ts';
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

/** The first reason against it; undefined where there is none, and for what was held elsewhere and is recorded afterwards. */
export function visitRefusal(step: VisitStep): VisitRefusal | undefined {
  const { visit, previous } = step;
  const before = isLive(previous) ? previous : undefined;
  if (before === undefined && !isLive(visit)) return undefined;
  return (
    stepRefusal(visit, previous) ?? timeRefusal(step) ?? (needsStaff(visit, before) ? staffRefusal(step) : undefined)
  );
}

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

function staffRefusal({ visit, now, provider, patient, consent, licences }: VisitStep): VisitRefusal | undefined {
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
