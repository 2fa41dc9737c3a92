/** Where the network keeps its ledger, under its data directory. */
import { join } from 'node:path';

/** The store of all peers. */
export const storeDirectory = (dataDir: string): string => join(dataDir, 'ledger');
/** The orderer's own copy of the blocks. */
export const ordererDirectory = (dataDir: string): string => join(dataDir, 'orderer', 'blocks');
