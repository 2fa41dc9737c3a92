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
import type { Caller } from '../ledger/caller.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { type ClaimPlaces, placesOf } from '../model/claim-places.ts';
import { CLAIM_STEPS, type ClaimStep, type ClaimStepName, leadsTo, MAX_CLAIM_STEPS } from '../model/claim-steps.ts';
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
 * The state that a claim stands at, as it was shown, from which a step may be taken. Works on every peer.
 * @param at where in the input the claim stands, of a transaction of several
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT where no such step leads from its status, FORBIDDEN where it is another's
 */
export async function checkState(
  store: Store,
  { id, payer, text, step, caller }: { id: string; payer: string; text: string; step: ClaimStepName; caller: Caller },
  at?: string,
): Promise<ClaimState> {
  const state = await checkNewest(store, { id, payer, text }, at);
  const { from, by }: ClaimStep = CLAIM_STEPS[step];
  if (!from.includes(state.status)) throw new LedgerError('CONFLICT', `the claim is ${state.status}`, at ?? 'id');
  if (!isTheirs(state, by, caller)) throw new LedgerError('FORBIDDEN', `another ${by}'s claim`, 'id');
  if (state.step === MAX_CLAIM_STEPS) throw new LedgerError('CONFLICT', 'the claim has taken all its steps', 'id');
  return state;
}

/** Whether a step that is this party's is the caller's to take; a patient's are her custodian's. */
export const isTheirs = (
  state: ClaimState,
  by: ClaimStep['by'],
  { organisation }: Pick<Caller, 'organisation'>,
): boolean => (by === 'patient' ? organisation.kind === 'custodian' : state[by] === organisation.name);

/** The state that a claim stands at, as it was shown. @throws LedgerError NOT_FOUND, INVALID, CONFLICT where there is a newer one */
export async function checkNewest(
  store: Store,
  { id, payer, text }: { id: string; payer: string; text: string },
  at?: string,
): Promise<ClaimState> {
  const expression = at === undefined ? 'state' : `${at}.state`;
  const shown = parseText(claimStateSchema, text, expression);
  if (shown.id !== id) throw new LedgerError('INVALID', "another claim's", expression);
  const key = privateKeys.claimState(id, shown.step);
  const state = await checkPresented(store, collections.billing(payer), key, text, claimStateSchema, expression);
  if (state.payer !== payer) throw new LedgerError('INVALID', "another payer's claim", 'payer');
  if ((await store.anchor(collections.billing(payer), privateKeys.claimState(id, shown.step + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the claim has taken another step', 'id');
  return state;
}

/** What a claim is from its first step on. */
type Begun = Pick<ClaimState, 'id' | 'provider' | 'payer' | 'submittedAt'>;

/** What of a state the next one goes on with, where the step does not say otherwise. */
const CARRIED = [
  'bank',
  'owed',
  'payment',
  'paid',
  'replaces',
  'deciders',
  'taken',
  'claim',
  'response',
  'instruction',
  'settlement',
] as const;
const PLACES = ['claim', 'response', 'instruction', 'settlement'] as const;

interface Change
  extends Pick<
    ClaimState,
    | 'status'
    | 'reason'
    | 'bank'
    | 'owed'
    | 'payment'
    | 'paid'
    | 'replaces'
    | 'replacedBy'
    | 'signers'
    | 'deciders'
    | 'taken'
    | 'appealOf'
  > {
  /** What of that which the claim rests on this step writes. */
  writes?: readonly (keyof ClaimPlaces)[];
}

const given = (of: object): object => Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));

/**
 * The state after a step, one after the one that it is taken from; its salt follows from the transaction's.
 * @throws Error where the table has no such step: a bug
 */
export function nextState(
  { store, private: { salt } }: { store: Store; private: { salt: string } },
  name: ClaimStepName,
  before: ClaimState | Begun,
  { writes = [], ...change }: Change,
): ClaimState {
  const { id, provider, payer, submittedAt, ...rest } = before as Begun & Partial<ClaimState>;
  if (!leadsTo(name, rest.status, change.status))
    throw new Error(`no ${name} leads from ${rest.status} to ${change.status}`);
  const step = (rest.step ?? 0) + 1;
  const carried = Object.fromEntries(CARRIED.map((member) => [member, rest[member]]));
  const written = Object.fromEntries(writes.map((one) => [one, step]));
  const places = Object.fromEntries(PLACES.map((one) => [one, undefined]));
  return given({
    ...{ schema: 1, id, provider, payer, submittedAt, step, ...carried, ...places },
    ...placesOf(Object.fromEntries(PLACES.map((one) => [one, written[one] ?? rest[one]]))),
    ...change,
    ...{ updatedAt: store.time, salt: stateSalt(salt) },
  }) as ClaimState;
}

/** The salt of a state, from that of its transaction. */
export const stateSalt = (salt: string): string => sha256Hex(`claim-state/${salt}`);

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
  const { id, payer } = state;
  await putState(store, state, concerned);
  for (const { key, value, copies } of values) await putWithCopies(store, payer, { key, value, copies });
  store.emit(event, { id });
}

/** The state of a step alone, of a transaction that takes a step of several claims. @throws LedgerError CONFLICT */
export const putState = (store: Store, state: ClaimState, copies: readonly string[]): Promise<void> =>
  putWithCopies(store, state.payer, { key: privateKeys.claimState(state.id, state.step), value: state, copies });

/** A value in the payer's collection, once, and copies of it. @throws LedgerError CONFLICT at `id` where it is there already */
export async function putWithCopies(
  store: Store,
  payer: string,
  { key, value, copies }: { key: string; value: unknown; copies: readonly string[] },
): Promise<void> {
  await store.putOnce(collections.billing(payer), key, value, { expression: 'id' });
  await putCopies(store, copies, key, value);
}
