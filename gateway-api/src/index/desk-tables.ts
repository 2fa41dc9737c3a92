/** The journal's tables of a payer's claims desk: see subjects/claims/desk-journal.ts. */

/** Who works on a claim; one row for each claim that somebody has had. */
export interface DeskClaimsTable {
  claim: string;
  /** `Practitioner/<id>`; null where it was given back. */
  assignee: string | null;
  /** Subject of the token that has said so, and when, ISO 8601 UTC. */
  assigned_by: string;
  since: string;
}

/** What somebody at the desk wrote about a claim; never changed. */
export interface DeskNotesTable {
  claim: string;
  /** As its writer calls it: one of a name for each claim. */
  id: string;
  /** `Practitioner/<id>`, or the token's subject where that names nobody. */
  author: string;
  at: string;
  text: string;
}
