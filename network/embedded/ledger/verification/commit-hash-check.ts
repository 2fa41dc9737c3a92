/** Whether a block's validation codes and commit hash fit each other and the block before, without a replay. */
import { commitHashOf, type StoredBlock, TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { commitHash, type HashedUpdate } from '@telemed-ledger/formats/blocks/commit-hash.ts';
import type { CollectionRwset, NamespaceRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { parseTransaction } from '../blocks/transaction.ts';

/**
 * True where one of `before`, copies of the block before, leads to the block's commit hash; undefined where that cannot
 * be told, because a write of metadata alone takes its value from state.
 */
export function commitHashFits(block: StoredBlock, before: (StoredBlock | undefined)[]): boolean | undefined {
  const { number } = block.header;
  const updates = updatesOf(block);
  const hashes = number > 1 ? before.flatMap((each) => (each && commitHashOf(each)) ?? []) : [Buffer.alloc(0)];
  if (number === 0 || !updates || hashes.length === 0) return undefined;
  const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
  const held = commitHashOf(block);
  return hashes.some((previous) => held?.equals(commitHash(codes, updates, previous)));
}

/** What the block's valid transactions write; undefined where that needs the state before the block. */
function updatesOf(block: StoredBlock): HashedUpdate[] | undefined {
  const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
  const updates = new Map<string, HashedUpdate>();
  for (const [tx, { rwset }] of block.envelopes.map(parseTransaction).entries()) {
    if (codes[tx] !== VALID) continue;
    const version = { block: block.header.number, tx };
    for (const set of rwset) {
      for (const each of [set, ...set.collections]) {
        if (!apply(updates, set.namespace, 'collection' in each ? each.collection : '', each, version))
          return undefined;
      }
    }
  }
  return [...updates.values()];
}

function apply(
  updates: Map<string, HashedUpdate>,
  namespace: string,
  collection: string,
  { writes, metadataWrites }: Pick<NamespaceRwset | CollectionRwset, 'writes' | 'metadataWrites'>,
  version: HashedUpdate['version'],
): boolean {
  const idOf = (key: Buffer): string => `${namespace}\0${collection}\0${mapKey(key)}`;
  for (const { key, value, isDelete } of writes) {
    updates.set(idOf(key), { namespace, collection, key, version, value: isDelete ? undefined : value });
  }
  return metadataWrites.every(({ key }) => writes.some((write) => write.key.equals(key)));
}
