/**
 * The payer's duty of purging what its claims keep of people's records, once a claim is final and may be appealed no more. The chaincode
 * holds it to the day; here it is found which claims are due.
 */
import { evidenceEnds, isFinal } from '@telemed-ledger/chaincode/model/claim-ends.ts';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { type ClaimTerms, claimRulesSchema, termsOn } from '@telemed-ledger/chaincode/model/claim-rules.ts';
import { CLAIM_STATUSES } from '@telemed-ledger/chaincode/model/claim-steps.ts';
import type { ClaimRecord, ClaimResponseRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { firstDay } from '@telemed-ledger/chaincode/model/days.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownState } from '../../duties/found.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { claimState, rulesShown, standingOf, textOf } from './claims.ts';

const FINAL = CLAIM_STATUSES.filter(isFinal);
/** All are looked at so often, as time alone makes them due; sooner where something was found. In between those that changed are. */
const ALL_EVERY_MS = 3_600_000;
const MORE_AFTER_MS = 60_000;

/** Up to which block a gateway of this process has looked, and when it looks at all again. */
interface Looked {
  block: number;
  allAt: number;
}
const lookedAt = new WeakMap<ReadModel, Looked>();

type Asked = Pick<Services, 'index' | 'organisation'>;

async function termsOf({ index, organisation: { name } }: Asked, today: string): Promise<ClaimTerms> {
  const { rules } = await rulesShown(index, collections.billing(name), name);
  return termsOn(rules && claimRulesSchema.parse(JSON.parse(rules.text)), today);
}

/** Whether a claim's evidence is there and its time over. */
async function isDue({ index, organisation: { name } }: Asked, state: ClaimState, today: string, terms: ClaimTerms) {
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

async function* due(services: Services): AsyncGenerator<ClaimState> {
  const { index } = services;
  const now = Date.now();
  const today = firstDay(new Date(now).toISOString());
  const before = lookedAt.get(index);
  const looked = before === undefined || before.allAt <= now ? { block: -1, allAt: now + ALL_EVERY_MS } : before;
  const terms = await termsOf(services, today);
  for (const { id, block } of await index.own.changedSince('claim', FINAL, looked.block)) {
    const state = await ownState(services, 'claim', claimStateSchema, id);
    looked.block = block;
    if (state === undefined || !(await isDue(services, state, today, terms))) continue;
    looked.allAt = Math.min(looked.allAt, now + MORE_AFTER_MS);
    yield state;
  }
  lookedAt.set(index, looked);
}

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
