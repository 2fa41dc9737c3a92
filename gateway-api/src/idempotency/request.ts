/**
 * The Idempotency-Key of an HTTP request with the hash of what was asked under it. Body parsers hand every raw body to
 * `keepForHash`, because a parsed body no longer has the bytes that the client sent.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
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
const rawBodies = new WeakMap<object, Buffer>();

/** Keeps the body as it came, for requests that carry a key. */
export function keepForHash(request: { headers: Record<string, unknown> }, body: Buffer): void {
  if (request.headers[HEADER] !== undefined) rawBodies.set(request, body);
}

/** The key and the hash of the request; undefined without a key. @throws {Failure} 400 for a key of another form. */
export function idempotencyOf(request: Request): IdempotentRequest | undefined {
  const key = request.get(HEADER);
  if (key === undefined) return undefined;
  if (!KEY.test(key)) {
    const text = 'An Idempotency-Key is 1 to 255 visible ASCII characters.';
    throw new Failure(400, 'value', text, { expression: 'Idempotency-Key' });
  }
  const conditions = [request.get('if-match') ?? '', request.get('if-none-exist') ?? ''];
  const head = [request.method, request.originalUrl, ...conditions, ''].join('\n');
  return { key, requestHash: sha256Hex(Buffer.concat([Buffer.from(head), rawBodies.get(request) ?? Buffer.alloc(0)])) };
}
