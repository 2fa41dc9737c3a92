/**
 * The private data that one peer delivers against the hashes in its blocks, and what its state should hold in the end.
 * A purge or an expiry explains what is missing.
 */
import { type StoredBlock, TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { type CollectionRwset, decodePrivateSet, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { VALID } from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { parseTransaction } from '@telemed-ledger/network/embedded/ledger/blocks/transaction.ts';
import { keyPlace } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import { fits } from '@telemed-ledger/network/embedded/ledger/verification/private-sets.ts';
import type { DeliveredBlock } from './deliver.ts';
import type { PeerFinding } from './peer-findings.ts';

export interface Held {
  /** '' for public state. */
  collection: string;
  /** undefined where the peer never delivered it: then it cannot be asked for. */
  key: string | undefined;
  keyHash: Buffer;
  /** SHA-256 of the value, hex; undefined where it was deleted, purged or has expired. */
  hash: string | undefined;
}

interface Missing extends PeerFinding {
  block: number;
}

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
  readonly #missing = new Map<string, Missing[]>();
  readonly #held = new Map<string, Held>();
  /** Private values that were delivered as they should be. */
  values = 0;

  constructor(options: ValuesOptions) {
    this.#options = options;
  }

  check({ block, privateSets }: DeliveredBlock): void {
    const codes = block.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);
    for (const [tx, envelope] of block.envelopes.entries()) {
      if (codes[tx] !== VALID) continue;
      const set = parseTransaction(envelope).rwset.find(({ namespace }) => namespace === this.#options.chaincode);
      for (const write of set?.writes ?? []) this.#hold('', write, write.key);
      const delivered = readSets(privateSets.get(tx), this.#options.chaincode);
      for (const hashed of set?.collections ?? []) {
        if (this.#options.collections.has(hashed.collection)) {
          this.#checkCollection(block, tx, hashed, delivered.get(hashed.collection) ?? []);
        }
      }
    }
  }

  #checkCollection({ header }: StoredBlock, tx: number, hashed: CollectionRwset, delivered: Write[]): void {
    const { collection } = hashed;
    const life = this.#options.collections.get(collection) ?? 0;
    const isExpired = life > 0 && header.number + life + 1 < this.#options.height;
    const at = `block ${header.number}, transaction ${tx}`;
    const plains = new Map(delivered.map((plain) => [sha256(plain.key).toString('hex'), plain]));
    for (const write of hashed.writes) {
      const place = `${at}, ${keyPlace(this.#options.chaincode, collection, write.key)}`;
      const plain = plains.get(write.key.toString('hex'));
      plains.delete(write.key.toString('hex'));
      this.#hold(collection, isExpired ? { ...write, isDelete: true } : write, plain?.key);
      if (write.isPurge) this.#missing.delete(idOf(collection, write.key));
      else if (plain && !fits(plain, write)) this.#report(place, 'altered: private data kept for delivery');
      else if (plain) this.values++;
      else if (!write.isDelete && !isExpired) this.#miss(collection, write.key, header.number, place);
    }
    for (const plain of plains.values()) {
      const place = `${at}, ${keyPlace(this.#options.chaincode, collection, sha256(plain.key))}`;
      this.#report(place, 'unexpected: private data that the block does not name');
    }
  }

  #report(place: string, what: string): void {
    this.#findings.push({ part: 'private data', place, what });
  }

  #miss(collection: string, keyHash: Buffer, block: number, place: string): void {
    const id = idOf(collection, keyHash);
    const what = 'missing: private data kept for delivery';
    this.#missing.set(id, [...(this.#missing.get(id) ?? []), { part: 'private data', block, place, what }]);
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

/** The writes of a TxPvtReadWriteSet in one chaincode, by collection. */
function readSets(bytes: Buffer | undefined, chaincode: string): Map<string, Write[]> {
  const sets = new Map<string, Write[]>();
  if (!bytes) return sets;
  for (const namespace of new Message(bytes).messages(2)) {
    if (namespace.text(1) !== chaincode) continue;
    for (const each of namespace.messages(2)) sets.set(each.text(1), decodePrivateSet(each.bytes(2)).writes);
  }
  return sets;
}
