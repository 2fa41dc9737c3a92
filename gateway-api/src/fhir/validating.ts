/**
 * `$validate` (hl7.org/fhir/R4/resource-operation-validate.html): what R4's definitions say of a resource or, by `mode`, what a
 * create, an update or a delete would be told of it; nothing is written. Any type of R4 is judged, also one that is not served here.
 */
import type { Answer } from './answers.ts';
import type { Asked } from './asked.ts';
import { errorIssue, type Issue, outcomeOf, refuse } from './outcomes.ts';
import type { Scope } from './repository.ts';
import { type Parameters, safeName } from './search-query.ts';
import { definedIssuesOf, issuesOf } from './validation/faults.ts';
import { isResourceType } from './validation/schema.ts';

type Json = Record<string, unknown>;

const MODES = ['create', 'update', 'delete', 'profile'] as const;
type Mode = (typeof MODES)[number];

interface Wanted {
  resource: Json | undefined;
  mode: Mode | undefined;
  profiles: string[];
}

interface Target {
  type: string;
  /** Of the instance; undefined at the level of the type. */
  id: string | undefined;
}

const OWN = 'http://hl7.org/fhir/StructureDefinition/';
const KNOWN = new Set(['mode', 'profile', '_format', '_pretty']);

/** A resource as it is, or Parameters with it. Parameters are themselves what is validated where the URL says so. */
function wantedOf(body: unknown, { type }: Target, query: Parameters): Wanted {
  const other = query.find(([name]) => !KNOWN.has(name))?.[0];
  if (other !== undefined) refuse(400, 'not-supported', '$validate has no such parameter.', safeName(other));
  const named = (name: string): string[] => query.flatMap(([one, value]) => (one === name ? [value] : []));
  const asked = { mode: modeOf(named('mode')[0]), profiles: named('profile') };
  const { resourceType, parameter } = (body ?? {}) as Json;
  const isEnvelope = resourceType === 'Parameters' && (type !== 'Parameters' || holdsResource(parameter));
  if (!isEnvelope) return { ...asked, resource: body as Json | undefined };
  const parameters = (Array.isArray(parameter) ? parameter : []) as Json[];
  const known = new Set(['resource', 'mode', 'profile']);
  const unknown = parameters.findIndex(({ name }) => !known.has(String(name)));
  if (unknown >= 0)
    refuse(400, 'not-supported', 'Expected resource, mode or profile.', `Parameters.parameter[${unknown}].name`);
  const given = (name: string): unknown[] =>
    parameters
      .filter((one) => one['name'] === name)
      .map(
        (one) => one['resource'] ?? one['valueCode'] ?? one['valueUri'] ?? one['valueCanonical'] ?? one['valueString'],
      );
  return {
    resource: given('resource')[0] as Json | undefined,
    mode: asked.mode ?? modeOf(given('mode')[0]),
    profiles: [...asked.profiles, ...given('profile').map(String)],
  };
}

const holdsResource = (parameter: unknown): boolean =>
  Array.isArray(parameter) && parameter.some((one) => (one as Json | null)?.['name'] === 'resource');

function modeOf(text: unknown): Mode | undefined {
  if (text === undefined) return undefined;
  return MODES.find((mode) => mode === text) ?? refuse(400, 'value', `Expected ${MODES.join(', ')}.`, 'mode');
}

/**
 * What a resource breaks of the profiles that are asked for, and of those that it states. One that is asked for and not known cannot
 * be told to be kept.
 */
function profileIssues({ profiles }: Scope, type: string, resource: Json, asked: readonly string[]): Issue[] {
  const named = asked.filter(
    (profile) => ![`${OWN}${type}`, `${OWN}Resource`, `${OWN}DomainResource`].includes(profile.replace(/\|.*$/, '')),
  );
  const stated = profiles.statedIn(resource).filter((profile) => !named.includes(profile));
  return [
    ...named.flatMap(
      (profile) =>
        profiles.issuesOf(resource, profile) ??
        errorIssue('not-supported', 'This server does not know that profile of this type.', 'profile'),
    ),
    ...stated.flatMap((profile) => profiles.issuesOf(resource, profile) ?? []),
  ];
}

/** What is there already, for what changes it. */
async function targetIssues({ repository, caller }: Scope, { type, id }: Target, asked: Wanted): Promise<Issue[]> {
  const { mode, resource } = asked;
  if (mode !== 'update' && mode !== 'delete') return [];
  if (id === undefined)
    return [errorIssue('required', 'An update and a delete are of an instance: its id is in the URL.', 'url')];
  if ((await repository.read(caller, type, id)) === undefined)
    return [errorIssue('not-found', 'This server has no such resource.', 'url')];
  if (mode === 'update' && resource !== undefined && resource['id'] !== id)
    return [errorIssue('invalid', 'The id of the resource must be the id in the URL.', `${type}.id`)];
  return [];
}

/** 200 whatever is found: the OperationOutcome is the answer. @throws {Refusal} 400 for what is no such question */
export async function validate(scope: Scope, target: Asked): Promise<Answer> {
  const { type, id, body, query } = target;
  if (!isResourceType(type)) refuse(404, 'not-supported', 'This is not a resource type of FHIR R4.');
  const asked = wantedOf(body, target, query);
  const stored =
    asked.resource === undefined && id !== undefined ? await scope.repository.read(scope.caller, type, id) : undefined;
  const resource = asked.resource ?? (stored?.resource as Json | undefined);
  const before = await targetIssues(scope, target, asked);
  if (asked.mode === 'delete') return answerOf(before);
  if (resource === undefined) return refuse(400, 'required', 'A resource to validate is required.', 'body');
  const named = (resource as Json | null)?.['resourceType'];
  const isOther = typeof named === 'string' && named !== type && isResourceType(named);
  const isWritten = asked.mode === 'create' || asked.mode === 'update';
  const faults = isWritten ? issuesOf(resource) : definedIssuesOf(resource);
  return answerOf([
    ...(isOther ? [errorIssue('invalid', 'The resource is not of the type in the URL.', `${named}.resourceType`)] : []),
    ...faults,
    ...before,
    // Profiles are held against what is sound.
    ...(faults.every(isPassed) ? profileIssues(scope, type, resource, asked.profiles) : []),
  ]);
}

const isPassed = ({ severity }: Issue): boolean => severity === 'warning';
const FINE: Issue = { severity: 'information', code: 'informational', diagnostics: 'Nothing is wrong with it.' };
const answerOf = (issues: Issue[]): Answer => ({
  status: 200,
  resource: outcomeOf(issues.length > 0 ? issues : [FINE]),
});
