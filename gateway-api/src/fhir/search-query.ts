/**
 * Reads a query (hl7.org/fhir/R4/search.html) into a Search, by the table of search parameters. A parameter or modifier that is not supported is
 * refused, unless the client asked for `Prefer: handling=lenient`: an ignored filter shows too much.
 */
import { refuse } from './outcomes.ts';
import type { Search } from './repository.ts';
import { comparable, parametersOf, type SearchParameter } from './search-parameters.ts';
import { parseToken, splitEscaped, type Token } from './tokens.ts';
import type { SupportedType } from './types.ts';

export const DEFAULT_COUNT = 50;
export const MAX_COUNT = 1000;
/** Of all parameters together: the read model's statements have limits, and a Bundle's GETs have no other. */
const MAX_VALUES = 500;

export type Parameters = readonly (readonly [name: string, value: string])[];

export interface ParsedSearch {
  search: Search;
  /** Criteria that exclude each other: nothing is asked of the repository. */
  impossible: boolean;
  /** `_count=0` or `_summary=count`. */
  countOnly: boolean;
  /** What was understood, for the self link. */
  used: Parameters;
  page: string | undefined;
}

/** Concern the form of the answer, not what is found. */
const PRESENTATION = new Set(['_format', '_pretty']);
const INSTANT =
  /^(eq|ne|gt|ge|lt|le|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)$/;

const badValue = (name: string, expected: string): never => refuse(400, 'value', `Expected ${expected}.`, name);

function parseDate(name: string, text: string): NonNullable<Search['lastUpdated']>[number] {
  const found = INSTANT.exec(text.replace(' ', '+'));
  const value = found?.[2];
  if (value === undefined || Number.isNaN(Date.parse(value))) {
    return badValue(name, 'a date or instant, with eq, ne, gt, ge, lt, le, sa or eb before it');
  }
  return { prefix: (found?.[1] ?? 'eq') as 'eq', value };
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) badValue('_count', 'a whole number');
  return Math.min(Number(text), MAX_COUNT);
}

/** Ids of `id`, `Type/id` or this server's `base/Type/id`; what names another type or server matches nothing. */
function parseIds(name: string, type: string, text: string, baseUrl: string): string[] {
  const values = splitEscaped(text, ',');
  if (values.includes('')) badValue(name, 'ids, separated by commas');
  return values.flatMap((value) => {
    const relative = value.startsWith(`${baseUrl}/`) ? value.slice(baseUrl.length + 1) : value;
    const id = relative.startsWith(`${type}/`) ? relative.slice(type.length + 1) : relative;
    return /^[A-Za-z0-9.-]{1,64}$/.test(id) ? [id] : [];
  });
}

const parseTokens = (name: string, text: string): Token[] =>
  splitEscaped(text, ',').map((one) => parseToken(one) ?? badValue(name, 'system|value or value'));

/** hl7.org/fhir/R4/search.html#string: what begins with the text. */
const parseStrings = (name: string, text: string): Token[] =>
  splitEscaped(text, ',').map((one) => {
    const value = comparable(one.replace(/\\([\\,|$])/g, '$1'));
    return value === '' ? badValue(name, 'the beginning of a name') : { value };
  });

const valuesOf = (type: SearchParameter['type'], name: string, text: string): Token[] =>
  type === 'string' ? parseStrings(name, text) : parseTokens(name, text);

const both = (before: string[] | undefined, ids: string[]): string[] =>
  before === undefined ? ids : before.filter((id) => ids.includes(id));

class Reading {
  readonly search: Search;
  countOnly = false;
  page: string | undefined;
  readonly parameters: readonly SearchParameter[];
  readonly #baseUrl: string;

  constructor(type: string, baseUrl: string) {
    this.search = { type, count: DEFAULT_COUNT };
    this.parameters = parametersOf(type);
    this.#baseUrl = baseUrl;
  }

  /** Takes one parameter; false where there is none of that name. */
  take(name: string, value: string): boolean {
    if (name === '_count') this.search.count = parseCount(value);
    else if (name === '_summary') this.#summary(value);
    else if (name === '_page') this.page = value;
    else if (!PRESENTATION.has(name)) return this.#filter(name, value);
    return true;
  }

  /** `name`, or of a reference `name:Target`. */
  #filter(given: string, text: string): boolean {
    const parameter = this.parameters.find(
      ({ name, target }) => given === name || (target !== undefined && given === `${name}:${target}`),
    );
    if (parameter !== undefined) this.#narrow(parameter, given, text);
    return parameter !== undefined;
  }

  #narrow({ name, type, column, target }: SearchParameter, given: string, text: string): void {
    const { search } = this;
    const ids = (of: string): string[] => parseIds(given, of, text, this.#baseUrl);
    if (column === 'id') search.ids = both(search.ids, ids(search.type));
    else if (column === 'patient') search.patients = both(search.patients, ids('Patient'));
    else if (column === 'recorded') search.recorded = [...(search.recorded ?? []), parseDate(name, text)];
    else if (column === 'last_updated') search.lastUpdated = [...(search.lastUpdated ?? []), parseDate(name, text)];
    else {
      const isReference = type === 'reference' && target !== undefined;
      const anyOf = isReference ? ids(target).map((id) => ({ value: `${target}/${id}` })) : valuesOf(type, name, text);
      const how = type === 'string' ? { isPrefix: true as const } : {};
      search.values = [...(search.values ?? []), { parameter: name, anyOf, ...how }];
    }
  }

  #summary(value: string): void {
    if (value !== 'count' && value !== 'false') badValue('_summary', 'count or false');
    this.countOnly = value === 'count';
  }

  get impossible(): boolean {
    const { ids, patients, values = [] } = this.search;
    return ids?.length === 0 || patients?.length === 0 || values.some(({ anyOf }) => anyOf.length === 0);
  }
}

function refuseTooMany(given: Parameters): void {
  const values = given.reduce((count, [, value]) => count + value.split(',', MAX_VALUES + 1).length, 0);
  if (values > MAX_VALUES) refuse(400, 'too-costly', `A search may have ${MAX_VALUES} values: make several.`);
}

/** Refuses (400) what is not supported by its name, and values that are not of the parameter's form. */
export function parseSearch(type: SupportedType, given: Parameters, baseUrl: string, lenient: boolean): ParsedSearch {
  refuseTooMany(given);
  const reading = new Reading(type.name, baseUrl);
  const used: (readonly [string, string])[] = [];
  for (const [name, value] of given) {
    if (reading.take(name, value)) {
      if (!PRESENTATION.has(name)) used.push([name, value]);
    } else if (!lenient) {
      const supported = [...reading.parameters.map((parameter) => parameter.name), '_count'];
      refuse(400, 'not-supported', `${type.name} is searched by ${supported.join(', ')}.`, safeName(name));
    }
  }
  const countOnly = reading.countOnly || reading.search.count === 0;
  if (countOnly) Object.assign(reading.search, { count: 1, isTotalAlone: true });
  return { search: reading.search, impossible: reading.impossible, countOnly, used, page: reading.page };
}

/** A parameter's name is the client's text: it is repeated only where it looks like a name. */
const safeName = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(name) ? name : 'parameter');
