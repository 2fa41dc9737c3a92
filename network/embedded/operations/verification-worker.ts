/** Verifies the ledger that the main thread has open. LevelDB lets threads of one process share a store. */
import { parentPort, workerData } from 'node:worker_threads';
import type { NetworkConfig } from '../config.ts';
import { BlockReader } from '../ledger/blocks/block-files.ts';
import { ordererDirectory, storeDirectory } from '../ledger/directories.ts';
import { shareDatabase } from '../ledger/state/store.ts';
import { verifyLedger } from '../ledger/verification/verify.ts';
import type { VerificationMessage } from './verifications.ts';

const BLOCKS_PER_MESSAGE = 50;

const tell = (message: VerificationMessage): void => parentPort?.postMessage(message);

async function verify(config: NetworkConfig): Promise<void> {
  const dir = storeDirectory(config.dataDir);
  const database = await shareDatabase(dir);
  try {
    const onBlock = (block: number): void => {
      if (block % BLOCKS_PER_MESSAGE === 1) tell({ block });
    };
    // Blocks are copied after they are committed: a copy that is read first is never ahead of the store.
    const orderer = new BlockReader(ordererDirectory(config.dataDir));
    tell({ verification: await verifyLedger({ dir, config, database, orderer, onBlock }) });
  } catch (error) {
    tell({ failed: (error as Error).message });
  } finally {
    await database.close();
  }
}

await verify(workerData);
