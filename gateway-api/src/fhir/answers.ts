/**
 * What an interaction answers, before it is an HTTP response or an entry of a response Bundle: one shape for both, so that
 * a Bundle's entry answers exactly what the single request would have answered.
 */
import { STATUS_CODES } from 'node:http';
import type { Request, Response } from 'express';
import { sendJson } from '../http/streamed-json.ts';
import { asksForContent, sendContent } from './binaries.ts';
import { failureOf, type Issue, internalFailure, outcomeOf } from './outcomes.ts';
import type { StoredResource } from './repository.ts';
import { etagOf, forbidsVersion, type Return } from './requests.ts';

export interface Answer {
  status: number;
  /** A resource, or an OperationOutcome. */
  resource?: object;
  version?: number;
  /** ISO 8601 UTC. */
  lastModified?: string;
  /** `Type/id/_history/version`, relative to the base URL. */
  location?: string;
  /** Ids of the transactions that wrote it. */
  transactions?: readonly string[];
  headers?: Record<string, string>;
}

/** With the transaction that wrote what is read, so that its receipt can be asked for. */
export const answerOf = (stored: StoredResource): Answer => ({
  status: 200,
  resource: stored.resource,
  version: stored.version,
  lastModified: stored.lastUpdated,
  ...(stored.transactionId === '' ? {} : { headers: { 'X-Transaction-Id': stored.transactionId } }),
});

/**
 * A failure as an answer, for an entry of a Bundle; one that is ours is reported, and answered without internals.
 * `place` is answered where the failure names none.
 */
export function failedAnswer(error: unknown, report: (error: unknown) => void, place?: string): Answer {
  const known = failureOf(error);
  if (known === undefined) report(error);
  const { status, issues, headers } = known ?? internalFailure();
  const placed = issues.map((issue) => (place === undefined ? issue : { expression: [place], ...issue }));
  const { Location: location } = headers;
  return { status, resource: outcomeOf(placed), ...(location === undefined ? {} : { location }) };
}

/** The `response` (and resource) of a Bundle's entry: hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response. */
export function entryOf({ status, resource, version, lastModified, location }: Answer): object {
  const isOutcome = (resource as { resourceType?: string } | undefined)?.resourceType === 'OperationOutcome';
  return {
    ...(resource === undefined || isOutcome ? {} : { resource }),
    response: {
      status: `${status} ${STATUS_CODES[status] ?? ''}`.trim(),
      ...(location === undefined ? {} : { location }),
      ...(version === undefined ? {} : { etag: etagOf(version) }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(isOutcome ? { outcome: resource } : {}),
    },
  };
}

/** What a client says that it has. */
export interface Having {
  ifNoneMatch?: string | undefined;
  ifModifiedSince?: string | undefined;
}

/**
 * Whether the client has this version already (RFC 9110 section 13.2.2): where it names versions they alone count. A time counts in
 * whole seconds, as `Last-Modified` does; one that is no date is ignored.
 */
export function isUnchanged(
  { status, version, lastModified }: Answer,
  { ifNoneMatch, ifModifiedSince }: Having,
): boolean {
  if (status !== 200 || version === undefined) return false;
  if (ifNoneMatch !== undefined) return forbidsVersion(ifNoneMatch, version);
  const [since, changed] = [Date.parse(ifModifiedSince ?? ''), Date.parse(lastModified ?? '')];
  return Math.floor(changed / 1000) * 1000 <= since;
}

const havingOf = (request: Request): Having =>
  request.method === 'GET' || request.method === 'HEAD'
    ? { ifNoneMatch: request.get('if-none-match'), ifModifiedSince: request.get('if-modified-since') }
    : {};

const informed = (diagnostics: string, told: readonly Issue[] = []): object =>
  outcomeOf([{ severity: 'information', code: 'informational', diagnostics }, ...told]);

/** Stands for a resource that was written and cannot be read at the moment: the write is a success all the same. */
export const unreadableNow = (named?: string): object =>
  informed(
    `Committed to the ledger${named === undefined ? '' : ` as ${named}`}. What was written cannot be read here at the moment; ask again later.`,
  );

/**
 * A write that is committed, with the resource it made where that could be read.
 * @param transactionId undefined where it was written later than it was asked for
 * @param named `Type/id` of what it made, by which it can be asked for
 */
export const committedAnswer = (
  transactionId: string | undefined,
  resource: object | undefined,
  named?: string,
): Answer => ({
  status: 200,
  resource: resource ?? unreadableNow(named),
  ...(transactionId === undefined ? {} : { transactions: [transactionId] }),
});

const ACCEPTED = 202;
const NO_CONTENT = 204;

/**
 * What a client wants to see of what it wrote (Prefer: return=…); by default the whole resource.
 * @param told what an OperationOutcome says beside that it is committed
 */
export function preferred(answer: Answer, wanted: Return | undefined, told: readonly Issue[] = []): Answer {
  // What is kept to be done later has no representation: its outcome says what is in force meanwhile.
  if (wanted === undefined || wanted === 'representation' || answer.status === ACCEPTED) return answer;
  if (answer.status === NO_CONTENT)
    return wanted === 'minimal' ? answer : { ...answer, status: 200, resource: informed('Deleted.', told) };
  const { resource: _resource, ...rest } = answer;
  return wanted === 'minimal' ? rest : { ...rest, resource: informed('Committed to the ledger.', told) };
}

/** A batch whose entries went alone has many: as many as a header may well hold. */
const MAX_TRANSACTION_IDS = 50;
const INDENT = 2;
/** For people (hl7.org/fhir/R4/http.html#parameters). */
const isPretty = ({ query }: Request): boolean => query['_pretty'] === 'true';

/** Sends an answer over HTTP. */
export async function send(request: Request, response: Response, baseUrl: string, answer: Answer): Promise<void> {
  if (asksForContent(request) && sendContent(response, answer)) return;
  const { status, resource, version, lastModified, location, transactions = [], headers = {} } = answer;
  response.status(status).set({ 'Cache-Control': 'private, no-cache', ...headers });
  if (version !== undefined) response.set('ETag', etagOf(version));
  if (lastModified !== undefined) response.set('Last-Modified', new Date(lastModified).toUTCString());
  if (location !== undefined) response.set(status === 201 ? 'Location' : 'Content-Location', `${baseUrl}/${location}`);
  if (transactions.length > 0) response.set('X-Transaction-Id', transactions.slice(0, MAX_TRANSACTION_IDS).join(', '));
  if (isUnchanged(answer, havingOf(request))) response.status(304).end();
  else if (resource === undefined) response.end();
  else if (request.method === 'HEAD') response.type('application/fhir+json').end();
  else await sendJson(response.type('application/fhir+json'), resource, 'entry', isPretty(request) ? INDENT : 0);
}
