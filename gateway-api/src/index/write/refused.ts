/**
 * Which keys hold values of transactions that were ordered and refused: peers keep those in their private stores until the key
 * is purged. The keeper of a collection notes them, and forgets them with the purge, or where another try was taken that says the same.
 */
import { LONGEST_LINE, line } from '@telemed-ledger/chaincode/model/texts.ts';
import { keeperOf } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Organisation } from '@telemed-ledger/consortium/members.ts';
import { type Kysely, sql } from 'kysely';
import type { ParsedBlock } from '../../ledger/block.ts';
import type { RefusedKeysTable } from '../refused-keys-table.ts';
import type { IndexTables } from '../schema.ts';
import { fits, LONGEST } from '../storable.ts';
import { type Inserts, Lookup } from './inserts.ts';
import { keyName } from './rows.ts';
import { contentIn } from './sheets.ts';

type Database = Kysely<IndexTables>;
type Place = Pick<RefusedKeysTable, 'key_hash' | 'collection'>;

/** What a purge can name: what two organisations write between themselves may be called anything. */
const nameable = line(LONGEST_LINE);
const named = ({ key_hash: keyHash, collection }: Place): string => keyName({ keyHash, collection });

/**
 * Whether tries under one key may hold different records: what an erasure leaves of a sheet, and what is delivered anew. Tries of
 * anything else say the same, and go with the one that was taken.
 */
const mayDiffer = (key: string): boolean => key.startsWith('copies/') || (contentIn(key)?.generation ?? 0) > 0;

/** One for one database: it keeps its statements. */
export class Refused {
  readonly #inserts: Pick<Inserts, 'refusedKeys'>;
  readonly #isKept: (collection: string) => boolean;
  readonly #noted = new Lookup<RefusedKeysTable>(
    (hashes) => sql`select key_hash, collection, key, block from refused_keys where key_hash in ${hashes}`,
  );
  readonly #standing = new Lookup<Place>(
    (hashes) => sql`select key_hash, collection from anchors where purged_by is null and key_hash in ${hashes}`,
  );
  /** False where it is known that none is noted: then blocks without refusals cost nothing. */
  #mayHold = true;

  constructor(inserts: Pick<Inserts, 'refusedKeys'>, member: Organisation, consortium: Consortium) {
    this.#inserts = inserts;
    this.#isKept = (collection) => keeperOf(consortium, collection)?.name === member.name;
  }

  /** The database is another than it was. */
  forget(): void {
    this.#mayHold = true;
  }

  /** Notes what of a block was refused, and forgets what needs no purge of its own. The anchors of the block are written. */
  async take(db: Database, block: ParsedBlock): Promise<void> {
    if (this.#mayHold) await this.#settle(db, block);
    const found = this.#refusedIn(block);
    if (found.size === 0) return;
    const rows = await this.#standing.of(
      db,
      [...found.values()].map(({ key_hash }) => key_hash),
    );
    const standing = new Set(rows.map(named));
    const due = [...found].filter(([name, { key }]) => mayDiffer(key) || !standing.has(name)).map(([, row]) => row);
    await this.#inserts.refusedKeys.into(db, due);
    this.#mayHold ||= due.length > 0;
  }

  /** Those that nothing in the block purges after them. */
  #refusedIn({ number, transactions }: ParsedBlock): Map<string, RefusedKeysTable> {
    const found = new Map<string, RefusedKeysTable>();
    for (const { refused = [], privateWrites } of transactions) {
      for (const { collection, key, keyHash } of refused)
        if (this.#isKept(collection) && fits(key, LONGEST.key) && nameable.safeParse(key).success)
          found.set(keyName({ collection, keyHash }), { key_hash: keyHash, collection, key, block: number });
      for (const write of privateWrites) if (write.purged) found.delete(keyName(write));
    }
    return found;
  }

  async #settle(db: Database, { transactions }: ParsedBlock): Promise<void> {
    const writes = transactions.flatMap(({ privateWrites }) => privateWrites);
    const purged = new Set(writes.filter((write) => write.purged).map(keyName));
    const written = new Set(writes.map(keyName));
    const noted = await this.#noted.of(db, [...new Set(writes.map(({ keyHash }) => keyHash))]);
    const over = noted.filter((row) => purged.has(named(row)) || (written.has(named(row)) && !mayDiffer(row.key)));
    for (const { key_hash, collection } of over)
      await db
        .deleteFrom('refused_keys')
        .where('key_hash', '=', key_hash)
        .where('collection', '=', collection)
        .execute();
    if (over.length > 0 || writes.length === 0) this.#mayHold = await this.#isAny(db);
  }

  async #isAny(db: Database): Promise<boolean> {
    return (await db.selectFrom('refused_keys').select('key_hash').limit(1).executeTakeFirst()) !== undefined;
  }
}
