/** One filter of a query, by its name, modifier and values, as a criterion of a Search (hl7.org/fhir/R4/search.html#modifiers). */
import { refuse } from '../outcomes.ts';
import type { CompositeCriterion, RangeCriterion, Search, ValueCriterion } from '../repository.ts';
import { parameterOf, type SearchParameter, targetsOf } from '../search-parameters.ts';
import { parseToken, splitEscaped, withoutEscapes } from '../tokens.ts';
import { supportedTypes } from '../types.ts';
import { badValue, parseDate, parseIds } from './columns.ts';
import { parseDates, parseNumber, parseQuantity, parseWritten } from './comparisons.ts';
import { comparable } from './terms.ts';

/** Chains and `_has` lead through at most so many references. */
const LONGEST_CHAIN = 4;

type Wanted = RangeCriterion['anyOf'][number];
type Parts = Pick<ValueCriterion, 'anyOf' | 'isPrefix'> | { ranges: Wanted[] };

const typeNames = (): string[] => supportedTypes.map(({ name }) => name);

const EXPECTED = {
  date: 'a date or instant, with eq, ne, gt, ge, lt, le, sa, eb or ap before it',
  number: 'a decimal, with a prefix or without',
  quantity: 'number, number|system|code or number||code, with a prefix or without',
} as const;

const quantityOf = (parse: (parts: readonly string[]) => Wanted | undefined) => (text: string) =>
  parse(splitEscaped(text, '|').map(withoutEscapes));

const PARSED: Record<keyof typeof EXPECTED, (text: string) => Wanted | undefined> = {
  date: parseDates,
  number: (text) => parseNumber(withoutEscapes(text)),
  quantity: quantityOf(parseQuantity),
};

const isRanged = (type: SearchParameter['type']): type is keyof typeof EXPECTED => Object.hasOwn(EXPECTED, type);

/** What a caller asked for, before what it is named by is known to be a parameter. */
export interface Filter {
  /** The parameter with all that stands behind it, as it was given. */
  given: string;
  text: string;
  baseUrl: string;
  depth: number;
}

class Reading {
  readonly #type: string;
  readonly #filter: Filter;
  readonly #parameter: SearchParameter;

  constructor(type: string, parameter: SearchParameter, filter: Filter) {
    this.#type = type;
    this.#parameter = parameter;
    this.#filter = filter;
  }

  get #alternatives(): string[] {
    return splitEscaped(this.#filter.text, ',');
  }

  #refuseModifier(modifier: string): never {
    const { name, type } = this.#parameter;
    return refuse(
      400,
      'not-supported',
      `:${modifier} is not supported for ${name}, which is a ${type}.`,
      this.#filter.given,
    );
  }

  /** The criterion; undefined where nothing can match it. */
  take(modifier: string | undefined): Partial<Search> {
    const { type, name, column } = this.#parameter;
    if (modifier === 'missing') return this.#missing();
    if (column === 'id' || column === 'last_updated') return this.#ofColumn(column, modifier);
    if (column === 'event' || column === 'recorded') return this.#ofEvent(modifier);
    if (type === 'composite') return { composites: [{ parameter: name, anyOf: this.#composites(modifier) }] };
    if (isRanged(type)) return { ranges: [{ parameter: name, anyOf: this.#ranges(type, modifier) }] };
    if (type === 'token') return { values: [this.#token(modifier)] };
    if (type === 'reference') return { values: [this.#reference(modifier)] };
    if (type === 'uri') return { values: [this.#uri(modifier)] };
    return { values: [this.#string(modifier)] };
  }

  #missing(): Partial<Search> {
    const { text, given } = this.#filter;
    if (text !== 'true' && text !== 'false') badValue(given, 'true or false');
    if (this.#parameter.column !== 'search_values' && this.#parameter.column !== 'patient')
      this.#refuseModifier('missing');
    if (this.#parameter.type === 'composite') this.#refuseModifier('missing');
    return { missing: [{ parameter: this.#parameter.name, isMissing: text === 'true' }] };
  }

  /** At the end of a chain as at the beginning of a query. */
  #ofColumn(column: 'id' | 'last_updated', modifier: string | undefined): Partial<Search> {
    if (modifier !== undefined) this.#refuseModifier(modifier);
    const { given, text, baseUrl } = this.#filter;
    if (column === 'last_updated') return { lastUpdated: [parseDate(given, text)] };
    const ids = parseIds(given, this.#type, text, baseUrl);
    // No resource has the id of no letter.
    return { ids: ids.length === 0 ? [''] : ids };
  }

  /** AuditEvents are looked at one by one (hasEventValue). */
  #ofEvent(modifier: string | undefined): Partial<Search> {
    if (modifier !== undefined) this.#refuseModifier(modifier);
    const { name, type } = this.#parameter;
    if (type === 'string') return { values: [this.#string(undefined)] };
    return { values: [{ parameter: name, anyOf: this.#tokens() }] };
  }

  #tokens(): ValueCriterion['anyOf'] {
    return this.#alternatives.map(
      (one) => parseToken(one) ?? badValue(this.#filter.given, 'system|value, system| or value'),
    );
  }

  #token(modifier: string | undefined): ValueCriterion {
    const { name: parameter, paths = [] } = this.#parameter;
    if (modifier === undefined) return { parameter, anyOf: this.#tokens() };
    if (modifier === 'not') return { parameter, anyOf: this.#tokens(), isNot: true };
    if (modifier === 'text') return { parameter: `${parameter}:text`, anyOf: this.#words(), isPrefix: true };
    const isIdentifier = paths.some((path) => path.endsWith(':Identifier'));
    if (modifier === 'of-type' && isIdentifier) return { parameter: `${parameter}:of-type`, anyOf: this.#typed() };
    return this.#refuseModifier(modifier);
  }

  #typed(): ValueCriterion['anyOf'] {
    return this.#alternatives.map((one) => {
      const [system, code, value] = splitEscaped(one, '|').map(withoutEscapes);
      if (!system || !code || !value) return badValue(this.#filter.given, 'system|code|value');
      return { system, value: `${code}|${value}` };
    });
  }

  #words(): ValueCriterion['anyOf'] {
    return this.#alternatives.map((one) => {
      const value = comparable(withoutEscapes(one));
      return value === '' ? badValue(this.#filter.given, 'a text') : { value };
    });
  }

  #string(modifier: string | undefined): ValueCriterion {
    const { name: parameter } = this.#parameter;
    if (modifier === undefined) return { parameter, anyOf: this.#words(), isPrefix: true };
    if (modifier === 'contains') return { parameter, anyOf: this.#words(), isPart: true };
    if (modifier !== 'exact') return this.#refuseModifier(modifier);
    return { parameter: `${parameter}:exact`, anyOf: this.#texts() };
  }

  #texts(): { value: string }[] {
    return this.#alternatives.map((one) => {
      const value = withoutEscapes(one);
      return value === '' ? badValue(this.#filter.given, 'a text') : { value };
    });
  }

  /** hl7.org/fhir/R4/search.html#uri: what lies below begins with it, what lies above it begins with. */
  #uri(modifier: string | undefined): ValueCriterion {
    const { name: parameter } = this.#parameter;
    const anyOf = this.#texts();
    if (modifier === undefined) return { parameter, anyOf };
    if (modifier === 'below') return { parameter, anyOf, isPrefix: true };
    if (modifier !== 'above') return this.#refuseModifier(modifier);
    return { parameter, anyOf: anyOf.flatMap(({ value }) => aboveOf(value)) };
  }

  #reference(modifier: string | undefined): ValueCriterion {
    const { name: parameter } = this.#parameter;
    if (modifier === 'identifier') return { parameter: `${parameter}:identifier`, anyOf: this.#tokens() };
    const targets = targetsOf(this.#parameter, typeNames());
    if (modifier !== undefined && !targets.includes(modifier)) this.#refuseModifier(modifier);
    const types = modifier === undefined ? targets : [modifier];
    return { parameter, anyOf: this.#texts().flatMap(({ value }) => this.#referencesIn(value, types)) };
  }

  /** `id`, `Type/id`, this server's `base/Type/id`, with a version or without; anything else is compared as it is. */
  #referencesIn(text: string, types: readonly string[]): { value: string }[] {
    const { baseUrl } = this.#filter;
    const relative = text.startsWith(`${baseUrl}/`) ? text.slice(baseUrl.length + 1) : text;
    const value = relative.replace(/\/_history\/[^/]*$/, '').replace(/^((?:https?|urn):[^|]*)\|.*$/, '$1');
    if (/^[A-Za-z0-9.-]{1,64}$/.test(value)) return types.map((type) => ({ value: `${type}/${value}` }));
    const [, type] = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}$/.exec(value) ?? [];
    return type === undefined || types.includes(type) ? [{ value }] : [];
  }

  #ranges(type: keyof typeof EXPECTED, modifier: string | undefined): Wanted[] {
    if (modifier !== undefined) this.#refuseModifier(modifier);
    // What is composed is kept in the unit that it was written in.
    const isComponent = type === 'quantity' && this.#parameter.components !== undefined;
    const parse = isComponent ? quantityOf(parseWritten) : PARSED[type];
    return this.#alternatives.map((one) => parse(one) ?? badValue(this.#filter.given, EXPECTED[type]));
  }

  /** hl7.org/fhir/R4/search.html#combining: `value$value`. */
  #composites(modifier: string | undefined): CompositeCriterion[] {
    if (modifier !== undefined) this.#refuseModifier(modifier);
    const { components = [] } = this.#parameter;
    return this.#alternatives.map((one) => {
      const parts = splitEscaped(one, '$');
      if (parts.length !== components.length)
        badValue(this.#filter.given, `${components.length} values with $ between`);
      return components.map(({ type, paths }, index) => this.#component({ type, paths }, parts[index]!));
    });
  }

  #component({ type, paths }: Pick<SearchParameter, 'type'> & { paths: readonly string[] }, text: string): Parts {
    const parameter = { ...this.#parameter, type, paths };
    const { values = [], ranges = [] } = new Reading(this.#type, parameter, { ...this.#filter, text }).take(undefined);
    const [value] = values;
    if (value === undefined) return { ranges: ranges[0]!.anyOf };
    return { anyOf: value.anyOf, ...(value.isPrefix === undefined ? {} : { isPrefix: value.isPrefix }) };
  }
}

/** The uri itself, and each that it lies below. */
function aboveOf(uri: string): { value: string }[] {
  const parts = uri.split('/');
  const shortest = /^[a-z]+:\/\//.test(uri) ? 3 : 1;
  const all = parts.slice(shortest - 1).map((_, index) => parts.slice(0, shortest + index).join('/'));
  return all.map((value) => ({ value }));
}

/** `_has:Type:parameter:rest`: what refers to it. */
function reverseOf(type: string, filter: Filter): Partial<Search> | undefined {
  const [, name = '', parameter = '', rest = ''] = /^_has:([A-Za-z]+):([^:]+):(.+)$/.exec(filter.given) ?? [];
  const known = typeNames().includes(name) ? parameterOf(name, parameter) : undefined;
  if (known?.type !== 'reference' || !targetsOf(known, [type]).includes(type)) return undefined;
  const inner = criterionOf(name, { ...filter, given: rest, depth: filter.depth + 1 });
  return inner && { reverse: [{ parameter, of: { type: name, count: 1, ...inner } }] };
}

/** `parameter.rest`, `parameter:Type.rest`: by what it refers to; of several types any may have it. */
function chainOf(type: string, filter: Filter): Partial<Search> | undefined {
  const [, name = '', only, rest = ''] = /^([A-Za-z_-]+)(?::([A-Za-z]+))?\.(.+)$/.exec(filter.given) ?? [];
  const known = parameterOf(type, name);
  if (known?.type !== 'reference' || known.column === 'event') return undefined;
  const targets = targetsOf(known, typeNames()).filter((target) => only === undefined || target === only);
  const anyOf = targets.flatMap((target): Search[] => {
    const inner = criterionOf(target, { ...filter, given: rest, depth: filter.depth + 1 });
    return inner === undefined ? [] : [{ type: target, count: 1, ...inner }];
  });
  return anyOf.length === 0 ? undefined : { chains: [{ parameter: name, anyOf }] };
}

/** What one filter adds to a search of a type; undefined where the type has no such parameter. Refuses (400) bad values. */
export function criterionOf(type: string, filter: Filter): Partial<Search> | undefined {
  const { given, depth } = filter;
  if (depth > LONGEST_CHAIN)
    return refuse(400, 'too-costly', `A chain has at most ${LONGEST_CHAIN} references.`, 'chain');
  if (given.startsWith('_has:')) return reverseOf(type, filter);
  if (given.includes('.')) return chainOf(type, filter);
  const [name = '', modifier, ...more] = given.split(':');
  const parameter = parameterOf(type, name);
  if (parameter === undefined || more.length > 0) return undefined;
  return new Reading(type, parameter, filter).take(modifier);
}
