/**
 * What a search answers of its matches, and what beside them: `_summary`, `_elements`, `_include`, `_revinclude`
 * (hl7.org/fhir/R4/search.html#return).
 */
import { readFileSync } from 'node:fs';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { refuse } from '../outcomes.ts';
import { parameterOf, parametersOf } from '../search-parameters.ts';
import { supportedType } from '../types.ts';
import { badValue } from './columns.ts';
import type { SummaryRows } from './definitions/rows.ts';

/** Which references are followed: from the matches to what they lead to, or from what refers to them. */
export interface Include {
  /** The type that has the reference; undefined for all of the matches. */
  from: string | undefined;
  /** All of the type where it is undefined. */
  parameter: string | undefined;
  /** The type that it leads to; any where it is undefined. */
  to: string | undefined;
  isReverse: boolean;
  /** From what was included, too. */
  isIterated: boolean;
}

const SUMMARIES = ['true', 'text', 'data', 'count', 'false'] as const;

export interface Answered {
  summary: (typeof SUMMARIES)[number];
  elements: readonly string[] | undefined;
  includes: readonly Include[];
}

const MOST_INCLUDES = 20;

export const newAnswered = (): Answered => ({ summary: 'false', elements: undefined, includes: [] });

function parseInclude(type: string, [name, text]: readonly [string, string]): Include {
  const isReverse = name.startsWith('_revinclude');
  const isIterated = /:(iterate|recurse)$/.test(name);
  if (text === '*' && !isReverse)
    return { from: undefined, parameter: undefined, to: undefined, isReverse, isIterated };
  const [from = '', parameter = '', to, ...more] = text.split(':');
  const known = supportedType(from) === undefined ? undefined : parameterOf(from, parameter);
  const isKnown = parameter === '*' || known?.type === 'reference';
  const isTarget = to === undefined || supportedType(to) !== undefined;
  if (!isKnown || !isTarget || more.length > 0 || supportedType(from) === undefined)
    return badValue(name, 'Type:parameter or Type:parameter:TargetType, with a parameter that is a reference');
  if (!isReverse && !isIterated && from !== type)
    return badValue(name, `a parameter of ${type}: what it includes is followed on with :iterate`);
  return { from, parameter: parameter === '*' ? undefined : parameter, to, isReverse, isIterated };
}

function parseElements(text: string): readonly string[] {
  const names = text.split(',');
  if (!names.every((name) => /^[A-Za-z]+(\.[A-Za-z]+)*$/.test(name))) badValue('_elements', 'names of elements');
  return names.map((name) => name.split('.')[0]!);
}

/** Takes a parameter of the answer's form; false where it is none. Refuses (400) values that it does not have. */
export function takeAnswered(answered: Answered, type: string, [name, value]: readonly [string, string]): boolean {
  if (name === '_summary') {
    const summary = SUMMARIES.find((one) => one === value);
    answered.summary = summary ?? badValue(name, SUMMARIES.join(', '));
  } else if (name === '_elements') answered.elements = parseElements(value);
  else if (name === '_contained') {
    if (value !== 'false') refuse(400, 'not-supported', 'Contained resources are not searched.', name);
  } else if (/^_(?:rev)?include(?::(?:iterate|recurse))?$/.test(name)) {
    if (answered.includes.length >= MOST_INCLUDES)
      refuse(400, 'too-costly', `At most ${MOST_INCLUDES} includes.`, name);
    answered.includes = [...answered.includes, parseInclude(type, [name, value])];
  } else return false;
  return true;
}

let summaries: SummaryRows | undefined;
function summaryOf(type: string): SummaryRows[string] {
  summaries ??= JSON.parse(readFileSync(new URL('definitions/summaries.json', import.meta.url), 'utf8')) as SummaryRows;
  return summaries[type] ?? { s: [], m: [] };
}

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
const ALWAYS = ['resourceType', 'id', 'meta'];

function subsetted(resource: Resource, isKept: (element: string) => boolean): Resource {
  const kept = Object.entries(resource).filter(([name]) => ALWAYS.includes(name) || isKept(name.replace(/^_/, '')));
  const { meta = {} } = resource as { meta?: { tag?: object[] } };
  return {
    ...Object.fromEntries(kept),
    meta: { ...meta, tag: [...(meta.tag ?? []), SUBSETTED] },
  } as unknown as Resource;
}

/** Whether a JSON name is one of these elements, `value` among them for `valueQuantity`. */
const isOneOf = (elements: readonly string[], name: string): boolean =>
  elements.some((one) => name === one || (name.startsWith(one) && /^[A-Z]/.test(name.slice(one.length))));

/** The resource as it is answered: a part of it says that it is one (SUBSETTED). */
export function answeredOf(resource: Resource, { summary, elements }: Answered): Resource {
  const { s, m } = summaryOf(resource.resourceType);
  if (summary === 'true') return subsetted(resource, (name) => isOneOf([...s, ...m], name));
  if (summary === 'text') return subsetted(resource, (name) => name === 'text' || isOneOf(m, name));
  if (summary === 'data') return subsetted(resource, (name) => name !== 'text');
  if (elements === undefined) return resource;
  return subsetted(resource, (name) => isOneOf([...elements, ...m], name));
}

/** The reference parameters that an include follows from a type. */
export const followedFrom = (type: string, { from, parameter }: Include): readonly string[] =>
  from !== undefined && from !== type
    ? []
    : parametersOf(type)
        .filter(({ type: kind, name }) => kind === 'reference' && (parameter === undefined || name === parameter))
        .map(({ name }) => name);
