/** Which slice of a profile a value is in (hl7.org/fhir/R4/profiling.html#discriminator). */
import type { Issue } from '../outcomes.ts';
import { type Discriminator, type ElementDefinition, type Node, saidOf } from './definitions.ts';
import { agrees, type Found, isMembers, under } from './values.ts';

/** What deciding needs of the other profiles. */
export interface Judges {
  /** Whether a code, Coding or CodeableConcept is in a value set; undefined where its codes are not known here. */
  isIn(value: unknown, valueSet: string): boolean | undefined;
  /** The type that a profile is of; undefined for one that is not known here. */
  typeOf(profile: string): string | undefined;
  /** What a value at a place breaks of a profile; undefined for one that is not known here. */
  judge(value: unknown, profile: string, path: string): Issue[] | undefined;
}

/** True or false; undefined where it cannot be decided here. */
type Decided = boolean | undefined;

const MOST_STEPS = 8;
const STEP = /^[A-Za-z]+(?:\[x\])?$/;

/** Names that a discriminator's path goes along; undefined for one that needs more. */
function stepsOf(path: string): string[] | undefined {
  if (path === '$this') return [];
  const steps = path.split('.');
  return steps.length <= MOST_STEPS && steps.every((one) => STEP.test(one)) ? steps : undefined;
}

const childOf = (node: Node, name: string): Node | undefined =>
  node.children.get(name) ?? node.children.get(`${name}[x]`);

function elementAt(node: Node, steps: readonly string[]): ElementDefinition | undefined {
  let at: Node | undefined = node;
  for (const step of steps) at = at && childOf(at, step);
  return at?.element;
}

/** Names as the values have them: a choice may be of any type. */
const namesOf = (node: Node, steps: readonly string[]): string[] => {
  const names: string[] = [];
  let at: Node | undefined = node;
  for (const step of steps) {
    at = at && childOf(at, step);
    names.push(at?.name ?? step);
  }
  return names;
};

/** Whether any value at a place is what the slice has there, by what it fixes, its pattern or its value set. */
function isLike(found: readonly unknown[], element: ElementDefinition | undefined, judges: Judges): Decided {
  const fixed = saidOf(element, 'fixed');
  if (fixed !== undefined) return found.some((value) => agrees(value, fixed, true));
  const pattern = saidOf(element, 'pattern');
  if (pattern !== undefined) return found.some((value) => agrees(value, pattern, false));
  const { strength, valueSet } = element?.binding ?? {};
  if (strength !== 'required' || valueSet === undefined) return undefined;
  const decided = found.map((value) => judges.isIn(value, valueSet));
  return decided.includes(true) || (decided.includes(undefined) ? undefined : false);
}

/** What a slice requires deeper than the place itself: each of its elements that says something. */
function isLikeInside(value: unknown, node: Node, judges: Judges): Decided {
  let isAny = false;
  for (const child of node.children.values()) {
    const found = under(value, [child.name]);
    const decided =
      isLike(found, child.element, judges) ??
      (found[0] === undefined ? undefined : isLikeInside(found[0], child, judges));
    if (decided === false) return false;
    isAny ||= decided === true;
  }
  return isAny || undefined;
}

function isOfType(value: unknown, type: string | undefined, element: ElementDefinition | undefined): Decided {
  const codes = element?.type?.map(({ code }) => code) ?? [];
  if (codes.length === 0) return undefined;
  if (type !== undefined) return codes.includes(type);
  const named = isMembers(value) ? value['resourceType'] : undefined;
  return typeof named === 'string' ? codes.includes(named) : undefined;
}

function decidedBy(
  { type, path }: Discriminator,
  slice: Node,
  { value, type: choice }: Found,
  judges: Judges,
): Decided {
  const steps = stepsOf(path);
  if (steps === undefined) return undefined;
  const [profile] = slice.element?.type?.[0]?.profile ?? [];
  // An extension is told by its URL, which is its profile's.
  if (path === 'url' && profile !== undefined) return isMembers(value) && value['url'] === profile.replace(/\|.*$/, '');
  const element = steps.length === 0 ? slice.element : elementAt(slice, steps);
  const found = under(value, namesOf(slice, steps));
  if (type === 'exists')
    return (element?.min ?? 0) > 0 ? found.length > 0 : element?.max === '0' ? found.length === 0 : undefined;
  if (type === 'type') return isOfType(found[0], steps.length === 0 ? choice : undefined, element);
  if (type === 'profile') {
    const [wanted] = element?.type?.[0]?.profile ?? [];
    const issues = wanted === undefined ? undefined : judges.judge(found[0], wanted, '');
    return issues && issues.length === 0;
  }
  const direct = isLike(found, element, judges);
  if (direct !== undefined) return direct;
  const at = steps.reduce<Node | undefined>((node, step) => node && childOf(node, step), slice);
  return at === undefined || found[0] === undefined
    ? found.length === 0
      ? false
      : undefined
    : isLikeInside(found[0], at, judges);
}

/** Whether a value is in a slice: all discriminators say so. Undefined where one of them cannot be decided here. */
export function isInSlice(
  discriminators: readonly Discriminator[],
  slice: Node,
  found: Found,
  judges: Judges,
): Decided {
  if (discriminators.length === 0) return undefined;
  const decided = discriminators.map((one) => decidedBy(one, slice, found, judges));
  if (decided.includes(false)) return false;
  return decided.includes(undefined) ? undefined : true;
}
