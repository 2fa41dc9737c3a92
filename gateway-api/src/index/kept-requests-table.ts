/** The journal's table of requests for authorization that the ledger has not taken yet: see idempotency/kept-requests.ts. */
export interface KeptRequestsTable {
  id: string;
  /** Id of the request: of the first one's Claim, also of what amends it. */
  request: string;
  /** `Coverage/<id>` that it is about. */
  coverage: string;
  /** Name of the member whose endorsement it takes beside this one's. */
  needs: string;
  status: 'pending' | 'done' | 'refused';
  /** What is asked, as it is sent, JSON; null once the ledger has it. */
  draft: string | null;
  /** Subject of who asked, the Idempotency-Key and the hash of what came under it. */
  caller: string | null;
  key: string | null;
  request_hash: string | null;
  /** Names of the organisations whose endorsement was lacking at the last try, joined by commas. */
  waits_for: string | null;
  /** Why it was refused, and where: never a fact. */
  reason: string | null;
  created_at: string;
  ended_at: string | null;
}
