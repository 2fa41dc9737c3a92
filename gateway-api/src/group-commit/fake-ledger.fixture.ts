/**
 * A ledger that group commit can be tried on: it holds versions of records, refuses, conflicts, lags and loses answers
 * as it is told to by the items themselves, and notes each transaction that it took.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { outcomeUnknown, unavailable } from '../http/failures.ts';
import type { Sender } from '../ledger/client.ts';
import { NotTogether } from '../ledger/not-together.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import type { Sending } from './group-commit.ts';

/** What happens to a transaction because this item is in it. */
export type Fate =
  /** Nothing. */
  | 'sound'
  /** The chaincode refuses it, always. */
  | 'refused'
  /** One peer lags on it: alone it passes, together it fails and nobody says for which item. */
  | 'lags'
  /** One peer has not seen the version before it and refuses it by name: alone it passes, after a while. */
  | 'refused-by-one'
  /** Another writer takes its version between endorsement and commit, once. */
  | 'overtaken'
  /** The answer of the transaction is lost; it was committed, or wasn't. */
  | 'lost-committed'
  | 'lost'
  /** The peers are away when it is sent. */
  | 'away';

export interface Item {
  id: string;
  version: number;
  fate: Fate;
}

export interface Taken {
  transactionId: string;
  as: Sender;
  items: Item[];
}

export interface FakeLedgerOptions {
  /** Awaited between the steps of a transaction, so that a test chooses how they interleave. */
  step: (what: string) => Promise<void>;
}

export class FakeLedger {
  readonly versions = new Map<string, number>();
  readonly committed: Taken[] = [];
  /** Each call of `send` with the number of its items. */
  readonly sent: { as: Sender; items: Item[]; isShared: boolean }[] = [];
  readonly #overtaken = new Set<string>();
  readonly #step: FakeLedgerOptions['step'];
  #number = 0;

  constructor({ step }: FakeLedgerOptions) {
    this.#step = step;
  }

  send = async (as: Sender, items: Item[], { beforeSubmit, isShared }: Sending): Promise<Outcome> => {
    this.sent.push({ as, items, isShared });
    for (;;) {
      await this.#step('endorse');
      this.#endorse(items, isShared);
      this.#number += 1;
      const transactionId = `t${this.#number}`;
      await beforeSubmit?.(transactionId, Buffer.from(transactionId));
      await this.#step('order');
      const outcome = this.#commit({ transactionId, as, items });
      await this.#step('answer');
      if (outcome !== undefined) return outcome;
      if (isShared) throw new NotTogether();
    }
  };

  #endorse(items: readonly Item[], isShared: boolean): void {
    if (items.some(({ fate }) => fate === 'away')) throw unavailable('A peer is away; nothing was written.');
    const refusal = this.#refusalOf(items);
    if (refusal !== undefined) throw isShared ? new NotTogether(refusal, true) : refusal;
    if (!isShared) return;
    const lagging = items.findIndex(({ fate }) => fate === 'refused-by-one');
    if (lagging >= 0) throw new NotTogether(new LedgerError('CONFLICT', 'not yet here', `items[${lagging}]`), false);
    if (items.some(({ fate }) => fate === 'lags')) throw new NotTogether();
  }

  #refusalOf(items: readonly Item[]): LedgerError | undefined {
    const seen = new Set<string>();
    for (const [index, { id, version, fate }] of items.entries()) {
      const at = `items[${index}]`;
      if (seen.has(id)) return new LedgerError('INVALID', 'the same id twice', at);
      seen.add(id);
      if (fate === 'refused') return new LedgerError('INVALID', 'never', at);
      if (version !== (this.versions.get(id) ?? 0) + 1) return new LedgerError('CONFLICT', 'not the next version', at);
    }
    return undefined;
  }

  /** undefined: invalidated by a conflict. @throws the failure of an answer that is lost */
  #commit(transaction: Taken): Outcome | undefined {
    const { items, transactionId } = transaction;
    for (const { id, version, fate } of items) {
      if (fate !== 'overtaken' || this.#overtaken.has(id)) continue;
      this.#overtaken.add(id);
      this.versions.set(id, Math.max(version, this.versions.get(id) ?? 0));
    }
    if (items.some(({ id, version }) => version !== (this.versions.get(id) ?? 0) + 1)) return undefined;
    if (items.some(({ fate }) => fate === 'lost')) throw outcomeUnknown(transactionId);
    for (const { id, version } of items) this.versions.set(id, version);
    this.committed.push(transaction);
    if (items.some(({ fate }) => fate === 'lost-committed')) throw outcomeUnknown(transactionId);
    return { transactionId, code: 0, block: this.committed.length, endorsers: [], time: 'now' };
  }
}

export const itemAtFault = ({ expression }: LedgerError): number | undefined => {
  const found = /^items\[(\d+)\]/.exec(expression ?? '');
  return found === null ? undefined : Number(found[1]);
};
