/** A read model in a place of its own, filled from fixture blocks, for tests. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import { type Content, leafText, placeOf, recordIdAt, type Sheet } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections, collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { pino } from 'pino';
import { extraction } from '../fhir/search-parameters.ts';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock } from '../ledger/block.fixture.ts';
import { type BlockScope, type ParsedBlock, parseBlock } from '../ledger/block.ts';
import { type DatabaseKind, sqlite } from './databases.fixture.ts';
import { ReadModel } from './read/queries.ts';
import type { Stores } from './schema.ts';
import { Seals } from './seals.ts';
import { openStores } from './stores.ts';
import { Projector, type ProjectorOptions } from './write/projector.ts';

export const consortium: Consortium = {
  channel: 'telemed',
  chaincode: 'telemed',
  organisations: [
    { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
    { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
    { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' },
    { name: 'payer', mspId: 'PayerMSP', kind: 'payer' },
    { name: 'bank', mspId: 'BankMSP', kind: 'bank' },
    { name: 'regulator', mspId: 'RegulatorMSP', kind: 'regulator' },
  ],
};

const sealsNow = (): Seals => new Seals('the secret of a test', extraction());
export const seals = sealsNow();

export const silent = pino({ level: 'silent' });

/** A line of a log as it is written. */
export interface Logged extends Record<string, unknown> {
  level: number;
  msg: string;
}

export const logInto = (lines: Logged[]) =>
  pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line) as Logged) });

/** The same with a second payer, so that "another's" can be tried. */
export const wideConsortium: Consortium = {
  ...consortium,
  organisations: [...consortium.organisations, { name: 'payer-two', mspId: 'PayerTwoMSP', kind: 'payer' }],
};

export class FixtureIndex {
  readonly #organisation: string;
  readonly #consortium: Consortium;
  readonly #place: Awaited<ReturnType<DatabaseKind['place']>>;
  #last: peer.BlockAndPrivateData | undefined;
  #number = 0;
  stores!: Stores;
  projector!: Projector;
  index!: ReadModel;

  private constructor(organisation: string, place: Awaited<ReturnType<DatabaseKind['place']>>, members: Consortium) {
    this.#organisation = organisation;
    this.#place = place;
    this.#consortium = members;
  }

  static async open(
    organisation = 'hospital',
    kind: DatabaseKind = sqlite,
    members: Consortium = consortium,
  ): Promise<FixtureIndex> {
    const made = new FixtureIndex(organisation, await kind.place(), members);
    await made.reopen();
    return made;
  }

  async reopen(): Promise<void> {
    await this.stores?.close();
    this.stores = await openStores(this.#place, silent);
    const seals = sealsNow();
    this.projector = await this.openProjector();
    this.index = new ReadModel({
      ...{ db: this.stores.reading, seals, organisation: this.#organisation, log: silent },
      consortium: this.#consortium,
      undelivered: { lacks: () => this.projector.lacks(), retryAfterSeconds: () => 1 },
    });
  }

  /** A projector of this read model, as it is opened when the gateway starts. */
  openProjector(options: Partial<ProjectorOptions> = {}): Promise<Projector> {
    const [db, seals] = [this.stores.writing, sealsNow()];
    return Projector.open({
      ...{ db, member: this.member, consortium: this.#consortium, seals, log: silent },
      ...options,
    });
  }

  /** Where the read model lies, in SQLite. */
  get file(): string {
    return join(this.#place.dataDir, 'index.sqlite');
  }

  get isPostgres(): boolean {
    return this.#place.database !== undefined;
  }

  get member(): Organisation {
    return this.#consortium.organisations.find(({ name }) => name === this.#organisation)!;
  }

  /** What its peer delivers. */
  get scope(): BlockScope {
    return { chaincode: 'telemed', collections: collectionsOfMember(this.#consortium, this.member) };
  }

  get consortium(): Consortium {
    return this.#consortium;
  }

  /** Applies a block with these transactions and answers how it was delivered. */
  async block(...transactions: FixtureTransaction[]): Promise<peer.BlockAndPrivateData> {
    const delivered = fixtureBlock(this.#number, transactions, this.#last);
    await this.apply(delivered);
    this.#last = delivered;
    this.#number += 1;
    return delivered;
  }

  /** Has the next block of `block` follow this one. */
  startAfter(delivered: peer.BlockAndPrivateData): void {
    this.#last = delivered;
    this.#number += 1;
  }

  apply(delivered: peer.BlockAndPrivateData): Promise<void> {
    return this.projector.apply(this.#parsed(delivered));
  }

  /** What is delivered of an earlier block when it is asked for again; answers how many values arrived. */
  complete(delivered: peer.BlockAndPrivateData): Promise<number> {
    return this.projector.complete(this.#parsed(delivered));
  }

  /** Numbers of the blocks of which values are missing, newest first. */
  async incomplete(): Promise<number[]> {
    return (await this.projector.incomplete()).map(({ block }) => block);
  }

  #parsed(delivered: peer.BlockAndPrivateData): ParsedBlock {
    return parseBlock(delivered, this.scope);
  }

  async close(): Promise<void> {
    await this.stores.close();
    this.#place.remove();
  }
}

export interface RecordFixture {
  id?: string;
  version?: number;
  author?: string;
  recordedAt?: string;
  /** The version deletes the record. */
  deleted?: true;
  [element: string]: unknown;
}

/** What stands on a sheet, or lies under the key of a consent or a coverage, as the chaincode anchors it. */
export interface AnchoredFixture {
  type: string;
  id: string;
  version: number;
  text: string;
}

export const newSalt = (): string => randomBytes(32).toString('hex');

export function anchored(type: string, fields: RecordFixture): AnchoredFixture {
  const {
    id = randomUUID(),
    version = 1,
    author = 'HospitalMSP',
    recordedAt = '2026-03-01T10:00:00.000Z',
    deleted,
    ...rest
  } = fields;
  const resource = canonicalJson({ resourceType: type, id, ...rest });
  const said = { author, id, version, recordedAt, salt: newSalt(), ...(deleted && { deleted }) };
  return { type, id, version, text: leafText(said, resource) };
}

/** The private writes of one transaction that puts records on a sheet of their provider's. */
export function sheetWrites(
  records: readonly AnchoredFixture[],
  { sheet = randomUUID(), collection = 'care_hospital' }: { sheet?: string; collection?: string } = {},
): FixtureWrite[] {
  const leaves = records.map(({ text }) => text);
  const tree: Sheet = { schema: 1, root: rootOf(leaves.map(leafHash)), size: leaves.length, salt: newSalt() };
  const values: [string, object][] = [
    [privateKeys.sheet(sheet), tree],
    [privateKeys.content(sheet, 0), { schema: 1, leaves } satisfies Content],
  ];
  for (const [index, { type, id, version, text }] of records.entries()) {
    if (version === 1 && id === recordIdAt({ sheet, index }, type)) continue;
    const salt = saltIn(text) ?? newSalt();
    values.push([privateKeys.version(id, version), placeOf({ sheet, index }, type, salt)]);
  }
  return values.map(([key, value]) => ({ collection, key, value: canonicalJson(value) }));
}

/** Of a leaf; undefined for what is none. */
function saltIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as Anchored | null)?.salt;
  } catch {
    return undefined;
  }
}

export interface RecordWrites extends Array<FixtureWrite> {
  /** Of the record. */
  id: string;
}

/** Author of what a provider writes into its care collection. */
const authorOf = (collection: string): string =>
  consortium.organisations.find(({ name }) => collections.care(name) === collection)?.mspId ?? 'HospitalMSP';

/** The private writes of a record version on a sheet of its own; without an id it has the one that follows from its place. */
export function recordWrites(type: string, fields: RecordFixture, collection = 'care_hospital'): RecordWrites {
  const sheet = randomUUID();
  const { id = recordIdAt({ sheet, index: 0 }, type), author = authorOf(collection) } = fields;
  const record = anchored(type, { ...fields, id, author });
  return Object.assign(sheetWrites([record], { sheet, collection }), { id });
}
