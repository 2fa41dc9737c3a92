/**
 * What one client may have under way: requests at once, and requests a second. Who is beyond it is answered 429, and
 * nobody else notices. A client is the subject of a token; the tokens are this organisation's.
 */
import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Failure } from '../http/failures.ts';
import { workFor } from '../http/pauses.ts';

export interface ClientLimits {
  /** Requests of one client that are not answered yet. */
  requests: number;
  /** Requests of one client in a second; 0: any number. */
  perSecond: number;
}

export type QuotaRefusal = 'client-requests' | 'client-rate';

const throttled = (message: string): Failure =>
  new Failure(429, 'throttled', message, { headers: { 'Retry-After': '1' } });

/** Steps behind authentication and before everything else; a request without a client passes. */
export function quotas(
  { requests, perSecond }: ClientLimits,
  clientOf: (request: Request) => string | undefined,
  onRefusal: (limit: QuotaRefusal) => void = () => {},
): RequestHandler[] {
  const under = new Map<string, number>();
  const atOnce: RequestHandler = (request, response, next) => {
    const client = clientOf(request);
    if (client === undefined) return next();
    const own = under.get(client) ?? 0;
    if (own >= requests) {
      onRefusal('client-requests');
      throw throttled(`This client has ${requests} requests under way.`);
    }
    under.set(client, own + 1);
    response.once('close', () => {
      const left = (under.get(client) ?? 1) - 1;
      if (left > 0) under.set(client, left);
      else under.delete(client);
    });
    workFor(client, next);
  };
  if (perSecond === 0) return [atOnce];
  const rate = rateLimit({
    windowMs: 1_000,
    limit: perSecond,
    skip: (request) => clientOf(request) === undefined,
    keyGenerator: (request) => clientOf(request) ?? '',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, _response, next) => {
      onRefusal('client-rate');
      next(throttled(`This client sends more than ${perSecond} requests a second.`));
    },
  });
  return [rate, atOnce];
}
