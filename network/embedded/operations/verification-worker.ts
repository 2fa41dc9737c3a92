/** Verifies the ledger that the main thread has open. LevelDB lets threads of one process share a store. */
import { parentPort, workerData } from 'node:worker_threads';
import { shareDatabase } from '../ledger/state/store.ts';
import { verifyLedger } from '../ledger/verification/verify.ts';
import type { VerificationMessage, VerificationTask } from './verifications.ts';

const BLOCKS_PER_MESSAGE = 50;

const tell = (message: VerificationMessage): void => parentPort?.postMessage(message);

async function verify({ dir, config }: VerificationTask): Promise<void> {
  const database = await shareDatabase(dir);
  try {
    const onBlock = (block: number): void => {
      if (block % BLOCKS_PER_MESSAGE === 1) tell({ block });
    };
    tell({ verification: await verifyLedger({ dir, config, database, onBlock }) });
  } catch (error) {
    tell({ failed: (error as Error).message });
  } finally {
    await database.close();
  }
}

await verify(workerData);
