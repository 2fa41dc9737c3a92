/** The journal's table of subscriptions, as Kysely sees it. */

/** Who is to be told that something became of a request for access, and how; see subjects/subscriptions/. */
export interface SubscriptionsTable {
  id: string;
  /** Whose it is: `Patient/<id>` of a patient, the subject of the token of anybody else. */
  owner: string;
  /** Id of the Patient whom it is about; null: all accesses of this organisation. */
  patient: string | null;
  /** The resource as it was sent, JSON. */
  resource: string;
  status: 'requested' | 'active' | 'error' | 'off';
  error: string | null;
  version: number;
  /** Tries that failed since the last that did not. */
  failures: number;
  /** When it is tried again, ISO 8601 UTC; null: when there is something to tell. */
  due_at: string | null;
  /** The block up to which it has been told. */
  told: number;
  updated_at: string;
  /** Who made it, JSON: what is sent is what he may read then. Null: of before there was content. */
  caller: string | null;
  /** Events so far, and up to which of them its endpoint has taken; of those that are told with numbers. */
  events: number;
  sent: number;
  /** When its endpoint last took something, ISO 8601 UTC. */
  sent_at: string | null;
}

/** What subscriptions are to be told, or were: no content. */
export interface SubscriptionEventsTable {
  subscription: string;
  /** From 1 on. */
  number: number;
  type: string;
  id: string;
  /** ISO 8601 UTC. */
  at: string;
}
