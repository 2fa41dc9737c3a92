/**
 * search-type: a searchset Bundle with its paging links (hl7.org/fhir/R4/http.html#search). The link to the next page is
 * sealed: it shows neither the patient nor the identifiers that were searched for.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Answer } from './answers.ts';
import { type Issue, outcomeOf, refuse } from './outcomes.ts';
import type { Scope, Search, SearchPage, StoredResource } from './repository.ts';
import { type Answered, answeredOf } from './search/answered.ts';
import { including, MOST_INCLUDED } from './search/including.ts';
import { withCodes } from './search/value-sets.ts';
import { type Parameters, type ParsedSearch, parseSearch } from './search-query.ts';
import type { SupportedType } from './types.ts';

/** Lives as long as the process: links to further pages do not outlast it. */
const KEY = randomBytes(32);

/** What a link to a further page holds: nobody but this process reads it. */
export function sealed(place: object): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce);
  const text = Buffer.concat([cipher.update(JSON.stringify(place)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
}

/** Undefined for what was not sealed by this process. */
export function unsealed(token: string): unknown {
  try {
    const bytes = Buffer.from(token, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(12, 28));
    const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a page's link holds: the search with its place, and how it is answered. */
interface Page {
  search: Search;
  answered: Answered;
}

function unseal(token: string, type: string): Page {
  const page = unsealed(token) as Partial<Page> | undefined;
  if (page?.search?.type === type && page.answered !== undefined) return page as Page;
  return refuse(400, 'value', 'This page is not known (any more): search again.', '_page');
}

export const matchOf = ({ resource }: StoredResource, baseUrl: string): object => ({
  fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`,
  resource,
  search: { mode: 'match' },
});

interface Links {
  self: string;
  first: string | undefined;
  previous: string | undefined;
  next: string | undefined;
}

interface Answering {
  links: Links;
  countOnly: boolean;
  answered: Answered;
  included: readonly StoredResource[];
  /** What is to be known of the search itself. */
  outcomes: readonly object[];
}

/** hl7.org/fhir/R4/search.html#status: what a searcher must know of the search itself. */
export function outcomeEntries({ undelivered = 0, broken = 0, invalid = 0 }: SearchPage): object[] {
  const issues: Issue[] = [];
  if (undelivered > 0) {
    const diagnostics = `${undelivered} values are on the ledger and have not arrived here yet; some may be matches.`;
    issues.push({ severity: 'warning', code: 'incomplete', diagnostics });
  }
  if (broken > 0) {
    const diagnostics = `${broken} matches are left out: what is stored of them is not what was anchored on the ledger.`;
    issues.push({ severity: 'warning', code: 'security', diagnostics });
  }
  if (invalid > 0) {
    const diagnostics = `${invalid} resources of this type are not shown: what others wrote of them is not valid FHIR R4, or not theirs to say.`;
    issues.push({ severity: 'warning', code: 'invalid', diagnostics });
  }
  return issues.length === 0 ? [] : [{ resource: outcomeOf(issues), search: { mode: 'outcome' } }];
}

function searchset({ matches, total }: SearchPage, answering: Answering, baseUrl: string): object {
  const { links, countOnly, answered, included, outcomes } = answering;
  const link = Object.entries(links).flatMap(([relation, url]) => (url === undefined ? [] : [{ relation, url }]));
  const shown = ({ resource, ...rest }: StoredResource) => ({ ...rest, resource: answeredOf(resource, answered) });
  const entry = countOnly
    ? []
    : [
        ...matches.map((match) => matchOf(shown(match), baseUrl)),
        ...included.map((one) => ({ ...matchOf(shown(one), baseUrl), search: { mode: 'include' } })),
        ...outcomes,
      ];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total === undefined ? {} : { total }),
    link,
    ...(entry.length === 0 ? {} : { entry }),
  };
}

/** A search posted in a body keeps its parameters out of every URL. */
function selfOf({ used }: Pick<ParsedSearch, 'used'>, type: string, baseUrl: string, method: 'GET' | 'POST'): string {
  if (method === 'POST') return `${baseUrl}/${type}/_search`;
  return `${baseUrl}/${type}${used.length === 0 ? '' : `?${new URLSearchParams(used.map(([name, value]): [string, string] => [name, value]))}`}`;
}

export interface SearchRequest {
  type: SupportedType;
  parameters: Parameters;
  method: 'GET' | 'POST';
  /** Prefer: handling=lenient. */
  lenient: boolean;
}

/** What of a query was left out (lenient), or did not fit. */
function notes(ignored: readonly string[], isCut: boolean): object[] {
  const issues: Issue[] = ignored.map((name) => ({
    ...{ severity: 'warning', code: 'not-supported' },
    diagnostics: 'This parameter is not supported and was left out.',
    expression: [name],
  }));
  if (isCut) {
    const diagnostics = `More than ${MOST_INCLUDED} resources would have been included; the others are left out.`;
    issues.push({ severity: 'warning', code: 'too-costly', diagnostics });
  }
  return issues.length === 0 ? [] : [{ resource: outcomeOf(issues), search: { mode: 'outcome' } }];
}

export async function search(scope: Scope, request: SearchRequest): Promise<Answer> {
  const { repository, caller, baseUrl } = scope;
  const { type, parameters, method, lenient } = request;
  const { parameters: resolved, givenOf } = await withCodes(scope, type.name, parameters);
  const parsed = parseSearch(type, resolved, baseUrl, lenient);
  const { search: wanted, answered } = parsed.page === undefined ? parsed : unseal(parsed.page, type.name);
  const page = parsed.impossible ? { matches: [], total: 0 } : await repository.search(caller, wanted);
  const { countOnly, ignored } = parsed;
  const { resources: included, isCut } = countOnly
    ? { resources: [], isCut: false }
    : await including(scope, page.matches, answered.includes);
  const { after: _, before: __, ...start } = wanted;
  const at = (place: object): string =>
    `${baseUrl}/${type.name}?_page=${sealed({ search: { ...start, ...place }, answered })}`;
  const to = (place: 'after' | 'before', position: string | undefined) =>
    position === undefined || countOnly ? undefined : at({ [place]: position });
  const [next, previous] = [to('after', page.next), to('before', page.previous)];
  const links = {
    self: selfOf({ used: parsed.used.map(givenOf) }, type.name, baseUrl, method),
    first: next === undefined && previous === undefined ? undefined : at({}),
    ...{ previous, next },
  };
  const outcomes = [...outcomeEntries(page), ...notes(ignored, isCut)];
  return { status: 200, resource: searchset(page, { links, countOnly, answered, included, outcomes }, baseUrl) };
}
