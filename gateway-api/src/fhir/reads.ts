/** The reading interactions of hl7.org/fhir/R4/http.html: read, vread and the history of an instance. */
import { instantOf } from '@telemed-ledger/chaincode/model/periods.ts';
import { type Answer, answerOf } from './answers.ts';
import { refuse } from './outcomes.ts';
import type { HistoryPage, Scope, StoredResource } from './repository.ts';
import { etagOf } from './requests.ts';
import { type Answered, answeredOf, newAnswered, takeAnswered } from './search/answered.ts';
import { instantsOf } from './search/dates.ts';
import { type Parameters, safeName } from './search-query.ts';
import { type SupportedType, supportedTypes } from './types.ts';

const ID = /^[A-Za-z0-9.-]{1,64}$/;
const VERSION = /^[1-9][0-9]{0,8}$/;
const PLACE = /^[1-9][0-9]{0,14}$/;

/** 404 names no id: an error that is logged or shown must not say whose record was looked for. */
const notFound = (): never => refuse(404, 'not-found', 'This server has no such resource.');

/** `_summary` and `_elements` are for every interaction (hl7.org/fhir/R4/http.html#parameters); of one resource there is no count. */
function partOf(type: string, parameters: Parameters): Answered {
  const answered = newAnswered();
  for (const one of parameters) if (one[0] === '_summary' || one[0] === '_elements') takeAnswered(answered, type, one);
  return answered.summary === 'count'
    ? refuse(400, 'value', 'Expected true, text, data, false.', '_summary')
    : answered;
}

const partly = (stored: StoredResource, part: Answered): Answer =>
  answerOf({ ...stored, resource: answeredOf(stored.resource, part) });

/** @param parameters of the query: what they ask for is answered, as a part that says so (SUBSETTED) */
export async function read(
  { repository, caller }: Scope,
  type: string,
  id: string,
  parameters: Parameters = [],
): Promise<Answer> {
  const part = partOf(type, parameters);
  const stored = ID.test(id) ? await repository.read(caller, type, id) : undefined;
  return stored === undefined ? notFound() : partly(stored, part);
}

export async function vread(
  { repository, caller }: Scope,
  type: string,
  { id, version }: { id: string; version: string },
  parameters: Parameters,
): Promise<Answer> {
  const part = partOf(type, parameters);
  const known = ID.test(id) && VERSION.test(version);
  const stored = known ? await repository.readVersion(caller, type, id, Number(version)) : undefined;
  return stored === undefined ? notFound() : partly(stored, part);
}

/** hl7.org/fhir/R4/http.html#history: newest first, with how each version came about; of one that deletes without a resource. */
function historyEntry(stored: StoredResource, type: string, baseUrl: string): object {
  const { resource, version, lastUpdated, deleted } = stored;
  const url = `${type}/${resource.id}`;
  const response = { etag: etagOf(version), lastModified: lastUpdated };
  const fullUrl = `${baseUrl}/${url}`;
  if (deleted === true)
    return { fullUrl, request: { method: 'DELETE', url }, response: { status: '204 No Content', ...response } };
  const isFirst = version === 1;
  return {
    ...{ fullUrl, resource, request: isFirst ? { method: 'POST', url: type } : { method: 'PUT', url } },
    response: { status: isFirst ? '201 Created' : '200 OK', ...response },
  };
}

const DEFAULT_COUNT = 50;
const MAX_COUNT = 500;

const KNOWN = new Set(['_count', '_page', '_since', '_at', '_format', '_pretty']);
const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;

interface HistoryRequest {
  parameters: Parameters;
  /** Prefer: handling=lenient. */
  lenient: boolean;
}

/** `_count`, `_since`, `_at` and `_page` of a history; anything else is refused: an ignored filter shows too much. */
function pageOf({ parameters, lenient }: HistoryRequest, form = VERSION): HistoryPage {
  const other = parameters.find(([name]) => !KNOWN.has(name))?.[0];
  if (other !== undefined && !lenient)
    refuse(400, 'not-supported', 'A history has no such parameter.', safeName(other));
  const given = new Map(parameters);
  const count = given.get('_count') ?? String(DEFAULT_COUNT);
  const page = given.get('_page');
  if (!/^[0-9]{1,9}$/.test(count)) refuse(400, 'value', 'Expected a whole number.', '_count');
  if (page !== undefined && !form.test(page)) refuse(400, 'value', 'Expected a page as it was linked.', '_page');
  const wanted = Math.min(Math.max(Number(count), 1), MAX_COUNT);
  return {
    count: wanted,
    ...(page === undefined ? {} : { before: Number(page) }),
    ...(given.has('_since') ? { since: sinceOf(given.get('_since')!) } : {}),
    ...(given.has('_at') ? { at: momentsOf(given.get('_at')!) } : {}),
  };
}

/** An instant as milliseconds since 1970. */
function sinceOf(text: string): number {
  const since = INSTANT.test(text) ? instantOf(text) : Number.NaN;
  return Number.isNaN(since) ? refuse(400, 'value', 'Expected an instant: 2026-11-29T10:00:00Z.', '_since') : since;
}

/** A date or time as the span that it is (hl7.org/fhir/R4/http.html#history). */
const momentsOf = (text: string): { low: number; high: number } =>
  instantsOf(text) ?? refuse(400, 'value', 'Expected a date or time: 2026-11-29.', '_at');

/** `_count=0`: how many there are. */
const asksForNone = ({ parameters }: HistoryRequest): boolean => Number(new Map(parameters).get('_count') ?? 1) === 0;

/** In pages, newest first (hl7.org/fhir/R4/http.html#history). */
export async function history(scope: Scope, type: string, id: string, request: HistoryRequest): Promise<Answer> {
  const { repository, caller, baseUrl } = scope;
  const page = pageOf(request);
  const none = { versions: [], total: 0, exists: false, next: undefined };
  const found = ID.test(id) ? await repository.history(caller, type, id, page) : none;
  const { exists, total } = found;
  if (!exists) return notFound();
  const { versions, next } = asksForNone(request) ? none : found;
  const linkTo = linksTo(`${baseUrl}/${type}/${id}/_history`, page, request);
  const link = [linkTo('self', page.before), ...(next === undefined ? [] : [linkTo('next', next)])];
  const entry = versions.map((version) => historyEntry(version, type, baseUrl));
  const resource = { resourceType: 'Bundle', type: 'history', total, link, ...(entry.length === 0 ? {} : { entry }) };
  const newest = page.before === undefined ? versions[0]?.lastUpdated : undefined;
  return { status: 200, resource, ...(newest === undefined ? {} : { lastModified: newest }) };
}

/** Of the records of a type, or of all types: their versions, the last first (hl7.org/fhir/R4/http.html#history). */
export async function changes(scope: Scope, type: SupportedType | undefined, request: HistoryRequest): Promise<Answer> {
  const { repository, caller, baseUrl } = scope;
  const types = (type === undefined ? supportedTypes : [type]).filter(({ writer }) => writer === 'provider');
  if (types.length === 0)
    refuse(404, 'not-supported', 'Of this type there is the history of each resource alone.', 'url');
  const page = pageOf(request, PLACE);
  const names = types.map(({ name }) => name);
  const none = { versions: [], next: undefined };
  const { versions, next } = asksForNone(request) ? none : await repository.changes(caller, names, page);
  const linkTo = linksTo(`${baseUrl}/${type === undefined ? '' : `${type.name}/`}_history`, page, request);
  const link = [linkTo('self', page.before), ...(next === undefined ? [] : [linkTo('next', next)])];
  const entry = versions.map((version) => historyEntry(version, version.resource.resourceType, baseUrl));
  const resource = { resourceType: 'Bundle', type: 'history', link, ...(entry.length === 0 ? {} : { entry }) };
  return { status: 200, resource };
}

/** Links of a history to its pages, with what was asked for. */
function linksTo(url: string, { count }: HistoryPage, { parameters }: HistoryRequest) {
  const kept = parameters.filter(([name]) => name === '_since' || name === '_at');
  return (relation: string, before: number | undefined) => {
    const query = new URLSearchParams(before === undefined ? {} : { _page: String(before) });
    for (const [name, value] of kept) query.set(name, value);
    if (count !== DEFAULT_COUNT) query.set('_count', String(count));
    return { relation, url: query.size === 0 ? url : `${url}?${query}` };
  };
}
