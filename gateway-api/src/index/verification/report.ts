/** What a comparison of the read model with the ledger finds: each difference by its place, never with content. */
import type { TableName } from '../schema.ts';

/**
 * content: the text is not what was anchored. changed: other columns are not what the ledger says. absent: a row that
 * follows from the ledger is not there. additional: a row that follows from nothing is there. missing: anchored, and not
 * delivered to this peer yet. unreadable: delivered, and not what its key promises, so it is not shown. gone: this peer does not hold what the read model holds and the ledger anchors. original: a
 * copy is not what its holder anchored. rewritten: a key was written a second time, and what was written first stands.
 * block: a block of this peer is not what its hash says, so nothing was compared.
 */
export type DifferenceKind =
  | 'content'
  | 'changed'
  | 'absent'
  | 'additional'
  | 'missing'
  | 'unreadable'
  | 'gone'
  | 'original'
  | 'rewritten'
  | 'block';

/** reindex: the read model is filled anew. repair: the peer's ledger is. wait: it arrives by itself. log: of the log of
 * reads, of which the custodian has what was anchored. none: nothing here helps. */
export type Remedy = 'reindex' | 'repair' | 'wait' | 'log' | 'none';

export const REMEDIES: Record<DifferenceKind, Remedy> = {
  content: 'reindex',
  changed: 'reindex',
  absent: 'reindex',
  additional: 'reindex',
  missing: 'wait',
  unreadable: 'none',
  gone: 'repair',
  original: 'none',
  rewritten: 'none',
  block: 'repair',
};

export interface Difference {
  kind: DifferenceKind;
  remedy: Remedy;
  /** Absent for a block. */
  table?: TableName;
  /** `Type/id/_history/version`, `collection key`, `kind/id`, `transaction id`: see places.ts. */
  place: string;
  /** The columns that differ, where a row is there and is another. */
  columns?: string[];
  /** The transaction that wrote it, where the row says so. */
  transactionId?: string;
}

export interface VerifyReport {
  organisation: string;
  startedAt: string;
  finishedAt: string;
  /** Last block that was compared. */
  block: number;
  /** Rows that were compared. */
  values: number;
  differences: Difference[];
  /** Differences that were found beyond those listed. */
  more: number;
}
