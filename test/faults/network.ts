/** What the harness needs of a consortium: its parts as processes that can be killed, paused and brought back. */
import type { ConsortiumReach } from '@telemed-ledger/scripts/demo/parties.ts';

export type PartKind = 'peer' | 'orderer' | 'chaincode' | 'gateway' | 'network';

/** One process, or several that are one to whoever runs them. */
export interface Part {
  name: string;
  kind: PartKind;
  /** Whose it is, where it is one organisation's. */
  organisation?: string;
}

export interface FaultyNetwork {
  /** For the report. */
  name: string;
  reach: ConsortiumReach;
  parts: readonly Part[];
  /** To the part's process; nothing happens where it has ended. */
  signal(part: Part, signal: NodeJS.Signals): void;
  /** Starts whatever has ended, and answers when it has begun to serve. */
  restore(): Promise<void>;
  /** Waits until a part that was told to end has done so. */
  ended(part: Part): Promise<void>;
  /** Nodes that do not have what the others have once all is quiet, in words; where nodes can be told apart. */
  behind?(): Promise<string[]>;
  /** What an operator does about them: `npm run network -- up`. @returns what it said */
  mend?(): Promise<string>;
  close(): Promise<void>;
}
