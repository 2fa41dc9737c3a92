/**
 * Private sets between endorsement and commit, found by transaction id and the hash under which the transaction
 * names them. All peers share one process, so what one peer has, every eligible one can fetch. Kept in the database
 * too: a client may submit an endorsed transaction after this process was killed and started again.
 */
import type { ledger as ledgerProtos } from '@hyperledger/fabric-protos';
import { bufferOf, mapKey } from '@telemed-ledger/formats/bytes.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { number64, readNumber64, TRANSIENT_RANGE, transientKey } from '../state/keys.ts';
import type { Batch, Database } from '../state/store.ts';

/** Blocks after which an uncommitted set is dropped, as in Fabric. */
const KEPT_BLOCKS = 20_000;
const SWEEP_INTERVAL = 1000;
/** The most bytes kept in memory; what falls out is read from the database. */
const MEMORY_BYTES = 64 * 1024 * 1024;

export class TransientStore {
  readonly #database: Database;
  /** Oldest first. */
  readonly #recent = new Map<string, Buffer>();
  #recentBytes = 0;
  #unwritten: [Buffer, Buffer][] = [];
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores each collection's set; `height` is that at which it was endorsed. */
  async add(txId: string, height: number, set: ledgerProtos.rwset.TxPvtReadWriteSet): Promise<void> {
    let isNew = false;
    for (const namespace of set.getNsPvtRwsetList()) {
      for (const collection of namespace.getCollectionPvtRwsetList()) {
        const bytes = bufferOf(collection.getRwset_asU8());
        const key = transientKey(txId, sha256(bytes));
        if (!this.#remember(mapKey(key), bytes)) continue;
        this.#unwritten.push([key, Buffer.concat([number64(height), bytes])]);
        isNew = true;
      }
    }
    if (isNew) await this.#flush();
  }

  /** What comes while one write is under way goes into the next one together. */
  #flush(): Promise<void> {
    this.#next ??= this.#writing.then(async () => {
      this.#next = undefined;
      const batch = this.#database.batch();
      for (const [key, value] of this.#unwritten.splice(0)) batch.put(key, value);
      this.#writing = batch.write();
      await this.#writing;
    });
    return this.#next;
  }

  /** The private set with this hash, if any peer was given it; none where what was kept is damaged. */
  get(txId: string, privateHash: Buffer): Buffer | undefined {
    const key = transientKey(txId, privateHash);
    const recent = this.#recent.get(mapKey(key));
    if (recent) return recent;
    const kept = this.#database.getSync(key)?.subarray(8);
    return kept && sha256(kept).equals(privateHash) ? kept : undefined;
  }

  /** Drops, with the batch, what a committed transaction no longer needs. */
  remove(txId: string, privateHash: Buffer, batch: Batch): void {
    const key = transientKey(txId, privateHash);
    batch.del(key);
    this.#forget(mapKey(key));
  }

  /** Drops, with the batch of every thousandth block, what was endorsed too long ago. */
  async sweep(block: number, batch: Batch): Promise<void> {
    if (block % SWEEP_INTERVAL !== 0) return;
    for await (const [key, value] of this.#database.iterator(TRANSIENT_RANGE)) {
      if (readNumber64(value) + KEPT_BLOCKS > block) continue;
      batch.del(key);
      this.#forget(mapKey(key));
    }
  }

  /** False where it is known already: the second endorser's set is that of the first. */
  #remember(id: string, bytes: Buffer): boolean {
    if (this.#recent.has(id)) return false;
    this.#recent.set(id, bytes);
    this.#recentBytes += bytes.length;
    for (const oldest of this.#recent.keys()) {
      if (this.#recentBytes <= MEMORY_BYTES) break;
      this.#forget(oldest);
    }
    return true;
  }

  #forget(id: string): void {
    this.#recentBytes -= this.#recent.get(id)?.length ?? 0;
    this.#recent.delete(id);
  }
}
