/**
 * What a provider holds of a patient, in the order in which it is delivered. Without the texts: there may be thousands, and
 * most of them are read one by one.
 */
import { comparePlaces, type DeliveryPlace, placeOfRecord } from '@telemed-ledger/chaincode/model/deliveries.ts';
import type { Kysely } from 'kysely';
import { IntegrityFailure } from '../../http/failures.ts';
import type { IndexTables } from '../schema.ts';
import { STANDING, type Standing } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import { NEWEST } from './matching.ts';
import type { VersionRow } from './stored.ts';

/** The newest version of a record. */
export interface PatientRecord {
  type: string;
  id: string;
  version: number;
  /** Where its row is. */
  sequence: number;
  place: DeliveryPlace;
  /** Where its first version stands in the order of the ledger. */
  since: number;
  /** Why it is not shown: it is not valid, its row is not what this gateway wrote, or its patient has it restricted. */
  fault?: 'invalid' | 'unreadable' | 'disputed';
}

type First = Pick<VersionRow, 'last_updated' | 'sequence'>;

export interface WantedRecords {
  /** Empty: of all. */
  types: readonly string[];
  /** `Type/id`; absent: all. */
  records?: readonly string[] | undefined;
}

const IDS_PER_QUERY = 500;

export class PatientRecords {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** Types of what is here about a patient, whether a reader sees it or not. */
  async typesAbout(patient: string): Promise<ReadonlySet<string>> {
    const query = this.#db.selectFrom('versions').select('type').distinct();
    const rows = await query.where('patient', '=', patient).where('current', '=', NEWEST).execute();
    return new Set(rows.map(({ type }) => type));
  }

  /** Of a collection, what is critical first and in each group what was recorded last. */
  async of(collection: string, patient: string, { types, records }: WantedRecords): Promise<PatientRecord[]> {
    let query = this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('patient', '=', patient)
      .where('collection', '=', collection)
      .where('current', '=', NEWEST)
      .where('erased', '=', 0)
      // Consents lie in the same collection, and on no sheet.
      .where('leaf', 'is not', null);
    if (types.length > 0) query = query.where('type', 'in', [...types]);
    const wanted = records && new Set(records);
    const rows = (await query.execute()).filter(({ type, id }) => wanted?.has(`${type}/${id}`) ?? true);
    const firsts = await this.#firstRecorded(
      collection,
      rows.filter(({ version }) => version > 1).map(({ id }) => id),
    );
    const found = rows.map((row): PatientRecord => {
      const { type, id, version, sequence, last_updated: recorded } = row;
      const fault = this.#faultOf(row);
      const first = firsts.get(id);
      const place = placeOfRecord(type, first?.last_updated ?? recorded, id);
      const since = first?.sequence ?? sequence;
      return { type, id, version, sequence, place, since, ...(fault === undefined ? {} : { fault }) };
    });
    return found.sort((one, other) => comparePlaces(one.place, other.place));
  }

  /** The newest versions of a patient's records in a collection, last written first. No types given: all. */
  async newest(
    collection: string,
    patient: string,
    types: readonly string[],
    limit: number,
  ): Promise<{ type: string; id: string; version: number }[]> {
    let query = this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('patient', '=', patient)
      .where('collection', '=', collection)
      .where('current', '=', NEWEST)
      .where('erased', '=', 0)
      .where('fault', 'is', null)
      // Consents lie in the same collection, and on no sheet.
      .where('leaf', 'is not', null);
    if (types.length > 0) query = query.where('type', 'in', [...types]);
    const rows = await query.orderBy('sequence', 'desc').limit(limit).execute();
    return this.#checks.rows('versions', rows).map(({ type, id, version }) => ({ type, id, version }));
  }

  #faultOf(row: Standing): PatientRecord['fault'] {
    try {
      return this.#checks.row('versions', row).fault === null ? undefined : 'invalid';
    } catch (error) {
      if (error instanceof IntegrityFailure) return 'unreadable';
      throw error;
    }
  }

  /** The first version that is held of each. */
  async #firstRecorded(collection: string, ids: readonly string[]): Promise<Map<string, First>> {
    const found = new Map<string, First>();
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
      const rows = await this.#db
        .selectFrom('versions')
        .select(['id', 'last_updated', 'sequence'])
        .where('id', 'in', ids.slice(start, start + IDS_PER_QUERY))
        .where('collection', '=', collection)
        .orderBy('version', 'desc')
        .execute();
      for (const row of rows) found.set(row.id, row);
    }
    return found;
  }

  /** The row of one of them with its text, checked; undefined where it is gone. @throws {IntegrityFailure} */
  async row(sequence: number): Promise<VersionRow | undefined> {
    const row = await this.#db.selectFrom('versions').selectAll().where('sequence', '=', sequence).executeTakeFirst();
    return row && this.#checks.anchored('versions', row);
  }
}
