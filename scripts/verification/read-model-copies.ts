/**
 * Private values as the gateways' read models keep them: copies apart from the peers' ledger, for a repair. Whatever a
 * read model says is held against the hash on the ledger before it is used.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import {
  type Copy,
  fits,
  type PrivateCopies,
} from '@telemed-ledger/network/embedded/ledger/verification/private-sets.ts';

type SetPlace = Parameters<PrivateCopies['find']>[0];

interface Row {
  organisation: string;
  table: 'versions' | 'private_values';
  sequence: number;
  key: string;
}

export class ReadModelCopies implements PrivateCopies {
  readonly #files: { organisation: string; path: string }[];
  readonly #open = new Map<string, DatabaseSync>();
  /** By collection and the key's hash; made when it is first needed. */
  #rows: Map<string, Row[]> | undefined;

  /** Of the organisations whose read models lie in files under the data directory; those in PostgreSQL are left out. */
  constructor(dataDir: string, organisations: readonly string[]) {
    this.#files = organisations
      .map((organisation) => ({
        organisation,
        path: join(dataDir, 'organisations', organisation, 'gateway', 'index.sqlite'),
      }))
      .filter(({ path }) => existsSync(path));
  }

  async find({ collection }: SetPlace, hashed: Write): Promise<Copy | undefined> {
    for (const { organisation, table, sequence, key } of this.#rowsOf(collection, hashed.key)) {
      if (hashed.isDelete) return { key: Buffer.from(key), value: Buffer.alloc(0), from: 'its key' };
      const select = `SELECT value FROM ${table} WHERE sequence = ?`;
      const row = this.#open.get(organisation)?.prepare(select).get(sequence) as { value: string } | undefined;
      const value = Buffer.from(row?.value ?? '');
      if (fits({ value }, hashed)) return { key: Buffer.from(key), value, from: `${organisation}'s read model` };
    }
    return undefined;
  }

  async keyOf({ collection }: SetPlace, keyHash: Buffer): Promise<Buffer | undefined> {
    const [row] = this.#rowsOf(collection, keyHash);
    return row && Buffer.from(row.key);
  }

  #rowsOf(collection: string, keyHash: Buffer): Row[] {
    this.#rows ??= this.#readAll();
    return this.#rows.get(idOf(collection, keyHash)) ?? [];
  }

  #readAll(): Map<string, Row[]> {
    const rows = new Map<string, Row[]>();
    for (const { organisation, path } of this.#files) {
      const database = new DatabaseSync(path, { readOnly: true });
      this.#open.set(organisation, database);
      for (const table of ['versions', 'private_values'] as const) {
        const all = database.prepare(`SELECT sequence, collection, key FROM ${table}`).iterate();
        for (const each of all as Iterable<{ sequence: number; collection: string; key: string }>) {
          const id = idOf(each.collection, sha256(Buffer.from(each.key)));
          rows.set(id, [...(rows.get(id) ?? []), { organisation, table, sequence: each.sequence, key: each.key }]);
        }
      }
    }
    return rows;
  }

  close(): void {
    for (const database of this.#open.values()) database.close();
  }
}

const idOf = (collection: string, keyHash: Buffer): string => `${collection}\0${keyHash.toString('hex')}`;
