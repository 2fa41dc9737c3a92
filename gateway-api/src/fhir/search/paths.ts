/**
 * Paths of the generated search parameters: JSON names from the resource on, `participant.individual[is Practitioner]:Reference`, `gender:code@system`.
 * Arrays are entered. `[is Type]` keeps references to that type, `[name=value]` elements that say so. In a component of a
 * composite a path that begins with `%` goes from the resource on, and not from the base.
 */

export interface Path {
  steps: readonly Step[];
  isOfResource: boolean;
  /** Data type of what it leads to. */
  type: string;
  /** Of a `code`: the system that its binding says it is of. */
  system: string | undefined;
}

interface Step {
  name: string;
  keeps: (element: unknown) => boolean;
}

export type Element = Readonly<Record<string, unknown>>;

export const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `Type/id` in a reference that leads to this server or another, without a version. */
const TYPED = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]*)?$/;

/** The type that a Reference leads to, as far as it says so. */
function typeOfReference(element: unknown): string | undefined {
  if (!isElement(element)) return undefined;
  const { reference, type } = element;
  const named = typeof reference === 'string' ? TYPED.exec(reference)?.[1] : undefined;
  return named ?? (typeof type === 'string' ? type : undefined);
}

function filterOf(text: string | undefined): Step['keeps'] {
  if (text === undefined) return () => true;
  const type = /^is (.*)$/.exec(text)?.[1];
  if (type !== undefined) return (element) => typeOfReference(element) === type;
  const [name = '', value] = text.split('=');
  return (element) => isElement(element) && element[name] === value;
}

function stepOf(text: string): Step {
  const [, name = '', filter] = /^([A-Za-z]+)(?:\[(.*)\])?$/.exec(text) ?? [];
  return { name, keeps: filterOf(filter) };
}

export function pathOf(text: string): Path {
  const [, root, steps = '', type = '', system] = /^(%?)([^:]*):([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  return { steps: steps === '' ? [] : steps.split('.').map(stepOf), isOfResource: root === '%', type, system };
}

/** All that a path leads to, in the order of the resource. */
export function elementsAt(value: unknown, steps: readonly Step[], from = 0): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => elementsAt(one, steps, from));
  if (from > 0 && !steps[from - 1]!.keeps(value)) return [];
  const step = steps[from];
  if (step === undefined) return value === undefined || value === null ? [] : [value];
  return isElement(value) ? elementsAt(value[step.name], steps, from + 1) : [];
}
