/** When nothing takes a request for authorization any more, and what of it is kept then: pure, for endorsers and gateways alike. */
import type { AuthorizationState } from './authorizations.ts';
import { objectsOf } from './claim-evidence.ts';
import { APPEAL_DAYS, type ClaimTerms, EVIDENCE_DAYS } from './claim-rules.ts';
import { addDays, firstDay } from './days.ts';
import type { Resource } from './fhir.ts';

/** Days after the last one that was authorized: in a year a claim for it is filed, in another one decided and appealed. */
const AUTHORIZED_DAYS = 730;

type Standing = Pick<AuthorizationState, 'status' | 'updatedAt' | 'revisions' | 'step' | 'decidedAt' | 'purgedAt'>;

/** Whether any step of it may have authorized something: what is taken back was authorized on the days before. */
const mayHaveAuthorized = ({ status, revisions, decidedAt }: Standing): boolean =>
  status === 'approved' || status === 'partial' || revisions > 0 || (status === 'cancelled' && decidedAt !== undefined);

/**
 * The first day on which what a request shows may be purged, YYYY-MM-DD; undefined while it goes on, or holds without an end.
 * @param response the newest answer
 */
export function authorizationEnds(
  state: Standing,
  response: Resource,
  { appealDays = APPEAL_DAYS, evidenceDays = EVIDENCE_DAYS }: ClaimTerms,
): string | undefined {
  const { status, updatedAt } = state;
  if (status === 'pended' || state.purgedAt !== undefined) return undefined;
  const updated = firstDay(updatedAt);
  if (mayHaveAuthorized(state)) {
    const { end } = (response['preAuthPeriod'] ?? {}) as { end?: unknown };
    const isOver = status === 'denied' || status === 'cancelled';
    const last = isOver ? updated : typeof end === 'string' ? firstDay(end) : undefined;
    return last === undefined
      ? undefined
      : addDays(last > updated ? last : updated, 1 + AUTHORIZED_DAYS + evidenceDays);
  }
  return addDays(updated, (status === 'denied' ? 1 + appealDays : 0) + evidenceDays);
}

/** What is contained and is about nobody's health: who asks, who insures, where. */
const KEPT_INSIDE = ['Organization', 'Practitioner', 'PractitionerRole', 'Location'];
/** Elements that show what a request rests on. */
const SHOWN = ['supportingInfo', 'text'];
const PURGED = { display: 'purged' };

/** A request as it is kept when it is over: as it was asked, without the records that it showed and contained. */
export function remainsOf(claim: Resource): Resource {
  const inside = objectsOf(claim['contained']).filter(({ resourceType }) => KEPT_INSIDE.includes(String(resourceType)));
  const { contained: _, ...elements } = claim;
  for (const name of SHOWN) delete elements[name];
  // FHIR lets nothing be contained that nothing refers to.
  const referred = new Set(referencesIn(elements));
  // As often as there are steps from one to another.
  for (const one of inside.flatMap(() => inside))
    if (referred.has(`#${String(one['id'])}`)) for (const reference of referencesIn(one)) referred.add(reference);
  const kept = inside.filter(({ id }) => referred.has(`#${String(id)}`));
  const ids = new Set(kept.map(({ id }) => `#${String(id)}`));
  return {
    ...(withoutWhatWent(elements, ids) as Resource),
    ...(kept.length === 0 ? {} : { contained: withoutWhatWent(kept, ids) }),
  };
}

/** Numbers that keep their digits are no plain objects. */
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isPlain(value)) return [];
  const { reference } = value;
  return [...(typeof reference === 'string' ? [reference] : []), ...Object.values(value).flatMap(referencesIn)];
}

/** References to what is contained no more say so. */
function withoutWhatWent(value: unknown, kept: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutWhatWent(one, kept));
  if (!isPlain(value)) return value;
  const { reference } = value;
  if (typeof reference === 'string' && reference.startsWith('#') && !kept.has(reference)) return PURGED;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutWhatWent(one, kept)]));
}
