/**
 * What a patient records herself, through her custodian, in the care collection of the provider that it goes to: which types, in whose
 * name, and how they are marked.
 */
import { z } from 'zod';
import { bookingShownSchema } from './bookings.ts';
import type { CaretakerAct } from './consent-codes.ts';
import type { Resource } from './fhir.ts';
import { MAX_SHEETS, recordEvidenceSchema, sheetDraftSchema } from './sheets.ts';
import { userSchema } from './texts.ts';
import { consentVersionSchema } from './values.ts';

interface PatientType {
  /** What a caretaker needs to be delegated. */
  act: CaretakerAct;
  /** The element that names who says it; absent where R4 has none. */
  author?: string;
}

const TYPES: Readonly<Record<string, PatientType>> = {
  Appointment: { act: 'book' },
  Communication: { act: 'record', author: 'sender' },
  Device: { act: 'record' },
  DocumentReference: { act: 'record', author: 'author' },
  MedicationStatement: { act: 'medication', author: 'informationSource' },
  Observation: { act: 'record', author: 'performer' },
  QuestionnaireResponse: { act: 'record', author: 'author' },
};

/** Undefined for what patients do not record. */
export const patientType = (type: string): PatientType | undefined =>
  Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;

/** An appointment is of the patient and of the provider: whoever recorded it, both change it. */
export const isOfBoth = (type: string): boolean => type === 'Appointment';

/** Marks who reported it (terminology.hl7.org/CodeSystem-v3-ObservationValue.html): the patient, or somebody close to her. */
const REPORTED = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';
const REPORTED_CODES = ['PATRPT', 'PACQRPT'];

interface Tag {
  system?: unknown;
  code?: unknown;
}

const metaOf = ({ meta }: Readonly<Record<string, unknown>>) => (meta ?? {}) as { tag?: Tag[] };
const isReport = ({ system, code }: Tag): boolean => system === REPORTED && REPORTED_CODES.includes(String(code));

/** Whether a resource is marked as reported by this person, `Patient/<id>` or whoever acts for her, and by nobody else. */
export function isMarkedBy(resource: Resource, author: string): boolean {
  const marks = [metaOf(resource).tag ?? []].flat().filter(isReport);
  return marks.length === 1 && marks[0]?.code === codeOf(author);
}

const codeOf = (author: string): string => (author.startsWith('Patient/') ? 'PATRPT' : 'PACQRPT');

/** The resource, marked as reported by this person alone; of a type that she does not record as it is. */
export function markedBy<T extends Readonly<Record<string, unknown>>>(resource: T, author: string): T {
  if (patientType(String(resource['resourceType'])) === undefined) return resource;
  const others = [metaOf(resource).tag ?? []].flat().filter((tag) => !isReport(tag));
  const tag = [...others, { system: REPORTED, code: codeOf(author) }];
  return { ...resource, meta: { ...metaOf(resource), tag } };
}

/** The most records that one transaction of a patient's carries, and that are shown for them. */
export const MAX_OF_PATIENT = 100;

/** What `RecordByPatient` brings beside its records. */
export const patientRecordsSchema = z.strictObject({
  sheets: z.array(sheetDraftSchema).min(1).max(MAX_SHEETS),
  /** The provider's Patient record of whose these are. */
  patient: recordEvidenceSchema,
  /** Who writes it in her place, `RelatedPerson/<id>`, and the delegation by which he does. */
  caretaker: z.strictObject({ user: userSchema, delegation: consentVersionSchema }).optional(),
  /** The version before of each that follows one, but of Appointments, which show it among `bookings`. */
  previous: z.array(recordEvidenceSchema).max(MAX_OF_PATIENT).optional(),
  /** Records of the provider that they rest on: her Devices, and the Slots and Schedules of what she books. */
  beside: z.array(recordEvidenceSchema).max(MAX_OF_PATIENT).optional(),
  bookings: z.array(bookingShownSchema).min(1).max(MAX_OF_PATIENT).optional(),
});
