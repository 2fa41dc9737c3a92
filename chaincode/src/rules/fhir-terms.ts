/** The FHIR terms and references that adjudications and payments are written with. */
import type { Reference } from '../model/fhir.ts';

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
const OURS = 'https://telemed-ledger.example';

export interface CodeableConcept {
  coding: { system: string; code: string }[];
}

/** A concept of HL7's terminology. */
export const concept = (codeSystem: string, code: string): CodeableConcept => ({
  coding: [{ system: `${TERMINOLOGY}/${codeSystem}`, code }],
});

/** The name of a claim edit as a concept. */
export const editConcept = (name: string): CodeableConcept => ({
  coding: [{ system: `${OURS}/fhir/CodeSystem/claim-edits`, code: name }],
});

/** A member of the consortium: known by its name, since no two organisations need to hold the same Organization. */
export const organisationReference = (name: string): Reference & { type: string } => ({
  type: 'Organization',
  identifier: { system: `${OURS}/organisations`, value: name },
  display: name,
});

/** Identifies one payment in every organisation's books. */
export const paymentIdentifier = (paymentId: string): { system: string; value: string } => ({
  system: `${OURS}/payments`,
  value: paymentId,
});

/** The bank's own reference of a transfer. */
export const transferIdentifier = (bank: string, reference: string): { system: string; value: string } => ({
  system: `${OURS}/organisations/${bank}/transfers`,
  value: reference,
});

const EXTENSIONS = `${OURS}/fhir/StructureDefinition`;

/** How a payment stands, beyond what its outcome says: an extension of PaymentReconciliation. */
export const paymentStatus = (code: string) => ({ url: `${EXTENSIONS}/payment-status`, valueCode: code });

/** Why a payment ended: a code of ISO 20022's external code sets, which the bank reports. */
export const paymentReason = (code: string) => ({
  url: `${EXTENSIONS}/payment-reason`,
  valueCoding: { system: `${OURS}/fhir/CodeSystem/iso-20022-reasons`, code },
});
