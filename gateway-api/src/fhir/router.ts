/**
 * FHIR R4 over HTTP: the table of routes, each a small handler, and one error handler. Mount it where no other body
 * parser runs before it, behind authentication for everything but `/metadata`.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import express, { type Request, type Response, type Router } from 'express';
import type { Caller } from '../auth/caller.ts';
import { isJsonBody } from '../http/bodies.ts';
import { idempotencyOf } from '../idempotency/request.ts';
import type { IdempotentWrites } from '../idempotency/writes.ts';
import { type Answer, send } from './answers.ts';
import { bundle } from './bundles.ts';
import { capabilityStatement } from './capability.ts';
import type { Operation } from './operations.ts';
import { errorIssue, outcomeHandler, Refusal, refuse, UNPROCESSABLE } from './outcomes.ts';
import { history, read, vread } from './reads.ts';
import type { Repository, Scope } from './repository.ts';
import { bodyType, exactNumbers, ifMatchOf, jsonOnly, keepFromText, preferencesOf } from './requests.ts';
import { search } from './search.ts';
import type { Parameters } from './search-parameters.ts';
import { parseCriterion, queryOfCondition } from './tokens.ts';
import { type SupportedType, supportedType } from './types.ts';
import { validateResource } from './validation/validation.ts';
import { write } from './writes.ts';

export interface FhirOptions {
  repository: Repository;
  idempotent: IdempotentWrites;
  organisation: Organisation;
  /** The verified caller; throws what is answered as 401 where there is none. */
  callerOf(request: Request): Caller;
  operations?: readonly Operation[];
  /** As clients see it, without a slash at the end; taken from each request where it is left out. */
  baseUrl?: string;
  /** The largest body, in bytes after decompression; 32 MiB where it is left out. */
  maxBodyBytes?: number;
  /** Version of this software, for the CapabilityStatement. */
  version?: string;
  /** Called with failures that are ours; they are answered with 500 and the request's id. */
  report?: (error: unknown, requestId?: string) => void;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
type Handle = (request: Request) => Answer | Promise<Answer>;
type Handlers = Partial<Record<'get' | 'post' | 'put', Handle>>;

const typeOf = (request: Request): SupportedType =>
  supportedType(String(request.params['type'])) ??
  refuse(404, 'not-supported', 'This server does not hold resources of that type.');
const idOf = (request: Request): string => String(request.params['id']);

const queryOf = (request: Request): Parameters => [
  ...new URLSearchParams(request.originalUrl.split(/\?(.*)/s)[1] ?? ''),
];
const formOf = (request: Request): Parameters =>
  Object.entries((request.body ?? {}) as Record<string, string | string[]>).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, one] as const),
  );

/** `Allow` of RFC 9110: what a route answers. */
function allowOf(handlers: Handlers): string {
  const methods = Object.keys(handlers).map((method) => method.toUpperCase());
  return [...methods, ...(handlers.get === undefined ? [] : ['HEAD']), 'OPTIONS'].join(', ');
}

class FhirApi {
  readonly #options: FhirOptions;
  readonly #date = new Date().toISOString();

  constructor(options: FhirOptions) {
    this.#options = options;
  }

  baseUrlOf(request: Request): string {
    return this.#options.baseUrl ?? `${request.protocol}://${request.get('host') ?? 'localhost'}${request.baseUrl}`;
  }

  #scope(request: Request): Scope {
    const { repository, idempotent, organisation, callerOf } = this.#options;
    return { repository, idempotent, organisation, caller: callerOf(request), baseUrl: this.baseUrlOf(request) };
  }

  metadata: Handle = (request) => {
    const { organisation, operations = [], version = '0.0.0' } = this.#options;
    const baseUrl = this.baseUrlOf(request);
    return {
      status: 200,
      resource: capabilityStatement({ organisation, operations, version, baseUrl, date: this.#date }),
    };
  };

  bundle: Handle = (request) => {
    const preferences = preferencesOf(request);
    return bundle(request.body, this.#scope(request), {
      ...this.#writing(request),
      lenient: preferences.handling === 'lenient',
      report: (error) => this.report(error, request.res),
    });
  };

  read: Handle = (request) => read(this.#scope(request), typeOf(request).name, idOf(request));
  vread: Handle = (request) =>
    vread(this.#scope(request), typeOf(request).name, idOf(request), String(request.params['version']));
  history: Handle = (request) => history(this.#scope(request), typeOf(request).name, idOf(request));

  search: Handle = (request) => {
    const method = request.method === 'POST' ? 'POST' : 'GET';
    const parameters = [...queryOf(request), ...(method === 'POST' ? formOf(request) : [])];
    const lenient = preferencesOf(request).handling === 'lenient';
    return search(this.#scope(request), { type: typeOf(request), parameters, method, lenient });
  };

  create: Handle = (request) => {
    const { name: type } = typeOf(request);
    const condition = request.get('if-none-exist');
    const criterion = condition === undefined ? undefined : parseCriterion(type, queryOfCondition(type, condition));
    if (condition !== undefined && criterion === undefined) {
      refuse(400, 'not-supported', 'The condition must be identifier=system|value.', 'If-None-Exist');
    }
    const change = {
      body: request.body,
      path: type,
      interaction: 'create' as const,
      type,
      conditionPath: 'If-None-Exist',
    };
    return write({ ...change, ...(criterion && { criterion }) }, this.#scope(request), this.#writing(request));
  };

  update: Handle = (request) => {
    const { name: type } = typeOf(request);
    const ifMatch = ifMatchOf(request.get('if-match'), 'If-Match');
    const change = { body: request.body, path: type, interaction: 'update' as const, type, conditionPath: 'If-Match' };
    const target = { id: idOf(request), ...(ifMatch === undefined ? {} : { ifMatch }) };
    return write({ ...change, ...target }, this.#scope(request), this.#writing(request));
  };

  operation(operation: Operation): Handle {
    return async (request) => {
      const scope = this.#scope(request);
      const { issues } = request.body === undefined ? { issues: [] } : validateResource(request.body);
      if (issues.length > 0) throw new Refusal(UNPROCESSABLE, issues);
      return operation.handle({
        caller: scope.caller,
        body: request.body as Resource | undefined,
        id: operation.level === 'instance' ? idOf(request) : undefined,
        idempotency: idempotencyOf(request),
        baseUrl: scope.baseUrl,
      });
    };
  }

  #writing(request: Request) {
    return { idempotency: idempotencyOf(request), return: preferencesOf(request).return };
  }

  report(error: unknown, response: Response | undefined): void {
    this.#options.report?.(error, response?.locals['requestId'] as string | undefined);
  }
}

/** Routes that no operation is mounted on. */
const unknownOperation: Handle = () => refuse(404, 'not-supported', 'There is no such operation here.');

function routesOf(api: FhirApi, operations: readonly Operation[]): [path: string, handlers: Handlers][] {
  const mounted = operations.map((operation): [string, Handlers] => {
    const instance = operation.level === 'instance' ? '/:id' : '';
    return [`/${operation.type}${instance}/$${operation.name}`, { post: api.operation(operation) }];
  });
  const anyMethod = { get: unknownOperation, post: unknownOperation, put: unknownOperation };
  return [
    ['/', { post: api.bundle }],
    ['/metadata', { get: api.metadata }],
    ...mounted,
    ['/:type', { get: api.search, post: api.create }],
    ['/:type/_search', { post: api.search }],
    ['/:type/$:operation', anyMethod],
    ['/:type/:id/$:operation', anyMethod],
    ['/$:operation', anyMethod],
    ['/:type/:id', { get: api.read, put: api.update }],
    ['/:type/:id/_history', { get: api.history }],
    ['/:type/:id/_history/:version', { get: api.vread }],
  ];
}

function addRoute(router: Router, api: FhirApi, path: string, handlers: Handlers): void {
  const allow = allowOf(handlers);
  const route = router.route(path);
  for (const [method, handle] of Object.entries(handlers) as ['get' | 'post' | 'put', Handle][]) {
    route[method](async (request: Request, response: Response) => {
      send(request, response, api.baseUrlOf(request), await handle(request));
    });
  }
  route.all((request: Request, response: Response) => {
    if (request.method === 'OPTIONS') response.set('Allow', allow).status(204).end();
    else throw new Refusal(405, errorIssue('not-supported', `Here one may ${allow}.`), { Allow: allow });
  });
}

/** The FHIR R4 API of one organisation. */
export function fhirRouter(options: FhirOptions): Router {
  const api = new FhirApi(options);
  const limit = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const router = express.Router({ caseSensitive: true, strict: true });
  router.use(jsonOnly, bodyType);
  router.use(express.json({ limit, type: isJsonBody, verify: keepFromText }), exactNumbers);
  router.use('/:type/_search', express.urlencoded({ limit: 65_536, extended: false }));
  for (const [path, handlers] of routesOf(api, options.operations ?? [])) addRoute(router, api, path, handlers);
  router.use(() => refuse(404, 'not-supported', 'There is no such interaction.'));
  router.use(outcomeHandler(options.report));
  return router;
}
