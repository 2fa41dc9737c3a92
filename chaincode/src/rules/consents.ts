/**
 * The decision whether a record may cross to whoever asks for it. Default is deny; a denial by any consent
 * overrides every permission; inside one consent the most specific nested provision wins, and of two equally
 * specific ones the denial.
 * @see https://hl7.org/fhir/R4/consent.html
 */
import { spanOfPeriod } from './periods.ts';
import { type AccessFacts, type ConsentContent, type Provision, unmetCriteria } from './provisions.ts';
import type { RecordFacts } from './record-facts.ts';

export type { AccessFacts } from './provisions.ts';
export { consentContentSchema } from './provisions.ts';
export type { RecordFacts } from './record-facts.ts';
export { recordFacts } from './record-facts.ts';

/** One version of a consent with what the ledger says of it. */
export interface LedgerConsent {
  id: string;
  version: number;
  status: 'active' | 'revoked';
  resource: ConsentContent;
}

export type ConsentReason = 'consent-permits' | 'consent-denied' | 'consent-expired' | 'consent-absent';

export interface ConsentDecision {
  outcome: 'permit' | 'deny';
  reason: ConsentReason;
  /** The consent that decided, where one did. */
  consent?: { id: string; version: number };
  /** Of a permission: when its consent ends, ISO 8601 UTC; absent where it states no end. */
  until?: string;
}

const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';

/**
 * Whether a consent is an agreement about disclosure. Consents to a treatment or to research and advance directives are
 * kept as documents; they say nothing here.
 */
const isOfPrivacy = ({ scope }: ConsentContent): boolean =>
  (scope?.coding ?? []).some(({ system, code }) => system === SCOPES && code === 'patient-privacy');

type Effect = 'permit' | 'deny';
/** What one consent says. `expired` when only the end of its period keeps it from permitting. */
type Finding = { effect: Effect | 'silent' | 'expired'; until: number };

/**
 * Decides about one record.
 * @param consents those given by the record's patient for the holder's data, in any order
 * @param now time of the transaction, ISO 8601
 */
export function evaluateConsents(
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  record: RecordFacts,
  now: string,
): ConsentDecision {
  const found = consents
    .filter(({ status, resource }) => status === 'active' && resource.status === 'active' && isOfPrivacy(resource))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((consent) => ({ consent, finding: examine(consent.resource, request, record, Date.parse(now)) }));
  const by = (effect: Finding['effect']) => found.filter(({ finding }) => finding.effect === effect);
  const [denial] = by('deny');
  if (denial !== undefined) return { outcome: 'deny', reason: 'consent-denied', consent: named(denial.consent) };
  const [permission] = by('permit').sort((one, other) => later(other.finding.until, one.finding.until));
  if (permission === undefined)
    return { outcome: 'deny', reason: by('expired').length > 0 ? 'consent-expired' : 'consent-absent' };
  const { until } = permission.finding;
  const decision = { outcome: 'permit', reason: 'consent-permits', consent: named(permission.consent) } as const;
  return until === Infinity ? decision : { ...decision, until: new Date(until).toISOString() };
}

/** Orders times, of which two may be infinite. */
const later = (one: number, other: number): number => (one === other ? 0 : one > other ? 1 : -1);

const named = ({ id, version }: LedgerConsent): { id: string; version: number } => ({ id, version });

function examine(resource: ConsentContent, request: AccessFacts, record: RecordFacts, now: number): Finding {
  const base = baseOf(resource);
  const root = resource.provision;
  if (root === undefined) return { effect: base ?? 'silent', until: Infinity };
  const type = typeOf(root) ?? base;
  // A root without a type only groups: whether it is read widely or narrowly is each nested provision's matter.
  const unmet = unmetCriteria(root, { request, record, now, denies: type === 'deny' });
  const { effect, until } = unmet.length === 0 ? effectOf(root, base, request, record, now) : elsewhere(root, base);
  if (effect !== 'silent') return { effect, until };
  const ended = (spanOfPeriod(root.period)?.end ?? Infinity) <= now;
  return { effect: ended && unmet.join() === 'period' ? 'expired' : 'silent', until: Infinity };
}

/** OPTIN: what no provision speaks about is permitted; OPTOUT: it is denied (HL7 v3 ActCode). */
function baseOf({ policyRule }: ConsentContent): Effect | undefined {
  const coding = policyRule?.coding ?? [];
  if (coding.some(({ code }) => code === 'OPTOUT')) return 'deny';
  return coding.some(({ code }) => code === 'OPTIN') ? 'permit' : undefined;
}

/** A type that we do not know denies. */
const typeOf = ({ type }: Provision): Effect | undefined =>
  type === undefined ? undefined : type === 'permit' ? 'permit' : 'deny';

/**
 * Where the root's criteria are not met only the policy rule is left. An opt-in that a permitting root narrows
 * down permits nothing beyond it; one from which a denying root takes something away still permits the rest.
 */
function elsewhere(root: Provision, base: Effect | undefined): Finding {
  const narrowed = base === 'permit' && typeOf(root) !== 'deny';
  return { effect: narrowed ? 'silent' : (base ?? 'silent'), until: Infinity };
}

/** What a provision that applies says: its nested provisions first, a denial among them before a permission. */
function effectOf(
  provision: Provision,
  base: Effect | undefined,
  request: AccessFacts,
  record: RecordFacts,
  now: number,
): Finding {
  const end = spanOfPeriod(provision.period)?.end ?? Infinity;
  const nested = (provision.provision ?? []).flatMap((inner) => {
    const type = typeOf(inner) ?? 'deny';
    if (unmetCriteria(inner, { request, record, now, denies: type === 'deny' }).length > 0) return [];
    return [effectOf(inner, type, request, record, now)];
  });
  const [first, ...others] = nested;
  const own: Finding = { effect: typeOf(provision) ?? base ?? 'silent', until: end };
  if (first === undefined) return own;
  const denial = nested.find(({ effect }) => effect === 'deny');
  const until = Math.min(end, ...[first, ...others].map((finding) => finding.until));
  return { effect: denial === undefined ? first.effect : 'deny', until };
}
