/**
 * delete of hl7.org/fhir/R4/http.html#delete: a version that says so. What was there stays in the history, and an update brings it
 * back; to erase it is more ($erase). What something else here refers to is not deleted.
 */
import { tombstoneOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isOfBoth } from '@telemed-ledger/chaincode/model/patient-records.ts';
import type { Change } from './changes.ts';
import { errorIssue, Refusal } from './outcomes.ts';
import type { Scope, StoredResource } from './repository.ts';
import type { SupportedType } from './types.ts';

const NOT_DELETED: Readonly<Record<string, string>> = {
  Consent: 'A Consent is revoked, not deleted: update it with the status inactive.',
  Coverage: 'A Coverage is cancelled, not deleted: update it with the status cancelled.',
};

/** Why resources of a type are not deleted, by anybody; undefined where they are. */
export function refusalOfDelete({ name, writer }: SupportedType, place: string): Refusal | undefined {
  if (writer === 'provider') return undefined;
  const words = NOT_DELETED[name] ?? `What is recorded as ${name} stays: it is not deleted.`;
  return new Refusal(405, errorIssue('not-supported', words, place), { Allow: 'GET, HEAD, POST, PUT, OPTIONS' });
}

/** Only its author changes a record; an appointment that is no copy, its provider and its patient. */
export function refusalOfAuthor(
  current: StoredResource | undefined,
  { organisation }: Scope,
  place: string,
): Refusal | undefined {
  if (current === undefined || current.author === organisation.name) return undefined;
  if (current.access === undefined && isOfBoth(current.resource.resourceType)) return undefined;
  const words = 'This is a record of another organisation, which alone can change it.';
  return new Refusal(403, errorIssue('forbidden', words, place));
}

/** If-Match names another version, or there is none. */
export function refusalOfMatch({ request }: Change, current: StoredResource | undefined): Refusal | undefined {
  const { ifMatch, conditionPath } = request;
  if (ifMatch === undefined || ifMatch.includes(current?.version ?? 0)) return undefined;
  const words = current === undefined ? 'There is no such resource.' : `The resource is at version ${current.version}.`;
  return new Refusal(412, errorIssue('conflict', words, conditionPath));
}

/** `Type/id` of what these changes delete. */
export const deletedIn = (changes: readonly Change[]): Set<string> =>
  new Set(
    changes
      .filter(({ interaction, exists, failure }) => interaction === 'delete' && !exists && failure === undefined)
      .map(({ reference }) => reference),
  );

/** The version that says so. Of what is not there, or is deleted, none is written: that is what was asked for. */
export async function resolveDelete(change: Change, scope: Scope): Promise<undefined> {
  const current = await scope.repository.standing(scope.caller, change.type, change.id);
  const place = change.request.urlPath ?? change.reference;
  const refusal = refusalOfAuthor(current, scope, place) ?? refusalOfMatch(change, current);
  if (refusal !== undefined) return change.fail(refusal.status, refusal.issues[0]!);
  change.exists = current === undefined || current.deleted === true;
  change.version = (current?.version ?? 0) + (change.exists ? 0 : 1);
  if (current !== undefined) change.resource = tombstoneOf(current.resource);
}

/** What other records need stays, unless the same request deletes those as well, or changes them to refer to it no more. */
export async function refuseNeeded(changes: readonly Change[], { repository }: Scope): Promise<void> {
  const deleted = deletedIn(changes);
  if (deleted.size === 0) return;
  const changed = new Set(changes.filter(({ failure }) => failure === undefined).map(({ reference }) => reference));
  const typesBy = new Map<string, Set<string>>();
  for (const { reference, by } of await repository.referrers([...deleted])) {
    if (changed.has(by)) continue;
    const types = typesBy.get(reference) ?? new Set();
    typesBy.set(reference, types.add(by.slice(0, by.indexOf('/'))));
  }
  for (const change of changes) {
    const types = change.interaction === 'delete' ? typesBy.get(change.reference) : undefined;
    if (types === undefined) continue;
    const words = `Other resources refer to this one (${[...types].sort().join(', ')}): it is needed, and stays.`;
    change.fail(409, errorIssue('conflict', words, change.request.urlPath ?? change.type));
  }
}
