/** The Express applications of a gateway: the one for callers, and the one for a monitoring network. */
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { callerOf } from '../auth/caller.ts';
import { authentication, type TokenSettings } from '../auth/tokens.ts';
import { outcomeHandler, refuse } from '../fhir/outcomes.ts';
import type { Repository } from '../fhir/repository.ts';
import { fhirRouter } from '../fhir/router.ts';
import { loggable } from '../operations/log.ts';
import type { Services, SubjectOperation } from '../subjects/services.ts';
import type { BodiesOptions } from './bodies.ts';
import { docs } from './docs.ts';
import { observe } from './observe.ts';
import { type Route, serve } from './routes.ts';

const FHIR_BASE = '/fhir/R4';
const METADATA = `${FHIR_BASE}/metadata`;

export interface AppOptions {
  services: Services;
  repository: Repository;
  routes: readonly Route[];
  operations: readonly SubjectOperation[];
  tokens: TokenSettings;
  bodies: BodiesOptions;
  log: Logger;
}

/** For callers: everything but open routes and FHIR's metadata asks for a token. */
export function gatewayApp({ services, repository, routes, operations, tokens, bodies, log }: AppOptions): Express {
  const { organisation, idempotent, metrics } = services;
  const report = reportTo(log);
  const app = express().disable('x-powered-by').disable('etag');
  app.use(observe(log, metrics), helmet());
  const open = routes.filter((route) => route.open);
  app.use(serve(open, services, { bodies }), docs());
  app.use(authentication(tokens, organisation.kind, ({ path, method }) => path === METADATA && method !== 'POST'));
  app.use(
    FHIR_BASE,
    fhirRouter({
      repository,
      idempotent,
      organisation,
      callerOf: (request) => callerOf(request.res!),
      operations: operations
        .filter(({ kind }) => kind === organisation.kind)
        .map((one) => ({ ...one, handle: (request) => one.handle(request, services) })),
      bodies,
      report,
    }),
  );
  const others = routes.filter((route) => !route.open);
  app.use(serve(others, services, { bodies }));
  return ending(app, report);
}

/** What a monitoring network may ask without a token, and nothing else. */
export function monitoringApp({
  services,
  routes,
  bodies,
  log,
}: Omit<AppOptions, 'repository' | 'operations' | 'tokens'>): Express {
  const app = express().disable('x-powered-by').disable('etag');
  const monitored = routes.filter((route) => route.monitored);
  app.use(helmet(), serve(monitored, services, { bodies, roles: false }));
  return ending(app, reportTo(log));
}

function ending(app: Express, report: ReturnType<typeof reportTo>): Express {
  app.use(() => refuse(404, 'not-found', 'There is nothing here.'));
  app.use(outcomeHandler(report));
  return app;
}

/** Logs failures that are ours, by request. */
const reportTo =
  (log: Logger) =>
  (error: unknown, requestId?: string): void => {
    log.error({ requestId, ...loggable(error) }, 'request failed');
  };
