/**
 * Who may sign a prescription of a controlled substance, and whether one is signed. Pure: who signs, the licences and the marks in, the
 * reason against it out.
 */
import type { Signatory } from '../model/controlled.ts';
import type { LicenceRefusal } from '../model/licences.ts';
import type { LicenceState, Person } from '../model/values.ts';
import { licenceRefusal } from './licences.ts';

/** The reasons, and what each means. */
export const SIGNING_REFUSALS = {
  'not-controlled': 'nothing of this prescription is a controlled substance',
  'prescription-not-active': 'the prescription is not active',
  'same-person': 'who signs second is another than who prescribed, by his licence too',
  'prescriber-first': 'who prescribed signs first',
  'prescriber-not-licensed': 'who prescribed has no licence in force that names him',
} as const;
export type SigningRefusal = keyof typeof SIGNING_REFUSALS | LicenceRefusal;

/** Why something controlled is not handed out. */
export const CONTROLLED_REFUSALS = {
  'controlled-without-prescription': 'a controlled substance is handed out by a prescription alone',
  'prescriber-signature-missing': 'who prescribed this controlled substance has not signed it',
  'second-signature-missing': 'no second practitioner has signed the prescription of this controlled substance',
} as const;
export type ControlledRefusal = keyof typeof CONTROLLED_REFUSALS;

export interface Signing {
  isControlled: boolean;
  isActive: boolean;
  signatory: Signatory;
  /** Who signs and who prescribed, each with the licence that is shown of him. */
  signer: Person;
  licence: LicenceState | undefined;
  prescriber: Person;
  prescriberLicence: LicenceState | undefined;
  /** Whether who prescribed has signed. */
  isBegun: boolean;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** The first reason against it, in the order of the table; undefined where there is none. */
export function signingRefusal(asked: Signing): SigningRefusal | undefined {
  const { signatory, signer, licence, prescriber, prescriberLicence, now } = asked;
  if (!asked.isControlled) return 'not-controlled';
  if (!asked.isActive) return 'prescription-not-active';
  const unlicensed = licenceRefusal(licence, signer, now);
  if (unlicensed !== undefined) return unlicensed;
  if (signatory === 'prescriber') return undefined;
  if (licenceRefusal(prescriberLicence, prescriber, now) !== undefined) return 'prescriber-not-licensed';
  // One human may be several Practitioners of a provider: a licence is one human's.
  if (licence?.number === prescriberLicence?.number || licence?.practitioners?.some((one) => isSame(one, prescriber)))
    return 'same-person';
  return asked.isBegun ? undefined : 'prescriber-first';
}

const isSame = (one: Person, other: Person): boolean =>
  one.organisation === other.organisation && one.practitioner === other.practitioner;
