/**
 * ExplanationOfBenefits as they are read at the patient's and the payer's gateway: made of what the payer's collection holds. What a
 * provider records under that name is its document (CLINRPT), and is not among them.
 */
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { paymentStateSchema } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Search, SearchPage, StoredResource } from '../../fhir/repository.ts';
import type { View } from '../../index/read/deliveries.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { billedText } from './billed.ts';
import { type ExplainedPayment, explanationOf } from './explanation.ts';

const EXPLANATION = 'ExplanationOfBenefit';
const DECISION = 'ClaimResponse';

/** Whether a type is made here, of an organisation whose collection, or whose payers', decides. */
export const isExplained = (type: string, { kind }: Organisation): boolean =>
  type === EXPLANATION && (kind === 'custodian' || kind === 'payer');

/** Statuses in which a claim counts no more. */
const OVER = new Set<string>(['cancelled', 'voided', 'replaced', 'reversed']);
const PAID = new Set<string>(['settled', 'remitted']);

/** @throws {Failure} as the decision's own read does */
export async function readExplanation(index: ReadModel, id: string, view: View): Promise<StoredResource | undefined> {
  const decision = await index.newest(DECISION, id, view);
  return decision && explained(index, decision);
}

/** A page of them, in the order of the decisions. A total would count requests for authorization too: there is none. */
export async function searchExplanations(index: ReadModel, search: Search, view: View): Promise<SearchPage> {
  const values = (search.values ?? []).map((one) => ({ ...one, ...ofDecision(one) }));
  const { total: _, ...page } = await index.search({ ...search, type: DECISION, values }, view);
  const found = await Promise.all(page.matches.map((decision) => explained(index, decision)));
  return { ...page, matches: found.filter((one) => one !== undefined) };
}

/** Their claim is what a decision calls its request; their identifier is the claim's id. */
function ofDecision({ parameter, anyOf }: NonNullable<Search['values']>[number]) {
  if (parameter === 'claim') return { parameter: 'request' };
  if (parameter !== 'identifier') return {};
  return { parameter: 'request', anyOf: anyOf.map(({ value }) => ({ value: `Claim/${value ?? ''}` })) };
}

/** Undefined for a decision about something else than a claim, or whose claim is not here. */
async function explained(index: ReadModel, decision: StoredResource): Promise<StoredResource | undefined> {
  const { resource: response } = decision;
  if (response['use'] !== 'claim') return undefined;
  const [, id = ''] = /^Claim\/(.+)$/.exec((response['request'] as { reference: string }).reference) ?? [];
  const row = await index.state('claim', id);
  if (row === undefined) return undefined;
  const state = claimStateSchema.parse(JSON.parse(row.value));
  const text = await billedText(index, collections.billing(state.payer), state);
  if (text === undefined) return undefined;
  const { resource: claim } = parseExact(text) as { resource: Resource };
  const resource = explanationOf({
    ...{ claim, response, payment: await paymentOf(index, state), receivedAt: state.submittedAt },
    ...{ updatedAt: state.updatedAt, isCancelled: OVER.has(state.status) },
  });
  return { ...decision, resource: { ...resource, meta: metaOf(resource, decision) }, lastUpdated: state.updatedAt };
}

const metaOf = (resource: Resource, { version }: StoredResource): object => ({
  ...(resource['meta'] as object),
  versionId: String(version),
});

/** Whether and when it was paid: by the payment that the claim names, or by the notice of one that has no states. */
async function paymentOf(index: ReadModel, state: ClaimState): Promise<ExplainedPayment> {
  const isPaid = PAID.has(state.status);
  if (!isPaid) return { isPaid, day: undefined };
  const row = state.payment === undefined ? undefined : await index.state('payment', state.payment);
  if (row !== undefined) return { isPaid, day: paymentStateSchema.parse(JSON.parse(row.value)).day };
  const text = await index.evidence.text(collections.billing(state.payer), keysOfClaim(state).settlement);
  const { resource } = (text === undefined ? {} : JSON.parse(text)) as { resource?: { paymentDate?: string } };
  return { isPaid, day: resource?.paymentDate };
}
