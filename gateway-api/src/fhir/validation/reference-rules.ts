/**
 * What of a resource's references can be judged by the resource alone: their form, the types that they may name, and what is
 * contained (hl7.org/fhir/R4/references.html). Whether a target exists is not judged here.
 */
import { errorIssue, type Issue } from '../outcomes.ts';
import { isResourceType } from './schema.ts';
import type { FoundLink, FoundReference } from './validation.ts';

/** `Type/id`, with or without a version. */
export const RELATIVE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;
const ABSOLUTE_TYPE = /\/([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/;

/** `#x` must be the id of a contained resource of the same root (ref-1), and each contained one must be referred to (dom-3). */
export function containedIssues(
  resource: Readonly<Record<string, unknown>>,
  path: string,
  { references, links }: { references: readonly FoundReference[]; links: readonly FoundLink[] },
): Issue[] {
  const issues: Issue[] = [];
  const contained = Array.isArray(resource['contained']) ? resource['contained'] : [];
  const ids = contained.map((one) => (one as { id?: string }).id);
  const referredTo = new Set<unknown>();
  for (const found of references) {
    const { holder, expression } = found;
    const { reference } = holder;
    if (!reference.startsWith('#')) continue;
    const inside = /^(.*\.contained\[\d+\])/.exec(expression)?.[1];
    referredTo.add(reference === '#' ? inside : reference.slice(1));
    const index = ids.indexOf(reference.slice(1));
    const target = reference === '#' && inside !== undefined ? resource : contained[index];
    if (target === undefined)
      issues.push(errorIssue('not-found', 'ref-1: no contained resource has this id.', expression));
    const wrong = typeIssue(found, (target as { resourceType?: string } | undefined)?.resourceType);
    if (wrong !== undefined) issues.push(wrong);
  }
  for (const { holder, key } of links) {
    const value = holder[key];
    if (typeof value === 'string' && value.startsWith('#')) referredTo.add(value.slice(1));
  }
  ids.forEach((id, index) => {
    const place = `${path}.contained[${index}]`;
    if (id !== undefined && ids.indexOf(id) < index)
      issues.push(errorIssue('duplicate', 'Another contained resource has this id.', `${place}.id`));
    if (!referredTo.has(id) && !referredTo.has(place))
      issues.push(errorIssue('invariant', 'dom-3: nothing in the resource refers to this contained one.', place));
  });
  return issues;
}

/** The type a reference names must be one that the element allows, and the one that it states itself. */
export function typeIssue(
  { holder, expression, targets }: FoundReference,
  type: string | undefined,
): Issue | undefined {
  if (type === undefined) return undefined;
  if (targets !== undefined && !targets.has(type))
    return errorIssue('structure', 'This element may not refer to a resource of that type.', expression);
  if (holder.type !== undefined && holder.type !== type && isResourceType(holder.type))
    return errorIssue('structure', 'Reference.type is not the type of what is referred to.', expression);
  return undefined;
}

/** A reference that is `Type/id` or an absolute URL, whose type is judged by its end where it has one. */
export function literalIssue(found: FoundReference): Issue | undefined {
  const { reference } = found.holder;
  const relative = RELATIVE.exec(reference)?.[1];
  if (relative !== undefined) return typeIssue(found, relative);
  if (!ABSOLUTE.test(reference))
    return errorIssue(
      'value',
      'A reference is Type/id, #id, an absolute URL, or Type?identifier=system|value.',
      found.expression,
    );
  const type = ABSOLUTE_TYPE.exec(reference)?.[1];
  return typeIssue(found, type !== undefined && isResourceType(type) ? type : undefined);
}
