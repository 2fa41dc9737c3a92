/**
 * What is erased: whether a record is, as every member can tell by the hash of its mark; which erasures this organisation has
 * a part in; and what of their texts is still to be purged.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, sql } from 'kysely';
import { gone } from '../../http/failures.ts';
import { NEWEST_OF_ALL } from '../current.ts';
import type { ErasuresTable, IndexTables, VersionsTable } from '../schema.ts';
import { STANDING, type Standing } from '../write/resources.ts';
import type { Checks } from './checks.ts';
import type { PageOptions } from './own-states.ts';
import { RefusedKeys } from './refused.ts';

/** A literal: the partial index is used only where the statement says so itself. */
const YES = sql.lit(1);
const CARE = collections.care('');

export interface ErasurePage {
  erasures: ErasuresTable[];
  /** Where the next page begins; undefined behind the last one. */
  next?: string;
}

/** A record that may be erased. */
export interface ErasureSubject {
  type: string;
  record: string;
  /** Name of the provider whose record it is. */
  provider: string;
  /** Id of the Patient that it is about. */
  patient: string | null;
}

/** Which erasures are meant: those about these patients, marked then; else all. */
export interface ErasureListing extends PageOptions {
  patients?: readonly string[] | undefined;
}

export class Erasures {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;
  readonly #providers: readonly string[];
  readonly #lacks: () => number;
  /** What was refused, which goes as what is erased. */
  readonly refused: RefusedKeys;

  /** @param lacks how many values have not arrived: a mark may be among them */
  constructor(db: Kysely<IndexTables>, checks: Checks, consortium: Consortium, lacks: () => number) {
    this.#db = db;
    this.#checks = checks;
    this.#lacks = lacks;
    this.refused = new RefusedKeys(db, checks);
    this.#providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  }

  /**
   * Of a record that is read. Rows say of themselves that they are erased; where none is held, or the mark itself is on its
   * way, the mark's hash does. No patient learns of the erasure of another's.
   * @param newest what is held of it
   * @throws {Failure} 410
   */
  async demandNone(
    record: string,
    newest: Pick<VersionsTable, 'leaf'> | undefined,
    compartment: string | undefined,
  ): Promise<void> {
    if (newest !== undefined && (newest.leaf === null || this.#lacks() === 0)) return;
    if (!(await this.marked([record])).has(record)) return;
    if (newest !== undefined || compartment === undefined || (await this.#wasOf(compartment, record))) throw gone();
  }

  /** Of these records those that are marked, by whoever knows their ids. */
  async marked(records: readonly string[]): Promise<Set<string>> {
    const marks = new Map<string, string>();
    for (const record of records)
      for (const provider of this.#providers)
        marks.set(sha256Hex(privateKeys.erased(erasureHandle(provider, record))), record);
    if (marks.size === 0) return new Set();
    const rows = await this.#db
      .selectFrom('anchors')
      .selectAll()
      .where('key_hash', 'in', [...marks.keys()])
      .where('collection', '=', collections.marks)
      .execute();
    return new Set(this.#checks.rows('anchors', rows).flatMap(({ key_hash }) => marks.get(key_hash) ?? []));
  }

  async #wasOf(patient: string, record: string): Promise<boolean> {
    const row = await this.#all().where('record', '=', record).where('patient', '=', patient).executeTakeFirst();
    return row !== undefined && this.#checks.row('erasures', row) !== undefined;
  }

  async find(id: string): Promise<ErasuresTable | undefined> {
    const row = await this.#all().where('id', '=', id).executeTakeFirst();
    return row && this.#checks.row('erasures', row);
  }

  /** In the order in which they were marked. @throws {IntegrityFailure} */
  async page({ patients, count, after }: ErasureListing): Promise<ErasurePage> {
    let query = this.#all()
      .orderBy('sequence')
      .limit(count + 1);
    if (patients !== undefined) query = query.where('patient', 'in', [...patients]);
    if (after !== undefined) query = query.where('sequence', '>', Number(after));
    const rows = this.#checks.rows('erasures', await query.execute());
    const erasures = rows.slice(0, count);
    const last = erasures.at(-1);
    return { erasures, ...(rows.length > count && last !== undefined ? { next: String(last.sequence) } : {}) };
  }

  /** The latest first. @param behind sequence of the last one of the page before @throws {IntegrityFailure} */
  async latest(
    patients: readonly string[] | undefined,
    { count, behind = Number.MAX_SAFE_INTEGER }: { count: number; behind?: number | undefined },
  ): Promise<readonly ErasuresTable[]> {
    let query = this.#all().where('sequence', '<', behind).orderBy('sequence', 'desc').limit(count);
    if (patients !== undefined) query = query.where('patient', 'in', [...patients]);
    return this.#checks.rows('erasures', await query.execute());
  }

  /** What may be erased of a type and id: a record of a provider that this organisation shares a collection with. */
  async subject(type: string, record: string): Promise<ErasureSubject | undefined> {
    const rows = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('id', '=', record)
      .where('type', '=', type)
      .where('current', 'in', NEWEST_OF_ALL)
      .where('leaf', 'is not', null)
      .where('collection', 'like', `${CARE}%`)
      .execute();
    const [held] = this.#checks.rows('versions', rows).toSorted((one, other) => one.sequence - other.sequence);
    const known = held ?? (await this.#all().where('record', '=', record).where('type', '=', type).executeTakeFirst());
    if (known === undefined) return undefined;
    if (held === undefined) this.#checks.row('erasures', known as IndexTables['erasures']);
    return { type, record, provider: known.collection.slice(CARE.length), patient: known.patient };
  }

  /** Whether other records of a patient than the Patient itself, or consents, stand in a provider's collection. */
  async others(provider: string, patient: string): Promise<readonly Pick<Standing, 'type' | 'id'>[]> {
    const rows = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('patient', '=', patient)
      .where('collection', '=', `${CARE}${provider}`)
      .where('current', 'in', NEWEST_OF_ALL)
      .where('erased', '=', 0)
      .where('id', '!=', patient)
      .execute();
    return this.#checks.rows('versions', rows);
  }

  /** How many there are; those about these patients, or all. */
  async count(patients?: readonly string[]): Promise<number> {
    let query = this.#db.selectFrom('erasures').select((select) => select.fn.countAll<number>().as('total'));
    if (patients !== undefined) query = query.where('patient', 'in', [...patients]);
    return Number((await query.executeTakeFirstOrThrow()).total);
  }

  /** The erased versions that lie under a key. */
  async heldUnder(collection: string, keyHash: string): Promise<readonly Standing[]> {
    const rows = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('key_hash', '=', keyHash)
      .where('collection', '=', collection)
      .where('erased', '=', YES)
      .execute();
    return this.#checks.rows('versions', rows);
  }

  /** Erased versions that this organisation holds, of records and of delivered copies, oldest first. */
  async held({ count, after }: PageOptions): Promise<readonly Standing[]> {
    let query = this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('erased', '=', YES)
      .orderBy('sequence')
      .limit(count);
    if (after !== undefined) query = query.where('sequence', '>', Number(after));
    return query.execute();
  }

  /** The same, of one record of a provider. */
  async heldOf(provider: string, record: string): Promise<readonly Standing[]> {
    const rows = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('id', '=', record)
      .where('erased', '=', YES)
      .execute();
    return rows.filter((row) => (row.source ?? row.collection.slice(CARE.length)) === provider);
  }

  #all() {
    return this.#db.selectFrom('erasures').selectAll();
  }
}
