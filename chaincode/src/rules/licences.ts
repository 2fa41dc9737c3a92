/** Whether a practitioner's licence was in force on a date, by the regulator's register as it stands, and whose it is. */
import { addDays } from '../model/days.ts';
import {
  decisionOn,
  denyLicence as deny,
  type LicenceDecision,
  type LicenceRefusal,
  standingsOf,
} from '../model/licences.ts';
import type { LicenceState } from '../model/transactions.ts';
import type { Person } from '../model/values.ts';

/** Who is said to hold a licence. */
export interface Holder {
  /** Name of the organisation that certified him; undefined where that is none of the consortium. */
  organisation: string | undefined;
  /** `Practitioner/<id>`; undefined where he is named by the licence's number alone. */
  practitioner: string | undefined;
}

/**
 * @param licence what the register holds, undefined where it holds nothing
 * @param date the day of the act, YYYY-MM-DD; first and last day of a licence are within it
 */
export function evaluateLicence(licence: LicenceState | undefined, holder: Holder, date: string): LicenceDecision {
  if (licence === undefined) return deny('licence-absent');
  if (licence.practitioners?.some((person) => isHeldBy(person, holder)) === false) return deny('licence-of-another');
  return decisionOn(licence, date);
}

/** The same of every day from the first to the last: the first reason against it. */
export function evaluateLicenceDuring(
  licence: LicenceState | undefined,
  holder: Holder,
  { first, last }: { first: string; last: string },
): LicenceDecision {
  const changes = licence === undefined ? [] : standingsOf(licence).map(({ effective }) => effective);
  const days = [first, ...changes.filter((day) => first < day && day < last), last].flatMap((day) =>
    dayBeforeAnd(day, first),
  );
  const decisions = [...new Set(days)].sort().map((day) => evaluateLicence(licence, holder, day));
  return decisions.find(({ outcome }) => outcome === 'deny') ?? { outcome: 'permit' };
}

/** What comes to an end, ends on the day before the next begins to count. */
const dayBeforeAnd = (day: string, first: string): string[] => (day <= first ? [day] : [addDays(day, -1), day]);

const isHeldBy = (person: Person, { organisation, practitioner = person.practitioner }: Holder): boolean =>
  person.organisation === organisation && person.practitioner === practitioner;

/** Whether a licence names this person: where nothing but a certificate says who somebody is, a number does not do. */
export const names = ({ practitioners = [] }: LicenceState, person: Person): boolean =>
  practitioners.some((one) => isHeldBy(one, person));

/** Why this practitioner may not act where a licence must name him; undefined where he may. @param now ISO 8601 UTC */
export function licenceRefusal(
  licence: LicenceState | undefined,
  person: Person,
  now: string,
): LicenceRefusal | undefined {
  const decision = evaluateLicence(licence, person, now.slice(0, 10));
  if (decision.outcome === 'deny') return decision.reason;
  // A licence that names nobody is anybody's who knows its number.
  return licence !== undefined && names(licence, person) ? undefined : 'licence-of-another';
}
