/** Appointments as a patient has them, and what she writes of one (docs/telemedicine.md). Pure. */
import type { Appointment, Schedule, Slot } from '@medplum/fhirtypes';
import type { Member } from '../parts/directory.ts';

const PRACTITIONER = /^(?:.*\/)?(Practitioner\/[^/]+)$/;
const MINUTE_MS = 60_000;
/** So long before it begins one may say that one is there. */
const EARLY_MS = 60 * MINUTE_MS;

const practitionersIn = (references: readonly (string | undefined)[]): string[] =>
  references.flatMap((one) => PRACTITIONER.exec(one ?? '')?.[1] ?? []);

/** `Practitioner/ID` of those whom it is with. */
export const practitionersOf = ({ participant }: Pick<Appointment, 'participant'>): string[] =>
  practitionersIn(participant.map(({ actor }) => actor?.reference));

/** Name and organisation of a practitioner, by the directory; undefined where it has none. */
export function whoIs(practitioner: string, members: readonly Member[]): { name: string; at: string } | undefined {
  for (const { name: at, people } of members) {
    const person = people.find(({ value }) => value === practitioner);
    if (person !== undefined) return { name: person.name, at };
  }
  return undefined;
}

export interface Offer {
  /** Of those who offer it, as `Practitioner/ID`, in order. */
  practitioners: string[];
  /** `Schedule/ID`: all of the same people's. */
  schedules: string[];
}

/** Whom one can choose: each once, however many Schedules there are. */
export function offersIn(schedules: readonly Schedule[]): Offer[] {
  const offers = new Map<string, Offer>();
  for (const { id, active, actor } of schedules) {
    const practitioners = practitionersIn(actor.map(({ reference }) => reference)).sort();
    if (active === false || practitioners.length === 0) continue;
    const offer = offers.get(practitioners.join()) ?? { practitioners, schedules: [] };
    offer.schedules.push(`Schedule/${id}`);
    offers.set(practitioners.join(), offer);
  }
  return [...offers.values()];
}

/** By day where the browser is, YYYY-MM-DD, each time once. */
export function byDay(slots: readonly Slot[]): Map<string, Slot[]> {
  const times = new Map(slots.map((one) => [one.start, one]));
  const dayOf = ({ start }: Slot): string => {
    const at = new Date(start);
    const two = (number: number): string => String(number).padStart(2, '0');
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  };
  return Map.groupBy(
    [...times.values()].sort((one, other) => one.start.localeCompare(other.start)),
    dayOf,
  );
}

/** What of an appointment a chosen Slot says. @param patient `Patient/ID` */
export const bookedAt = (slot: Slot, practitioners: readonly string[], patient: string) => ({
  ...{ status: 'booked' as const, start: slot.start, end: slot.end, slot: [{ reference: `Slot/${slot.id}` }] },
  participant: [patient, ...practitioners].map((reference) => ({
    actor: { reference },
    status: 'accepted' as const,
  })),
});

/** Whether she may say that she is there: shortly before it begins, and until it is over. */
export function mayArrive({ status, start = '', end = '' }: Appointment, now: Date): boolean {
  const at = now.getTime();
  return status === 'booked' && at >= Date.parse(start) - EARLY_MS && at <= Date.parse(end) + EARLY_MS;
}
