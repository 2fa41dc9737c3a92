/** Which records their patients have restricted, as the marks that every member holds say. */
import { restrictionHandle } from '@telemed-ledger/chaincode/model/corrections.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import type { IndexTables } from '../schema.ts';
import type { Evidence } from './evidence.ts';

const KIND = 'restricted';
const CARE = collections.care('');

/** A record that was restricted, or whose restriction was lifted, by one mark. */
export interface RestrictedRecord {
  type: string;
  record: string;
  /** Name of the provider whose record it is. */
  provider: string;
  /** Id of the Patient that it is about. */
  patient: string;
  /** Odd where a restriction begins. */
  n: number;
  /** ISO 8601 UTC. */
  at: string;
  transactionId: string;
}

type Subject = Pick<RestrictedRecord, 'type' | 'record' | 'provider' | 'patient'>;

export class Restrictions {
  readonly #db: Kysely<IndexTables>;
  readonly #evidence: Pick<Evidence, 'values' | 'newest'>;

  constructor(db: Kysely<IndexTables>, evidence: Pick<Evidence, 'values' | 'newest'>) {
    this.#db = db;
    this.#evidence = evidence;
  }

  /** Number of the newest mark of a record, 0 where there is none: odd while it is restricted. */
  newest(provider: string, record: string): Promise<number> {
    const series = privateKeys.restricted(restrictionHandle(provider, record), 0).replace(/0$/, '');
    return this.#evidence.newest(collections.marks, series);
  }

  /** Whether records of a provider are restricted now, asked once for many of them. */
  async of(provider: string): Promise<(record: string) => boolean> {
    const newest = new Map<string, number>();
    for (const { handle, n } of await this.#marks()) newest.set(handle, Math.max(newest.get(handle) ?? 0, n));
    if (newest.size === 0) return () => false;
    return (record) => (newest.get(restrictionHandle(provider, record)) ?? 0) % 2 === 1;
  }

  /** Every mark of records of these patients, or of one record, in the order of the ledger; of erased ones too. */
  async about(whose: { patients: readonly string[] } | { record: string }): Promise<RestrictedRecord[]> {
    const marks = await this.#marks();
    if (marks.length === 0) return [];
    const subjects = new Map((await this.#subjects(whose)).map((one) => [handleOf(one), one]));
    return marks.flatMap(({ handle, n, value, transactionId }) => {
      const subject = subjects.get(handle);
      const { at } = JSON.parse(value) as { at: string };
      return subject === undefined ? [] : [{ ...subject, n, at, transactionId }];
    });
  }

  async #marks() {
    const rows = await this.#evidence.values(collections.marks, KIND);
    return rows.map(({ key, value, transaction_id: transactionId }) => {
      const [handle = '', n] = parsePrivateKey(key).segments;
      return { handle, n: Number(n), value, transactionId };
    });
  }

  /** The first versions of records, and what is erased: of those the versions may be gone. */
  async #subjects(whose: { patients: readonly string[] } | { record: string }): Promise<Subject[]> {
    let records = this.#db
      .selectFrom('versions')
      .select(['id as record', 'type', 'collection', 'patient'])
      .where('leaf', 'is not', null)
      .where('source', 'is', null)
      .where('collection', 'like', `${CARE}%`);
    let erased = this.#db.selectFrom('erasures').select(['record', 'type', 'collection', 'patient']);
    if ('record' in whose) {
      records = records.where('id', '=', whose.record);
      erased = erased.where('record', '=', whose.record);
    } else {
      records = records.where('patient', 'in', [...whose.patients]);
      erased = erased.where('patient', 'in', [...whose.patients]);
    }
    const found = [...(await erased.execute()), ...(await records.distinct().execute())];
    return found.flatMap(({ record, type, collection, patient }) =>
      patient === null ? [] : [{ record, type, provider: collection.slice(CARE.length), patient }],
    );
  }
}

const handleOf = ({ provider, record }: Subject): string => restrictionHandle(provider, record);
