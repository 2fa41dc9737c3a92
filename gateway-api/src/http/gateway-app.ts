/** The Express applications of a gateway: the one for callers, and the one for a monitoring network. */
import express, { type Express, type Request, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { callerIn, callerOf } from '../auth/caller.ts';
import { authentication, type TokenSettings } from '../auth/tokens.ts';
import { type ClientLimits, quotas } from '../clients/quotas.ts';
import { strangers } from '../clients/strangers.ts';
import type { FhirOptions } from '../fhir/api.ts';
import type { ClientIds } from '../fhir/client-ids.ts';
import { outcomeHandler, refuse } from '../fhir/outcomes.ts';
import type { Profiles } from '../fhir/profiles/profiles.ts';
import type { Repository } from '../fhir/repository.ts';
import { documentedRoutes, fhirRouter } from '../fhir/router.ts';
import { asOneRequest } from '../ledger/request-deadline.ts';
import { OAUTH } from '../oauth/server.ts';
import { endpointsOf, wellKnown } from '../oauth/well-known.ts';
import { loggable } from '../operations/log.ts';
import type { Services, SubjectOperation } from '../subjects/services.ts';
import { VERSION } from '../version.ts';
import { awaitBlock, type Blocks, blockOfAnswer } from './blocks.ts';
import type { BodiesOptions } from './bodies.ts';
import { compressed } from './compressed.ts';
import { consolePages } from './console.ts';
import { crossOrigin } from './cross-origin.ts';
import { docs } from './docs.ts';
import { observe } from './observe.ts';
import { openApiDocument } from './openapi.ts';
import { setPublicUrl } from './origin.ts';
import { type Route, serve, toAnyOrigin } from './routes.ts';
import { securityHeaders } from './security-headers.ts';

export const FHIR_BASE = '/fhir/R4';
const SMART = `${FHIR_BASE}/.well-known/smart-configuration`;
const METADATA = `${FHIR_BASE}/metadata`;

export interface AppOptions {
  services: Services;
  repository: Repository;
  routes: readonly Route[];
  operations: readonly SubjectOperation[];
  /** What the CapabilityStatement says of types that routes serve. */
  besides: readonly object[];
  tokens: TokenSettings;
  bodies: BodiesOptions;
  clients: ClientLimits & { strangersPerMinute: number };
  /** Addresses or networks whose X-Forwarded headers are believed. */
  trustedProxies: readonly string[];
  /** Which ids of new resources clients may choose. */
  clientIds: ClientIds;
  profiles: Profiles;
  /** Pages of which may call this gateway from a browser. */
  browserOrigins: readonly string[];
  /** Where clients find this gateway; by default as each request says. */
  publicUrl?: string;
  blocks: Blocks;
  /** Finds out for whom a caretaker acts, and which records are a patient's. */
  acting: readonly RequestHandler[];
  /** How long one request may ask the ledger, and wait for a block. */
  budgetMs: number;
  log: Logger;
}

/** For callers: everything but open routes and FHIR's metadata asks for a token. */
export function gatewayApp(options: AppOptions): Express {
  const { services, repository, operations, tokens, bodies, clients, trustedProxies, blocks, acting, budgetMs, log } =
    options;
  const { organisation, idempotent, reads, metrics, authorization, issuerKeys } = services;
  const routes = options.routes.filter(({ kind = organisation.kind }) => kind === organisation.kind);
  const report = reportTo(log);
  const app = express().disable('x-powered-by').disable('etag');
  app.set('trust proxy', [...trustedProxies]);
  if (options.publicUrl !== undefined) setPublicUrl(app, options.publicUrl);
  app.use(
    observe(log, metrics),
    securityHeaders(),
    crossOrigin(options.browserOrigins, () => authorization?.clients.origins()),
  );
  app.use((_request, _response, next) => asOneRequest(next));
  app.use(blockOfAnswer(blocks));
  const unknown = strangers(clients.strangersPerMinute, () => metrics.refusal('address'));
  const open = routes.filter((route) => route.open);
  for (const { path, method } of open) app[method](path, unknown.count);
  const fhir: FhirOptions = {
    repository,
    idempotent,
    reads,
    organisation,
    clientIds: options.clientIds,
    profiles: options.profiles,
    callerOf: (request) => callerOf(request.res!),
    operations: operations
      .filter(({ kind }) => kind === organisation.kind)
      .map((one) => ({ ...one, handle: (request) => one.handle(request, services) })),
    besides: options.besides,
    // What is not known at the moment is left out: everybody may read the rest.
    later: services.asyncRequests,
    oauth: () => endpointsOf(issuerKeys, authorization).catch(() => undefined),
    bodies,
    report,
  };
  const { name } = organisation;
  const documented = {
    organisation: name,
    version: VERSION,
    routes,
    fhirBase: FHIR_BASE,
    fhir: documentedRoutes(fhir),
  };
  app.get(SMART, unknown.count, toAnyOrigin, wellKnown(issuerKeys, authorization));
  if (authorization !== undefined) app.use(OAUTH, unknown.count).use(authorization.router());
  app.use(consolePages(unknown.count));
  app.use(serve(open, services, { bodies }), docs(openApiDocument(documented), unknown.count));
  const isOpen = ({ path, method }: Request) => path === METADATA && method !== 'POST';
  app.use(authentication(tokens, organisation.kind, issuerKeys, isOpen, unknown));
  app.use(
    ...quotas(
      clients,
      ({ res }) => callerIn(res!)?.subject,
      (limit) => metrics.refusal(limit),
    ),
  );
  app.use(compressed());
  app.use(awaitBlock(blocks, { mspId: organisation.mspId, budgetMs }));
  app.use(...acting);
  const others = routes.filter((route) => !route.open);
  // Operations that answer no resource stand before FHIR's own routes, which know of none.
  const isFhir = ({ path }: Route): boolean => path.startsWith(`${FHIR_BASE}/`);
  app.use(serve(others.filter(isFhir), services, { bodies }));
  app.use(FHIR_BASE, fhirRouter(fhir));
  app.use(serve(others, services, { bodies }));
  return ending(app, report);
}

/** What a monitoring network may ask without a token, and nothing else. */
export function monitoringApp({
  services,
  routes,
  bodies,
  log,
}: Pick<AppOptions, 'services' | 'routes' | 'bodies' | 'log'>): Express {
  const app = express().disable('x-powered-by').disable('etag');
  const monitored = routes.filter((route) => route.monitored);
  app.use(securityHeaders(), serve(monitored, services, { bodies, roles: false }));
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
