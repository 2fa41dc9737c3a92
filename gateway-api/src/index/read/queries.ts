/**
 * Reads of the read model. A `compartment` limits them to one patient's data. Copies whose time is over are not
 * there any more, whether they have been purged yet or not.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { ConsentState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Search, SearchPage, StoredResource } from '../../fhir/repository.ts';
import { SEARCH_PARAMETERS } from '../../fhir/search-parameters.ts';
import { IntegrityFailure } from '../../http/failures.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import type { IndexTables, PrivateValuesTable, StatesTable, TransactionsTable } from '../schema.ts';
import { indexed } from '../storable.ts';
import { byAge, resourceOf } from '../write/resources.ts';
import { Accesses } from './accesses.ts';
import { boundsOf } from './dates.ts';
import { OwnStates } from './own-states.ts';
import { storedResource, type VersionRow } from './stored.ts';
import { Undelivered, type UndeliveredOptions } from './undelivered.ts';

const IDS_PER_QUERY = 500;
const INBOX = 'inbox_';
const RECORD = 'record/';
const KNOWN_REFERENCES = 20_000;
const newKnown = () => new LRUCache<string, true>({ max: KNOWN_REFERENCES });
/** A literal: the indexes over the newest versions only are used where the statement says so itself. */
const NEWEST = sql.lit(1);

/**
 * What is asked for by ids or identifiers is few: found by the ids and then sorted. Written like this, no index over a
 * type, and none in the order of arrival, is taken for it and walked through; PostgreSQL did, until it had statistics.
 */
const FEW = { current: sql<number>`${sql.ref('current')} + 0`, sequence: sql<number>`${sql.ref('sequence')} + 0` };
const isForFew = ({ ids, values = [] }: Search): boolean =>
  ids !== undefined || values.some(({ parameter }) => RARE.has(parameter));
const RARE = new Set(SEARCH_PARAMETERS.filter(({ isRare }) => isRare).map(({ name }) => name));
const IDENTIFIER = 'identifier';

type VersionQuery<O> = SelectQueryBuilder<IndexTables, 'versions', O>;

export interface ReadModelOptions {
  db: Kysely<IndexTables>;
  consortium: Consortium;
  /** Name of this gateway's organisation: only copies in its own inbox are shown. */
  organisation: string;
  log: Logger;
  /** Called for every content that fails its check, without the content. */
  onIntegrityFailure?: () => void;
  undelivered?: UndeliveredOptions;
}

const NOTHING_UNDELIVERED: UndeliveredOptions = { lacks: () => 0, retryAfterSeconds: () => 1 };

export class ReadModel {
  readonly #options: ReadModelOptions;
  readonly undelivered: Undelivered;
  readonly own: OwnStates;
  readonly accesses: Accesses;
  /** `Type/id` of records that were found here, until something is removed: see `forgetKnown`. */
  #known = newKnown();

  constructor(options: ReadModelOptions) {
    this.#options = options;
    const { db, organisation, undelivered = NOTHING_UNDELIVERED } = options;
    this.undelivered = new Undelivered(db, organisation, undelivered);
    this.own = new OwnStates(db);
    this.accesses = new Accesses(db);
  }

  get #db(): Kysely<IndexTables> {
    return this.#options.db;
  }

  /** Newest first; copies only where there is no original. @throws {Failure} 503 while one of them is on its way */
  async versions(type: string, id: string, compartment?: string): Promise<StoredResource[]> {
    const rows = await this.#rows(type, id, { compartment });
    const newest = rows[0]?.version ?? 0;
    await this.undelivered.demandNext(id, newest);
    await this.undelivered.demandVersions(id, gapsIn(rows));
    return this.#shown(type, id, rows);
  }

  /** @throws {Failure} 503 while this version is on its way. */
  async version(type: string, id: string, version: number, compartment?: string): Promise<StoredResource | undefined> {
    const rows = await this.#rows(type, id, { compartment });
    const found = (await this.#shown(type, id, rows)).find((one) => one.version === version);
    if (found === undefined) await this.undelivered.demandVersions(id, [version]);
    if (rows.length === 0) await this.undelivered.demandNext(id, 0);
    return found;
  }

  /** @throws {Failure} 503 while a newer version is on its way. */
  async newest(type: string, id: string, compartment?: string): Promise<StoredResource | undefined> {
    const row = await this.#newestRow(type, id, compartment);
    const [newest] = row === undefined ? [] : await this.#shown(type, id, [row]);
    return newest;
  }

  /** The row behind `newest`, for those who need its text and its key. */
  newestRow(type: string, id: string): Promise<VersionRow | undefined> {
    return this.#newestRow(type, id, undefined);
  }

  async #newestRow(type: string, id: string, compartment: string | undefined): Promise<VersionRow | undefined> {
    const [row] = await this.#rows(type, id, { compartment, limit: 1 });
    await this.undelivered.demandNext(id, row?.version ?? 0);
    return row;
  }

  #shown(type: string, id: string, rows: readonly VersionRow[]): Promise<StoredResource[]> {
    return this.#withRevocation(
      type,
      id,
      rows.map((row) => this.stored(row)),
    );
  }

  async #rows(
    type: string,
    id: string,
    { compartment, limit }: { compartment?: string | undefined; limit?: number },
  ): Promise<VersionRow[]> {
    let query = this.#visible().selectAll('versions').where('id', '=', id).where('type', '=', type);
    if (compartment !== undefined) query = query.where('patient', '=', compartment);
    const rows = await query.orderBy('sequence').execute();
    const home = rows.find((row) => row.source === null) ?? rows[0];
    const own = rows.filter((row) => home !== undefined && resourceOf(row) === resourceOf(home)).sort(byAge);
    const distinct = own.filter((row, index) => row.version !== own[index - 1]?.version);
    return limit === undefined ? distinct : distinct.slice(0, limit);
  }

  #visible(): VersionQuery<object> {
    const now = new Date().toISOString();
    const inbox = collections.inbox(this.#options.organisation);
    return this.#db
      .selectFrom('versions')
      .where((where) =>
        where.or([
          where('source', 'is', null),
          where.and([where('collection', '=', inbox), where('expires_at', '>', now)]),
        ]),
      );
  }

  /** The resource of a row, checked; a failed check is logged by its place alone. */
  stored(row: VersionRow): StoredResource {
    try {
      return storedResource(row, this.#options.consortium);
    } catch (error) {
      if (error instanceof IntegrityFailure) {
        this.#options.log.error(
          { transactionId: row.transaction_id, type: row.type },
          'stored content fails its anchor',
        );
        this.#options.onIntegrityFailure?.();
      }
      throw error;
    }
  }

  /**
   * Revoking writes no new content: the public state says it. The revoked consent is shown as one more version,
   * status inactive.
   */
  async #withRevocation(type: string, id: string, versions: StoredResource[]): Promise<StoredResource[]> {
    const [newest] = versions;
    if (type !== 'Consent' || newest === undefined) return versions;
    const row = await this.state('consent', id);
    const state = row === undefined ? undefined : (JSON.parse(row.value) as ConsentState);
    if (row === undefined || state?.status !== 'revoked') return versions;
    const version = newest.version + 1;
    const meta = { ...(newest.resource['meta'] as object), versionId: String(version), lastUpdated: state.updatedAt };
    const revoked: StoredResource = {
      ...newest,
      resource: { ...newest.resource, status: 'inactive', meta },
      version,
      lastUpdated: state.updatedAt,
      transactionId: row.transaction_id,
    };
    return [revoked, ...versions];
  }

  /** Current versions in the order in which they arrived. */
  async search(search: Search, compartment?: string): Promise<SearchPage> {
    const matching = this.#matching(search, compartment);
    let page = matching
      .selectAll('versions')
      .orderBy(isForFew(search) ? FEW.sequence : 'sequence')
      .limit(search.count + 1);
    if (search.after !== undefined) page = page.where('sequence', '>', Number(search.after));
    const rows = await page.execute();
    const shown = rows.slice(0, search.count);
    const matches: StoredResource[] = [];
    for (const row of shown) {
      const [newest] = await this.#withRevocation(row.type, row.id, [this.stored(row)]);
      if (newest !== undefined) matches.push(newest);
    }
    const { total } = await matching
      .select((select) => select.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const last = shown.at(-1);
    const lacks = this.undelivered.count();
    return {
      matches,
      total,
      ...(lacks === 0 ? {} : { undelivered: lacks }),
      ...(rows.length > search.count && last !== undefined ? { next: String(last.sequence) } : {}),
    };
  }

  #matching(search: Search, compartment?: string): VersionQuery<object> {
    const current = isForFew(search) ? FEW.current : 'current';
    let query = this.#visible().where(current, '=', NEWEST).where('type', '=', search.type);
    if (compartment !== undefined) query = query.where('patient', '=', compartment);
    if (search.ids !== undefined) query = query.where('id', 'in', search.ids);
    if (search.patients !== undefined) query = query.where('patient', 'in', search.patients);
    for (const { parameter, anyOf } of search.values ?? []) {
      query = query.where('id', 'in', (where) =>
        where
          .selectFrom('search_values')
          .select('search_values.id')
          .where('search_values.type', '=', search.type)
          .where('search_values.parameter', '=', parameter)
          .where((or) =>
            or.or(
              anyOf.map(({ system, value }) =>
                system === undefined
                  ? or('search_values.value', '=', indexed(value))
                  : or.and([
                      or('search_values.value', '=', indexed(value)),
                      or('search_values.system', '=', indexed(system)),
                    ]),
              ),
            ),
          ),
      );
    }
    for (const condition of search.lastUpdated ?? []) {
      const alternatives = boundsOf(condition);
      query = query.where((where) =>
        where.or(
          alternatives.map((all) =>
            where.and(all.map((bound) => where('last_updated', bound.operator, bound.instant))),
          ),
        ),
      );
    }
    return query;
  }

  /**
   * Which of these `Type/id` are not here. A record that was found once is not looked for again.
   * @throws {Failure} 503 where one is on its way.
   */
  async missing(references: string[]): Promise<string[]> {
    const found = new Set<string>();
    const known = this.#known;
    const unknown = references.filter((reference) => known.get(reference) !== true);
    const ids = [...new Set(unknown.map((reference) => reference.slice(reference.indexOf('/') + 1)))];
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
      const rows = await this.#visible()
        .select(['type', 'id', 'key'])
        .distinct()
        .where('id', 'in', ids.slice(start, start + IDS_PER_QUERY))
        .execute();
      for (const { type, id, key } of rows) {
        found.add(`${type}/${id}`);
        if (key.startsWith(RECORD)) known.set(`${type}/${id}`, true);
      }
    }
    const missing = unknown.filter((reference) => !found.has(reference));
    for (const reference of missing) await this.undelivered.demandNext(reference.slice(reference.indexOf('/') + 1), 0);
    return missing;
  }

  /** To be called when a private value has been deleted or purged. A search under way keeps the set that it began with. */
  forgetKnown(): void {
    this.#known = newKnown();
  }

  /** Ids of this organisation's own resources by identifier; delivered copies are not meant. */
  async findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]> {
    const wanted = queries.map(({ type, system, value }) => ({
      type,
      system: system === undefined ? undefined : indexed(system),
      value: indexed(value),
    }));
    const values = [...new Set(wanted.map((query) => query.value))];
    const rows: { type: string; system: string; value: string; id: string }[] = [];
    for (let start = 0; start < values.length; start += IDS_PER_QUERY) {
      const found = await this.#db
        .selectFrom('search_values')
        .select(['type', 'system', 'value', 'id'])
        .where('parameter', '=', IDENTIFIER)
        .where('type', 'in', [...new Set(queries.map((query) => query.type))])
        .where('value', 'in', values.slice(start, start + IDS_PER_QUERY))
        .where('collection', 'not like', `${INBOX}%`)
        .execute();
      rows.push(...found);
    }
    return wanted.map(({ type, system, value }) => [
      ...new Set(
        rows
          .filter((row) => row.type === type && row.value === value && (system === undefined || row.system === system))
          .map((row) => row.id),
      ),
    ]);
  }

  async state(kind: string, id: string): Promise<StatesTable | undefined> {
    return this.#db.selectFrom('states').selectAll().where('kind', '=', kind).where('id', '=', id).executeTakeFirst();
  }

  /** A private value without a resource, checked against its anchor. */
  async privateValue(collection: string, key: string): Promise<Selectable<PrivateValuesTable> | undefined> {
    const row = await this.#db
      .selectFrom('private_values')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .executeTakeFirst();
    return row;
  }

  /** The row of a type in a private value. */
  async rowAt(collection: string, key: string, type: string): Promise<VersionRow | undefined> {
    return this.#db
      .selectFrom('versions')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .where('type', '=', type)
      .executeTakeFirst();
  }

  /** The text of a private value that holds resources, exactly as anchored. @throws {Failure} 503 while it is on its way */
  async anchoredText(collection: string, key: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('versions')
      .select('value')
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .executeTakeFirst();
    if (row === undefined) await this.undelivered.demandValue(key);
    return row?.value;
  }

  /** Ids of the records of one delivered access. */
  async copiesOf(access: string): Promise<string[]> {
    const rows = await this.#db.selectFrom('versions').select('key').where('access', '=', access).execute();
    return [...new Set(rows.map((row) => row.key.split('/')[2] ?? ''))].filter((id) => id !== '');
  }

  /** The Patient record in a collection that carries an identifier: its newest version. */
  async patientByIdentifier(
    collection: string,
    identifier: { system: string; value: string },
  ): Promise<{ id: string; version: number } | undefined> {
    return this.#db
      .selectFrom('search_values')
      .innerJoin('versions', (join) =>
        join
          .onRef('versions.id', '=', 'search_values.id')
          .onRef('versions.type', '=', 'search_values.type')
          .onRef('versions.collection', '=', 'search_values.collection'),
      )
      .select(['versions.id', 'versions.version'])
      .where('search_values.parameter', '=', IDENTIFIER)
      .where('search_values.type', '=', 'Patient')
      .where('search_values.value', '=', indexed(identifier.value))
      .where('search_values.system', '=', indexed(identifier.system))
      .where('search_values.collection', '=', collection)
      .where(FEW.current, '=', NEWEST)
      .orderBy('versions.sequence')
      .executeTakeFirst();
  }

  /** The newest versions of a patient's records in a collection, last written first. No types given: all. */
  async recordsOfPatient(
    collection: string,
    patient: string,
    types: string[],
    limit: number,
  ): Promise<{ id: string; version: number }[]> {
    let query = this.#db
      .selectFrom('versions')
      .select(['id', 'version'])
      .where('patient', '=', patient)
      .where('collection', '=', collection)
      .where('current', '=', NEWEST);
    if (types.length > 0) query = query.where('type', 'in', types);
    return query.orderBy('sequence', 'desc').limit(limit).execute();
  }

  async transaction(transactionId: string): Promise<TransactionsTable | undefined> {
    return this.#db
      .selectFrom('transactions')
      .selectAll()
      .where('transaction_id', '=', transactionId)
      .executeTakeFirst();
  }
}

const LONGEST_GAP = 100;

/** Versions that are lacking between those held; of a long gap the first. */
function gapsIn(rows: readonly VersionRow[]): number[] {
  const versions = rows.map(({ version }) => version).reverse();
  return versions.flatMap((version, index) => {
    const before = versions[index - 1] ?? 0;
    return Array.from({ length: Math.min(version - before - 1, LONGEST_GAP) }, (_, at) => before + 1 + at);
  });
}

/** How a transaction ended, as its block says. */
export const outcomeOf = (row: TransactionsTable): Outcome => ({
  transactionId: row.transaction_id,
  code: row.code,
  block: row.block,
  endorsers: row.endorsers.split(',').filter((mspId) => mspId !== ''),
  time: row.time,
});
