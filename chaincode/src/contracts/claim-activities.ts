/** What was done for claims, kept with the payer: written with each claim, shown where what many claims say is judged. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { type Activity, activitySchema, entriesOfBill } from '../model/activities.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { ClaimFacts } from '../rules/claim-facts.ts';
import type { StepValue } from './claim-balance.ts';

/** What a claim that stands leaves of who did what; nothing where no record says who. */
export function activityOf({ id, salt }: ClaimRecord, facts: ClaimFacts): StepValue[] {
  const entries = entriesOfBill(facts);
  if (entries.length === 0) return [];
  const value: Activity = {
    ...{ schema: 1, claimId: id, provider: facts.provider.name, entries },
    salt: sha256Hex(`activity/${salt}`),
  };
  return [{ key: privateKeys.activity(id), value, copies: [] }];
}

interface Shown {
  payer: string;
  provider: string;
  texts: readonly string[];
  /** Whether other providers' may be among them: then their peers do not see this. */
  beyond: boolean;
}

/** What was done for other claims, as it was shown. @throws LedgerError NOT_FOUND, INVALID */
export async function checkActivities(store: Store, { payer, provider, texts, beyond }: Shown): Promise<Activity[]> {
  const found = await Promise.all(
    texts.map(async (text, index) => {
      const at = `activities[${index}]`;
      const { claimId } = parseText(activitySchema, text, at);
      const key = privateKeys.activity(claimId);
      const activity = await checkPresented(store, collections.billing(payer), key, text, activitySchema, at);
      if (!beyond && activity.provider !== provider)
        throw new LedgerError('INVALID', "is another provider's, so the custodian is to endorse", at);
      return activity;
    }),
  );
  if (new Set(found.map(({ claimId }) => claimId)).size < found.length)
    throw new LedgerError('INVALID', 'a claim is shown twice', 'activities');
  return found;
}
