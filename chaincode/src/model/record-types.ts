/**
 * Which resources a provider records, and which come about only by the ledger's own transactions. Chaincode refuses the
 * latter as records, so that nobody is shown a consent, a coverage or a payment that no such transaction made.
 */
import { CONSULTATION_REFUSALS, consultationRefusal } from './consultations.ts';
import type { Resource } from './fhir.ts';
import { FORM_REFUSALS, formRefusal, withScore } from './forms.ts';

/** Types that only a transaction of their own writes, with the reason that a client is given. */
const MADE_BY_THE_LEDGER = new Map<string, string>([
  ['AuditEvent', 'audit events are made from the ledger'],
  ['ClaimResponse', 'a claim response is made by adjudication'],
  ['Consent', 'a consent is granted through the custodian, where its patient acts'],
  ['Contract', 'agreements are no records of a patient'],
  ['Coverage', 'a coverage is registered by the payer'],
  ['CoverageEligibilityResponse', 'a payer answers for its coverages itself'],
  ['EnrollmentResponse', 'a payer answers for its coverages itself'],
  ['InsurancePlan', 'a payer publishes its plans itself'],
  ['PaymentNotice', 'a payment notice is made by the settlement of a claim'],
  ['PaymentReconciliation', 'a payment reconciliation is made by the payment of a claim'],
]);

/**
 * Marks an ExplanationOfBenefit as what a provider's files say and no statement of the payer's
 * (terminology.hl7.org/CodeSystem-v3-ObservationValue.html: clinician reported).
 */
const REPORTED_TAG = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'CLINRPT',
  display: 'clinician reported',
} as const;
const REPORTED = new Set(['ExplanationOfBenefit']);

const tagsOf = (resource: Resource): { system?: unknown; code?: unknown }[] => {
  const tags = (resource['meta'] as { tag?: unknown } | undefined)?.tag;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'object' && tag !== null) : [];
};

const isReported = (resource: Resource): boolean =>
  tagsOf(resource).some(({ system, code }) => system === REPORTED_TAG.system && code === REPORTED_TAG.code);

/** Codes of what the ledger itself asks its members; a record that says them would be taken for it. */
const OF_THE_LEDGER = 'https://telemed-ledger.example/fhir/CodeSystem/';

function asksForTheLedger({ resourceType, code }: Resource): boolean {
  if (resourceType !== 'Task') return false;
  const codings = [(code as { coding?: unknown } | undefined)?.coding ?? []].flat() as { system?: unknown }[];
  return codings.some(({ system }) => typeof system === 'string' && system.startsWith(OF_THE_LEDGER));
}

/** Why a provider records and deletes nothing of this type; undefined where it does. */
export const unrecordableType = ({ resourceType }: Resource): string | undefined =>
  MADE_BY_THE_LEDGER.get(resourceType);

/** Why a provider cannot record a resource; undefined where it can. */
export function unrecordable(resource: Resource): string | undefined {
  const reason = unrecordableType(resource);
  if (reason !== undefined) return reason;
  if (REPORTED.has(resource.resourceType) && !isReported(resource))
    return 'must be tagged as reported by a provider (CLINRPT)';
  const odd = consultationRefusal(resource);
  if (odd !== undefined) return `${odd}: ${CONSULTATION_REFUSALS[odd]}`;
  const misfit = formRefusal(resource);
  if (misfit !== undefined) return `${misfit}: ${FORM_REFUSALS[misfit]}`;
  if (asksForTheLedger(resource)) return 'what members ask of each other about a claim is made by its transactions';
  return undefined;
}

/** The resource as a provider records it: with the tag, where its type needs one, and with the score of a form. */
export function asRecorded(resource: Resource): Resource {
  if (!REPORTED.has(resource.resourceType) || isReported(resource)) return withScore(resource);
  const meta = (resource['meta'] ?? {}) as Record<string, unknown>;
  return { ...resource, meta: { ...meta, tag: [...tagsOf(resource), REPORTED_TAG] } };
}
