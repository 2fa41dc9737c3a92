/**
 * The steps of a claim: each a value of its own in the payer's collection, written once, with a copy for each other
 * organisation that the step concerns. A step is taken on the one before, which is shown and checked by its hash.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import {
  type Consortium,
  type Kind,
  type Organisation,
  organisationByName,
} from '@telemed-ledger/consortium/members.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import type { EventName } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { type ClaimState, claimStateSchema } from '../model/values.ts';

/** An organisation of a kind, by name. @throws LedgerError NOT_FOUND at `expression` */
export function memberOfKind(consortium: Consortium, name: string, kind: Kind, expression: string): Organisation {
  const found = organisationByName(consortium, name);
  if (found?.kind !== kind) throw new LedgerError('NOT_FOUND', `no such ${kind}`, expression);
  return found;
}

/** The values of a step by their keys: what the payer's collection holds, and which organisations have a copy of each. */
export interface Step {
  state: ClaimState;
  event: EventName;
  values: { key: string; value: unknown; copies: readonly string[] }[];
  /** Who has a copy of the state. */
  concerned: readonly string[];
}

/**
 * The step that a claim stands at, as it was shown. Works on every peer.
 * @param at the step after which the next may be taken
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT where the claim stands at another status
 */
export async function checkState(
  store: Store,
  {
    id,
    payer,
    text,
    step,
    statuses,
  }: {
    id: string;
    payer: string;
    text: string;
    step: number;
    statuses: readonly ClaimState['status'][];
  },
): Promise<ClaimState> {
  const collection = collections.billing(payer);
  const key = privateKeys.claimState(id, step);
  const state = await checkPresented(store, collection, key, text, claimStateSchema, 'state');
  if (state.payer !== payer) throw new LedgerError('INVALID', "another payer's claim", 'payer');
  if (!statuses.includes(state.status)) throw new LedgerError('CONFLICT', `the claim is ${state.status}`, 'id');
  return state;
}

/** The next state of a claim; its salt follows from the transaction's. */
export const nextState = (
  { store, private: { salt } }: { store: Store; private: { salt: string } },
  state: Omit<ClaimState, 'schema' | 'updatedAt' | 'salt'>,
): ClaimState => ({
  schema: 1,
  ...state,
  updatedAt: store.time,
  salt: sha256Hex(`claim-state/${salt}`),
});

/**
 * Copies of what the payer's collection holds. Where something stands already, put there by whoever may write to that
 * collection, it stays: nobody is to hold up the payer's step by it, and a copy counts only where the payer's is the same.
 */
export async function putCopies(store: Store, owners: readonly string[], key: string, value: unknown): Promise<void> {
  for (const name of owners) {
    const collection = collections.billing(name);
    if ((await store.anchor(collection, key)) === undefined) store.putPrivate(collection, key, value);
  }
}

/** Takes a step: nothing of it may be on the ledger yet. @throws LedgerError CONFLICT where it was taken before */
export async function takeStep(store: Store, { state, event, values, concerned }: Step): Promise<void> {
  const { id, payer, step } = state;
  const own = { key: privateKeys.claimState(id, step), value: state, copies: concerned };
  for (const { key, value, copies } of [own, ...values]) {
    await store.putOnce(collections.billing(payer), key, value, { expression: 'id' });
    await putCopies(store, copies, key, value);
  }
  store.emit(event, { id });
}
