/**
 * Who at a payer works on which claim, and what they note about it: the payer's own, in its journal, and on nobody's ledger. Who decided
 * a claim is on the ledger, by the certificate.
 */
import type { Kysely, Selectable } from 'kysely';
import type { DeskClaimsTable, DeskNotesTable } from '../../index/desk-tables.ts';
import type { JournalTables } from '../../index/schema.ts';

export type Assignment = Selectable<DeskClaimsTable>;
export type DeskNote = Selectable<DeskNotesTable>;

/** Who is to work on a claim from now on; undefined: nobody. */
export interface Assigning {
  claim: string;
  assignee: string | undefined;
  /** Who works on it by now, as the caller knows it; undefined: nobody. */
  instead: string | undefined;
  by: string;
}

export class DeskJournal {
  readonly #db: Kysely<JournalTables>;
  readonly #now: () => string;

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>, now = () => new Date().toISOString()) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Hands a claim over where it stands as the caller knows it, by one statement: of several at once one is heeded.
   * @returns how it stands then, whoever has it
   */
  async assign({ claim, assignee, instead, by }: Assigning): Promise<Assignment | undefined> {
    const row = { assignee: assignee ?? null, assigned_by: by, since: this.#now() };
    if (instead === undefined)
      await this.#db
        .insertInto('desk_claims')
        .values({ claim, ...row })
        .onConflict((known) => known.column('claim').doUpdateSet(row).where('desk_claims.assignee', 'is', null))
        .execute();
    else if (instead !== assignee)
      await this.#db
        .updateTable('desk_claims')
        .set(row)
        .where('claim', '=', claim)
        .where('assignee', '=', instead)
        .execute();
    return this.of(claim);
  }

  of(claim: string): Promise<Assignment | undefined> {
    return this.#db.selectFrom('desk_claims').selectAll().where('claim', '=', claim).executeTakeFirst();
  }

  /** Who works on which of these. */
  async assignees(claims: readonly string[]): Promise<Map<string, string>> {
    if (claims.length === 0) return new Map();
    const query = this.#db.selectFrom('desk_claims').select(['claim', 'assignee']).where('claim', 'in', claims);
    const rows = await query.where('assignee', 'is not', null).execute();
    return new Map(rows.map(({ claim, assignee }) => [claim, assignee!]));
  }

  /** Ids of the claims that somebody works on. */
  async claimsOf(assignee: string): Promise<string[]> {
    const rows = await this.#db.selectFrom('desk_claims').select('claim').where('assignee', '=', assignee).execute();
    return rows.map(({ claim }) => claim);
  }

  /** Keeps a note once. @returns what is kept under its id: another one where it was taken before */
  async note(note: Omit<DeskNote, 'at'>): Promise<DeskNote> {
    const { claim, id } = note;
    await this.#db
      .insertInto('desk_notes')
      .values({ ...note, at: this.#now() })
      .onConflict((kept) => kept.columns(['claim', 'id']).doNothing())
      .execute();
    return this.#notes(claim).where('id', '=', id).executeTakeFirstOrThrow();
  }

  /** Oldest first. */
  notes(claim: string): Promise<DeskNote[]> {
    return this.#notes(claim).orderBy('at').orderBy('id').execute();
  }

  #notes(claim: string) {
    return this.#db.selectFrom('desk_notes').selectAll().where('claim', '=', claim);
  }
}
