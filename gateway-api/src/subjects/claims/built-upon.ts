/**
 * Claims on coverages that come after, which build on the decision of a claim that is replaced: they hold the services too, so that the
 * replacement is to say what they decided.
 */
import type { ClaimStatus } from '@telemed-ledger/chaincode/model/claim-steps.ts';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { priorResponsesOf } from '@telemed-ledger/chaincode/model/coordination.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { resourcesOf } from './beside.ts';

/** Statuses in which a claim holds nothing. */
const OVER: readonly ClaimStatus[] = ['denied', 'cancelled', 'voided', 'replaced'];
/** Statuses in which it has decided nothing that could be named. */
const UNDECIDED: readonly ClaimStatus[] = ['submitted', 'pended', 'queued', 'countersign', 'appealed'];

interface Standing {
  claim: string;
  response?: string;
}

/**
 * @param claim the replacement
 * @param replaced id of what it replaces
 * @throws LedgerError INVALID at `Claim.insurance` where a claim that builds on that is not named
 */
export async function demandNamed(
  index: ReadModel,
  { claim, replaced }: { claim: Resource; replaced: string },
  standingOf: (state: ClaimState) => Promise<Standing>,
): Promise<void> {
  const patients = [String((claim['patient'] as { reference?: unknown } | undefined)?.reference).split('/')[1] ?? ''];
  const named = priorResponsesOf(claim);
  for await (const other of resourcesOf(index, { patients })) {
    if (priorResponsesOf(other).length === 0) continue;
    const row = await index.state('claim', other.id);
    const state = row === undefined ? undefined : (JSON.parse(row.value) as ClaimState);
    if (state === undefined || OVER.includes(state.status)) continue;
    const standing = await standingOf(state);
    const { prior = [] } = parseExact(standing.claim) as ClaimRecord;
    if (!prior.some(({ claimId }) => claimId === replaced)) continue;
    const responseId = decisionOf(state, standing);
    if (responseId === undefined || !named.includes(responseId)) throw notNamed(other.id, responseId);
  }
}

function decisionOf({ status }: ClaimState, { response }: Standing): string | undefined {
  if (response === undefined || UNDECIDED.includes(status)) return undefined;
  return (parseExact(response) as { resource: { id: string } }).resource.id;
}

const notNamed = (claimId: string, responseId: string | undefined): LedgerError =>
  new LedgerError(
    'INVALID',
    responseId === undefined
      ? `Claim/${claimId} builds on what this replaces, and is not decided: take it back, or wait for its decision`
      : `Claim/${claimId} builds on what this replaces: name ClaimResponse/${responseId} with its coverage (focal false), or take that claim back first`,
    'Claim.insurance',
  );
