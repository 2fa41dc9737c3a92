/** What the routes beside FHIR share: JSON bodies, checked input, and writes that happen once under a key. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Caller, IdempotentRequest, Receipt } from '../fhir/repository.ts';
import { idempotencyOf, isJsonBody, keepRawBody } from '../fhir/requests.ts';
import { localsOf } from '../http/locals.ts';
import type { BeforeSubmit, Sender, Submitted } from '../ledger/client.ts';
import { senderOf } from '../ledger/sender.ts';
import type { IdempotentWrites } from './writes.ts';

export const jsonBody = (limit: number): RequestHandler =>
  express.json({ limit, type: isJsonBody, verify: keepRawBody as (...all: never[]) => void });

/** The input in its schema's form. @throws {LedgerError} INVALID that names the first element at fault. */
export function parsedInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  throw new LedgerError('INVALID', issue?.message ?? 'is not valid', path === '' ? '$' : path);
}

export interface Sending {
  as: Sender;
  beforeSubmit: BeforeSubmit | undefined;
}

export interface Once<A, R> {
  caller: Caller;
  idempotency: IdempotentRequest | undefined;
  idempotent: IdempotentWrites;
  /** What the answer is made of beside the receipt: ids, no content. */
  answer: A;
  submit: (sending: Sending) => Promise<Submitted<R>>;
}

export interface Written<A, R> {
  receipt: Receipt;
  answer: A;
  /** What the transaction returned; undefined where an earlier request wrote. */
  result: R | undefined;
}

/**
 * Writes, or finds what the same request wrote before under its Idempotency-Key: then `answer` is the stored one of
 * the first request. After it has returned, the write is committed: read for the answer by `afterCommit` alone.
 */
export async function once<A, R>(write: Once<A, R>): Promise<Written<A, R>> {
  const { caller, idempotency, idempotent, answer, submit } = write;
  const replay = idempotency === undefined ? undefined : await idempotent.replay(caller, idempotency);
  if (replay !== undefined) {
    return { receipt: replay.receipt, answer: JSON.parse(replay.answer) as A, result: undefined };
  }
  const remembered = idempotency === undefined ? undefined : { ...idempotency, answer: JSON.stringify(answer) };
  let result: R | undefined;
  const receipt = await idempotent.run(caller, remembered, async (beforeSubmit) => {
    const submitted = await submit({ as: senderOf(caller), beforeSubmit });
    result = submitted.result;
    return submitted;
  });
  return { receipt, answer, result };
}

/** `once` for a route: sets X-Transaction-Id. */
export async function writeOnce<A, R>(
  request: Request,
  response: Response,
  write: Pick<Once<A, R>, 'idempotent' | 'answer' | 'submit'>,
): Promise<Written<A, R>> {
  const written = await once({ ...write, caller: localsOf(response).caller, idempotency: idempotencyOf(request) });
  response.set('X-Transaction-Id', written.receipt.transactionId);
  return written;
}
