/**
 * What has been handed out of a prescription, by all who dispense it: a series of marks, each with the total so far. A mark is named and
 * sealed by the prescription's handle, a secret that whoever is shown the prescription has with it, so that it tells nobody else of whom,
 * of what or how much it is.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { LedgerError } from './errors.ts';
import type { Resource } from './fhir.ts';
import { type Decimal, decimalOf, ONE } from './money.ts';
import { parseExact } from './numbers.ts';
import { licenceShownSchema } from './registers.ts';
import { seal, unseal } from './sealed.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema, line, saltSchema } from './texts.ts';
import { hintSchema } from './transaction.ts';
import { schemaVersion } from './values.ts';

/** A dispense in one of these statuses has handed out nothing (hl7.org/fhir/R4/valueset-medicationdispense-status.html). */
const NOT_HANDED_OUT = ['preparation', 'cancelled', 'declined', 'entered-in-error'];

/** Whether a MedicationDispense says that something was handed out. */
export const isHandedOut = ({ status }: Resource): boolean => !NOT_HANDED_OUT.includes(String(status));

/** Whether a MedicationDispense is of a prescription and takes from what that authorises. */
export const isCounted = (dispense: Resource): boolean => prescriptionsOf(dispense).length > 0 && isHandedOut(dispense);

const ORDERS = ['order', 'original-order', 'reflex-order', 'filler-order', 'instance-order'];

/** Whether a MedicationRequest orders what it names, by its intent. */
export const isOrdered = ({ intent, doNotPerform }: Resource): boolean =>
  ORDERS.includes(String(intent)) && doNotPerform !== true;

/** The references of a MedicationDispense to its prescriptions, as they are written. */
export const prescriptionsOf = (dispense: Resource): { reference?: unknown }[] =>
  [dispense['authorizingPrescription'] ?? []].flat() as { reference?: unknown }[];

/** The id of the prescription that a dispense names. @param place of the references, for errors @throws LedgerError INVALID */
export function prescriptionIdOf(dispense: Resource, place: string): string {
  const [named, ...others] = prescriptionsOf(dispense);
  if (others.length > 0) throw new LedgerError('INVALID', 'is dispensed by one prescription', place);
  const [, id] = /^MedicationRequest\/([A-Za-z0-9.-]{1,64})$/.exec(String(named?.reference)) ?? [];
  if (id === undefined) throw new LedgerError('INVALID', 'names no prescription on this ledger', place);
  return id;
}

/** What a dispense shows to be recorded by. */
export const dispenseShownSchema = z.strictObject({
  /** Id of the MedicationDispense, which the transaction records. */
  id: fhirIdSchema,
  /** The prescription as it is now, and its provider; absent where the transaction records it too, and where nothing more is taken. */
  prescription: z.strictObject({ provider: nameSchema, record: recordEvidenceSchema }).optional(),
  /** The prescription's Patient and the dispense's own, where these are two records of one person. */
  patients: z.strictObject({ prescribed: recordEvidenceSchema, dispensed: recordEvidenceSchema }).optional(),
  /** The licence that names who prescribed. */
  licence: licenceShownSchema.optional(),
  /** The dispense's version before this one. */
  previous: recordEvidenceSchema.optional(),
  /** How many marks of the prescription the sender knows of. */
  known: hintSchema,
  salt: saltSchema,
});
export type DispenseShown = z.infer<typeof dispenseShownSchema>;

/** How a prescription is named in the marks. */
export const dispensedName = (handle: string): string => sha256Hex(`dispensed/${handle}`);

/** `dispensed/<name>/<n>` in marks: the total after so many dispenses, corrections included. */
export const dispensedMarkSchema = z.strictObject({ schema: schemaVersion, sealed: line(1_024), salt: saltSchema });
export type DispensedMark = z.infer<typeof dispensedMarkSchema>;

/** What was handed out, and the SHA-256 of the unit that it is counted in. */
export interface Total {
  value: Decimal;
  unitHash: string;
}

const keyOf = (handle: string): string => sha256Hex(`dispensed-seal/${handle}`);
/** The length of what is sealed says nothing of the number. */
const LONGEST_TOTAL = 240;

/** Seals a total. @param salt 32 random bytes, hex */
export function sealTotal(handle: string, { value, unitHash }: Total, salt: string): DispensedMark {
  const text = JSON.stringify([String(value.digits), value.scale, unitHash]).padEnd(LONGEST_TOTAL);
  return { schema: 1, sealed: seal(keyOf(handle), text, salt), salt };
}

/** @throws Error where it was sealed by another handle */
export function openTotal(handle: string, { sealed, salt }: DispensedMark): Total {
  const [digits, scale, unitHash] = parseExact(unseal(keyOf(handle), sealed, salt)) as [string, number, string];
  return { value: { digits: BigInt(digits), scale }, unitHash };
}

/** An amount of a medicine in its unit. */
export interface Quantity {
  value: Decimal;
  /** System and code, or the unit's own words. */
  unit: string;
}

/** A FHIR Quantity that is more than nothing; undefined for anything else. */
function quantityOf(quantity: unknown): Quantity | undefined {
  if (typeof quantity !== 'object' || quantity === null) return undefined;
  const { value, system, code, unit, comparator } = quantity as Record<string, unknown>;
  const amount = decimalOf(value);
  if (amount === undefined || amount.digits <= 0n || comparator !== undefined) return undefined;
  const named = typeof code === 'string' ? JSON.stringify([system ?? null, code]) : JSON.stringify(unit ?? null);
  return { value: amount, unit: named };
}

/** Of a prescription that states no quantity each dispense is one, whatever it hands out. */
const FILL: Quantity = { value: ONE, unit: 'fill' };

/** What a prescription authorises at once. @returns undefined where it states what is no quantity */
export function authorisedAtOnce(prescription: Resource): Quantity | undefined {
  const { quantity } = requestOf(prescription);
  return quantity === undefined ? FILL : quantityOf(quantity);
}

/** What a dispense comes to in a unit; undefined where it does not say, or is in another. */
export function amountIn(unitHash: string, dispense: Resource): Decimal | undefined {
  if (unitHash === sha256Hex(FILL.unit)) return FILL.value;
  const stated = quantityOf(dispense['quantity']);
  return stated !== undefined && sha256Hex(stated.unit) === unitHash ? stated.value : undefined;
}

/** MedicationRequest.dispenseRequest. */
export interface DispenseRequest {
  quantity?: unknown;
  numberOfRepeatsAllowed?: unknown;
  validityPeriod?: { start?: unknown; end?: unknown };
}
export const requestOf = ({ dispenseRequest }: Resource): DispenseRequest =>
  typeof dispenseRequest === 'object' && dispenseRequest !== null ? (dispenseRequest as DispenseRequest) : {};
