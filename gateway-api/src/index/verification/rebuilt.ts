/**
 * The read model made a second time from the peer's blocks, by the same projector, in a file of its own: what the tables
 * must hold. What has not been delivered to this organisation stays as it stands in the read model that is compared.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { ParsedBlock, PrivateWrite } from '../../ledger/block.ts';
import { migrateIndex } from '../migrations.ts';
import type { IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { openSqlite } from '../sqlite/sqlite.ts';
import type { Judge } from '../write/judging.ts';
import { Projector } from '../write/projector.ts';
import { keyName } from '../write/rows.ts';
import { contentIn } from '../write/sheets.ts';
import { type Remainder, valueFrom } from '../write/whole-values.ts';

/** The peer's ledger, as far as a second read model needs it. */
export interface Ledger {
  /** From block 0 on; waits at the end of the chain. @throws {DamagedBlock} */
  blocks(): AsyncIterator<ParsedBlock>;
  /** One block with the private data that the peer holds now. */
  block(number: number): Promise<ParsedBlock>;
}

export interface RebuiltOptions {
  file: string;
  live: Kysely<IndexTables>;
  member: Organisation;
  consortium: Consortium;
  seals: Seals;
  ledger: Ledger;
  /** As the projector of the live read model judges. */
  judge?: Judge | undefined;
  log: Logger;
  /** Called after each block. */
  pause?: () => Promise<void>;
}

type Key = Pick<PrivateWrite, 'collection' | 'keyHash'>;

export class Rebuilt {
  readonly db: Kysely<IndexTables>;
  readonly #options: RebuiltOptions;
  readonly #projector: Projector;
  readonly #blocks: AsyncIterator<ParsedBlock>;
  /** Noted as undelivered in the live read model, with its seal, when this one was begun. By `keyName`. */
  readonly #undelivered: ReadonlySet<string>;
  /** What the peer does not hold and the live read model does, as it was anchored. By `keyName`. */
  readonly lent = new Map<string, Key>();

  private constructor(
    db: Kysely<IndexTables>,
    projector: Projector,
    undelivered: ReadonlySet<string>,
    options: RebuiltOptions,
  ) {
    this.db = db;
    this.#projector = projector;
    this.#undelivered = undelivered;
    this.#options = options;
    this.#blocks = options.ledger.blocks();
  }

  /** Nothing is read of the ledger yet. */
  static async open(options: RebuiltOptions): Promise<Rebuilt> {
    const { file, live, member, consortium, seals, judge, log } = options;
    const noted = await live.selectFrom('missing').selectAll().where('reason', '=', 'undelivered').execute();
    const names = noted
      .filter((row) => seals.isOn('missing', row))
      .map(({ collection, key_hash: keyHash }) => keyName({ collection, keyHash }));
    const db = openSqlite<IndexTables>(file, { durability: 'OFF' });
    await migrateIndex(db, 'sqlite');
    return new Rebuilt(
      db,
      await Projector.open({ db, member, consortium, seals, judge, log }),
      new Set(names),
      options,
    );
  }

  /** Last block that it holds; −1 before the first. */
  get block(): number {
    return this.#projector.checkpoint()?.block ?? -1;
  }

  /** Goes on until it holds this block, which the peer has. @throws {DamagedBlock} */
  async upTo(number: number): Promise<void> {
    while (this.block < number) {
      const { value, done } = await this.#blocks.next();
      if (done === true) throw new Error('the chain ended');
      await this.#projector.apply(await this.#asDelivered(value as ParsedBlock));
      await this.#options.pause?.();
    }
  }

  /** Takes what has been delivered of an earlier block meanwhile; answers how many values. */
  async complete(number: number): Promise<number> {
    return this.#projector.complete(await this.#options.ledger.block(number));
  }

  async close(): Promise<void> {
    await this.#blocks.return?.();
    await this.db.destroy();
  }

  /** The block as the live read model was given it. */
  async #asDelivered(block: ParsedBlock): Promise<ParsedBlock> {
    const transactions = [];
    for (const transaction of block.transactions) {
      const privateWrites = [];
      for (const write of transaction.privateWrites) privateWrites.push(await this.#writeAsDelivered(write));
      transactions.push({ ...transaction, privateWrites });
    }
    return { ...block, transactions };
  }

  async #writeAsDelivered(write: PrivateWrite): Promise<PrivateWrite> {
    const { plain, ...hashed } = write;
    if (write.anchor === undefined) return write;
    if (this.#undelivered.has(keyName(write))) return hashed;
    if (plain?.matches === true) return write;
    const held = await this.#held(write);
    if (held === undefined) return hashed;
    this.lent.set(keyName(write), write);
    return { ...hashed, plain: { ...held, matches: true } };
  }

  /** What the live read model holds under a key, where it is the anchored text. */
  async #held({ collection, keyHash, anchor }: PrivateWrite): Promise<{ key: string; value: string } | undefined> {
    const { live } = this.#options;
    const at = { key_hash: keyHash, collection };
    const versions = await live
      .selectFrom('versions')
      .selectAll()
      .where((where) => where.and(at))
      .orderBy('sequence')
      .execute();
    const whole = await live
      .selectFrom('private_values')
      .select(['key', 'value'])
      .where((where) => where.and(at))
      .executeTakeFirst();
    const key = whole?.key ?? versions[0]?.key;
    const value = whole?.value ?? valueFrom(versions, await this.#remainder(collection, key));
    if (key === undefined || value === undefined || sha256Hex(value) !== anchor) return undefined;
    return sha256Hex(key) === keyHash ? { key, value } : undefined;
  }

  /** What a content that an erasure wrote again holds beside its rows; undefined for any other key. */
  async #remainder(collection: string, key = ''): Promise<Remainder | undefined> {
    const content = contentIn(key);
    if (content === undefined || content.generation === 0) return undefined;
    const { live } = this.#options;
    const values = live.selectFrom('private_values').select('value').where('collection', '=', collection);
    const tree = await values.where('key_hash', '=', sha256Hex(privateKeys.sheet(content.sheet))).executeTakeFirst();
    const notes = await values.where('kind', '=', 'erasure').execute();
    return { tree: tree?.value, notes: notes.map(({ value }) => value) };
  }
}
