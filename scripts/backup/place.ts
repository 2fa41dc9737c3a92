/** What a restore asks of the network on which it takes place. */
import type { Finding } from '../verification/report.ts';

/** Where an organisation is restored: the embedded network's data directory, or Fabric's. */
export interface Place {
  /** Hash of a block's header by whoever has it, hex; undefined where nobody has it. */
  hashOf(block: number): Promise<string | undefined>;
  /** Directories that must be empty, beside the organisation's own. */
  targets(): string[];
  /** Ends the organisation's processes of an earlier attempt. */
  stop(): Promise<void>;
  /** @throws Error where something of the organisation runs, or what a restore needs is not here */
  assertReady(): Promise<void>;
  /** Puts what is beside the organisation's own directory in its place. */
  put(staging: string): Promise<void>;
  /** Until the organisation's ledger has what the others have. Answers lines for the operator. */
  catchUp(staging: string): Promise<string[]>;
  /** Takes what was purged off the disk. Answers what the ledger lacks in the end. */
  finish(): Promise<Finding[]>;
}
