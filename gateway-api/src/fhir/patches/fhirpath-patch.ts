/**
 * FHIRPath Patch (hl7.org/fhir/R4/fhirpatch.html): Parameters of operations on what FHIRPath names. Paths are evaluated on a copy with
 * plain numbers; what is changed keeps its digits.
 */

import { evalFhirPathTyped } from '@medplum/core';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { withPlainNumbers } from '../../http/plain-numbers.ts';
import { errorIssue, type IssueType, Refusal, refuse, UNPROCESSABLE } from '../outcomes.ts';
import { type ElementSchema, schemaOf } from '../validation/schema.ts';
import { insert, type Members, move, type Place, placeOf, remove, valueAt } from './elements.ts';

const MOST_OPERATIONS = 200;
const LONGEST_PATH = 1_000;
/** What a path may call: nothing that runs for long, whatever it is given. */
const FUNCTIONS = new Set(
  'where first last tail skip take single exists empty not all ofType as is extension contains startsWith endsWith count hasValue lower upper'.split(
    ' ',
  ),
);

const TYPES = ['add', 'insert', 'delete', 'replace', 'move'] as const;

/** A value as its part states it: of a type that its name says, or put together from parts. */
interface Stated {
  /** `Quantity` of `valueQuantity`. */
  type?: string;
  value?: unknown;
  parts?: readonly { name: string; value: Stated }[];
}

export interface FhirPathOperation {
  type: (typeof TYPES)[number];
  path: string;
  name?: string;
  value?: Stated;
  index?: number;
  source?: number;
  destination?: number;
  /** Where it stands, for errors. */
  at: string;
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The operations of Parameters. @throws {Refusal} 400 for what are none */
export function fhirPathPatchOf(body: unknown, place: string): FhirPathOperation[] {
  if (!isMembers(body) || body['resourceType'] !== 'Parameters')
    return refuse(400, 'structure', 'A patch is a JSON Patch, or Parameters (FHIRPath Patch).', place);
  const parameters = listOf(body['parameter']);
  if (parameters.length === 0) refuse(400, 'required', 'A patch has operations.', `${place}.parameter`);
  if (parameters.length > MOST_OPERATIONS)
    refuse(413, 'too-costly', `A patch may have ${MOST_OPERATIONS} operations: send several.`, `${place}.parameter`);
  return parameters.map((one, index) => operationIn(one, `${place}.parameter[${index}]`));
}

function operationIn(parameter: unknown, at: string): FhirPathOperation {
  if (!isMembers(parameter) || parameter['name'] !== 'operation')
    return refuse(400, 'value', 'Each parameter of a patch is an operation.', `${at}.name`);
  const parts = new Map<string, { stated: Stated; at: string }>();
  for (const [index, part] of listOf(parameter['part']).entries()) {
    const [where, name] = [`${at}.part[${index}]`, isMembers(part) ? part['name'] : undefined];
    if (typeof name !== 'string' || parts.has(name))
      return refuse(400, 'structure', 'Each part has a name of its own.', where);
    parts.set(name, { stated: statedIn(part as Members, where), at: where });
  }
  const text = (name: string): string | undefined => {
    const found = parts.get(name);
    if (found === undefined) return undefined;
    return typeof found.stated.value === 'string'
      ? found.stated.value
      : refuse(400, 'value', 'A text is expected.', found.at);
  };
  const number = (name: string): number | undefined => {
    const found = parts.get(name);
    if (found === undefined) return undefined;
    const { value } = found.stated;
    return Number.isSafeInteger(value) && Number(value) >= 0
      ? Number(value)
      : refuse(400, 'value', 'An index is expected.', found.at);
  };
  const type = TYPES.find((one) => one === text('type'));
  if (type === undefined) return refuse(400, 'code-invalid', `Operations are ${TYPES.join(', ')}.`, at);
  const path = text('path') ?? refuse(400, 'required', 'An operation has a path.', at);
  const [name, value] = [text('name'), parts.get('value')?.stated];
  const [index, source, destination] = [number('index'), number('source'), number('destination')];
  const lacks =
    (type === 'add' && (name === undefined || value === undefined)) ||
    (type === 'insert' && (index === undefined || value === undefined)) ||
    (type === 'replace' && value === undefined) ||
    (type === 'move' && (source === undefined || destination === undefined));
  if (lacks) return refuse(400, 'required', `A part of ${type} is lacking.`, at);
  return {
    ...{ type, path, at },
    ...(name === undefined ? {} : { name }),
    ...(value === undefined ? {} : { value }),
    ...(index === undefined ? {} : { index }),
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  };
}

function statedIn(part: Members, at: string): Stated {
  const values = Object.keys(part).filter((key) => /^value[A-Z]/.test(key));
  if (values.length === 1) return { type: values[0]!.slice('value'.length), value: part[values[0]!] };
  const parts = listOf(part['part']);
  if (values.length > 1 || parts.length === 0) return refuse(400, 'structure', 'A part has one value, or parts.', at);
  return {
    parts: parts.map((one, index) => {
      const name = isMembers(one) ? one['name'] : undefined;
      if (typeof name !== 'string') return refuse(400, 'required', 'A part has a name.', `${at}.part[${index}]`);
      return { name, value: statedIn(one as Members, `${at}.part[${index}]`) };
    }),
  };
}

/** The patched copy. @throws {Refusal} 400 for a path that cannot be evaluated, 422 where an operation fails */
export function fhirPathPatched(resource: object, operations: readonly FhirPathOperation[]): unknown {
  const copy = parseExact(JSON.stringify(resource)) as Members;
  for (const operation of operations) apply(copy, operation);
  return copy;
}

const failure = (at: string, text: string, code: IssueType = 'processing'): Refusal =>
  new Refusal(UNPROCESSABLE, errorIssue(code, text, at));
const fails = (...what: Parameters<typeof failure>): never => {
  throw failure(...what);
};

function apply(resource: Members, operation: FhirPathOperation): void {
  const { type, at } = operation;
  const paths = pathsOf(resource, operation);
  if (type === 'add') add(resource, only(paths, at), operation);
  else if (type === 'insert' || type === 'move') inList(resource, paths, operation);
  else if (type === 'replace') replace(elementAt(resource, paths, at), operation);
  else if (paths.length > 0) remove(elementAt(resource, paths, at));
}

const elementAt = (resource: Members, paths: readonly string[], at: string): Place =>
  placeOf(resource, only(paths, at)) ?? fails(at, 'The whole resource is neither deleted nor replaced.');

const only = (paths: readonly string[], at: string): string =>
  paths.length === 1 ? paths[0]! : fails(at, `The path names ${paths.length === 0 ? 'nothing' : 'several elements'}.`);

/** Where what a path names stands. */
function pathsOf(resource: Members, { path, at }: FhirPathOperation): string[] {
  const called = path.replace(/'(?:[^'\\]|\\.)*'/g, "''").matchAll(/([A-Za-z_]\w*)\s*\(/g);
  for (const [, name = ''] of called)
    if (!FUNCTIONS.has(name)) refuse(400, 'not-supported', 'A path of a patch may not call this function.', at);
  if (path.length > LONGEST_PATH) refuse(413, 'too-costly', 'The path is too long.', at);
  const type = String(resource['resourceType']);
  const root = { type, value: withPlainNumbers(resource), path: type };
  try {
    return evalFhirPathTyped(path, [root]).map((one) =>
      'path' in one && typeof one.path === 'string' ? one.path : '',
    );
  } catch {
    return refuse(400, 'value', 'The path is no FHIRPath that can be evaluated here.', at);
  }
}

function add(resource: Members, path: string, { name = '', value = {}, at }: FhirPathOperation): void {
  const place = placeOf(resource, path);
  const holder = place === undefined ? resource : valueAt(place);
  const holderType = place === undefined ? String(resource['resourceType']) : place.element.type;
  if (!isMembers(holder) || path === '') throw failure(at, 'The path names nothing that has elements.');
  const [json, element] = named(holderType, name, value) ?? fails(at, 'There is no such element.', 'structure');
  if (element.repeats) insert({ holder, name: json }, listOf(holder[json]).length, builtOf(value, element, at));
  else if (isThere(holder, holderType, element.element)) fails(at, 'The element is there already: replace it.');
  else holder[json] = builtOf(value, element, at);
}

/** The JSON name of an element, of a choice by the type of the value. */
function named(type: string, name: string, { type: valueType }: Stated): [string, ElementSchema] | undefined {
  const elements = schemaOf(type)?.elements;
  const json = elements?.has(name) ? name : name + (valueType ?? '');
  const element = elements?.get(json);
  return element === undefined ? undefined : [json, element];
}

const isThere = (holder: Members, type: string, element: string): boolean =>
  [...(schemaOf(type)?.elements ?? [])].some(([json, one]) => one.element === element && Object.hasOwn(holder, json));

/** The value of an element; what is put together from parts has the names of the element's type. */
function builtOf({ value, parts }: Stated, { type }: ElementSchema, at: string): unknown {
  if (parts === undefined) return value;
  const built: Members = {};
  for (const part of parts) {
    const [json, element] = named(type, part.name, part.value) ?? fails(at, 'There is no such element.', 'structure');
    const inner = builtOf(part.value, element, at);
    built[json] = element.repeats ? [...listOf(built[json]), inner] : inner;
  }
  return built;
}

function replace(place: Place, { value = {}, at }: FhirPathOperation): void {
  const { holder, holderType, name, element, index } = place;
  const built = builtOf(value, element, at);
  if (index !== undefined) (holder[name] as unknown[])[index] = built;
  else if (!element.choice) holder[name] = built;
  else {
    const [json] = named(holderType, element.element, value) ?? fails(at, 'The element has no such type.', 'structure');
    remove(place);
    holder[json] = built;
  }
}

function inList(resource: Members, paths: readonly string[], operation: FhirPathOperation): void {
  const { type, index = 0, source = 0, destination = 0, value = {}, at } = operation;
  const [first] = paths.map((path) => placeOf(resource, path));
  const isOne = paths.every((path) => placeOf(resource, path)?.holder === first?.holder && path.endsWith(']'));
  if (first === undefined || !isOne || first.index === undefined) throw failure(at, 'The path names no list.');
  const { length } = listOf(first.holder[first.name]);
  if (type === 'insert') {
    if (index > length) fails(at, 'The index is beyond the end of the list.');
    insert(first, index, builtOf(value, first.element, at));
  } else {
    if (source >= length || destination >= length) fails(at, 'The index is beyond the end of the list.');
    move(first, source, destination);
  }
}
