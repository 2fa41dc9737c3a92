/**
 * A FHIR package (hl7.org/fhir/packages) as it is kept beside a gateway: the profiles in it, and the codes of its value sets, as far
 * as they are lists.
 */
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { StructureDefinition } from './definitions.ts';

/** Codes by system. */
export type Codes = Record<string, string[]>;

export interface ProfilePackage {
  name: string;
  version: string;
  /** Whoever writes what states one of its profiles must keep it. */
  isChecked: boolean;
  profiles: StructureDefinition[];
  valueSets: Record<string, Codes>;
}

const profileSchema = z.object({
  url: z.string(),
  type: z.string(),
  elements: z.array(z.looseObject({ id: z.string(), path: z.string() })),
});

export const packageSchema = z.object({
  ...{ name: z.string(), version: z.string(), isChecked: z.boolean(), profiles: z.array(profileSchema) },
  valueSets: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
}) as unknown as z.ZodType<ProfilePackage>;

type Json = Record<string, unknown>;

const BLOCK = 512;
/** What a package may unpack to, bytes. */
const MOST_BYTES = 512 * 1024 * 1024;

function unzipped(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    throw new Error(`this is no .tgz file that can be read (${(error as Error).message})`, { cause: error });
  }
}

/** The JSON files of `package/` in a .tgz, by their names. @throws Error for what is no such file */
function filesIn(bytes: Uint8Array): Map<string, Json> {
  const tar = unzipped(bytes);
  const files = new Map<string, Json>();
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    const text = (from: number, to: number) => header.toString('latin1', from, to).replace(/\0.*$/s, '').trim();
    const name = [text(345, 500), text(0, 100)].filter((part) => part !== '').join('/');
    const size = Number.parseInt(text(124, 136) || '0', 8);
    if (name === '') break;
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('this is no tar file');
    const isFile = ['', '0'].includes(text(156, 157));
    if (isFile && /^package\/[^/]+\.json$/.test(name))
      files.set(name.slice('package/'.length), JSON.parse(tar.toString('utf8', at + BLOCK, at + BLOCK + size)) as Json);
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
  return files;
}

const OF_DOCUMENTATION = new Set([
  'short',
  'definition',
  'comment',
  'requirements',
  'alias',
  'mapping',
  'example',
  'base',
  'isSummary',
  'mustSupport',
  'condition',
]);

function profileIn(one: Json): StructureDefinition[] {
  const { resourceType, derivation, kind, url, type, snapshot } = one;
  if (resourceType !== 'StructureDefinition' || derivation !== 'constraint' || kind === 'logical') return [];
  if (typeof url !== 'string' || typeof type !== 'string') return [];
  const { element } = (snapshot ?? {}) as { element?: Json[] };
  if (element === undefined) throw new Error(`${url} has no snapshot: the package must be one that is built`);
  const elements = element.map((each) =>
    Object.fromEntries(Object.entries(each).filter(([name]) => !OF_DOCUMENTATION.has(name))),
  );
  return [{ url, type, elements: elements as unknown as StructureDefinition['elements'] }];
}

interface Include {
  system?: string;
  concept?: { code: string }[];
  filter?: unknown[];
  valueSet?: string[];
}
interface Concept {
  code: string;
  concept?: Concept[];
}

const codesUnder = (concepts: readonly Concept[] = []): string[] =>
  concepts.flatMap(({ code, concept }) => [code, ...codesUnder(concept)]);

/** Value sets that are lists of codes, or whole code systems of the package; others are not known. */
class ValueSets {
  readonly #sets: Map<string, Json>;
  readonly #systems: Map<string, Json>;

  constructor(all: readonly Json[]) {
    const of = (type: string) =>
      new Map(all.filter((one) => one['resourceType'] === type).map((one) => [String(one['url']), one]));
    [this.#sets, this.#systems] = [of('ValueSet'), of('CodeSystem')];
  }

  known(): Record<string, Codes> {
    return Object.fromEntries(
      [...this.#sets.keys()].flatMap((url) => {
        const codes = this.#codesOf(url, 0);
        return codes === undefined ? [] : [[url, codes]];
      }),
    );
  }

  #codesOf(url: string, deep: number): Codes | undefined {
    const { include = [], exclude = [] } = (this.#sets.get(url.replace(/\|.*$/, ''))?.['compose'] ?? {}) as {
      include?: Include[];
      exclude?: unknown[];
    };
    if (include.length === 0 || exclude.length > 0 || deep > 5) return undefined;
    const codes: Codes = {};
    for (const one of include) {
      const found = this.#included(one, deep);
      if (found === undefined) return undefined;
      for (const [system, list] of Object.entries(found)) codes[system] = [...(codes[system] ?? []), ...list];
    }
    return codes;
  }

  #included({ system, concept, filter = [], valueSet = [] }: Include, deep: number): Codes | undefined {
    if (filter.length > 0 || (valueSet.length > 0 && (system !== undefined || valueSet.length > 1))) return undefined;
    if (valueSet[0] !== undefined) return this.#codesOf(valueSet[0], deep + 1);
    if (system === undefined) return undefined;
    if (concept !== undefined) return { [system]: concept.map(({ code }) => code) };
    const known = this.#systems.get(system);
    return known?.['content'] === 'complete' ? { [system]: codesUnder(known['concept'] as Concept[]) } : undefined;
  }
}

/** @throws Error that says what is wrong with the file */
export function packageIn(bytes: Uint8Array, isChecked: boolean): ProfilePackage {
  const files = filesIn(bytes);
  const { name, version } = files.get('package.json') ?? {};
  if (typeof name !== 'string' || typeof version !== 'string')
    throw new Error('this is no FHIR package: package/package.json names none');
  const all = [...files.values()];
  const profiles = all.flatMap(profileIn);
  if (profiles.length === 0) throw new Error(`${name} has no profiles`);
  return { name, version, isChecked, profiles, valueSets: new ValueSets(all).known() };
}
