/**
 * What becomes of a delivery that is not what would be delivered now: it is withdrawn whole, and what may be shown still is
 * delivered anew, as an access of its own that goes on from it and lasts no longer than the first would have.
 */
import { uuidFrom } from './canonical.ts';
import { EMERGENCY_HOURS, isEmergency } from './emergencies.ts';
import type { AccessRequest, AccessState } from './values.ts';

/** Why a delivery is withdrawn whose consents are in force. */
export const WITHDRAWALS = ['no-longer-permitted', 'record-changed', 'ends-sooner'] as const;
export type Withdrawal = (typeof WITHDRAWALS)[number];

/** How long copies are left with whoever received them, where nothing ends sooner. */
const COPY_LIFETIME_HOURS = 30 * 24;
const HOUR_MS = 3_600_000;

/** Id of the access that goes on from one: there is no second. */
export const renewalOf = (access: string): string => uuidFrom(`renewal/${access}`);

/** Id of the request that an access was begun with. */
export const rootOf = ({ id, root }: Pick<AccessState, 'id' | 'root'>): string => root ?? id;

/** Until when what is delivered on a request stays at most. @param now when it is first delivered, ISO 8601 UTC */
export function lifetimeEnd(
  request: Pick<AccessRequest, 'purpose' | 'reason'>,
  now: string,
  emergencyHours = EMERGENCY_HOURS,
): string {
  const hours = isEmergency(request) ? emergencyHours : COPY_LIFETIME_HOURS;
  return new Date(Date.parse(now) + hours * HOUR_MS).toISOString();
}

/** The same of a delivery, whether it is the first or goes on from one. */
export const lastsUntil = (
  { decidedAt, lastsUntil: told }: Pick<AccessState, 'decidedAt' | 'lastsUntil'>,
  request: Pick<AccessRequest, 'purpose' | 'reason'>,
): string => told ?? lifetimeEnd(request, decidedAt ?? '');
