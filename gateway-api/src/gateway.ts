/** A gateway that is wired (app.ts): opens its listeners, starts its parts, and ends them in order. */
import type { Server } from 'node:http';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { GatewayConfig } from './config.ts';
import type { Duties } from './duties/duties.ts';
import { Drain } from './http/drain.ts';
import { close, listen } from './http/listening.ts';
import { newServer } from './http/server.ts';
import type { Journal } from './idempotency/journal.ts';
import type { Forgetting } from './index/forgetting.ts';
import type { Stores } from './index/schema.ts';
import type { Sweeper } from './index/verification/sweeper.ts';
import type { LedgerClient } from './ledger/client.ts';
import type { LedgerConnection } from './ledger/connect.ts';
import type { Feed } from './ledger/feed.ts';
import type { FeedWatch } from './ledger/feed-watch.ts';
import type { LateData } from './ledger/late-data.ts';
import { watchEventLoop } from './operations/event-loop.ts';
import { loggable } from './operations/log.ts';
import type { Metrics } from './operations/metrics.ts';
import type { Readiness, ReadinessCheck } from './operations/readiness.ts';
import type { Place } from './wiring/authorization.ts';

export interface Gateway {
  readonly organisation: string;
  /** Starts the feed, the duties and the HTTP server; answers the base URL. Rejects where the port is taken. */
  listen(): Promise<string>;
  /** Base URL of the operations listener, where there is one and the gateway listens. */
  operationsUrl(): string | undefined;
  readiness(): Promise<Readiness>;
  /**
   * Answers what is under way, as long as `drainMs` allows (the configuration's unless given), then closes everything.
   * Says what it left.
   */
  close(drainMs?: number): Promise<Unfinished>;
}

/** What was cut off when a gateway was closed. */
export interface Unfinished {
  /** Requests that were not answered. */
  requests: number;
  /** Ids of transactions that were sent and whose outcome is not known: they may still be committed. */
  transactions: string[];
}

export interface GatewayParts {
  app: Express;
  /** Is told where the gateway listens. */
  place: Place;
  /** What a monitoring network may ask without a token. */
  monitoring: Express;
  connection: LedgerConnection;
  ledger: LedgerClient;
  feed: Feed;
  late: LateData;
  watch: FeedWatch;
  duties: Duties;
  sweeper: Sweeper;
  readiness: ReadinessCheck;
  journals: readonly Pick<Journal, 'prune'>[];
  groups: readonly { stop: () => void }[];
  /** Answers that go on until they are ended. */
  endless: readonly { end(): void }[];
  forgetting: Forgetting;
  stores: Stores;
  metrics: Pick<Metrics, 'eventLoopDelay'>;
}

const PRUNE_INTERVAL_MS = 3_600_000;

/** Express's own reading of `trust proxy`. */
type Trust = (address: string, hop: number) => boolean;

/** Nothing runs before `listen`. */
export function running(config: GatewayConfig, parts: GatewayParts, log: Logger): Gateway {
  const { app, monitoring, feed, late, watch, duties, sweeper, readiness, journals, metrics } = parts;
  const isProxy = (address: string): boolean => (app.get('trust proxy fn') as Trust)(address, 0);
  const drain = new Drain();
  const server = newServer(drain.listener(app), {
    addressConnections: config.clients.addressConnections,
    isProxy,
    ...(config.tls === undefined ? {} : { tls: config.tls }),
  });
  const monitor = newServer(monitoring);
  let operationsUrl: string | undefined;
  let unwatch = (): void => {};
  let pruning: NodeJS.Timeout | undefined;
  let closing: Promise<Unfinished> | undefined;
  return {
    organisation: config.organisation.name,
    readiness: () => readiness.check(),
    operationsUrl: () => operationsUrl,
    listen: async () => {
      if (config.operations !== undefined) {
        const { host } = config.operations;
        operationsUrl = `http://${host}:${(await listen(monitor, host, config.operations.port)).port}`;
      }
      const { port } = await listen(server, config.host, config.port);
      const url = `${config.tls === undefined ? 'http' : 'https'}://${config.host}:${port}`;
      parts.place.url = url;
      unwatch = watchEventLoop((seconds) => metrics.eventLoopDelay(seconds));
      feed.start();
      late.start();
      watch.start();
      duties.start();
      sweeper.start();
      const prune = () => {
        const pruned = journals.map((one) => one.prune(config.idempotencyHours));
        Promise.all(pruned).catch((error: Error) => log.warn(loggable(error), 'pruning failed'));
      };
      prune();
      pruning = setInterval(prune, PRUNE_INTERVAL_MS).unref();
      log.info({ port, ...(operationsUrl === undefined ? {} : { operations: operationsUrl }) }, 'listening');
      return url;
    },
    close: (drainMs = config.drainMs) => {
      clearInterval(pruning);
      unwatch();
      closing ??= drained(drain, parts, drainMs, log).then(async (unfinished) => {
        await ended(parts, server, monitor);
        return unfinished;
      });
      return closing;
    },
  };
}

/** Takes nothing new and lets what is under way finish, as long as that may take. */
async function drained(drain: Drain, parts: GatewayParts, drainMs: number, log: Logger): Promise<Unfinished> {
  const { readiness, duties, ledger, endless } = parts;
  log.info({ requests: drain.underWay, drainMs }, 'stopping');
  readiness.stop();
  drain.begin();
  for (const one of endless) one.end();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs);
  });
  await Promise.race([Promise.all([drain.idle(), duties.stop()]), late]);
  clearTimeout(timer);
  const unfinished = { requests: drain.underWay, transactions: ledger.unresolved };
  const isClean = unfinished.requests === 0 && unfinished.transactions.length === 0;
  if (isClean) log.info('stopped with nothing left');
  else log.error(unfinished, 'stopped with requests or transactions left');
  return unfinished;
}

/** Closes everything, the ledger's connection and the stores last. */
async function ended(parts: GatewayParts, server: Server, monitor: Server): Promise<void> {
  const { connection, feed, late, watch, sweeper, groups, forgetting, stores } = parts;
  for (const group of groups) group.stop();
  await close(server);
  watch.stop();
  await sweeper.stop();
  await late.stop();
  await feed.stop();
  await close(monitor);
  connection.close();
  await forgetting.stop();
  await stores.close();
}
