/**
 * Who read what of this organisation's data, and who was refused it: on the disk before anything is answered, together for
 * all that wait. Kept in the journal, as no ledger could give it back, each row chained to the one before, for six years.
 * What is not in it was not shown by this gateway; what somebody read past the gateway is in no log.
 */
import { type LogPlace, rowHash, rowText } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { CompiledQuery, type Kysely, type Selectable, sql } from 'kysely';
import type { Caller } from '../../auth/caller.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { Gathered } from '../../idempotency/gathered.ts';
import type { JournalTables, ReadsTable } from '../../index/schema.ts';
import type { Difference } from '../../index/verification/report.ts';
import { pieces } from '../../index/write/inserts.ts';
import { type Anchored, logDifferences } from './log-check.ts';

export type Read = Selectable<ReadsTable>;
type NewRead = Omit<Read, 'sequence' | 'at' | 'hash'>;

/** Records of one patient that were shown, or refused, together. */
export interface About extends Pick<NewRead, 'outcome' | 'patient' | 'access'> {
  records: string[];
}

/** What was asked for, and what came of it. */
export interface Asked extends Pick<NewRead, 'interaction' | 'type'> {
  about: readonly About[];
}

/** Rows that are wanted; without any condition all. */
export interface Wanted {
  patient?: string | readonly string[] | undefined;
  access?: string | undefined;
}

export interface ReadLogOptions {
  /** For how long rows are kept, milliseconds. */
  keptMs?: number;
  now?: () => number;
}

const YEAR_MS = 365.25 * 24 * 3_600_000;
/** HIPAA's accounting of disclosures covers six years (45 CFR 164.528). */
const KEPT_MS = 6 * YEAR_MS;
/** How often it is looked for rows whose time is over, and how many are removed at once. */
const PRUNE_EVERY_MS = 3_600_000;
const PRUNED = 5_000;
/** Reads that are under way go along: without waiting for them each would be a transaction of its own. */
const TURNS = 1;
/** Rows that are checked at once. */
const CHECKED = 500;

const COLUMNS = [
  ...(['sequence', 'at', 'outcome', 'interaction', 'subject', 'role', 'fhir_user'] as const),
  ...(['patient', 'access', 'type', 'records', 'hash'] as const),
];

export class ReadLog {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;
  readonly #keptMs: number;
  readonly #now: () => number;
  readonly #gathered = new Gathered<NewRead[]>((lists) => this.#store(lists.flat()), TURNS);
  readonly #inserts = new Map<number, CompiledQuery>();
  #last: LogPlace | undefined;
  /** A write failed, and its rows may be there all the same. */
  #isUnsure = false;
  #prunedAt = Number.NEGATIVE_INFINITY;

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>, options: ReadLogOptions = {}) {
    this.#db = db;
    this.#lazily = lazily;
    this.#keptMs = options.keptMs ?? KEPT_MS;
    this.#now = options.now ?? Date.now;
  }

  /** On the disk when it is done. */
  async note({ subject, role, fhirUser }: Caller, { interaction, type, about }: Asked): Promise<void> {
    // What no transaction could carry.
    const who = {
      subject: subject.replaceAll(/\p{Noncharacter_Code_Point}/gu, '\u{fffd}'),
      role,
      fhir_user: fhirUser ?? null,
      interaction,
      type,
    };
    const rows = about.map((one): NewRead => ({ ...who, ...one, records: JSON.stringify(one.records) }));
    if (rows.length > 0) await this.#gathered.add(rows);
  }

  /** Newest first. @param before sequence of the last row of the page before */
  page(
    { patient, access }: Wanted,
    { count, before }: { count: number; before?: number | undefined },
  ): Promise<Read[]> {
    let query = this.#lazily.selectFrom('reads').selectAll().orderBy('sequence', 'desc').limit(count);
    if (patient !== undefined) query = query.where('patient', 'in', [patient].flat());
    if (access !== undefined) query = query.where('access', '=', access);
    if (before !== undefined) query = query.where('sequence', '<', before);
    return query.where('outcome', '!=', 'pruned').execute();
  }

  /** What is wrong with its rows: see log-check.ts. */
  differences(anchored: AsyncIterable<Anchored> = nothing(), stop?: AbortSignal): Promise<Difference[]> {
    const isDue = (at: string) => at < new Date(this.#now() - this.#keptMs).toISOString();
    const rows = { after: (sequence?: number) => this.#after(sequence, CHECKED), stretch: this.stretch.bind(this) };
    return logDifferences({ ...rows, known: this.#last?.sequence ?? 0, isDue }, anchored, stop);
  }

  /**
   * Who granted, amended or revoked a version of a consent here, or restricted a record; undefined where that is not known.
   * @param act `id/version` of a Consent, `record/number` of a restriction
   */
  async actor(act: string): Promise<Pick<Read, 'role' | 'subject' | 'fhir_user'> | undefined> {
    const query = this.#lazily.selectFrom('reads').select(['role', 'subject', 'fhir_user']);
    const named = query.where('records', '=', JSON.stringify([act]));
    // Literals: a partial index is used only where the statement says so itself.
    for (const acts of [
      sql<boolean>`interaction in ('grant', 'amend', 'revoke')`,
      sql<boolean>`interaction in ('restrict', 'lift-restriction')`,
    ]) {
      const found = await named.where(acts).orderBy('sequence', 'desc').limit(1).executeTakeFirst();
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The rows behind a number up to another, in their order. */
  async stretch(after: number, to: number): Promise<Read[]> {
    const query = this.#lazily.selectFrom('reads').selectAll().where('sequence', '>', after);
    return query.where('sequence', '<=', to).orderBy('sequence').execute();
  }

  /** The first rows behind a number: as many as have texts of so many characters together, one at least. */
  async next(after: number, { rows: most, length }: { rows: number; length: number }): Promise<Read[]> {
    const rows = await this.#after(after, await this.#fitting(after, most, length));
    let used = 0;
    const over = rows.findIndex((row) => {
      used += rowText(row).length;
      return used > length;
    });
    return over < 0 ? rows : rows.slice(0, Math.max(1, over));
  }

  /** How many rows whose records alone have no more than so many characters, and one more: the others are not read. */
  async #fitting(after: number, most: number, length: number): Promise<number> {
    const query = this.#lazily.selectFrom('reads').select(sql<number>`length(records)`.as('length'));
    const sizes = await query.where('sequence', '>', after).orderBy('sequence').limit(most).execute();
    let used = 0;
    const over = sizes.findIndex((row) => {
      used += Number(row.length);
      return used > length;
    });
    return over < 0 ? most : over + 1;
  }

  /** How many rows stand behind a number, and when the first of them was written. */
  async waiting(after: number): Promise<{ rows: number; since: string | undefined }> {
    const query = this.#lazily.selectFrom('reads').select(['sequence', 'at']).where('sequence', '>', after);
    const first = await query.orderBy('sequence').limit(1).executeTakeFirst();
    const { sequence } = this.#last ?? (await this.#newest());
    return { rows: first === undefined ? 0 : sequence - Number(first.sequence) + 1, since: first?.at };
  }

  /** Where the log begins: before the row with the number 1, or at what stands for the rows that were removed. */
  async beginning(): Promise<LogPlace> {
    const [first] = await this.#after(0, 1);
    if (first?.outcome !== 'pruned') return { sequence: 0, hash: '' };
    return { sequence: Number(first.sequence), hash: first.hash };
  }

  /** From when on nothing is removed that was written: the time of the last row whose time was over. Undefined: from the first on. */
  async completeSince(): Promise<string | undefined> {
    const [first] = await this.#after(0, 1);
    return first?.outcome === 'pruned' ? first.at : undefined;
  }

  /** The row with a number; undefined where there is none. */
  async row(sequence: number): Promise<Read | undefined> {
    return this.#lazily.selectFrom('reads').selectAll().where('sequence', '=', sequence).executeTakeFirst();
  }

  async #after(sequence = Number.MIN_SAFE_INTEGER, most: number): Promise<Read[]> {
    const query = this.#lazily.selectFrom('reads').selectAll().where('sequence', '>', sequence);
    return query.orderBy('sequence').limit(most).execute();
  }

  async #store(reads: readonly NewRead[]): Promise<void> {
    const at = new Date(this.#now()).toISOString();
    let last = this.#isUnsure || this.#last === undefined ? await this.#newest() : this.#last;
    this.#isUnsure = true;
    const rows = reads.map((read): Read => {
      const row = { ...read, sequence: last.sequence + 1, at };
      last = { sequence: row.sequence, hash: rowHash(last.hash, rowText(row)) };
      return { ...row, hash: last.hash };
    });
    await this.#db.transaction().execute(async (db) => {
      for (const piece of pieces(rows)) await this.#insert(db, piece);
    });
    [this.#last, this.#isUnsure] = [last, false];
    await this.#prune();
  }

  async #insert(db: Kysely<JournalTables>, rows: readonly Read[]): Promise<void> {
    const known = this.#inserts.get(rows.length) ?? CompiledQuery.raw(insertOf(rows.length).compile(db).sql);
    this.#inserts.set(rows.length, known);
    await db.executeQuery({ ...known, parameters: rows.flatMap((row) => COLUMNS.map((column) => row[column])) });
  }

  async #newest(): Promise<LogPlace> {
    const query = this.#db.selectFrom('reads').select(['sequence', 'hash']).orderBy('sequence', 'desc').limit(1);
    const row = await query.executeTakeFirst();
    return { sequence: Number(row?.sequence ?? 0), hash: row?.hash ?? '' };
  }

  /** Removes what is older than it is kept. The last of it stays without what it said: the chain goes on from its hash. */
  async #prune(): Promise<void> {
    const now = this.#now();
    if (now < this.#prunedAt + PRUNE_EVERY_MS) return;
    const over = new Date(now - this.#keptMs).toISOString();
    const oldest = await this.#db
      .selectFrom('reads')
      .select(['sequence', 'at'])
      .orderBy('sequence')
      .limit(PRUNED)
      .execute();
    const cut = oldest.findLast(({ at }) => at < over)?.sequence;
    if (cut !== undefined) {
      const nothing = { outcome: 'pruned', subject: '', role: '', fhir_user: null, type: '', records: '[]' } as const;
      const gone = { ...nothing, patient: null, access: null };
      await this.#db.transaction().execute(async (db) => {
        await db.deleteFrom('reads').where('sequence', '<', cut).execute();
        await db.updateTable('reads').set(gone).where('sequence', '=', cut).execute();
      });
    }
    // More may be over: the next write goes on.
    if (cut === undefined || oldest.length < PRUNED) this.#prunedAt = now;
  }
}

async function* nothing(): AsyncGenerator<Anchored> {}

const insertOf = (rows: number) => {
  const row = sql`(${sql.join(COLUMNS.map(() => sql.val(null)))})`;
  const columns = sql.join(COLUMNS.map((column) => sql.ref(column)));
  return sql`insert into reads (${columns}) values ${sql.join(Array.from({ length: rows }, () => row))}`;
};

/** Records by the patient whom they are about, and the access that they were delivered under. */
export function aboutOf(
  outcome: 'shown' | 'refused',
  records: readonly { patient?: string | null; access?: string | null; id: string }[],
): About[] {
  const found = new Map<string, About>();
  for (const { patient = null, access = null, id } of records) {
    const name = JSON.stringify([patient, access]);
    const known = found.get(name);
    if (known === undefined) found.set(name, { outcome, patient, access, records: [id] });
    else known.records.push(id);
  }
  return [...found.values()];
}

/** What was shown. */
export const shownOf = (found: readonly StoredResource[]): About[] =>
  aboutOf(
    'shown',
    found.map(({ patient, access, resource: { id } }) => ({ patient: patient ?? null, access: access ?? null, id })),
  );
