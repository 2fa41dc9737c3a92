/**
 * The private data that one peer delivers against the hashes in its blocks, and what its state should hold in the end.
 * A purge or an expiry explains what is missing.
 */
import { TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { type CollectionRwset, decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { parseTransaction } from '@telemed-ledger/network/embedded/ledger/blocks/transaction.ts';
import { keyPlace } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import { fits } from '@telemed-ledger/network/embedded/ledger/verification/private-sets.ts';
import type { PeerFinding } from './peer-findings.ts';
import type { Readable } from './reading.ts';

export interface Held {
  /** '' for public state. */
  collection: string;
  /** undefined where the peer never delivered it: then it cannot be asked for. */
  key: string | undefined;
  keyHash: Buffer;
  /** SHA-256 of the value, hex; undefined where it was deleted, purged or has expired. */
  hash: string | undefined;
}

/** Of a set of private data. */
interface Place {
  block: number;
  tx: number;
  collection: string;
}

const ALTERED = 'altered: private data kept for delivery';
const at = ({ block, tx }: Place): string => `block ${block}, transaction ${tx}`;

export interface ValuesOptions {
  chaincode: string;
  /** Collections that the organisation is a member of, with the blocks after which a value expires; 0 never. */
  collections: ReadonlyMap<string, number>;
  height: number;
}

export class ValuesCheck {
  readonly #options: ValuesOptions;
  readonly #findings: PeerFinding[] = [];
  /** By collection and key hash: what should have been delivered, in the order of blocks. */
  readonly #missing = new Map<string, PeerFinding[]>();
  readonly #held = new Map<string, Held>();
  /** Private values that were delivered as they should be. */
  values = 0;

  constructor(options: ValuesOptions) {
    this.#options = options;
  }

  /** Where private sets cannot be read, that is a finding of its own, and none of them is called missing. */
  check({ block, privateSets }: Readable): void {
    const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
    for (const [tx, envelope] of block.envelopes.entries()) {
      if (codes[tx] !== VALID) continue;
      const set = parseTransaction(envelope).rwset.find(({ namespace }) => namespace === this.#options.chaincode);
      for (const write of set?.writes ?? []) this.#hold('', write, write.key);
      const delivered = privateSets && readSets(privateSets.get(tx), this.#options.chaincode);
      for (const hashed of set?.collections ?? []) {
        if (!this.#options.collections.has(hashed.collection)) continue;
        const place = { block: block.header.number, tx, collection: hashed.collection };
        const writes = delivered ? this.#writesOf(place, delivered.get(hashed.collection)) : undefined;
        this.#checkCollection(place, hashed, writes);
      }
    }
  }

  /** What a set holds; undefined, and a finding, where that cannot be read. */
  #writesOf(place: Place, set: Buffer | undefined): Write[] | undefined {
    try {
      return set === undefined ? [] : decodePrivateSet(set).writes;
    } catch {
      this.#report(`${at(place)}, ${this.#options.chaincode}/${place.collection}`, ALTERED);
      return undefined;
    }
  }

  /** `delivered` is undefined where it cannot be read. */
  #checkCollection(from: Place, hashed: CollectionRwset, delivered: Write[] | undefined): void {
    const { collection, block } = from;
    const life = this.#options.collections.get(collection) ?? 0;
    const isExpired = life > 0 && block + life + 1 < this.#options.height;
    const plains = new Map(delivered?.map((plain) => [sha256(plain.key).toString('hex'), plain]));
    for (const write of hashed.writes) {
      const place = `${at(from)}, ${keyPlace(this.#options.chaincode, collection, write.key)}`;
      const plain = plains.get(write.key.toString('hex'));
      plains.delete(write.key.toString('hex'));
      this.#hold(collection, isExpired ? { ...write, isDelete: true } : write, plain?.key);
      if (write.isPurge) this.#missing.delete(idOf(collection, write.key));
      else if (plain && !fits(plain, write)) this.#report(place, ALTERED);
      else if (plain) this.values++;
      else if (delivered && !write.isDelete && !isExpired) this.#miss(collection, write.key, place);
    }
    for (const plain of plains.values()) {
      const place = `${at(from)}, ${keyPlace(this.#options.chaincode, collection, sha256(plain.key))}`;
      this.#report(place, 'unexpected: private data that the block does not name');
    }
  }

  #report(place: string, what: string): void {
    this.#findings.push({ part: 'private data', place, what });
  }

  #miss(collection: string, keyHash: Buffer, place: string): void {
    const id = idOf(collection, keyHash);
    const what = 'missing: private data kept for delivery';
    this.#missing.set(id, [...(this.#missing.get(id) ?? []), { part: 'private data', place, what }]);
  }

  #hold(collection: string, { key: written, value, isDelete }: Write, plain: Buffer | undefined): void {
    const keyHash = collection === '' ? sha256(written) : written;
    const id = idOf(collection, keyHash);
    const key = plain?.toString('utf8') ?? this.#held.get(id)?.key;
    const hash = isDelete ? undefined : (collection === '' ? sha256(value) : value).toString('hex');
    this.#held.set(id, { collection, key, keyHash, hash });
  }

  /** `isWhole`: no block was left out, which could have purged what is missing. */
  findings(isWhole: boolean): PeerFinding[] {
    return [...this.#findings, ...(isWhole ? [...this.#missing.values()].flat() : [])];
  }

  /** What state should hold now, with what should be in it no more. */
  get held(): Held[] {
    return [...this.#held.values()];
  }
}

const idOf = (collection: string, keyHash: Buffer): string => `${collection}\0${keyHash.toString('latin1')}`;

/** The sets of a TxPvtReadWriteSet in one chaincode, by collection, as bytes. The peer has read it as far as that. */
export function readSets(bytes: Buffer | undefined, chaincode: string): Map<string, Buffer> {
  const sets = new Map<string, Buffer>();
  if (!bytes) return sets;
  for (const namespace of new Message(bytes).messages(2)) {
    if (namespace.text(1) !== chaincode) continue;
    for (const each of namespace.messages(2)) sets.set(each.text(1), each.bytes(2));
  }
  return sets;
}
