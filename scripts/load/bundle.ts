/**
 * FHIR R4 Bundles as files hold them (hl7.org/fhir/R4/bundle.html), plain or gzip: reading one, and what in it
 * matters for the order in which it's sent.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { BrokenJson, parseJson } from './json.ts';
import { withLinks } from './links.ts';

export interface Entry {
  fullUrl?: string;
  resource?: Record<string, unknown> & { resourceType?: string };
  request?: { method?: string; url?: string; ifNoneExist?: string; ifMatch?: string };
}

export interface Bundle {
  resourceType: 'Bundle';
  type: 'transaction' | 'batch';
  entry: Entry[];
}

export interface BundleFile {
  bundle: Bundle;
  /** SHA-256 of type and entries as JSON, hex: the same content has the same hash however it is compressed or indented. */
  hash: string;
}

/** A file that isn't a Bundle to load; the message names the file and the place, and quotes nothing of it. */
export class UnreadableFile extends Error {
  constructor(file: string, why: string) {
    super(`${file}: ${why}`);
  }
}

const inflate = promisify(gunzip);

/** Files of one resource a line (hl7.org/fhir/uv/bulkdata, NDJSON): what stands in one may refer to what stands in another. */
export const isLines = (file: string): boolean => /\.ndjson(\.gz)?$/i.test(file);

/** A Bundle file, or files of lines that belong together. Throws UnreadableFile. */
export async function readBundle(files: readonly string[]): Promise<BundleFile> {
  const [file = ''] = files;
  const bundle = isLines(file) ? await linesOf(files) : asBundle(file, parse(file, await readText(file)));
  const hash = createHash('sha256')
    .update(JSON.stringify([bundle.type, bundle.entry]))
    .digest('hex');
  const entry = bundle.type === 'transaction' ? absoluteWithin(bundle.entry) : bundle.entry;
  return { bundle: { ...bundle, entry }, hash };
}

async function linesOf(files: readonly string[]): Promise<Bundle> {
  const entry: Entry[] = [];
  for (const file of files) {
    const lines = (await readText(file)).split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const place = `${file}: line ${index + 1}`;
      const resource = parse(place, line) as Entry['resource'];
      if (typeof resource?.resourceType !== 'string') throw new UnreadableFile(place, 'is no resource (resourceType)');
      entry.push(created({ resource }, entry.length));
    }
  }
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

/** Of what only lists resources: each is created, and found by its id where others refer to it. */
function created({ fullUrl, resource }: Entry, index: number): Entry {
  const { resourceType: type = '', id } = resource ?? {};
  return {
    fullUrl: fullUrl ?? `${HERE}${type}/${typeof id === 'string' ? id : `without-id.${index}`}`,
    ...(resource === undefined ? {} : { resource }),
    request: { method: 'POST', url: type },
  };
}

/** The base of ids that have none: it leads nowhere (RFC 6761). */
const HERE = 'https://file.invalid/';
const RESTFUL = /^(https?:\/\/.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;

/**
 * A relative link is relative to the base of its entry's fullUrl (hl7.org/fhir/R4/bundle.html#references): where that
 * leads to another entry it is written out, so that it is found when the entries are sent in several parts.
 */
function absoluteWithin(entries: Entry[]): Entry[] {
  const fullUrls = new Set(entries.map(({ fullUrl }) => fullUrl));
  return entries.map((entry) => {
    const base = RESTFUL.exec(entry.fullUrl ?? '')?.[1];
    if (base === undefined || entry.resource === undefined) return entry;
    return { ...entry, resource: withLinks(entry.resource, (one) => (fullUrls.has(base + one) ? base + one : one)) };
  });
}

async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new UnreadableFile(file, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return textOf(file, bytes);
  let inflated: Buffer;
  try {
    inflated = await inflate(bytes);
  } catch (error) {
    throw new UnreadableFile(file, `is gzip and broken after ${bytes.length} bytes (${(error as Error).message})`);
  }
  return textOf(file, inflated);
}

/** JSON is UTF-8 (RFC 8259 section 8.1): whatever else is read as that changes the records. */
function textOf(file: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new UnreadableFile(file, `line ${lineOfFault(bytes)}: this is not UTF-8`);
}

/** Counts from 1. A line feed is part of no other character. */
function lineOfFault(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; ; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

function parse(file: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof BrokenJson) throw new UnreadableFile(file, error.message);
    throw error;
  }
}

/** Bundles that list resources and say nothing of what is to be done with them: they are created. */
const LISTING = new Set(['collection', 'document', 'searchset']);

function asBundle(file: string, value: unknown): Bundle {
  const { resourceType, type, entry = [] } = (value ?? {}) as Record<string, unknown>;
  if (resourceType !== 'Bundle') throw new UnreadableFile(file, 'is not a Bundle (Bundle.resourceType)');
  const isListed = LISTING.has(String(type));
  if (type !== 'transaction' && type !== 'batch' && !isListed) {
    const known = ['transaction', 'batch', ...LISTING].join(', ');
    throw new UnreadableFile(file, `is a Bundle of another type than ${known} (Bundle.type)`);
  }
  if (!Array.isArray(entry)) throw new UnreadableFile(file, 'has no list of entries (Bundle.entry)');
  const isObject = (one: unknown): boolean =>
    typeof one === 'object' && one !== null && !Array.isArray(one) && !isExactNumber(one);
  const wrong = entry.findIndex((one) => !isObject(one));
  if (wrong >= 0) throw new UnreadableFile(file, `has an entry that is no object (Bundle.entry[${wrong}])`);
  if (!isListed) return { resourceType, type: type as Bundle['type'], entry: entry as Entry[] };
  const without = (entry as Entry[]).findIndex(({ resource }) => typeof resource?.resourceType !== 'string');
  if (without >= 0) throw new UnreadableFile(file, `has an entry without a resource (Bundle.entry[${without}])`);
  return { resourceType, type: 'transaction', entry: (entry as Entry[]).map(created) };
}

/** The type an entry is counted under. */
export const typeOf = (entry: Entry): string =>
  entry.resource?.resourceType ?? entry.request?.url?.split(/[/?]/)[0] ?? 'unknown';

const CONDITIONAL = /^([A-Z][A-Za-z]+)\?identifier=([^&]+)$/;

/** `Type?system|value` of a conditional reference by identifier; undefined for every other reference. */
function conditionalKey(reference: string): string | undefined {
  const found = CONDITIONAL.exec(reference);
  return found === null ? undefined : `${found[1]}?${decode(found[2] ?? '')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `Type?system|value` of every identifier that others could look the entry's resource up by. */
export function providedKeys(entry: Entry): string[] {
  const type = entry.resource?.resourceType;
  const identifiers = [entry.resource?.['identifier'] ?? []].flat() as { system?: string; value?: string }[];
  const keys = identifiers.flatMap(({ system, value }) =>
    value === undefined ? [] : [`${type}?${system ?? ''}|${value}`],
  );
  const ifNoneExist = entry.request?.ifNoneExist;
  const own = ifNoneExist === undefined ? undefined : conditionalKey(`${type}?${ifNoneExist}`);
  return own === undefined ? keys : [...keys, own];
}

/** `Type?system|value` of every conditional reference inside the entry's resource. */
export function requiredKeys(entry: Entry): string[] {
  const keys = [...referencesIn(entry.resource)].map(conditionalKey);
  return [...new Set(keys.filter((key) => key !== undefined))];
}

/** Every `reference` string in a resource. */
export function* referencesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* referencesIn(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      if (name === 'reference' && typeof member === 'string') yield member;
      else yield* referencesIn(member);
    }
  }
}
