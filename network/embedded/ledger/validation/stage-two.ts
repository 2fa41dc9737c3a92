/**
 * Stage 2 of validation, in block order: whether what a transaction read is still so in the committed state plus the
 * writes of the block's earlier valid transactions (spec 4.2).
 */
import type { NamespaceRwset, RangeQuery, Read } from '@telemed-ledger/formats/blocks/rwset.ts';
import { encodeRead, sameVersion } from '@telemed-ledger/formats/blocks/rwset.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import { after, hashKey, stateKey } from '../state/keys.ts';
import { RangeSummary } from '../state/range-summary.ts';
import { decodeVersioned } from '../state/store.ts';
import type { CommittedState, Update, Updates } from '../state/updates.ts';

/** VALID, MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT; the first failure decides. */
export async function stageTwo(rwset: NamespaceRwset[], committed: CommittedState, updates: Updates): Promise<number> {
  for (const set of rwset) {
    const { namespace } = set;
    const publicKey = (key: Buffer): Buffer => stateKey(namespace, key);
    if (!set.reads.every((read) => isCurrent(read, publicKey, committed, updates))) return codes.MVCC_READ_CONFLICT;
    for (const range of set.ranges) {
      if (!(await isUnchanged(namespace, range, committed, updates))) return codes.PHANTOM_READ_CONFLICT;
    }
    for (const { collection, reads } of set.collections) {
      const at = (key: Buffer): Buffer => hashKey(namespace, collection, key);
      if (!reads.every((read) => isCurrent(read, at, committed, updates))) return codes.MVCC_READ_CONFLICT;
    }
  }
  return codes.VALID;
}

/** A key written earlier in the block conflicts regardless of its version. */
function isCurrent(read: Read, at: (key: Buffer) => Buffer, committed: CommittedState, updates: Updates): boolean {
  const databaseKey = at(read.key);
  const id = mapKey(databaseKey);
  return !updates.byKey.has(id) && sameVersion(committed.get(databaseKey, id)?.version, read.version);
}

/** Runs the range query again and compares what it summarises to. */
async function isUnchanged(
  namespace: string,
  range: RangeQuery,
  committed: CommittedState,
  updates: Updates,
): Promise<boolean> {
  const found = await currentReads(namespace, range, committed, updates);
  if (!range.merkle) {
    const expected = range.rawReads.map(({ key, version }) => encodeRead(key, version));
    return found.length === expected.length && found.every((read, index) => read.equals(expected[index] ?? read));
  }
  if (range.merkle.degree < 2) return false;
  const summary = new RangeSummary(range.merkle.degree);
  for (const read of found) summary.add(read);
  const { merkle } = summary.done();
  return (
    merkle !== undefined &&
    merkle.level === range.merkle.level &&
    merkle.hashes.length === range.merkle.hashes.length &&
    merkle.hashes.every((hash, index) => hash.equals(range.merkle?.hashes[index] ?? hash))
  );
}

/** Encoded reads of the range as it is now, in order of their keys. */
async function currentReads(
  namespace: string,
  range: RangeQuery,
  committed: CommittedState,
  updates: Updates,
): Promise<Buffer[]> {
  const prefix = stateKey(namespace, Buffer.alloc(0));
  const gte = Buffer.concat([prefix, Buffer.from(range.start, 'utf8')]);
  const lt = endOf(prefix, range);
  const changes = new Map<string, Update>();
  for (const [id, update] of updates.byKey) {
    const { databaseKey } = update;
    if (Buffer.compare(databaseKey, gte) >= 0 && Buffer.compare(databaseKey, lt) < 0) changes.set(id, update);
  }
  const found: { databaseKey: Buffer; read: Buffer }[] = [];
  for (const [databaseKey, bytes] of await committed.view.all({ gte, lt })) {
    if (changes.has(mapKey(databaseKey))) continue;
    const read = encodeRead(databaseKey.subarray(prefix.length), decodeVersioned(bytes).version);
    found.push({ databaseKey, read });
  }
  for (const { databaseKey, key, value, version } of changes.values()) {
    if (value !== undefined) found.push({ databaseKey, read: encodeRead(key, version) });
  }
  return found.sort((a, b) => Buffer.compare(a.databaseKey, b.databaseKey)).map(({ read }) => read);
}

/** A range that was not exhausted includes its end, the last key fetched. */
function endOf(prefix: Buffer, range: RangeQuery): Buffer {
  const end = Buffer.concat([prefix, Buffer.from(range.end, 'utf8')]);
  if (!range.exhausted) return Buffer.concat([end, Buffer.from([0])]);
  return range.end === '' ? after(prefix) : end;
}
