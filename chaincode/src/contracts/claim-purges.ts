/**
 * The end of a claim's evidence: once it is final and may be appealed no more, what it keeps of the records that it rests on is purged
 * at every member. The claim as it was billed stays, with what the edits said and the services that it holds.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { evidenceEnds } from '../model/claim-ends.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { termsOn } from '../model/claim-rules.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { ClaimState } from '../model/values.ts';
import { checkClaim } from './claim-corrections.ts';
import { checkResponse } from './claim-humans.ts';
import { checkClaimRules } from './claim-rules.ts';
import { servicesOf } from './claim-services.ts';
import { checkNewest, memberOfKind, putWithCopies } from './claim-states.ts';

export class ClaimPurges extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claim-purges');
    this.#consortium = consortium;
  }

  PurgeEvidence(ctx: Context, argument: string): Promise<string> {
    return run('PurgeEvidence', this.#consortium, ctx, argument, purgeEvidence);
  }
}

async function purgeEvidence(call: Call<'PurgeEvidence'>): Promise<OutputOf<'PurgeEvidence'>> {
  const { input, caller, consortium, store } = call;
  const { claim, state: text, coverage, fingerprintKey } = call.private;
  const payer = caller.organisation.name;
  const state = await checkNewest(store, { id: input.id, payer, text });
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  await checkOver(call, state);
  const record = await checkClaim(store, state, claim);
  if (record.purged !== undefined) throw new LedgerError('CONFLICT', 'its evidence is purged', 'id');
  const provider = memberOfKind(consortium, state.provider, 'provider', 'provider');
  const { all } = await servicesOf(store, record, provider, { coverage, fingerprintKey });
  const held = all.filter(({ own }) => own !== undefined).map(({ hash, items, use }) => ({ hash, items, use }));
  // By its salt it is told which services it holds.
  const { identities: _, likenesses: _alike, ...kept } = record;
  const remains: ClaimRecord = { ...kept, evidence: [], purged: { at: store.time, held } };
  for (const owner of [payer, state.provider]) await purgeTexts(store, collections.billing(owner), state);
  await putWithCopies(store, payer, { key: keysOfClaim(state).remains, value: remains, copies: [state.provider] });
  return { time: store.time };
}

/** @throws LedgerError CONFLICT where the claim goes on, may be appealed, or its evidence is kept for longer */
async function checkOver({ store, private: shown, caller }: Call<'PurgeEvidence'>, state: ClaimState): Promise<void> {
  const today = firstDay(store.time);
  const terms = termsOn(await checkClaimRules(store, caller.organisation.name, shown.rules), today);
  const ends = evidenceEnds(state, await decisionOf(store, state, shown.response), terms);
  if (ends === undefined) throw new LedgerError('CONFLICT', `the claim is ${state.status}`, 'id');
  if (today < ends) throw new LedgerError('CONFLICT', `its evidence is kept until ${ends}`, 'id');
}

/** The newest decision, as it was shown; that there is one cannot be hidden. @throws LedgerError INVALID */
async function decisionOf(store: Store, state: ClaimState, text: string | undefined) {
  const at = keysOfClaim(state).response;
  if (text === undefined && (await store.anchor(collections.billing(state.payer), at)) === undefined) return undefined;
  return checkResponse(store, state, state.response, text ?? '');
}

/** The claim as each of its steps left it. */
async function purgeTexts(store: Store, collection: string, { id, step: last }: ClaimState): Promise<void> {
  for (let step = 1; step <= last; step += 1) {
    const key = privateKeys.claim(id, step);
    if ((await store.anchor(collection, key)) !== undefined) store.purge(collection, key);
  }
}
