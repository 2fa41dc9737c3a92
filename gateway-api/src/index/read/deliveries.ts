/**
 * What was delivered into this organisation's inbox, and for whom. A reader sees what is for him; what is for others is found
 * here only to say that it was withheld.
 */
import type { Kysely } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import type { IndexTables } from '../schema.ts';
import { STANDING } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import { matchingIn } from './matching.ts';

/** How much of what is held a reader sees. */
export interface View {
  /** One patient's data alone. */
  compartment?: string | undefined;
  /**
   * Of deliveries what is for whom bears this name (`audienceName`), beside what is for everybody. Without it all are seen:
   * for this gateway's own work, whose results are no reader's.
   */
  audience?: string | undefined;
}

/** What is asked for that was delivered for others. */
interface Withheld {
  ids?: readonly string[];
  search?: Search;
  view: View;
}

/** Records of one access. */
export interface DeliveredRecords {
  access: string;
  ids: string[];
}

/** So many records are named at once. */
const MOST_WITHHELD = 1_000;

export class Deliveries {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;
  /** Name of the collection. */
  readonly #inbox: string;

  constructor(db: Kysely<IndexTables>, checks: Checks, inbox: string) {
    this.#db = db;
    this.#checks = checks;
    this.#inbox = inbox;
  }

  /** What is here of these records for others than a reader: of each access its records. */
  async withheld(type: string, { ids, search, view }: Withheld): Promise<DeliveredRecords[]> {
    const { audience: own, compartment } = view;
    if (own === undefined) return [];
    let query = this.#db
      .selectFrom('versions')
      .where('audience', 'is not', null)
      .where('audience', '!=', own)
      .where('collection', '=', this.#inbox)
      .where('expires_at', '>', new Date().toISOString())
      .where('type', '=', type);
    if (compartment !== undefined) query = query.where('patient', '=', compartment);
    if (ids !== undefined) query = query.where('id', 'in', ids);
    if (search !== undefined) query = matchingIn(query, search, compartment);
    const rows = await query.select(['access', 'id']).distinct().limit(MOST_WITHHELD).execute();
    return byAccess(rows);
  }

  /** The records of one delivered access. */
  async recordsOf(access: string): Promise<{ type: string; id: string }[]> {
    const rows = await this.#db.selectFrom('versions').select(STANDING).where('access', '=', access).execute();
    return this.#checks.rows('versions', rows).map(({ type, id }) => ({ type, id }));
  }
}

/** Records by the access that they were delivered under. */
export function byAccess(rows: readonly { access: string | null; id: string }[]): DeliveredRecords[] {
  const found = new Map<string, string[]>();
  for (const { access, id } of rows) {
    if (access !== null) found.set(access, [...(found.get(access) ?? []), id]);
  }
  return [...found].map(([access, ids]) => ({ access, ids }));
}
