/** What the ledger remembers of its chain beside the blocks: one record, written with every block. */
import { META } from '../state/keys.ts';
import type { Batch, Database } from '../state/store.ts';

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

/** undefined in a database without blocks. @throws Error where the record is of another format. */
export function readChainState(database: Database): ChainState | undefined {
  const bytes = database.getSync(META);
  if (!bytes) return undefined;
  const record = JSON.parse(bytes.toString('utf8'));
  if (record.format !== FORMAT) throw new Error(`the ledger has format ${record.format}, this version reads ${FORMAT}`);
  return {
    height: record.height,
    lastConfig: record.lastConfig,
    headerHash: Buffer.from(record.headerHash, 'hex'),
    previousHash: Buffer.from(record.previousHash, 'hex'),
    commitHash: Buffer.from(record.commitHash, 'hex'),
  };
}
