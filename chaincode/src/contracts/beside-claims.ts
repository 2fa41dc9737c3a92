/**
 * Other claims of the provider's for the patient of one that is decided, as the payer shows them: they are counted together. One that the
 * payer leaves out is its own loss. Each is shown as it stands, so one that was voided or denied since counts no more.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { countsBeside, isOpen, isSameBiller, isSamePerson } from '../model/beside-claims.ts';
import { readBill } from '../model/bill.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { type ClaimRecord, claimRecordSchema, claimResponseRecordSchema } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { type ClaimState, claimStateSchema } from '../model/values.ts';
import { billedLeaves, type Leaf } from '../rules/claim-edits/leaves.ts';
import { onDaysOfRecords } from '../rules/claim-edits/when.ts';
import type { Beside } from '../rules/claim-facts.ts';
import { isAllowed } from '../rules/claim-response.ts';
import { standingParts, verdictOf } from '../rules/claims.ts';
import { storedEvidence } from './claim-loading.ts';

type Shown = NonNullable<Call<'AdjudicateClaim'>['private']['beside']>[number];

/** The claim that is decided. */
interface Own {
  state: ClaimState;
  record: ClaimRecord;
}

/**
 * What of other claims is counted together with one.
 * @throws LedgerError INVALID, NOT_FOUND at `beside[i]`, CONFLICT where one has taken another step
 */
export async function checkBeside(store: Store, own: Own, shown: readonly Shown[] = []): Promise<Beside[]> {
  const found = await Promise.all(shown.map((one, index) => checkOne(store, own, one, `beside[${index}]`)));
  if (new Set(found.map(({ claimId }) => claimId)).size < found.length)
    throw new LedgerError('INVALID', 'a claim is shown twice', 'beside');
  return found;
}

async function checkOne(store: Store, own: Own, shown: Shown, at: string): Promise<Beside> {
  const { payer, provider } = own.state;
  const { id, step } = parseText(claimStateSchema, shown.state, at);
  const collection = collections.billing(payer);
  const key = privateKeys.claimState(id, step);
  const state = await checkPresented(store, collection, key, shown.state, claimStateSchema, at);
  if ((await store.anchor(collection, privateKeys.claimState(id, step + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'that claim has taken another step', at);
  const keys = keysOfClaim(state);
  const record = await checkPresented(store, collection, keys.claim, shown.claim, claimRecordSchema, at);
  const bill = readBill(record.resource);
  const isOne = state.provider === provider && isSamePerson(own.record, record) && countsBeside(own.state, state);
  if (!isOne || !isSameBiller(readBill(own.record.resource), bill))
    throw new LedgerError('INVALID', 'is not counted together with the claim', at);
  const leaves = billedLeaves(onDaysOfRecords(bill, storedEvidence(record)));
  if (isOpen(state)) {
    const stands = standingParts(verdictOf(record.edits, bill));
    return { claimId: id, leaves: leaves.filter(({ place }) => stands(place)) };
  }
  const response = shown.response ?? '';
  const { resource } = await checkPresented(
    ...([store, collection, keys.response, response, claimResponseRecordSchema, at] as const),
  );
  return { claimId: id, leaves: leaves.filter(({ place }: Leaf) => isAllowed(resource, place)) };
}
