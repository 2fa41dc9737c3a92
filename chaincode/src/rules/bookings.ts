/**
 * Whether an appointment can be made at its time. Pure: the appointment, what takes its slot and its people, and a time in; the reason
 * against it out.
 * @see https://hl7.org/fhir/R4/appointment.html
 */
import { LONGEST_MS, type Place, type Taken, timeOf } from '../model/bookings.ts';
import type { Resource } from '../model/fhir.ts';

/** The reasons, and what each means. */
export const BOOKING_REFUSALS = {
  'time-not-stated': 'what is booked says when it starts and ends',
  'ends-before-it-starts': 'it ends before it starts',
  'longer-than-a-day': 'it lasts longer than a day',
  'slot-of-the-past': 'nothing is booked for the past',
  'slot-taken': 'another appointment has the slot',
  'practitioner-taken': 'the practitioner has another appointment at that time',
  'patient-taken': 'the patient has another appointment at that time',
} as const;
export type BookingRefusal = keyof typeof BOOKING_REFUSALS;

export interface Booking {
  appointment: Resource;
  /** What it takes, and what others take of it. */
  places: readonly { place: Place; taken: readonly Taken[] }[];
  /** Whether it says the same time as the version before, which was booked. */
  isKept: boolean;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** How far behind a transaction's time an honest clock may be. */
const CLOCK_MS = 15 * 60_000;

/** The first reason against it, in the order of the table; undefined where there is none. */
export function bookingRefusal({ appointment, places, isKept, now }: Booking): BookingRefusal | undefined {
  const time = timeOf(appointment);
  if (time === undefined) return 'time-not-stated';
  const { start, end } = time;
  if (end <= start) return 'ends-before-it-starts';
  if (end - start > LONGEST_MS) return 'longer-than-a-day';
  if (appointment['status'] === 'booked' && !isKept && start < Date.parse(now) - CLOCK_MS) return 'slot-of-the-past';
  for (const kind of ['slot', 'practitioner', 'patient'] as const) {
    const others = places.filter(({ place }) => place.kind === kind).flatMap(({ taken }) => taken);
    const isTaken = others.some(
      (one) => one.appointment !== appointment['id'] && (kind === 'slot' || (one.start < end && start < one.end)),
    );
    if (isTaken) return `${kind}-taken`;
  }
  return undefined;
}
