/**
 * What the read model holds of the ledger as it can be shown to endorsers: the exact texts of values, the newest of a
 * series, and a record version with its path to its sheet.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { newestNumber } from '@telemed-ledger/chaincode/model/series.ts';
import { type Origin, type RecordEvidence, recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { Kysely } from 'kysely';
import { notHereYet } from '../../http/failures.ts';
import type { IndexTables, PrivateValuesTable } from '../schema.ts';
import { STANDING } from '../write/resources.ts';
import { leafOf, sheetIn } from '../write/sheets.ts';
import { evidenceIn } from '../write/whole-values.ts';
import type { Checks } from './checks.ts';
import { bearerAt } from './identifiers.ts';
import { demandShown, type VersionRow } from './stored.ts';

/** Keys of one query. */
const MOST_AT_ONCE = 200;

export class Evidence {
  readonly #db: Kysely<IndexTables>;
  readonly #checks: Checks;

  constructor(db: Kysely<IndexTables>, checks: Checks) {
    this.#db = db;
    this.#checks = checks;
  }

  /** The exact text of a value that stands on no sheet; undefined where it is not here. @throws {Failure} 409 */
  async text(collection: string, key: string): Promise<string | undefined> {
    const at = { key_hash: sha256Hex(key), collection };
    const value = await this.#db
      .selectFrom('private_values')
      .selectAll()
      .where((where) => where.and(at))
      .executeTakeFirst();
    if (value !== undefined) return this.#checks.anchored('private_values', value).value;
    const version = await this.#db
      .selectFrom('versions')
      .selectAll()
      .where((where) => where.and(at))
      .executeTakeFirst();
    return version && demandShown(this.#checks.anchored('versions', version)).value;
  }

  /** Several, in their order. @throws {Failure} 409 */
  async texts(collection: string, keys: readonly string[]): Promise<(string | undefined)[]> {
    const hashes = keys.map((key) => sha256Hex(key));
    const found = new Map<string, string>();
    for (let at = 0; at < hashes.length; at += MOST_AT_ONCE) {
      const some = hashes.slice(at, at + MOST_AT_ONCE);
      const values = await this.#db
        .selectFrom('private_values')
        .selectAll()
        .where('key_hash', 'in', some)
        .where('collection', '=', collection)
        .execute();
      for (const one of values) found.set(one.key_hash, this.#checks.anchored('private_values', one).value);
      const others = some.filter((hash) => !found.has(hash));
      if (others.length === 0) continue;
      const versions = await this.#db
        .selectFrom('versions')
        .selectAll()
        .where('key_hash', 'in', others)
        .where('collection', '=', collection)
        .execute();
      for (const one of versions) found.set(one.key_hash, demandShown(this.#checks.anchored('versions', one)).value);
    }
    return hashes.map((hash) => found.get(hash));
  }

  /**
   * The values of a collection of one kind, in the order of the ledger.
   * @param after sequence of the last one that is known already
   */
  async values(
    collection: string,
    kind: string,
    after = -1,
  ): Promise<Pick<PrivateValuesTable, 'key' | 'value' | 'sequence' | 'transaction_id'>[]> {
    const rows = await this.#db
      .selectFrom('private_values')
      .selectAll()
      .where('kind', '=', kind)
      .where('collection', '=', collection)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .execute();
    return rows.map((row) => this.#checks.anchored('private_values', row));
  }

  /**
   * The number that the newest key of a series ends in, 0 where there is none, as the blocks say: its value need not have
   * arrived. `series` ends with a slash. @param known one that was there when it was last looked
   */
  newest(collection: string, series: string, known = 0): Promise<number> {
    return newestNumber((number) => this.isWritten(collection, `${series}${number}`), known);
  }

  /** Whether a key is written, as the blocks say: its value need not have arrived. */
  async isWritten(collection: string, key: string): Promise<boolean> {
    return (await this.writtenBy(collection, key)) !== undefined;
  }

  /** The transaction that wrote a key first, as the blocks say; undefined where none has. */
  async writtenBy(collection: string, key: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('anchors')
      .selectAll()
      .where('key_hash', '=', sha256Hex(key))
      .where('collection', '=', collection)
      .executeTakeFirst();
    return row && this.#checks.row('anchors', row).transaction_id;
  }

  /** Id of the Patient in a collection that an identifier meant at a place in the order of the ledger. */
  bearerAt(...which: [string, { system: string; value: string }, number]): Promise<string | undefined> {
    return bearerAt(this.#db, this.#checks, ...which);
  }

  /** The row of one version, the original before copies of it; undefined where it is not here. @throws {Failure} 409 */
  async rowOf(type: string, id: string, version: number): Promise<VersionRow | undefined> {
    const rows = await this.#db
      .selectFrom('versions')
      .selectAll()
      .where('id', '=', id)
      .where('type', '=', type)
      .where('version', '=', version)
      .orderBy('sequence')
      .execute();
    const row = rows.find(({ source }) => source === null) ?? rows[0];
    return row && demandShown(this.#checks.anchored('versions', row));
  }

  /** Where version 1 of a record stands, as its row says; undefined where it is not here. @throws {IntegrityFailure} */
  async originOf(collection: string, id: string): Promise<Origin | undefined> {
    const row = await this.#db
      .selectFrom('versions')
      .select(STANDING)
      .where('id', '=', id)
      .where('collection', '=', collection)
      .where('version', '=', 1)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const [sheet, leaf] = [sheetIn(row.key), leafOf(this.#checks.row('versions', row))];
    return sheet === undefined || leaf === undefined ? undefined : { sheet, index: leaf.index };
  }

  /** A record version, or a copy of one, with its path. @throws {Failure} 503 where a part of it has not arrived */
  async ofRecord(row: VersionRow): Promise<RecordEvidence> {
    const copied = evidenceIn(row);
    if (copied !== undefined) return copied;
    const [sheet, leaf] = [sheetIn(row.key), leafOf(row)];
    const { collection, type, id, version } = row;
    const tree = sheet === undefined ? undefined : await this.text(collection, privateKeys.sheet(sheet));
    if (sheet === undefined || leaf === undefined || tree === undefined) throw notHereYet(1);
    const { index, path } = leaf;
    const shown = { id, version, text: row.value, sheet, index, path, tree };
    if (version === 1 && id === recordIdAt({ sheet, index }, type)) return shown;
    const place = await this.text(collection, privateKeys.version(id, version));
    if (place === undefined) throw notHereYet(1);
    return { ...shown, place };
  }
}
