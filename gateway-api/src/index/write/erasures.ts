/**
 * The erasures of records of care collections that this organisation is a member of, as rows: made anew from the mark, the
 * rows that are still held and the notes of what is purged, whenever one of them comes or goes.
 */
import { type Erasure, erasureHandle, erasureSchema } from '@telemed-ledger/chaincode/model/erasures.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Kysely, sql } from 'kysely';
import type { ErasuresTable, IndexTables } from '../schema.ts';
import type { Seals } from '../seals.ts';
import { beginningWith, type Erased, handleOf, type StandingMark } from './erased.ts';
import { type Inserts, Lookup } from './inserts.ts';
import { objectIn } from './json.ts';
import { newestOf, STANDING, type Standing } from './resources.ts';
import type { KeyRows } from './rows.ts';
import { isAnchored } from './sheets.ts';

type Writing = Kysely<IndexTables>;
type Value = IndexTables['private_values'];

const KIND = 'erasure';
const CARE = collections.care('');

/** An erasure's id, from the handle of its mark: a UUID (RFC 9562, version 8), the same at every member. */
export function erasureIdOf(handle: string): string {
  const variant = ((Number.parseInt(handle[16]!, 16) & 0x3) | 0x8).toString(16);
  const hex = `${handle.slice(0, 12)}8${handle.slice(13, 16)}${variant}${handle.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The handle of the record whose purge a key notes; undefined for any other key. */
function notedIn(key: string): string | undefined {
  const { kind, segments } = parsePrivateKey(key);
  return kind === KIND ? segments[0] : undefined;
}

/** What was written, and what it took away. */
interface Written {
  keys: readonly KeyRows[];
  /** Handles of the marks that came or went. */
  changed: ReadonlySet<string>;
  /** Keys that are gone. */
  names: readonly string[];
  cleared: readonly Standing[];
}

/** A note of a purge. */
interface Note {
  erasure: Erasure;
  row: Value;
}

const columns = sql.join(STANDING.map((column) => sql.ref(column)));

/** One for one database: it keeps its statements. */
export class Erasures {
  readonly #inserts: Inserts;
  readonly #seals: Seals;
  readonly #erased: Erased;
  readonly #transactions = new Lookup<IndexTables['transactions']>(
    (ids) => sql`select * from transactions where transaction_id in ${ids}`,
  );

  constructor(inserts: Inserts, seals: Seals, erased: Erased) {
    this.#inserts = inserts;
    this.#seals = seals;
    this.#erased = erased;
  }

  /** Makes anew what is said of the erasures that these keys, or what they took away, have a part in. */
  async settle(db: Writing, { keys, changed, names, cleared }: Written): Promise<void> {
    const rows = [...cleared, ...keys.flatMap(({ versions }) => versions.map(({ row }) => row))];
    const notes = [...names, ...keys.flatMap(({ privateValue }) => privateValue?.key ?? [])];
    const handles = new Set([
      ...changed,
      ...notes.flatMap((key) => notedIn(key) ?? []),
      ...rows.flatMap((row) => (row.erased === 1 ? (handleOf(row) ?? []) : [])),
    ]);
    if (handles.size > 0) await this.#settle(db, handles);
  }

  async #settle(db: Writing, handles: ReadonlySet<string>): Promise<void> {
    const marks = new Map((await this.#erased.marks(db, [...handles])).map((mark) => [mark.handle, mark]));
    const rows: ErasuresTable[] = [];
    for (const handle of handles) {
      const mark = marks.get(handle);
      const row = mark && (await this.#rowOf(db, mark));
      if (row !== undefined) rows.push(row);
      else await db.deleteFrom('erasures').where('id', '=', erasureIdOf(handle)).execute();
    }
    await this.#inserts.erasures.into(db, rows);
  }

  async #rowOf(db: Writing, { handle, begins, row: mark }: StandingMark): Promise<ErasuresTable | undefined> {
    const held = await this.#heldOf(db, handle, begins);
    const notes = await this.#notesOf(db, handle);
    const [newest] = newestOf(held);
    const last = notes.toSorted((one, other) => one.row.sequence - other.row.sequence).at(-1);
    const [signed] = await this.#transactions.of(db, [mark.transaction_id]);
    const about = newest ?? last?.row;
    if (about === undefined || signed === undefined || !this.#seals.isOn('transactions', signed)) return undefined;
    return {
      ...{ id: erasureIdOf(handle), collection: about.collection },
      record: newest?.id ?? last!.erasure.record,
      type: newest?.type ?? last!.erasure.type,
      patient: (newest === undefined ? last!.erasure.patient : newest.patient) ?? null,
      status: newest === undefined ? 'purged' : 'pending',
      ...{ sequence: mark.sequence, transaction_id: mark.transaction_id, block: mark.block },
      ...{ marked_at: signed.time, author: signed.creator },
      asked_by: last?.erasure.askedBy ?? null,
      purged_at: last?.erasure.purgedAt ?? null,
      purged_by: last?.row.transaction_id ?? null,
    };
  }

  /** The versions that are still held, of one provider and one type. */
  async #heldOf(db: Writing, handle: string, begins: string): Promise<Standing[]> {
    const { rows } = await sql<Standing>`select ${columns} from versions where ${beginningWith(begins)}`.execute(db);
    return rows.filter(
      (row) =>
        row.collection.startsWith(CARE) &&
        handleOf(row) === handle &&
        this.#seals.isOn('versions', row as IndexTables['versions']),
    );
  }

  /** The notes of what was purged, as holder and custodian left them between each other. */
  async #notesOf(db: Writing, handle: string): Promise<Note[]> {
    const first = privateKeys.erasure(handle, '');
    const rows = await db
      .selectFrom('private_values')
      .selectAll()
      .where('kind', '=', sql.lit(KIND))
      .where('key', '>=', first)
      .where('key', '<', `${first}g`)
      .execute();
    return rows.flatMap((row) => {
      const note = this.#noteIn(row);
      return note !== undefined && erasureHandle(row.collection.slice(CARE.length), note.record) === handle
        ? [{ erasure: note, row }]
        : [];
    });
  }

  #noteIn(row: Value): Erasure | undefined {
    if (!this.#seals.isOn('private_values', row) || !isAnchored(row)) return undefined;
    return erasureSchema.safeParse(objectIn(row.value)).data;
  }
}
