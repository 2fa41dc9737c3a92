/**
 * Coordination of benefits: what other payers decided about the same services before, as a Claim names it
 * (hl7.org/fhir/R4/claim-definitions.html#Claim.insurance.claimResponse).
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { objectsOf, targetOf } from './claim-evidence.ts';
import type { Resource } from './fhir.ts';
import { currencySchema, hashSchema, idSchema, line, minorUnitsSchema } from './texts.ts';

/** The most other payers of one claim. */
export const MAX_PRIOR = 3;

/** What another payer decided, in the record of the claim that builds on it: verified when that was submitted. */
export const priorDecisionSchema = z.strictObject({
  payer: nameSchema,
  claimId: idSchema,
  responseId: idSchema,
  /** `Coverage/<id>` */
  coverage: line(80),
  /** The hash of what that claim holds its services by. */
  holder: hashSchema,
  currency: currencySchema,
  /** By the sequence of the line here: what it paid and allowed of it, minor units. */
  lines: z
    .array(
      z.strictObject({ sequence: z.int().min(1).max(1_000_000), paid: minorUnitsSchema, allowed: minorUnitsSchema }),
    )
    .max(1_000),
});
export type PriorDecision = z.infer<typeof priorDecisionSchema>;

/** The ids of the ClaimResponses that a Claim names for insurances that are not the focal one. */
export const priorResponsesOf = (claim: Resource): string[] =>
  objectsOf(claim['insurance'])
    .filter(({ focal }) => focal !== true)
    .flatMap(({ claimResponse }) => {
      const [type, id] = targetOf(claimResponse)?.split('/') ?? [];
      return type === 'ClaimResponse' && id !== undefined ? [id] : [];
    });
