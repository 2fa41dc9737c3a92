/** The tables of what is anchored of the logs of reads: of this organisation’s in its journal, of others’ in the custodian’s read model. */

/** At the custodian: reads at other organisations, as their anchors carry them; see write/carried-reads.ts. */
export interface CarriedReadsTable {
  sequence: number;
  collection: string;
  key_hash: string;
  organisation: string;
  /** Its number in that log. */
  row: number;
  /** Id of the Patient whom it is about. */
  patient: string;
  /** ISO 8601 UTC. */
  at: string;
  /** The row of their log as it was hashed there. */
  text: string;
}

/** What an anchor of the log of reads states, and the secret of its tree; see subjects/reads/anchors.ts. */
export interface LogStatementsTable {
  n: number;
  /** Canonical JSON. */
  statement: string;
  secret: string;
}

/** What a patient does, or who acts for her, as the log of reads calls it. */
export type PatientsAct =
  | 'grant'
  | 'amend'
  | 'revoke'
  | 'restrict'
  | 'lift-restriction'
  | 'refuse'
  | 'confirm'
  | 'dispute'
  | 'appeal'
  | 'record'
  | 'share'
  | 'unshare';
