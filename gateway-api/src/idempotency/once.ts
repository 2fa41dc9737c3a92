/** What the routes beside FHIR share: JSON bodies, checked input, and writes that happen once under a key. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Caller, IdempotentRequest, Receipt } from '../fhir/repository.ts';
import { idempotencyOf, isJsonBody, keepRawBody } from '../fhir/requests.ts';
import { localsOf } from '../http/locals.ts';
import type { BeforeSubmit, Sender } from '../ledger/client.ts';
import type { Outcome } from '../ledger/outcomes.ts';
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

export interface Once<A> {
  caller: Caller;
  idempotency: IdempotentRequest | undefined;
  idempotent: IdempotentWrites;
  /** What the answer is made of beside the receipt: ids, no content. */
  answer: A;
  submit: (sending: Sending) => Promise<Outcome>;
}

/**
 * Writes, or finds what the same request wrote before under its Idempotency-Key: then `answer` is the stored one of
 * the first request.
 */
export async function once<A>({ caller, idempotency, idempotent, answer, submit }: Once<A>) {
  const replay = idempotency === undefined ? undefined : await idempotent.replay(caller, idempotency);
  if (replay !== undefined) return { receipt: replay.receipt, answer: JSON.parse(replay.answer) as A };
  const remembered = idempotency === undefined ? undefined : { ...idempotency, answer: JSON.stringify(answer) };
  const receipt = await idempotent.run(caller, remembered, (beforeSubmit) =>
    submit({ as: senderOf(caller), beforeSubmit }),
  );
  return { receipt, answer };
}

/** `once` for a route: sets X-Transaction-Id. */
export async function writeOnce<A>(
  request: Request,
  response: Response,
  write: Pick<Once<A>, 'idempotent' | 'answer' | 'submit'>,
): Promise<{ receipt: Receipt; answer: A }> {
  const written = await once({ ...write, caller: localsOf(response).caller, idempotency: idempotencyOf(request) });
  response.set('X-Transaction-Id', written.receipt.transactionId);
  return written;
}
