/** HTTP requests to nodes' operations and administration addresses, which answer a handful of fixed paths. */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import pRetry from 'p-retry';

const REQUEST_TIMEOUT_MS = 2_000;
const POLL_MS = 250;

/** PEM texts. */
export interface ClientTls {
  certificate: string;
  privateKey: string;
  rootCertificate: string;
}

export interface Question {
  host: string;
  port: number;
  path: string;
  /** Over TLS with a client's certificate; `serverName` is what the server's must be for. */
  secure?: ClientTls & { serverName: string };
  /** A POST with these bytes, a GET without. */
  body?: { type: string; bytes: Uint8Array };
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  body: string;
}

/** @throws Error with a `code` where nobody answers in time. */
export function ask({ host, port, path, secure, body, timeoutMs = REQUEST_TIMEOUT_MS }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const common = {
      ...{ host, port, path, timeout: timeoutMs, agent: false as const },
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': body.type, 'content-length': body.bytes.length },
    };
    const request =
      secure === undefined
        ? plainRequest(common)
        : secureRequest({
            ...common,
            cert: secure.certificate,
            key: secure.privateKey,
            ca: secure.rootCertificate,
            servername: secure.serverName,
          });
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(timedOut(host, port, timeoutMs)));
    request.on('error', reject);
    request.end(body?.bytes);
  });
}

const timedOut = (host: string, port: number, timeoutMs: number): Error =>
  Object.assign(new Error(`${host}:${port} gave no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });

/** For one file as a form's only part, as browsers send it. */
export function formWithFile(name: string, bytes: Uint8Array): { type: string; bytes: Uint8Array } {
  const boundary = `----${crypto.randomUUID()}`;
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

const WAIT_FOR_LISTENER_MS = 20_000;

/**
 * Repeats what failed because nobody listened (yet, or while a node is started again). @throws its last error.
 * `isRefusal` says which errors those are.
 */
export function whileRefused<T>(
  work: () => Promise<T>,
  isRefusal: (error: Error) => boolean = (error) => REFUSALS.has((error as NodeJS.ErrnoException).code ?? ''),
  waitMs: number = WAIT_FOR_LISTENER_MS,
): Promise<T> {
  return pRetry(work, {
    ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: waitMs, minTimeout: POLL_MS, factor: 1 },
    shouldRetry: ({ error }) => isRefusal(error),
  });
}

/** A container that is being started again has neither a listener nor, for a moment, a name. */
const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN']);
