/**
 * References (hl7.org/fhir/R4/references.html) of the resources about to be written: conditional ones are resolved, those
 * into the same Bundle follow their target to its new id, and those to nothing are refused. One question to the
 * repository for all conditional references, one for all literal ones.
 */
import type { Change } from './changes.ts';
import { errorIssue, type Issue, UNPROCESSABLE } from './outcomes.ts';
import type { Repository } from './repository.ts';
import { type Criterion, criterionKey, parseCriterion } from './tokens.ts';
import { identifierParameter, supportedType } from './types.ts';
import { containedIssues, literalIssue, RELATIVE, typeIssue } from './validation/reference-rules.ts';
import type { FoundReference } from './validation/validation.ts';

/** Where the targets of a request's references are. */
export interface Targets {
  repository: Repository;
  /** Base URL of this server: absolute references to it become relative. */
  baseUrl: string;
  /** fullUrl of a Bundle's entry → `Type/id`. */
  byFullUrl: ReadonlyMap<string, string>;
  /** Whether this caller may resolve conditional references to a type. */
  mayMatch: (type: string) => boolean;
  /** `Type/id` that this same request writes. */
  written: ReadonlySet<string>;
  /** `Type/id` that this same request deletes. */
  deleted: ReadonlySet<string>;
}

const CONDITIONAL = /^([A-Z][A-Za-z]+)\?(.*)$/s;
const RESTFUL = /^(https?:\/\/.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;

interface Open {
  change: Change;
  found: FoundReference;
}

const refuseReference = (
  { change, found }: Open,
  code: 'not-found' | 'value' | 'structure' | 'multiple-matches' | 'not-supported',
  text: string,
): void => change.fail(code === 'multiple-matches' ? 412 : UNPROCESSABLE, errorIssue(code, text, found.expression));

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
      ? value.replace(/((?:href|src)\s*=\s*["'])([^"'#][^"']*)/g, (all, head: string, url: string) => {
          const target = byFullUrl.get(url);
          return target === undefined ? all : head + target;
        })
      : (byFullUrl.get(value) ?? value);
  }
}

/** Reports what is wrong with a reference; true where there is nothing. */
function isRight({ change }: Open, issue: Issue | undefined): boolean {
  if (issue !== undefined) change.fail(UNPROCESSABLE, issue);
  return issue === undefined;
}

/**
 * Finds what a transaction itself writes by its identifiers: conditional references come after its writes
 * (hl7.org/fhir/R4/http.html#trules).
 */
class WrittenHere {
  readonly #ids = new Set<string>();
  readonly #byValue = new Map<string, { type: string; id: string; system: unknown }[]>();

  constructor(changes: readonly Change[]) {
    for (const { type, id, resource } of changes) {
      this.#ids.add(`${type}/${id}`);
      for (const { system, value } of identifiersOf(resource)) {
        if (typeof value !== 'string') continue;
        const others = this.#byValue.get(value) ?? [];
        this.#byValue.set(value, others);
        others.push({ type, id, system });
      }
    }
  }

  /** Of what the store found, what is not written anew here; and what is written here and matches. */
  matches({ type, system, value }: Criterion, stored: readonly string[]): string[] {
    const isMeant = (one: unknown): boolean => system === undefined || (one ?? '') === system;
    const here = (this.#byValue.get(value) ?? []).filter((one) => one.type === type && isMeant(one.system));
    return [...new Set([...stored.filter((id) => !this.#ids.has(`${type}/${id}`)), ...here.map(({ id }) => id)])];
  }
}

/** Of most types an array, of some one. */
function identifiersOf({ identifier }: Readonly<Record<string, unknown>>): { system?: unknown; value?: unknown }[] {
  if (identifier === undefined) return [];
  return Array.isArray(identifier) ? identifier : [identifier as object];
}

/** Resolves `Type?identifier=system|value` for all changes at once: exactly one match, or the change fails. */
async function resolveConditional(
  opens: Open[],
  { repository, mayMatch, deleted }: Targets,
  writtenHere: () => WrittenHere,
): Promise<void> {
  const criteria = new Map<string, { criterion: Criterion; opens: Open[] }>();
  for (const open of opens) {
    const [, type = '', query = ''] = CONDITIONAL.exec(open.found.holder.reference) ?? [];
    const criterion = identifierParameter(type) !== undefined ? parseCriterion(type, query) : undefined;
    if (!mayMatch(type)) {
      open.change.fail(
        403,
        errorIssue('forbidden', 'This role, or this token, may not search for others.', open.found.expression),
      );
    } else if (criterion === undefined) {
      refuseReference(open, 'not-supported', 'A conditional reference here is Type?identifier=system|value.');
    } else if (isRight(open, typeIssue(open.found, type))) {
      const key = criterionKey(criterion);
      const group = criteria.get(key) ?? { criterion, opens: [] };
      group.opens.push(open);
      criteria.set(key, group);
    }
  }
  if (criteria.size === 0) return;
  const groups = [...criteria.values()];
  const matches = await repository.findByIdentifier(groups.map(({ criterion }) => criterion));
  const here = writtenHere();
  groups.forEach((group, index) => {
    const { type } = group.criterion;
    const stored = (matches[index] ?? []).filter((id) => !deleted.has(`${type}/${id}`));
    const ids = here.matches(group.criterion, stored);
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
function literalOf(open: Open, { written, deleted }: Targets): string | undefined {
  const { reference } = open.found.holder;
  if (/^urn:(?:uuid|oid):/i.test(reference)) {
    refuseReference(open, 'not-found', 'No entry of this Bundle has this fullUrl.');
    return undefined;
  }
  const [, type = '', id = ''] = RELATIVE.exec(reference) ?? [];
  if (!isRight(open, literalIssue(open.found)) || type === '' || written.has(`${type}/${id}`)) return undefined;
  if (deleted.has(`${type}/${id}`)) {
    refuseReference(open, 'not-found', 'This request deletes what is referred to.');
    return undefined;
  }
  if (supportedType(type) !== undefined) return `${type}/${id}`;
  refuseReference(open, 'not-found', 'This server holds no resources of that type.');
  return undefined;
}

/** Resolves and checks the references of all changes that have not failed; those with a bad one fail. */
export async function resolveReferences(changes: readonly Change[], targets: Targets): Promise<void> {
  const sound = changes.filter((change) => change.failure === undefined);
  for (const change of sound) {
    for (const issue of containedIssues(change.resource, change.path, change)) change.fail(UNPROCESSABLE, issue);
    rewriteLinks(change, targets.byFullUrl);
  }
  const opens = sound
    .flatMap((change) => change.references.map((found) => ({ change, found })))
    .filter(({ found }) => !found.holder.reference.startsWith('#'));
  for (const open of opens) localise(open, targets);
  const isConditional = ({ found }: Open): boolean => CONDITIONAL.test(found.holder.reference);
  const literals = opens.filter((open) => !isConditional(open));
  // Of what is written together alone `written` knows.
  const together = () => new WrittenHere(sound.filter(({ reference }) => targets.written.has(reference)));
  await resolveConditional(opens.filter(isConditional), targets, together);
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
      if (!open.change.kept.has(missing)) refuseReference(open, 'not-found', 'This server has no such resource.');
  }
}
