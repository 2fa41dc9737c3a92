/**
 * The patients of whom something came onto the ledger that may let a request for their records be permitted: a record, a
 * consent in any version, the end of one that denied it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';

const CARE = collections.care('');
/** Rows of the order of the ledger that are looked at together. */
const STRETCH = 1_000;
const MARKS = ['revoked', 'withdrawn'] as const;

/** How far the order of the ledger goes, of what may concern a patient. */
export interface Heads {
  versions: number;
  marks: number;
}

export class ConcernedPatients {
  readonly #db: Kysely<IndexTables>;

  constructor(db: Kysely<IndexTables>) {
    this.#db = db;
  }

  async heads(): Promise<Heads> {
    const versions = this.#db.selectFrom('versions').select(({ fn }) => fn.max<number>('sequence').as('head'));
    const marks = await Promise.all(
      MARKS.map((kind) =>
        this.#marks(kind)
          .select(({ fn }) => fn.max<number>('sequence').as('head'))
          .executeTakeFirst(),
      ),
    );
    return {
      versions: Number((await versions.executeTakeFirst())?.head ?? 0),
      marks: Math.max(0, ...marks.map((row) => Number(row?.head ?? 0))),
    };
  }

  /** Ids of the Patients concerned by what came after the one and up to the other. */
  async between(from: Heads, to: Heads): Promise<Set<string>> {
    const found = new Set<string>();
    for (let at = from.versions; at < to.versions; ) {
      const rows = await this.#db
        .selectFrom('versions')
        .select(['sequence', 'type', 'id', 'patient', 'collection'])
        .where('sequence', '>', at)
        .where('sequence', '<=', to.versions)
        .orderBy('sequence')
        .limit(STRETCH)
        .execute();
      for (const { type, id, patient, collection } of rows.filter((row) => row.collection.startsWith(CARE))) {
        if (patient !== null) found.add(patient);
        if (type === 'Patient' && collection.startsWith(CARE)) found.add(id);
      }
      at = rows.length < STRETCH ? to.versions : rows.at(-1)!.sequence;
    }
    for (const consent of await this.#ended(from.marks, to.marks))
      for (const patient of await this.#patientsOf(consent)) found.add(patient);
    return found;
  }

  /** Consents that were ended. */
  async #ended(from: number, to: number): Promise<string[]> {
    const rows = await Promise.all(
      MARKS.map((kind) =>
        this.#marks(kind).select('key').where('sequence', '>', from).where('sequence', '<=', to).execute(),
      ),
    );
    return rows.flat().map(({ key }) => key.split('/')[1] ?? '');
  }

  async #patientsOf(consent: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('versions')
      .select('patient')
      .distinct()
      .where('id', '=', consent)
      .where('type', '=', 'Consent')
      .execute();
    return rows.flatMap(({ patient }) => patient ?? []);
  }

  #marks(kind: (typeof MARKS)[number]) {
    return this.#db.selectFrom('private_values').where('kind', '=', kind).where('collection', '=', collections.marks);
  }
}
