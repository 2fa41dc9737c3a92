/**
 * Opens PostgreSQL (node-postgres) under Kysely: pools of connections with the settings of their purpose. A connection
 * that is lost is reported to the watch (watch.ts) and opened again when it is needed.
 */
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely';
import pg from 'pg';
import { unavailable } from '../../http/failures.ts';
import { DatabaseLost } from '../health.ts';
import { checkParameters } from '../parameters.ts';
import { isBusy, isLoss, reasonOf } from './errors.ts';

export interface DatabaseSettings {
  /** A name, an address, or the directory of a Unix socket. */
  host: string;
  port: number;
  name: string;
  user: string;
  /** Asked for each time a connection opens, so that a changed secret counts and none lies in a printed object. */
  password: () => string;
  /** PEM of the authority that signed the server's certificate; without it the connection isn't encrypted. */
  tlsCa?: string;
  /** How long the start waits for the database. */
  waitMs: number;
}

export const placeOfDatabase = ({ host, port, name }: DatabaseSettings): string => `${name} at ${host}:${port}`;

export type Schema = 'index' | 'journal';

export interface PoolOptions {
  schema: Schema;
  connections: number;
  /** Whether a commit waits for the disk. */
  durable: boolean;
  readOnly?: boolean;
  statementTimeoutMs: number;
  /** Run on each new connection before anybody gets it. */
  prepare?: (client: pg.PoolClient) => Promise<void>;
  /** Called with each connection that could not be opened or was lost. */
  onLoss: (error: unknown) => void;
  /** What is known to be wrong: then a query fails at once instead of waiting for a connection. */
  failure: () => string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Beyond the server's own limit: then the server is unreachable, not slow. */
const UNREACHABLE_MS = 5_000;
const STATEMENTS_KEPT = 200;
const KEEPALIVE_MS = 10_000;

/** BIGINT as a number (nothing here counts beyond 2^53), BYTEA as plain bytes. */
const PARSERS: Record<number, (text: string) => unknown> = {
  [pg.types.builtins.INT8]: Number,
  [pg.types.builtins.BYTEA]: (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex')),
};
const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  PARSERS[oid] ?? pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

export interface PostgresDatabase<Tables> {
  kysely: Kysely<Tables>;
  /** Gets a connection, whatever is thought to be wrong, and gives it back. Rejects where there is none. */
  probe(): Promise<void>;
  end(): Promise<void>;
}

export function openPostgres<Tables>(settings: DatabaseSettings, options: PoolOptions): PostgresDatabase<Tables> {
  const pool = new pg.Pool(configOf(settings, options));
  const told = (error: unknown): void => {
    if (isLoss(error)) options.onLoss(error);
  };
  pool.on('error', told);
  // A connection that breaks while somebody has it would otherwise end the process.
  pool.on('connect', (client) => void client.on('error', told));
  const adapted = adapt(pool, told, options.failure);
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => {
    ended ??= pool.end();
    return ended;
  };
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: { ...adapted, end } }) });
  const probe = async (): Promise<void> => {
    const client = await pool.connect();
    let failure: unknown;
    try {
      await client.query('select 1');
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      client.release(failure !== undefined);
    }
  };
  return { kysely, probe, end };
}

function configOf(settings: DatabaseSettings, options: PoolOptions): pg.PoolConfig {
  const { host, port, name, user, password, tlsCa } = settings;
  const { schema, connections, durable, readOnly, statementTimeoutMs, prepare } = options;
  const parameters = {
    search_path: schema,
    synchronous_commit: durable ? 'on' : 'off',
    default_transaction_read_only: readOnly === true ? 'on' : 'off',
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    // A gateway whose machine vanished must not hold the lock for two hours.
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
  };
  return {
    host,
    port,
    database: name,
    user,
    password,
    ssl: tlsCa === undefined ? false : { ca: tlsCa },
    application_name: `telemed-ledger ${schema}`,
    options: Object.entries(parameters)
      .map(([parameter, value]) => `-c ${parameter}=${value}`)
      .join(' '),
    max: connections,
    // A connection is kept: the writing one holds the lock.
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: statementTimeoutMs + UNREACHABLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    types: { getTypeParser },
    ...(prepare === undefined
      ? {}
      : {
          verify: (client: pg.PoolClient, done: (error?: Error) => void) => {
            prepare(client).then(() => done(), done);
          },
        }),
  };
}

/** A pool in the shape Kysely's dialect expects: statements are prepared once, losses reported. */
function adapt(
  pool: pg.Pool,
  told: (error: unknown) => void,
  failure: () => string | undefined,
): Omit<PostgresPool, 'end'> {
  const sessions = new WeakMap<pg.PoolClient, Session>();
  const names = new Map<string, string>();
  return {
    options: {},
    connect: async () => {
      const reason = failure();
      if (reason !== undefined) throw new DatabaseLost(reason);
      const client = await pool.connect().catch((error: unknown) => {
        told(error);
        throw asFailure(error);
      });
      const session = sessions.get(client) ?? new Session(client, names, told);
      sessions.set(client, session);
      return session as unknown as PostgresPoolClient;
    },
  };
}

/** The error that a caller receives; an error that is the statement's own stays what it is. */
function asFailure(error: unknown): unknown {
  if (isLoss(error)) return new DatabaseLost(reasonOf(error));
  return isBusy(error) ? unavailable('The database of this gateway is busy.') : error;
}

/** One connection. Kysely knows it by its identity, so there is one of these for each. */
class Session {
  readonly #client: pg.PoolClient;
  readonly #names: Map<string, string>;
  readonly #told: (error: unknown) => void;
  #lost = false;

  constructor(client: pg.PoolClient, names: Map<string, string>, told: (error: unknown) => void) {
    this.#client = client;
    this.#names = names;
    this.#told = told;
  }

  async query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    checkParameters(parameters);
    const name = parameters.length === 0 ? undefined : this.#nameOf(text);
    const query = { text, values: [...parameters], ...(name === undefined ? {} : { name }) };
    try {
      return (await this.#client.query(query)) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      if (isLoss(error)) {
        this.#lost = true;
        this.#told(error);
      }
      throw asFailure(error);
    }
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy === true || this.#lost);
  }

  /** The first texts that come are prepared, under one name on every connection; what comes later is parsed each time. */
  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= STATEMENTS_KEPT) return known;
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
