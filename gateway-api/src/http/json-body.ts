/**
 * Reads a JSON body: in UTF-8, as it came or compressed, never more of it than its limits and its client's budget
 * permit. What it holds is known before it is parsed, so that no body costs more time or memory than its size says.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { MAX_RECORDS } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Reservation } from './body-budget.ts';
import { Failure } from './failures.ts';
import { JsonScan } from './json-scan.ts';
import { parseText } from './json-text.ts';

/** Commas and opening brackets of all of a body: parsing a million takes some 60 MB. */
const MOST_MARKS = 1_000_000;
/** Of one resource: parsing and validating it holds the event loop, at 1 µs for each and more. */
const MOST_MARKS_AT_ONCE = 40_000;
const DEEPEST = 200;
/** Memory that a parsed value takes, and the text beside what is made of it. */
const BYTES_A_MARK = 64;
const COPIES = 2;

const tooLarge = (message: string, expression = 'body'): Failure =>
  new Failure(413, 'too-costly', message, { expression });
const unsupported = (message: string, expression: string): Failure =>
  new Failure(415, 'not-supported', message, { expression });
const LARGER = 'The body is larger than this server takes.';

const DECODERS: Record<string, () => Duplex> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

export interface BodyOptions {
  /** After decompression, bytes. */
  limit: number;
  reservation: Reservation;
  /** The entries of a Bundle are worked on one by one, and so may hold more together. */
  apart?: boolean;
  /** Sees the bytes as they come, decompressed. */
  onBytes?: (chunk: Buffer) => void;
}

/** Whether a request's headers announce a body. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * The body of a request, every digit of its numbers kept; undefined where it has none. Nothing is read of one that is
 * refused by its headers.
 * @throws {Failure} 413, 415, 429, 503, or 400 where it breaks off. @throws {JsonSyntaxError} 400
 */
export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  { limit, reservation, apart = false, onBytes }: BodyOptions,
): Promise<object | undefined> {
  const body = opened(request, response, { limit, reservation });
  if (body === undefined) return undefined;
  const { stated, stream } = body;
  const scan = new JsonScan();
  const chunks: Buffer[] = [];
  await collect(request, stream, (chunk) => {
    scan.push(chunk);
    if (scan.bytes > limit) throw tooLarge(LARGER);
    demandModest(scan, apart);
    reservation.raise(Math.max(scan.bytes, stated) * COPIES + scan.marks * BYTES_A_MARK);
    onBytes?.(chunk);
    chunks.push(chunk);
  });
  scan.finish();
  const bytes = Buffer.concat(chunks);
  chunks.length = 0;
  return bytes.length === 0 ? undefined : parseText(bytes, scan);
}

/**
 * The text of a request in UTF-8; undefined where it has no body. @throws {Failure} as readJson, and 400 for bytes that are
 * not UTF-8
 */
export async function readText(...read: Parameters<typeof readBytes>): Promise<string | undefined> {
  const bytes = await readBytes(...read);
  if (bytes !== undefined && !isUtf8(bytes))
    throw new Failure(400, 'invalid', 'The body is not UTF-8.', { expression: 'body' });
  return bytes?.toString('utf8');
}

/** The bytes of a request, decompressed; undefined where it has no body. @throws {Failure} as readJson */
export async function readBytes(
  request: IncomingMessage,
  response: ServerResponse,
  { limit, reservation, onBytes }: BodyOptions,
): Promise<Buffer | undefined> {
  const body = opened(request, response, { limit, reservation });
  if (body === undefined) return undefined;
  const { stated, stream } = body;
  const chunks: Buffer[] = [];
  let length = 0;
  await collect(request, stream, (chunk) => {
    length += chunk.length;
    if (length > limit) throw tooLarge(LARGER);
    reservation.raise(Math.max(length, stated) * COPIES);
    onBytes?.(chunk);
    chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}

/**
 * The body of a request, decompressed, with the length that its headers state; undefined where it has none. Nothing of it has
 * been read yet. @throws {Failure} 413, 415, 429, 503 for what its headers say
 */
function opened(
  request: IncomingMessage,
  response: ServerResponse,
  { limit, reservation }: Pick<BodyOptions, 'limit' | 'reservation'>,
): { stated: number; stream: Readable } | undefined {
  if (!hasBody(request)) return undefined;
  demandUtf8(request);
  const decode = decoderOf(request);
  const stated = Number(request.headers['content-length'] ?? 0);
  if (stated > limit) throw tooLarge(LARGER);
  reservation.raise(stated * COPIES);
  inviteBody(request, response);
  return { stated, stream: decode === undefined ? request : request.pipe(decode()) };
}

/** RFC 8259 and hl7.org/fhir/R4/http.html#mime-type know no other character set. */
function demandUtf8(request: IncomingMessage): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw unsupported('The character set must be UTF-8.', 'Content-Type');
  }
}

function decoderOf(request: IncomingMessage): (() => Duplex) | undefined {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return undefined;
  const found = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (found === undefined) throw unsupported('This content encoding is not supported.', 'Content-Encoding');
  return found;
}

/** Refuses what would take long to parse, or much memory once it is parsed. */
function demandModest(scan: JsonScan, apart: boolean): void {
  if (scan.pieces.length > MAX_RECORDS) {
    throw tooLarge(`A Bundle may have ${MAX_RECORDS} entries: send several.`, 'Bundle.entry');
  }
  if (scan.deepest > DEEPEST) {
    throw new Failure(400, 'structure', `The body is nested deeper than ${DEEPEST}.`, { expression: 'body' });
  }
  const atOnce = apart ? scan.mostAtOnce : scan.marks;
  if (atOnce > MOST_MARKS_AT_ONCE || scan.marks > MOST_MARKS) {
    throw tooLarge('The body holds more elements than this server takes in one resource.');
  }
}

/** Requests whose client waits for 100 Continue before it sends the body (RFC 9110 section 10.1.1). */
const waiting = new WeakSet<IncomingMessage>();

/** To be called for a request with `Expect: 100-continue`, instead of answering it at once. */
export const awaitsContinue = (request: IncomingMessage): void => void waiting.add(request);

function inviteBody(request: IncomingMessage, response: ServerResponse): void {
  if (!waiting.delete(request)) return;
  response.removeHeader('Connection');
  response.writeContinue();
}

/** Passes on what a stream brings until its end; after a failure nothing more of the request is read. */
function collect(request: IncomingMessage, stream: Readable, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      stream.removeAllListeners('data');
      request.off('close', cut);
      if (stream !== request) {
        request.unpipe();
        stream.destroy();
      }
      request.pause();
      end();
    };
    const fail = (failure: unknown): void => settle(() => reject(failure as Error));
    const cut = (): void => {
      if (!request.complete) fail(brokenOff());
    };
    stream.on('data', (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        fail(error);
      }
    });
    stream.once('end', () => settle(resolve));
    if (stream !== request) stream.once('error', () => fail(corrupt()));
    request.once('close', cut);
    // Where a connection breaks, `close` follows.
    request.on('error', () => {});
  });
}

const brokenOff = (): Failure => new Failure(400, 'structure', 'The body broke off.', { expression: 'body' });
const corrupt = (): Failure =>
  new Failure(400, 'invalid', 'The body is not what its Content-Encoding says.', { expression: 'Content-Encoding' });
