/** What may be shown still of what was delivered, and whether that is all of it. */
import type { Withdrawal } from '../model/renewals.ts';
import type { ConsentVersion } from '../model/values.ts';
import { type AccessRefusal, type Considered, decideDelivery, type Times } from './access.ts';
import type { LedgerConsent } from './consents.ts';
import { decideEmergency, type EmergencyFacts } from './emergencies.ts';

export type Redelivery =
  | { outcome: 'deny'; reason: AccessRefusal | 'copies-expired'; consent?: ConsentVersion }
  | {
      outcome: 'permit';
      consent?: ConsentVersion;
      furtherConsents: ConsentVersion[];
      expiresAt: string;
      /** Positions, among the records, of those that may be shown. */
      permitted: number[];
      /** The same among the companions. */
      companions: number[];
    };

/**
 * @param consents those of the patient for the holder's data
 * @param isEmergency what was delivered without a consent may stay until it is denied
 */
export function decideAgain(
  consents: readonly LedgerConsent[],
  request: EmergencyFacts & { isEmergency: boolean },
  considered: Considered,
  times: Times,
): Redelivery {
  const { isEmergency, ...asked } = request;
  if (times.now >= times.latest) return { outcome: 'deny', reason: 'copies-expired' };
  if (!isEmergency) return decideDelivery(consents, asked, considered, times);
  const decision = decideEmergency(consents, asked, considered, times);
  if (decision.outcome === 'deny') {
    const named = decision.consent === undefined ? {} : { consent: decision.consent };
    return { outcome: 'deny', reason: 'consent-denied', ...named };
  }
  const { permitted, companions, until } = decision;
  return { outcome: 'permit', furtherConsents: [], expiresAt: until ?? times.latest, permitted, companions };
}

/** One record, whatever its version. */
interface Version {
  type: string;
  id: string;
  version: number;
}

const nameOf = ({ type, id }: Version): string => `${type}/${id}`;

/** What of a delivery is as it should be. */
export interface Standing {
  /** What was delivered. */
  delivered: readonly Version[];
  /** The same records, as far as they are there, as they stand now. */
  now: readonly Version[];
  /** Of those the ones that may be shown. */
  permitted: readonly Version[];
  /** When it goes, as it was said and as it would be said now; ISO 8601 UTC. */
  expiresAt: { told: string; due: string };
}

/** Why a delivery is to be withdrawn; undefined where it is what would be delivered now. */
export function withdrawalOf({ delivered, now, permitted, expiresAt }: Standing): Withdrawal | undefined {
  const standing = new Map(now.map((record) => [nameOf(record), record.version]));
  const shown = new Set(permitted.map(nameOf));
  if (delivered.some((record) => standing.has(nameOf(record)) && !shown.has(nameOf(record))))
    return 'no-longer-permitted';
  if (delivered.some((record) => standing.get(nameOf(record)) !== record.version)) return 'record-changed';
  return expiresAt.due < expiresAt.told ? 'ends-sooner' : undefined;
}
