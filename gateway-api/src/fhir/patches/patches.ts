/** Patches (hl7.org/fhir/R4/http.html#patch) on their way to a change: what was sent, and the resource that it makes of the current one. */
import type { Operation } from 'rfc6902';
import { parsedJson } from '../../http/json-text.ts';
import { JSON_PATCH } from '../../http/json-types.ts';
import { errorIssue, Refusal, refuse } from '../outcomes.ts';
import type { SupportedType } from '../types.ts';
import { type FhirPathOperation, fhirPathPatched, fhirPathPatchOf } from './fhirpath-patch.ts';
import { jsonPatched, jsonPatchOf } from './json-patch.ts';
import { type MetaPatch, metaPatched } from './meta-patch.ts';

export type Patch =
  | { kind: 'json'; operations: readonly Operation[]; place: string }
  | { kind: 'fhirpath'; operations: readonly FhirPathOperation[] }
  | ({ kind: 'meta' } & MetaPatch);

/** Of a request's body: an array is a JSON Patch. @throws {Refusal} 400 */
export const patchOf = (body: unknown, place: string): Patch =>
  Array.isArray(body)
    ? { kind: 'json', operations: jsonPatchOf(body, place), place }
    : { kind: 'fhirpath', operations: fhirPathPatchOf(body, place) };

/** Of an entry of a Bundle: a JSON Patch travels in a Binary. @throws {Refusal} 400 */
export function patchOfEntry(resource: unknown, place: string): Patch {
  const { resourceType, contentType, data } = (resource ?? {}) as Record<string, unknown>;
  if (resourceType !== 'Binary') return patchOf(resource, place);
  if (contentType !== JSON_PATCH)
    return refuse(400, 'value', `A patch in a Binary is ${JSON_PATCH}.`, `${place}.contentType`);
  if (typeof data !== 'string') return refuse(400, 'required', 'The Binary has no data.', `${place}.data`);
  const body = parsedJson(Buffer.from(data, 'base64'));
  return Array.isArray(body)
    ? patchOf(body, `${place}.data`)
    : refuse(400, 'structure', 'A JSON Patch is an array.', `${place}.data`);
}

/** @throws {Refusal} 422 where an operation fails, 400 for a path that is none */
export function patched(resource: object, patch: Patch): unknown {
  if (patch.kind === 'meta') return metaPatched(resource, patch);
  return patch.kind === 'json'
    ? jsonPatched(resource, patch.operations, patch.place)
    : fhirPathPatched(resource, patch.operations);
}

/** Why resources of a type are not patched, by anybody; undefined where they are. */
export function refusalOfPatch({ name, writer }: SupportedType, place: string): Refusal | undefined {
  if (writer === 'provider') return undefined;
  const issue = errorIssue('not-supported', `A ${name} is not patched here: update it.`, place);
  return new Refusal(405, issue, { Allow: 'GET, HEAD, POST, PUT, OPTIONS' });
}
