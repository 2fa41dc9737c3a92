/**
 * Expands the value sets behind required bindings from the CodeSystems and ValueSets of the R4 definitions
 * (hl7.org/fhir/R4/valueset.html#expansion), as far as those definitions use the language. Part of the generator.
 */

interface Concept {
  code: string;
  concept?: Concept[];
}
interface Include {
  system?: string;
  concept?: { code: string }[];
  filter?: { property: string; op: string; value: string }[];
  valueSet?: string[];
}
export interface TerminologyResource {
  resourceType: string;
  url: string;
  /** Of a code system: whether all its codes are there. */
  content?: string;
  concept?: Concept[];
  compose?: { include: Include[]; exclude?: Include[] };
}

/** Codes by system; `true` for a system that has no list and is checked by form (media types, languages, currencies). */
export type Expansion = Record<string, string[] | true>;

/** Systems that are not lists in the definitions; bindings.ts knows their form. */
const BY_FORM = new Set(['http://unitsofmeasure.org', 'urn:ietf:bcp:13', 'urn:ietf:bcp:47', 'urn:iso:std:iso:4217']);

const flatten = (concepts: Concept[] = []): string[] =>
  concepts.flatMap((concept) => [concept.code, ...flatten(concept.concept)]);

/** The codes of every code system that is there whole. */
export const systemsOf = (resources: TerminologyResource[]): Record<string, string[]> =>
  Object.fromEntries(
    resources.flatMap(({ resourceType, url, content, concept }) =>
      resourceType === 'CodeSystem' && content === 'complete' ? [[url, flatten(concept)]] : [],
    ),
  );

function descendants(concepts: Concept[] = [], code: string): string[] {
  for (const concept of concepts) {
    if (concept.code === code) return [code, ...flatten(concept.concept)];
    const found = descendants(concept.concept, code);
    if (found.length > 0) return found;
  }
  return [];
}

/** Returns a function from a value set's URL to its codes; it throws on what it cannot expand. */
export function valueSetExpander(resources: TerminologyResource[]): (url: string) => Expansion {
  const ofType = (type: string) =>
    new Map(resources.filter((resource) => resource.resourceType === type).map((resource) => [resource.url, resource]));
  const systems = ofType('CodeSystem');
  const valueSets = ofType('ValueSet');

  const codesOf = (include: Include): string[] | true => {
    if (include.concept !== undefined) return include.concept.map((concept) => concept.code);
    if (BY_FORM.has(include.system!)) return true;
    const system = systems.get(include.system!);
    if (system === undefined) throw new Error(`no code system ${include.system}`);
    const [filter, ...others] = include.filter ?? [];
    if (filter === undefined) return flatten(system.concept);
    if (filter.property !== 'concept' || filter.op !== 'is-a' || others.length > 0) {
      throw new Error(`cannot filter ${include.system} by ${JSON.stringify(include.filter)}`);
    }
    return descendants(system.concept, filter.value);
  };

  const expand = (url: string): Expansion => {
    const compose = valueSets.get(url)?.compose;
    if (compose === undefined) throw new Error(`no value set ${url}`);
    if (compose.exclude !== undefined) throw new Error(`${url} excludes codes`);
    const expansion: Expansion = {};
    const add = (system: string, codes: string[] | true): void => {
      const before = expansion[system];
      expansion[system] = codes === true || before === true ? true : [...new Set([...(before ?? []), ...codes])];
    };
    for (const include of compose.include) {
      if (include.system !== undefined) add(include.system, codesOf(include));
      for (const other of include.valueSet ?? []) {
        for (const [system, codes] of Object.entries(expand(other.split('|')[0]!))) add(system, codes);
      }
    }
    return expansion;
  };
  return expand;
}
