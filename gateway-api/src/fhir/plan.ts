/**
 * Turns drafts into writes: may this organisation write the type, does the body fit the URL, what do the conditions
 * (If-None-Exist, If-Match) say, which version comes next. Faults go to the draft, so that a transaction can tell them
 * all and a batch can go on without it.
 */
import type { Organisation, Role } from '@telemed-ledger/consortium/members.ts';
import type { Draft } from './drafts.ts';
import { errorIssue } from './outcomes.ts';
import { resolveReferences } from './references.ts';
import type { Caller, Repository } from './repository.ts';
import { isResourceType } from './schema.ts';
import { criterionKey } from './tokens.ts';
import { supportedType } from './types.ts';

export interface Scope {
  repository: Repository;
  organisation: Organisation;
  caller: Caller;
  /** Without a slash at the end. */
  baseUrl: string;
}

/**
 * Roles that see all of the organisation's data. To the others a condition would answer whether somebody with an
 * identifier is known here.
 */
const MATCHING_ROLES: ReadonlySet<Role> = new Set(['system', 'practitioner', 'adjudicator', 'settlement']);
export const mayMatch = ({ caller }: Scope): boolean => MATCHING_ROLES.has(caller.role);

const isSound = (draft: Draft): boolean => draft.failure === undefined;

/** The URL against the table of types, then the body against R4, and against the URL. */
function checkRequest(draft: Draft, { organisation }: Scope): undefined {
  const { interaction, type, urlPath } = draft.request;
  const supported = supportedType(type);
  if (supported === undefined) {
    return draft.fail(404, errorIssue('not-supported', 'This server does not hold resources of that type.', urlPath));
  }
  if (supported.writer !== organisation.kind) {
    const writer =
      supported.writer === undefined ? 'by no REST interaction' : `at the gateway of a ${supported.writer}`;
    return draft.fail(405, errorIssue('not-supported', `${type} is written ${writer}.`, urlPath ?? type));
  }
  const body = draft.request.body as { resourceType?: unknown } | null | undefined;
  if (typeof body?.resourceType === 'string' && body.resourceType !== type && isResourceType(body.resourceType)) {
    return draft.fail(
      400,
      errorIssue('invalid', 'The resource is not of the type in the URL.', `${draft.path}.resourceType`),
    );
  }
  draft.validate();
  if (!isSound(draft)) return;
  if (interaction === 'update' && draft.resource['id'] !== draft.id) {
    draft.fail(400, errorIssue('invalid', 'The id of the resource must be the id in the URL.', `${draft.path}.id`));
  }
}

/** If-None-Exist: no match creates, one is taken as it is, more than one fails. Equal criteria create once. */
async function resolveCreates(drafts: readonly Draft[], scope: Scope): Promise<void> {
  const { repository } = scope;
  const byKey = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const { criterion, conditionPath } = draft.request;
    if (criterion === undefined) continue;
    if (!mayMatch(scope)) {
      draft.fail(403, errorIssue('forbidden', 'This role may not search for others.', conditionPath));
      continue;
    }
    const key = criterionKey(criterion);
    byKey.set(key, [...(byKey.get(key) ?? []), draft]);
  }
  if (byKey.size === 0) return;
  const groups = [...byKey.values()];
  const matches = await repository.findByIdentifier(groups.map(([first]) => first!.request.criterion!));
  groups.forEach((group, index) => {
    const ids = matches[index] ?? [];
    const [first] = group;
    for (const draft of group) {
      if (ids.length > 1) {
        draft.fail(412, errorIssue('multiple-matches', 'More than one resource matches.', draft.request.conditionPath));
      }
      draft.exists = ids.length === 1 || draft !== first;
      draft.id = ids[0] ?? first!.id;
    }
  });
}

/** The version an update makes: the one after the newest here, which must be the one that If-Match names. */
async function resolveUpdate(draft: Draft, { repository, organisation, caller }: Scope): Promise<void> {
  const { ifMatch, conditionPath, urlPath } = draft.request;
  const current = await repository.read(caller, draft.type, draft.id);
  const place = urlPath ?? `${draft.path}.id`;
  if (current === undefined) {
    draft.fail(
      405,
      errorIssue('not-found', 'No such resource. Ids are given by this server: create it with POST.', place),
    );
  } else if (current.author !== organisation.name) {
    draft.fail(
      403,
      errorIssue('forbidden', 'This is a record of another organisation, which alone can change it.', place),
    );
  } else if (ifMatch !== undefined && ifMatch !== current.version) {
    draft.fail(412, errorIssue('conflict', `The resource is at version ${current.version}.`, conditionPath));
  } else {
    draft.version = current.version + 1;
  }
}

/** hl7.org/fhir/R4/http.html#trules: no two entries of a transaction may write the same resource. */
export function refuseOverlaps(drafts: readonly Draft[]): void {
  const seen = new Set<string>();
  for (const draft of drafts) {
    if (draft.request.interaction !== 'update') continue;
    if (seen.has(draft.reference)) {
      draft.fail(
        400,
        errorIssue('duplicate', 'Another entry of this Bundle writes the same resource.', draft.request.urlPath),
      );
    }
    seen.add(draft.reference);
  }
}

/**
 * Readies drafts for one write. With `together` they are the entries of one transaction and may refer to each other by
 * fullUrl; otherwise each stands for itself.
 */
export async function plan(drafts: readonly Draft[], scope: Scope, together: boolean): Promise<void> {
  for (const draft of drafts) checkRequest(draft, scope);
  await resolveCreates(drafts.filter(isSound), scope);
  await Promise.all(
    drafts
      .filter((draft) => isSound(draft) && draft.request.interaction === 'update')
      .map((draft) => resolveUpdate(draft, scope)),
  );
  const byFullUrl = new Map<string, string>();
  const written = new Set<string>();
  if (together) {
    for (const draft of drafts) {
      if (draft.fullUrl !== undefined) byFullUrl.set(draft.fullUrl, draft.reference);
      written.add(draft.reference);
    }
  }
  const writing = drafts.filter((draft) => !draft.exists);
  const { repository, baseUrl } = scope;
  await resolveReferences(writing, { repository, baseUrl, byFullUrl, written, mayMatch: mayMatch(scope) });
}

/** The locks that conditional creates hold from the search to the commit. */
export const criteriaOf = (drafts: readonly Draft[]): string[] => [
  ...new Set(
    drafts.flatMap(({ request }) =>
      request.criterion === undefined ? [] : [`criterion ${criterionKey(request.criterion)}`],
    ),
  ),
];
