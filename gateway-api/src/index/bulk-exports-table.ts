/** The journal's table of exports of many records: see subjects/bulk/exports.ts. */
export interface BulkExportsTable {
  id: string;
  /** Subject of the token that asked for it. */
  owner: string;
  /** JSON of what is asked for and, once it is known, of what there is: no content of a record. */
  asked: string;
  outcome: string | null;
  /** ISO 8601 UTC. */
  expires_at: string;
}
