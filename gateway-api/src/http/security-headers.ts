/** The headers that keep browsers from what they need not do with answers: helmet's, which are the same for all and are made once. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

export function securityHeaders(): RequestHandler {
  const request = new IncomingMessage(new Socket());
  const made = new ServerResponse(request);
  helmet()(request, made, () => undefined);
  const headers = new Map(Object.entries(made.getHeaders() as Record<string, string>));
  return (_request, response, next) => {
    response.setHeaders(headers);
    next();
  };
}
