/** What is answered to a request for authorization: its ClaimResponse, in PAS's Bundle where a Bundle was sent. */

import { isCancelledItem } from '@telemed-ledger/chaincode/model/authorizations.ts';
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { memberReference } from '@telemed-ledger/chaincode/model/organisations.ts';
import { reviewActionOf } from '@telemed-ledger/chaincode/model/review-actions.ts';
import { type Issue, outcomeOf } from '../../fhir/outcomes.ts';
import type { KeptRequest } from '../../idempotency/kept-requests.ts';
import { coverageIn, type Request } from './asked.ts';

interface Answering {
  claim: Resource;
  response: Resource;
  /** The Bundle that was sent, whose identifier the answer repeats. */
  bundle: Resource | undefined;
  told: readonly Issue[];
  baseUrl: string;
  /** ISO 8601 UTC. */
  now: string;
}

/** hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-pas-response-bundle.html */
export function responseBundle({ claim, response, bundle, told, baseUrl, now }: Answering): object {
  const entry = (resource: Resource) => ({
    fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`,
    resource,
  });
  const identifier = bundle?.['identifier'];
  return {
    resourceType: 'Bundle',
    ...(identifier === undefined ? {} : { identifier }),
    type: 'collection',
    timestamp: now,
    entry: [
      entry(response),
      entry(claim),
      ...(told.length === 0
        ? []
        : [{ fullUrl: `${baseUrl}/OperationOutcome/${response.id}`, resource: outcomeOf([...told]) }]),
    ],
  };
}

const KEPT = {
  provider:
    'Kept, pended: the payer has not received it yet. It is sent to it as soon as that is possible, and its clock begins then.',
  payer: 'Received, pended: kept until another member has endorsed it. The clock runs from now on.',
};
const TOLD = 'Inquire by Claim/$inquire, or subscribe to ClaimResponse.';

/**
 * What is answered to a request that the ledger does not have yet, or refused when it was sent: the ClaimResponse under the id that
 * it will have, each line pended (A4).
 * @param at which kind of member keeps it
 */
export function keptResponse(
  request: Request,
  { status, reason }: Pick<KeptRequest, 'status' | 'reason'>,
  { payer, at }: { payer: string; at: 'payer' | 'provider' },
): Resource {
  const { claim, responseId, cameAt } = request;
  const { identifier, type, use, patient, provider, item } = claim;
  const isRefused = status === 'refused';
  const lines = objectsOf(item).filter((line) => !isCancelledItem(line));
  const told = { extension: [reviewActionOf('pend')], category: { coding: [SUBMITTED] } };
  return {
    ...{ resourceType: 'ClaimResponse', id: responseId, ...(identifier === undefined ? {} : { identifier }) },
    ...{ status: 'active', type, use, patient, created: cameAt, insurer: memberReference(payer) },
    ...{ requestor: provider, request: { reference: `Claim/${claim.id}` }, outcome: isRefused ? 'error' : 'queued' },
    disposition: isRefused ? 'Refused when it was sent: ask anew.' : `${KEPT[at]} ${TOLD}`,
    insurance: [{ sequence: 1, focal: true, coverage: { reference: coverageIn(request) } }],
    ...(isRefused ? { error: [{ code: { text: reason ?? 'refused' } }] } : {}),
    ...(isRefused || lines.length === 0
      ? {}
      : { item: lines.map(({ sequence }) => ({ itemSequence: sequence, adjudication: [told] })) }),
  };
}

const SUBMITTED = { system: 'http://terminology.hl7.org/CodeSystem/adjudication', code: 'submitted' };
