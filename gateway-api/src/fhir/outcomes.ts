/**
 * OperationOutcome (hl7.org/fhir/R4/operationoutcome.html) for every error: one table from failures to HTTP status and
 * issue code, and the error handler that applies it. Diagnostics hold no values of a request and nothing internal.
 */
import { type ErrorCode, LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { ErrorRequestHandler } from 'express';
import { Failure, InsufficientScope, type IssueCode } from '../http/failures.ts';

/** hl7.org/fhir/R4/valueset-issue-type.html, as far as it is used. */
export type IssueType =
  | IssueCode
  | 'required'
  | 'code-invalid'
  | 'extension'
  | 'invariant'
  | 'too-long'
  | 'multiple-matches'
  | 'processing'
  | 'suppressed'
  | 'incomplete'
  | 'informational';

export interface Issue {
  severity: 'fatal' | 'error' | 'warning' | 'information';
  code: IssueType;
  diagnostics: string;
  /** FHIRPath of the place in the request, or the name of the header or parameter, `url`, `method` or `body`. */
  expression?: string[];
  /** Which failure of the ledger it is. */
  details?: { coding: { system: string; code: string }[] };
}

/** away, slow, lag, quota, refuses, clock, disagrees or unknown. */
const FAILURES = 'https://telemed-ledger.example/fhir/CodeSystem/ledger-failure';

export interface OperationOutcome {
  resourceType: 'OperationOutcome';
  issue: Issue[];
}

export const errorIssue = (code: IssueType, diagnostics: string, expression?: string): Issue => ({
  severity: 'error',
  code,
  diagnostics,
  ...(expression === undefined ? {} : { expression: [expression] }),
});

export const warningIssue = (code: IssueType, diagnostics: string, expression?: string): Issue => ({
  ...errorIssue(code, diagnostics, expression),
  severity: 'warning',
});

export const outcomeOf = (issue: Issue[]): OperationOutcome => ({ resourceType: 'OperationOutcome', issue });

/** A request refused by the FHIR room, with one or more issues. */
export class Refusal extends Error {
  readonly status: number;
  readonly issues: Issue[];
  readonly headers: Record<string, string>;

  constructor(status: number, issues: Issue | Issue[], headers: Record<string, string> = {}) {
    super(`refused with ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.issues = Array.isArray(issues) ? issues : [issues];
    this.headers = headers;
  }
}

/** Throws a Refusal with one issue. */
export function refuse(status: number, code: IssueType, diagnostics: string, expression?: string): never {
  throw new Refusal(status, errorIssue(code, diagnostics, expression));
}

/** The status of a resource that breaks R4's rules (hl7.org/fhir/R4/http.html#create). */
export const UNPROCESSABLE = 422;

/** LedgerError code → HTTP status and issue code. */
const LEDGER_FAILURES: Record<ErrorCode, { status: number; code: IssueType }> = {
  INVALID: { status: UNPROCESSABLE, code: 'invalid' },
  NOT_FOUND: { status: 404, code: 'not-found' },
  FORBIDDEN: { status: 403, code: 'forbidden' },
  CONFLICT: { status: 409, code: 'conflict' },
};

/** What Express and its body parser throw, by their own names. */
const HTTP_FAILURES: Record<string, { status: number; code: IssueType; diagnostics: string; place: string }> = {
  'entity.parse.failed': {
    status: 400,
    code: 'structure',
    diagnostics: 'The body is not well-formed JSON',
    place: 'body',
  },
  'entity.too.large': {
    status: 413,
    code: 'too-costly',
    diagnostics: 'The body is larger than this server takes.',
    place: 'body',
  },
  'encoding.unsupported': {
    status: 415,
    code: 'not-supported',
    diagnostics: 'This content encoding is not supported.',
    place: 'Content-Encoding',
  },
  'charset.unsupported': {
    status: 415,
    code: 'not-supported',
    diagnostics: 'The character set must be UTF-8.',
    place: 'Content-Type',
  },
};

/** The place of the fault, by status, for refusals that name none. */
const PLACES: Record<number, string> = { 401: 'Authorization', 404: 'url', 405: 'method' };

const placed = (issues: readonly Issue[], status: number): Issue[] => {
  const place = PLACES[status];
  return issues.map((issue) =>
    place === undefined || issue.expression !== undefined ? issue : { ...issue, expression: [place] },
  );
};

export interface Failed {
  status: number;
  issues: Issue[];
  headers: Record<string, string>;
}

interface HttpFailure {
  status?: unknown;
  type?: unknown;
  message?: unknown;
  name?: unknown;
}

/** JSON.parse names the place where it stopped and quotes the text there: only the place is passed on. */
function positionIn(message: unknown): string {
  const found = typeof message === 'string' ? /at position (\d+)(?: \(line (\d+) column (\d+)\))?/.exec(message) : null;
  if (found === null) return '.';
  return found[2] === undefined ? `, at position ${found[1]}.` : `, at line ${found[2]} column ${found[3]}.`;
}

function ofHttp({ status, type, message, name }: HttpFailure): Failed | undefined {
  const known = typeof type === 'string' ? HTTP_FAILURES[type] : undefined;
  if (known !== undefined) {
    const position = type === 'entity.parse.failed' ? positionIn(message) : '';
    const { status, code, diagnostics, place } = known;
    return { status, issues: [errorIssue(code, diagnostics + position, place)], headers: {} };
  }
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const place = name === 'URIError' ? 'url' : 'body';
  return { status, issues: [errorIssue('invalid', 'The request is not well formed.', place)], headers: {} };
}

/** How a failure is answered; undefined for a bug, which is answered with 500. */
export function failureOf(error: unknown): Failed | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof Failure) {
    const { status, issue, message, expression, headers, kind } = error;
    const details = kind === undefined ? {} : { details: { coding: [{ system: FAILURES, code: kind }] } };
    return { status, issues: [{ ...errorIssue(issue, message, expression), ...details }], headers };
  }
  if (error instanceof LedgerError) {
    const { status, code } = LEDGER_FAILURES[error.code];
    const headers = error instanceof InsufficientScope ? error.headers : {};
    return { status, issues: [errorIssue(code, error.reason, error.expression)], headers };
  }
  return typeof error === 'object' && error !== null ? ofHttp(error as HttpFailure) : undefined;
}

/** The answer to a bug: an id to look for in the log, and nothing else. */
export const internalFailure = (requestId?: string): Failed => ({
  status: 500,
  issues: [errorIssue('exception', `The request failed${requestId === undefined ? '' : ` (request ${requestId})`}.`)],
  headers: {},
});

/** Answers every failure with an OperationOutcome; `report` is called with bugs. */
export function outcomeHandler(report?: (error: unknown, requestId?: string) => void): ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    const requestId = response.locals['requestId'] as string | undefined;
    const known = failureOf(error);
    if (known === undefined) report?.(error, requestId);
    const { status, issues, headers } = known ?? internalFailure(requestId);
    response
      .status(status)
      .set(headers)
      .type('application/fhir+json')
      .send(JSON.stringify(outcomeOf(error instanceof LedgerError ? issues : placed(issues, status))));
  };
}
