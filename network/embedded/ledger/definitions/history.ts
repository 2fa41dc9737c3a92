/**
 * Which chaincodes were defined in which block, with their collections: what was in force below a block decides who
 * may see its private data, long after the definition has changed.
 */

import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel } from '../../seams.ts';
import { definitionKey, readNumber64, stateKey } from '../state/keys.ts';
import type { Batch } from '../state/store.ts';
import type { CommittedState, Updates } from '../state/updates.ts';
import type { Collection } from './definitions.ts';
import { decodeCollections, fieldName, implicitCollection, LIFECYCLE } from './definitions.ts';

interface Entry {
  block: number;
  collections: Collection[];
}

export class DefinitionHistory {
  readonly #channel: Channel;
  /** By chaincode, oldest first. */
  readonly #entries = new Map<string, Entry[]>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Takes the entries of DEFINITION_RANGE. */
  async load(entries: AsyncIterable<[Buffer, Buffer]>): Promise<void> {
    for await (const [key, value] of entries) {
      this.#add(key.toString('utf8', 1, key.length - 9), readNumber64(key, key.length - 8), value);
    }
  }

  chaincodes(): string[] {
    return [...this.#entries.keys()];
  }

  /** Notes with the block's batch which definitions it changes, and answers their names. */
  record(block: number, updates: Updates, committed: CommittedState, batch: Batch): string[] {
    const names = new Set<string>();
    for (const { namespace, key } of updates.byKey.values()) {
      const [, kind, name] = namespace === LIFECYCLE ? key.toString('utf8').split('/') : [];
      if (name && (kind === 'metadata' || kind === 'fields')) names.add(name);
    }
    for (const name of names) {
      const databaseKey = stateKey(LIFECYCLE, Buffer.from(fieldName(name, 'Collections')));
      const update = updates.byKey.get(mapKey(databaseKey));
      const data = (update ?? committed.get(databaseKey))?.value ?? Buffer.alloc(0);
      batch.put(definitionKey(name, block), data);
      this.#add(name, block, data);
    }
    return [...names];
  }

  #add(chaincode: string, block: number, data: Buffer): void {
    const entries = this.#entries.get(chaincode) ?? [];
    entries.push({ block, collections: decodeCollections(new Message(data).bytes(2), this.#channel) });
    this.#entries.set(chaincode, entries);
  }

  collectionConfig(chaincode: string, collection: string, belowBlock: number): CollectionConfig | undefined {
    const entry = this.#entries.get(chaincode)?.findLast(({ block }) => block < belowBlock);
    const declared = entry?.collections.find(({ config }) => config.name === collection);
    return entry && (declared ?? implicitCollection(collection, this.#channel))?.config;
  }
}
