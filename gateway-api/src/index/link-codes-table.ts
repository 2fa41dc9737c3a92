/** The journal's table of codes by which patients link their records: see subjects/links/codes.ts. */
export interface LinkCodesTable {
  /** SHA-256, hex. */
  code_hash: string;
  /** Id of the Patient whose token took it. */
  patient: string;
  /** Id of the Patient whose token gave it back: nobody else can any more. */
  claimed_by: string | null;
  /** ISO 8601 UTC. */
  expires_at: string;
}
