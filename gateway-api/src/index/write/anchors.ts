/**
 * What the blocks say of every private key. A key is written once and then only purged; honest chaincode refuses a second
 * write, so one that is in a block is the work of changed chaincode: it is reported and its value ignored.
 */
import { type Kysely, sql } from 'kysely';
import type { AnchorsTable, IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { fits, LONGEST } from '../storable.ts';
import type { Anchorage } from './anchorage.ts';
import { type Inserts, Lookup } from './inserts.ts';
import { type KeyRows, type KeyWrite, keyName, missingRow } from './rows.ts';

type Database = Kysely<IndexTables>;
type Row = IndexTables['anchors'];

/** A second write of a key, by who endorsed it. */
export interface Rewrite {
  collection: string;
  keyHash: string;
  transactionId: string;
  /** MSP ids. */
  endorsers: readonly string[];
}

export interface Taken {
  /** What the block leaves under the keys of this organisation's collections, by `keyName`. */
  keys: Map<string, KeyRows>;
  rewrites: Rewrite[];
}

/** One for one database: it keeps its statements. */
export class Anchors {
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  readonly #standing = new Lookup<Row>((hashes) => sql`select * from anchors where key_hash in ${hashes}`);

  constructor(inserts: Inserts, seals: Seals) {
    this.#inserts = inserts;
    this.#seals = seals;
  }

  /** Notes the writes of a block, in their order. */
  async take(db: Database, writes: readonly KeyWrite[], block: number): Promise<Taken> {
    const known = await this.#of(db, writes);
    const changed = new Map<string, AnchorsTable>();
    const taken: Taken = { keys: new Map(), rewrites: [] };
    for (const write of writes) {
      if (!fits(write.collection, LONGEST.id)) continue;
      const name = keyName(write);
      const before = known.get(name);
      const after = this.#after(before, write, block);
      if (after !== before && after !== undefined) {
        known.set(name, after);
        changed.set(name, after);
      }
      if (before !== undefined && write.anchor !== undefined) taken.rewrites.push(rewriteOf(write));
      else if (write.rows !== undefined) taken.keys.set(name, write.rows);
    }
    await this.#inserts.anchors.into(db, [...changed.values()]);
    return taken;
  }

  #after(before: AnchorsTable | undefined, write: KeyWrite, block: number): AnchorsTable | undefined {
    const { collection, keyHash, anchor, transaction } = write;
    const { transactionId } = transaction;
    if (before === undefined) {
      if (anchor === undefined) return undefined;
      const place = { key_hash: keyHash, collection, anchor, transaction_id: transactionId, block };
      const sequence = write.rows?.write?.sequence ?? null;
      return { ...place, sequence, purged_by: null, rewritten_by: null };
    }
    // What fails its check is not sealed anew: verify finds it.
    if ('seal' in before && !this.#seals.isOn('anchors', before as Row)) return before;
    const { seal: _, ...row } = before as Row;
    if (anchor === undefined) return row.purged_by === null ? { ...row, purged_by: transactionId } : before;
    return row.rewritten_by === null ? { ...row, rewritten_by: transactionId } : before;
  }

  async #of(
    db: Database,
    keys: readonly { collection: string; keyHash: string }[],
  ): Promise<Map<string, AnchorsTable>> {
    const rows = await this.#standing.of(db, [...new Set(keys.map(({ keyHash }) => keyHash))]);
    return new Map(rows.map((row) => [keyName({ collection: row.collection, keyHash: row.key_hash }), row]));
  }

  /**
   * The keys without what the blocks had not borne out when they were written: a record on a sheet or at a place that was
   * written a second time, a copy that is not what its holder anchored, a value about a claim that the payer does not hold.
   * What later blocks say changes nothing, so that it does not matter when a value arrives.
   */
  async borneOut(db: Database, keys: readonly KeyRows[]): Promise<KeyRows[]> {
    const wanted = keys.flatMap((key) => [key.anchorages ?? [], ...key.versions.map((one) => one.anchorages ?? [])]);
    const hashes = new Set(wanted.flat().map(({ keyHash }) => keyHash));
    if (wanted.flat().length === 0) return [...keys];
    const since = new Map<string, number>();
    for (const row of await this.#standing.of(db, [...hashes])) {
      if (this.#seals.isOn('anchors', row)) since.set(named(row.collection, row.key_hash, row.anchor), row.block);
    }
    const isHeld = ({ anyOf, keyHash, anchor }: Anchorage, block: number): boolean =>
      anyOf.some((collection) => (since.get(named(collection, keyHash, anchor)) ?? Number.POSITIVE_INFINITY) <= block);
    return keys.map((key) =>
      withoutRefused(key, (anchorages) => {
        const block = key.write?.block ?? 0;
        return anchorages.every((one) => isHeld(one, block));
      }),
    );
  }
}

type Anchorages = readonly Anchorage[];

function withoutRefused(key: KeyRows, areHeld: (anchorages: Anchorages) => boolean): KeyRows {
  const { collection, keyHash, write, anchorages = [], versions } = key;
  const kept = areHeld(anchorages) ? versions.filter((one) => areHeld(one.anchorages ?? [])) : [];
  if (areHeld(anchorages) && kept.length === versions.length) return key;
  if (kept.length > 0 || write === undefined) return { ...key, versions: kept, isPartial: true };
  const lost = { collection, keyHash, write };
  return { ...lost, versions: [], missing: missingRow(lost, 'unreadable') };
}

const named = (collection: string, keyHash: string, anchor: string): string => `${keyHash} ${anchor} ${collection}`;

const rewriteOf = ({ collection, keyHash, transaction }: KeyWrite): Rewrite => ({
  ...{ collection, keyHash, transactionId: transaction.transactionId, endorsers: transaction.endorsers },
});
