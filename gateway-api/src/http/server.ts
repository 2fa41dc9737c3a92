/**
 * An HTTP server whose clients cannot hold it up: headers and bodies have their time, and what is answered without its
 * body having been read is thrown away, within bounds.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { awaitsContinue } from './json-body.ts';

export interface ServerLimits {
  /** From a request's first byte to the end of its headers. */
  headersMs: number;
  /** From a request's first byte to the end of its body. */
  requestMs: number;
  /** Open connections; more are closed as they come. */
  connections: number;
  /** Of one address. */
  addressConnections: number;
  /** Without a byte in either direction: a client that does not read its answer is let go. */
  idleMs: number;
  /** Addresses that many clients share. */
  isProxy: (address: string) => boolean;
  /** By HTTPS. */
  tls?: TlsSettings;
}

/** PEM texts. With authorities a client must show a certificate of theirs (mutual TLS). */
export interface TlsSettings {
  certificate: string;
  key: string;
  clientAuthorities?: string;
}

const SERVER_LIMITS: ServerLimits = {
  headersMs: 15_000,
  requestMs: 120_000,
  connections: 4_000,
  addressConnections: 1_000,
  idleMs: 300_000,
  isProxy: () => false,
};

const KEEP_ALIVE_MS = 65_000;
const CHECK_MS = 2_000;
/**
 * How long the rest of a refused body is taken and thrown away, because who sends it may read the answer only then; and of
 * how many requests at once: the system hands over two megabytes of each before anybody else is served.
 */
const LEFTOVER_MS = 10_000;
const LEFTOVERS_AT_ONCE = 4;

/** A server for `app`, that listens nowhere yet. */
export function newServer(app: RequestListener, stated: Partial<ServerLimits> = {}): Server {
  const limits = { ...SERVER_LIMITS, ...stated };
  const leftovers = new Leftovers();
  const answer: RequestListener = (request, response) => {
    response.once('finish', () => {
      if (!request.complete) leftovers.discard(request);
    });
    app(request, response);
  };
  const server = opened(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: CHECK_MS,
    },
    answer,
    limits.tls,
  );
  server.maxConnections = limits.connections;
  server.timeout = limits.idleMs;
  limitByAddress(server, limits);
  server.on('checkContinue', (request, response) => {
    awaitsContinue(request);
    // Until the body is asked for: it may follow or not, so the connection cannot be used again.
    response.setHeader('Connection', 'close');
    answer(request, response);
  });
  return server;
}

function opened(options: ServerOptions, answer: RequestListener, tls: TlsSettings | undefined): Server {
  if (tls === undefined) return createServer(options, answer);
  const { certificate: cert, key, clientAuthorities: ca } = tls;
  const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ ...options, cert, key, minVersion: 'TLSv1.2', ...mutual }, answer);
}

/** What is left of refused bodies, thrown away a few at a time. */
class Leftovers {
  readonly #waiting: IncomingMessage[] = [];
  #under = 0;

  discard(request: IncomingMessage): void {
    request.socket.pause();
    this.#waiting.push(request);
    this.#next();
  }

  #next(): void {
    while (this.#under < LEFTOVERS_AT_ONCE) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      if (request.socket.destroyed) continue;
      this.#under += 1;
      const late = setTimeout(() => request.socket.destroy(), LEFTOVER_MS);
      // Of the request, which has an end of its own on a connection that goes on.
      request.once('close', () => {
        clearTimeout(late);
        this.#under -= 1;
        this.#next();
      });
      request.resume();
      request.socket.resume();
    }
  }
}

/** Closes connections of an address that has its part of them. */
function limitByAddress(server: Server, { addressConnections, isProxy }: ServerLimits): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    if (isProxy(address)) return;
    const own = (open.get(address) ?? 0) + 1;
    if (own > addressConnections) return void socket.destroy();
    open.set(address, own);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
