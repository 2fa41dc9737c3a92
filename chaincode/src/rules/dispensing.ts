/**
 * Whether a medicine may be handed out by a prescription. Pure: what is prescribed, what is handed out and what was before, the
 * prescriber's licence and a time in, the reason against it out.
 * @see https://hl7.org/fhir/R4/medicationrequest.html
 * @see https://hl7.org/fhir/R4/medicationdispense.html
 */

import { authorisedAtOnce, isOrdered, requestOf } from '../model/dispensing.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import type { LicenceDecision } from '../model/licences.ts';
import { type Decimal, decimalOf, multiply, ONE, plus, signOf } from '../model/money.ts';
import { instantOf, type Span, spanOf } from '../model/periods.ts';

/** The reasons, and what each means. */
export const DISPENSING_REFUSALS = {
  'other-patient': 'the prescription is of another patient',
  'no-order': 'what is no order authorises nothing',
  'prescription-not-active': 'the prescription is not active',
  'quantity-not-stated': 'what is handed out does not state its quantity, or the prescription none that can be counted',
  'other-unit': 'it is in another unit than the prescription, or what was handed out before',
  'over-quantity': 'more would be handed out than the prescription authorises',
  'other-medication': 'it is not the medication prescribed, and no substitution of it that the prescription allows',
  'before-validity': 'the prescription is not valid yet',
  'prescription-expired': 'the prescription is not valid any more',
  'handed-over-at': 'it is handed over after it was prescribed, and not in the future',
  'prescriber-not-licensed': 'who prescribed had no licence in force that names him',
} as const;
export type DispensingRefusal = keyof typeof DISPENSING_REFUSALS;

export interface Dispensing {
  dispense: Resource;
  prescription: Resource;
  /** What is handed out by this version beyond the version before. */
  more: Decimal;
  /** What was handed out before, by all. */
  before: Decimal;
  /** Whether the prescription is recorded along with it, as what is taken over from elsewhere is: it may be over by now. */
  isTakenOver: boolean;
  /** Of who prescribed, on the days that count. */
  licence: LicenceDecision;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** How far ahead of a transaction's time an honest clock may be. */
const CLOCK_MS = 15 * 60_000;
const OVER = ['completed', 'stopped'];

type Concept = { coding?: unknown };
/** The first reason against it, in the order of the table; undefined where there is none. */
export function dispensingRefusal(asked: Dispensing): DispensingRefusal | undefined {
  const { dispense, prescription, isTakenOver, licence, now } = asked;
  if (patientIdOf(dispense) !== patientIdOf(prescription)) return 'other-patient';
  if (!isOrdered(prescription)) return 'no-order';
  const status = String(prescription['status']);
  if (status !== 'active' && !(isTakenOver && OVER.includes(status))) return 'prescription-not-active';
  return (
    againstQuantity(asked) ??
    (isPrescribed(dispense, prescription) ? undefined : 'other-medication') ??
    againstTime(dispense, prescription, isTakenOver ? undefined : now, now) ??
    (licence.outcome === 'permit' ? undefined : 'prescriber-not-licensed')
  );
}

function againstQuantity({ prescription, more, before }: Dispensing): DispensingRefusal | undefined {
  const once = authorisedAtOnce(prescription);
  const repeats = decimalOf(requestOf(prescription).numberOfRepeatsAllowed ?? 0);
  if (once === undefined || repeats === undefined) return 'quantity-not-stated';
  const authorised = multiply(once.value, plus(repeats, ONE));
  return signOf(plus(authorised, plus(before, more), -1n)) < 0 ? 'over-quantity' : undefined;
}

/** @param today undefined where what was handed over long ago is taken over */
function againstTime(
  dispense: Resource,
  prescription: Resource,
  today: string | undefined,
  now: string,
): DispensingRefusal | undefined {
  const time = instantOf(now);
  const handed = dispense['whenHandedOver'] === undefined ? undefined : spanOf(dispense['whenHandedOver']);
  if (dispense['whenHandedOver'] !== undefined && handed === undefined) return 'handed-over-at';
  if (handed !== undefined && handed.start > time + CLOCK_MS) return 'handed-over-at';
  const authored = spanOf(prescription['authoredOn']);
  if (handed !== undefined && authored !== undefined && handed.end <= authored.start) return 'handed-over-at';
  const moments: Span[] = [
    ...(handed === undefined ? [] : [handed]),
    ...(today === undefined ? [] : [{ start: time, end: time + 1 }]),
  ];
  const { start, end } = requestOf(prescription).validityPeriod ?? {};
  const [from, until] = [spanOf(start)?.start, spanOf(end)?.end];
  if ((start !== undefined && from === undefined) || (end !== undefined && until === undefined))
    return 'prescription-expired';
  if (from !== undefined && moments.some((moment) => moment.end <= from)) return 'before-validity';
  if (until !== undefined && moments.some((moment) => moment.start >= until)) return 'prescription-expired';
  return undefined;
}

/** Whether both name the same medication, by a code or by the same record, or a substitution that is allowed. */
function isPrescribed(dispense: Resource, prescription: Resource): boolean {
  const { wasSubstituted } = (dispense['substitution'] ?? {}) as { wasSubstituted?: unknown };
  if (wasSubstituted === true) return maySubstitute(prescription);
  const [one, other] = [medicationOf(dispense), medicationOf(prescription)];
  return one.some((name) => other.includes(name));
}

function maySubstitute({ substitution }: Resource): boolean {
  const { allowedBoolean, allowedCodeableConcept } = (substitution ?? {}) as Record<string, unknown>;
  if (allowedBoolean !== undefined) return allowedBoolean === true;
  const codes = codingsOf(allowedCodeableConcept).map(({ code }) => code);
  // hl7.org/fhir/R4/v3/substanceAdminSubstitution: N is none.
  return codes.length > 0 && !codes.includes('N');
}

function codingsOf(concept: unknown): { system?: unknown; code?: unknown }[] {
  const { coding } = (concept ?? {}) as Concept;
  return [coding ?? []].flat() as { system?: unknown; code?: unknown }[];
}

/** The names of a medication: its codes, or the record that says what it is. */
function medicationOf(resource: Resource): string[] {
  const { reference } = (resource['medicationReference'] ?? {}) as { reference?: unknown };
  const contained = [resource['contained'] ?? []].flat() as Resource[];
  const held = contained.find(({ id }) => reference === `#${id}`);
  const concept = held === undefined ? resource['medicationCodeableConcept'] : held['code'];
  const codes = codingsOf(concept)
    .filter(({ code }) => typeof code === 'string')
    .map(({ system, code }) => JSON.stringify([system ?? null, code]));
  return held === undefined && typeof reference === 'string' ? [...codes, reference] : codes;
}
