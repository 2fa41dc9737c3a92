/**
 * Holds a resource that is sound R4 against a profile: what R4 says of it itself is not said again. Where a profile asks for what
 * cannot be decided here (a value set without its codes, a slice by what a reference leads to), it is passed.
 */
import { errorIssue, type Issue } from '../outcomes.ts';
import { invariantOf } from '../validation/invariants.ts';
import { isInvariantOfR4 } from '../validation/schema.ts';
import { type ElementDefinition, type Node, saidOf } from './definitions.ts';
import { isInSlice, type Judges } from './slices.ts';
import { agrees, type Found, isMembers, type Members, valuesOf } from './values.ts';

const OWN = 'http://hl7.org/fhir/StructureDefinition/';
const MOST_ISSUES = 50;
const MOST_DEEP = 60;

const most = (max: string | undefined): number =>
  max === undefined || max === '*' ? Number.POSITIVE_INFINITY : Number(max);

export class Judging {
  readonly issues: Issue[] = [];
  readonly #judges: Judges;
  readonly #root: Members;
  /** Of the profile, for people. */
  readonly #name: string;

  constructor(root: Members, name: string, judges: Judges) {
    this.#root = root;
    this.#name = name;
    this.#judges = judges;
  }

  #report(code: Issue['code'], what: string, path: string, severity: Issue['severity'] = 'error'): void {
    if (this.issues.length < MOST_ISSUES)
      this.issues.push({ ...errorIssue(code, `${this.#name}: ${what}`, path), severity });
  }

  /** All that an element of the profile says of a value and of what is in it. */
  element(node: Node, found: Found, deep = 0): void {
    const { value, path } = found;
    if (deep > MOST_DEEP) return;
    if (node.element !== undefined) this.#value(node.element, found);
    if (!isMembers(value)) return;
    for (const child of node.children.values()) this.#children(child, value, path, deep + 1);
  }

  #children(node: Node, holder: Members, path: string, deep: number): void {
    const all = valuesOf(holder, node.name, path);
    const place = `${path}.${node.name.replace('[x]', '')}`;
    this.#count(node.element, all.length, place);
    for (const found of all) this.element({ ...node, slices: new Map() }, found, deep);
    this.#slices(node, all, place, deep);
  }

  #count(element: ElementDefinition | undefined, count: number, place: string, what = 'it'): void {
    if (element === undefined) return;
    const { min = 0, max } = element;
    if (count < min)
      this.#report('required', `${what} is given at least ${min === 1 ? 'once' : `${min} times`}.`, place);
    if (count > most(max))
      this.#report(
        'structure',
        max === '0' ? `${what} is not given.` : `${what} is given at most ${max} times.`,
        place,
      );
  }

  #slices({ element, slices }: Node, all: readonly Found[], place: string, deep: number): void {
    const { discriminator = [], rules } = element?.slicing ?? {};
    const sliced = new Set<Found>();
    let isSure = true;
    for (const [name, slice] of slices) {
      const decided = all.map((found) =>
        isInSlice(this.#discriminatorsOf(discriminator, slice), slice, found, this.#judges),
      );
      const own = all.filter((_, index) => decided[index] === true);
      if (decided.includes(undefined)) {
        isSure = false;
        continue;
      }
      this.#count(slice.element, own.length, place, `the slice ${name}`);
      for (const found of own) {
        sliced.add(found);
        this.element(slice, found, deep);
      }
    }
    if (rules !== 'closed' || !isSure) return;
    for (const found of all)
      if (!sliced.has(found)) this.#report('structure', 'this is in none of the slices.', found.path);
  }

  /** `value[x]:valueQuantity` without a discriminator is a slice by type. */
  #discriminatorsOf(stated: readonly { type: string; path: string }[], { name }: Node) {
    return stated.length === 0 && name.endsWith('[x]') ? [{ type: 'type', path: '$this' }] : stated;
  }

  #value(element: ElementDefinition, found: Found): void {
    const { value, path, type } = found;
    const [fixed, pattern] = [saidOf(element, 'fixed'), saidOf(element, 'pattern')];
    if (fixed !== undefined && !agrees(value, fixed, true))
      this.#report('value', 'it is another than the one that is fixed.', path);
    if (pattern !== undefined && !agrees(value, pattern, false))
      this.#report('value', 'it has not all of the pattern.', path);
    if (element.path.includes('.')) this.#type(element, found);
    const { strength, valueSet } = element.binding ?? {};
    if (strength === 'required' && valueSet !== undefined && this.#judges.isIn(value, valueSet) === false)
      this.#report('code-invalid', `the code is not in the value set ${valueSet}.`, path);
    this.#invariants(element, value, path, type);
  }

  #type({ type: types = [] }: ElementDefinition, { value, path, type }: Found): void {
    const [first] = types;
    if (first === undefined) return;
    if (type !== undefined && !types.some(({ code }) => code === type)) {
      this.#report('structure', `it is of one of the types ${types.map(({ code }) => code).join(', ')}.`, path);
      return;
    }
    const meant = types.filter(({ code }) => type === undefined || code === type);
    const profiles = meant.flatMap(({ profile = [] }) => profile);
    const judged = profiles.map((profile) => this.#judges.judge(value, profile, path));
    // One of several is enough.
    if (judged.length > 0 && judged.every((issues) => issues !== undefined && issues.length > 0))
      for (const issue of judged[0]!) if (this.issues.length < MOST_ISSUES) this.issues.push(issue);
    const targets = meant.flatMap(({ targetProfile = [] }) => targetProfile);
    if (meant.every(({ code }) => code === 'Reference') && targets.length > 0) this.#reference(value, targets, path);
  }

  #reference(value: unknown, targets: readonly string[], path: string): void {
    const { reference, type } = isMembers(value) ? value : {};
    const named =
      typeof type === 'string'
        ? type
        : /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/.exec(String(reference))?.[1];
    // A package may name the version of what it leads to.
    const types = targets
      .map((one) => one.replace(/\|.*$/, ''))
      .map((one) => (one.startsWith(OWN) ? one.slice(OWN.length) : this.#judges.typeOf(one)));
    if (named === undefined || types.some((one) => one === undefined || one === 'Resource' || one === named)) return;
    // As R4's own types of references: what it leads to is not looked up.
    this.#report('value', `it leads to ${types.join(' or ')}.`, path, 'warning');
  }

  #invariants(
    { constraint = [], type: types = [], path: definedAt }: ElementDefinition,
    value: unknown,
    path: string,
    choice?: string,
  ): void {
    for (const { key, severity, expression } of constraint) {
      if (severity !== 'error' || expression === undefined || isInvariantOfR4(key)) continue;
      const isRoot = !definedAt.includes('.');
      const type = isRoot ? definedAt : (choice ?? types[0]?.code ?? 'Element');
      const root = { type: String(this.#root['resourceType'] ?? type), value: this.#root };
      try {
        const holds = invariantOf(key, expression, '').holds(value, type, { resource: root, root });
        if (!holds) this.#report('invariant', `the rule ${key} does not hold.`, path);
      } catch {
        // An expression that cannot be evaluated here decides nothing.
      }
    }
  }
}
