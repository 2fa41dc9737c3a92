/**
 * The frame around every transaction: parse the argument and the private input by the table, hold the caller
 * to the table's kinds and roles, decide, check the reply, and only then write. It answers when no call to the peer is
 * under way any more.
 */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { type Context, Contract } from 'fabric-contract-api';
import { DECOYS_KEY, decoysSchema } from '../model/decoys.ts';
import { LedgerError } from '../model/errors.ts';
import type { Writes } from '../model/transaction.ts';
import {
  type InputOf,
  MAX_PRIVATE_LENGTH,
  type OutputOf,
  type PrivateOf,
  TRANSIENT_KEY,
  type Transaction,
  type TransactionName,
  transactions,
} from '../model/transactions.ts';
import { type Caller, callerOf, checkCaller, type Identity } from './caller.ts';
import { parseText, parseValue } from './parse.ts';
import { PendingCalls } from './pending-calls.ts';
import { type LedgerStub, PeerError, Store } from './store.ts';

/** What a transaction decides with. */
export interface Call<N extends TransactionName> {
  input: InputOf<N>;
  /** The private input, undefined where the table has none. */
  private: PrivateOf<N>;
  caller: Caller;
  consortium: Consortium;
  store: Store;
}

export type Decide<N extends TransactionName> = (call: Call<N>) => Promise<OutputOf<N>> | OutputOf<N>;

/** What the frame needs of a fabric-contract-api Context. */
export interface LedgerContext {
  stub: LedgerStub;
  clientIdentity: Identity;
}

/**
 * Runs one transaction of the table. Its answer, a reply or an error, leaves after the peer has answered every call of it.
 * @param argument the one argument, JSON
 * @returns the reply, JSON
 * @throws LedgerError; anything else is a bug and leaves as a text without internals
 */
export async function run<N extends TransactionName>(
  name: N,
  consortium: Consortium,
  ctx: LedgerContext,
  argument: string,
  decide: Decide<N>,
): Promise<string> {
  const definition: Transaction = transactions[name];
  const calls = new PendingCalls();
  try {
    const store = new Store(calls.track(ctx.stub));
    const caller = callerOf(ctx.clientIdentity, consortium);
    checkCaller(caller, definition.callers, definition.roles);
    const input = parseText(definition.input, argument) as InputOf<N>;
    const hidden = privateInput(definition, store) as PrivateOf<N>;
    if (definition.kind === 'submit') await readDecoys(store);
    const reply = await decide({ input, private: hidden, caller, consortium, store });
    const output = JSON.stringify(checkedOutput(definition, reply));
    await calls.settle();
    if (definition.kind === 'submit') {
      const told = { consortium, caller: caller.organisation.name, input, private: hidden };
      checkWrites(store, definition.writes?.(told));
      await store.flush();
    }
    return output;
  } catch (error) {
    throw outwardError(name, ctx.stub.getTxID(), error);
  } finally {
    await calls.finish();
  }
}

/** The private input travels as transient data, so it is in no block. */
function privateInput(definition: Transaction, store: Store): unknown {
  if (definition.private === undefined) return undefined;
  const text = store.transient(TRANSIENT_KEY);
  if (text === undefined) throw new LedgerError('INVALID', 'the private input is missing', TRANSIENT_KEY);
  if (text.length > MAX_PRIVATE_LENGTH)
    throw new LedgerError('INVALID', 'is too large for one transaction', TRANSIENT_KEY);
  return parseText(definition.private, text, TRANSIENT_KEY);
}

/** Before anything is written: the peer answers from committed state. */
async function readDecoys(store: Store): Promise<void> {
  const text = store.transient(DECOYS_KEY);
  if (text === undefined) return;
  if (text.length > MAX_PRIVATE_LENGTH)
    throw new LedgerError('INVALID', 'is too large for one transaction', DECOYS_KEY);
  const decoys = parseText(decoysSchema, text, DECOYS_KEY);
  await Promise.all(decoys.map(({ collection, key }) => store.anchor(collection, key)));
}

/** A reply that does not fit the table is a bug of ours, not of the input. */
function checkedOutput(definition: Transaction, reply: unknown): unknown {
  try {
    return parseValue(definition.output, reply);
  } catch (error) {
    throw new Error(`the reply does not fit the table: ${(error as Error).message}`);
  }
}

/** Who must endorse follows from where a transaction writes: beyond that, by a bug of ours, it writes nothing. */
function checkWrites(store: Store, { always, copies = [] }: Writes = { always: [] }): void {
  const named = new Set([...always, ...copies]);
  const beyond = [...store.collections].filter((collection) => !named.has(collection));
  if (beyond.length > 0) throw new Error(`it writes into ${beyond.join()}, and the table does not say so`);
}

/** Messages of bugs may quote values, so only their place in the code goes on, to the caller and to the log. */
function outwardError(name: TransactionName, txId: string, error: unknown): Error {
  if (error instanceof LedgerError || error instanceof PeerError) return error;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const site = /\/src\/([\w./-]+\.ts:\d+)/.exec(stack)?.[1] ?? 'an unknown place';
  const message = `${name} failed by a fault of the chaincode at ${site}`;
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'error', message, txId })}\n`);
  return new Error(message);
}

/** A contract of the ledger: its own public methods are its transactions, and nothing else is. */
export class LedgerContract extends Contract {
  /** Refuses what is not in the table; the inherited answer would log the arguments. */
  override async unknownTransaction(_ctx: Context): Promise<void> {
    throw new LedgerError('INVALID', `the contract ${this.getName()} has no such transaction`);
  }
}
