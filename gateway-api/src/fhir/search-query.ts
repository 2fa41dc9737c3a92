/**
 * Reads a query (hl7.org/fhir/R4/search.html) into a Search and the form of its answer, by the table of search parameters. A parameter or
 * modifier that is not supported is refused, unless the client asked for `Prefer: handling=lenient`: an ignored filter shows too
 * much. What is ignored is told.
 */
import { refuse } from './outcomes.ts';
import type { Search, SortKey } from './repository.ts';
import { type Answered, newAnswered, takeAnswered } from './search/answered.ts';
import { badValue, parseDate, parseIds } from './search/columns.ts';
import { COMPARTMENT, withinCompartment } from './search/compartments.ts';
import { criterionOf } from './search/criteria.ts';
import { parameterOf, parametersOf } from './search-parameters.ts';
import { splitEscaped } from './tokens.ts';
import type { SupportedType } from './types.ts';

export const DEFAULT_COUNT = 50;
export const MAX_COUNT = 1000;
/** Of all parameters together: the read model's statements have limits, and a Bundle's GETs have no other. */
const MAX_VALUES = 500;
const MOST_SORT_KEYS = 4;

export type Parameters = readonly (readonly [name: string, value: string])[];

export interface ParsedSearch {
  search: Search;
  /** Criteria that exclude each other: nothing is asked of the repository. */
  impossible: boolean;
  /** `_count=0` or `_summary=count`. */
  countOnly: boolean;
  /** What was understood, for the self link. */
  used: Parameters;
  /** Names of what was left out, where a client is lenient. */
  ignored: readonly string[];
  /** What of the matches is answered, and what with them. */
  answered: Answered;
  page: string | undefined;
}

/** Concern the form of the answer, not what is found. */
const PRESENTATION = new Set(['_format', '_pretty']);
function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) badValue('_count', 'a whole number');
  return Math.min(Number(text), MAX_COUNT);
}

const both = (before: string[] | undefined, ids: string[]): string[] =>
  before === undefined ? ids : before.filter((id) => ids.includes(id));

/** hl7.org/fhir/R4/search.html#sort */
function parseSort(type: string, text: string): SortKey[] {
  const names = text.split(',');
  if (names.length > MOST_SORT_KEYS) refuse(400, 'too-costly', `At most ${MOST_SORT_KEYS} parameters sort.`, '_sort');
  return names.map((given) => {
    const isDescending = given.startsWith('-');
    const name = isDescending ? given.slice(1) : given;
    const parameter = parameterOf(type, name);
    const isKept = parameter !== undefined && !['event', 'recorded'].includes(parameter.column);
    if (!isKept || parameter.type === 'composite')
      badValue('_sort', 'names of search parameters, each with - before it or without');
    return { parameter: name, isDescending };
  });
}

const LISTED: readonly (keyof Search)[] = [
  ...(['values', 'ranges', 'composites', 'missing', 'chains', 'reverse', 'lastUpdated', 'recorded'] as const),
];
/** What is only looked at when nothing else can be. */
const REFUSED = new Set(['_list', '_filter', '_query', '_text', '_content', '_type', '_containedType']);

class Reading {
  readonly search: Search;
  readonly answered = newAnswered();
  page: string | undefined;
  readonly #baseUrl: string;

  constructor(type: string, baseUrl: string) {
    this.search = { type, count: DEFAULT_COUNT };
    this.#baseUrl = baseUrl;
  }

  /** Takes one parameter; false where there is none of that name. */
  take(name: string, value: string): boolean {
    const { search, answered } = this;
    if (name === '_count') search.count = parseCount(value);
    else if (name === '_page') this.page = value;
    else if (name === '_sort') search.sort = parseSort(search.type, value);
    else if (name === '_total') this.#total(value);
    // As fhirpy asks how many there are.
    else if (name === '_totalMethod' && value === 'count') search.isAccurate = true;
    else if (name === COMPARTMENT) this.#compartment(value);
    else if (PRESENTATION.has(name) || takeAnswered(answered, search.type, [name, value])) return true;
    else return this.#filter(name, value);
    return true;
  }

  #filter(given: string, text: string): boolean {
    if (REFUSED.has(given)) return false;
    if (this.#column(given, text)) return true;
    const filter = { given, text, baseUrl: this.#baseUrl, depth: 0 };
    const criterion = criterionOf(this.search.type, filter);
    if (criterion !== undefined) this.#add(criterion);
    return criterion !== undefined;
  }

  #compartment(text: string): void {
    const { ids, ...criterion } =
      withinCompartment(this.search.type, text) ??
      badValue(COMPARTMENT, 'a compartment that has this type, as Type/id');
    if (ids !== undefined) this.search.ids = both(this.search.ids, ids);
    this.#add(criterion);
  }

  #add(criterion: Partial<Search>): void {
    for (const name of LISTED) {
      const [before = [], more = []] = [this.search[name], criterion[name]] as unknown[][];
      if (more.length > 0) Object.assign(this.search, { [name]: [...before, ...more] });
    }
  }

  /** What columns of the versions say. */
  #column(given: string, text: string): boolean {
    const { search } = this;
    const parameter = parametersOf(search.type).find(
      ({ name, column }) => given === name || (column === 'patient' && given === `${name}:Patient`),
    );
    const ids = (of: string): string[] => parseIds(given, of, text, this.#baseUrl);
    if (parameter?.column === 'id') search.ids = both(search.ids, ids(search.type));
    else if (parameter?.column === 'patient' && isOfPatients(text))
      search.patients = both(search.patients, ids('Patient'));
    else if (parameter?.column === 'recorded') search.recorded = [...(search.recorded ?? []), parseDate(given, text)];
    else if (parameter?.column === 'last_updated')
      search.lastUpdated = [...(search.lastUpdated ?? []), parseDate(given, text)];
    else return false;
    return true;
  }

  #total(value: string): void {
    if (!['none', 'estimate', 'accurate'].includes(value)) badValue('_total', 'none, estimate or accurate');
    if (value === 'none') this.search.isUncounted = true;
    if (value === 'accurate') this.search.isAccurate = true;
  }

  get impossible(): boolean {
    const { ids, patients, values = [] } = this.search;
    const isImpossible = values.some(({ anyOf, isNot }) => anyOf.length === 0 && isNot !== true);
    return ids?.length === 0 || patients?.length === 0 || isImpossible;
  }
}

/** Whether all of these references lead to a Patient, or say no type. */
const isOfPatients = (text: string): boolean =>
  splitEscaped(text, ',').every(
    (one) => !/(?:^|\/)(?!Patient\/)[A-Z][A-Za-z]+\/[^/]+(?:\/_history\/[^/]*)?$/.test(one),
  );

function refuseTooMany(given: Parameters): void {
  const values = given.reduce((count, [, value]) => count + value.split(',', MAX_VALUES + 1).length, 0);
  if (values > MAX_VALUES) refuse(400, 'too-costly', `A search may have ${MAX_VALUES} values: make several.`);
}

/** Refuses (400) what is not supported by its name, and values that are not of the parameter's form. */
export function parseSearch(type: SupportedType, given: Parameters, baseUrl: string, lenient: boolean): ParsedSearch {
  refuseTooMany(given);
  const reading = new Reading(type.name, baseUrl);
  const used: (readonly [string, string])[] = [];
  const ignored: string[] = [];
  for (const [name, value] of given) {
    if (reading.take(name, value)) {
      if (!PRESENTATION.has(name)) used.push([name, value]);
    } else if (lenient) ignored.push(safeName(name));
    else {
      const supported = [...parametersOf(type.name).map((parameter) => parameter.name), '_count'];
      refuse(400, 'not-supported', `${type.name} is searched by ${supported.join(', ')}.`, safeName(name));
    }
  }
  const { search, answered, page } = reading;
  const countOnly = answered.summary === 'count' || search.count === 0;
  if (countOnly) Object.assign(search, { count: 1, isTotalAlone: true });
  return { search, impossible: reading.impossible, countOnly, used, ignored, answered, page };
}

/** A parameter's name is the client's text: it is repeated only where it looks like a name. */
export const safeName = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(name) ? name : 'parameter');
