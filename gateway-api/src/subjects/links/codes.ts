/**
 * The codes by which a patient says with one token that a record is to be linked, and with another to which. On the disk by their
 * hashes: they outlast a restart and a kill.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { JournalTables } from '../../index/schema.ts';

const CODE_MS = 10 * 60_000;
/** Open codes of one patient: a further one takes the place of the oldest. */
const MOST_OF_ONE = 10;

export class LinkCodes {
  readonly #db: Kysely<JournalTables>;
  readonly #now: () => number;

  /** `db` waits for the disk. */
  constructor(db: Kysely<JournalTables>, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  async take(patient: string): Promise<{ code: string; expiresAt: string }> {
    const code = randomBytes(16).toString('base64url');
    const expiresAt = this.#at(CODE_MS);
    await this.#db.deleteFrom('link_codes').where('expires_at', '<=', this.#at()).execute();
    await this.#forgetBeyond(MOST_OF_ONE - 1, patient);
    const row = { code_hash: hashOf(code), patient, claimed_by: null, expires_at: expiresAt };
    await this.#db.insertInto('link_codes').values(row).execute();
    return { code, expiresAt };
  }

  /**
   * The Patient whose it is; undefined where there is none, its time is over, or somebody else gave it back. Until it is spent
   * whoever gave it back may do so again: what ended in between is gone on with.
   * @param by id of the Patient whose token gives it back
   */
  async redeem(code: string, by: string): Promise<string | undefined> {
    const row = await this.#db
      .updateTable('link_codes')
      .set({ claimed_by: by })
      .where('code_hash', '=', hashOf(code))
      .where('expires_at', '>', this.#at())
      .where((where) => where.or([where('claimed_by', 'is', null), where('claimed_by', '=', by)]))
      .returning('patient')
      .executeTakeFirst();
    return row?.patient;
  }

  /** It has been used, or was of no use. */
  async spend(code: string): Promise<void> {
    await this.#db.deleteFrom('link_codes').where('code_hash', '=', hashOf(code)).execute();
  }

  #at(afterMs = 0): string {
    return new Date(this.#now() + afterMs).toISOString();
  }

  async #forgetBeyond(most: number, patient: string): Promise<void> {
    const own = this.#db.selectFrom('link_codes').select('code_hash').where('patient', '=', patient);
    const kept = await own.orderBy('expires_at', 'desc').orderBy('code_hash').limit(most).execute();
    const others = this.#db.deleteFrom('link_codes').where('patient', '=', patient);
    const hashes = kept.map(({ code_hash }) => code_hash);
    if (hashes.length === most) await others.where('code_hash', 'not in', hashes).execute();
  }
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
