/** A gateway that is wired (app.ts): opens its listeners, starts its parts, and ends them in order. */
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { GatewayConfig } from './config.ts';
import type { Duties } from './duties/duties.ts';
import { close, listen } from './http/listening.ts';
import { newServer } from './http/server.ts';
import type { Journal } from './idempotency/journal.ts';
import type { Stores } from './index/schema.ts';
import type { Sweeper } from './index/verification/sweeper.ts';
import type { LedgerConnection } from './ledger/connect.ts';
import type { Feed } from './ledger/feed.ts';
import type { FeedWatch } from './ledger/feed-watch.ts';
import type { LateData } from './ledger/late-data.ts';
import { loggable } from './operations/log.ts';
import type { Readiness, ReadinessCheck } from './operations/readiness.ts';
import type { Services } from './subjects/services.ts';

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

export interface GatewayParts {
  app: Express;
  /** What a monitoring network may ask without a token. */
  monitoring: Express;
  connection: LedgerConnection;
  feed: Feed;
  late: LateData;
  watch: FeedWatch;
  duties: Duties;
  sweeper: Sweeper;
  readiness: ReadinessCheck;
  journal: Journal;
  groups: Services['groups'];
  stores: Stores;
}

const PRUNE_INTERVAL_MS = 3_600_000;

/** Express's own reading of `trust proxy`. */
type Trust = (address: string, hop: number) => boolean;

/** Nothing runs before `listen`. */
export function running(config: GatewayConfig, parts: GatewayParts, log: Logger): Gateway {
  const { app, monitoring, connection, feed, late, watch, duties, sweeper, readiness, journal, groups, stores } = parts;
  const isProxy = (address: string): boolean => (app.get('trust proxy fn') as Trust)(address, 0);
  const server = newServer(app, { addressConnections: config.clients.addressConnections, isProxy });
  const monitor = newServer(monitoring);
  let operationsUrl: string | undefined;
  let pruning: NodeJS.Timeout | undefined;
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
      feed.start();
      late.start();
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
      await close(server);
      groups.stop();
      watch.stop();
      await duties.stop();
      await sweeper.stop();
      await late.stop();
      await feed.stop();
      await close(monitor);
      connection.close();
      await stores.close();
    },
  };
}
