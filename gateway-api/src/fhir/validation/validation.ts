/**
 * Validates a resource against R4: structure, cardinalities, primitive forms, choices, reference targets, required
 * bindings and invariants, in one walk; what is unknown is refused, never dropped. The walk also gathers the
 * references, so that no second walk is needed. Issues name the place, never the value.
 */

import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { errorIssue, type Issue, warningIssue } from '../outcomes.ts';
import { isBound } from './bindings.ts';
import { byDefinition } from './by-definition.ts';
import { Compared } from './compared.ts';
import type { Invariant } from './invariants.ts';
import { narrativeFault } from './narrative.ts';
import { isInadvisable, isOfPrimitive } from './primitives.ts';
import { type ElementSchema, schemaOf, type TypeSchema } from './schema.ts';

/** A Reference.reference met in a resource. `holder.reference` can be written to. */
export interface FoundReference {
  holder: { reference: string; type?: string };
  /** FHIRPath of the `reference` element. */
  expression: string;
  targets: ReadonlySet<string> | undefined;
}

/** A uri, or a narrative, that may repeat a Bundle's fullUrl. `holder[key]` can be written to. */
export interface FoundLink {
  holder: Record<string | number, unknown>;
  key: string | number;
}

/**
 * By what a resource is judged: `record`, what is recorded here; `definitions`, what R4's definitions say of it, whoever records
 * it: what is refused here alone is a warning then, and what is passed here alone an error.
 */
export type Measure = 'record' | 'definitions';

export interface Validation {
  issues: Issue[];
  /** What R4 permits and is refused here; empty by the measure of `record`, where these are issues. */
  warnings: Issue[];
  /** What the definitions say against it and is passed here; empty by the measure of `record`. */
  passed: Issue[];
  references: FoundReference[];
  /** Values of uri elements that begin with `urn:` or `#`, and narratives that mention a `urn:`. */
  links: FoundLink[];
}

const MAX_ISSUES = 50;
/** Deeper than any resource of use; keeps the walk, and canonical JSON after it, within the stack. */
const MAX_DEPTH = 60;
const PROPERTY = /^_?[A-Za-z][A-Za-z0-9]{0,63}$/;

type Members = Record<string, unknown>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);

/** Where the walk is. */
interface Place {
  path: string;
  /** The innermost resource. */
  resource: Members;
  depth: number;
}

interface Pending {
  invariant: Invariant;
  value: unknown;
  type: string;
  resource: Members;
  path: string;
}

class Walk implements Validation {
  readonly issues: Issue[] = [];
  readonly warnings: Issue[] = [];
  readonly passed: Issue[] = [];
  readonly references: FoundReference[] = [];
  readonly links: FoundLink[] = [];
  readonly #pending: Pending[] = [];
  readonly #root: Members;
  readonly #isByDefinitions: boolean;
  /** Some number keeps digits that a double has not. */
  #isExact = false;

  constructor(root: Members, measure: Measure) {
    this.#root = root;
    this.#isByDefinitions = measure === 'definitions';
  }

  /** Always false: what the walk returns for what is not sound. */
  report(code: Issue['code'], path: string, diagnostics: string): false {
    if (this.issues.length < MAX_ISSUES) this.issues.push(errorIssue(code, diagnostics, path));
    return false;
  }

  /** What R4 permits and this gateway does not record. */
  #refuseHere(code: Issue['code'], path: string, diagnostics: string): void {
    if (!this.#isByDefinitions) this.report(code, path, diagnostics);
    else if (this.warnings.length < MAX_ISSUES) this.warnings.push(warningIssue(code, diagnostics, path));
  }

  resource(value: unknown, path: string, depth: number): boolean {
    if (!isMembers(value)) return this.report('structure', path, 'A resource is a JSON object.');
    const type = value['resourceType'];
    const schema = typeof type === 'string' ? schemaOf(type) : undefined;
    if (schema?.resource !== true) {
      return this.report('structure', `${path}.resourceType`, 'This is not a resource type of FHIR R4.');
    }
    this.#contained(value, path);
    return this.object(schema, value, { path, resource: value, depth });
  }

  /**
   * Walks a resource, a data type or a backbone element; true where nothing was reported in it. `isBeside`: it stands beside
   * the value of a primitive element, so that an id is enough (ele-1).
   */
  object(schema: TypeSchema, value: Members, place: Place, isBeside = false): boolean {
    const { path } = place;
    if (place.depth > MAX_DEPTH) return this.report('too-long', path, `Nested deeper than ${MAX_DEPTH} levels.`);
    const before = this.issues.length;
    let substance = schema.resource ? 1 : 0;
    let choices: Map<string, string> | undefined;
    for (const key of Object.keys(value)) {
      if (key === 'resourceType' && schema.resource) continue;
      if (key !== 'id' || isBeside) substance += 1;
      const name = key.startsWith('_') ? key.slice(1) : key;
      const element = schema.elements.get(name);
      if (element === undefined || (name !== key && !element.primitive)) {
        this.report('structure', PROPERTY.test(key) ? `${path}.${key}` : path, `${schema.name} has no such element.`);
        continue;
      }
      if (element.choice) {
        choices ??= new Map();
        if ((choices.get(element.element) ?? name) !== name) {
          this.report('structure', `${path}.${name}`, `Only one type of ${element.element}[x] may be given.`);
        }
        choices.set(element.element, name);
      }
      const inner = { ...place, path: `${path}.${name}` };
      if (name === key) this.#property(element, value, key, inner);
      else this.#extensions(element, value, key, inner);
    }
    if (substance === 0) this.report('structure', path, 'An element may not be empty.');
    this.#presence(schema, value, path);
    this.#special(schema, value, path);
    this.#defer(schema.invariants, value, schema.fhirPathName, place);
    return this.issues.length === before;
  }

  #presence(schema: TypeSchema, value: Members, path: string): void {
    for (const { element, names } of schema.required) {
      if (!names.some((name) => value[name] !== undefined || value[`_${name}`] !== undefined)) {
        this.report('required', `${path}.${element}`, `${schema.name}.${element} is required.`);
      }
    }
  }

  #property(element: ElementSchema, holder: Members, key: string, place: Place): boolean {
    const value = holder[key];
    const { path } = place;
    if (!element.repeats) {
      if (Array.isArray(value)) return this.report('structure', path, 'This element does not repeat: no array here.');
      return this.#value(element, value, holder, key, place);
    }
    if (!Array.isArray(value)) return this.report('structure', path, 'This element repeats: an array is expected.');
    if (value.length === 0) return this.report('structure', path, 'An array may not be empty.');
    if (value.length > element.max) this.report('structure', path, `At most ${element.max} may be given.`);
    const siblings = holder[`_${key}`];
    for (let index = 0; index < value.length; index += 1) {
      const isExtended = element.primitive && Array.isArray(siblings) && isMembers(siblings[index]);
      if (value[index] === null && isExtended) continue;
      const inner = { ...place, path: `${path}[${index}]` };
      this.#value(element, value[index], value as unknown as Members, index, inner);
    }
    return true;
  }

  #value(element: ElementSchema, value: unknown, holder: Members, key: string | number, place: Place): boolean {
    const { type } = element;
    const { path, depth } = place;
    if (value === null) return this.report('structure', path, 'null is not a value.');
    if (type === 'Resource') return this.resource(value, path, depth + 1);
    if (element.primitive) {
      if (!isOfPrimitive(type, value)) {
        if (!isInadvisable(type, value)) return this.report('value', path, `This is not a valid ${type}.`);
        this.#refuseHere('value', path, `This is not a valid ${type}.`);
      }
      if (this.#isByDefinitions) this.#byDefinition(type, value, path);
      if (isExactNumber(value)) this.#isExact = true;
      this.#link(type, value, holder, key);
    } else {
      if (!isMembers(value)) return this.report('structure', path, `A JSON object of type ${type} is expected.`);
      if (!this.object(schemaOf(type)!, value, { ...place, depth: depth + 1 })) return false;
      if (type === 'Reference') this.#reference(element, value, path);
    }
    if (element.binding !== undefined && !isBound(element.binding, type, value)) {
      this.report('code-invalid', path, `The code is not in the required value set ${element.binding.url}.`);
    }
    this.#defer(element.invariants, value, schemaOf(type)?.fhirPathName ?? type, place);
    return true;
  }

  /** `_name`: ids and extensions of a primitive element, beside it or in its place. */
  #extensions(element: ElementSchema, holder: Members, key: string, place: Place): boolean {
    const value = holder[key];
    if (element.repeats !== Array.isArray(value)) {
      return this.report('structure', place.path, `${key} must repeat exactly where ${key.slice(1)} does.`);
    }
    const siblings = holder[key.slice(1)];
    for (const [index, one] of (element.repeats ? (value as unknown[]) : [value]).entries()) {
      const path = element.repeats ? `${place.path}[${index}]` : place.path;
      if (one === null && element.repeats && Array.isArray(siblings) && (siblings[index] ?? null) !== null) continue;
      const beside = element.repeats && Array.isArray(siblings) ? siblings[index] : siblings;
      const isBeside = (beside ?? null) !== null;
      if (isMembers(one)) this.object(schemaOf('Element')!, one, { ...place, path, depth: place.depth + 1 }, isBeside);
      else this.report('structure', path, `${key} holds JSON objects.`);
    }
    return true;
  }

  /** A uri or narrative that may have to follow a Bundle's fullUrl to its new id; a canonical never does. */
  #link(type: string, value: unknown, holder: Members, key: string | number): void {
    if (typeof value !== 'string') return;
    const isLink =
      type === 'xhtml' ? HREF.test(value) : (type === 'canonical' ? /^#/ : LINK).test(value) && URI_TYPES.has(type);
    if (isLink) this.links.push({ holder: holder as Record<string | number, unknown>, key });
  }

  #reference(element: ElementSchema, value: Members, path: string): void {
    if (typeof value['reference'] !== 'string') return;
    const holder = value as unknown as FoundReference['holder'];
    this.references.push({ holder, expression: `${path}.reference`, targets: element.targets });
  }

  /** ext-1 with the extension's url, the system of an identifier and of a unit, txt-1 and txt-2. */
  #special(schema: TypeSchema, value: Members, path: string): void {
    if (this.#isByDefinitions) this.#byDefinition(schema.name, value, path);
    if (schema.name === 'Identifier' || schema.name === 'Quantity') {
      if (typeof value['system'] === 'string' && !ABSOLUTE.test(value['system']))
        this.report('value', `${path}.system`, 'This system is an absolute URI.');
    } else if (schema.name === 'Extension') {
      const hasValue = Object.keys(value).some((key) => key.startsWith('value') || key.startsWith('_value'));
      if (hasValue === (value['extension'] !== undefined)) {
        this.report('invariant', path, 'ext-1: an extension has either a value or extensions.');
      }
      // R4 types it as a string and means a uri.
      if (typeof value['url'] === 'string' && !isOfPrimitive('uri', value['url'])) {
        this.report('value', `${path}.url`, 'This is not a valid uri.');
      }
      // Within an extension that has several, a name is enough.
      const isWithin = /\.extension\[\d+\]\.extension\[\d+\]$/.test(path);
      if (typeof value['url'] === 'string' && !isWithin && !ABSOLUTE.test(value['url']))
        this.report('value', `${path}.url`, 'The url of an extension is an absolute URI.');
    } else if (schema.name === 'Narrative' && typeof value['div'] === 'string') {
      const here = narrativeFault(value['div']);
      const fault = here !== undefined && this.#isByDefinitions ? narrativeFault(value['div'], /^/) : here;
      if (fault !== undefined) this.report('invariant', `${path}.div`, fault);
      else if (here !== undefined) this.#refuseHere('invariant', `${path}.div`, here);
    }
  }

  /** These stand beside the walk's own issues, and hold back no invariant. */
  #byDefinition(type: string, value: unknown, path: string): void {
    const fault = byDefinition(type, value, path);
    if (fault !== undefined && this.passed.length < MAX_ISSUES)
      this.passed.push(errorIssue(fault.code, fault.text, `${path}${fault.at}`));
  }

  /** dom-2, dom-4 and dom-5; references.ts checks dom-3. */
  #contained(value: Members, path: string): void {
    if (!Array.isArray(value['contained'])) return;
    for (const [index, contained] of (value['contained'] as unknown[]).entries()) {
      if (!isMembers(contained)) continue;
      const place = `${path}.contained[${index}]`;
      const meta = isMembers(contained['meta']) ? contained['meta'] : {};
      if (contained['contained'] !== undefined) this.report('invariant', place, 'dom-2: no contained in a contained.');
      if (meta['versionId'] !== undefined || meta['lastUpdated'] !== undefined) {
        this.report('invariant', place, 'dom-4: a contained resource has no version and no lastUpdated.');
      }
      if (meta['security'] !== undefined)
        this.report('invariant', place, 'dom-5: a contained resource has no security label.');
    }
  }

  #defer(invariants: readonly Invariant[], value: unknown, type: string, { resource, path }: Place): void {
    for (const invariant of invariants) this.#pending.push({ invariant, value, type, resource, path });
  }

  /** Invariants presuppose a sound structure: they are checked when the walk found no fault. */
  invariants(): void {
    if (this.issues.length > 0) return;
    const compared = this.#isExact ? new Compared() : undefined;
    const seen = <T>(value: T): T => compared?.of(value) ?? value;
    const root = typed(seen(this.#root));
    for (const { invariant, value, type, resource, path } of this.#pending) {
      const context = { root, resource: resource === this.#root ? root : typed(seen(resource)) };
      if (!holds(invariant, seen(value), type, context))
        this.report('invariant', path, `${invariant.key}: ${invariant.human}`);
    }
  }
}

/** What may be the fullUrl of an entry, or something contained. */
const LINK = /^(?:urn:|#|https?:\/\/.*\/[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$)/;
const HREF = /(?:href|src)\s*=/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;
const URI_TYPES = new Set(['uri', 'url', 'oid', 'uuid', 'canonical']);
const typed = (resource: Members) => ({ type: resource['resourceType'] as string, value: resource });

/** What cannot be evaluated does not hold: an input that FHIRPath chokes on is refused, not passed. */
function holds(invariant: Invariant, ...rest: Parameters<Invariant['holds']>): boolean {
  try {
    return invariant.holds(...rest);
  } catch {
    return false;
  }
}

/**
 * Validates any JSON value as a resource. `path` is where it stands, for the issues' expressions: the resource type by
 * default, `Bundle.entry[3].resource` within a Bundle.
 */
export function validateResource(value: unknown, path?: string, measure: Measure = 'record'): Validation {
  const type = isMembers(value) && typeof value['resourceType'] === 'string' ? value['resourceType'] : '';
  const walk = new Walk(isMembers(value) ? value : {}, measure);
  walk.resource(value, path ?? (schemaOf(type)?.resource === true ? type : 'Resource'), 0);
  walk.invariants();
  return walk;
}
