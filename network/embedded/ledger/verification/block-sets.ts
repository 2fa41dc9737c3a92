/** The private sets of one block that is replayed: what was found of each, and for whom. */
import type { CollectionRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { type ParsedTransaction, parseTransaction } from '../blocks/transaction.ts';
import type { SetPlace } from '../private/stored-sets.ts';

/** A collection that a transaction writes to. */
export interface PrivatePart {
  place: SetPlace;
  txId: string;
  hashed: CollectionRwset;
}

export interface FoundSet {
  bytes: Buffer | undefined;
  /** Hashes of keys of which no copy was found. */
  lacking: Buffer[];
  /** The stored set holds something else. */
  isWrong: boolean;
  holders: string[];
}

export class BlockSets {
  readonly #found = new Map<string, FoundSet>();

  put({ tx, namespace, collection }: SetPlace, set: FoundSet): void {
    this.#found.set(idOf(tx, namespace, collection), set);
  }

  get({ tx, namespace, collection }: Omit<SetPlace, 'block'>): FoundSet | undefined {
    return this.#found.get(idOf(tx, namespace, collection));
  }
}

const idOf = (tx: number, namespace: string, collection: string): string => `${tx}\0${namespace}\0${collection}`;

/** Where the transactions of a block write private data, in their order. */
export function privateParts(block: number, envelopes: Buffer[]): PrivatePart[] {
  return envelopes.map(parseTransaction).flatMap((transaction, tx) => partsOf(block, tx, transaction));
}

function partsOf(block: number, tx: number, { txId, rwset }: ParsedTransaction): PrivatePart[] {
  return rwset.flatMap(({ namespace, collections }) =>
    collections
      .filter(({ writes, metadataWrites }) => writes.length + metadataWrites.length > 0)
      .map((hashed) => ({ place: { block, tx, namespace, collection: hashed.collection }, txId, hashed })),
  );
}
