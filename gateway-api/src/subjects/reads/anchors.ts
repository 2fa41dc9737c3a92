/**
 * Anchors the log of reads on the ledger, and reads back what is anchored: from then on nobody, this organisation included, can
 * write it anew, cut it or leave a row out without its showing. What is stated is on the disk before it is sent.
 */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  type CarriedRow,
  type LogBatch,
  type LogMark,
  type LogPlace,
  type LogStatement,
  logBatchSchema,
  logMarkSchema,
  logStatementSchema,
  logTree,
  MAX_ANCHORED,
  MAX_PURGED,
  readsOverAt,
  rowText,
  statementHash,
} from '@telemed-ledger/chaincode/model/log-anchors.ts';
import { newestNumber } from '@telemed-ledger/chaincode/model/series.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Kysely } from 'kysely';
import type { ReadModel } from '../../index/read/queries.ts';
import type { JournalTables } from '../../index/schema.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import { newSalt, SYSTEM } from '../../ledger/sender.ts';
import type { Anchored } from './log-check.ts';
import type { Read, ReadLog } from './read-log.ts';

/** Characters of the rows of one anchor. */
const LONGEST = 1024 * 1024;
/** A log that says nothing new is anchored so often: that it said nothing. */
const QUIET_MS = 24 * 3_600_000;

/** The log is not what it was when it was anchored last; an operator decides what to do. */
export class LogBroken extends Error {}

export interface StandingMark {
  mark: LogMark;
  /** As it stands on the ledger. */
  text: string;
  transactionId: string;
}

export interface LogAnchorsOptions {
  index: Pick<ReadModel, 'evidence' | 'transaction'>;
  ledger: Pick<LedgerClient, 'submit'>;
  readLog: ReadLog;
  journal: Kysely<JournalTables>;
  consortium: Consortium;
  /** Name of this gateway's. */
  organisation: string;
  /** How long a row waits; 0: until it is asked for. */
  everyMs: number;
  now?: () => number;
}

interface Due {
  n: number;
  last: LogStatement | undefined;
  rows: Read[];
}

export class LogAnchors {
  readonly #options: LogAnchorsOptions;
  readonly #known = new Map<string, number>();
  readonly #gone = new Map<string, number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LogAnchorsOptions) {
    this.#options = options;
  }

  get #isCustodian(): boolean {
    const { consortium, organisation } = this.#options;
    return organisationByName(consortium, organisation)?.kind === 'custodian';
  }

  /** The number of an organisation's newest anchor, 0 where there is none. */
  async newest(organisation: string): Promise<number> {
    const known = this.#known.get(organisation) ?? 0;
    const series = privateKeys.log(organisation, 0).slice(0, -1);
    const found = await this.#options.index.evidence.newest(collections.marks, series, known);
    this.#known.set(organisation, found);
    return found;
  }

  /** An anchor; undefined where there is none that its organisation has signed. */
  async mark(organisation: string, n: number): Promise<StandingMark | undefined> {
    const { index, consortium } = this.#options;
    const key = privateKeys.log(organisation, n);
    const text = await index.evidence.text(collections.marks, key);
    const transactionId = text && (await index.evidence.writtenBy(collections.marks, key));
    if (text === undefined || transactionId === undefined) return undefined;
    const creator = (await index.transaction(transactionId))?.creator;
    const { data: mark } = logMarkSchema.safeParse(JSON.parse(text));
    const isIts =
      creator === organisationByName(consortium, organisation)?.mspId && mark?.organisation === organisation;
    return mark !== undefined && isIts && mark.n === n ? { mark, text, transactionId } : undefined;
  }

  /** The rows of a stretch with what is stated of it: of this organisation, and at the custodian of every one. */
  async batch(organisation: string, n: number): Promise<Omit<LogBatch, 'schema'> | undefined> {
    const carried = await this.#carried(organisation, n);
    if (carried !== undefined || organisation !== this.#options.organisation) return carried;
    const stated = await this.#stated(n);
    return stated && { ...stated, rows: await this.#rowsOf(stated.statement) };
  }

  /** Stretches of this organisation's own log, the oldest first. */
  async *own(): AsyncGenerator<Anchored> {
    const { organisation } = this.#options;
    const newest = await this.newest(organisation);
    for (let n = 1; n <= newest; n += 1) {
      const standing = await this.mark(organisation, n);
      const statement = await this.#statement(n);
      if (standing === undefined || statement === undefined) continue;
      if (statementHash(statement) !== standing.mark.statement) continue;
      const texts = async () => (await this.#carried(organisation, n))?.rows.map(({ text }) => text);
      yield { n, from: statement.from, to: statement.to, texts };
    }
  }

  /** When the next anchor is due by itself, milliseconds since 1970; undefined where none ever is. */
  async dueAt(): Promise<number | undefined> {
    const { everyMs, organisation, readLog, now = Date.now } = this.#options;
    if (everyMs === 0) return undefined;
    const { n, from } = await this.#end();
    const { rows, since } = await readLog.waiting(from.sequence);
    if (rows >= MAX_ANCHORED) return now();
    if (since !== undefined) return Date.parse(since) + everyMs;
    const last = await this.mark(organisation, n - 1);
    return last === undefined ? undefined : Date.parse(last.mark.at) + QUIET_MS;
  }

  /**
   * Anchors what is not anchored yet, one anchor of it, and none where there is nothing.
   * @returns its number
   * @param restarted it does not go on from the one before: that is said on the ledger
   * @throws {LogBroken} @throws {LedgerError} CONFLICT where another was first
   */
  anchor({ restarted, quiet }: { restarted?: boolean; quiet?: boolean } = {}): Promise<number | undefined> {
    const turn = this.#turn.then(() => this.#anchor(restarted === true, quiet === true));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #anchor(restarted: boolean, quiet: boolean): Promise<number | undefined> {
    const { ledger, organisation } = this.#options;
    const due = await this.#due(restarted);
    const { n, last } = due;
    if (due.rows.length === 0 && !quiet && !restarted) return undefined;
    const draft = (restarted ? undefined : await this.#stated(n)) ?? (await this.#state(due));
    const { statement, secret } = draft;
    const rows = await this.#rowsOf(statement);
    const isNew = restarted && n > 1;
    await ledger.submit(
      'AnchorLog',
      { n },
      {
        statement,
        ...(isNew ? { restarted: true as const } : last === undefined ? {} : { previous: last }),
        ...(this.#isCustodian ? {} : { carried: { secret, rows } }),
      },
      { as: SYSTEM },
    );
    this.#known.set(organisation, n);
    return n;
  }

  /** What is not anchored yet. */
  async #due(restarted = false): Promise<Due> {
    const { n, last, from } = await this.#end(restarted);
    const rows = await this.#options.readLog.next(from.sequence, { rows: MAX_ANCHORED, length: LONGEST });
    return { n, last, rows: rows.filter(({ outcome }) => outcome !== 'pruned') };
  }

  /** Where the anchors end, with the number of the next. */
  async #end(restarted = false): Promise<Pick<Due, 'n' | 'last'> & { from: LogPlace }> {
    const { organisation, readLog } = this.#options;
    const n = (await this.newest(organisation)) + 1;
    const last = n === 1 || restarted ? undefined : await this.#statement(n - 1);
    if (n > 1 && !restarted && last === undefined)
      throw new LogBroken('what the last anchor of the log of reads states is neither here nor on the ledger');
    if (last !== undefined) await this.#checkGoesOn(last.to);
    return { n, last, from: last?.to ?? (await readLog.beginning()) };
  }

  async #checkGoesOn({ sequence, hash }: LogPlace): Promise<void> {
    if (sequence === 0) return;
    const row = await this.#options.readLog.row(sequence);
    const oldest = (await this.#options.readLog.beginning()).sequence;
    if (row?.hash !== hash && sequence >= oldest)
      throw new LogBroken('the log of reads is not what was anchored: npm run verify says where');
  }

  /** Writes down what is stated of these rows, in the place of what was never sent. */
  async #state({ n, last, rows }: Due): Promise<Omit<LogBatch, 'schema' | 'rows'>> {
    const { organisation, readLog, journal } = this.#options;
    const from = last?.to ?? (await readLog.beginning());
    const end = rows.at(-1);
    const to = end === undefined ? from : { sequence: Number(end.sequence), hash: end.hash };
    const [salt, secret] = [newSalt(), newSalt()];
    const { root, leaves } = logTree(rows.map(carriedOf), salt, secret);
    const statement: LogStatement = { schema: 1, organisation, n, from, to, size: leaves.length, root, salt };
    const row = { statement: canonicalJson(statement), secret };
    await journal
      .insertInto('log_statements')
      .values({ n, ...row })
      .onConflict((conflict) => conflict.column('n').doUpdateSet(row))
      .execute();
    return { statement, secret };
  }

  async #rowsOf({ from, to }: LogStatement): Promise<CarriedRow[]> {
    return (await this.#options.readLog.stretch(from.sequence, to.sequence)).map(carriedOf);
  }

  async #stated(n: number): Promise<Omit<LogBatch, 'schema' | 'rows'> | undefined> {
    const { journal } = this.#options;
    const row = await journal.selectFrom('log_statements').selectAll().where('n', '=', n).executeTakeFirst();
    const { data: statement } = logStatementSchema.safeParse(row && JSON.parse(row.statement));
    return row && statement && { statement, secret: row.secret };
  }

  /** As this gateway wrote it down, or where its journal was lost as the ledger has it. */
  async #statement(n: number): Promise<LogStatement | undefined> {
    const { organisation } = this.#options;
    const stated = (await this.#stated(n))?.statement;
    const mark = (await this.mark(organisation, n))?.mark;
    if (stated !== undefined && (mark === undefined || statementHash(stated) === mark.statement)) return stated;
    return (await this.#carried(organisation, n))?.statement;
  }

  /**
   * The number of the last anchor of an organisation whose rows are gone, because their time was over: of what was carried, from the
   * ledger; of the custodian's own, from its log. 0 where all are there.
   */
  async gone(organisation: string): Promise<number> {
    const newest = await this.newest(organisation);
    const isGone = async (n: number) => n <= newest && (await this.#isGone(organisation, n));
    const found = await newestNumber(isGone, this.#gone.get(organisation));
    this.#gone.set(organisation, found);
    return found;
  }

  async #isGone(organisation: string, n: number): Promise<boolean> {
    if (organisation === this.#options.organisation && this.#isCustodian) {
      const from = (await this.#statement(n))?.from.sequence;
      return from !== undefined && (await this.#options.readLog.beginning()).sequence > from;
    }
    // What has not arrived yet is not gone.
    return (await this.#isOver(organisation, n)) && (await this.#carried(organisation, n)) === undefined;
  }

  /**
   * The oldest anchors whose rows are on the ledger and may be purged, as many as one transaction takes; undefined: none.
   * @param afterMs how long their time is to be over
   */
  async over(organisation: string, afterMs: number): Promise<{ from: number; to: number } | undefined> {
    const [newest, from] = [await this.newest(organisation), (await this.gone(organisation)) + 1];
    let to = from - 1;
    while (to < Math.min(newest, from + MAX_PURGED - 1) && (await this.#isOver(organisation, to + 1, afterMs))) to += 1;
    return to < from ? undefined : { from, to };
  }

  /** When the oldest rows of an organisation on the ledger may be purged, milliseconds since 1970. */
  async overAt(organisation: string): Promise<number | undefined> {
    const at = await this.#timeOf(organisation, (await this.gone(organisation)) + 1);
    return at === undefined ? undefined : readsOverAt(at);
  }

  async #isOver(organisation: string, n: number, afterMs = 0): Promise<boolean> {
    const { now = Date.now } = this.#options;
    const at = await this.#timeOf(organisation, n);
    return at !== undefined && readsOverAt(at) + afterMs <= now();
  }

  /** Of an anchor, whoever signed it; undefined where there is none. */
  async #timeOf(organisation: string, n: number): Promise<string | undefined> {
    const text = await this.#options.index.evidence.text(collections.marks, privateKeys.log(organisation, n));
    return text === undefined ? undefined : logMarkSchema.safeParse(JSON.parse(text)).data?.at;
  }

  async #carried(organisation: string, n: number): Promise<LogBatch | undefined> {
    const { evidence } = this.#options.index;
    const text = await evidence.text(collections.inbox(organisation), privateKeys.reads(organisation, n));
    return text === undefined ? undefined : logBatchSchema.safeParse(JSON.parse(text)).data;
  }
}

/** What is about no patient goes without its text. */
const carriedOf = (row: Read): CarriedRow =>
  row.patient === null ? { hash: row.hash } : { hash: row.hash, text: rowText(row) };
