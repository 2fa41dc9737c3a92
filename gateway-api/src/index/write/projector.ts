/**
 * Writes each block into the read model: all its rows and the checkpoint in one database transaction, so that a
 * block is applied exactly once whatever stops the process.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { CompiledQuery, type Insertable, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { ParsedBlock } from '../../ledger/block.ts';
import type { BlockSink } from '../../ledger/feed.ts';
import type { IndexTables, VersionsTable } from '../schema.ts';
import { type Inserts, newInserts, pieces } from './inserts.ts';
import { type BlockRows, rowsOf, stateKey } from './rows.ts';

type Writing = Transaction<IndexTables>;

interface Checkpoint {
  block: number;
  hash: string;
}

export class Projector implements BlockSink {
  readonly #db: Kysely<IndexTables>;
  readonly #log: Logger;
  readonly #inserts: Inserts = newInserts();
  #checkpoint: Checkpoint | undefined;
  #move: CompiledQuery | undefined;

  private constructor(db: Kysely<IndexTables>, log: Logger) {
    this.#db = db;
    this.#log = log;
  }

  /** `db` is the writing connection; nobody else writes. */
  static async open(db: Kysely<IndexTables>, log: Logger): Promise<Projector> {
    const projector = new Projector(db, log);
    await projector.reopen();
    return projector;
  }

  checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** A database that crashed may have lost its last blocks: what it holds counts, not what is remembered here. */
  async reopen(): Promise<void> {
    this.#checkpoint = await this.#db.selectFrom('checkpoint').select(['block', 'hash']).executeTakeFirst();
  }

  /** Applies a block; one that was applied before is passed over. */
  async apply(block: ParsedBlock): Promise<void> {
    if (this.#checkpoint !== undefined && block.number <= this.#checkpoint.block) return;
    const rows = rowsOf(block);
    const checkpoint: Checkpoint = { block: block.number, hash: block.hash };
    await this.#db.transaction().execute(async (db) => {
      const inserts = this.#inserts;
      await this.#advance(db, checkpoint);
      await inserts.transactions.into(db, rows.transactions);
      await writeVersions(db, rows, inserts);
      await inserts.privateValues.into(db, rows.privateValues);
      await inserts.missing.into(db, rows.missing);
      await writeStates(db, rows.states, inserts);
      await remove(db, rows.removals);
    });
    this.#checkpoint = checkpoint;
    this.#report(rows, block.number);
  }

  /** Moves the checkpoint on from the block that is remembered. @throws Error where the database holds another. */
  async #advance(db: Writing, { block, hash }: Checkpoint): Promise<void> {
    const from = this.#checkpoint;
    if (from === undefined) {
      await db.insertInto('checkpoint').values({ id: 1, block, hash }).execute();
      return;
    }
    this.#move ??= CompiledQuery.raw(
      db
        .updateTable('checkpoint')
        .set({ block, hash })
        .where('block', '=', from.block)
        .where('hash', '=', from.hash)
        .compile().sql,
    );
    const parameters = [block, hash, from.block, from.hash];
    const { numAffectedRows } = await db.executeQuery({ ...this.#move, parameters });
    if (numAffectedRows !== 1n) throw new Error('the read model is not at the block that was written last');
  }

  #report(rows: BlockRows, block: number): void {
    for (const { collection, transaction_id: transactionId } of rows.missing) {
      this.#log.warn({ block, collection, transactionId }, 'private data was not delivered');
    }
    for (const place of rows.unreadable) this.#log.error({ block, ...place }, 'a committed value cannot be read');
  }
}

async function writeVersions(db: Writing, rows: BlockRows, inserts: Inserts): Promise<void> {
  const seen = new Map<string, number>();
  for (const { type, id } of rows.versions) seen.set(`${type}/${id}`, (seen.get(`${type}/${id}`) ?? 0) + 1);
  const replacing = rows.versions.filter(
    (row) => row.version > 1 || !row.key.startsWith('record/') || (seen.get(`${row.type}/${row.id}`) ?? 0) > 1,
  );
  for (const { id, type, collection } of replacing) {
    await db
      .deleteFrom('identifiers')
      .where('id', '=', id)
      .where('type', '=', type)
      .where('collection', '=', collection)
      .execute();
  }
  await inserts.versions.into(db, rows.versions);
  await inserts.identifiers.into(db, rows.identifiers);
  for (const row of replacing) await markCurrent(db, row);
}

type Place = Pick<Insertable<VersionsTable>, 'id' | 'type' | 'collection' | 'key'>;

/**
 * The rows that are one resource here. A record or a copy is what lies in its own collection, so that nobody else's
 * record of the same id can take its place; anything else may lie in several (a Coverage shown to two providers).
 */
function sameResource(db: Writing, { id, type, collection, key }: Place) {
  const all = db.selectFrom('versions').where('id', '=', id).where('type', '=', type);
  if (/^(record|copy)\//.test(key)) return all.where('collection', '=', collection);
  return all.where('source', 'is', null).where('key', 'not like', 'record/%');
}

/** Leaves one row of a resource current: the newest version, and of equal ones the last to arrive. */
async function markCurrent(db: Writing, place: Place): Promise<void> {
  const all = await sameResource(db, place)
    .select('sequence')
    .orderBy('version', 'desc')
    .orderBy('sequence', 'desc')
    .execute();
  const [newest, ...older] = all.map((row) => row.sequence);
  if (newest === undefined) return;
  await db.updateTable('versions').set({ current: 1 }).where('sequence', '=', newest).execute();
  for (const sequences of pieces(older)) {
    await db.updateTable('versions').set({ current: 0 }).where('sequence', 'in', sequences).execute();
  }
}

async function writeStates(db: Writing, states: BlockRows['states'], inserts: Inserts): Promise<void> {
  for (const [key, row] of states) {
    if (row !== undefined) continue;
    const { kind, id } = stateKey(key);
    await db.deleteFrom('states').where('kind', '=', kind).where('id', '=', id).execute();
  }
  const present = [...states.values()].filter((row) => row !== undefined);
  await inserts.states.into(db, present);
}

async function remove(db: Writing, removals: BlockRows['removals']): Promise<void> {
  for (const { collection, keyHash, key: delivered } of removals) {
    await db.deleteFrom('missing').where('collection', '=', collection).where('key_hash', '=', keyHash).execute();
    const key = delivered ?? (await keyByHash(db, collection, keyHash));
    if (key === undefined) continue;
    await db.deleteFrom('private_values').where('collection', '=', collection).where('key', '=', key).execute();
    const gone = await db
      .deleteFrom('versions')
      .where('collection', '=', collection)
      .where('key', '=', key)
      .returning(['id', 'type'])
      .execute();
    for (const { id, type } of gone) await afterRemoval(db, { id, type, collection, key });
  }
}

/** A block holds only the hash of a purged key: the key is found among those of its collection. */
async function keyByHash(db: Writing, collection: string, keyHash: string): Promise<string | undefined> {
  for (const table of ['versions', 'private_values'] as const) {
    const keys = await db.selectFrom(table).select('key').distinct().where('collection', '=', collection).execute();
    const found = keys.find(({ key }) => sha256Hex(key) === keyHash);
    if (found !== undefined) return found.key;
  }
  return undefined;
}

async function afterRemoval(db: Writing, place: Place): Promise<void> {
  const { id, type, collection } = place;
  const left = await sameResource(db, place).select('sequence').limit(1).executeTakeFirst();
  if (left !== undefined) return markCurrent(db, place);
  await db
    .deleteFrom('identifiers')
    .where('id', '=', id)
    .where('type', '=', type)
    .where('collection', '=', collection)
    .execute();
}
