/** Whether a patient, or whoever acts for her, may record something. Pure: the record and what it rests on in; the reason against it out. */
import { isTaking, timeOf } from '../model/bookings.ts';
import { canonicalJson } from '../model/canonical.ts';
import { patientIdOf, type Reference, type Resource } from '../model/fhir.ts';
import { isMarkedBy, isOfBoth, patientType } from '../model/patient-records.ts';
import { relative } from '../model/record-facts.ts';

/** The reasons, and what each means. */
export const PATIENT_RECORD_REFUSALS = {
  'not-by-patients': 'patients record nothing of this type',
  'other-patient': 'it is about another patient than the one who records it, or about none',
  'not-in-own-name': 'whoever records it is named as its author, and nobody else',
  'not-marked': 'it is not marked as reported by who records it',
  'device-not-shown': 'its device is none of hers that the provider holds',
  'device-without-identity': 'a device has an identifier, a serial number or a UDI',
  'no-recipient': 'a message says whom of the care team it is for',
  'not-hers-to-say':
    'a patient proposes, books, arrives and cancels; everything else of an appointment its provider says',
  'slot-not-named': 'what a patient books is a slot of the provider',
  'slot-not-free': 'the slot is not there, or not free',
  'other-time': 'the appointment has another time than its slot',
  'other-practitioner': 'the appointment has other practitioners than the schedule of its slot',
} as const;
export type PatientRecordRefusal = keyof typeof PATIENT_RECORD_REFUSALS;

export interface PatientRecord {
  resource: Resource;
  isDeleted: boolean;
  /** Id of the Patient. */
  patient: string;
  /** Who records it: `Patient/<id>` or `RelatedPerson/<id>`. */
  author: string;
  /** The version before; undefined of a new record, and after a deletion. */
  previous: Resource | undefined;
  /** By `Type/id`: what of the provider's it may rest on, as it stands or as it is recorded along with it. */
  beside: ReadonlyMap<string, Resource>;
}

/** The first reason against it, in the order of the table; undefined where there is none. */
export function patientRecordRefusal(record: PatientRecord): PatientRecordRefusal | undefined {
  const { resource, patient, author, previous, isDeleted } = record;
  const type = patientType(resource.resourceType);
  if (type === undefined) return 'not-by-patients';
  if (![resource, previous ?? resource].every((one) => patientIdOf(one) === patient)) return 'other-patient';
  if (isDeleted) return isOfBoth(resource.resourceType) ? 'not-hers-to-say' : undefined;
  if (type.author !== undefined && !isOnly(resource[type.author], author)) return 'not-in-own-name';
  if (!isMarkedBy(resource, author)) return 'not-marked';
  return OF_TYPE[resource.resourceType]?.(record);
}

const OF_TYPE: Readonly<Record<string, (record: PatientRecord) => PatientRecordRefusal | undefined>> = {
  Appointment: appointmentRefusal,
  Communication: ({ resource: { recipient } }) => (referencesOf(recipient).length > 0 ? undefined : 'no-recipient'),
  Device: ({ resource }) => (hasIdentity(resource) ? undefined : 'device-without-identity'),
  Observation: deviceRefusal,
};

const objectsIn = <T extends object>(value: unknown): T[] =>
  [value ?? []].flat().filter((one) => typeof one === 'object' && one !== null) as T[];
const referencesOf = (value: unknown): string[] =>
  objectsIn<Reference>(value).flatMap(({ reference }) => (typeof reference === 'string' ? [relative(reference)] : []));

/** Whether a Reference, or an array of them, names this one by reference and nobody beside. */
const isOnly = (value: unknown, author: string): boolean =>
  objectsIn(value).length === 1 && referencesOf(value)[0] === author;

const hasIdentity = ({ identifier, serialNumber, udiCarrier }: Resource): boolean =>
  objectsIn(identifier).length > 0 || typeof serialNumber === 'string' || objectsIn(udiCarrier).length > 0;

function deviceRefusal({ resource, patient, beside }: PatientRecord): PatientRecordRefusal | undefined {
  if (resource['device'] === undefined) return undefined;
  const [reference = ''] = referencesOf(resource['device']);
  const device = beside.get(reference);
  if (device?.resourceType !== 'Device' || patientIdOf(device) !== patient) return 'device-not-shown';
  return hasIdentity(device) ? undefined : 'device-without-identity';
}

const STATUSES = ['proposed', 'pending', 'booked', 'arrived', 'cancelled'];
/** What of an appointment that is there a patient changes: what says when it is, and that she comes, is there or does not come. */
const HERS = new Set(['status', 'slot', 'start', 'end', 'minutesDuration', 'cancelationReason', 'participant', 'meta']);
const TIMES = ['slot', 'start', 'end', 'participant'] as const;

function appointmentRefusal({ resource, previous, beside }: PatientRecord): PatientRecordRefusal | undefined {
  if (!STATUSES.includes(String(resource['status']))) return 'not-hers-to-say';
  if (previous !== undefined && !isSame(withoutHers(previous), withoutHers(resource))) return 'not-hers-to-say';
  const isBooked = previous !== undefined && isTaking(previous);
  if (resource['status'] === 'arrived' && !isBooked) return 'not-hers-to-say';
  const isKept = previous !== undefined && TIMES.every((name) => isSame(previous[name], resource[name]));
  if (resource['status'] === 'cancelled') return previous !== undefined && isKept ? undefined : 'not-hers-to-say';
  if (!isTaking(resource) || (isBooked && isKept)) return undefined;
  return slotRefusal(resource, beside);
}

const isSame = (one: unknown, other: unknown): boolean => canonicalJson(one ?? null) === canonicalJson(other ?? null);
const withoutHers = (appointment: Resource): object =>
  Object.fromEntries(Object.entries(appointment).filter(([name]) => !HERS.has(name)));

const PRACTITIONERS = /^(?:Practitioner|PractitionerRole)\//;

function slotRefusal(appointment: Resource, beside: PatientRecord['beside']): PatientRecordRefusal | undefined {
  const [reference, ...others] = referencesOf(appointment['slot']);
  if (reference === undefined || others.length > 0) return 'slot-not-named';
  const slot = beside.get(reference);
  if (slot?.resourceType !== 'Slot' || slot['status'] !== 'free') return 'slot-not-free';
  const [schedule] = referencesOf(slot['schedule']).map((one) => beside.get(one));
  if (schedule?.resourceType !== 'Schedule' || schedule['active'] === false) return 'slot-not-free';
  if (!isSame(timeOf(appointment), timeOf(slot))) return 'other-time';
  const participants = objectsIn<{ actor?: unknown }>(appointment['participant']);
  const named = participants.flatMap(({ actor }) => referencesOf(actor)).filter((one) => PRACTITIONERS.test(one));
  const offered = referencesOf(schedule['actor']).filter((one) => PRACTITIONERS.test(one));
  return isSame([...new Set(named)].sort(), [...new Set(offered)].sort()) ? undefined : 'other-practitioner';
}
