/**
 * One organisation's gateway, wired: peer, event feed, read model, FHIR API and the routes beside it, duties. Several
 * can live in one process; each holds only its own organisation's identities and databases.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium, Role } from '@telemed-ledger/consortium/members.ts';
import express, { type Express, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { tokenVerifier } from './auth/tokens.ts';
import type { GatewayConfig } from './config.ts';
import { Duties } from './duties/duties.ts';
import { outcomeHandler, refuse } from './fhir/outcomes.ts';
import { fhirRouter } from './fhir/router.ts';
import type { GroupCommit } from './group-commit/group-commit.ts';
import { docs } from './http/docs.ts';
import { localsOf } from './http/locals.ts';
import { observe } from './http/observe.ts';
import { Journal } from './idempotency/journal.ts';
import { IdempotentWrites } from './idempotency/writes.ts';
import { demand } from './index/health.ts';
import { ReadModel } from './index/read/queries.ts';
import { openStores, type Stores } from './index/stores.ts';
import { Sweeper } from './index/verification/sweeper.ts';
import { verifyAll } from './index/verification/verify.ts';
import { Projector } from './index/write/projector.ts';
import { isRemoval } from './ledger/block.ts';
import { LedgerClient, type Sender } from './ledger/client.ts';
import { type Enrolled, LedgerConnection } from './ledger/connect.ts';
import { Feed } from './ledger/feed.ts';
import { FeedWatch } from './ledger/feed-watch.ts';
import { loggable, newLog } from './operations/log.ts';
import { Metrics } from './operations/metrics.ts';
import { type Readiness, ReadinessCheck } from './operations/readiness.ts';
import { health, metricsRoute, operations } from './operations/routes.ts';
import { Disclosures } from './subjects/access/disclosures.ts';
import { accessRequests } from './subjects/access/routes.ts';
import { Claims } from './subjects/claims/claims.ts';
import { claimOperations } from './subjects/claims/operations.ts';
import { receipts } from './subjects/receipts/routes.ts';
import { recordGroups } from './subjects/records/groups.ts';
import { Records } from './subjects/records/repository.ts';
import { registry } from './subjects/registers/routes.ts';

/** Where the X.509 identities of one organisation come from: stored ones, or a CA that enrols on demand. */
export interface Identities {
  of(role: Role, fhirUser?: string): Promise<Enrolled>;
}

export interface GatewayDeps {
  consortium: Consortium;
  identities: Identities;
  /** By default one on standard output, level info. */
  log?: Logger;
}

export interface Gateway {
  readonly organisation: string;
  /** Starts the feed, the duties and the HTTP server; answers the base URL. Rejects where the port is taken. */
  listen(): Promise<string>;
  /** Base URL of the operations listener, where there is one and the gateway listens. */
  operationsUrl(): string | undefined;
  readiness(): Promise<Readiness>;
  /** Answers what is under way, then closes everything. */
  close(): Promise<void>;
}

const FHIR_BASE = '/fhir/R4';
const METADATA = `${FHIR_BASE}/metadata`;
const PRUNE_INTERVAL_MS = 3_600_000;
const CLOSE_GRACE_MS = 5_000;

/** Opens the databases and wires one gateway; nothing runs before `listen`. */
export async function createGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const log = deps.log ?? newLog(config.organisation.name, 'info');
  const stores = await openStores(config, log);
  try {
    const parts = await wire(config, deps, stores, log);
    return running(config, parts, stores, log);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

interface Parts {
  app: Express;
  /** What a monitoring network may ask without a token. */
  monitoring: Express;
  connection: LedgerConnection;
  feed: Feed;
  watch: FeedWatch;
  duties: Duties;
  sweeper: Sweeper;
  readiness: ReadinessCheck;
  journal: Journal;
  records: GroupCommit<Draft>;
}

async function wire(config: GatewayConfig, deps: GatewayDeps, stores: Stores, log: Logger): Promise<Parts> {
  const { organisation } = config;
  const { consortium } = deps;
  const metrics = new Metrics(organisation.name);
  const connection = new LedgerConnection(config.connection, config.timeouts);
  const identityOf = rememberedIdentities(deps.identities);
  const feed = new Feed({
    connection,
    identity: () => identityOf({ role: 'system' }),
    scope: { chaincode: config.connection.chaincode, collections: collectionsOfMember(consortium, organisation) },
    sink: await Projector.open(stores.writing, log),
    log,
  });
  const ledger = new LedgerClient({
    connection,
    identityOf,
    consortium,
    organisation: organisation.name,
    outcomes: feed.outcomes,
    log,
    limits: config.limits,
    mayWrite: () => demand(stores.health),
    onFeedLate: () => feed.reconnect(),
    observe: (name, outcome, ms) => metrics.transaction(name, outcome, ms),
  });
  const index = new ReadModel({
    db: stores.reading,
    consortium,
    organisation: organisation.name,
    log,
    onIntegrityFailure: () => metrics.integrityFailure(),
  });
  const { inFlightWrites, budgetMs } = config.limits;
  const records = recordGroups(ledger, {
    limits: { ...config.groups, writes: inFlightWrites, budgetMs },
    onGroup: (writes, items) => metrics.group(writes, items),
  });
  const journal = new Journal(stores.journal, stores.journalLazily);
  const idempotent = new IdempotentWrites(journal, index, ledger);
  const disclosures = new Disclosures(index, consortium, organisation.name);
  const claims = new Claims({ organisation, consortium, index, ledger });
  const readiness = new ReadinessCheck(ledger, feed, stores.health, consortium, organisation.name, log);
  const anchorsOf = async (entries: { collection: string; key: string }[]): Promise<string[]> =>
    (await ledger.evaluate('GetAnchors', { entries })).hashes;
  const sweeper = new Sweeper((stop) => verifyAll(stores.reading, anchorsOf, stop), log, config.verifyIntervalMs);
  const duties = new Duties({
    organisation,
    consortium,
    index,
    ledger,
    claims,
    log,
    intervalMs: config.dutyIntervalMs,
  });
  stores.health.onBack(() => feed.reconnect());
  feed.on('block', (block) => {
    const removes = block.transactions.some(({ privateWrites }) => privateWrites.some((write) => isRemoval(write)));
    if (removes) index.forgetKnown();
    duties.sees(block);
  });
  metrics.watch('gateway_block', 'Last block in the read model.', () => feed.position());
  metrics.watch('gateway_writes_in_flight', 'Ledger transactions under way.', () => ledger.inFlight);
  metrics.watch('gateway_record_writes', 'Writes of records that wait or are under way.', () => records.writes);

  const { bodyBytes } = config;
  const app = express().disable('x-powered-by').disable('etag');
  app.use(observe(log, metrics), helmet());
  app.use(health(readiness), docs());
  app.use(authentication(config));
  app.use(
    FHIR_BASE,
    fhirRouter({
      repository: new Records({ organisation, consortium, index, ledger, records, idempotent, disclosures }),
      organisation,
      callerOf: (request: Request) => localsOf(request.res!).caller,
      operations: claimOperations(organisation.kind, claims, idempotent),
      maxBodyBytes: bodyBytes,
      report: reportTo(log),
    }),
  );
  app.use(accessRequests({ ledger, idempotent, disclosures, bodyBytes }));
  app.use(registry({ ledger, idempotent, bodyBytes }));
  app.use(receipts(index, config.connection.channel));
  app.use(operations(metrics, sweeper));
  app.use(() => refuse(404, 'not-found', 'There is nothing here.'));
  app.use(outcomeHandler(reportTo(log)));
  const monitoring = express().disable('x-powered-by').disable('etag');
  monitoring.use(helmet(), health(readiness), metricsRoute(metrics));
  monitoring.use(() => refuse(404, 'not-found', 'There is nothing here.'));
  monitoring.use(outcomeHandler(reportTo(log)));
  const watch = new FeedWatch(feed, ledger, log);
  return { app, monitoring, connection, feed, watch, duties, sweeper, readiness, journal, records };
}

/** Everything behind it has a caller, but for FHIR's metadata. */
function authentication(config: GatewayConfig): RequestHandler {
  const verify = tokenVerifier(config.tokens, config.organisation.kind);
  return async (request, response, next) => {
    if (request.path === METADATA && request.method !== 'POST') return next();
    response.locals['caller'] = await verify(request.headers.authorization);
    next();
  };
}

/** Failures of ours, by request. */
const reportTo =
  (log: Logger) =>
  (error: unknown, requestId?: string): void => {
    log.error({ requestId, ...loggable(error) }, 'request failed');
  };

/** Asks for each identity once; one that could not be had is asked for again. */
function rememberedIdentities(identities: Identities): (sender: Sender) => Promise<Enrolled> {
  const known = new Map<string, Promise<Enrolled>>();
  return ({ role, fhirUser }) => {
    const name = `${role} ${fhirUser ?? ''}`;
    const found = known.get(name) ?? identities.of(role, fhirUser);
    known.set(name, found);
    found.catch(() => known.delete(name));
    return found;
  };
}

function running(config: GatewayConfig, parts: Parts, stores: Stores, log: Logger): Gateway {
  const { app, monitoring, connection, feed, watch, duties, sweeper, readiness, journal, records } = parts;
  const server = createServer({ keepAliveTimeout: 65_000 }, app);
  const monitor = createServer(monitoring);
  let operationsUrl: string | undefined;
  let pruning: NodeJS.Timeout | undefined;
  return {
    organisation: config.organisation.name,
    readiness: () => readiness.check(),
    operationsUrl: () => operationsUrl,
    listen: async () => {
      if (config.operations !== undefined) {
        const { host } = config.operations;
        operationsUrl = `http://${host}:${(await bound(monitor, host, config.operations.port)).port}`;
      }
      const { port } = await bound(server, config.host, config.port);
      feed.start();
      watch.start();
      duties.start();
      sweeper.start();
      const prune = () => {
        journal.prune(config.idempotencyHours).catch((error: Error) => log.warn(loggable(error), 'pruning failed'));
      };
      prune();
      pruning = setInterval(prune, PRUNE_INTERVAL_MS).unref();
      log.info({ port, ...(operationsUrl === undefined ? {} : { operations: operationsUrl }) }, 'listening');
      return `http://${config.host}:${port}`;
    },
    close: async () => {
      clearInterval(pruning);
      await closed(server);
      records.stop();
      watch.stop();
      await duties.stop();
      await sweeper.stop();
      await feed.stop();
      await closed(monitor);
      connection.close();
      await stores.close();
    },
  };
}

async function bound(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`port ${port} on ${host} is taken`, { cause: error }) : error);
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  const done = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await done;
  clearTimeout(late);
}
