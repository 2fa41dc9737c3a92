/**
 * Loads what payments are decided by: how a payment stands, its claims and its notice, each shown by whoever holds it and checked
 * by its hash. Payments that were instructed before payments had states of their own stood with their claim: they are read as if
 * they had.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { paymentRecordSchema } from '../model/claims.ts';
import { lastDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { parseMoney } from '../model/money.ts';
import { type PaymentState, paymentStateSchema, paymentValueSchema } from '../model/payments.ts';
import { type ClaimState, claimStateSchema } from '../model/values.ts';

export interface ShownPayment {
  order: string;
  reconciliation: string;
}

export interface Payment {
  state: PaymentState;
  /** The PaymentReconciliation as it stands. */
  resource: Resource;
  /** Where its notice lies, once there is one. */
  noticeKey: string;
}

interface Asked {
  id: string;
  payer: string;
}

/**
 * A payment as it was shown. That nothing came after is not checked: whoever takes a step from here writes the next key.
 * @throws LedgerError NOT_FOUND, INVALID
 */
export async function loadPayment(store: Store, asked: Asked, shown: ShownPayment): Promise<Payment> {
  const stated = parseText(z.union([paymentStateSchema, claimStateSchema]), shown.order, 'order');
  return 'instructedAt' in stated
    ? loadStanding(store, asked, stated.step, shown)
    : loadEarlier(store, asked, stated, shown);
}

async function loadStanding(store: Store, { id, payer }: Asked, step: number, shown: ShownPayment): Promise<Payment> {
  const collection = collections.billing(payer);
  const key = privateKeys.order(id, step);
  const state = await checkPresented(store, collection, key, shown.order, paymentStateSchema, 'order');
  if (state.payer !== payer) throw new LedgerError('INVALID', "another payer's payment", 'payer');
  const { resource } = await checkPresented(
    ...([store, collection, privateKeys.reconciliation(id, step), shown.reconciliation] as const),
    ...([paymentValueSchema, 'reconciliation'] as const),
  );
  return { state, resource, noticeKey: privateKeys.notice(id) };
}

const EARLIER = { instructed: 'instructed', settled: 'settled', remitted: 'settled' } as const;
const isEarlier = (status: string): status is keyof typeof EARLIER => status in EARLIER;

/** One that stood with its claim, by the claim's state. @throws LedgerError CONFLICT where that is of another payment, or over */
async function loadEarlier(
  store: Store,
  { id, payer }: Asked,
  { id: claimId, step }: ClaimState,
  shown: ShownPayment,
): Promise<Payment> {
  const collection = collections.billing(payer);
  const at = privateKeys.claimState(claimId, step);
  const claim = await checkPresented(store, collection, at, shown.order, claimStateSchema, 'order');
  // What came after a settlement lies under the payment's own keys, which are written once.
  const isPassed = (await store.anchor(collection, privateKeys.claimState(claimId, step + 1))) !== undefined;
  if (isPassed && claim.status === 'instructed')
    throw new LedgerError('CONFLICT', 'the claim is instructed no more', 'id');
  if (claim.payment !== undefined || claim.bank === undefined || !isEarlier(claim.status))
    throw new LedgerError('CONFLICT', `the claim is ${claim.status}`, 'id');
  const status = EARLIER[claim.status];
  const keys = keysOfClaim(claim);
  const text = shown.reconciliation;
  const { resource } = await checkPresented(
    store,
    collection,
    keys[status],
    text,
    paymentRecordSchema,
    'reconciliation',
  );
  if (resource.id !== id) throw new LedgerError('INVALID', 'is of another payment', 'reconciliation');
  return { state: earlierState(claim, status, resource), resource, noticeKey: keys.settlement };
}

function earlierState(claim: ClaimState, status: 'instructed' | 'settled', resource: Resource): PaymentState {
  const { payer, bank, provider, updatedAt, salt } = claim;
  const { value } = (resource['paymentIdentifier'] ?? {}) as { value?: string };
  return {
    ...{
      schema: 1,
      id: resource.id,
      step: status === 'instructed' ? 1 : 2,
      payer,
      bank: bank!,
      payee: provider,
      status,
    },
    ...(value === undefined ? {} : { reference: value }),
    ...parseMoney(resource['paymentAmount'], 'PaymentReconciliation.paymentAmount'),
    ...{ day: lastDay(String(resource['paymentDate'])), claims: 1, providers: [provider] },
    instructedAt: String(resource['created']),
    ...{ updatedAt, salt },
  };
}

/** That nothing has been reported of a payment since. @throws LedgerError CONFLICT */
export async function checkStanding(store: Store, { state: { id, payer, step } }: Payment): Promise<void> {
  if ((await store.anchor(collections.billing(payer), privateKeys.order(id, step + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the bank has reported something else since', 'order');
}

/** The bank's notice of a transfer. @throws LedgerError NOT_FOUND, INVALID at `notice` */
export async function loadNotice(store: Store, { state, noticeKey }: Payment, text: string): Promise<Resource> {
  const schema = z.union([paymentValueSchema, paymentRecordSchema]);
  return (await checkPresented(store, collections.billing(state.payer), noticeKey, text, schema, 'notice')).resource;
}

/**
 * The newest states of claims, as they were shown.
 * @throws LedgerError NOT_FOUND, INVALID at `states[i]`, CONFLICT where a claim has taken another step since
 */
export function loadStates(store: Store, payer: string, texts: readonly string[]): Promise<ClaimState[]> {
  const collection = collections.billing(payer);
  return Promise.all(
    texts.map(async (text, index) => {
      const expression = `states[${index}]`;
      const { id, step } = parseText(claimStateSchema, text, expression);
      const key = privateKeys.claimState(id, step);
      const state = await checkPresented(store, collection, key, text, claimStateSchema, expression);
      if ((await store.anchor(collection, privateKeys.claimState(id, step + 1))) === undefined) return state;
      throw new LedgerError('CONFLICT', 'the claim has taken another step since', expression);
    }),
  );
}
