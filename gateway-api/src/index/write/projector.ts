/**
 * Writes each block into the read model: all its rows and the checkpoint in one database transaction, so that a
 * block is applied exactly once whatever stops the process.
 */
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { ParsedBlock } from '../../ledger/block.ts';
import { type BlockSink, ForeignLedger } from '../../ledger/feed.ts';
import type { Incomplete, LateSink } from '../../ledger/late-data.ts';
import {
  type CheckpointTable,
  COLUMNS,
  type IndexTables,
  type MissingTable,
  type TableName,
  writeOf,
} from '../schema.ts';
import type { Seals } from '../seals.ts';
import { Anchors, type Rewrite } from './anchors.ts';
import { writeCosignatures } from './cosignatures.ts';
import { Erased } from './erased.ts';
import { Erasures } from './erasures.ts';
import { type Inserts, newInserts } from './inserts.ts';
import { type Judge, judgeForeign } from './judging.ts';
import { PrivateKeys } from './keys.ts';
import { Refused } from './refused.ts';
import { Remainders } from './remainders.ts';
import { type BlockRows, type KeyRows, keyName, rowsOf } from './rows.ts';
import { States } from './states.ts';
import { Tree } from './tree.ts';

type Writing = Transaction<IndexTables>;

type Checkpoint = Pick<CheckpointTable, 'block' | 'hash' | 'writes'>;

const UNDELIVERED = 'undelivered';

export interface ProjectorOptions {
  /** The writing connection of this member's read model; nobody else writes. */
  db: Kysely<IndexTables>;
  member: Organisation;
  consortium: Consortium;
  seals: Seals;
  log: Logger;
  /** Judges what other organisations wrote, the same way for as long as `making` says the same; without it all is shown. */
  judge?: Judge | undefined;
  /** Called for every second write of a private key. */
  onRewrite?: () => void;
  /** Called with the number of versions that are not shown because of what other organisations wrote. */
  onFaults?: (count: number) => void;
}

export class Projector implements BlockSink, LateSink {
  readonly #options: ProjectorOptions;
  readonly #inserts: Inserts;
  readonly #anchors: Anchors;
  readonly #keys: PrivateKeys;
  readonly #remainders: Remainders;
  readonly #erased: Erased;
  readonly #erasures: Erasures;
  readonly #states: States;
  readonly #refused: Refused;
  readonly #tree: Tree;
  #checkpoint: Checkpoint | undefined;
  #lacks = 0;
  #faults = 0;
  #move: CompiledQuery | undefined;

  private constructor(options: ProjectorOptions) {
    const { seals, member, consortium } = options;
    this.#options = options;
    this.#inserts = newInserts(seals);
    this.#anchors = new Anchors(this.#inserts, seals);
    this.#keys = new PrivateKeys(this.#inserts, seals, member.kind === 'custodian');
    this.#remainders = new Remainders(seals);
    this.#erased = new Erased(seals);
    this.#erasures = new Erasures(this.#inserts, seals, this.#erased);
    this.#states = new States({ inserts: this.#inserts, seals, member, consortium });
    this.#refused = new Refused(this.#inserts, member, consortium);
    this.#tree = new Tree(this.#inserts, seals);
  }

  get #db(): Kysely<IndexTables> {
    return this.#options.db;
  }

  get #seals(): Seals {
    return this.#options.seals;
  }

  /**
   * Rows that another key sealed are removed: the feed fills the read model anew from block 0. A checkpoint that is not
   * what this gateway wrote is reported by `reopen`, which the feed calls first.
   */
  static async open(options: ProjectorOptions): Promise<Projector> {
    const projector = new Projector(options);
    await projector.reopen().catch((error: unknown) => {
      if (!(error instanceof ForeignLedger)) throw error;
      options.log.error(error.message);
    });
    return projector;
  }

  checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** A database that crashed may have lost its last blocks: what it holds counts, not what is remembered here. */
  async reopen(): Promise<void> {
    this.#erased.forget();
    this.#tree.forget();
    this.#refused.forget();
    const stored = await this.#db.selectFrom('checkpoint').selectAll().executeTakeFirst();
    if (stored?.sealed_by !== this.#seals.keyName) return this.#empty(stored !== undefined);
    if (!this.#seals.isOn('checkpoint', stored)) {
      throw new ForeignLedger('the checkpoint of the read model is not what this gateway wrote: run reindex');
    }
    this.#checkpoint = stored;
    this.#lacks = await countLacks(this.#db);
    this.#faults = await countFaults(this.#db);
  }

  async #empty(wasSealed: boolean): Promise<void> {
    if (wasSealed)
      this.#options.log.warn(
        'the read model was made with another key or by other search parameters, and is filled anew',
      );
    await this.#db.transaction().execute(async (db) => {
      for (const table of Object.keys(COLUMNS) as TableName[]) await db.deleteFrom(table).execute();
    });
    this.#checkpoint = undefined;
    this.#lacks = 0;
    this.#faults = 0;
  }

  /** Applies a block; one that was applied before is passed over. */
  async apply(block: ParsedBlock): Promise<void> {
    if (this.#checkpoint !== undefined && block.number <= this.#checkpoint.block) return;
    const written = this.#checkpoint?.writes ?? 0;
    const rows = await rowsOf(block, written, this.#options.consortium);
    const checkpoint: Checkpoint = { block: block.number, hash: block.hash, writes: written + rows.counted };
    const { keys, rewrites, lacks, faults, grown } = await this.#db.transaction().execute(async (db) => {
      await this.#advance(db, checkpoint);
      const grown = await this.#tree.grow(db, block.entries);
      await writeCosignatures(db, block.transactions, this.#inserts);
      await this.#inserts.transactions.into(db, rows.transactions);
      const { keys: taken, rewrites } = await this.#anchors.take(db, rows.writes, block.number);
      await this.#refused.take(db, block);
      const keys = await this.#write(db, [...taken.values()]);
      const mayLack = this.#lacks > 0 || keys.some(({ missing }) => missing?.reason === UNDELIVERED);
      const faults = await this.#faultsAfter(db, keys);
      return { keys, rewrites, lacks: mayLack ? await countLacks(db) : 0, faults, grown };
    });
    this.#checkpoint = checkpoint;
    this.#tree.has(grown);
    this.#lacks = lacks;
    this.#faults = faults;
    this.#report(rows.unreadable, keys, block.number);
    for (const rewrite of rewrites) this.#reportRewrite(rewrite, block.number);
  }

  #judge(keys: readonly KeyRows[]): Promise<void> {
    const { member, judge } = this.#options;
    return judge === undefined ? Promise.resolve() : judgeForeign(keys, member.mspId, judge);
  }

  /** How many faulty versions there are once these keys are written. */
  async #faultsAfter(db: Writing, keys: readonly KeyRows[]): Promise<number> {
    return this.#faults > 0 || keys.some(hasFaults) ? countFaults(db) : 0;
  }

  /** Writes what the blocks bear out of these keys, and what follows from it; answers what was written. */
  async #write(db: Writing, keys: readonly KeyRows[]): Promise<KeyRows[]> {
    const read = await this.#remainders.read(db, keys);
    await this.#judge(read);
    const erased = await this.#erased.view(db, await this.#anchors.borneOut(db, read));
    const { names, cleared } = await this.#keys.write(db, erased.keys, erased);
    await this.#states.settle(db, erased.keys, names);
    await this.#erasures.settle(db, { keys: erased.keys, changed: erased.changed, names, cleared });
    return erased.keys;
  }

  /** How many values the peer has not delivered. */
  lacks = (): number => this.#lacks;

  /** How many versions are held that are not shown. */
  faults = (): number => this.#faults;

  /** The blocks whose values the peer had not all delivered, newest first. */
  async incomplete(): Promise<Incomplete[]> {
    const rows = await this.#db
      .selectFrom('missing')
      .select((select) => ['block', select.fn.countAll<number>().as('values')])
      .where('reason', '=', UNDELIVERED)
      .groupBy('block')
      .orderBy('block', 'desc')
      .execute();
    return rows.map(({ block, values }) => ({ block, values: Number(values) }));
  }

  /**
   * Takes the values of an earlier block that have been delivered since. What later blocks wrote under their keys stands;
   * the rows end as if the values had come in time.
   */
  async complete(block: ParsedBlock): Promise<number> {
    const { arrived, left, faults } = await this.#db.transaction().execute(async (db) => {
      const noted = await db
        .selectFrom('missing')
        .selectAll()
        .where('block', '=', block.number)
        .where('reason', '=', UNDELIVERED)
        .execute();
      const lacks = noted.filter((row) => this.#seals.isOn('missing', row));
      const keys = await numberedLike(block, lacks, this.#options.consortium);
      const arrived = lacks.flatMap(({ collection, key_hash: keyHash, anchor }) => {
        const found = keys.get(keyName({ collection, keyHash }));
        const stillLacks = found?.missing?.reason === UNDELIVERED;
        return found === undefined || stillLacks || found.write?.anchor !== anchor ? [] : [found];
      });
      const written = arrived.length > 0 ? await this.#write(db, arrived) : [];
      return { arrived: written, left: await countLacks(db), faults: await this.#faultsAfter(db, written) };
    });
    this.#lacks = left;
    this.#faults = faults;
    this.#report([], arrived, block.number);
    return arrived.length;
  }

  /** Moves the checkpoint on from the block that is remembered. @throws Error where the database holds another. */
  async #advance(db: Writing, { block, hash, writes }: Checkpoint): Promise<void> {
    const from = this.#checkpoint;
    const row = { id: 1, block, hash, writes, sealed_by: this.#seals.keyName };
    const seal = this.#seals.of('checkpoint', row);
    if (from === undefined) {
      await db
        .insertInto('checkpoint')
        .values({ ...row, seal })
        .execute();
      return;
    }
    this.#move ??= CompiledQuery.raw(
      db
        .updateTable('checkpoint')
        .set({ block, hash, writes, seal })
        .where('block', '=', from.block)
        .where('hash', '=', from.hash)
        .compile().sql,
    );
    const parameters = [block, hash, writes, seal, from.block, from.hash];
    const { numAffectedRows } = await db.executeQuery({ ...this.#move, parameters });
    if (numAffectedRows !== 1n) throw new Error('the read model is not at the block that was written last');
  }

  #report(unreadable: readonly string[], keys: readonly KeyRows[], block: number): void {
    const { log } = this.#options;
    const places = new Map(unreadable.map((transactionId) => [transactionId, { transactionId }]));
    for (const { collection, write, missing, isPartial } of keys) {
      if (write === undefined) continue;
      const { transactionId } = write;
      const place = { collection, transactionId };
      if (missing?.reason === UNDELIVERED) log.warn({ block, ...place }, 'private data was not delivered');
      else if (missing !== undefined || isPartial === true) places.set(`${transactionId} ${collection}`, place);
    }
    for (const place of places.values()) log.error({ block, ...place }, 'a committed value cannot be read');
    for (const key of keys) this.#reportFaults(key, block);
  }

  /** Once for each key, by its first fault: what its author wrote is not quoted. An erasure writes a neighbour's again. */
  #reportFaults({ collection, write, versions }: KeyRows, block: number): void {
    const { log, onFaults } = this.#options;
    const faulty = versions.filter(({ row }) => row.fault !== null && row.transaction_id === write?.transactionId);
    const [first] = faulty;
    if (first === undefined) return;
    const { transaction_id: transactionId, author, fault } = first.row;
    log.error(
      { block, collection, transactionId, author, faulty: faulty.length, fault },
      'what another organisation wrote is not valid FHIR R4',
    );
    onFaults?.(faulty.length);
  }

  /** The ledger's alarm that colluding organisations tried to change what stands on it. */
  #reportRewrite({ collection, keyHash, transactionId, endorsers }: Rewrite, block: number): void {
    const { log, onRewrite } = this.#options;
    log.error(
      { block, collection, keyHash, transactionId, endorsers },
      'a private key was written a second time: ignored',
    );
    onRewrite?.();
  }
}

const hasFaults = ({ versions }: KeyRows): boolean => versions.some(({ row }) => row.fault !== null);

async function countFaults(db: Kysely<IndexTables>): Promise<number> {
  const { faults } = await db
    .selectFrom('versions')
    .select((select) => select.fn.countAll<number>().as('faults'))
    .where('fault', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(faults);
}

async function countLacks(db: Kysely<IndexTables>): Promise<number> {
  const { lacks } = await db
    .selectFrom('missing')
    .select((select) => select.fn.countAll<number>().as('lacks'))
    .where('reason', '=', UNDELIVERED)
    .executeTakeFirstOrThrow();
  return Number(lacks);
}

/** The first write of each key of a block, numbered as they were when its lacks were noted; by `keyName`. */
async function numberedLike(
  block: ParsedBlock,
  lacks: readonly MissingTable[],
  consortium: Consortium,
): Promise<Map<string, KeyRows>> {
  const counted = firstWrites(await rowsOf(block, 0, consortium));
  for (const { collection, key_hash: keyHash, sequence } of lacks) {
    const write = counted.get(keyName({ collection, keyHash }))?.write;
    if (write !== undefined) return firstWrites(await rowsOf(block, writeOf(sequence - write.sequence), consortium));
  }
  return counted;
}

function firstWrites({ writes }: BlockRows): Map<string, KeyRows> {
  const found = new Map<string, KeyRows>();
  for (const { rows } of writes)
    if (rows?.write !== undefined && !found.has(keyName(rows))) found.set(keyName(rows), rows);
  return found;
}
