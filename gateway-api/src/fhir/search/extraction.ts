/** What the read model keeps of a resource for searches: its terms under the names of their parameters, each once. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { RangeCriterion } from '../repository.ts';
import { parametersOf, type SearchParameter } from '../search-parameters.ts';
import { elementsAt, type Path, pathOf } from './paths.ts';
import { EXTRACTED, type Term } from './terms.ts';

/** A row of the read model's `search_values`, without the resource. */
export interface SearchTerm {
  parameter: string;
  /** Of a composite: which of its bases it was in, counted from 1; 0 for everything else. */
  place: number;
  system: string;
  /** A reference is `Type/id`, or an absolute URL; of a quantity it is the unit. */
  value: string;
  /** 1 for what lies between `low` and `high` (see terms.ts); both are 0 for a text. */
  ranged: 0 | 1;
  low: number;
  high: number;
}

const PRESENT = 'present';

type Kind = keyof typeof EXTRACTED;

/** Under which name the component of a composite is kept, the first is 1. */
export const componentName = (parameter: string, component: number): string => `${parameter}$${component}`;

type Ranges = RangeCriterion['anyOf'];

/** The names under which ranges are kept that are looked for, with those that are kept so: a quantity in UCUM's canonical unit has its own. */
export const rangesByName = (parameter: string, anyOf: Ranges): [name: string, anyOf: Ranges][] =>
  (
    [
      [parameter, anyOf.filter(({ isCanonical }) => isCanonical !== true)],
      [`${parameter}:canonical`, anyOf.filter(({ isCanonical }) => isCanonical === true)],
    ] as [string, Ranges][]
  ).filter(([, some]) => some.length > 0);

interface Compiled {
  kind: Kind;
  paths: readonly Path[];
}

/** A parameter as it is extracted; of a composite `paths` are its bases. */
interface Extracted {
  name: string;
  paths: readonly Path[];
  kind: Kind | undefined;
  components: readonly Compiled[];
  /** The patient compartment is a column: only what refers to something else is kept beside it. */
  isColumn: boolean;
}

function compile({ name, type, paths = [], components = [], column }: SearchParameter): Extracted {
  const isComposite = type === 'composite';
  return {
    ...{ name, isColumn: column === 'patient' },
    paths: paths.map((path) => pathOf(isComposite ? `${path}:` : path)),
    kind: isComposite ? undefined : type,
    components: components.map((one) => ({ kind: one.type as Kind, paths: one.paths.map(pathOf) })),
  };
}

const compiled = new WeakMap<readonly SearchParameter[], readonly Extracted[]>();

/** What of a type is kept: not what is found under other names (`under`). */
function extractedOf(type: string): readonly Extracted[] {
  const parameters = parametersOf(type);
  const found = compiled.get(parameters);
  if (found !== undefined) return found;
  const made = parameters.filter(({ paths, under }) => paths !== undefined && under === undefined).map(compile);
  compiled.set(parameters, made);
  return made;
}

/** R4's `deceased.exists() and deceased != false`: of what is absent it is false. */
const isPresent = (from: unknown, paths: readonly Path[]): boolean =>
  paths.some(({ steps }) => elementsAt(from, steps).some((element) => element !== false));

function termsAt(from: unknown, { kind, paths }: Compiled, resource = from): Term[] {
  if (paths[0]?.type === PRESENT) return EXTRACTED.token(isPresent(from, paths), PRESENT);
  const terms: Term[] = [];
  for (const { steps, isOfResource, type, system } of paths)
    for (const element of elementsAt(isOfResource ? resource : from, steps))
      terms.push(...EXTRACTED[kind](element, type, system));
  return terms;
}

class Collected {
  readonly terms = new Map<string, SearchTerm>();

  take(parameter: string, terms: readonly Term[], place: number): void {
    for (const { suffix, text, range } of terms) {
      const name = `${parameter}${suffix}`;
      if (text !== undefined) this.#keep({ parameter: name, place, ...text, ranged: 0, low: 0, high: 0 });
      if (range === undefined) continue;
      const { system, unit, low, high } = range;
      this.#keep({ parameter: name, place, system, value: unit, ranged: 1, low, high });
    }
  }

  #keep(term: SearchTerm): void {
    const { parameter, place, system, value, low, high } = term;
    this.terms.set(`${parameter}\0${place}\0${system}\0${value}\0${low}\0${high}`, term);
  }
}

const isElsewhere =
  (resource: Resource) =>
  ({ text }: Term): boolean =>
    text !== undefined && text.value !== `Patient/${patientIdOf(resource)}`;
const isPlain = ({ suffix }: Term): boolean => suffix === '';

/** A base counts where each component has something in it. */
function takeComposite(all: Collected, resource: Resource, { name, paths, components }: Extracted): void {
  const bases = paths.flatMap(({ steps }) => elementsAt(resource, steps));
  for (const [index, base] of bases.entries()) {
    const found = components.map((component) => termsAt(base, component, resource).filter(isPlain));
    if (found.some((terms) => terms.length === 0)) continue;
    for (const [component, terms] of found.entries()) all.take(componentName(name, component + 1), terms, index + 1);
  }
}

/**
 * What a resource is found by.
 * @param only names under which terms are kept, with their suffixes: of these parameters alone
 */
export function searchTermsOf(resource: Resource, only?: readonly string[]): SearchTerm[] {
  const all = new Collected();
  const wanted = only && new Set(only.map((name) => name.replace(/[:$].*$/, '')));
  for (const parameter of extractedOf(resource.resourceType)) {
    const { name, kind, paths, isColumn } = parameter;
    if (wanted?.has(name) === false) continue;
    if (kind === undefined) takeComposite(all, resource, parameter);
    else {
      const terms = termsAt(resource, { kind, paths });
      if (terms.length > 0) all.take(name, isColumn ? terms.filter(isElsewhere(resource)) : terms, 0);
    }
  }
  return [...all.terms.values()];
}
