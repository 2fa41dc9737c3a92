/** What a payer has settled about deciding claims: set by it, and loaded with each adjudication. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { type ClaimRules, claimRulesSchema } from '../model/claim-rules.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { exponentOf } from '../model/money.ts';
import type { OutputOf } from '../model/transactions.ts';

export async function setClaimRules(call: Call<'SetClaimRules'>): Promise<OutputOf<'SetClaimRules'>> {
  const { caller, store } = call;
  const { known, salt, terms } = call.private;
  const payer = caller.organisation.name;
  const own = collections.billing(payer);
  for (const [index, { from, currency }] of terms.entries()) {
    if (exponentOf(currency) === undefined)
      throw new LedgerError('INVALID', 'not an ISO 4217 currency', `terms[${index}].currency`);
    if (terms.findIndex((one) => one.from === from) < index)
      throw new LedgerError('INVALID', 'begins with another', `terms[${index}].from`);
  }
  let generation = known + 1;
  while ((await store.anchor(own, privateKeys.claimRules(payer, generation))) !== undefined) generation += 1;
  if (known > 0 && (await store.anchor(own, privateKeys.claimRules(payer, known))) === undefined)
    throw new LedgerError('INVALID', 'there is no such generation', 'known');
  const value: ClaimRules = { schema: 1, salt, terms, loadedAt: store.time };
  store.putPrivate(own, privateKeys.claimRules(payer, generation), value);
  return { time: store.time };
}

/** The rules as they were shown; that there are none, or newer ones, cannot be hidden. @throws LedgerError CONFLICT, INVALID */
export async function checkClaimRules(
  store: Store,
  payer: string,
  shown: { generation: number; text: string } | undefined,
): Promise<ClaimRules | undefined> {
  const collection = collections.billing(payer);
  const generation = shown?.generation ?? 0;
  if ((await store.anchor(collection, privateKeys.claimRules(payer, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the payer has set other rules', 'rules');
  if (shown === undefined) return undefined;
  const key = privateKeys.claimRules(payer, generation);
  return checkPresented(store, collection, key, shown.text, claimRulesSchema, 'rules');
}
