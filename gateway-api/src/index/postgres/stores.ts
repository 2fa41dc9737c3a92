/**
 * A gateway's stores in one PostgreSQL database: the schema `index`, which can be dropped and filled again, and the
 * schema `journal`. One gateway at a time: whoever writes holds an advisory lock for as long as its connection lives.
 */
import { sql } from 'kysely';
import pRetry from 'p-retry';
import type pg from 'pg';
import type { Logger } from 'pino';
import { migrateIndex, migrateJournal } from '../migrations.ts';
import type { IndexTables, JournalTables, Stores } from '../schema.ts';
import { isHopeless, isLoss, reasonOf } from './errors.ts';
import {
  type DatabaseSettings,
  openPostgres,
  type PoolOptions,
  type PostgresDatabase,
  placeOfDatabase,
} from './postgres.ts';
import { LockHeld, PostgresWatch } from './watch.ts';

/** Any number, the same in every gateway. PostgreSQL keeps advisory locks apart by database. */
const LOCK = 7_363_101;
const READERS = 8;
/** Commits that wait for the disk at once are written to it together. */
const JOURNAL_WRITERS = 16;
const READ_TIMEOUT_MS = 30_000;
const WRITE_TIMEOUT_MS = 60_000;
const JOURNAL_TIMEOUT_MS = 10_000;
const RETRY_MS = 250;
/** An earlier process that was killed is gone from the server within moments. */
const LOCK_WAIT_MS = 10_000;

type Watched = Pick<PoolOptions, 'onLoss' | 'failure'>;

/** @throws Error with the reason why the database cannot be used; never with a password. */
export async function openPostgresStores(settings: DatabaseSettings, log: Logger): Promise<Stores> {
  const place = placeOfDatabase(settings);
  const watch = new PostgresWatch(place, log);
  const watched: Watched = { onLoss: watch.lost, failure: watch.failure };
  const opened: { end(): Promise<void> }[] = [];
  const keep = <T extends { end(): Promise<void> }>(one: T): T => {
    opened.push(one);
    return one;
  };
  const close = async (): Promise<void> => {
    watch.stop();
    for (const one of opened.splice(0).reverse()) await one.end();
  };
  try {
    const writing = keep(openWriting(settings, watched));
    await untilThere(writing, settings, log);
    await checkEncoding(writing, place);
    await warnOfPrivilege(writing, settings, log);
    await migrateIndex(writing.kysely, 'postgres');
    const journal = keep(
      openPostgres<JournalTables>(settings, {
        ...{ schema: 'journal', connections: JOURNAL_WRITERS, durable: true, statementTimeoutMs: JOURNAL_TIMEOUT_MS },
        ...watched,
      }),
    );
    await migrateJournal(journal.kysely, 'postgres');
    const journalLazily = keep(
      openPostgres<JournalTables>(settings, {
        ...{ schema: 'journal', connections: 2, durable: false, statementTimeoutMs: JOURNAL_TIMEOUT_MS },
        ...watched,
      }),
    );
    const reading = keep(
      openPostgres<IndexTables>(settings, {
        ...{ schema: 'index', connections: READERS, durable: false, readOnly: true },
        ...{ statementTimeoutMs: READ_TIMEOUT_MS, ...watched },
      }),
    );
    watch.start(writing.probe, reading.probe);
    return {
      writing: writing.kysely,
      reading: reading.kysely,
      journal: journal.kysely,
      journalLazily: journalLazily.kysely,
      health: watch,
      forget: async () => true,
      close,
    };
  } catch (error) {
    await close();
    throw isHopeless(error) ? unusable(place, error) : error;
  }
}

/** Throws the read model away; the next start fills it again from block 0. Refused while a gateway has it open. */
export async function dropPostgresIndex(settings: DatabaseSettings, log: Logger): Promise<void> {
  const writing = openWriting(settings, { onLoss: () => {}, failure: () => undefined });
  try {
    await untilThere(writing, settings, log);
    await sql`drop schema if exists "index" cascade`.execute(writing.kysely);
  } finally {
    await writing.end();
  }
}

/** A superuser runs programs on the database's machine (`COPY … FROM PROGRAM`): whoever breaks into the gateway would. */
async function warnOfPrivilege(
  writing: PostgresDatabase<IndexTables>,
  { user }: DatabaseSettings,
  log: Logger,
): Promise<void> {
  const asked = sql<{ is: boolean }>`select rolsuper as is from pg_roles where rolname = current_user`;
  const { rows } = await asked.execute(writing.kysely);
  if (rows[0]?.is !== true) return;
  log.warn({ user }, 'the database role of this gateway is a superuser; let it own its database only');
}

/** One connection, and with it the lock: a new one has to get it again. */
function openWriting(settings: DatabaseSettings, watched: Watched): PostgresDatabase<IndexTables> {
  const place = placeOfDatabase(settings);
  return openPostgres<IndexTables>(settings, {
    schema: 'index',
    connections: 1,
    // What a crash of the server takes away is read from the ledger again.
    durable: false,
    statementTimeoutMs: WRITE_TIMEOUT_MS,
    prepare: (client) => lock(client, place),
    ...watched,
  });
}

async function lock(client: pg.PoolClient, place: string): Promise<void> {
  const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${LOCK}) as held`);
  if (rows[0]?.held !== true) throw new LockHeld(place);
}

/** Waits until the database answers and the lock is ours; not for what waiting doesn't mend. */
async function untilThere({ probe }: { probe(): Promise<void> }, settings: DatabaseSettings, log: Logger) {
  const started = Date.now();
  const isPassing = (error: unknown): boolean => error instanceof LockHeld || (!isHopeless(error) && isLoss(error));
  const patienceMs = (error: unknown): number =>
    error instanceof LockHeld ? Math.min(LOCK_WAIT_MS, settings.waitMs) : settings.waitMs;
  try {
    await pRetry(probe, {
      ...{ retries: Number.POSITIVE_INFINITY, minTimeout: RETRY_MS, factor: 1 },
      shouldRetry: ({ error, attemptNumber }) => {
        if (!isPassing(error) || Date.now() - started >= patienceMs(error)) return false;
        if (attemptNumber === 1) log.warn({ reason: reasonOf(error) }, 'waiting for the database');
        return true;
      },
    });
  } catch (error) {
    const place = placeOfDatabase(settings);
    if (error instanceof LockHeld) throw error;
    if (!isPassing(error)) throw unusable(place, error);
    throw new Error(`the database ${place} did not answer within ${settings.waitMs / 1000} s: ${reasonOf(error)}`);
  }
}

const unusable = (place: string, error: unknown): Error =>
  new Error(`the database ${place} cannot be used: ${reasonOf(error)}`);

/** Health data is Unicode; a database of another encoding would refuse some of it, block after block. */
async function checkEncoding({ kysely }: PostgresDatabase<IndexTables>, place: string): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`.execute(
    kysely,
  );
  const encoding = rows[0]?.encoding;
  if (encoding !== 'UTF8') throw new Error(`the database ${place} is encoded in ${encoding}: make it with UTF8`);
}
