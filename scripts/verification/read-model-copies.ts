/**
 * Private values as the gateways' read models keep them: copies apart from the peers' ledger, for a repair. Records lie
 * there one by one, so contents and deliveries are put together again; whatever a read model says is held against the hash
 * on the ledger before it is used.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { contentIn } from '@telemed-ledger/gateway-api/index/write/sheets.ts';
import {
  emptiedContent,
  type Remainder,
  type ValueRow,
  valueFrom,
} from '@telemed-ledger/gateway-api/index/write/whole-values.ts';
import {
  type Copy,
  fits,
  type PrivateCopies,
} from '@telemed-ledger/network/embedded/ledger/verification/private-sets.ts';

type SetPlace = Parameters<PrivateCopies['find']>[0];

/** What a read model holds under a key. */
interface Held {
  organisation: string;
  key: Buffer;
  /** undefined: not all of it. */
  value: Buffer | undefined;
}

export class ReadModelCopies implements PrivateCopies {
  readonly #files: { organisation: string; path: string }[];
  /** Opened when the first value is looked for. */
  #open: { organisation: string; database: DatabaseSync }[] | undefined;

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
    for (const { organisation, key, value } of this.#held(collection, hashed.key)) {
      if (hashed.isDelete) return { key, value: Buffer.alloc(0), from: 'its key' };
      if (value !== undefined && fits({ value }, hashed)) return { key, value, from: `${organisation}'s read model` };
    }
    return undefined;
  }

  async keyOf({ collection }: SetPlace, keyHash: Buffer): Promise<Buffer | undefined> {
    return this.#held(collection, keyHash).next().value?.key;
  }

  /** What each read model has under a key, where it has anything and the key is the one that its hash says. */
  *#held(collection: string, keyHash: Buffer): Generator<Held, undefined> {
    this.#open ??= this.#files.map(({ organisation, path }) => ({
      organisation,
      database: new DatabaseSync(path, { readOnly: true }),
    }));
    for (const { organisation, database } of this.#open) {
      const found = attempt(() => heldIn(database, collection, keyHash));
      if (found !== undefined && sha256(found.key).equals(keyHash)) yield { organisation, ...found };
    }
    return undefined;
  }

  close(): void {
    for (const { database } of this.#open ?? []) database.close();
  }
}

const WHERE = 'WHERE key_hash = ? AND collection = ? ORDER BY sequence';
const PRIVATE_VALUE = `SELECT key, value FROM private_values ${WHERE}`;
const VERSIONS = `SELECT key, value, leaf, source, access, expires_at FROM versions ${WHERE}`;
const NOTES = "SELECT value FROM private_values WHERE kind = 'erasure' AND collection = ?";

function heldIn(database: DatabaseSync, collection: string, keyHash: Buffer): Omit<Held, 'organisation'> | undefined {
  const at = [keyHash.toString('hex'), collection];
  const rows = (query: string) => database.prepare(query).all(...at) as unknown as ValueRow[];
  const [whole] = rows(PRIVATE_VALUE);
  const versions = whole === undefined ? rows(VERSIONS) : [];
  const key = whole?.key ?? versions[0]?.key;
  if (key === undefined) return emptiedIn(database, collection, keyHash);
  const value = whole?.value ?? attempt(() => valueFrom(versions, remainderIn(database, collection, key)));
  return { key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value) };
}

/** A content of which every record is erased has no row: the notes of its erasures name its sheet. */
function emptiedIn(database: DatabaseSync, collection: string, keyHash: Buffer): ReturnType<typeof heldIn> {
  const notes = database.prepare(NOTES).all(collection) as unknown as { value: string }[];
  const sheets = notes.map(({ value }) => (JSON.parse(value) as { sheet: string }).sheet);
  for (const sheet of new Set(sheets)) {
    const generations = sheets.filter((one) => one === sheet).length;
    for (let generation = 1; generation <= generations; generation += 1) {
      const key = privateKeys.content(sheet, generation);
      if (!sha256(Buffer.from(key)).equals(keyHash)) continue;
      const remainder = remainderIn(database, collection, key);
      const value = remainder && emptiedContent(key, remainder);
      return { key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value) };
    }
  }
  return undefined;
}

/** What a content that an erasure wrote again holds beside its rows; undefined for any other key. */
function remainderIn(database: DatabaseSync, collection: string, key: string): Remainder | undefined {
  const content = contentIn(key);
  if (content === undefined || content.generation === 0) return undefined;
  const hash = sha256(Buffer.from(privateKeys.sheet(content.sheet))).toString('hex');
  const texts = (query: string, ...at: string[]) =>
    database.prepare(query).all(...at) as unknown as { value: string }[];
  const [tree] = texts(PRIVATE_VALUE, hash, collection);
  return { tree: tree?.value, notes: texts(NOTES, collection).map(({ value }) => value) };
}

/** A read model that is broken, or of an earlier gateway's, is no reason to end: another may hold the same. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
