/**
 * `$meta-add` and `$meta-delete` (hl7.org/fhir/R4/resource-operation-meta-add.html) as patches: a new version with more or fewer
 * profiles, tags and security labels.
 */
import { refuse } from '../outcomes.ts';

type Members = Record<string, unknown>;

const LISTS = ['profile', 'security', 'tag'] as const;

/** What is added to meta, or taken out of it. */
export interface MetaPatch {
  isAdded: boolean;
  meta: Partial<Record<(typeof LISTS)[number], unknown[]>>;
}

/** Of sound Parameters with one `meta`. @throws {Refusal} 400 */
export function metaPatchOf(body: unknown, isAdded: boolean): MetaPatch {
  const { resourceType, parameter = [] } = (body ?? {}) as { resourceType?: string; parameter?: Members[] };
  const [{ name, valueMeta } = {}, ...more] = parameter;
  if (resourceType !== 'Parameters' || name !== 'meta' || valueMeta === undefined || more.length > 0)
    return refuse(400, 'structure', 'Expected Parameters with one valueMeta under the name meta.', 'body');
  const other = Object.keys(valueMeta as Members).find((key) => !LISTS.some((list) => list === key));
  if (other !== undefined)
    return refuse(400, 'not-supported', 'Profiles, security labels and tags are added and taken out.', 'meta');
  return { isAdded, meta: valueMeta as MetaPatch['meta'] };
}

/** Codings are the same by system and code, whatever they are displayed as. */
const keyOf = (one: unknown): string => {
  if (typeof one !== 'object' || one === null) return JSON.stringify(one);
  const { system, code } = one as Members;
  return JSON.stringify([system ?? null, code ?? null]);
};

function changed(before: readonly unknown[], stated: readonly unknown[], isAdded: boolean): unknown[] {
  const known = new Set((isAdded ? before : stated).map(keyOf));
  if (!isAdded) return before.filter((one) => !known.has(keyOf(one)));
  return [...before, ...stated.filter((one) => known.size < known.add(keyOf(one)).size)];
}

/** The resource with the meta that the patch makes of its own. */
export function metaPatched(resource: object, { isAdded, meta }: MetaPatch): object {
  const { meta: before = {}, ...rest } = resource as { meta?: Members };
  const made: Members = { ...before };
  for (const list of LISTS) {
    const left = changed((before[list] as unknown[] | undefined) ?? [], meta[list] ?? [], isAdded);
    if (left.length > 0) made[list] = left;
    else delete made[list];
  }
  return Object.keys(made).length === 0 ? rest : { ...rest, meta: made };
}
