/**
 * The entries of a transaction or batch Bundle (hl7.org/fhir/R4/bundle.html), read into changes and reads. What is wrong
 * with an entry's request is reported with its place in the Bundle.
 */
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { MAX_RECORDS } from '@telemed-ledger/chaincode/model/transactions.ts';
import { Change, type ChangeRequest } from './changes.ts';
import { errorIssue, type Issue, Refusal, refuse } from './outcomes.ts';
import { ifMatchOf } from './requests.ts';
import { parseCriterion, queryOfCondition } from './tokens.ts';

/** A GET of an entry, relative to the base URL. */
export interface EntryRead {
  index: number;
  url: string;
  urlPath: string;
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

function readUpdate(url: string, path: string): Pick<ChangeRequest, 'type' | 'id' | 'criterion'> {
  const [, type, id, query] = /^([A-Z][A-Za-z]+)(?:\/([A-Za-z0-9.-]{1,64})|\?(.*))$/s.exec(url) ?? [];
  const criterion = type === undefined || query === undefined ? undefined : parseCriterion(type, query);
  if (type !== undefined && id !== undefined) return { type, id };
  if (type !== undefined && criterion !== undefined) return { type, criterion };
  return refuse(400, 'not-supported', 'PUT goes to Type/id or Type?identifier=system|value.', `${path}.url`);
}

function readCreate(url: string, condition: string | undefined, path: string) {
  if (!/^[A-Z][A-Za-z]+$/.test(url)) refuse(400, 'not-supported', 'POST goes to Type.', `${path}.url`);
  if (condition === undefined) return { type: url };
  const criterion = parseCriterion(url, queryOfCondition(url, condition));
  if (criterion !== undefined) return { type: url, criterion };
  return refuse(400, 'not-supported', 'The condition must be identifier=system|value.', `${path}.ifNoneExist`);
}

function readEntry(entry: unknown, index: number): Change | EntryRead {
  const place = `Bundle.entry[${index}]`;
  const path = `${place}.request`;
  if (!isMembers(entry)) return refuse(400, 'structure', 'An entry is a JSON object.', place);
  const { request } = entry;
  if (!isMembers(request)) return refuse(400, 'required', 'bdl-3: each entry needs a request.', path);
  const unknown = [...unknownIn(entry, ENTRY_ELEMENTS, place), ...unknownIn(request, REQUEST_ELEMENTS, path)];
  if (unknown.length > 0) throw new Refusal(400, unknown);
  const method = textOf(request['method'], `${path}.method`);
  const url = textOf(request['url'], `${path}.url`) ?? refuse(400, 'required', 'The URL is required.', `${path}.url`);
  for (const condition of ['ifNoneMatch', 'ifModifiedSince']) {
    if (request[condition] !== undefined)
      refuse(400, 'not-supported', 'This condition is not supported.', `${path}.${condition}`);
  }
  if (method === 'GET' || method === 'HEAD') return { index, url, urlPath: `${path}.url` };
  if (method !== 'POST' && method !== 'PUT') {
    const code = method === 'DELETE' || method === 'PATCH' ? 'not-supported' : 'code-invalid';
    return refuse(code === 'not-supported' ? 405 : 400, code, 'Entries are GET, HEAD, POST or PUT.', `${path}.method`);
  }
  return readWrite(entry, request, { index, method, url, place, path });
}

interface EntryPlace {
  index: number;
  method: 'POST' | 'PUT';
  url: string;
  place: string;
  path: string;
}

function readWrite(entry: Members, request: Members, { index, method, url, place, path }: EntryPlace): Change {
  const fullUrl = textOf(entry['fullUrl'], `${place}.fullUrl`);
  const condition = textOf(request[method === 'POST' ? 'ifNoneExist' : 'ifMatch'], `${path}.ifNoneExist`);
  const shared = {
    body: entry['resource'],
    path: `${place}.resource`,
    index,
    urlPath: `${path}.url`,
    ...(fullUrl && { fullUrl }),
  };
  if (method === 'POST') {
    const target = readCreate(url, condition, path);
    return new Change({ ...shared, ...target, interaction: 'create', conditionPath: `${path}.ifNoneExist` });
  }
  const ifMatch = ifMatchOf(condition, `${path}.ifMatch`);
  const update = { ...shared, ...readUpdate(url, path), ...(ifMatch === undefined ? {} : { ifMatch }) };
  return new Change({ ...update, interaction: 'update', conditionPath: `${path}.ifMatch` });
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
export function readBundle(body: unknown): Entries {
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
      const read = readEntry(one, index);
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
