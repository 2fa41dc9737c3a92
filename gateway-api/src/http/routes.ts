/**
 * What a route beside FHIR is, and how it is served: who may ask, what it takes and what it answers stand in one row,
 * which the documentation reads as well. subjects/table.ts lists the rows.
 */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { type Caller, callerIn, callerOf } from '../auth/caller.ts';
import { demandCaller } from '../auth/entitlement.ts';
import type { Act } from '../auth/grants.ts';
import { type Demand, demandScope } from '../auth/scopes.ts';
import { type IdempotentRequest, idempotencyOf } from '../idempotency/request.ts';
import type { Services } from '../subjects/services.ts';
import { type BodiesOptions, jsonBody, parsedInput, SMALL_BODY_BYTES, textBody } from './bodies.ts';
import { originOf } from './origin.ts';
import { withPlainNumbers } from './plain-numbers.ts';

export interface RouteRequest<Parameters, Body, Query> {
  caller: Caller;
  parameters: Parameters;
  query: Query;
  body: Body;
  /** Of this gateway as it was asked, without a slash at the end. */
  origin: string;
  idempotency: IdempotentRequest | undefined;
  /** What of these media types the caller prefers (RFC 9110, section 12.5.1), the first where any will do. */
  prefers(...types: readonly string[]): string | undefined;
  /** The header Accept-Language. */
  languages?: string | undefined;
  /** How long the caller would rather wait for what it asks for than be answered at once; 0: not at all. */
  wait: { seconds: number; gone: AbortSignal };
}

export interface RouteAnswer {
  /** Default 200. */
  status?: number;
  /** An object is sent as JSON, a Buffer as it is. */
  body: object | string;
  headers?: Record<string, string>;
  /** Of the transaction that wrote it. */
  transactionId?: string;
  /** Goes on answering once the head is sent, in the place of a body, and ends the answer. */
  stream?: (request: Request, response: Response) => Promise<void>;
}

export interface Route<Parameters = unknown, Body = unknown, Query = unknown> {
  method: 'get' | 'post' | 'put' | 'delete';
  /** As Express reads it: `/licences/:number`. */
  path: string;
  /** One line for the documentation. */
  summary: string;
  /** Only organisations of this kind have it. */
  kind?: Kind;
  /** Anybody may ask, without a token. */
  open?: true;
  /** Scripts of other origins may ask (CORS). */
  anyOrigin?: true;
  /** Also on the listener of a monitoring network, which asks for no token. */
  monitored?: true;
  /**
   * What of scopes it takes, of tokens that have them; see demandOf. `asked before`: it shows what a request of the same caller with
   * the same scopes was let ask for.
   */
  scope?: Demand | 'asked before';
  /** Default: any caller. */
  roles?: readonly Role[];
  /** What the path holds. */
  parameters?: z.ZodType<Parameters>;
  /** What may stand behind the path, after `?`. */
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** The body is text of this media type, where it is not JSON. */
  text?: string;
  /** A body of more than 64 KiB is taken, up to the gateway's limit. */
  large?: true;
  /** What it sends to the ledger: callers who may not are refused before any of the body is read. */
  transaction?: TransactionName;
  /** By status, for the documentation. */
  answers: Record<number, { description: string; schema?: z.ZodType }>;
  /** Waits as the caller prefers to (`Prefer: wait`), before it takes its turn among those who read. */
  wait?(request: RouteRequest<Parameters, Body, Query>, services: Services): Promise<void>;
  handle(request: RouteRequest<Parameters, Body, Query>, services: Services): RouteAnswer | Promise<RouteAnswer>;
}

/** A row with its types inferred. */
export const route = <Parameters = unknown, Body = unknown, Query = unknown>(
  row: Route<Parameters, Body, Query>,
): Route => row as Route;

const NOTHING = z.unknown();

/** Serves routes; with `roles: false` to everybody, on a listener that has no callers. */
export function serve(
  routes: readonly Route[],
  services: Services,
  { bodies, roles = true }: { bodies: BodiesOptions; roles?: boolean },
) {
  const router = Router();
  for (const one of routes) {
    const checked = roles ? [...scopedBy(one), ...rolesOf(one), ...sendersOf(one, services)] : [];
    const limit = one.large === true ? bodies.limit : Math.min(bodies.limit, SMALL_BODY_BYTES);
    if (one.anyOrigin === true) router.use(one.path, toAnyOrigin);
    router[one.method](one.path, ...checked, ...readerOf(one, { ...bodies, limit }), handlerOf(one, services));
  }
  return router;
}

/** The answer may be read by a page of any origin, and its preflight is answered. */
export const toAnyOrigin: RequestHandler = (request, response, next) => {
  response.set({ 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' });
  if (request.method !== 'OPTIONS') return next();
  response.set({ 'Access-Control-Allow-Methods': 'GET, POST', 'Access-Control-Allow-Headers': 'Content-Type' });
  response.status(204).end();
};

const READING: readonly Act[] = ['r', 's'];
const EVERYTHING: readonly Act[] = ['c', 'r', 'u', 'd', 's'];

/** What a route takes of scopes: what shows records of any type or writes by rules of its own, all of them. */
const demandOf = ({ method, scope }: Pick<Route, 'method' | 'scope'>): Demand | 'asked before' =>
  scope ?? { type: '*', acts: method === 'get' ? READING : EVERYTHING };

function scopedBy(one: Route): RequestHandler[] {
  const demand = demandOf(one);
  if (one.open === true || demand === 'asked before') return [];
  return [
    (_request, response, next) => {
      demandScope(callerOf(response), demand);
      next();
    },
  ];
}

function readerOf({ body, text }: Route, options: BodiesOptions): RequestHandler[] {
  if (body === undefined) return [];
  return [text === undefined ? jsonBody(options) : textBody(text, options)];
}

function sendersOf({ transaction }: Route, { organisation }: Services): RequestHandler[] {
  if (transaction === undefined) return [];
  return [
    (_request, response, next) => {
      demandCaller(organisation.kind, callerOf(response), transaction);
      next();
    },
  ];
}

function rolesOf({ roles }: Route): RequestHandler[] {
  if (roles === undefined) return [];
  return [
    (_request, response, next) => {
      if (!roles.includes(callerOf(response).role)) {
        throw new LedgerError('FORBIDDEN', `this is for the roles ${roles.join(', ')}`);
      }
      next();
    },
  ];
}

/** Seconds, as RFC 7240 (section 4.3) has them; what is none is ignored, as that RFC asks. */
const waitOf = (request: Request): number =>
  Number(/(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,6})\b/i.exec(request.get('prefer') ?? '')?.[1] ?? 0);

function goneOf(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

const handlerOf = (
  { parameters = NOTHING, query, open, body = NOTHING, wait, handle }: Route,
  services: Services,
): RequestHandler => {
  const asking = queryOf(query, open === true);
  return async (request: Request, response: Response) => {
    const isRead = request.method === 'GET';
    const asked = {
      caller: callerOf(response),
      parameters: parsedInput(parameters, request.params),
      query: parsedInput(asking, request.query),
      body: parsedInput(body, withPlainNumbers(request.body)),
      origin: originOf(request),
      idempotency: isRead ? undefined : idempotencyOf(request),
      prefers: (...types: readonly string[]) => request.accepts([...types]) || undefined,
      languages: request.get('accept-language'),
      wait: { seconds: waitOf(request), gone: goneOf(response) },
    };
    if (wait !== undefined && asked.wait.seconds > 0) {
      await wait(asked, services);
      response.set('Preference-Applied', `wait=${asked.wait.seconds}`);
    }
    const client = callerIn(response)?.subject;
    const answering = async () => handle(asked, services);
    const answer = await (isRead && client !== undefined ? services.reads.run(client, answering) : answering());
    if (answer.transactionId !== undefined) response.set('X-Transaction-Id', answer.transactionId);
    response.status(answer.status ?? 200).set(answer.headers ?? {});
    if (answer.stream !== undefined) {
      response.flushHeaders();
      await answer.stream(request, response);
    } else if (typeof answer.body === 'string' || Buffer.isBuffer(answer.body)) response.send(answer.body);
    else response.json(answer.body);
  };
};

/** Said of every route, and asked of the answer's form alone. */
const FORM = z.strictObject({ _format: z.string().optional(), _pretty: z.string().optional() });

/**
 * A name that a route does not know is refused: who misspells `patient` would be answered as if nobody had been named.
 * What others' protocols send to open routes is theirs.
 */
function queryOf(query: z.ZodType | undefined, open: boolean): z.ZodType {
  if (query === undefined) return open ? NOTHING : FORM;
  return query instanceof z.ZodObject && query.def.catchall === undefined ? query.strict() : query;
}
