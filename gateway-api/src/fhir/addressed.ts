/** What a request to the FHIR API is addressed to: type, id, parameters and the condition of its URL. */
import type { Request } from 'express';
import { refuse } from './outcomes.ts';
import { preferencesOf } from './requests.ts';
import { memberOf } from './search/compartments.ts';
import { type Parameters, safeName } from './search-query.ts';
import { type Criterion, parseCriterion, queryOfCondition } from './tokens.ts';
import { type SupportedType, supportedType } from './types.ts';

export const typeOf = (request: Request): SupportedType =>
  supportedType(String(request.params['type'])) ??
  refuse(404, 'not-supported', 'This server does not hold resources of that type.');
export const idOf = (request: Request): string => String(request.params['id']);

/** What of a compartment is searched: hl7.org/fhir/R4/compartmentdefinition.html. */
export const inCompartment = (request: Request): NonNullable<ReturnType<typeof memberOf>> =>
  memberOf(typeOf(request).name, idOf(request), String(request.params['member'])) ??
  refuse(404, 'not-supported', 'There is no such interaction.');

/** The condition behind `?` of an interaction on what matches it. */
export function criterionIn(request: Request): Criterion {
  const query = request.originalUrl.split(/\?(.*)/s)[1] ?? '';
  const criterion = parseCriterion(typeOf(request).name, query);
  return criterion ?? refuse(400, 'not-supported', 'The condition must be identifier=system|value.', 'url');
}

export const queryOf = (request: Request): Parameters => [
  ...new URLSearchParams(request.originalUrl.split(/\?(.*)/s)[1] ?? ''),
];
export const formOf = (request: Request): Parameters =>
  Object.entries((request.body ?? {}) as Record<string, string | string[]>).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, one] as const),
  );

/** Of an answer, whatever is asked. */
const GENERAL = new Set(['_format', '_pretty']);

/** A create or a Bundle has no parameters: one that was ignored may have been meant as a condition. @throws {Refusal} 400 */
export function demandNoQuery(request: Request): void {
  const other = queryOf(request).find(([name]) => !GENERAL.has(name))?.[0];
  if (other !== undefined)
    refuse(400, 'not-supported', 'A POST has no parameters here: conditions are headers.', safeName(other));
}

/** What a history is asked for. */
export const askedOf = (request: Request): { parameters: Parameters; lenient: boolean } => ({
  parameters: queryOf(request),
  lenient: preferencesOf(request).handling === 'lenient',
});

/** If-None-Exist of a create. @throws {Refusal} 400 for any other condition than an identifier */
export function creationConditionOf(request: Request): Criterion | undefined {
  const condition = request.get('if-none-exist');
  if (condition === undefined) return undefined;
  const { name: type } = typeOf(request);
  const criterion = parseCriterion(type, queryOfCondition(type, condition));
  return criterion ?? refuse(400, 'not-supported', 'The condition must be identifier=system|value.', 'If-None-Exist');
}
