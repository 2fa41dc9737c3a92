/** What consents would come to for each of a patient's records, for a request that nobody has made yet. */
import type { Foreseen } from '../model/decision-shape.ts';
import { isEmergencyPurpose } from '../model/emergencies.ts';
import { lifetimeEnd } from '../model/renewals.ts';
import { type Considered, firstChange, type Times } from './access.ts';
import {
  type AccessFacts,
  type ConsentDecision,
  evaluateConsents,
  type LedgerConsent,
  type RecordFacts,
  recordFacts,
} from './consents.ts';
import { decideEmergency, type EmergencyFacts } from './emergencies.ts';

/** Who would ask, and whether that kind of organisation may ask for such a purpose at all. */
type Asking = EmergencyFacts & { isAllowed: boolean };

/**
 * One decision for each record, in their order.
 * @param consents those of the patient for the holder's data, in any order
 * @param now ISO 8601 UTC
 */
export function foresee(
  consents: readonly LedgerConsent[],
  { isAllowed, ...request }: Asking,
  considered: Considered,
  now: string,
): Foreseen[] {
  const { records, context = [] } = considered;
  if (!isAllowed) return records.map(() => ({ outcome: 'deny', reason: 'purpose-not-allowed' }));
  const times = { now, latest: lifetimeEnd({ purpose: request.purpose }, now) };
  const shownAnyway = inEmergency(consents, request, considered, times);
  return recordFacts(records, context).map((facts, index) => {
    const decision = evaluateConsents(consents, request, facts, now);
    if (shownAnyway === undefined) return withEnd(consents, request, facts, decision, times);
    if (!shownAnyway.has(index)) return { ...decision, outcome: 'deny', reason: 'consent-denied' };
    return decision.outcome === 'permit' ? decision : { outcome: 'permit', reason: 'emergency' };
  });
}

/** Of an emergency: the positions of what is shown without a consent, as nothing denies it; undefined of anything else. */
function inEmergency(
  consents: readonly LedgerConsent[],
  request: EmergencyFacts,
  considered: Considered,
  times: Times,
): ReadonlySet<number> | undefined {
  if (!isEmergencyPurpose(request.purpose) || request.role !== 'practitioner') return undefined;
  const decision = decideEmergency(consents, request, considered, times);
  return new Set(decision.outcome === 'permit' ? decision.permitted : []);
}

/** A permission ends with its consent, or where a denial begins before that. */
function withEnd(
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  facts: RecordFacts,
  decision: ConsentDecision,
  times: Times,
): Foreseen {
  if (decision.outcome === 'deny') return decision;
  const isDenied = (instant: string) => evaluateConsents(consents, request, facts, instant).outcome === 'deny';
  const [until] = [firstChange(consents, times, isDenied), decision.until].filter((one) => one !== undefined).sort();
  return until === undefined ? decision : { ...decision, until };
}
