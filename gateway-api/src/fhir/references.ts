/**
 * References (hl7.org/fhir/R4/references.html) of the resources about to be written: conditional ones are resolved, those
 * into the same Bundle follow their target to its new id, and those to nothing are refused. One question to the
 * repository for all conditional references, one for all literal ones.
 */
import type { Change } from './changes.ts';
import { errorIssue } from './outcomes.ts';
import type { Repository } from './repository.ts';
import { type Criterion, criterionKey, parseCriterion } from './tokens.ts';
import { identifierParameter, supportedType } from './types.ts';
import { isResourceType } from './validation/schema.ts';
import type { FoundReference } from './validation/validation.ts';

/** Where the targets of a request's references are. */
export interface Targets {
  repository: Repository;
  /** Base URL of this server: absolute references to it become relative. */
  baseUrl: string;
  /** fullUrl of a Bundle's entry → `Type/id`. */
  byFullUrl: ReadonlyMap<string, string>;
  /** Whether this caller may resolve conditional references. */
  mayMatch: boolean;
  /** `Type/id` that this same request writes. */
  written: ReadonlySet<string>;
}

const RELATIVE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const CONDITIONAL = /^([A-Z][A-Za-z]+)\?(.*)$/s;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;
const RESTFUL = /^(https?:\/\/.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;
const CONTAINED_TYPES = /\/([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/;

interface Open {
  change: Change;
  found: FoundReference;
}

const refuseReference = (
  { change, found }: Open,
  code: 'not-found' | 'value' | 'structure' | 'multiple-matches' | 'not-supported',
  text: string,
): void => change.fail(code === 'multiple-matches' ? 412 : 422, errorIssue(code, text, found.expression));

/** `#x` must be the id of a contained resource of the same root, and each contained one must be referred to (dom-3). */
function checkContained(change: Change): void {
  const contained = Array.isArray(change.resource['contained']) ? change.resource['contained'] : [];
  const ids = contained.map((one) => (one as { id?: string }).id);
  const referredTo = new Set<unknown>();
  for (const found of change.references) {
    const { reference } = found.holder;
    if (!reference.startsWith('#')) continue;
    referredTo.add(
      reference === '#' ? found.expression.replace(/^(.*\.contained\[\d+\]).*$/, '$1') : reference.slice(1),
    );
    if (reference !== '#' && !ids.includes(reference.slice(1))) {
      refuseReference({ change, found }, 'not-found', 'ref-1: no contained resource has this id.');
    }
  }
  for (const { holder, key } of change.links) {
    const value = holder[key];
    if (typeof value === 'string' && value.startsWith('#')) referredTo.add(value.slice(1));
  }
  ids.forEach((id, index) => {
    const place = `${change.path}.contained[${index}]`;
    if (!referredTo.has(id) && !referredTo.has(place)) {
      change.fail(422, errorIssue('invariant', 'dom-3: nothing in the resource refers to this contained one.', place));
    }
  });
}

/** Writes the new `Type/id` where a reference names an entry of the Bundle or this server's own base URL. */
function localise({ change, found }: Open, { baseUrl, byFullUrl }: Targets): void {
  const { holder } = found;
  const base = change.fullUrl === undefined ? undefined : RESTFUL.exec(change.fullUrl)?.[1];
  const absolute = base !== undefined && RELATIVE.test(holder.reference) ? base + holder.reference : holder.reference;
  const inBundle = byFullUrl.get(holder.reference) ?? byFullUrl.get(absolute);
  if (inBundle !== undefined) holder.reference = inBundle;
  else if (holder.reference.startsWith(`${baseUrl}/`)) holder.reference = holder.reference.slice(baseUrl.length + 1);
}

/** hl7.org/fhir/R4/http.html#trules: uris and narrative links that repeat a fullUrl follow it as well. */
function rewriteLinks(change: Change, byFullUrl: Targets['byFullUrl']): void {
  if (byFullUrl.size === 0) return;
  for (const { holder, key } of change.links) {
    const value = holder[key];
    if (typeof value !== 'string') continue;
    holder[key] = value.startsWith('<')
      ? value.replace(/((?:href|src)\s*=\s*["'])(urn:[^"']+)/g, (all, head: string, url: string) => {
          const target = byFullUrl.get(url);
          return target === undefined ? all : head + target;
        })
      : (byFullUrl.get(value) ?? value);
  }
}

/** The type a reference names must be one that the element allows; a URL of another server is judged by its end. */
function checkTarget(open: Open, type: string | undefined): boolean {
  const { holder, targets } = open.found;
  if (type !== undefined && targets !== undefined && !targets.has(type)) {
    refuseReference(open, 'structure', 'This element may not refer to a resource of that type.');
    return false;
  }
  if (type !== undefined && holder.type !== undefined && holder.type !== type && isResourceType(holder.type)) {
    refuseReference(open, 'structure', 'Reference.type is not the type of what is referred to.');
    return false;
  }
  return true;
}

/** Resolves `Type?identifier=system|value` for all changes at once: exactly one match, or the change fails. */
async function resolveConditional(opens: Open[], { repository, mayMatch }: Targets): Promise<void> {
  const criteria = new Map<string, { criterion: Criterion; opens: Open[] }>();
  for (const open of opens) {
    const [, type = '', query = ''] = CONDITIONAL.exec(open.found.holder.reference) ?? [];
    const criterion = identifierParameter(type) !== undefined ? parseCriterion(type, query) : undefined;
    if (!mayMatch) {
      open.change.fail(403, errorIssue('forbidden', 'This role may not search for others.', open.found.expression));
    } else if (criterion === undefined) {
      refuseReference(open, 'not-supported', 'A conditional reference here is Type?identifier=system|value.');
    } else if (checkTarget(open, type)) {
      const key = criterionKey(criterion);
      const group = criteria.get(key) ?? { criterion, opens: [] };
      group.opens.push(open);
      criteria.set(key, group);
    }
  }
  if (criteria.size === 0) return;
  const groups = [...criteria.values()];
  const matches = await repository.findByIdentifier(groups.map(({ criterion }) => criterion));
  groups.forEach((group, index) => {
    const ids = matches[index] ?? [];
    for (const open of group.opens) {
      if (ids.length === 1) open.found.holder.reference = `${group.criterion.type}/${ids[0]}`;
      else if (ids.length === 0)
        open.change.fail(
          412,
          errorIssue('not-found', 'No resource matches this conditional reference.', open.found.expression),
        );
      else refuseReference(open, 'multiple-matches', 'More than one resource matches this conditional reference.');
    }
  });
}

/** Sorts one reference; what must be looked up in the store is returned as `Type/id`. */
function literalOf(open: Open, { written }: Targets): string | undefined {
  const { reference } = open.found.holder;
  const relative = RELATIVE.exec(reference);
  if (relative !== null) {
    const [, type = '', id = ''] = relative;
    if (!checkTarget(open, type) || written.has(`${type}/${id}`)) return undefined;
    if (supportedType(type) !== undefined) return `${type}/${id}`;
    refuseReference(open, 'not-found', 'This server holds no resources of that type.');
  } else if (/^urn:(?:uuid|oid):/i.test(reference)) {
    refuseReference(open, 'not-found', 'No entry of this Bundle has this fullUrl.');
  } else if (ABSOLUTE.test(reference)) {
    const type = CONTAINED_TYPES.exec(reference)?.[1];
    checkTarget(open, type !== undefined && isResourceType(type) ? type : undefined);
  } else {
    refuseReference(open, 'value', 'A reference is Type/id, #id, an absolute URL, or Type?identifier=system|value.');
  }
  return undefined;
}

/** Resolves and checks the references of all changes that have not failed; those with a bad one fail. */
export async function resolveReferences(changes: readonly Change[], targets: Targets): Promise<void> {
  const sound = changes.filter((change) => change.failure === undefined);
  for (const change of sound) {
    checkContained(change);
    rewriteLinks(change, targets.byFullUrl);
  }
  const opens = sound
    .flatMap((change) => change.references.map((found) => ({ change, found })))
    .filter(({ found }) => !found.holder.reference.startsWith('#'));
  for (const open of opens) localise(open, targets);
  const isConditional = ({ found }: Open): boolean => CONDITIONAL.test(found.holder.reference);
  const literals = opens.filter((open) => !isConditional(open));
  await resolveConditional(opens.filter(isConditional), targets);
  const wanted = new Map<string, Open[]>();
  for (const open of literals) {
    const literal = literalOf(open, targets);
    if (literal === undefined) continue;
    const others = wanted.get(literal);
    if (others === undefined) wanted.set(literal, [open]);
    else others.push(open);
  }
  if (wanted.size === 0) return;
  for (const missing of await targets.repository.missing([...wanted.keys()])) {
    for (const open of wanted.get(missing) ?? [])
      refuseReference(open, 'not-found', 'This server has no such resource.');
  }
}
