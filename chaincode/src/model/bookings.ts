/**
 * Bookings: who and what is taken by appointments, and when. Each slot has a series of values in its provider's care collection, and each
 * person of an appointment one for each day: the newest lists the appointments that take them.
 */
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { leadsToPatient } from './companions.ts';
import type { Reference, Resource } from './fhir.ts';
import { instantOf } from './periods.ts';
import { relative } from './record-facts.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema, hashSchema, saltSchema } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** An Appointment in one of these statuses takes its time (hl7.org/fhir/R4/valueset-appointmentstatus.html). */
const TAKING = ['booked', 'arrived', 'checked-in', 'fulfilled'];

export const isTaking = ({ status }: Resource): boolean => TAKING.includes(String(status));

/** What a provider offers to patients: whoever has a Patient anywhere sees it. */
const OFFERED = ['Schedule', 'Slot'];
export const offeredTypes: readonly string[] = OFFERED;

/** Whether a resource is such an offer, and leads to nobody's records. */
export const isOffer = (resource: Resource): boolean =>
  OFFERED.includes(resource.resourceType) && !leadsToPatient(resource);

const takenSchema = z.strictObject({
  appointment: fhirIdSchema,
  /** Milliseconds since 1970; the end is not within. */
  start: z.int(),
  end: z.int(),
});
export type Taken = z.infer<typeof takenSchema>;

/** How many appointments one person has in a day at most. */
const MAX_TAKEN = 500;
/** How much one appointment takes and gives back at most. */
const MAX_PLACES = 400;

/** `booking/<name>/<n>` in care_<Provider>. */
export const bookingsSchema = z.strictObject({
  schema: schemaVersion,
  taken: z.array(takenSchema).max(MAX_TAKEN),
  salt: saltSchema,
});
export type Bookings = z.infer<typeof bookingsSchema>;

/** What an Appointment shows to be recorded by. */
export const bookingShownSchema = z.strictObject({
  /** Id of the Appointment, which the transaction records. */
  id: fhirIdSchema,
  /** Its version before this one. */
  previous: recordEvidenceSchema.optional(),
  /** How many values the sender knows of what it takes or gives back, by their names; of others it knows of none. */
  known: z.array(z.strictObject({ name: hashSchema, n: hintSchema })).max(MAX_PLACES),
  salt: saltSchema,
});
export type BookingShown = z.infer<typeof bookingShownSchema>;

/** What an appointment takes: a slot whenever it is, a person on one day. */
export interface Place {
  kind: 'slot' | 'practitioner' | 'patient';
  /** As the series is named. */
  name: string;
}

const DAY_MS = 86_400_000;
const KINDS: Record<string, Place['kind']> = {
  Practitioner: 'practitioner',
  PractitionerRole: 'practitioner',
  Patient: 'patient',
};

interface Participant {
  actor?: Reference;
  status?: unknown;
}

/** The time of an Appointment; undefined where it does not say both ends. */
export function timeOf({ start, end }: Resource): { start: number; end: number } | undefined {
  const [from, until] = [start, end].map((text) => (typeof text === 'string' ? instantOf(text) : Number.NaN));
  return Number.isNaN(from) || Number.isNaN(until) ? undefined : { start: from!, end: until! };
}

/** Longer ones take more days than anybody is asked for. */
export const LONGEST_MS = DAY_MS;

/** What an Appointment takes, each once; nothing of one that does not say when it is, or is too long. */
export function placesOf(appointment: Resource): Place[] {
  const time = timeOf(appointment);
  if (time === undefined || time.end - time.start > LONGEST_MS) return [];
  const slots = objectsIn<Reference>(appointment['slot']).flatMap(({ reference }) =>
    typeof reference === 'string' ? [{ kind: 'slot' as const, name: sha256Hex(`booking/${relative(reference)}`) }] : [],
  );
  const people = objectsIn<Participant>(appointment['participant']).flatMap(({ actor, status }) => {
    const reference = actor?.reference;
    const kind = typeof reference === 'string' ? KINDS[reference.split('/')[0] ?? ''] : undefined;
    if (kind === undefined || status === 'declined') return [];
    return daysOf(time).map((day) => ({ kind, name: sha256Hex(`booking/${relative(reference!)}/${day}`) }));
  });
  return [...new Map([...slots, ...people].map((place) => [place.name, place])).values()];
}

/** The days, by UTC, that a time lies in. */
function daysOf({ start, end }: { start: number; end: number }): number[] {
  const [first, last] = [Math.floor(start / DAY_MS), Math.floor(Math.max(start, end - 1) / DAY_MS)];
  return first === last ? [first] : [first, last];
}

const objectsIn = <T extends object>(value: unknown): T[] =>
  [value ?? []].flat().filter((one) => typeof one === 'object' && one !== null) as T[];
