/** The journal's table of links that patients have made to what they share. */

/** Links that patients have made: see idempotency/health-links.ts. */
export interface HealthLinksTable {
  id: string;
  /** SHA-256 of what its address ends in, hex. */
  token_hash: string;
  /** Id of the Patient. */
  patient: string;
  /** What is shared, a JWE; empty once it has ended. */
  file: string;
  label: string | null;
  /** Salt and scrypt hash. */
  passcode: string | null;
  /** Tries at the passcode that are left. */
  attempts: number;
  fetches: number;
  created_at: string;
  expires_at: string | null;
  ended_at: string | null;
}
