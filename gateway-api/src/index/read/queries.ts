/**
 * Reads of the read model. A `compartment` limits them to one patient's data. Copies whose time is over are not
 * there any more, whether they have been purged yet or not.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { AskedVersions } from '../../fhir/asked-versions.ts';
import type { HistoryPage, Search, SearchPage, StoredResource, VersionsPage } from '../../fhir/repository.ts';
import { isAsked } from '../../fhir/search/matching.ts';
import { absentWhereGone, demandThere, gone } from '../../http/failures.ts';
import { inStretches } from '../../http/pauses.ts';
import { isDeletion } from '../current.ts';
import type { IndexTables, PrivateValuesTable, StatesTable, TransactionsTable } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { byAge, isNewest, resourceOf, STANDING } from '../write/resources.ts';
import { AccessSteps } from './access-steps.ts';
import { Accesses } from './accesses.ts';
import { CarriedReads } from './carried-reads.ts';
import { Checks } from './checks.ts';
import { ClaimWords } from './claim-words.ts';
import { Companions } from './companions.ts';
import { ConcernedPatients } from './concerned.ts';
import { type ConsentEnd, endOf, revokedOf, shownAt, UNKNOWN } from './consent-ends.ts';
import { Cosignatures } from './cosignatures.ts';
import { Counts } from './counts.ts';
import { Delivered } from './delivered.ts';
import { Deliveries, isIn, type View } from './deliveries.ts';
import { Erasures } from './erasures.ts';
import { Evidence } from './evidence.ts';
import { Histories } from './histories.ts';
import { claimsByName, idsByIdentifier } from './identifiers.ts';
import { LinkedPatients } from './links.ts';
import { LotRegister } from './lots.ts';
import { heldIn, matchingIn, NEWEST } from './matching.ts';
import { narrowed } from './narrowing.ts';
import { OwnStates } from './own-states.ts';
import { PatientRecords } from './patient-records.ts';
import { Referrers } from './referrers.ts';
import { LicenceRegister } from './register.ts';
import { Restrictions } from './restrictions.ts';
import { type Chosen, chosenRows, searchRows } from './rows.ts';
import { partedByStanding } from './standing.ts';
import { demandShown, storedResource, type VersionRow } from './stored.ts';
import { LedgerTree } from './tree.ts';
import { gapsIn, Undelivered, type UndeliveredOptions } from './undelivered.ts';
import type { VersionQuery } from './version-query.ts';

const IDS_PER_QUERY = 500;
const KNOWN_REFERENCES = 20_000;
const newKnown = () => new LRUCache<string, true>({ max: KNOWN_REFERENCES });
const [RECORD, CONSENT] = ['content/', 'consent/'];
const ALL = Number.POSITIVE_INFINITY;
/** Resources that a search says are not shown; beyond that it says so many. */
const MOST_FAULTY = 1_000;

/** What of a version is known without its text. */
type Standing = Omit<VersionRow, 'value'>;

export interface HistoryOptions extends View {
  /** Versions of the page; all where it is left out, as far as they fit into one answer. */
  count?: number | undefined;
  /** `next` of the page before. */
  before?: number | undefined;
  /** As a page of HistoryPage. */
  since?: number | undefined;
  at?: HistoryPage['at'] | undefined;
}

export interface ReadModelOptions {
  db: Kysely<IndexTables>;
  /** What the rows must carry. */
  seals: Seals;
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
  readonly #checks: Checks;
  readonly undelivered: Undelivered;
  readonly own: OwnStates;
  readonly accesses: Accesses;
  readonly deliveries: Deliveries;
  readonly patientRecords: PatientRecords;
  readonly links: LinkedPatients;
  readonly companions: Companions;
  readonly delivered: Delivered;
  readonly concerned: ConcernedPatients;
  readonly steps: AccessSteps;
  readonly evidence: Evidence;
  readonly erasures: Erasures;
  readonly restrictions: Restrictions;
  readonly register: LicenceRegister;
  readonly lots: LotRegister;
  readonly tree: LedgerTree;
  readonly counts: Counts;
  readonly cosignatures: Cosignatures;
  readonly carriedReads: CarriedReads;
  readonly referrers: Referrers;
  readonly histories: Histories;
  readonly #claims: ClaimWords;
  /** `Type/id` of records that were found here, until something is removed: see `forgetKnown`. */
  #known = newKnown();

  constructor(options: ReadModelOptions) {
    this.#options = options;
    const { db, seals, log, onIntegrityFailure = () => {}, organisation, undelivered = NOTHING_UNDELIVERED } = options;
    this.#checks = new Checks(seals, log, onIntegrityFailure);
    this.undelivered = new Undelivered(db, this.#checks, organisation, undelivered);
    this.own = new OwnStates(db, this.#checks);
    this.accesses = new Accesses(db);
    this.concerned = new ConcernedPatients(db);
    this.deliveries = new Deliveries(db, this.#checks, this.#inbox);
    this.patientRecords = new PatientRecords(db, this.#checks);
    this.companions = new Companions(db, this.#checks);
    this.delivered = new Delivered(db);
    this.links = new LinkedPatients(db, this.#checks, () => this.undelivered.count());
    this.steps = new AccessSteps(db, this.#checks);
    this.evidence = new Evidence(db, this.#checks);
    this.erasures = new Erasures(db, this.#checks, options.consortium, () => this.undelivered.count());
    this.register = new LicenceRegister(this.evidence);
    this.lots = new LotRegister(this.evidence);
    this.restrictions = new Restrictions(db, this.evidence);
    this.tree = new LedgerTree(db, this.#checks);
    this.counts = new Counts(db);
    this.carriedReads = new CarriedReads(db, this.#checks);
    this.cosignatures = new Cosignatures(db, this.#checks);
    this.histories = new Histories(db, this.#checks);
    this.referrers = new Referrers(db, collections.care(organisation));
    this.#claims = new ClaimWords(
      options.consortium,
      async (claim) => (await this.state('claim', claim)) ?? this.state('authorization', claim),
    );
  }

  get #db(): Kysely<IndexTables> {
    return this.#options.db;
  }

  /**
   * A page of the versions of a resource, newest first; copies only where there is no original. Its total is of all.
   * @throws {Failure} 503 while one of them is on its way, 410 where the record is erased; so do the other reads by id
   */
  async versions(
    type: string,
    id: string,
    { count = ALL, before = ALL, since, at, ...view }: HistoryOptions = {},
  ): Promise<VersionsPage> {
    let all: readonly Standing[] = [];
    const wanted = new AskedVersions({ since, at });
    const { rows, isCut } = await this.#rows(type, id, view, (standing) => {
      all = standing;
      const asked = wanted.of(standing).filter((row) => row.version < before);
      return asked.slice(0, count);
    });
    const [newest] = all;
    await this.erasures.demandNone(id, newest, view.compartment);
    await this.undelivered.demandNext(id, newest?.version ?? 0);
    await this.undelivered.demandVersions(id, gapsIn(all));
    const shown = all.filter(({ fault }) => fault === null);
    if (newest !== undefined && shown.length === 0) demandShown(newest);
    const versions = rows.map((row) => this.stored(row));
    const revocation = newest === undefined || newest.fault !== null ? undefined : await this.#revocation(newest);
    const isEndAsked = revocation !== undefined && wanted.isAsked(revocation.at);
    const revoked =
      isEndAsked && before === ALL ? (versions[0] ?? (await this.#newestStored(type, id, view))) : undefined;
    const isOver = revocation !== undefined && wanted.isOver(revocation.at);
    if (isOver && versions[0]?.version === newest?.version) versions.shift();
    if (revoked !== undefined) versions.unshift(revokedOf(revoked, revocation!));
    const asked = wanted.of(all).slice(isOver ? 1 : 0);
    const oldest = rows.at(-1)?.version ?? 0;
    const isMore = rows.length > 0 && (isCut || asked.some(({ version }) => version < oldest));
    const total = asked.length + (isEndAsked ? 1 : 0);
    return { versions, total, exists: shown.length > 0, ...(isMore ? { next: oldest } : {}) };
  }

  /** @throws {Failure} 503 while this version is on its way. */
  async version(type: string, id: string, version: number, view: View = {}): Promise<StoredResource | undefined> {
    let known: Standing | undefined;
    const { rows } = await this.#rows(type, id, view, (standing) => {
      [known] = standing;
      // A revocation is one more version than the newest that was written.
      const newest = standing[0]?.version ?? 0;
      return standing.filter((row) => row.version === Math.min(version, newest));
    });
    await this.erasures.demandNone(id, known, view.compartment);
    const found = (await this.#shown(rows)).find((one) => one.version === version);
    if (found === undefined) await this.undelivered.demandVersions(id, [version]);
    if (known === undefined) await this.undelivered.demandNext(id, 0);
    return found && demandThere(found);
  }

  /** @throws {Failure} 503 while a newer version is on its way. */
  async newest(type: string, id: string, view: View = {}): Promise<StoredResource | undefined> {
    const found = await this.standing(type, id, view);
    return found && demandThere(found);
  }

  /** The same, and what says of a resource that it is deleted. */
  async standing(type: string, id: string, view: View = {}): Promise<StoredResource | undefined> {
    const row = await this.#newestRow(type, id, view);
    return row && this.#asItStands(row);
  }

  /** The row behind `newest`, for those who need its text and its key; undefined where the record is erased or deleted. */
  async newestRow(type: string, id: string): Promise<VersionRow | undefined> {
    const row = await this.#newestRow(type, id, {}).catch(absentWhereGone);
    return row === undefined || isDeletion(row) ? undefined : row;
  }

  async #newestStored(type: string, id: string, view: View): Promise<StoredResource | undefined> {
    const row = await this.#newestRow(type, id, view);
    return row && this.stored(row);
  }

  async #newestRow(type: string, id: string, view: View): Promise<VersionRow | undefined> {
    const { rows } = await this.#rows(type, id, view, (standing) => standing.slice(0, 1));
    const [row] = rows;
    // What is erased is not waited for.
    await this.erasures.demandNone(id, row, view.compartment);
    await this.undelivered.demandNext(id, row?.version ?? 0);
    return row && demandShown(this.#checks.anchored('versions', row));
  }

  /** A row as a resource, with the revocation before it where it is the newest of a consent that was revoked. */
  async #shown(rows: readonly VersionRow[]): Promise<StoredResource[]> {
    const [newest] = rows;
    const shown = rows.map((row) => this.stored(row));
    const revocation = newest === undefined ? undefined : await this.#revocation(newest);
    return revocation === undefined ? shown : [revokedOf(shown[0]!, revocation), ...shown];
  }

  /** The newest version as it stands now: of a consent that was revoked or withdrawn, inactive. */
  async #asItStands(row: VersionRow): Promise<StoredResource> {
    const end = await this.#end(row);
    const newest = this.stored(row);
    if (end === undefined) return newest;
    return shownAt(newest, end);
  }

  /** What `choose` takes of the versions of one resource, given newest first and checked: none of them may be lacking. */
  async #rows(
    type: string,
    id: string,
    view: View,
    choose: <Row extends Standing>(rows: Row[]) => Row[],
  ): Promise<Chosen> {
    const query = this.#db.selectFrom('versions').where('id', '=', id).where('type', '=', type).orderBy('sequence');
    const chosen = await chosenRows(this.#db, query, (rows) => choose(this.#standing(rows, view)));
    await this.#claims.demand(chosen.rows);
    return chosen;
  }

  #standing<Row extends Standing>(rows: Row[], view: View): Row[] {
    this.#checks.rows('versions', rows);
    const now = new Date().toISOString();
    const visible = rows.filter((row) => this.#isVisible(row, view, now));
    const home = visible.find((row) => row.source === null) ?? visible.toSorted(byAge)[0];
    if (home === undefined) return [];
    const resource = resourceOf(home);
    const all = rows.filter((row) => resourceOf(row) === resource).sort(byAge);
    const [newest] = all;
    if (newest === undefined || !isNewest(newest) || newest.held !== all.length)
      this.#checks.refuse('versions', newest ?? home);
    const own = all.filter((row) => this.#isVisible(row, view, now)).filter((row) => isIn(row, view));
    if (own.length > 0 && newest.erased === 1) throw gone();
    return own.filter((row, index) => row.version !== own[index - 1]?.version);
  }

  #isVisible(
    { source, collection, expires_at: expiresAt, audience }: Standing,
    { audience: own }: View,
    now: string,
  ): boolean {
    if (source === null) return true;
    const isForReader = audience === null || own === undefined || audience === own;
    return isForReader && collection === this.#inbox && expiresAt !== null && expiresAt > now;
  }

  get #inbox(): string {
    return collections.inbox(this.#options.organisation);
  }

  #visible(view: View = {}): VersionQuery<object> {
    return this.#held(view).where('fault', 'is', null);
  }

  /** What is held and not expired, as far as a reader sees it, shown or not. */
  #held({ audience }: View = {}): VersionQuery<object> {
    return heldIn(this.#db, this.#inbox, audience);
  }

  /** The resource of a row, checked; a failed check is logged by its place alone. */
  stored(row: VersionRow): StoredResource {
    demandShown(this.#checks.anchored('versions', row));
    return storedResource(row, this.#options.consortium) ?? this.#checks.refuse('versions', row);
  }

  /** The revocation of a consent, of whose newest version this is the row: it is shown as one more version. */
  async #revocation(row: Standing): Promise<ConsentEnd | undefined> {
    const end = await this.#end(row);
    return end?.isVersion === true ? end : undefined;
  }

  /**
   * Ending a consent writes no new content: its state says so. A consent without its state, or with an older one, is not
   * shown: it may have ended.
   */
  async #end(row: Standing): Promise<ConsentEnd | undefined> {
    if (row.type !== 'Consent' || !row.key.startsWith(CONSENT)) return undefined;
    const state = await this.state('consent', row.id);
    const end = endOf(row.version, state);
    if (end === UNKNOWN) return this.#checks.refuse('versions', row);
    return state?.status === 'active' ? this.undelivered.endOfConsent(row) : end;
  }

  /** Current versions. @throws {IntegrityFailure} where one is not what was anchored: without it a page would look complete */
  async search(search: Search, view: View = {}): Promise<SearchPage> {
    const shown = this.#visible(view).where('erased', '=', 0);
    const { kept, standing } = partedByStanding(search);
    const direct = await narrowed(this.#db, kept, shown, view);
    const { rows, ...found } = await searchRows(this.#db, matchingIn(shown, direct, view), direct);
    const { total: _, ...uncounted } = found;
    const page = standing === undefined ? found : uncounted;
    const matches: StoredResource[] = [];
    let untold = 0;
    await inStretches(rows, async (row) => {
      if (!(await this.#claims.isTold(row))) {
        untold += 1;
        return;
      }
      const newest = await this.#asItStands(row);
      if (standing !== undefined && !isAsked(newest.resource, standing)) return;
      if (isAsked(newest.resource, kept)) matches.push(newest);
      // What others were delivered of the record may be another version, which is found by other values.
      else if (row.audience === null) this.#checks.refuse('versions', row);
    });
    const lacks = this.undelivered.count();
    const invalid = untold + (await this.#faultyOf(search.type, view));
    return { matches, ...page, ...(lacks > 0 && { undelivered: lacks }), ...(invalid > 0 && { invalid }) };
  }

  /** How many resources of a type are not shown because their newest version is faulty. */
  async #faultyOf(type: string, view: View): Promise<number> {
    if (this.#options.undelivered?.faults?.() === 0) return 0;
    const faulty = this.#held(view).where('fault', 'is not', null).where('erased', '=', 0);
    const query = matchingIn(faulty, { type, count: MOST_FAULTY }, view).select(STANDING).limit(MOST_FAULTY);
    return this.#checks.rows('versions', await query.execute()).length;
  }

  /**
   * Which of these `Type/id` are not here. A record that was found once is not looked for again; one that is erased was
   * here, and what refers to it stays as it is.
   * @throws {Failure} 503 where one is on its way.
   */
  async missing(references: string[]): Promise<string[]> {
    const found = new Set<string>();
    const known = this.#known;
    const unknown = references.filter((reference) => known.get(reference) !== true);
    const ids = [...new Set(unknown.map((reference) => reference.slice(reference.indexOf('/') + 1)))];
    for (let start = 0; start < ids.length; start += IDS_PER_QUERY) {
      const rows = await this.#visible()
        .select(STANDING)
        .where('id', 'in', ids.slice(start, start + IDS_PER_QUERY))
        .where('current', '=', NEWEST)
        .execute();
      for (const { type, id, key } of this.#checks.rows('versions', rows)) {
        found.add(`${type}/${id}`);
        if (key.startsWith(RECORD)) known.set(`${type}/${id}`, true);
      }
    }
    const idIn = (reference: string) => reference.slice(reference.indexOf('/') + 1);
    const unfound = unknown.filter((reference) => !found.has(reference));
    const erased = await this.erasures.marked(unfound.map(idIn));
    const missing = unfound.filter((reference) => !erased.has(idIn(reference)));
    for (const reference of missing) await this.undelivered.demandNext(idIn(reference), 0);
    return missing;
  }

  /** To be called when a private value has been deleted or purged. A search under way keeps the set that it began with. */
  forgetKnown(): void {
    this.#known = newKnown();
  }

  /** Ids of the claims that keep one of these identities of whom they are for. */
  claimsNamed = (identities: readonly string[]) => claimsByName(this.#db, this.#checks, identities);
  /** Ids of this organisation's own resources by identifier; delivered copies are not meant. */
  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]> {
    return idsByIdentifier(this.#db, this.#checks, queries);
  }

  async state(kind: string, id: string): Promise<StatesTable | undefined> {
    const query = this.#db.selectFrom('states').selectAll().where('kind', '=', kind).where('id', '=', id);
    const row = await query.executeTakeFirst();
    return row && this.#checks.row('states', row);
  }

  /** A private value without a resource. */
  async privateValue(collection: string, key: string): Promise<PrivateValuesTable | undefined> {
    const row = await this.#db
      .selectFrom('private_values')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .executeTakeFirst();
    return row && this.#checks.anchored('private_values', row);
  }

  /** The row of a type in a private value. */
  async rowAt(collection: string, key: string, type: string): Promise<VersionRow | undefined> {
    const row = await this.#at(collection, key).where('type', '=', type).executeTakeFirst();
    return row && demandShown(this.#checks.anchored('versions', row));
  }

  /** The text of a private value that holds resources, exactly as anchored. @throws {Failure} 503 while it is on its way */
  async anchoredText(collection: string, key: string): Promise<string | undefined> {
    const row = await this.#at(collection, key).executeTakeFirst();
    if (row === undefined) await this.undelivered.demandValue(key);
    return row && demandShown(this.#checks.anchored('versions', row)).value;
  }

  #at(collection: string, key: string) {
    return this.#db
      .selectFrom('versions')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection);
  }

  async transaction(transactionId: string): Promise<TransactionsTable | undefined> {
    const row = await this.#db
      .selectFrom('transactions')
      .selectAll()
      .where('transaction_id', '=', transactionId)
      .executeTakeFirst();
    return row && this.#checks.row('transactions', row);
  }
}
