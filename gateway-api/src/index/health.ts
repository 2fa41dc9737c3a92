/** Whether a gateway's database can be used now, and why not: for /readyz, and for writes that must not begin. */
import { Failure } from '../http/failures.ts';

export interface StoreHealth {
  /** In words for an operator; undefined while nothing is known to be wrong. */
  failure(): string | undefined;
  /** Asks the database. Rejects where it doesn't answer. */
  ask(): Promise<void>;
  /** Called each time the database is back. */
  onBack(listener: () => void): void;
}

/** 503: the database is away. The caller receives its message; `reason` is for operators. */
export class DatabaseLost extends Failure {
  readonly reason: string;

  constructor(reason: string) {
    super(503, 'transient', 'The database of this gateway is away.', { headers: { 'Retry-After': '1' } });
    this.name = 'DatabaseLost';
    this.reason = reason;
  }
}

/** @throws {DatabaseLost} while the database is known to be away: what is written now could not be read. */
export function demand(health: StoreHealth): void {
  const reason = health.failure();
  if (reason !== undefined) throw new DatabaseLost(reason);
}

/** A file is never away; what is wrong with it shows in the query. */
export const alwaysThere: StoreHealth = { failure: () => undefined, ask: async () => {}, onBack: () => {} };
