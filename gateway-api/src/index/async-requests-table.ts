/** The journal's table of requests that are answered later: see subjects/asynchronous/requests.ts. */
export interface AsyncRequestsTable {
  id: string;
  /** SHA-256 of who may ask for it: the caller with all that limits him. */
  owner: string;
  /** ISO 8601 UTC. */
  expires_at: string;
}
