/** Every request: an id, and when it is answered a log line and a metric by route, status and time. */
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Metrics } from '../operations/metrics.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export function observe(log: Logger, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const stated = request.get('x-request-id');
    const requestId = stated !== undefined && REQUEST_ID.test(stated) ? stated : randomUUID();
    response.locals['requestId'] = requestId;
    response.set('X-Request-Id', requestId);
    const started = performance.now();
    response.once('close', () => {
      const route = routeOf(request);
      const ms = performance.now() - started;
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.request(request.method, route, status, ms);
      const line = { requestId, method: request.method, route, status, ms: Math.round(ms), ...transactionOf(response) };
      if (status >= 500) log.warn(line, 'request');
      else log.info(line, 'request');
    });
    next();
  };
}

/** The pattern of the route that answered, without the ids in its path. */
function routeOf(request: Request): string {
  const pattern: unknown = (request.route as { path?: unknown } | undefined)?.path;
  return typeof pattern === 'string' ? `${request.baseUrl}${pattern}` : 'none';
}

function transactionOf(response: Response): { transactionId?: string } {
  const header = response.getHeader('X-Transaction-Id');
  return typeof header === 'string' ? { transactionId: header } : {};
}
