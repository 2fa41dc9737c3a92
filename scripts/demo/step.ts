/** What a step of the story is: what it finds, what it leaves for the next ones, and where it reports. */
import type { Role } from '@telemed-ledger/consortium/members.ts';
import type { Parties } from './parties.ts';
import type { Visit } from './visit.ts';

/** What steps pass on. Each is set by the step that makes it. */
export interface Story {
  parties: Parties;
  visit: Visit;
  /** ISO 8601, before the first step. */
  startedAt: string;
  /** `Type/id` at the hospital by the fullUrl of the sample. */
  locations: Map<string, string>;
  patientId?: string;
  observationId?: string;
  accessIds: string[];
  /** Who acts for the patient, `RelatedPerson/<id>`. */
  caretaker?: string;
  emergencyId?: string;
  prescriptionId?: string;
  /** What is handed out by it: its GTIN and lot. */
  package?: { code: string; lot: string };
  coverageId?: string;
  claimId?: string;
  deniedClaimId?: string;
  paymentId?: string;
  /** The stored copies are out of reach: the last two steps did nothing. */
  tamperingLeftOut?: true;
  /** Puts the changed byte back. */
  restore?: () => void;
}

/** Where a step reports what happened. */
export interface Narrator {
  fact(text: string): void;
  /** A write, with its receipt. */
  wrote(what: string, organisation: string, transactionId: string): Promise<void>;
}

/** Where a step shows on the pages of a gateway (gateway-api/console). */
export interface OnPage {
  /** Name of the organisation. */
  at: string;
  /** Role of who is signed in. */
  as: Role;
  /** The entry of the menu, in English. */
  page: string;
  /** What to look at there, or the button that does what the step did. */
  button: string;
}

export interface Step {
  title: string;
  page?: OnPage;
  run(story: Story, narrator: Narrator): Promise<void>;
}

/** A value that an earlier step must have set. */
export function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the story has no ${what} yet`);
  return value;
}
