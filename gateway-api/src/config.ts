/**
 * A gateway's configuration: one typed object, read from the environment once by main.ts or put together by whoever
 * starts several gateways in one process. Every mistake is found before anything listens.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { READS_KEPT_DAYS } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import {
  type Consortium,
  consortiumSchema,
  type Organisation,
  organisationByMsp,
} from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { audienceOf, issuerOf } from './auth/issuer.ts';
import type { TokenSettings } from './auth/tokens.ts';
import type { ClientLimits } from './clients/quotas.ts';
import { Environment, present } from './environment.ts';
import { type ClientIds, clientIdsIn } from './fhir/client-ids.ts';
import type { GroupLimits } from './group-commit/group-commit.ts';
import type { BodyLimits } from './http/body-budget.ts';
import { originsIn } from './http/cross-origin.ts';
import type { TlsSettings } from './http/server.ts';
import type { DatabaseSettings } from './index/postgres/postgres.ts';
import type { LedgerLimits } from './ledger/client.ts';
import type { Connection, Timeouts } from './ledger/connect.ts';
import { type ContentSources, sourcesIn } from './subjects/contents/sources.ts';
import { hostsIn } from './subjects/subscriptions/hosts.ts';
import { type Video, videoSchema } from './subjects/visits/join-links.ts';
import { type Parties, partiesSchema } from './subjects/x12/parties.ts';

/** What clients may take of this gateway, each and together. */
export interface ClientsConfig extends ClientLimits {
  /** Reads at once, of all; one client takes three quarters of them at most. */
  reads: number;
  /** Exports of records at once, of all; one client takes one. */
  exports: number;
  /** Requests without a valid token, by address. */
  strangersPerMinute: number;
  /** Open connections, by address. */
  addressConnections: number;
}

export interface GatewayConfig {
  organisation: Organisation;
  connection: Connection;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Holds index.sqlite and journal.sqlite, where there is no `database`. */
  dataDir: string;
  /** PostgreSQL instead of SQLite files: a database of this gateway's own. */
  database?: DatabaseSettings;
  /** A second listener, for a monitoring network: /healthz, /readyz and /metrics without a token. */
  operations?: { host: string; port: number };
  tokens: TokenSettings;
  /** The issuer's directory, where this gateway is its authorization server too (oauth/); development alone. */
  issuerDir?: string;
  /** Where clients find this gateway, without a slash at the end; by default as each request says. */
  publicUrl?: string;
  /** Served by HTTPS; clients show a certificate of these authorities where they are named. */
  tls?: TlsSettings;
  /** Largest request body, bytes. */
  bodyBytes: number;
  /** Memory for request bodies under way. */
  bodies: BodyLimits;
  timeouts: Timeouts;
  limits: LedgerLimits;
  clients: ClientsConfig;
  /** Addresses or networks of proxies whose X-Forwarded headers are believed. */
  trustedProxies: readonly string[];
  /** Which ids of new resources clients may choose; see fhir/client-ids.ts. */
  clientIds: ClientIds;
  /** Where `npm run profile` puts the profiles of packages; see fhir/profiles/. */
  profilesDir?: string;
  /** Origins whose pages may call this gateway from a browser; see http/cross-origin.ts. */
  browserOrigins: readonly string[];
  /** How many records travel in one transaction; see group-commit/. */
  groups: Omit<GroupLimits, 'writes' | 'budgetMs'>;
  /** Holds the key that this member signs the ledger's tree with, and what it has signed last. Never lost, never copied. */
  witnessDir: string;
  /** How long something stands on the ledger until its tree is signed; 0: this gateway signs nothing. */
  checkpointEveryMs: number;
  /** How long a row of the log of reads waits until it is anchored on the ledger; 0: until somebody asks for it. */
  logAnchorEveryMs: number;
  /** How long rows of the log of reads are kept, days. */
  readLogDays: number;
  /** How often everything stored is compared with the ledger; 0: only when asked. */
  verifyIntervalMs: number;
  /** So many hours before an appointment this provider reminds its patient; 0: never. */
  remindHours: number;
  /** How often this organisation's duties look for work without an event. */
  dutyIntervalMs: number;
  /**
   * A request for access that is not permitted is refused so long after it was made, or a whole number of times as long: how
   * long it took to be decided tells nobody anything.
   */
  refusalsEveryMs: number;
  /** What endpoints of Subscriptions may be called: host names, or origins as they stand; see subjects/subscriptions/hook.ts. */
  subscriptionHosts: readonly string[];
  /** Gateways of others, which keep what their Binaries hold. */
  contentSources: ContentSources;
  /** What X12 files say of members, by their names; see subjects/x12/parties.ts. */
  x12Parties: Parties;
  /** Where video calls are joined, by providers. */
  video: Video;
  /** Between the first two tries of a notification. */
  subscriptionRetryMs: number;
  /** How long an Idempotency-Key is remembered. */
  idempotencyHours: number;
  /** How long requests under way are answered when the gateway is stopped. */
  drainMs: number;
}

const MIB = 1024 * 1024;

/** Everything but what differs from gateway to gateway. */
export const DEFAULTS = {
  host: '127.0.0.1',
  bodyBytes: 16 * MIB,
  bodies: { clientBytes: 96 * MIB, allBytes: 256 * MIB },
  timeouts: { evaluateMs: 10_000, endorseMs: 15_000, submitMs: 10_000, commitStatusMs: 15_000 },
  limits: { inFlightWrites: 300, clientWrites: 100, budgetMs: 15_000, feedWaitMs: 5_000 },
  clients: { requests: 200, perSecond: 0, reads: 32, exports: 4, strangersPerMinute: 1_200, addressConnections: 1_000 },
  trustedProxies: [],
  clientIds: 'uuids',
  browserOrigins: [],
  groups: { inFlight: 3, spread: 32, items: 500, bytes: 4 * MIB, gatherShare: 1 / 8, gatherMs: 50 },
  checkpointEveryMs: 10_000,
  logAnchorEveryMs: 5 * 60_000,
  readLogDays: READS_KEPT_DAYS,
  verifyIntervalMs: 10 * 60_000,
  remindHours: 24,
  dutyIntervalMs: 15_000,
  refusalsEveryMs: 1_000,
  subscriptionHosts: [],
  contentSources: {},
  x12Parties: {},
  video: {},
  subscriptionRetryMs: 5_000,
  idempotencyHours: 48,
  drainMs: 20_000,
} as const satisfies Partial<GatewayConfig>;

const DATABASE_PORT = 5432;
const DATABASE_WAIT_MS = 60_000;

const connectionFileSchema = z.object({
  endpoint: z.string().regex(/^[^:/]+:\d{1,5}$/, 'host:port'),
  tlsRootCertificate: z.string().min(1),
  tlsServerName: z.string().optional(),
  mspId: z.string().min(1),
  channel: z.string().min(1),
  chaincode: z.string().min(1),
  identities: z.record(z.string(), z.object({ certificate: z.string(), privateKey: z.string() })),
});

/** What a process of its own is given: its configuration, the consortium and where its identities lie. */
export interface ProcessConfig {
  gateway: GatewayConfig;
  consortium: Consortium;
  /** Paths of certificate and key by identity name. */
  identities: Record<string, { certificate: string; privateKey: string }>;
  logLevel: string;
}

/** All mistakes of an environment, one a line. */
export class ConfigError extends Error {
  readonly mistakes: string[];
  constructor(mistakes: string[]) {
    super(`The configuration is wrong:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}\n${EXPECTED}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

const EXPECTED = `Expected:
  CONNECTION        path of the organisation's connection.json (endpoint, tlsRootCertificate, mspId, channel, chaincode, identities)
  CONSORTIUM        path of the consortium as JSON (channel, chaincode, organisations)
  GATEWAY_DATA_DIR  directory of this gateway's SQLite files; not needed with DATABASE_HOST
  JWKS              path or https address of the token issuer's keys; not needed with OIDC_ISSUER
  OIDC_ISSUER       an OpenID provider: its discovery says where its keys are, and who issues tokens
  ISSUER_DIR        of a development issuer (npm start): this gateway is its authorization server, at /oauth
  PUBLIC_URL        where clients find this gateway, such as https://fhir.hospital.example: what its links begin with
                    (default: as each request, or a trusted proxy, says)
  TLS_CERTIFICATE, TLS_KEY
                    paths: the gateway is served by HTTPS (TLS_CLIENT_CA: and only to clients with a certificate of this
                    authority)
  PORT              1 to 65535
  HOST              address to listen on (default ${DEFAULTS.host})
  TOKEN_ISSUER, TOKEN_AUDIENCE, TOKEN_MAX_MINUTES (defaults: the development issuer's, 60)
  BODY_LIMIT_BYTES (default ${DEFAULTS.bodyBytes}), VERIFY_INTERVAL_MS (default ${DEFAULTS.verifyIntervalMs})
  BODIES_CLIENT_BYTES, BODIES_ALL_BYTES
                    memory for the bodies that one client, and all together, have under way
                    (defaults ${DEFAULTS.bodies.clientBytes}, ${DEFAULTS.bodies.allBytes})
  CLIENT_REQUESTS   requests of one client that are under way at once (default ${DEFAULTS.clients.requests})
  CLIENT_REQUESTS_PER_SECOND
                    of one client (default ${DEFAULTS.clients.perSecond}: any number)
  CLIENT_WRITES     transactions of one client at once (default ${DEFAULTS.limits.clientWrites})
  READS_AT_ONCE     of all clients; more wait for their turn (default ${DEFAULTS.clients.reads})
  EXPORTS_AT_ONCE   exports of whole records, of all clients; one takes one (default ${DEFAULTS.clients.exports})
  ADDRESS_REQUESTS_PER_MINUTE, ADDRESS_CONNECTIONS
                    requests without a valid token, and open connections, of one address
                    (defaults ${DEFAULTS.clients.strangersPerMinute}, ${DEFAULTS.clients.addressConnections})
  TRUSTED_PROXIES   addresses or networks, separated by commas, whose X-Forwarded headers are believed (default none)
  PROFILES_DIR      directory of profiles that resources are held against, as npm run profile adds them (default none)
  CLIENT_IDS        ids that clients may choose for new resources, by an update: none, uuids or any (default ${DEFAULTS.clientIds})
  BROWSER_ORIGINS   origins whose pages may call this gateway from a browser, such as https://app.example, separated by commas
                    (default none)
  SUBSCRIPTION_HOSTS
                    what endpoints of Subscriptions may be called, separated by commas: host names (https), or origins such as
                    http://127.0.0.1:9000, also inside (default none: nobody can subscribe)
  CONTENT_SOURCES   gateways that are asked for what Binaries of theirs hold, by the organisation's name, separated by commas:
                    hospital=https://fhir.hospital.example (default none: such a Binary says hash and size)
  X12_PARTIES       path of a JSON file: numbers and addresses of members for X12 files (default none: an 835 cannot be written)
  VIDEO             path of a JSON file: by provider, the adapter of its video calls and its settings (default none)
  DATABASE_HOST, DATABASE_NAME, DATABASE_USER, DATABASE_PASSWORD_FILE
                    PostgreSQL instead of SQLite: a database of this gateway's own (DATABASE_PORT: default ${DATABASE_PORT};
                    DATABASE_TLS_CA: path of the authority of its certificate, default no TLS;
                    DATABASE_WAIT_MS: how long the start waits for it, default ${DATABASE_WAIT_MS})
  WITNESS_DIR       where the key lies that signs the ledger's tree (default: witness, beside CONNECTION)
  CHECKPOINT_EVERY_MS
                    how long something stands on the ledger until it is signed; 0: never (default ${DEFAULTS.checkpointEveryMs})
  LOG_ANCHOR_EVERY_MS
                    how long a row of the log of reads waits until it is anchored; 0: until asked (default ${DEFAULTS.logAnchorEveryMs})
  REMIND_HOURS      so many hours before an appointment a provider reminds its patient, 0: never (default ${DEFAULTS.remindHours})
  READ_LOG_DAYS     how long rows of the log of reads are kept, 1 to 36500 (default ${DEFAULTS.readLogDays}: six years)
  OPERATIONS_PORT   a second listener with /healthz, /readyz and /metrics without a token (OPERATIONS_HOST: default ${DEFAULTS.host})
  REQUEST_BUDGET_MS how long one request may ask the ledger (default ${DEFAULTS.limits.budgetMs})
  DRAIN_MS          how long requests under way are answered when the gateway is stopped (default ${DEFAULTS.drainMs})
  LOG_LEVEL         trace, debug, info, warn, error or silent (default info)`;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** @throws {ConfigError} with every mistake at once. */
export function readConfig(environment: Record<string, string | undefined>): ProcessConfig {
  const mistakes: string[] = [];
  const read = new Settings(environment, mistakes);
  const connectionFile = read.text('CONNECTION');
  const connection = read.json('CONNECTION', connectionFile, connectionFileSchema);
  const consortium = read.json('CONSORTIUM', read.text('CONSORTIUM'), consortiumSchema);
  const organisation = connection && consortium && organisationByMsp(consortium, connection.mspId);
  if (connection && consortium && organisation === undefined) {
    mistakes.push(`CONNECTION: MSP ${connection.mspId} is not in the consortium`);
  }
  const withDatabase = present(environment['DATABASE_HOST']);
  const dataDir = withDatabase ? (environment['GATEWAY_DATA_DIR'] ?? '') : read.text('GATEWAY_DATA_DIR');
  const port = read.integer('PORT', undefined, 0, 65_535);
  const maxMinutes = read.integer('TOKEN_MAX_MINUTES', 60, 1, 24 * 60);
  const bodyBytes = read.integer('BODY_LIMIT_BYTES', DEFAULTS.bodyBytes, 1024, 100 * 1024 * 1024);
  const bodies = read.bodies();
  const clients = read.clients();
  const clientWrites = read.integer('CLIENT_WRITES', DEFAULTS.limits.clientWrites, 1, DEFAULTS.limits.inFlightWrites);
  const budgetMs = read.integer('REQUEST_BUDGET_MS', DEFAULTS.limits.budgetMs, 1_000, 600_000);
  const drainMs = read.integer('DRAIN_MS', DEFAULTS.drainMs, 0, 600_000);
  const trustedProxies = read.networks('TRUSTED_PROXIES');
  const clientIds = clientIdsIn(environment['CLIENT_IDS'], DEFAULTS.clientIds, mistakes);
  const browserOrigins = originsIn(environment['BROWSER_ORIGINS'], mistakes);
  const subscriptionHosts = hostsIn(environment['SUBSCRIPTION_HOSTS'], mistakes);
  const contentSources = sourcesIn(environment['CONTENT_SOURCES'], mistakes);
  const x12Parties = read.parties();
  const video = read.video();
  const verifyIntervalMs = read.integer('VERIFY_INTERVAL_MS', DEFAULTS.verifyIntervalMs, 0, 2 ** 31 - 1);
  const checkpointEveryMs = read.integer('CHECKPOINT_EVERY_MS', DEFAULTS.checkpointEveryMs, 0, 86_400_000);
  const logAnchorEveryMs = read.integer('LOG_ANCHOR_EVERY_MS', DEFAULTS.logAnchorEveryMs, 0, 86_400_000);
  const readLogDays = read.integer('READ_LOG_DAYS', DEFAULTS.readLogDays, 1, 36_500);
  const remindHours = read.integer('REMIND_HOURS', DEFAULTS.remindHours, 0, 24 * 365);
  const oidcIssuer = read.issuer('OIDC_ISSUER');
  const keys = oidcIssuer === undefined ? read.keys('JWKS', read.text('JWKS')) : ('discovered' as const);
  const publicUrl = read.origin('PUBLIC_URL');
  const tls = read.tls();
  const issuerDir = environment['ISSUER_DIR'] || undefined;
  const logLevel = environment['LOG_LEVEL'] ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) mistakes.push(`LOG_LEVEL: ${logLevel} is none of ${LOG_LEVELS.join(', ')}`);
  const database = withDatabase ? read.database() : read.noDatabase();
  const operations = read.operations();
  const base = dirname(connectionFile ?? '.');
  const path = (file: string): string => (isAbsolute(file) ? file : join(base, file));
  const tlsRootCertificate =
    connection && read.file('CONNECTION.tlsRootCertificate', path(connection.tlsRootCertificate));
  const complete = connection && consortium && organisation && keys && tlsRootCertificate && dataDir !== undefined;
  if (mistakes.length > 0 || !complete) {
    throw new ConfigError(mistakes);
  }
  const { identities, tlsServerName, ...reach } = connection;
  return {
    gateway: {
      ...DEFAULTS,
      organisation,
      connection: { ...reach, tlsRootCertificate, ...(tlsServerName === undefined ? {} : { tlsServerName }) },
      host: environment['HOST'] ?? DEFAULTS.host,
      port,
      dataDir,
      witnessDir: environment['WITNESS_DIR'] || join(base, 'witness'),
      checkpointEveryMs,
      logAnchorEveryMs,
      readLogDays,
      remindHours,
      ...(database === undefined ? {} : { database }),
      ...(operations === undefined ? {} : { operations }),
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(tls === undefined ? {} : { tls }),
      ...(issuerDir === undefined ? {} : { issuerDir }),
      tokens: {
        issuer: oidcIssuer ?? environment['TOKEN_ISSUER'] ?? issuerOf(organisation.name),
        audience: environment['TOKEN_AUDIENCE'] ?? audienceOf(organisation.name),
        keys,
        maxMinutes,
      },
      bodyBytes,
      bodies,
      clients,
      limits: { ...DEFAULTS.limits, clientWrites, budgetMs },
      drainMs,
      trustedProxies,
      clientIds,
      ...(environment['PROFILES_DIR'] ? { profilesDir: environment['PROFILES_DIR'] } : {}),
      browserOrigins,
      subscriptionHosts,
      contentSources,
      x12Parties,
      video,
      verifyIntervalMs,
    },
    consortium,
    identities: Object.fromEntries(
      Object.entries(identities).map(([name, { certificate, privateKey }]) => [
        name,
        { certificate: path(certificate), privateKey: path(privateKey) },
      ]),
    ),
    logLevel,
  };
}

/** What belongs together. */
class Settings extends Environment {
  clients(): ClientsConfig {
    const { requests, perSecond, reads, exports, strangersPerMinute, addressConnections } = DEFAULTS.clients;
    return {
      requests: this.integer('CLIENT_REQUESTS', requests, 1, 100_000),
      perSecond: this.integer('CLIENT_REQUESTS_PER_SECOND', perSecond, 0, 1_000_000),
      reads: this.integer('READS_AT_ONCE', reads, 2, 10_000),
      exports: this.integer('EXPORTS_AT_ONCE', exports, 1, 1_000),
      strangersPerMinute: this.integer('ADDRESS_REQUESTS_PER_MINUTE', strangersPerMinute, 1, 10_000_000),
      addressConnections: this.integer('ADDRESS_CONNECTIONS', addressConnections, 1, 1_000_000),
    };
  }

  parties(): Parties {
    const path = this.values['X12_PARTIES'];
    return (present(path) ? this.json('X12_PARTIES', path, partiesSchema) : undefined) ?? {};
  }

  video(): Video {
    const path = this.values['VIDEO'];
    return (present(path) ? this.json('VIDEO', path, videoSchema) : undefined) ?? {};
  }

  bodies(): BodyLimits {
    const { clientBytes, allBytes } = DEFAULTS.bodies;
    const most = 2 ** 40;
    return {
      clientBytes: this.integer('BODIES_CLIENT_BYTES', clientBytes, MIB, most),
      allBytes: this.integer('BODIES_ALL_BYTES', allBytes, MIB, most),
    };
  }

  database(): DatabaseSettings | undefined {
    const host = this.text('DATABASE_HOST');
    const name = this.text('DATABASE_NAME');
    const user = this.text('DATABASE_USER');
    const secret = this.text('DATABASE_PASSWORD_FILE');
    const port = this.integer('DATABASE_PORT', DATABASE_PORT, 1, 65_535);
    const waitMs = this.integer('DATABASE_WAIT_MS', DATABASE_WAIT_MS, 0, 3_600_000);
    const authority = this.values['DATABASE_TLS_CA'];
    const tlsCa = present(authority) ? this.file('DATABASE_TLS_CA', authority) : undefined;
    const known = secret === undefined ? undefined : this.file('DATABASE_PASSWORD_FILE', secret);
    if (known?.trim() === '') this.mistakes.push(`DATABASE_PASSWORD_FILE: ${secret} is empty`);
    if (!host || !name || !user || !secret) return undefined;
    // Read for each connection, so that a changed password needs no restart.
    const password = () => readFileSync(secret, 'utf8').trim();
    return { host, port, name, user, password, waitMs, ...(tlsCa === undefined ? {} : { tlsCa }) };
  }

  noDatabase(): undefined {
    for (const [name, value] of Object.entries(this.values)) {
      if (name.startsWith('DATABASE_') && name !== 'DATABASE_HOST' && present(value))
        this.mistakes.push(`${name}: there is no DATABASE_HOST`);
    }
  }

  operations(): GatewayConfig['operations'] {
    const { OPERATIONS_HOST: host, OPERATIONS_PORT: port } = this.values;
    if (!present(port)) {
      if (present(host)) this.mistakes.push('OPERATIONS_HOST: there is no OPERATIONS_PORT');
      return undefined;
    }
    return {
      host: present(host) ? host : DEFAULTS.host,
      port: this.integer('OPERATIONS_PORT', undefined, 0, 65_535),
    };
  }
}
