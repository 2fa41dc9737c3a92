/** Whether a practitioner's licence was in force on a date, by the regulator's public register, and whose it is. */
import type { LicenceState } from '../model/transactions.ts';
import type { Person } from '../model/values.ts';

export type LicenceRefusal =
  | 'licence-absent'
  | 'licence-of-another'
  | 'licence-suspended'
  | 'licence-excluded'
  | 'licence-not-begun'
  | 'licence-expired';

export type LicenceDecision = { outcome: 'permit' } | { outcome: 'deny'; reason: LicenceRefusal };

const deny = (reason: LicenceRefusal): LicenceDecision => ({ outcome: 'deny', reason });

/** Who is said to hold a licence. */
export interface Holder {
  /** Name of the organisation that certified him; undefined where that is none of the consortium. */
  organisation: string | undefined;
  /** `Practitioner/<id>`; undefined where he is named by the licence's number alone. */
  practitioner: string | undefined;
}

/**
 * @param licence what the register holds, undefined where it holds nothing
 * @param date the day of the service, YYYY-MM-DD; first and last day of a licence are within it
 */
export function evaluateLicence(licence: LicenceState | undefined, holder: Holder, date: string): LicenceDecision {
  if (licence === undefined) return deny('licence-absent');
  if (licence.practitioners?.some((person) => isHeldBy(person, holder)) === false) return deny('licence-of-another');
  if (licence.status !== 'active') return deny(`licence-${licence.status}`);
  if (date < licence.start) return deny('licence-not-begun');
  if (date > licence.end) return deny('licence-expired');
  return { outcome: 'permit' };
}

const isHeldBy = (person: Person, { organisation, practitioner = person.practitioner }: Holder): boolean =>
  person.organisation === organisation && person.practitioner === practitioner;

/** Whether a licence names this person: where nothing but a certificate says who somebody is, a number does not do. */
export const names = ({ practitioners = [] }: LicenceState, person: Person): boolean =>
  practitioners.some((one) => isHeldBy(one, person));
