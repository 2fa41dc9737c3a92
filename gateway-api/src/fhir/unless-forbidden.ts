/** For whoever gathers what a caller may read: what he may not is left out, where reading it alone would be refused. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

/** What is read; undefined where the caller may not read it. @throws what else it fails with */
export async function unlessForbidden<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'FORBIDDEN') return undefined;
    throw error;
  }
}
