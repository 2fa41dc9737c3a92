/** Whether a provider may answer another's order. Pure: the order, the answer and a time in, the reason against it out. */
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { spanOf, spanOfPeriod } from '../model/periods.ts';
import { performersOf } from '../model/referrals.ts';

/** The reasons, and what each means. */
export const REFERRAL_REFUSALS = {
  'other-patient': 'the referral is of another patient',
  'not-referred': 'the referral names another provider, or none',
  'no-order': 'what is no order refers nobody',
  'referral-not-active': 'the referral is not active',
  'referral-expired': 'the time of the referral is over',
} as const;
type ReferralRefusal = keyof typeof REFERRAL_REFUSALS;

interface Answering {
  /** With the subject as the order names that person. */
  answer: Resource;
  order: Resource;
  /** Name of who answers. */
  provider: string;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** The first reason against it, in the order of the table; undefined where there is none. */
export function referralRefusal({ answer, order, provider, now }: Answering): ReferralRefusal | undefined {
  if (patientIdOf(answer) !== patientIdOf(order)) return 'other-patient';
  if (!performersOf(order).includes(provider)) return 'not-referred';
  if (!String(order['intent']).endsWith('order') || order['doNotPerform'] === true) return 'no-order';
  if (order['status'] !== 'active') return 'referral-not-active';
  return (endOf(order) ?? Number.POSITIVE_INFINITY) <= Date.parse(now) ? 'referral-expired' : undefined;
}

/** When what is asked for is over, ms; undefined where the order does not say so. */
const endOf = ({ occurrencePeriod, occurrenceDateTime }: Resource): number | undefined =>
  (spanOfPeriod(occurrencePeriod) ?? spanOf(occurrenceDateTime))?.end;
