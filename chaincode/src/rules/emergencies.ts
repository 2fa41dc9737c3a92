/**
 * Whether a practitioner may be shown records in an emergency: it takes a licence that names him, and no consent. What
 * stops it is what the patient has denied: emergency treatment by a denial that covers it, breaking the glass only by one
 * that names it, which stops emergency treatment too, where the consortium's rules let her say so.
 */
import type { LicenceRefusal } from '../model/licences.ts';
import { BREAK_GLASS } from '../model/purposes.ts';
import type { ConsentVersion } from '../model/values.ts';
import { type AccessRefusal, type Considered, firstChange, type Times } from './access.ts';
import { comingAlong, isApart } from './companions.ts';
import { type AccessFacts, evaluateConsents, type LedgerConsent, type RecordFacts, recordFacts } from './consents.ts';

export type EmergencyDecision =
  | { outcome: 'deny'; reason: AccessRefusal | LicenceRefusal; consent?: ConsentVersion }
  | {
      outcome: 'permit';
      /** Positions, among the records, of those that may be shown. */
      permitted: number[];
      /** The same among the companions. */
      companions: number[];
      /** When a denial of one of them begins; ISO 8601 UTC, absent where none does in time. */
      until?: string;
    };

/** Who asks, and by which law. */
export type EmergencyFacts = AccessFacts & {
  /** Whether a denial that names breaking the glass stops it, as the consortium's rules have it; default: yes. */
  denialStopsBreakGlass?: boolean;
};

/**
 * @param consents those of the patient for the holder's data
 * @param considered the Patient record is shown with the others: where it is denied, all is
 */
export function decideEmergency(
  consents: readonly LedgerConsent[],
  { denialStopsBreakGlass = true, ...request }: EmergencyFacts,
  { patient, records, context = [], companions = [] }: Considered,
  { now, latest }: Times,
): EmergencyDecision {
  const named = request.purpose === BREAK_GLASS ? [BREAK_GLASS] : [request.purpose, BREAK_GLASS];
  const purposes = named.filter((purpose) => denialStopsBreakGlass || purpose !== BREAK_GLASS);
  const denialOf = (facts: RecordFacts, instant: string): ConsentVersion | undefined => {
    const decisions = purposes.map((purpose) => evaluateConsents(consents, { ...request, purpose }, facts, instant));
    return decisions.find(({ reason }) => reason === 'consent-denied')?.consent;
  };
  const all = recordFacts([patient, ...records], context);
  const [ofPatient, ...denials] = all.map((facts) => denialOf(facts, now));
  if (ofPatient !== undefined) return { outcome: 'deny', reason: 'consent-denied', consent: ofPatient };
  const permitted = denials.flatMap((denial, index) => (denial === undefined ? [index] : []));
  const resources = [patient, ...permitted.map((index) => records[index]!)];
  const apart = recordFacts(companions).map((facts) => (isApart(facts, consents) ? facts : undefined));
  const isAllowed = (facts: RecordFacts | undefined) => facts === undefined || denialOf(facts, now) === undefined;
  const along = comingAlong(resources, companions, request.holder, (one) => isAllowed(apart[one]));
  const shown = [
    ...[all[0]!, ...permitted.map((index) => all[index + 1]!)],
    ...along.flatMap((one) => apart[one] ?? []),
  ];
  const until = firstChange(consents, { now, latest }, (instant) =>
    shown.some((facts) => denialOf(facts, instant) !== undefined),
  );
  return { outcome: 'permit', permitted, companions: along, ...(until === undefined ? {} : { until }) };
}
