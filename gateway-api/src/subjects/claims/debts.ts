/** What providers owe back to payers: the newest of each debt, and what is taken of them before a claim is paid. */
import { randomUUID } from 'node:crypto';
import { type Debt, debtSchema } from '@telemed-ledger/chaincode/model/claims.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { claimState, textOf } from './claims.ts';

export interface Standing {
  debt: Debt;
  /** As it is anchored. */
  text: string;
}

/** The debts of which something is left, or all, oldest first. */
export async function debtsIn(index: ReadModel, own: string, isSpentToo = false): Promise<Standing[]> {
  const newest = new Map<string, Standing>();
  for (const { value } of await index.evidence.values(own, 'debt')) {
    const debt = debtSchema.parse(JSON.parse(value));
    const name = `${debt.payer}/${debt.claimId}/${debt.step}`;
    if ((newest.get(name)?.debt.number ?? 0) < debt.number) newest.set(name, { debt, text: value });
  }
  return [...newest.values()].filter(({ debt }) => isSpentToo || debt.left.units > 0);
}

/** The contract takes no more at once. */
const MAX_DEBTS = 20;

/**
 * Takes from what a claim is owed what its provider owes back. Whether it did: then the claim stands elsewhere.
 * @throws {LedgerError}
 */
export const recoup = (services: Services, { id }: Pick<ClaimState, 'id'>, sending: Sending): Promise<boolean> =>
  upToDate(() => recoupOnce(services, id, sending));

async function recoupOnce({ index, ledger, organisation }: Services, id: string, sending: Sending): Promise<boolean> {
  const own = collections.billing(organisation.name);
  const { provider, owed, step, status } = await claimState(index, id);
  if (owed === undefined || !['approved', 'partial'].includes(status)) return false;
  const all = await debtsIn(index, own);
  const takeable = all.filter(({ debt }) => debt.provider === provider && debt.left.currency === owed.currency);
  const debts: string[] = [];
  let left = owed.units;
  for (const { debt, text } of takeable.slice(0, MAX_DEBTS)) {
    if (left <= 0) break;
    debts.push(text);
    left -= debt.left.units;
  }
  if (debts.length === 0) return false;
  const state = await textOf(index, own, privateKeys.claimState(id, step));
  const shown = { reconciliationId: randomUUID(), salt: newSalt(), state, debts };
  await ledger.submit('OffsetClaim', { id, provider }, shown, sending);
  return true;
}

const shownSchema = debtSchema.omit({ schema: true, salt: true }).meta({ id: 'Debt' });

export const debts = route({
  method: 'get',
  path: '/debts',
  summary: 'What providers owe back to payers, and what is left of it: at a payer and at a provider, its own.',
  roles: ['system', 'adjudicator'],
  query: z.strictObject({
    all: z.enum(['true', 'false']).optional().meta({ description: 'Also those of which nothing is left.' }),
  }),
  answers: { 200: { description: 'Amounts in minor units.', schema: z.object({ debts: z.array(shownSchema) }) } },
  async handle({ query: { all } }, { index, organisation }) {
    const found = await debtsIn(index, collections.billing(organisation.name), all === 'true');
    return { body: { debts: found.map(({ debt: { schema: _, salt: __, ...shown } }) => shown) } };
  },
});
