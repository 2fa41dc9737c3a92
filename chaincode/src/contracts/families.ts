/** The family that a claim's member is of, in a plan that has terms of families. Only payer and custodian are shown what it uses. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Cover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { type FamilyKey, familyKeySchema, familyOf } from '../model/families.ts';
import { privateKeys } from '../model/keys.ts';
import type { LoadedPlan } from './plans.ts';

/** The payer's secret as it is anchored, or the one that is to be it from now on. */
export interface ShownFamily {
  text?: string | undefined;
  secret?: string | undefined;
}

interface Insured {
  payer: string;
  /** The custodian endorses and not the provider, who is not to see what others used. */
  beyond: boolean;
  plan: LoadedPlan;
  cover: Cover;
}

/**
 * Id of the family, of which the terms of the plan count; undefined where it has none. The first of a payer's writes the secret.
 * @throws LedgerError FORBIDDEN where the provider would be shown, CONFLICT or INVALID where the secret is not the payer's
 */
export async function loadFamily(
  store: Store,
  { payer, beyond, plan, cover }: Insured,
  shown: ShownFamily = {},
): Promise<string | undefined> {
  if (plan.all.every(({ family }) => family === undefined)) return undefined;
  if (!beyond) throw new LedgerError('FORBIDDEN', 'only the custodian is shown what a family has used', 'beyond');
  return familyOf(await loadSecret(store, payer, shown), plan.id, cover);
}

async function loadSecret(store: Store, payer: string, { text, secret }: ShownFamily): Promise<string> {
  const [own, key] = [collections.billing(payer), privateKeys.familyKey(payer)];
  if (text !== undefined) return (await checkPresented(store, own, key, text, familyKeySchema, 'family.text')).secret;
  if ((await store.anchor(own, key)) !== undefined)
    throw new LedgerError('CONFLICT', 'there is a secret that was not shown', 'usage');
  if (secret === undefined) throw new LedgerError('INVALID', 'is needed', 'family.secret');
  store.putPrivate(own, key, { schema: 1, secret } satisfies FamilyKey);
  return secret;
}
