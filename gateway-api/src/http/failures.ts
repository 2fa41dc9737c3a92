/**
 * Failures of the gateway itself, beside the ledger's LedgerError: each carries its HTTP status and its FHIR
 * issue type (hl7.org/fhir/R4/valueset-issue-type.html). Messages hold no content and no patient's identity.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

export type IssueCode =
  | 'login'
  | 'forbidden'
  | 'not-found'
  | 'deleted'
  | 'conflict'
  | 'business-rule'
  | 'duplicate'
  | 'invalid'
  | 'structure'
  | 'too-costly'
  | 'throttled'
  | 'transient'
  | 'timeout'
  | 'security'
  | 'value'
  | 'not-supported'
  | 'exception';

/** A request that ends in an OperationOutcome: `status` HTTP, `issue` FHIR, `headers` to send along. */
export class Failure extends Error {
  readonly status: number;
  readonly issue: IssueCode;
  readonly headers: Record<string, string>;
  readonly expression: string | undefined;
  /** Which of the ledger's failures it is, where it is one; see ledger/ledger-failure.ts. */
  readonly kind: string | undefined;

  constructor(
    status: number,
    issue: IssueCode,
    message: string,
    options: { headers?: Record<string, string>; expression?: string; kind?: string } = {},
  ) {
    super(message);
    this.name = 'Failure';
    this.status = status;
    this.issue = issue;
    this.headers = options.headers ?? {};
    this.expression = options.expression;
    this.kind = options.kind;
  }
}

/** 503: nothing was written, or what was written is not known yet and is resolved by the same Idempotency-Key. */
export const unavailable = (message: string, retryAfterSeconds = 1): Failure =>
  new Failure(503, 'transient', message, { headers: { 'Retry-After': String(retryAfterSeconds) } });

/** 503: what is asked for is on the ledger, and this organisation's peer has not delivered it yet. */
export const notHereYet = (retryAfterSeconds: number): Failure =>
  unavailable('This is on the ledger and has not arrived here yet.', retryAfterSeconds);

const GONE = 410;

/** 410: it was here, and is erased for good. */
export const gone = (): Failure => new Failure(GONE, 'deleted', 'This resource has been erased.');

/** The same version. @throws {Failure} 410 where it says that the resource is deleted */
export function demandThere<Stored extends { version: number; deleted?: true }>(stored: Stored): Stored {
  if (stored.deleted === undefined) return stored;
  throw new Failure(GONE, 'deleted', 'This resource has been deleted.', { headers: { ETag: `W/"${stored.version}"` } });
}

/** For those to whom what is erased is as if it were not here. @throws any other failure */
export function absentWhereGone(error: unknown): undefined {
  if (!(error instanceof Failure) || error.status !== GONE) throw error;
}

/** 409: another organisation (MSP id) wrote it, and it would be refused here; a correction by its author is shown. */
export const notValid = (author: string): Failure =>
  new Failure(409, 'invalid', `What ${author} wrote here is not valid FHIR R4, and is not shown.`);

/** 429: this gateway has as many writes in flight as it takes. */
export const throttled = (message: string): Failure =>
  new Failure(429, 'throttled', message, { headers: { 'Retry-After': '1' }, kind: 'quota' });

/** 401 with the challenge of RFC 6750. */
export const unauthenticated = (message: string, error?: 'invalid_token'): Failure =>
  new Failure(401, 'login', message, {
    headers: challenge(error),
  });

const challenge = (error?: 'invalid_token' | 'insufficient_scope'): Record<string, string> => ({
  'WWW-Authenticate': `Bearer realm="telemed-ledger"${error === undefined ? '' : `, error="${error}"`}`,
});

/** FORBIDDEN by the scopes of the token, whatever its role may: 403 with the challenge of RFC 6750. */
export class InsufficientScope extends LedgerError {
  readonly headers = challenge('insufficient_scope');

  constructor(reason: string, expression?: string) {
    super('FORBIDDEN', reason, expression);
  }
}

/** 504: submitted, and its outcome was not learned in time. The transaction may still commit. */
export const outcomeUnknown = (transactionId: string): Failure =>
  new Failure(504, 'timeout', 'The transaction was submitted and its outcome is not known yet.', {
    headers: { 'X-Transaction-Id': transactionId, 'Retry-After': '2' },
    kind: 'unknown',
  });

/** Stored content that is not what was anchored on the ledger; `place` names Type/id/_history/version or a key. */
export class IntegrityFailure extends Failure {
  readonly place: string;

  constructor(place: string) {
    super(409, 'security', `The stored copy of ${place} is not what was anchored on the ledger.`, {
      expression: place,
    });
    this.name = 'IntegrityFailure';
    this.place = place;
  }
}
