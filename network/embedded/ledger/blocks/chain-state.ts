/** What the ledger remembers of its chain beside the blocks: one record, written with every block. */
import { META } from '../state/keys.ts';
import type { Batch } from '../state/store.ts';

const FORMAT = 1;

export interface ChainState {
  height: number;
  /** Header hash of the last block, and that of the one before. */
  headerHash: Buffer;
  previousHash: Buffer;
  commitHash: Buffer;
  /** Number of the last config block. */
  lastConfig: number;
}

export function writeChainState(batch: Batch, state: ChainState): void {
  const { height, lastConfig } = state;
  const [headerHash, previousHash, commitHash] = [state.headerHash, state.previousHash, state.commitHash].map((hash) =>
    hash.toString('hex'),
  );
  const record = { format: FORMAT, height, lastConfig, headerHash, previousHash, commitHash };
  batch.put(META, Buffer.from(JSON.stringify(record)));
}

/** undefined in a database without blocks. @throws Error where the record cannot be read or is of another format. */
export function readChainState(database: { getSync(key: Buffer): Buffer | undefined }): ChainState | undefined {
  const bytes = database.getSync(META);
  return bytes && decodeChainState(bytes);
}

/** @throws Error where the record cannot be read or is of another format. */
export function decodeChainState(bytes: Buffer): ChainState {
  const record = JSON.parse(bytes.toString('utf8'));
  if (record.format !== FORMAT) throw new Error(`the ledger has format ${record.format}, this version reads ${FORMAT}`);
  const { height, lastConfig } = record;
  if (![height, lastConfig].every((number) => Number.isSafeInteger(number) && number >= 0) || height === 0) {
    throw new Error("the ledger's record of its chain is malformed");
  }
  const [headerHash, previousHash, commitHash] = [record.headerHash, record.previousHash, record.commitHash].map(
    (hash) => Buffer.from(String(hash), 'hex'),
  ) as [Buffer, Buffer, Buffer];
  return { height, lastConfig, headerHash, previousHash, commitHash };
}
