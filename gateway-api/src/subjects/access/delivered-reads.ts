/**
 * Who was shown what had been delivered, and who was refused it because it is for somebody else: written down at the
 * receiving gateway, and on its disk, before anything is answered. It is this organisation's own log, kept in the journal:
 * no ledger could give it back, and the patient's own gateway does not have it yet.
 */
import type { Kysely, Selectable } from 'kysely';
import type { Caller } from '../../auth/caller.ts';
import { Gathered } from '../../idempotency/gathered.ts';
import type { DeliveredRecords } from '../../index/read/deliveries.ts';
import type { DeliveredReadsTable, JournalTables } from '../../index/schema.ts';

export type DeliveredRead = Selectable<DeliveredReadsTable>;
type NewRead = Omit<DeliveredRead, 'sequence' | 'at'>;

/** What was asked for, and what came of it. */
export interface Asked extends Pick<NewRead, 'interaction' | 'type'> {
  shown: readonly DeliveredRecords[];
  refused: readonly DeliveredRecords[];
}

/** Rows in one statement. */
const ROWS = 100;

export class DeliveredReads {
  readonly #db: Kysely<JournalTables>;
  readonly #lazily: Kysely<JournalTables>;
  readonly #gathered = new Gathered<NewRead[]>((lists) => this.#store(lists.flat()));
  #last: number | undefined;

  /** `db` waits for the disk; `lazily`, a second connection to the same journal, does not. */
  constructor(db: Kysely<JournalTables>, lazily: Kysely<JournalTables>) {
    this.#db = db;
    this.#lazily = lazily;
  }

  /** On the disk when it is done; nothing waits where nothing delivered was asked for. */
  async note({ subject, role, fhirUser }: Caller, { interaction, type, shown, refused }: Asked): Promise<void> {
    const who = { subject, role, fhir_user: fhirUser ?? null, interaction, type };
    const rows = (['shown', 'refused'] as const).flatMap((outcome) =>
      (outcome === 'shown' ? shown : refused).map(
        ({ access, ids }): NewRead => ({ ...who, outcome, access, records: JSON.stringify(ids) }),
      ),
    );
    if (rows.length > 0) await this.#gathered.add(rows);
  }

  async #store(reads: readonly NewRead[]): Promise<void> {
    const at = new Date().toISOString();
    let sequence = this.#last ?? (await this.#newest());
    const rows = reads.map((read) => {
      sequence += 1;
      return { ...read, sequence, at };
    });
    await this.#db.transaction().execute(async (db) => {
      for (let start = 0; start < rows.length; start += ROWS) {
        await db
          .insertInto('delivered_reads')
          .values(rows.slice(start, start + ROWS))
          .execute();
      }
    });
    this.#last = sequence;
  }

  async #newest(): Promise<number> {
    const row = await this.#db
      .selectFrom('delivered_reads')
      .select(({ fn }) => fn.max('sequence').as('last'))
      .executeTakeFirst();
    return Number(row?.last ?? 0);
  }

  /** Of one access, in the order in which they were answered. */
  page(access: string, { count, after = 0 }: { count: number; after?: number | undefined }): Promise<DeliveredRead[]> {
    return this.#lazily
      .selectFrom('delivered_reads')
      .selectAll()
      .where('access', '=', access)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(count)
      .execute();
  }
}
