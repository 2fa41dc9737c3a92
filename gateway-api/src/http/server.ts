/**
 * An HTTP server whose clients cannot hold it up: headers and bodies have their time, and what is answered without its
 * body having been read is thrown away, within bounds.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { awaitsContinue } from './json-body.ts';

export interface ServerLimits {
  /** From a request's first byte to the end of its headers. */
  headersMs: number;
  /** From a request's first byte to the end of its body. */
  requestMs: number;
  /** Open connections; more are closed as they come. */
  connections: number;
}

export const SERVER_LIMITS: ServerLimits = { headersMs: 15_000, requestMs: 120_000, connections: 4_000 };

const KEEP_ALIVE_MS = 65_000;
const CHECK_MS = 2_000;
/** How long the rest of a refused body is taken and thrown away: who sends it may read the answer only then. */
const LEFTOVER_MS = 5_000;

/** A server for `app`, that listens nowhere yet. */
export function newServer(app: RequestListener, limits: ServerLimits = SERVER_LIMITS): Server {
  const answer: RequestListener = (request, response) => {
    response.once('finish', () => {
      if (request.complete) return;
      request.resume();
      const late = setTimeout(() => request.socket.destroy(), LEFTOVER_MS);
      request.once('close', () => clearTimeout(late));
    });
    app(request, response);
  };
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: CHECK_MS,
    },
    answer,
  );
  server.maxConnections = limits.connections;
  server.on('checkContinue', (request, response) => {
    awaitsContinue(request);
    // Until the body is asked for: it may follow or not, so the connection cannot be used again.
    response.setHeader('Connection', 'close');
    answer(request, response);
  });
  return server;
}
