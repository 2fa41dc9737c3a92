/**
 * The R4 types as validation walks them: elements by their JSON name, choices spelled out, made from the generated
 * tables the first time a type is met.
 */
import { readFileSync } from 'node:fs';
import { type Binding, bindingOf } from './bindings.ts';
import type { ElementRow, Structures } from './definitions/rows.ts';
import { NATIVE_INVARIANTS } from './definitions/rows.ts';
import { type Invariant, invariantOf } from './invariants.ts';
import { isPrimitive } from './primitives.ts';

export interface ElementSchema {
  /** Name of the element, `value` for `valueQuantity`. */
  element: string;
  type: string;
  primitive: boolean;
  repeats: boolean;
  /** The most repetitions, Infinity where there is no limit. */
  max: number;
  min: number;
  choice: boolean;
  binding: Binding | undefined;
  invariants: readonly Invariant[];
  /** Resource types that a Reference may name; undefined for any. */
  targets: ReadonlySet<string> | undefined;
}

export interface TypeSchema {
  name: string;
  /** As @medplum/core names it when it evaluates FHIRPath. */
  fhirPathName: string;
  resource: boolean;
  /** By JSON name, for instance `valueQuantity`. */
  elements: ReadonlyMap<string, ElementSchema>;
  /** Elements with min > 0, with the JSON names that satisfy each. */
  required: readonly { element: string; names: readonly string[] }[];
  invariants: readonly Invariant[];
}

const structures = JSON.parse(
  readFileSync(new URL('definitions/structures.json', import.meta.url), 'utf8'),
) as Structures;

export const FHIR_VERSION = structures.fhirVersion;

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const invariantsOf = (indexes: number[] | undefined): Invariant[] =>
  (indexes ?? []).map((index) => invariantOf(...structures.constraints[index]!));

const OWN_INVARIANTS: ReadonlySet<string> = new Set(structures.constraints.map(([key]) => key));
/** Whether R4 itself has an invariant of this key. */
export const isInvariantOfR4 = (key: string): boolean => OWN_INVARIANTS.has(key) || NATIVE_INVARIANTS.has(key);

const SIMPLE = structures.constraints
  .filter(([key]) => key === 'sqty-1')
  .map((constraint) => invariantOf(...constraint));

function elementsOf(element: string, row: ElementRow): [string, ElementSchema][] {
  const shared = {
    element,
    repeats: row.max !== undefined,
    max: row.max === undefined ? 1 : row.max === -1 ? Number.POSITIVE_INFINITY : row.max,
    min: row.min ?? 0,
    choice: row.choice === true,
    binding: row.b === undefined ? undefined : bindingOf(structures.valueSets[row.b]!),
    invariants: invariantsOf(row.c),
    targets: row.targets === undefined ? undefined : new Set(row.targets),
  };
  return row.t.map((type) => [
    row.choice === true ? element + capitalize(type) : element,
    {
      ...shared,
      ...(row.simple === true && type === 'Quantity' ? { invariants: [...shared.invariants, ...SIMPLE] } : {}),
      ...{ type, primitive: isPrimitive(type) },
    },
  ]);
}

function buildType(name: string): TypeSchema | undefined {
  const row = Object.hasOwn(structures.types, name) ? structures.types[name] : undefined;
  if (row === undefined) return undefined;
  const rows = Object.entries(row.e);
  return {
    name,
    fhirPathName: name.split('.').map(capitalize).join(''),
    resource: row.kind === 'resource',
    elements: new Map(rows.flatMap(([element, elementRow]) => elementsOf(element, elementRow))),
    required: rows
      .filter(([, elementRow]) => (elementRow.min ?? 0) > 0)
      .map(([element, elementRow]) => ({ element, names: elementsOf(element, elementRow).map(([json]) => json) })),
    invariants: invariantsOf(row.c),
  };
}

const built = new Map<string, TypeSchema>();

/** The schema of a resource type, data type or backbone path (`Claim.item`); undefined for what R4 does not have. */
export function schemaOf(name: string): TypeSchema | undefined {
  const known = built.get(name);
  if (known !== undefined) return known;
  const schema = buildType(name);
  if (schema !== undefined) built.set(name, schema);
  return schema;
}

/** Whether R4 has a resource type of this name. */
export const isResourceType = (name: string): boolean => schemaOf(name)?.resource === true;
