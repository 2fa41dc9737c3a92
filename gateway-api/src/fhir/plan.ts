/**
 * Plans changes: may this organisation write the type, does the body fit the URL, what do the conditions
 * (If-None-Exist, If-Match) say, which version comes next. Faults go to the change, so that a transaction can report
 * them all and a batch can go on without it.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { timed } from '@telemed-ledger/chaincode/model/live-visits.ts';
import { scanRefusal, withScans } from '@telemed-ledger/chaincode/model/lots.ts';
import { memberReference } from '@telemed-ledger/chaincode/model/organisations.ts';
import { markedBy } from '@telemed-ledger/chaincode/model/patient-records.ts';
import { referencesIn } from '@telemed-ledger/chaincode/model/record-facts.ts';
import type { Organisation, Role } from '@telemed-ledger/consortium/members.ts';
import { isLeft } from '../auth/scopes.ts';
import { inStretches } from '../http/pauses.ts';
import type { Asked, Change } from './changes.ts';
import { refusalOfId } from './client-ids.ts';
import {
  deletedIn,
  refusalOfAuthor,
  refusalOfDelete,
  refusalOfMatch,
  refuseNeeded,
  resolveDelete,
} from './deletions.ts';
import { nameInsured } from './insured.ts';
import { errorIssue, Refusal, UNPROCESSABLE } from './outcomes.ts';
import { patched, refusalOfPatch } from './patches/patches.ts';
import { resolveReferences } from './references.ts';
import type { Scope } from './repository.ts';
import { forbidsVersion } from './requests.ts';
import { criterionKey } from './tokens.ts';
import { isWrittenBy, type SupportedType, supportedType } from './types.ts';
import { isResourceType } from './validation/schema.ts';

/**
 * Roles that see all of the organisation's data. To the others a condition would answer whether somebody with an
 * identifier is known here.
 */
const MATCHING_ROLES: ReadonlySet<Role> = new Set(['system', 'practitioner', 'adjudicator', 'settlement']);
const mayMatch = ({ caller }: Scope, type: string): boolean =>
  MATCHING_ROLES.has(caller.role) && isLeft(caller, { type, acts: ['s'] });

const isSound = (change: Change): boolean => change.failure === undefined;

/** Why resources of a type are not written at this organisation's gateway; undefined where they are. */
export function refusalOfWriter(type: SupportedType, { kind }: Organisation, place: string): Refusal | undefined {
  if (isWrittenBy(type, kind)) return undefined;
  const writer = type.writer === undefined ? 'by no REST interaction' : `at the gateway of a ${type.writer}`;
  const issue = errorIssue('not-supported', `${type.name} is written ${writer}.`, place);
  return new Refusal(405, issue, { Allow: 'GET, HEAD, OPTIONS' });
}

/** The URL against the table of types, then the body against R4, and against the URL. */
function checkRequest(change: Change, scope: Scope): undefined {
  const { organisation } = scope;
  const { interaction, type, urlPath } = change.request;
  const place = urlPath ?? type;
  const supported = supportedType(type);
  if (supported === undefined) {
    return change.fail(404, errorIssue('not-supported', 'This server does not hold resources of that type.', urlPath));
  }
  const refusal =
    refusalOfWriter(supported, organisation, place) ??
    (interaction === 'delete' ? refusalOfDelete(supported, place) : undefined) ??
    (interaction === 'patch' ? refusalOfPatch(supported, place) : undefined);
  if (refusal !== undefined) return change.fail(refusal.status, refusal.issues[0]!);
  if (interaction === 'create' || interaction === 'update') checkBody(change, scope);
}

/** The body against the URL and against R4. */
function checkBody(change: Change, { organisation, profiles, caller }: Scope): undefined {
  const { interaction, type, criterion } = change.request;
  const body = change.body as { resourceType?: unknown } | null | undefined;
  if (typeof body?.resourceType === 'string' && body.resourceType !== type && isResourceType(body.resourceType)) {
    return change.fail(
      400,
      errorIssue('invalid', 'The resource is not of the type in the URL.', `${change.path}.resourceType`),
    );
  }
  change.validate();
  if (!isSound(change)) return;
  // Who reported it is known by the token alone.
  if (organisation.kind === 'custodian' && caller.fhirUser !== undefined)
    change.resource = markedBy(change.resource, caller.fhirUser);
  if (interaction === 'create') change.resource = timed(change.resource, undefined, new Date().toISOString());
  checkScans(change);
  for (const issue of profiles.issuesOfStated(change.resource, change.path)) change.fail(UNPROCESSABLE, issue);
  const isNamed = interaction === 'patch' || (interaction === 'update' && criterion === undefined);
  if (isNamed && change.resource['id'] !== change.id) {
    change.fail(400, errorIssue('invalid', 'The id of the resource must be the id in the URL.', `${change.path}.id`));
  }
}

/** What was scanned goes into the elements that do not say it yet, and is what the others say. */
function checkScans(change: Change): void {
  const today = new Date().toISOString().slice(0, 10);
  const resource = withScans(change.resource as unknown as Resource, today);
  change.resource = resource as unknown as Change['resource'];
  const refusal = scanRefusal(resource, today);
  if (refusal !== undefined)
    change.fail(UNPROCESSABLE, errorIssue('invalid', refusal.reason, `${change.path}${refusal.at}`));
}

/**
 * If-None-Exist: no match creates, one is taken as it is, more than one fails. Equal criteria create once. What the same transaction
 * deletes is no match: deletes come first (hl7.org/fhir/R4/http.html#trules).
 */
async function resolveCreates(changes: readonly Change[], all: readonly Change[], scope: Scope): Promise<void> {
  const { repository } = scope;
  const byKey = new Map<string, Change[]>();
  for (const change of changes) {
    const { criterion, interaction } = change.request;
    if (criterion === undefined || interaction !== 'create' || refuseMatching(change, scope)) continue;
    const key = criterionKey(criterion);
    byKey.set(key, [...(byKey.get(key) ?? []), change]);
  }
  if (byKey.size === 0) return;
  const groups = [...byKey.values()];
  const matches = await repository.findByIdentifier(groups.map(([first]) => first!.request.criterion!));
  const deleted = deletedIn(all);
  groups.forEach((group, index) => {
    const ids = (matches[index] ?? []).filter((id) => !deleted.has(`${group[0]!.type}/${id}`));
    const [first] = group;
    for (const change of group) {
      if (ids.length > 1) {
        change.fail(
          412,
          errorIssue('multiple-matches', 'More than one resource matches.', change.request.conditionPath),
        );
      }
      change.exists = ids.length === 1 || change !== first;
      change.id = ids[0] ?? first!.id;
    }
  });
}

/** Whether a caller's role forbids it conditions: the change then says so. */
function refuseMatching(change: Change, scope: Scope): boolean {
  if (mayMatch(scope, change.type)) return false;
  change.fail(
    403,
    errorIssue('forbidden', 'This role, or this token, may not search for others.', change.request.conditionPath),
  );
  return true;
}

/** hl7.org/fhir/R4/http.html#cdelete: what matches, if anything does; more than one fails. */
async function resolveConditionalDeletes(changes: readonly Change[], scope: Scope): Promise<void> {
  const asking = conditionalOf(changes, 'delete').filter((change) => !refuseMatching(change, scope));
  if (asking.length === 0) return;
  const matches = await scope.repository.findByIdentifier(asking.map(({ request }) => request.criterion!));
  asking.forEach((change, index) => {
    const [found, ...more] = matches[index] ?? [];
    if (more.length > 0)
      change.fail(
        412,
        errorIssue('multiple-matches', 'More than one resource matches.', change.request.urlPath ?? 'url'),
      );
    change.exists = found === undefined;
    change.id = found ?? change.id;
  });
}

const conditionalOf = (changes: readonly Change[], interaction: Asked): Change[] =>
  changes.filter(({ request }) => request.interaction === interaction && request.criterion !== undefined);

/**
 * hl7.org/fhir/R4/http.html#cond-update: no match creates, where the resource brings no id of its own; one is updated, more
 * than one fails.
 */
async function resolveConditionalUpdates(changes: readonly Change[], scope: Scope): Promise<void> {
  const conditional = conditionalOf(changes, 'update');
  const asking = conditional.filter((change) => !refuseMatching(change, scope));
  if (asking.length === 0) return;
  const matches = await scope.repository.findByIdentifier(asking.map(({ request }) => request.criterion!));
  asking.forEach((change, index) => {
    const [found, ...more] = matches[index] ?? [];
    const { urlPath } = change.request;
    const id = change.resource['id'];
    const place = `${change.path}.id`;
    if (more.length > 0)
      change.fail(412, errorIssue('multiple-matches', 'More than one resource matches.', urlPath ?? 'url'));
    else if (found !== undefined && id !== undefined && id !== found)
      change.fail(400, errorIssue('invalid', 'The id of the resource must be that of the one that matches.', place));
    else if (found === undefined && id !== undefined) {
      change.id = String(id);
      const refusal = refusalOfId(change.id, scope.clientIds, place);
      if (refusal !== undefined) change.fail(refusal.status, refusal.issues[0]!);
    } else if (found === undefined) change.interaction = 'create';
    else change.id = found;
  });
}

/**
 * The version an update makes: the one after the newest here, which must be the one that If-Match names. What is not there or
 * deleted it creates, where this gateway takes ids of its clients' (hl7.org/fhir/R4/http.html#upsert).
 */
async function resolveUpdate(change: Change, scope: Scope): Promise<undefined> {
  const { ifNoneMatch, urlPath } = change.request;
  const current = await scope.repository.standing(scope.caller, change.type, change.id);
  const place = urlPath ?? `${change.path}.id`;
  const isThere = current !== undefined && current.deleted === undefined;
  const refusal =
    (current === undefined ? refusalOfId(change.id, scope.clientIds, place) : undefined) ??
    refusalOfAuthor(current, scope, place) ??
    refusalOfMatch(change, current);
  if (refusal !== undefined) return change.fail(refusal.status, refusal.issues[0]!);
  if (isThere && ifNoneMatch !== undefined && forbidsVersion(ifNoneMatch, current.version))
    return change.fail(412, errorIssue('conflict', `The resource is at version ${current.version}.`, 'If-None-Match'));
  change.version = (current?.version ?? 0) + 1;
  change.begins = !isThere;
  change.resource = timed(change.resource, isThere ? current.resource : undefined, new Date().toISOString());
  if (isThere) change.kept = new Set(referencesIn(current.resource));
}

/** Of patches by a condition: what matches, which must be one. */
async function resolveConditionalPatches(changes: readonly Change[], scope: Scope): Promise<void> {
  const asking = conditionalOf(changes, 'patch').filter((change) => !refuseMatching(change, scope));
  if (asking.length === 0) return;
  const matches = await scope.repository.findByIdentifier(asking.map(({ request }) => request.criterion!));
  asking.forEach((change, index) => {
    const [found, ...more] = matches[index] ?? [];
    const { urlPath: place = 'url' } = change.request;
    if (found === undefined) change.fail(404, errorIssue('not-found', 'Nothing matches.', place));
    else if (more.length > 0)
      change.fail(412, errorIssue('multiple-matches', 'More than one resource matches.', place));
    else change.id = found;
  });
}

/** Makes an update of a patch: of the version that is there, which is the one that it follows. */
async function resolvePatch(change: Change, scope: Scope): Promise<undefined> {
  const { patch, urlPath, type } = change.request;
  const current = await scope.repository.standing(scope.caller, type, change.id);
  const place = urlPath ?? 'url';
  if (current === undefined) return change.fail(404, errorIssue('not-found', 'There is no such resource.', place));
  if (current.deleted === true)
    return change.fail(410, errorIssue('deleted', 'This resource has been deleted.', place));
  const refusal = refusalOfAuthor(current, scope, place) ?? refusalOfMatch(change, current);
  if (refusal !== undefined) return change.fail(refusal.status, refusal.issues[0]!);
  try {
    change.body = patched(current.resource, patch!);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    for (const issue of error.issues) change.fail(error.status, issue);
    return;
  }
  change.version = current.version + 1;
  change.kept = new Set(referencesIn(current.resource));
  checkBody(change, scope);
}

/** What of an update or a delete depends on what is there. */
function resolveChange(change: Change, scope: Scope): Promise<undefined> {
  if (change.request.interaction === 'patch') return resolvePatch(change, scope);
  return change.interaction === 'delete' ? resolveDelete(change, scope) : resolveUpdate(change, scope);
}

/** hl7.org/fhir/R4/http.html#trules: no two entries of a transaction may write the same resource. */
function refuseOverlaps(changes: readonly Change[]): void {
  const seen = new Set<string>();
  for (const change of changes) {
    const { interaction, criterion } = change.request;
    if (interaction === 'create' || change.exists) continue;
    const written =
      change.interaction === 'create' && criterion !== undefined ? criterionKey(criterion) : change.reference;
    if (seen.has(written)) {
      change.fail(
        400,
        errorIssue('duplicate', 'Another entry of this Bundle writes the same resource.', change.request.urlPath),
      );
    }
    seen.add(written);
  }
}

/** Read from the database at once, to see which version each makes. */
const UPDATES_AT_ONCE = 16;

/**
 * Readies changes for one write. With `together` they are the entries of one transaction and may refer to each other by
 * fullUrl; otherwise each stands for itself.
 */
export async function plan(changes: readonly Change[], scope: Scope, together: boolean): Promise<void> {
  await inStretches(changes, (change) => checkRequest(change, scope));
  await resolveConditionalDeletes(changes.filter(isSound), scope);
  await resolveCreates(changes.filter(isSound), changes, scope);
  await resolveConditionalUpdates(changes.filter(isSound), scope);
  await resolveConditionalPatches(changes.filter(isSound), scope);
  if (together) refuseOverlaps(changes);
  const changing = changes.filter((change) => isSound(change) && change.interaction !== 'create' && !change.exists);
  await inStretches(changing, (change) => resolveChange(change, scope), UPDATES_AT_ONCE);
  await refuseNeeded(changes, scope);
  const byFullUrl = new Map<string, string>();
  const written = new Set<string>();
  if (together) {
    for (const change of changes) {
      if (change.interaction === 'delete') continue;
      if (change.fullUrl !== undefined) byFullUrl.set(change.fullUrl, change.reference);
      written.add(change.reference);
    }
  }
  const writing = changes.filter((change) => !change.exists && change.interaction !== 'delete');
  const { repository, baseUrl, organisation } = scope;
  await nameInsured(writing, { repository, written }, memberReference(organisation.name));
  await resolveReferences(writing, {
    ...{ repository, baseUrl, byFullUrl, written },
    mayMatch: (type) => mayMatch(scope, type),
    deleted: deletedIn(changes),
  });
}

/** The locks that conditional creates and updates hold from the search to the commit. */
export const criteriaOf = (changes: readonly Change[]): string[] => [
  ...new Set(
    changes.flatMap(({ request }) =>
      request.criterion === undefined ? [] : [`criterion ${criterionKey(request.criterion)}`],
    ),
  ),
];
