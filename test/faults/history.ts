/**
 * The history of a run: every request with each of its answers, and what an answer means for whoever got it. A write is
 * one intention under one Idempotency-Key; it may be attempted several times.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Answer } from '@telemed-ledger/scripts/http.ts';

export type Meaning =
  /** 2xx. */
  | 'done'
  /** Nothing was written: 503, 429, or nobody listened. */
  | 'nothing'
  /** It may have been written: 504, 503 that says so, or a connection that broke. The same key resolves it. */
  | 'unknown'
  /** 4xx with Retry-After: what it refers to has not arrived at this gateway yet; to be asked again. */
  | 'not-yet'
  /** The requests of the load are all right, so any other 4xx is a false answer. */
  | 'false'
  /** A 5xx that is neither 503 nor 504, or one of them without a reason. */
  | 'broken';

export interface Attempt {
  /** Milliseconds since 1970. */
  at: number;
  ms: number;
  /** Undefined where no answer came. */
  status: number | undefined;
  meaning: Meaning;
  /** What the OperationOutcome says, or why there was no answer. */
  reason: string;
}

export interface Request {
  number: number;
  organisation: string;
  method: string;
  path: string;
  /** Of a write. */
  key: string | undefined;
  attempts: Attempt[];
  /** Everything it asks for is there: 404, 409 and 422 would be false. So it is of every write. */
  isJudged: boolean;
}

export const meaningOf = ({ attempts }: Request): Meaning | undefined => attempts.at(-1)?.meaning;

interface Outcome {
  issue?: { code?: string; diagnostics?: string; details?: { text?: string } }[];
}

/** What an OperationOutcome or an error of the gateway's own routes says. */
export function reasonIn(body: unknown): string {
  const issue = (body as Outcome | undefined)?.issue?.[0];
  return issue?.diagnostics ?? issue?.details?.text ?? '';
}

/** Texts of a 503 that leave open whether something was written. */
const OPEN = /not known|still catching up|may (yet |still )?(have been |be )?(commit|writ)/i;

export function judge({ status, body, headers }: Pick<Answer, 'status' | 'body' | 'headers'>): Meaning {
  if (status >= 200 && status < 300) return 'done';
  const reason = reasonIn(body);
  if (status === 503 || status === 504) {
    if (reason === '') return 'broken';
    return status === 504 || OPEN.test(reason) ? 'unknown' : 'nothing';
  }
  if (status >= 500 || status < 200) return 'broken';
  if (status === 429) return 'nothing';
  return headers['retry-after'] === undefined ? 'false' : 'not-yet';
}

export class History {
  readonly requests: Request[] = [];
  readonly #file: WriteStream | undefined;

  /** @param file where each attempt is written, a line of JSON each; without bodies */
  constructor(file?: string) {
    this.#file = file === undefined ? undefined : createWriteStream(file, { flags: 'a' });
  }

  begin(request: Omit<Request, 'number' | 'attempts'>): Request {
    const begun: Request = { number: this.requests.length + 1, ...request, attempts: [] };
    this.requests.push(begun);
    return begun;
  }

  note(request: Request, attempt: Attempt): void {
    request.attempts.push(attempt);
    const { attempts: _, ...asked } = request;
    this.#file?.write(`${JSON.stringify({ ...asked, ...attempt })}\n`);
  }

  get writes(): Request[] {
    return this.requests.filter(({ key }) => key !== undefined);
  }

  /** When writes were answered with success, in order. */
  successes(organisation?: string): number[] {
    return this.writes
      .filter((write) => organisation === undefined || write.organisation === organisation)
      .flatMap(({ attempts }) => attempts.filter(({ meaning }) => meaning === 'done').map(({ at, ms }) => at + ms))
      .sort((one, other) => one - other);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => (this.#file === undefined ? resolve() : this.#file.end(resolve)));
  }
}
