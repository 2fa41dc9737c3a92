/**
 * Why the ledger could not be asked, or did not do it: one kind each, which decides message, HTTP status, metric label and
 * log. What the chaincode itself refuses is no such failure but a LedgerError.
 */
import { Failure, type IssueCode } from '../http/failures.ts';

interface Transport {
  status: number;
  issue: IssueCode;
  /** Seconds; undefined where sending the same again will not help. */
  retryAfter?: number;
  /** At which the log says it. */
  level: 'warn' | 'error';
}

/** FHIR issue types: hl7.org/fhir/R4/valueset-issue-type.html. */
const TRANSPORT = {
  /** A peer, its chaincode or the way to it is not there. */
  away: { status: 503, issue: 'transient', retryAfter: 2, level: 'warn' },
  /** A peer did not answer in time. */
  slow: { status: 503, issue: 'timeout', retryAfter: 2, level: 'warn' },
  /** A peer, or this gateway's read model, has not got as far as what this rests on. */
  lag: { status: 503, issue: 'transient', retryAfter: 1, level: 'warn' },
  /** A peer takes no more calls. */
  quota: { status: 503, issue: 'throttled', retryAfter: 1, level: 'warn' },
  /** A peer refuses this gateway's identity. */
  refuses: { status: 503, issue: 'security', retryAfter: 60, level: 'error' },
  /** The clocks of this machine and a peer's are too far apart. */
  clock: { status: 503, issue: 'exception', retryAfter: 60, level: 'error' },
  /** Organisations computed different results from the same state. */
  disagrees: { status: 409, issue: 'security', level: 'error' },
} as const satisfies Record<string, Transport>;

export type FailureKind = keyof typeof TRANSPORT;

/** What the same peer may not have a moment later. */
export const PASSING: ReadonlySet<FailureKind> = new Set<FailureKind>(['away', 'quota', 'lag']);

export class LedgerFailure extends Failure {
  override readonly kind: FailureKind;
  /** MSP ids of those whom it concerns. */
  readonly organisations: readonly string[];
  readonly level: 'warn' | 'error';

  constructor(kind: FailureKind, message: string, organisations: readonly string[] = []) {
    const { status, issue, retryAfter, level }: Transport = TRANSPORT[kind];
    super(status, issue, message, retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } });
    this.name = 'LedgerFailure';
    this.kind = kind;
    this.organisations = organisations;
    this.level = level;
  }
}
