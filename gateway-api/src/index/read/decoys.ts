/**
 * Decoys: the keys that a transaction reads beside those that its input rests on. Every member of the channel sees the hashes
 * of the keys that a transaction reads, so one that reads a patient's record links all that rests on it. What it rests on is
 * read together with what its neighbours would rest on, and neighbours are the same for all of them: those whose random ids
 * begin alike. docs/privacy.md says what that leaves.
 */

import { restrictionHandle } from '@telemed-ledger/chaincode/model/corrections.ts';
import { type Decoy, MAX_DECOYS, MAX_DECOYS_TOGETHER } from '@telemed-ledger/chaincode/model/decoys.ts';
import { erasureHandle } from '@telemed-ledger/chaincode/model/erasures.ts';
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kysely, sql } from 'kysely';
import { inTurn } from '../../http/pauses.ts';
import type { IndexTables } from '../schema.ts';
import { sheetIn } from '../write/sheets.ts';
import { DirectoryDecoys } from './directory-decoys.ts';

/** Among how many, about, what a transaction rests on is to hide: fewer than twice and more than half of them on average. */
const NEIGHBOURS = 8;
/** Among how many on average, itself counted, each is to hide at least where there is no room for all neighbours. */
const LEAST_AMONG = 2;
/** Ids are random from the first digit on: so many bits of them say which are neighbours. */
const BITS = 32;
const HEX_DIGITS = 8;
/** Counted to the end where there are fewer; else those that begin with 00, and so many times as much. */
const COUNTED = 2_048;
const SAMPLED_ONE_IN = 256;
const RECOUNT_MS = 60_000;
const CARE = collections.care('');

/** What a transaction rests on: a resource of the ledger in one of its versions. */
interface Ground {
  id: string;
  version: number;
}

interface Neighbour extends Ground {
  type: string;
  collection: string;
  key: string;
}

/** Those whose ids share the first `depth` bits of one that begins with `start`. */
interface Neighbourhood {
  start: number;
  depth: number;
  neighbours: readonly Neighbour[];
}

/** What one transaction's records have in common: they are of few types, and many are neighbours of each other. */
interface Known {
  counts: Map<string, number>;
  neighbours: Map<string, readonly Neighbour[]>;
}

async function remembered<T>(known: Map<string, T>, name: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(name) ?? (await read());
  known.set(name, found);
  return found;
}

type Database = Kysely<IndexTables>;

/** The type where a range of ids leaves few rows: as a plain column SQLite would look at all of the type, by the index on types. */
const TYPE_BESIDE_ID = sql<string>`"versions"."type" || ''`;

export class Decoys {
  readonly #db: Database;
  readonly #directories: DirectoryDecoys;
  readonly #counts = new Map<string, { count: number; at: number }>();

  constructor(db: Database) {
    this.#db = db;
    this.#directories = new DirectoryDecoys(db);
  }

  /**
   * The decoys for what a transaction shows to its endorsers: records, consents, a coverage. New records rest on nothing, and
   * of the consents that a report names no hash is read: decoys would tell whether it names any.
   * @param input the argument, which names the payer of a coverage, the provider of a consent
   */
  of = async (name: TransactionName, input: unknown, privateInput: unknown): Promise<Decoy[]> => {
    if (name === 'RecordVersions' || name === 'ReportAccess') return [];
    const neighbourhoods: Neighbourhood[] = [];
    const known: Known = { counts: new Map(), neighbours: new Map() };
    const shown = shownIn(privateInput);
    for (const ground of groundsIn(shown)) {
      const found = await inTurn(() => this.#around(ground, known));
      if (found !== undefined) neighbourhoods.push(found);
    }
    const { payer, holder, provider = holder } = (input ?? {}) as Partial<Record<string, string>>;
    const directories = provider === undefined ? [] : await this.#directoriesOf(shown.flatMap(enteredIn), provider);
    const most = (shown.length > 1 ? MAX_DECOYS_TOGETHER : MAX_DECOYS) - directories.length;
    return [...directories, ...withinLimit(neighbourhoods, most, payer)];
  };

  async #directoriesOf(patients: readonly string[], provider: string): Promise<Decoy[]> {
    const decoys = new Map<string, Decoy>();
    for (const patient of new Set(patients))
      for (const decoy of await this.#directories.of(collections.care(provider), patient)) decoys.set(decoy.key, decoy);
    return [...decoys.values()];
  }

  /** Those whose ids begin like this one's, itself among them; undefined where it is not here. */
  async #around({ id, version }: Ground, known: Known): Promise<Neighbourhood | undefined> {
    const own = await this.#db
      .selectFrom('versions')
      .select(['type', 'collection', 'author', 'source'])
      .where('id', '=', id)
      .where('version', '=', version)
      .executeTakeFirst();
    const start = beginningOf(id);
    if (own === undefined || own.source !== null || start === undefined) return undefined;
    const { type, collection, author } = own;
    const count = await remembered(known.counts, `${type} ${collection}`, () => this.#count(type, collection));
    const depth = depthFor(count);
    const range = rangeOf(start, depth);
    const name = `${type} ${collection} ${author} ${range.from}`;
    const neighbours = await remembered(known.neighbours, name, () =>
      this.#within(range, { type, collection, author }),
    );
    return { start, depth, neighbours };
  }

  #within(
    { from, to }: { from: string; to: string },
    { type, collection, author }: { type: string; collection: string; author: string },
  ): Promise<readonly Neighbour[]> {
    return this.#db
      .selectFrom('versions')
      .select(['id', 'type', 'version', 'collection', 'key'])
      .where('id', '>=', from)
      .where('id', '<', to)
      .where(TYPE_BESIDE_ID, '=', type)
      .where('collection', '=', collection)
      .where('author', '=', author)
      .where('current', '=', 1)
      .execute();
  }

  async #count(type: string, collection: string): Promise<number> {
    const name = `${type} ${collection}`;
    const known = this.#counts.get(name);
    if (known !== undefined && Date.now() - known.at < RECOUNT_MS) return known.count;
    const count = await this.#counted(type, collection);
    // A few are not worth remembering: there are soon more.
    if (count >= COUNTED) this.#counts.set(name, { count, at: Date.now() });
    return count;
  }

  async #counted(type: string, collection: string): Promise<number> {
    const all = this.#db
      .selectFrom('versions')
      .select('id')
      .where('type', '=', type)
      .where('collection', '=', collection)
      .where('current', '=', 1);
    const some = await all.limit(COUNTED).execute();
    if (some.length < COUNTED) return some.length;
    const sample = await this.#db
      .selectFrom('versions')
      .select('id')
      .where('id', '>=', '00')
      .where('id', '<', '01')
      .where(TYPE_BESIDE_ID, '=', type)
      .where('collection', '=', collection)
      .where('current', '=', 1)
      .execute();
    return Math.max(COUNTED, sample.length * SAMPLED_ONE_IN);
  }
}

/** How many first bits neighbours share, so that there are NEIGHBOURS of them or up to twice as many, on average. */
const depthFor = (count: number): number => Math.max(0, Math.floor(Math.log2(Math.max(1, count / NEIGHBOURS))));

/** The first 32 bits of an id; undefined for one that no ledger gave. */
const beginningOf = (id: string): number | undefined =>
  /^[0-9a-f]{8}/.test(id) ? Number.parseInt(id.slice(0, HEX_DIGITS), 16) : undefined;

/** The ids that share the first `depth` bits: from, inclusive, to, exclusive. */
function rangeOf(start: number, depth: number): { from: string; to: string } {
  const size = 2 ** (BITS - Math.min(depth, BITS));
  const from = Math.floor(start / size) * size;
  const hex = (value: number): string => (value >= 2 ** BITS ? 'g' : value.toString(16).padStart(HEX_DIGITS, '0'));
  return { from: hex(from), to: hex(from + size) };
}

/**
 * All of them; where that is more than a transaction may read, each neighbourhood is halved until it is not. Where so little of
 * them is left that most of what is read is what it rests on, nothing hides, and nothing is read beside it.
 */
function withinLimit(neighbourhoods: readonly Neighbourhood[], most: number, payer: string | undefined): Decoy[] {
  for (let halved = 0; halved < BITS; halved += 1) {
    const decoys = new Map<string, Decoy>();
    const among = new Set<string>();
    for (const neighbourhood of neighbourhoods)
      for (const one of nearest(neighbourhood, halved)) {
        among.add(one.id);
        for (const decoy of keysOf(one, payer)) decoys.set(`${decoy.collection} ${decoy.key}`, decoy);
      }
    if (decoys.size > most) continue;
    return halved > 0 && among.size < LEAST_AMONG * neighbourhoods.length ? [] : [...decoys.values()];
  }
  return [];
}

/** Those that share so many more bits. */
function nearest({ start, depth, neighbours }: Neighbourhood, more: number): readonly Neighbour[] {
  const { from, to } = rangeOf(start, depth + more);
  return neighbours.filter(({ id }) => id >= from && id < to);
}

/** What the chaincode reads of whatever rests on this: see its ledger/evidence.ts, consent-directory.ts, claim-loading.ts. */
function keysOf({ type, id, version, collection, key }: Neighbour, payer: string | undefined): Decoy[] {
  const { marks } = collections;
  if (type === 'Coverage') {
    const billing = payer === undefined ? collection : collections.billing(payer);
    return [version, version + 1].map((one) => ({ collection: billing, key: privateKeys.coverage(id, one) }));
  }
  if (!collection.startsWith(CARE)) return [];
  if (type === 'Consent')
    return [
      ...[version, version + 1].map((one) => ({ collection, key: privateKeys.consent(id, one) })),
      { collection: marks, key: privateKeys.revoked(id) },
      { collection: marks, key: privateKeys.withdrawn(id, version) },
    ];
  const sheet = sheetIn(key);
  if (sheet === undefined) return [];
  return [
    { collection, key: privateKeys.sheet(sheet) },
    ...(version === 1 ? [] : [{ collection, key: privateKeys.version(id, version) }]),
    { collection, key: privateKeys.version(id, version + 1) },
    { collection: marks, key: privateKeys.erased(erasureHandle(collection.slice(CARE.length), id)) },
    { collection: marks, key: privateKeys.restricted(restrictionHandle(collection.slice(CARE.length), id), 1) },
  ];
}

/** Several decisions each show what one does; what rests on several is read once. */
function shownIn(privateInput: unknown): unknown[] {
  const { decisions } = (privateInput ?? {}) as { decisions?: unknown };
  return Array.isArray(decisions) ? decisions : [privateInput];
}

/** Of what reads a directory: the patient whose consents and keys are entered there. */
function enteredIn(shown: unknown): string[] {
  const { directory, patient, consent } = (shown ?? {}) as {
    directory?: unknown;
    patient?: { id?: unknown } | string;
    consent?: { resource?: Record<string, unknown> };
  };
  if (typeof directory !== 'number') return [];
  if (typeof patient === 'string') return [patient];
  if (typeof patient?.id === 'string') return [patient.id];
  const of = consent?.resource && patientIdOf(consent.resource);
  return of === undefined ? [] : [of];
}

/** What a private input shows that stands on the ledger already. */
function groundsIn(shown: readonly unknown[]): Ground[] {
  const found = new Map<string, Ground>();
  for (const one of shown) {
    const { coverage, state } = (one ?? {}) as { coverage?: unknown; state?: unknown };
    for (const ground of [...groundsWithin(one), ...groundIn(coverage), ...consentsIn(state)])
      found.set(`${ground.id}/${ground.version}`, ground);
  }
  return [...found.values()];
}

/** Evidence and versions of consents, wherever they stand: an id with a version, and not what is about to be written. */
function* groundsWithin(value: unknown): Generator<Ground> {
  if (typeof value !== 'object' || value === null) return;
  const { id, version, salt } = value as { id?: unknown; version?: unknown; salt?: unknown };
  if (typeof id === 'string' && typeof version === 'number' && salt === undefined) {
    yield { id, version };
    return;
  }
  for (const member of Object.values(value)) yield* groundsWithin(member);
}

/** A coverage comes as its anchored text. */
function groundIn(text: unknown): Ground[] {
  if (typeof text !== 'string') return [];
  const { id, version } = objectIn(text);
  return typeof id === 'string' && typeof version === 'number' ? [{ id, version }] : [];
}

/** The consents that a step of an access rests on. */
function consentsIn(state: unknown): Ground[] {
  if (typeof state !== 'string') return [];
  const { consent, furtherConsents } = objectIn(state);
  return [...groundsWithin(consent), ...groundsWithin(furtherConsents)];
}

function objectIn(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
