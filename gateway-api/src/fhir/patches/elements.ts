/** Elements of a resource by where they stand in its JSON: found by their FHIRPath names, changed with what stands beside primitives. */
import type { ElementSchema, TypeSchema } from '../validation/schema.ts';
import { schemaOf } from '../validation/schema.ts';

export type Members = Record<string, unknown>;

/** Where an element stands: in its holder under a name, and in a list there at an index. */
export interface Place {
  holder: Members;
  /** Its type, as the schema has it: `Patient.contact`. */
  holderType: string;
  /** As JSON has it: `valueQuantity`. */
  name: string;
  element: ElementSchema;
  index?: number;
}

/** The element of an object by its FHIRPath name: of a choice the one that is there. */
function elementIn(holder: Members, schema: TypeSchema, name: string): [string, ElementSchema] | undefined {
  const plain = schema.elements.get(name);
  if (plain !== undefined) return [name, plain];
  return [...schema.elements].find(
    ([json, { element, choice }]) => choice && element === name && Object.hasOwn(holder, json),
  );
}

/** `name` and index of each step behind the root: `Patient.name[0].given[1]`. */
const stepsIn = (path: string): { name: string; index: number | undefined }[] =>
  [...path.matchAll(/\.([A-Za-z_]\w*)(?:\[(\d+)\])?/g)].map(([, name = '', index]) => ({
    name,
    index: index === undefined ? undefined : Number(index),
  }));

const typeOf = (element: ElementSchema, value: unknown): string =>
  element.type === 'Resource' ? String((value as Members)['resourceType']) : element.type;

/** Undefined for the root itself, and for what no schema has. */
export function placeOf(resource: Members, path: string): Place | undefined {
  let holder = resource;
  let holderType = String(resource['resourceType']);
  let place: Place | undefined;
  for (const { name, index } of stepsIn(path)) {
    if (place !== undefined) {
      const value = valueAt(place);
      holderType = typeOf(place.element, value);
      holder = value as Members;
    }
    const schema = schemaOf(holderType);
    const found =
      typeof holder === 'object' && holder !== null && schema !== undefined
        ? elementIn(holder, schema, name)
        : undefined;
    if (found === undefined) return undefined;
    place = { holder, holderType, name: found[0], element: found[1], ...(index === undefined ? {} : { index }) };
  }
  return place;
}

export const valueAt = ({ holder, name, index }: Place): unknown => {
  const value = holder[name];
  return index === undefined ? value : (value as unknown[])[index];
};

/** What stands beside a primitive: its id and extensions (hl7.org/fhir/R4/json.html#primitive). */
const besides = (name: string): string => `_${name}`;

export function remove({ holder, name, index }: Place): void {
  for (const one of [name, besides(name)]) {
    const value = holder[one];
    if (index !== undefined && Array.isArray(value)) value.splice(index, 1);
    const isLeft = index !== undefined && Array.isArray(value) && value.some((item) => item !== null);
    if (!isLeft) delete holder[one];
  }
}

/** Puts a value into a list, before what stands at that index. */
export function insert({ holder, name }: Pick<Place, 'holder' | 'name'>, index: number, value: unknown): void {
  const list = (holder[name] ?? []) as unknown[];
  holder[name] = list;
  const beside = holder[besides(name)];
  if (Array.isArray(beside)) {
    while (beside.length < list.length) beside.push(null);
    beside.splice(index, 0, null);
  }
  list.splice(index, 0, value);
}

/** Moves an element of a list, with what stands beside it. */
export function move({ holder, name }: Pick<Place, 'holder' | 'name'>, source: number, destination: number): void {
  const list = holder[name] as unknown[];
  const beside = holder[besides(name)];
  if (Array.isArray(beside)) while (beside.length < list.length) beside.push(null);
  for (const one of [list, ...(Array.isArray(beside) ? [beside as unknown[]] : [])])
    one.splice(destination, 0, ...one.splice(source, 1));
}
