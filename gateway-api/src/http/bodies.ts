/** JSON bodies: which they are, and how the routes beside FHIR read and check them. */
import type { IncomingMessage } from 'node:http';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import express, { type RequestHandler } from 'express';
import type { z } from 'zod';
import { keepForHash } from '../idempotency/request.ts';

export const JSON_TYPES = ['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir'];

export const isJsonBody = (request: IncomingMessage): boolean =>
  JSON_TYPES.some((type) => (request.headers['content-type'] ?? '').toLowerCase().startsWith(type));

/** Parses a JSON body of at most so many bytes. */
export const jsonBody = (limit: number): RequestHandler =>
  express.json({ limit, type: isJsonBody, verify: (request, _response, body) => keepForHash(request, body) });

/** The input in its schema's form. @throws {LedgerError} INVALID that names the first element at fault. */
export function parsedInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  throw new LedgerError('INVALID', issue?.message ?? 'is not valid', path === '' ? '$' : path);
}
