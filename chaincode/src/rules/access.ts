/**
 * What of the records asked for is delivered, for how long, and when delivered copies must go again.
 * Which record may cross is rules/consents.ts's matter.
 */
import type { Resource } from '../model/fhir.ts';
import { spanOfPeriod } from '../model/periods.ts';
import type { Withdrawal } from '../model/renewals.ts';
import type { AccessState, ConsentVersion } from '../model/values.ts';
import { comingAlong, isApart } from './companions.ts';
import type { Provision } from './consent-content.ts';
import {
  type AccessFacts,
  type ConsentDecision,
  evaluateConsents,
  type LedgerConsent,
  recordFacts,
} from './consents.ts';

export type AccessRefusal =
  | 'patient-unknown'
  | 'records-absent'
  | 'wait-over'
  | 'consent-denied'
  | 'consent-expired'
  | 'consent-absent';

export type Delivery =
  | { outcome: 'deny'; reason: AccessRefusal; consent?: { id: string; version: number } }
  | {
      outcome: 'permit';
      /** The consent that permitted the first of them. */
      consent: { id: string; version: number };
      /** Those that permitted others of them, each once. */
      furtherConsents: { id: string; version: number }[];
      /** When the first of them is permitted no more, and `latest` at the latest; ISO 8601 UTC. */
      expiresAt: string;
      /** Positions, among the records, of those permitted. */
      permitted: number[];
      /** The same among the companions. */
      companions: number[];
    };

/** What a decision is taken on. */
export interface Considered {
  /**
   * The holder's Patient record; where no records were found it alone is asked about, so that a requestor without consent
   * does not learn that there are none.
   */
  patient: Resource;
  /** Current versions of the patient's records. */
  records: readonly Resource[];
  /** Further records, to whose references consents point. */
  context?: readonly Resource[];
  /** Records of the holder that are about no patient, to which these refer. */
  companions?: readonly Resource[];
}

/** ISO 8601 UTC. */
export interface Times {
  /** Of the transaction. */
  now: string;
  /** When copies go at the latest. */
  latest: string;
}

/** @param consents those of the patient for the holder's data */
export function decideDelivery(
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  { patient, records, context = [], companions = [] }: Considered,
  { now, latest }: Times,
): Delivery {
  const asked = recordFacts(records.length === 0 ? [patient] : records, context);
  const decisions = asked.map((facts) => evaluateConsents(consents, request, facts, now));
  const permissions = decisions.filter(({ outcome }) => outcome === 'permit');
  const [first] = permissions;
  if (first === undefined) return refusalOf(decisions);
  if (records.length === 0) return { outcome: 'deny', reason: 'records-absent' };
  const permitted = decisions.flatMap(({ outcome }, index) => (outcome === 'permit' ? [index] : []));
  const shown = permitted.map((index) => records[index]!);
  const apart = recordFacts(companions).map((facts) => (isApart(facts, consents) ? facts : undefined));
  const own = apart.map((facts) => facts && evaluateConsents(consents, request, facts, now));
  const along = comingAlong(shown, companions, request.holder, (one) => own[one]?.outcome !== 'deny');
  const delivered = [...permitted.map((index) => asked[index]!), ...along.flatMap((one) => apart[one] ?? [])];
  const withdrawnAt = firstChange(consents, { now, latest }, (instant) =>
    delivered.some((facts) => evaluateConsents(consents, request, facts, instant).outcome === 'deny'),
  );
  const all = [...permissions, ...along.flatMap((one) => own[one] ?? [])];
  const [expiresAt] = [latest, withdrawnAt ?? latest, ...all.flatMap(({ until }) => until ?? [])].sort();
  const consent = first.consent!;
  const named = new Map(all.map((permission) => [permission.consent!.id, permission.consent!]));
  named.delete(consent.id);
  const furtherConsents = [...named.values()];
  return { outcome: 'permit', consent, furtherConsents, expiresAt: expiresAt!, permitted, companions: along };
}

/** What each record is decided to be, by itself, in their order. @param now ISO 8601 UTC */
export const reasonsOf = (
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  { records, context = [] }: Considered,
  now: string,
): ConsentDecision['reason'][] =>
  recordFacts(records, context).map((facts) => evaluateConsents(consents, request, facts, now).reason);

/** When something of what is asked for will first be permitted by these consents; undefined where that is not in time. */
export function permittedFrom(
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  { patient, records, context = [] }: Considered,
  times: Times,
): string | undefined {
  const asked = recordFacts(records.length === 0 ? [patient] : records, context);
  return firstChange(consents, times, (instant) =>
    asked.some((facts) => evaluateConsents(consents, request, facts, instant).outcome === 'permit'),
  );
}

/** So many moments are looked into; where more lie ahead, the next one counts as one at which something changes. */
const MOST_MOMENTS = 32;

/** The first moment, of those at which a rule of a consent begins or ends, at which something is so; undefined where none is. */
export function firstChange(
  consents: readonly LedgerConsent[],
  { now, latest }: Times,
  isSo: (instant: string) => boolean,
): string | undefined {
  const moments = [...new Set(consents.flatMap(({ resource }) => boundsIn(resource.provision)))]
    .filter((moment) => moment > Date.parse(now) && moment < Date.parse(latest))
    .sort((one, other) => one - other)
    .map((moment) => new Date(moment).toISOString());
  return moments.slice(0, MOST_MOMENTS).find(isSo) ?? moments[MOST_MOMENTS];
}

/** When a provision, and those nested in it, begin and end; milliseconds since 1970. */
function boundsIn(provision: Provision | undefined): number[] {
  if (provision === undefined) return [];
  const { start, end } = spanOfPeriod(provision.period) ?? { start: -Infinity, end: Infinity };
  return [start, end].filter(Number.isFinite).concat((provision.provision ?? []).flatMap(boundsIn));
}

const REFUSALS = ['consent-denied', 'consent-expired', 'consent-absent'] as const;

/** Of several reasons the one that says most. */
function refusalOf(decisions: readonly ConsentDecision[]): Delivery {
  const reason = REFUSALS.find((candidate) => decisions.some((decision) => decision.reason === candidate));
  const deciding = decisions.find((decision) => decision.reason === reason)?.consent;
  const refusal = { outcome: 'deny', reason: reason ?? 'consent-absent' } as const;
  return deciding === undefined ? refusal : { ...refusal, consent: deciding };
}

export type PurgeReason = 'copies-expired' | 'consent-revoked' | 'consent-amended' | 'record-erased' | Withdrawal;

/** The consents that delivered copies rest on. */
export const consentsBehind = ({ consent, furtherConsents = [] }: AccessState): ConsentVersion[] => [
  ...(consent === undefined ? [] : [consent]),
  ...furtherConsents,
];

/**
 * Why delivered copies must go, all of them; undefined while they may stay.
 * @param ends why each of the consents that they rest on is in force no more, undefined for one that is
 */
export function purgeReason(
  { expiresAt }: AccessState,
  ends: readonly ('consent-revoked' | 'consent-amended' | undefined)[],
  now: string,
): PurgeReason | undefined {
  if (expiresAt !== undefined && expiresAt <= now) return 'copies-expired';
  return ends.includes('consent-revoked') ? 'consent-revoked' : ends.find((end) => end !== undefined);
}
