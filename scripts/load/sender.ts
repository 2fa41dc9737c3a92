/**
 * Sends one part of a Bundle until it has an answer that will stay: what is temporary (no connection, 429, 502, 503,
 * 504, a request under the same key still under way) is tried again under the same Idempotency-Key, so that trying
 * again never writes twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { type Answer, type HttpClient, NoAnswer } from '../http.ts';
import type { Bundle, Entry } from './bundle.ts';

export interface EntryOutcome {
  status: 'loaded' | 'there' | 'refused';
  /** `Type/id` of what was written or found. */
  location?: string;
  /** Why it was refused, in the gateway's words. */
  reason?: string;
}

export interface SenderOptions {
  http: HttpClient;
  /** A bearer token that is still good for a while. */
  token: () => Promise<string>;
  /** How long it is tried without any success before it is given up. */
  patienceMs: number;
  /** The server's time when this run began, in ms: what was written before was there already. */
  since: number;
  /** Called with each failure that is tried again. */
  onRetry?: (why: string) => void;
  signal?: AbortSignal;
}

/** Whether the part was written is not known; sending it again under the same key shows it. */
export class GaveUp extends Error {}

/** A failure that may be another answer a moment later. */
class Temporary extends Error {
  /** How long the gateway asks to wait. */
  readonly pauseMs: number;

  constructor(why: string, pauseMs: number) {
    super(why);
    this.pauseMs = pauseMs;
  }
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const TEMPORARY = new Set([429, 502, 503, 504]);

/** One outcome per entry, in their order. Throws GaveUp. */
export async function sendPart(
  options: SenderOptions,
  type: Bundle['type'],
  entries: readonly Entry[],
  key: string,
): Promise<EntryOutcome[]> {
  const body = JSON.stringify({ resourceType: 'Bundle', type, entry: entries });
  const { signal, patienceMs } = options;
  const attempt = async (): Promise<EntryOutcome[]> => {
    const answer = await post(options, body, key);
    const why = temporary(answer);
    if (why !== undefined) {
      last = why;
      throw new Temporary(why, askedPauseMs(answer));
    }
    done = outcomes(answer as Answer, entries, options.since);
    return done;
  };
  let done: EntryOutcome[] | undefined;
  let last: string | undefined;
  try {
    return await pRetry(attempt, {
      ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: patienceMs, randomize: true },
      ...{ minTimeout: FIRST_PAUSE_MS / 2, maxTimeout: LONGEST_PAUSE_MS },
      ...(signal === undefined ? {} : { signal }),
      shouldRetry: async ({ error, retryDelay }) => {
        if (!(error instanceof Temporary)) return false;
        options.onRetry?.(error.message);
        await sleep(Math.min(Math.max(0, error.pauseMs - retryDelay), LONGEST_PAUSE_MS), undefined, { signal });
        return true;
      },
    });
  } catch (error) {
    // Whoever stops the loader waits for what is under way; its answer counts.
    if (done !== undefined) return done;
    if (error instanceof Temporary || (signal?.aborted && last !== undefined)) throw new GaveUp(last);
    throw error;
  }
}

async function post({ http, token }: SenderOptions, body: string, key: string): Promise<Answer | NoAnswer> {
  const headers = { authorization: `Bearer ${await token()}`, 'idempotency-key': key, prefer: 'return=minimal' };
  try {
    return await http.send({ method: 'POST', path: '/fhir/R4', body, headers, timeoutMs: 120_000 });
  } catch (error) {
    if (error instanceof NoAnswer) return error;
    throw error;
  }
}

/** Why an answer may be another one a moment later; undefined where it will stay. */
function temporary(answer: Answer | NoAnswer): string | undefined {
  if (answer instanceof NoAnswer) return answer.message;
  if (isTemporary(answer.status, answer.headers['retry-after']))
    return `status ${answer.status}${reasonOf(answer.body)}`;
  for (const { response } of responseEntries(answer.body)) {
    if (isTemporary(statusOf(response), undefined))
      return `an entry's status ${response?.status}${reasonOf(response?.outcome)}`;
  }
  return undefined;
}

const isTemporary = (status: number, retryAfter: string | undefined): boolean =>
  TEMPORARY.has(status) || (status === 409 && retryAfter !== undefined);

/** Retry-After in milliseconds, 0 where there is none. */
function askedPauseMs(answer: Answer | NoAnswer): number {
  const asked = answer instanceof NoAnswer ? Number.NaN : Number(answer.headers['retry-after']) * 1000;
  return Number.isFinite(asked) ? asked : 0;
}

interface ResponseEntry {
  response?: { status?: string; location?: string; lastModified?: string; outcome?: unknown };
}

const responseEntries = (body: unknown): ResponseEntry[] =>
  (body as { entry?: ResponseEntry[] } | undefined)?.entry ?? [];
const statusOf = (response: ResponseEntry['response']): number => Number.parseInt(response?.status ?? '', 10);

function outcomes(answer: Answer, entries: readonly Entry[], since: number): EntryOutcome[] {
  const answered = responseEntries(answer.body);
  if (answer.status === 200 && answered.length === entries.length) {
    return answered.map((one, index) => outcomeOf(one, entries[index]?.request?.method, since));
  }
  const reason =
    answer.status === 200
      ? 'the answer has another number of entries'
      : `status ${answer.status}${reasonOf(answer.body)}`;
  return entries.map(() => ({ status: 'refused', reason }));
}

function outcomeOf({ response }: ResponseEntry, method: string | undefined, since: number): EntryOutcome {
  const status = statusOf(response);
  if (!(status >= 200 && status < 300)) {
    return { status: 'refused', reason: `status ${response?.status ?? 'missing'}${reasonOf(response?.outcome)}` };
  }
  const location = /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/.exec(response?.location ?? '')?.[1];
  const wroteNothing = method === 'POST' && status === 200;
  const wroteEarlier = Date.parse(response?.lastModified ?? '') < since;
  return { status: wroteNothing || wroteEarlier ? 'there' : 'loaded', ...(location === undefined ? {} : { location }) };
}

interface Issue {
  diagnostics?: string;
  details?: { text?: string };
  code?: string;
  expression?: string[];
}

/** `: what (where); …` of an OperationOutcome; '' of anything else. */
export function reasonOf(body: unknown): string {
  const { resourceType, issue = [] } = (body ?? {}) as { resourceType?: string; issue?: Issue[] };
  if (resourceType !== 'OperationOutcome' || issue.length === 0) return '';
  const shown = issue.slice(0, 3).map(({ diagnostics, details, code, expression }) => {
    const place = expression?.join(', ');
    return `${diagnostics ?? details?.text ?? code}${place === undefined ? '' : ` (${place})`}`;
  });
  const more = issue.length > shown.length ? [`and ${issue.length - shown.length} more`] : [];
  return `: ${[...shown, ...more].join('; ')}`;
}
