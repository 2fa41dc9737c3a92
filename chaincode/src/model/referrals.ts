/**
 * Referrals: a ServiceRequest that asks another provider of the consortium to see a patient, and the records that answer it. An answer
 * names it in `basedOn` (hl7.org/fhir/R4/servicerequest.html).
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { Reference, Resource } from './fhir.ts';
import { type ActorReference, organisationNameOf } from './organisations.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema } from './texts.ts';

/** Types of which a record can answer a referral. R4's Composition has no `basedOn`: a document goes with its report. */
export const ANSWERS = ['DiagnosticReport', 'Encounter'];
/** What its record asks for by. */
export const REFERRAL = 'ServiceRequest';

/** What an answer shows to be recorded by. */
export const answerShownSchema = z.strictObject({
  /** Id of the answer, which the transaction records. */
  id: fhirIdSchema,
  /** Each ServiceRequest that it names as it is now, and its provider; none where the version before names the same. */
  orders: z.array(z.strictObject({ provider: nameSchema, record: recordEvidenceSchema })).max(20),
  /** The order's Patient and the answer's own, where these are two records of one person. */
  patients: z.strictObject({ ordered: recordEvidenceSchema, answered: recordEvidenceSchema }).optional(),
  /** The answer's version before this one. */
  previous: recordEvidenceSchema.optional(),
});
export type AnswerShown = z.infer<typeof answerShownSchema>;

/** The ids of the ServiceRequests that a record answers, each once; none of what answers none. */
export function ordersOf(answer: Resource): string[] {
  if (!ANSWERS.includes(answer.resourceType) || answer['status'] === 'entered-in-error') return [];
  const named = ([answer['basedOn'] ?? []].flat() as Reference[]).map(
    ({ reference }) => new RegExp(`^${REFERRAL}/([A-Za-z0-9.-]{1,64})$`).exec(String(reference))?.[1],
  );
  return [...new Set(named.filter((id) => id !== undefined))].sort();
}

/** Names of the organisations that an order is to be performed by. */
export const performersOf = ({ performer }: Resource): string[] =>
  ([performer ?? []].flat() as ActorReference[]).flatMap((one) => organisationNameOf(one) ?? []);
