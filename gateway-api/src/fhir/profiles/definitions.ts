/** What of a StructureDefinition (hl7.org/fhir/R4/structuredefinition.html) a profile is judged by, as a tree of its elements. */

export interface ElementDefinition {
  id: string;
  path: string;
  min?: number;
  max?: string;
  type?: { code: string; profile?: string[]; targetProfile?: string[] }[];
  slicing?: { discriminator?: Discriminator[]; rules?: string };
  binding?: { strength: string; valueSet?: string };
  constraint?: { key: string; severity: string; human?: string; expression?: string }[];
  /** `fixedCode`, `patternCodeableConcept` and the like. */
  [name: string]: unknown;
}

export interface Discriminator {
  type: string;
  path: string;
}

export interface StructureDefinition {
  url: string;
  type: string;
  elements: ElementDefinition[];
}

/** An element, the elements inside it, and the slices of it by their names. */
export interface Node {
  /** `value[x]` for a choice. */
  name: string;
  element: ElementDefinition | undefined;
  children: Map<string, Node>;
  slices: Map<string, Node>;
}

const newNode = (name: string): Node => ({ name, element: undefined, children: new Map(), slices: new Map() });

function inside(all: Map<string, Node>, key: string, name: string): Node {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = newNode(name);
  all.set(key, made);
  return made;
}

/** The root of a profile's elements: `Observation.component:systolic.code` is a child of a slice. */
export function treeOf({ type, elements }: StructureDefinition): Node {
  const root = newNode(type);
  for (const element of elements) {
    let node = root;
    for (const step of element.id.split('.').slice(1)) {
      const [name = '', slice] = step.split(':');
      node = inside(node.children, name, name);
      if (slice !== undefined) node = inside(node.slices, slice, name);
    }
    node.element = element;
  }
  return root;
}

/** What an element says under a name that begins so: `fixed` finds `fixedUri`. */
export function saidOf(element: ElementDefinition | undefined, prefix: 'fixed' | 'pattern'): unknown {
  const [, value] = Object.entries(element ?? {}).find(([name]) => new RegExp(`^${prefix}[A-Z]`).test(name)) ?? [];
  return value;
}
