/**
 * The entries of a transaction or batch Bundle (hl7.org/fhir/R4/bundle.html), read into changes and reads. What is wrong
 * with an entry's request is reported with its place in the Bundle.
 */
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { MAX_RECORDS } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Change, type ChangeRequest } from './changes.ts';
import { errorIssue, type Issue, Refusal, refuse } from './outcomes.ts';
import { patchOfEntry } from './patches/patches.ts';
import { ifMatchOf } from './requests.ts';
import { parseCriterion, queryOfCondition } from './tokens.ts';

/** A GET of an entry, relative to the base URL. */
export interface EntryRead {
  index: number;
  url: string;
  urlPath: string;
  conditions: { ifNoneMatch?: string; ifModifiedSince?: string };
}

export interface RefusedEntry {
  index: number;
  refusal: Refusal;
}

export interface Entries {
  type: 'transaction' | 'batch';
  count: number;
  changes: Change[];
  reads: EntryRead[];
  refused: RefusedEntry[];
}

type Members = Record<string, unknown>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);

const BUNDLE_ELEMENTS = new Set(
  'resourceType id meta implicitRules language identifier type timestamp total link entry signature'.split(' '),
);
const ENTRY_ELEMENTS = new Set(
  'id extension modifierExtension link fullUrl resource search request response'.split(' '),
);
const REQUEST_ELEMENTS = new Set(
  'id extension modifierExtension method url ifNoneMatch ifModifiedSince ifMatch ifNoneExist'.split(' '),
);

/** Elements of the frame are few and plain, so it is read here rather than by the walk over all of the content. */
function unknownIn(value: Members, known: ReadonlySet<string>, path: string): Issue[] {
  return Object.keys(value)
    .filter((key) => !known.has(key.startsWith('_') ? key.slice(1) : key))
    .map((key) =>
      errorIssue('structure', 'There is no such element here.', /^\w{1,64}$/.test(key) ? `${path}.${key}` : path),
    );
}

const textOf = (value: unknown, path: string): string | undefined => {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  return refuse(400, 'value', 'A string is expected.', path);
};

const TARGET = /^([A-Z][A-Za-z]+)(?:\/([A-Za-z0-9.-]{1,64})|\?(.*))$/s;

/** `Type/id`, or `Type?identifier=system|value`. */
function readTarget(url: string, { method, path }: EntryPlace): Pick<ChangeRequest, 'type' | 'id' | 'criterion'> {
  const [, type, id, query] = TARGET.exec(url) ?? [];
  const criterion = type === undefined || query === undefined ? undefined : parseCriterion(type, query);
  if (type !== undefined && id !== undefined) return { type, id };
  if (type !== undefined && criterion !== undefined) return { type, criterion };
  return refuse(400, 'not-supported', `${method} goes to Type/id or Type?identifier=system|value.`, `${path}.url`);
}

function readCreate(url: string, condition: string | undefined, path: string) {
  if (!/^[A-Z][A-Za-z]+$/.test(url))
    refuse(400, 'not-supported', 'POST goes to Type, without parameters.', `${path}.url`);
  if (condition === undefined) return { type: url };
  const criterion = parseCriterion(url, queryOfCondition(url, condition));
  if (criterion !== undefined) return { type: url, criterion };
  return refuse(400, 'not-supported', 'The condition must be identifier=system|value.', `${path}.ifNoneExist`);
}

/** The conditions that an entry of a method may have. */
const CONDITIONS = {
  GET: ['ifNoneMatch', 'ifModifiedSince'],
  HEAD: ['ifNoneMatch', 'ifModifiedSince'],
  POST: ['ifNoneExist'],
  PUT: ['ifMatch', 'ifNoneMatch'],
  PATCH: ['ifMatch'],
  DELETE: ['ifMatch'],
} as const satisfies Record<string, readonly Condition[]>;
type Condition = 'ifNoneMatch' | 'ifModifiedSince' | 'ifMatch' | 'ifNoneExist';
const ALL_CONDITIONS: readonly Condition[] = ['ifNoneMatch', 'ifModifiedSince', 'ifMatch', 'ifNoneExist'];
type Method = keyof typeof CONDITIONS;
const isMethod = (method: string | undefined): method is Method =>
  method !== undefined && Object.hasOwn(CONDITIONS, method);

/** The conditions of an entry, as their headers would stand. */
function conditionsOf(request: Members, method: Method, path: string): Partial<Record<Condition, string>> {
  const found: Partial<Record<Condition, string>> = {};
  const allowed: readonly Condition[] = CONDITIONS[method];
  for (const name of ALL_CONDITIONS) {
    const stated = textOf(request[name], `${path}.${name}`);
    if (stated === undefined) continue;
    if (!allowed.includes(name)) refuse(400, 'not-supported', `A ${method} has no such condition.`, `${path}.${name}`);
    found[name] = stated;
  }
  return found;
}

/** Relative to the base URL, whether it is written so, with a slash before it, or with this server's own base URL. */
function relativeUrl(url: string, baseUrl: string, path: string): string {
  if (url.startsWith(`${baseUrl}/`)) return url.slice(baseUrl.length + 1);
  if (/^[a-z][a-z0-9+.-]*:/i.test(url) || url.startsWith('//'))
    refuse(400, 'value', 'The URL is of another server: it is relative to the base URL of this one.', `${path}.url`);
  return url.replace(/^\//, '');
}

function readEntry(entry: unknown, index: number, baseUrl: string): Change | EntryRead {
  const place = `Bundle.entry[${index}]`;
  const path = `${place}.request`;
  if (!isMembers(entry)) return refuse(400, 'structure', 'An entry is a JSON object.', place);
  const { request } = entry;
  if (!isMembers(request)) return refuse(400, 'required', 'bdl-3: each entry needs a request.', path);
  const unknown = [...unknownIn(entry, ENTRY_ELEMENTS, place), ...unknownIn(request, REQUEST_ELEMENTS, path)];
  if (unknown.length > 0) throw new Refusal(400, unknown);
  const method = textOf(request['method'], `${path}.method`);
  const stated =
    textOf(request['url'], `${path}.url`) ?? refuse(400, 'required', 'The URL is required.', `${path}.url`);
  if (!isMethod(method))
    return refuse(400, 'code-invalid', 'Entries are GET, HEAD, POST, PUT, PATCH or DELETE.', `${path}.method`);
  const url = relativeUrl(stated, baseUrl, path);
  const conditions = conditionsOf(request, method, path);
  if (method === 'GET' || method === 'HEAD') return { index, url, urlPath: `${path}.url`, conditions };
  return readWrite(entry, conditions, { index, method, url, place, path });
}

interface EntryPlace {
  index: number;
  method: Exclude<Method, 'GET' | 'HEAD'>;
  url: string;
  place: string;
  path: string;
}

function readWrite(entry: Members, conditions: Partial<Record<Condition, string>>, at: EntryPlace): Change {
  const { index, method, url, place, path } = at;
  const fullUrl = textOf(entry['fullUrl'], `${place}.fullUrl`);
  const shared = { path: `${place}.resource`, index, urlPath: `${path}.url`, ...(fullUrl && { fullUrl }) };
  if (method === 'POST') {
    const target = readCreate(url, conditions.ifNoneExist, path);
    const body = entry['resource'];
    return new Change({ ...shared, ...target, body, interaction: 'create', conditionPath: `${path}.ifNoneExist` });
  }
  const ifMatch = ifMatchOf(conditions.ifMatch, `${path}.ifMatch`);
  const { ifNoneMatch } = conditions;
  const common = {
    ...{ ...shared, ...readTarget(url, at), conditionPath: `${path}.ifMatch` },
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  };
  if (method === 'PUT') return new Change({ ...common, body: entry['resource'], interaction: 'update' });
  if (method === 'PATCH')
    return new Change({ ...common, patch: patchOfEntry(entry['resource'], shared.path), interaction: 'patch' });
  if (entry['resource'] !== undefined) refuse(400, 'invalid', 'A DELETE has no resource.', `${place}.resource`);
  return new Change({ ...common, interaction: 'delete' });
}

/** bdl-7: a fullUrl stands once in a transaction. */
function refuseRepeatedUrls(changes: readonly Change[]): void {
  const seen = new Set<string>();
  for (const change of changes) {
    if (change.fullUrl === undefined) continue;
    if (seen.has(change.fullUrl)) {
      refuse(400, 'invariant', 'bdl-7: a fullUrl may stand only once.', `Bundle.entry[${change.index}].fullUrl`);
    }
    seen.add(change.fullUrl);
  }
}

/** Reads a Bundle that was posted to the base URL. Refuses the Bundle itself; entries that are wrong are in `refused`. */
export function readBundle(body: unknown, baseUrl: string): Entries {
  if (!isMembers(body) || body['resourceType'] !== 'Bundle') {
    return refuse(400, 'invalid', 'A Bundle is expected at the base URL.', 'Bundle.resourceType');
  }
  const { type, entry = [] } = body;
  if (type !== 'transaction' && type !== 'batch') {
    return refuse(
      400,
      typeof type === 'string' ? 'not-supported' : 'required',
      'Bundles are of type transaction or batch.',
      'Bundle.type',
    );
  }
  const unknown = unknownIn(body, BUNDLE_ELEMENTS, 'Bundle');
  if (unknown.length > 0) throw new Refusal(400, unknown);
  if (!Array.isArray(entry)) return refuse(400, 'structure', 'Bundle.entry is an array.', 'Bundle.entry');
  if (entry.length > MAX_RECORDS) {
    return refuse(413, 'too-costly', `A Bundle may have ${MAX_RECORDS} entries: send several.`, 'Bundle.entry');
  }
  const entries: Entries = { type, count: entry.length, changes: [], reads: [], refused: [] };
  entry.forEach((one: unknown, index) => {
    try {
      const read = readEntry(one, index, baseUrl);
      if (read instanceof Change) entries.changes.push(read);
      else entries.reads.push(read);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      entries.refused.push({ index, refusal: error });
    }
  });
  if (type === 'transaction') refuseRepeatedUrls(entries.changes);
  return entries;
}
