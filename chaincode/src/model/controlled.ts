/**
 * Controlled substances: the list that the regulators set, and the two signatures without which nothing of it is handed out, as marks
 * under the prescription's secret handle: whoever is shown the prescription finds them, and nobody else tells what they are of.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { withAnother, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import type { Resource } from './fhir.ts';
import { productSchema } from './lots.ts';
import { licenceShownSchema } from './registers.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { idSchema, instantSchema, licenceNumberSchema, saltSchema } from './texts.ts';
import { done, transaction } from './transaction.ts';
import { schemaVersion } from './values.ts';

const MAX_SUBSTANCES = 5_000;
export const substancesSchema = z.array(productSchema).max(MAX_SUBSTANCES);

/** `controlled/<generation>` in registers: what is controlled from then on. */
export const controlledListSchema = z.strictObject({
  schema: schemaVersion,
  substances: substancesSchema,
  updatedAt: instantSchema,
  salt: saltSchema,
});
export type ControlledList = z.infer<typeof controlledListSchema>;

/** `controlled-prescription/<id>` in reviews: what the regulators see of one, under a random id. */
export const controlledPrescriptionSchema = z.strictObject({
  schema: schemaVersion,
  id: idSchema,
  provider: nameSchema,
  substances: substancesSchema,
  /** Numbers of the licences of who prescribed and who signed second. */
  prescriber: licenceNumberSchema,
  second: licenceNumberSchema,
  signedAt: instantSchema,
  salt: saltSchema,
});
export type ControlledPrescription = z.infer<typeof controlledPrescriptionSchema>;

export type Signatory = 'prescriber' | 'second';

/** What of a prescription may change without its being signed anew. */
const UNSIGNED = new Set(['meta', 'text', 'status', 'statusReason']);

/** How a signature is named in the marks: it is of this text, not of what the prescription becomes. */
export function signatureName(handle: string, prescription: Resource): string {
  const signed = Object.fromEntries(Object.entries(prescription).filter(([name]) => !UNSIGNED.has(name)));
  return sha256Hex(`signature/${handle}/${canonicalJson(signed)}`);
}

/** `signature/<name>/<signatory>` in marks. */
export const signatureMarkSchema = z.strictObject({ schema: schemaVersion, at: instantSchema, salt: saltSchema });
export type SignatureMark = z.infer<typeof signatureMarkSchema>;

export const controlledTransactions = {
  /** Sets which substances are controlled. */
  SetControlled: transaction({
    contract: 'controlled',
    kind: 'submit',
    callers: ['regulator'],
    roles: ['system', 'auditor'],
    input: z.strictObject({ substances: substancesSchema }),
    private: z.strictObject({ salt: saltSchema }),
    output: done,
    endorsers: (consortium, caller) => withAnother(consortium, caller, [custodianOf(consortium).name]),
    writes: () => ({ always: [collections.registers] }),
  }),
  /**
   * A practitioner signs a prescription of a controlled substance by his own certificate: first who prescribes it, then another one.
   * Refuses (FORBIDDEN) by the name of the rule (rules/controlled.ts).
   */
  SignPrescription: transaction({
    contract: 'controlled',
    kind: 'submit',
    callers: ['provider'],
    roles: ['practitioner'],
    input: z.strictObject({}),
    private: z.strictObject({
      prescription: recordEvidenceSchema,
      /** The Medication that it refers to. */
      medication: recordEvidenceSchema.optional(),
      /** The licences that name who signs, and who prescribed. */
      licence: licenceShownSchema.optional(),
      prescriber: licenceShownSchema.optional(),
      /** Under which the regulators see it. */
      id: idSchema,
      salt: saltSchema,
    }),
    output: done,
    endorsers: withCustodian,
    writes: () => ({ always: [collections.marks], copies: [collections.reviews] }),
  }),
} as const;
