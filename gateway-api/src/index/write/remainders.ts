/**
 * Contents that an erasure wrote again. A later generation counts where its own transaction purged the one before, and so on
 * back to the first: then only one of them is ever shown. What it holds keeps the place in the order, the transaction and
 * the time of the records' own transaction, so that an erasure changes nothing of its neighbours.
 */
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type Content, placeOf } from '@telemed-ledger/chaincode/model/sheets.ts';
import { type Anchored, MAX_RECORDS } from '@telemed-ledger/chaincode/model/values.ts';
import { type Kysely, sql } from 'kysely';
import type { IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { Lookup } from './inserts.ts';
import { partsOfRemainder } from './records.ts';
import { type KeyRows, missingRow, recordRows } from './rows.ts';
import { contentIn } from './sheets.ts';
import { readObject } from './values.ts';

type Database = Kysely<IndexTables>;
type Anchor = IndexTables['anchors'];
type Write = NonNullable<KeyRows['write']>;

/** The transaction that wrote a sheet, as the blocks say. */
interface Origin {
  sheet: string;
  anchor: Anchor;
  transaction: IndexTables['transactions'];
}

/** One for one database: it keeps its statements. */
export class Remainders {
  readonly #seals: Seals;
  readonly #anchors = new Lookup<Anchor>((hashes) => sql`select * from anchors where key_hash in ${hashes}`);
  readonly #transactions = new Lookup<IndexTables['transactions']>(
    (ids) => sql`select * from transactions where transaction_id in ${ids}`,
  );

  constructor(seals: Seals) {
    this.#seals = seals;
  }

  /** The keys with what their remainders leave; what the blocks do not bear out is noted as unreadable. */
  async read(db: Database, keys: readonly KeyRows[]): Promise<KeyRows[]> {
    const found: KeyRows[] = [];
    for (const key of keys) found.push(key.remainder === undefined ? key : await this.#read(db, key, key.remainder));
    return found;
  }

  async #read(db: Database, key: KeyRows, { key: name, value }: NonNullable<KeyRows['remainder']>): Promise<KeyRows> {
    const { collection, keyHash, write } = key;
    if (write === undefined) return key;
    const at = { collection, keyHash, write };
    const origin = await this.#originOf(db, name, at);
    const rows = origin && (await attempt(remainderRows({ name, value, collection, keyHash, write }, origin)));
    return rows === undefined ? { ...at, versions: [], missing: missingRow(at, 'unreadable') } : { ...at, ...rows };
  }

  /** Undefined where the chain of generations is broken, or there is no such sheet. */
  async #originOf(
    db: Database,
    name: string,
    { collection, write }: { collection: string; write: Write },
  ): Promise<Origin | undefined> {
    const { sheet, generation } = contentIn(name) ?? { sheet: '', generation: Number.POSITIVE_INFINITY };
    if (generation > MAX_RECORDS) return undefined;
    const chain = Array.from({ length: generation + 1 }, (_, one) => sha256Hex(privateKeys.content(sheet, one)));
    const own = sha256Hex(privateKeys.sheet(sheet));
    const rows = await this.#anchors.of(db, [own, ...chain]);
    const intact = rows.filter((row) => row.collection === collection && this.#seals.isOn('anchors', row));
    const byKey = new Map(intact.map((row) => [row.key_hash, row]));
    const isChained = chain.every((hash, one) => {
      const next = chain[one + 1];
      const by = next === undefined ? undefined : byKey.get(next)?.transaction_id;
      return next === undefined
        ? byKey.get(hash)?.transaction_id === write.transactionId
        : byKey.get(hash)?.purged_by === by;
    });
    const anchor = byKey.get(own);
    if (!isChained || anchor === undefined) return undefined;
    const [transaction] = await this.#transactions.of(db, [anchor.transaction_id]);
    const isSigned = transaction !== undefined && this.#seals.isOn('transactions', transaction);
    return isSigned ? { sheet, anchor, transaction } : undefined;
  }
}

interface Remainder {
  name: string;
  value: string;
  collection: string;
  keyHash: string;
  write: Write;
}

/** @throws Error where it is not the content of its sheet */
async function remainderRows(
  { name, value, collection, keyHash, write }: Remainder,
  { sheet, anchor, transaction: { transaction_id, block, creator, time } }: Origin,
): Promise<Omit<KeyRows, 'collection' | 'keyHash'>> {
  const content = readObject(value) as unknown as Content;
  const { tree, leaves } = content;
  if (tree === undefined || anchor.sequence === null || anchor.anchor !== sha256Hex(tree))
    throw new Error('this is not the content of its sheet');
  const placeAt = (index: number): string => {
    const { salt, resource } = JSON.parse(leaves[index] as string) as Anchored;
    return canonicalJson(placeOf({ sheet, index }, resource.resourceType, salt));
  };
  const parts = await partsOfRemainder(content, { sheet, tree, collection, creator, placeAt });
  const place = { sequence: anchor.sequence, collection, key: name, key_hash: keyHash, value };
  return recordRows(parts, { ...place, anchor: write.anchor, transaction_id, block }, { creator, time });
}

/** The result; undefined where the text is not what it should be, whatever is wrong with it. */
const attempt = <T>(read: Promise<T>): Promise<T | undefined> => read.catch(() => undefined);
