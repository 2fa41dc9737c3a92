/**
 * How the results of two endorsers differ, and whether that can be because one peer had seen fewer blocks: then what they
 * read differs. Equal reads with different results are a disagreement.
 */
import { decodeRwset, type Read } from '@telemed-ledger/formats/blocks/rwset.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';

export interface Difference {
  /** What differs, for a log: no keys and no values. */
  parts: string[];
  /** The chaincode read other versions, or other keys, or stood under another definition. */
  isOfReads: boolean;
  /** The newest block of the versions that were read differently; −1 where none tells. */
  newestBlock: number;
}

/** What a chaincode read: a key, or a range, by name; the version that it was read at, as text. */
type Reads = Map<string, { version: string; block: number }>;

/** peer.ProposalResponsePayload → ChaincodeAction */
const actionOf = (payload: Uint8Array): Message => new Message(payload).message(2);

/** How two ProposalResponsePayloads differ. */
export function differenceOf(one: Uint8Array, other: Uint8Array): Difference {
  const [a, b] = [actionOf(one), actionOf(other)];
  const [left, right] = [readsOf(a.bytes(1)), readsOf(b.bytes(1))];
  const names = new Set([...left.keys(), ...right.keys()]);
  const differing = [...names].filter((name) => left.get(name)?.version !== right.get(name)?.version);
  const blocks = differing.flatMap((name) => [left.get(name)?.block ?? -1, right.get(name)?.block ?? -1]);
  const isOtherDefinition = !a.bytes(4).equals(b.bytes(4));
  const parts = [
    ...(differing.length > 0 ? ['reads'] : []),
    ...(isOtherDefinition ? ['definition'] : []),
    ...(writesOf(a.bytes(1)) === writesOf(b.bytes(1)) ? [] : ['writes']),
    ...(a.bytes(2).equals(b.bytes(2)) ? [] : ['event']),
    ...(a.bytes(3).equals(b.bytes(3)) ? [] : ['response']),
  ];
  return { parts, isOfReads: differing.length > 0 || isOtherDefinition, newestBlock: Math.max(-1, ...blocks) };
}

function readsOf(results: Uint8Array): Reads {
  const found: Reads = new Map();
  const add = (place: string, { key, version }: Read): void => {
    const text = version === undefined ? 'none' : `${version.block}.${version.tx}`;
    found.set(`${place}/${key.toString('hex')}`, { version: text, block: version?.block ?? -1 });
  };
  for (const { namespace, reads, ranges, collections } of decodeRwset(results)) {
    for (const read of reads) add(namespace, read);
    for (const { collection, reads: hashed } of collections)
      for (const read of hashed) add(`${namespace}/${collection}`, read);
    for (const [index, { start, end, rawReads, merkle }] of ranges.entries()) {
      for (const read of rawReads) add(`${namespace} range ${index}`, read);
      const version = `${start}–${end} ${merkle?.hashes.map((hash) => hash.toString('hex')).join() ?? ''}`;
      found.set(`${namespace} range ${index}`, { version, block: -1 });
    }
  }
  return found;
}

/** Every write and metadata write, as text to compare. */
function writesOf(results: Uint8Array): string {
  const sets = decodeRwset(results).map(({ namespace, writes, metadataWrites, collections }) => ({
    namespace,
    writes,
    metadataWrites,
    collections: collections.map(({ reads: _reads, ...written }) => written),
  }));
  return JSON.stringify(sets, (_, value) => (value?.type === 'Buffer' ? Buffer.from(value).toString('hex') : value));
}
