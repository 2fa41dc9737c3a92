/** Whether a practitioner's licence was in force on a date, by the regulator's public register. */
import type { LicenceState } from '../model/transactions.ts';

export type LicenceRefusal =
  | 'licence-absent'
  | 'licence-suspended'
  | 'licence-excluded'
  | 'licence-not-begun'
  | 'licence-expired';

export type LicenceDecision = { outcome: 'permit' } | { outcome: 'deny'; reason: LicenceRefusal };

const deny = (reason: LicenceRefusal): LicenceDecision => ({ outcome: 'deny', reason });

/**
 * @param licence what the register holds, undefined where it holds nothing
 * @param date the day of the service, YYYY-MM-DD; first and last day of a licence are within it
 */
export function evaluateLicence(licence: LicenceState | undefined, date: string): LicenceDecision {
  if (licence === undefined) return deny('licence-absent');
  if (licence.status !== 'active') return deny(`licence-${licence.status}`);
  if (date < licence.start) return deny('licence-not-begun');
  if (date > licence.end) return deny('licence-expired');
  return { outcome: 'permit' };
}
