/** Of whom the pages of a patient are: of who signed in, or of the patient for whom a caretaker acts. In memory: it names a person. */
import { session } from './sign-in.ts';
import { Value } from './value.ts';

export interface ActsFor {
  /** `Patient/ID` */
  patient: string;
  name: string;
  /** What is delegated: read, answer, revoke, bills, record, medication, book. */
  acts: readonly string[];
  /** ISO 8601; until it is withdrawn where it is absent. */
  until?: string;
}

export const actsFor = new Value<ActsFor | undefined>(undefined);
session.watch(() => {
  if (session.now === undefined) actsFor.set(undefined);
});

/** `Patient/ID` of whom this is about. */
export const patientShown = (): string => actsFor.now?.patient ?? session.now?.fhirUser ?? '';

/** Who says what is recorded here: the patient, or her caretaker. */
export const author = (): string => session.now?.fhirUser ?? '';
