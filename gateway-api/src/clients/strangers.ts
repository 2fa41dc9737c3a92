/**
 * Requests without a valid token, counted by the address that they come from: whoever tries tokens, or asks without one,
 * is answered 429 after a while. A caller with a valid token is never refused for what else comes from its address.
 */
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { Failure } from '../http/failures.ts';

const WINDOW_MS = 60_000;
/** Of an IPv6 address: what one subscriber has. */
const PREFIX_BITS = 56;

export interface Strangers {
  /** Counts a request; the next handler is called, or gets the failure. */
  count: RequestHandler;
  /** Whether no more is taken from the address of a request for now. */
  areTooMany(request: Request): Promise<boolean>;
}

const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? '', PREFIX_BITS);

/** Of one gateway; `onRefusal` is called with each request that is refused. */
export function strangers(perMinute: number, onRefusal: () => void = () => {}): Strangers {
  const limiter = rateLimit({
    windowMs: WINDOW_MS,
    limit: perMinute,
    keyGenerator: addressOf,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Reads `trust proxy` and the headers of each request; the configuration says which proxies there are.
    validate: false,
    handler: (_request, response, next) => {
      onRefusal();
      next(tooMany(response.getHeader('Retry-After')));
    },
  });
  return {
    count: limiter,
    areTooMany: async (request) => ((await limiter.getKey(addressOf(request)))?.totalHits ?? 0) >= perMinute,
  };
}

export const tooMany = (retryAfter: unknown = WINDOW_MS / 1000): Failure =>
  new Failure(429, 'throttled', 'Too many requests without a valid token came from this address.', {
    headers: { 'Retry-After': String(retryAfter) },
  });
