/**
 * The payer's duty of purging what its claims keep of people's records, once a claim is final and may be appealed no more. The chaincode
 * holds it to the day; here it is found which claims are due.
 */
import { evidenceEnds, isFinal } from '@telemed-ledger/chaincode/model/claim-ends.ts';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { ClaimTerms } from '@telemed-ledger/chaincode/model/claim-rules.ts';
import { CLAIM_STATUSES } from '@telemed-ledger/chaincode/model/claim-steps.ts';
import type { ClaimRecord, ClaimResponseRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { claimState, rulesShown, standingOf, textOf } from './claims.ts';
import { whatEnds } from './ending.ts';

/** Whether a claim's evidence is there and its time over. */
async function isDue(
  { index, organisation: { name } }: Services,
  state: ClaimState,
  { today, terms }: { today: string; terms: ClaimTerms },
): Promise<boolean> {
  if (state.payer !== name || !isFinal(state.status)) return false;
  const own = collections.billing(name);
  const { remains, response } = keysOfClaim(state);
  if (await index.evidence.isWritten(own, remains)) return false;
  const decision = await index.evidence.text(own, response);
  const ends = evidenceEnds(
    state,
    decision === undefined ? undefined : (JSON.parse(decision) as ClaimResponseRecord),
    terms,
  );
  return ends !== undefined && ends <= today;
}

const due = whatEnds({
  ...{ kind: 'claim', schema: claimStateSchema, statuses: CLAIM_STATUSES.filter(isFinal) },
  isDue,
});

const purge = ({ index, ledger, organisation: { name } }: Services, id: string): Promise<void> =>
  upToDate(async () => {
    const state = await claimState(index, id);
    const { provider } = state;
    const own = collections.billing(name);
    const standing = await standingOf(index, own, state);
    const { coverage } = JSON.parse(standing.claim) as ClaimRecord;
    const fingerprintKey = await index.evidence.text(own, privateKeys.fingerprintKey({ payer: name, provider }));
    const shown = {
      ...standing,
      ...(await rulesShown(index, own, name)),
      coverage: await textOf(index, own, privateKeys.coverage(coverage.id, coverage.version)),
      ...(fingerprintKey === undefined ? {} : { fingerprintKey }),
    };
    await ledger.submit('PurgeEvidence', { id, provider }, shown, AS_SYSTEM);
  });

export const purgeEvidence: Duty<ClaimState> = {
  name: 'purge evidence',
  kind: 'payer',
  on: [events.ClaimWithdrawn],
  idOf: ({ id }) => id,
  find: due,
  perform: ({ id }, services) => purge(services, id),
};
