/** How a claim stands, as a ClaimResponse (hl7.org/fhir/R4/claimresponse.html): the payer's where there is one, and else what is known. */

import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { memberReference } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Services } from '../services.ts';
import { billedOf, resourceAt } from './claims.ts';

/** The statuses that a payer's own ClaimResponse says, when it was written by that step. */
const isAnswered = ({ status, step, response }: ClaimState): boolean =>
  response === undefined ? step === 2 && !['cancelled', 'replaced'].includes(status) : response === step;

export async function responseOf(
  { index, organisation: { name } }: Pick<Services, 'index' | 'organisation'>,
  state: ClaimState,
): Promise<object | undefined> {
  const own = collections.billing(name);
  const told = isAnswered(state)
    ? await resourceAt(index, 'ClaimResponse', own, keysOfClaim(state).response)
    : undefined;
  if (told !== undefined) return told;
  const { resource } = parseExact(await billedOf(index, own, state)) as ClaimRecord;
  return standing(resource, state);
}

/** What is known without an answer of the payer's. */
export function standing(claim: Resource, { id, status, payer, provider, updatedAt }: ClaimState): object {
  const isOpen = ['submitted', 'appealed'].includes(status);
  return {
    resourceType: 'ClaimResponse',
    status: ['cancelled', 'voided', 'replaced'].includes(status) ? 'cancelled' : 'active',
    type: claim['type'],
    use: claim['use'],
    patient: claim['patient'],
    created: updatedAt,
    insurer: memberReference(payer),
    requestor: memberReference(provider),
    request: { reference: `Claim/${id}` },
    outcome: isOpen ? 'queued' : 'complete',
    disposition: status,
  };
}
