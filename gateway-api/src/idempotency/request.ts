/**
 * The Idempotency-Key of an HTTP request with the hash of what was asked under it. The hash is made while the body is
 * read: a parsed body no longer has the bytes that the client sent, and nobody keeps them for it.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Request } from 'express';
import { Failure } from '../http/failures.ts';

export interface IdempotentRequest {
  /** The client's Idempotency-Key; a batch of several writes adds `/<part>` to it. At most 255 + 12 characters. */
  key: string;
  /** SHA-256 of method, path, conditions and body, hex. */
  requestHash: string;
}

const HEADER = 'idempotency-key';
const KEY = /^[!-~]{1,255}$/;
const begun = new WeakMap<Request, Hash>();

function hashOfHead(request: Request): Hash {
  const conditions = [request.get('if-match') ?? '', request.get('if-none-exist') ?? ''];
  return createHash('sha256').update([request.method, request.originalUrl, ...conditions, ''].join('\n'));
}

/** What the body's bytes are to be given to, in order; undefined where the request has no key. */
export function beginHash(request: Request): ((chunk: Buffer) => void) | undefined {
  if (request.get(HEADER) === undefined) return undefined;
  const hash = hashOfHead(request);
  begun.set(request, hash);
  return (chunk) => void hash.update(chunk);
}

/** The key and the hash of the request; undefined without a key. @throws {Failure} 400 for a key of another form. */
export function idempotencyOf(request: Request): IdempotentRequest | undefined {
  const key = request.get(HEADER);
  if (key === undefined) return undefined;
  if (!KEY.test(key)) {
    const text = 'An Idempotency-Key is 1 to 255 visible ASCII characters.';
    throw new Failure(400, 'value', text, { expression: 'Idempotency-Key' });
  }
  const hash = begun.get(request)?.copy() ?? hashOfHead(request);
  return { key, requestHash: hash.digest('hex') };
}
