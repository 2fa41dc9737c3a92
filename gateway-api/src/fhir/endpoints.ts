/** What stands at a path of the FHIR API, for each method: what answers, what is refused before a body is read, what the documentation says. */
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import type { Caller } from '../auth/caller.ts';
import { type Answer, send } from './answers.ts';
import { accept, type Later, laterOf } from './asynchronous.ts';
import { errorIssue, Refusal, refuse } from './outcomes.ts';

export type Handle = (request: Request) => Answer | Promise<Answer>;
export interface Endpoint {
  handle: Handle;
  /** One line for the documentation, which lists only endpoints that have one. */
  summary?: string;
  /** Refuses what can be refused by the URL, the headers and the caller, before any of the body is read. */
  admit?: (request: Request) => void;
  body?: 'resource' | 'bundle' | 'lines' | 'patch' | 'form';
  /** Writes nothing, whatever is posted. */
  isQuestion?: true;
  /** Writes, without a body. */
  isWrite?: true;
  /** May be answered later, where its client would rather ask again (Prefer: respond-async). */
  isLong?: true;
}
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Endpoints = Partial<Record<Method, Endpoint>>;

/** What is asked by POST; a question that takes nothing by GET too. */
export function endpointsOf(post: Endpoint, takesNothing = false): Endpoints {
  const { body: _, isQuestion: __, ...get } = post;
  return takesNothing ? { get, post } : { post };
}

/** `Allow` of RFC 9110: what a route answers. */
function allowOf(endpoints: Endpoints): string {
  const methods = Object.keys(endpoints).map((method) => method.toUpperCase());
  return [...methods, ...(endpoints.get === undefined ? [] : ['HEAD']), 'OPTIONS'].join(', ');
}

/** Routes that no operation is mounted on. */
export const unknownOperation: Endpoint = {
  handle: () => refuse(404, 'not-supported', 'There is no such operation here.'),
};

/** A route as the documentation shows it. */
export interface DocumentedRoute {
  method: Method;
  path: string;
  summary: string;
  /** Needs no token. */
  isOpen: boolean;
  /** Writes to the ledger: takes an Idempotency-Key. */
  isWrite: boolean;
  body: Endpoint['body'];
}

/** What the documentation shows of a path; of resources that the organisation does not write, nothing that would. */
export function documentedOf(
  [path, endpoints]: readonly [string, Endpoints],
  writesResources: boolean,
): DocumentedRoute[] {
  return (Object.entries(endpoints) as [Method, Endpoint][]).flatMap(
    ([method, { summary, body, isQuestion, isWrite: writesAlone }]) => {
      const writesBody = isQuestion !== true && body !== undefined && body !== 'form';
      const isWrite = writesBody || writesAlone === true;
      const isOfResources = path.startsWith('/:type') || body === 'lines';
      if (summary === undefined || (isWrite && isOfResources && !writesResources)) return [];
      return [{ method, path, summary, isOpen: path === '/metadata', isWrite, body }];
    },
  );
}

interface Served {
  readers: Record<NonNullable<Endpoint['body']>, RequestHandler[]>;
  baseUrlOf: (request: Request) => string;
  callerOf: (request: Request) => Caller;
  /** Takes on what is answered later; without it everything is answered at once. */
  later?: Later | undefined;
}

/** What a request goes through, in this order: its admission, the reading of its body, what it asks for. */
function stepsOf(endpoint: Endpoint, { readers, baseUrlOf, callerOf, later }: Served): RequestHandler[] {
  const { handle, admit, body } = endpoint;
  const admission: RequestHandler = (request, _response, next) => {
    admit?.(request);
    next();
  };
  const answer: RequestHandler = async (request, response) => {
    const baseUrl = baseUrlOf(request);
    const wanted = endpoint.isLong === true && later !== undefined ? laterOf(request) : undefined;
    if (wanted === undefined || later === undefined) return send(request, response, baseUrl, await handle(request));
    const isWrite = body === 'bundle' || body === 'lines';
    await accept(request, response, wanted, { later, caller: callerOf(request), baseUrl, isWrite, handle });
  };
  return [admission, ...(body === undefined ? [] : readers[body]), answer];
}

/** Adds what stands at a path; another method is 405. */
function addRoute(router: Router, path: string, endpoints: Endpoints, served: Served): void {
  const allow = allowOf(endpoints);
  const route = router.route(path);
  for (const [method, endpoint] of Object.entries(endpoints) as [Method, Endpoint][]) {
    route[method](...stepsOf(endpoint, served));
  }
  route.all((request: Request, response: Response) => {
    if (request.method === 'OPTIONS') response.set('Allow', allow).status(204).end();
    else throw new Refusal(405, errorIssue('not-supported', `Here one may ${allow}.`), { Allow: allow });
  });
}

/** A router of rows. The operations among them, of which there are many, are looked through for a path that names one alone. */
export function routerOf(
  rows: readonly (readonly [string, Endpoints])[],
  first: RequestHandler,
  served: Served,
): Router {
  const [router, named] = [newRouter(), newRouter()];
  router.use(first, (request, response, next) =>
    request.path.includes('$') ? named(request, response, next) : next(),
  );
  for (const [path, endpoints] of rows) addRoute(/\$\w/.test(path) ? named : router, path, endpoints, served);
  return router;
}

const newRouter = (): Router => express.Router({ caseSensitive: true, strict: true });
