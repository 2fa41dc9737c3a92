/**
 * What the valid transactions of one block do to public and hashed state. It sits in front of the committed state
 * while the block is validated, and is what the commit hash covers.
 */
import type { CollectionRwset, MetadataWrite, NamespaceRwset, Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { hashKey, stateKey } from './keys.ts';
import type { Versioned, View } from './store.ts';

const EMPTY = Buffer.alloc(0);

export interface Update {
  databaseKey: Buffer;
  namespace: string;
  /** '' for public state. */
  collection: string;
  /** The key, or its hash in a collection. */
  key: Buffer;
  version: { block: number; tx: number };
  /** undefined deletes. */
  value: Buffer | undefined;
  metadata: Buffer;
  /** The database holds something under this key. */
  replaces: boolean;
}

/** Committed values of the keys that a block touches, each looked up once. */
export class CommittedState {
  readonly view: View;
  readonly #found = new Map<string, Versioned | undefined>();

  constructor(view: View) {
    this.view = view;
  }

  get(databaseKey: Buffer, id = mapKey(databaseKey)): Versioned | undefined {
    const known = this.#found.get(id);
    if (known || this.#found.has(id)) return known;
    const found = this.view.versioned(databaseKey);
    this.#found.set(id, found);
    return found;
  }
}

export class Updates {
  /** By database key. */
  readonly byKey = new Map<string, Update>();
  readonly #committed: CommittedState;

  constructor(committed: CommittedState) {
    this.#committed = committed;
  }

  /** Applies a valid transaction's public and hashed writes. */
  apply(rwset: NamespaceRwset[], version: { block: number; tx: number }): void {
    for (const set of rwset) {
      this.#applySet(set.namespace, '', set, (key) => stateKey(set.namespace, key), version);
      for (const each of set.collections) {
        const at = (key: Buffer): Buffer => hashKey(set.namespace, each.collection, key);
        this.#applySet(set.namespace, each.collection, each, at, version);
      }
    }
  }

  #applySet(
    namespace: string,
    collection: string,
    set: Pick<CollectionRwset, 'writes' | 'metadataWrites'>,
    at: (key: Buffer) => Buffer,
    version: { block: number; tx: number },
  ): void {
    const metadataWrites = new Map(set.metadataWrites.map((write) => [mapKey(write.key), write]));
    const put = (key: Buffer, write: Write | undefined, metadata: MetadataWrite | undefined): void => {
      const databaseKey = at(key);
      const id = mapKey(databaseKey);
      const before = this.#latest(databaseKey, id);
      const value = write ? (write.isDelete ? undefined : write.value) : before?.value;
      if (!write && !before?.value) return;
      const kept = metadata ? metadata.entries : (before?.metadata ?? EMPTY);
      const replaces = this.#committed.get(databaseKey, id) !== undefined;
      const entry = {
        databaseKey,
        namespace,
        collection,
        key,
        version,
        value,
        metadata: value ? kept : EMPTY,
        replaces,
      };
      this.byKey.set(id, entry);
    };
    for (const write of set.writes) {
      const id = mapKey(write.key);
      put(write.key, write, metadataWrites.get(id));
      metadataWrites.delete(id);
    }
    for (const write of metadataWrites.values()) put(write.key, undefined, write);
  }

  /** Value and metadata as earlier transactions of the block left them, else as committed. */
  #latest(databaseKey: Buffer, id: string): { value: Buffer | undefined; metadata: Buffer } | undefined {
    return this.byKey.get(id) ?? this.#committed.get(databaseKey, id);
  }
}
