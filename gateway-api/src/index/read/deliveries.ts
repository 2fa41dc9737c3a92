/**
 * What was delivered into this organisation's inbox, and for whom. A reader sees what is for him; what is for others is found
 * here only to say that it was withheld.
 */
import { type Kysely, sql } from 'kysely';
import type { Search } from '../../fhir/repository.ts';
import type { IndexTables, VersionsTable } from '../schema.ts';
import { STANDING } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import { type Compartment, matchingIn } from './matching.ts';

/** How much of what is held a reader sees. */
export interface View extends Compartment {
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

/** A record as it was delivered. */
export interface DeliveredRecord {
  access: string | null;
  patient: string | null;
  id: string;
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

  /** What is here of these records for others than a reader: with whom it is about. */
  async withheld(type: string, { ids, search, view }: Withheld): Promise<DeliveredRecord[]> {
    const { audience: own, compartment, beside } = view;
    if (own === undefined || !(await this.#isForSomebody(type))) return [];
    let query = this.#db
      .selectFrom('versions')
      .where('audience', 'is not', null)
      .where('audience', '!=', own)
      .where('collection', '=', this.#inbox)
      .where('expires_at', '>', new Date().toISOString())
      .where('type', '=', type);
    if (compartment !== undefined) query = query.where('patient', '=', compartment);
    if (ids !== undefined) query = query.where('id', 'in', ids);
    if (search !== undefined) query = matchingIn(query, search, { compartment, beside });
    return query.select(['access', 'patient', 'id']).distinct().limit(MOST_WITHHELD).execute();
  }

  /** Whether anything of a type was delivered for somebody: where nothing was, nobody looks for what each may see. */
  async #isForSomebody(type: string): Promise<boolean> {
    const any = sql`select 1 as one from versions where audience is not null and type = ${type} limit 1`;
    return (await any.execute(this.#db)).rows.length > 0;
  }

  /** Whom a record that is here is about, whether a reader sees it or not; undefined where there is none. */
  async ownerOf(type: string, id: string): Promise<{ patient: string | null } | undefined> {
    const query = this.#db.selectFrom('versions').select('patient').where('id', '=', id).where('type', '=', type);
    return query.where('source', 'is', null).limit(1).executeTakeFirst();
  }

  /** The records of one delivered access. */
  async recordsOf(access: string): Promise<{ type: string; id: string }[]> {
    const rows = await this.#db.selectFrom('versions').select(STANDING).where('access', '=', access).execute();
    return this.#checks.rows('versions', rows).map(({ type, id }) => ({ type, id }));
  }
}

/** Whether a row is of a compartment, or seen beside it. */
export const isIn = (
  { patient, id, type }: Pick<VersionsTable, 'patient' | 'id' | 'type'>,
  { compartment, linked = [], beside = [], offered = [] }: View,
) =>
  compartment === undefined ||
  (patient === null ? beside.includes(id) || offered.includes(type) : [compartment, ...linked].includes(patient));
