/** The steps of a route that read its body, within the limits and the budgets of this gateway, and check it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import express, { type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { refuse } from '../fhir/outcomes.ts';
import { beginHash } from '../idempotency/request.ts';
import type { BodyBudget } from './body-budget.ts';
import { hasBody, readBytes, readJson, readText } from './json-body.ts';
import { isOtherVersion, JSON_TYPES } from './json-types.ts';
import { inTurn } from './pauses.ts';

/** Enough for what is no resource and no table. */
export const SMALL_BODY_BYTES = 65_536;

export interface BodiesOptions {
  /** Largest body after decompression, bytes. */
  limit: number;
  budget: BodyBudget;
  /** Whose budget a request's body takes. */
  clientOf: (request: Request) => string;
  /** The entries of a Bundle are worked on one by one, and so may hold more together. */
  apart?: boolean;
  /** Media types that are read beside those of resources. */
  also?: readonly string[];
}

/** Refuses a body of another type than its route reads. */
function demandType(request: Request, types: string[]): void {
  // Media types are the same in small letters and in capitals (RFC 9110, section 8.3.1).
  const names = types.map((type) => type.toLowerCase());
  if (!hasBody(request) || typeof request.is(names) === 'string') return;
  refuse(415, 'not-supported', `The body must be ${types[0]}.`, 'Content-Type');
}

/**
 * Puts the parsed body on `request.body`, its numbers as they were sent (ExactNumber); undefined where there is none. To be
 * mounted behind everything that can refuse the request without it. Its memory counts until the request is answered.
 */
export function jsonBody({ limit, budget, clientOf, apart = false, also = [] }: BodiesOptions): RequestHandler {
  return async (request, response, next) => {
    demandType(request, [...JSON_TYPES, ...also]);
    if (isOtherVersion(request.get('content-type') ?? ''))
      refuse(415, 'not-supported', 'Only FHIR R4 (fhirVersion=4.0) is read.', 'Content-Type');
    const reservation = budget.open(clientOf(request));
    response.once('close', reservation.release);
    const onBytes = beginHash(request);
    request.body = await readJson(request, response, { limit, reservation, apart, ...(onBytes && { onBytes }) });
    await inTurn(next);
  };
}

/** Puts the body's text on `request.body`; undefined where there is none. To be mounted as jsonBody is. */
export function textBody(type: string, { limit, budget, clientOf }: BodiesOptions): RequestHandler {
  return async (request, response, next) => {
    demandType(request, [type]);
    const reservation = budget.open(clientOf(request));
    response.once('close', reservation.release);
    const onBytes = beginHash(request);
    request.body = await readText(request, response, { limit, reservation, ...(onBytes && { onBytes }) });
    await inTurn(next);
  };
}

/**
 * Puts on `request.body` what `made` makes of the body's bytes and its media type, where the body is not JSON and `isOne` says
 * that it may be anything; everything else is read as jsonBody reads it.
 */
export function anyBody(
  options: BodiesOptions,
  isOne: (request: Request) => boolean,
  made: (request: Request, bytes: Buffer) => object,
): RequestHandler {
  const json = jsonBody(options);
  const { limit, budget, clientOf } = options;
  return async (request, response, next) => {
    if (!isOne(request) || !hasBody(request) || typeof request.is(JSON_TYPES) === 'string')
      return json(request, response, next);
    const reservation = budget.open(clientOf(request));
    response.once('close', reservation.release);
    const onBytes = beginHash(request);
    const bytes = await readBytes(request, response, { limit, reservation, ...(onBytes && { onBytes }) });
    request.body = bytes && made(request, bytes);
    await inTurn(next);
  };
}

const FORM = 'application/x-www-form-urlencoded';

/** The parameters of a search that is posted (hl7.org/fhir/R4/http.html#search), on `request.body`. */
export function formBody(): RequestHandler[] {
  const demandForm: RequestHandler = (request, _response, next) => {
    demandType(request, [FORM]);
    next();
  };
  return [demandForm, express.urlencoded({ limit: SMALL_BODY_BYTES, extended: false })];
}

/** A key that a schema does not know is the caller's text, as is one of a map: neither is repeated. */
const stepOf = (step: PropertyKey): string =>
  typeof step === 'number' || /^[A-Za-z]{1,40}$/.test(String(step)) ? String(step) : '*';

/** What is wrong, and where (`parts.0.amount`, `$` for the whole input), in words of ours alone. */
export function faultOf(issue: z.core.$ZodIssue): { place: string; reason: string } {
  const place = issue.path.map(stepOf).join('.') || '$';
  if (issue.code !== 'unrecognized_keys') return { place, reason: issue.message };
  const { length } = issue.keys;
  return {
    place,
    reason: length === 1 ? 'has a member that is not known' : `has ${length} members that are not known`,
  };
}

/** The input in its schema's form. @throws {LedgerError} INVALID that names the first element at fault */
export function parsedInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { place, reason } = faultOf(parsed.error.issues[0]!);
  throw new LedgerError('INVALID', reason, place);
}
