/**
 * The code systems and value sets that are known here: those that were recorded, as the caller may read them, and the value
 * sets of R4 that are required somewhere (codes without words). Nothing is asked of anybody else.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { refuse } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { parseSearch } from '../search-query.ts';
import { supportedType } from '../types.ts';

export interface Concept {
  code: string;
  display?: string;
  definition?: string;
  designation?: object[];
  property?: Readonly<Record<string, unknown>>[];
  concept?: Concept[];
}

export interface CodeSystem extends Resource {
  url?: string;
  name?: string;
  version?: string;
  content?: string;
  caseSensitive?: boolean;
  concept?: Concept[];
}

interface Filter {
  property: string;
  op: string;
  value: string;
}
export interface Include {
  system?: string;
  concept?: Concept[];
  filter?: Filter[];
  valueSet?: string[];
}
export interface ValueSet extends Resource {
  url?: string;
  compose?: { include: Include[]; exclude?: Include[] };
  expansion?: { contains?: object[] };
}

/** What was recorded under a canonical URL, the last of several; undefined where nothing is. */
async function recorded(
  scope: Scope,
  type: 'CodeSystem' | 'ValueSet',
  canonical: string,
): Promise<Resource | undefined> {
  const [url = '', version] = canonical.split('|');
  const { search } = parseSearch(supportedType(type)!, [['url', url]], '', false);
  const { matches } = await scope.repository.search(scope.caller, { ...search, count: 100, isUncounted: true });
  const found = matches.filter(({ resource }) => version === undefined || resource['version'] === version);
  return found.sort((one, other) => (one.lastUpdated < other.lastUpdated ? 1 : -1))[0]?.resource;
}

export const codeSystemOf = (scope: Scope, url: string): Promise<CodeSystem | undefined> =>
  recorded(scope, 'CodeSystem', url) as Promise<CodeSystem | undefined>;

export const valueSetOf = (scope: Scope, url: string): Promise<ValueSet | undefined> =>
  recorded(scope, 'ValueSet', url) as Promise<ValueSet | undefined>;

/** One of an instance. @throws {Refusal} 404 */
export async function byId(scope: Scope, type: string, id: string): Promise<Resource> {
  const found = /^[A-Za-z0-9.-]{1,64}$/.test(id) ? await scope.repository.read(scope.caller, type, id) : undefined;
  return found?.resource ?? refuse(404, 'not-found', 'This server has no such resource.');
}

/** All concepts, however deep, each with the codes above it. */
export function* conceptsOf(
  concepts: readonly Concept[] = [],
  above: readonly string[] = [],
): Generator<[Concept, readonly string[]]> {
  for (const concept of concepts) {
    yield [concept, above];
    yield* conceptsOf(concept.concept, [...above, concept.code]);
  }
}

export const conceptOf = ({ concept }: CodeSystem, code: string): Concept | undefined => {
  for (const [one] of conceptsOf(concept)) if (one.code === code) return one;
  return undefined;
};
