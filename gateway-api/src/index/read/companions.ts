/**
 * Records about no patient that records refer to (model/companions.ts), directly or through each other: what goes with a
 * delivery, and what a patient reads beside her own records. Only of the collection that the referring record lies in.
 */
import { companionTypes, isCompanion, type Target, targetsIn } from '@telemed-ledger/chaincode/model/companions.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { IntegrityFailure } from '../../http/failures.ts';
import { inStretches } from '../../http/pauses.ts';
import type { IndexTables } from '../schema.ts';
import { indexed } from '../storable.ts';
import { STANDING, type Standing } from '../write/resources.ts';
import { contentOf } from '../write/values.ts';
import type { Checks } from './checks.ts';
import { NEWEST } from './matching.ts';
import type { VersionRow } from './stored.ts';

const CARE = collections.care('');
const IDS_PER_QUERY = 500;
/** A version never changes, so what it refers to is found out once. */
const KNOWN_VERSIONS = 50_000;

/** One that is found; without its row where that cannot be shown, which `fault` says. */
export interface FoundCompanion {
  type: string;
  id: string;
  version: number;
  row?: VersionRow;
  resource?: Resource;
  fault?: 'invalid' | 'unreadable';
}

export class Companions {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;
  readonly #targets = new LRUCache<number, Target[]>({ max: KNOWN_VERSIONS });

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** What these targets mean in a collection, as it stands now. */
  async meant(collection: string, targets: readonly Target[]): Promise<FoundCompanion[]> {
    const rows = await this.#rowsOf(collection, await this.#idsOf(collection, targets));
    const found: FoundCompanion[] = [];
    for (const row of rows) {
      const one = await this.#read(row);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  /** Of all that a patient's records refer to, `Type/id`, each with the collection that it lies in. */
  async ofPatient(patient: string): Promise<{ type: string; id: string; collection: string }[]> {
    const own = await this.#db
      .selectFrom('versions')
      .select(['sequence', 'collection'])
      .where('patient', '=', patient)
      .where('current', '=', NEWEST)
      .where('erased', '=', 0)
      .where('fault', 'is', null)
      .where('source', 'is', null)
      .where('leaf', 'is not', null)
      .execute();
    const found: { type: string; id: string; collection: string }[] = [];
    const byCollection = new Map<string, number[]>();
    for (const { sequence, collection } of own.filter((row) => row.collection.startsWith(CARE)))
      byCollection.set(collection, [...(byCollection.get(collection) ?? []), sequence]);
    for (const [collection, sequences] of byCollection) {
      let targets = unique(await this.#targetsAt(sequences));
      for (const seen = new Set<string>(); targets.length > 0; ) {
        const fresh = (await this.meant(collection, targets)).filter(({ type, id }) => !seen.has(`${type}/${id}`));
        for (const { type, id, row } of fresh) {
          seen.add(`${type}/${id}`);
          if (row !== undefined) found.push({ type, id, collection });
        }
        targets = unique(
          fresh.flatMap(({ resource }) => (resource ? targetsIn(resource, providerOf(collection)) : [])),
        );
      }
    }
    return found;
  }

  /** What the records of these rows refer to. */
  async #targetsAt(sequences: readonly number[]): Promise<Target[]> {
    const unknown = sequences.filter((sequence) => !this.#targets.has(sequence));
    const pieces = Array.from({ length: Math.ceil(unknown.length / IDS_PER_QUERY) }, (_, piece) =>
      unknown.slice(piece * IDS_PER_QUERY, (piece + 1) * IDS_PER_QUERY),
    );
    for (const piece of pieces) {
      const rows = await this.#db.selectFrom('versions').selectAll().where('sequence', 'in', piece).execute();
      await inStretches(rows, (row) => {
        const resource = this.#resourceOf(row);
        this.#targets.set(row.sequence, resource ? targetsIn(resource, providerOf(row.collection)) : []);
      });
    }
    return sequences.flatMap((sequence) => this.#targets.get(sequence) ?? []);
  }

  async #idsOf(collection: string, targets: readonly Target[]): Promise<Set<string>> {
    const ids = new Set<string>();
    const identifiers: Extract<Target, { value: string }>[] = [];
    for (const target of targets) {
      if (!('reference' in target)) identifiers.push(target);
      else if (isOfType(target.reference)) ids.add(target.reference.slice(target.reference.indexOf('/') + 1));
    }
    for (let start = 0; start < identifiers.length; start += IDS_PER_QUERY) {
      const some = identifiers.slice(start, start + IDS_PER_QUERY);
      const rows = await this.#db
        .selectFrom('search_values')
        .selectAll()
        .where('parameter', '=', 'identifier')
        .where('type', 'in', [...companionTypes])
        .where('value', 'in', [...new Set(some.map(({ value }) => indexed(value)))])
        .where('collection', '=', collection)
        .execute();
      for (const { type, system, value, id } of this.#checks.rows('search_values', rows))
        if (some.some((one) => isOne(one, { type, system, value }))) ids.add(id);
    }
    return ids;
  }

  async #rowsOf(collection: string, ids: ReadonlySet<string>): Promise<Standing[]> {
    const all = [...ids];
    const found: Standing[] = [];
    for (let start = 0; start < all.length; start += IDS_PER_QUERY)
      found.push(
        ...(await this.#db
          .selectFrom('versions')
          .select(STANDING)
          .where('id', 'in', all.slice(start, start + IDS_PER_QUERY))
          .where('type', 'in', [...companionTypes])
          .where('collection', '=', collection)
          .where('current', '=', NEWEST)
          .where('erased', '=', 0)
          .where('patient', 'is', null)
          .where('leaf', 'is not', null)
          .execute()),
      );
    return found.sort((one, other) => one.sequence - other.sequence);
  }

  /** Undefined for what is about a patient after all. */
  async #read(standing: Standing): Promise<FoundCompanion | undefined> {
    const { type, id, version, sequence, fault } = standing;
    if (fault !== null) return { type, id, version, fault: 'invalid' };
    const row = await this.#db.selectFrom('versions').selectAll().where('sequence', '=', sequence).executeTakeFirst();
    if (row === undefined) return undefined;
    const resource = this.#resourceOf(row);
    if (resource === undefined) return { type, id, version, fault: 'unreadable' };
    return isCompanion(resource) ? { type, id, version, row, resource } : undefined;
  }

  /** Undefined where it is not as it was anchored. */
  #resourceOf(row: VersionRow): Resource | undefined {
    try {
      return contentOf(this.#checks.anchored('versions', row))?.resources[0];
    } catch (error) {
      if (error instanceof IntegrityFailure) return undefined;
      throw error;
    }
  }
}

const providerOf = (collection: string): string => collection.slice(CARE.length);
const isOfType = (reference: string): boolean => companionTypes.includes(reference.slice(0, reference.indexOf('/')));
const unique = (targets: readonly Target[]): Target[] => [
  ...new Map(targets.map((target) => [JSON.stringify(target), target])).values(),
];
const isOne = (
  target: Extract<Target, { value: string }>,
  row: { type: string; system: string; value: string },
): boolean =>
  (target.type === undefined || target.type === row.type) &&
  indexed(target.system) === row.system &&
  indexed(target.value) === row.value;
