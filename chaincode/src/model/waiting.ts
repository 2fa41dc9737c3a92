/** Requests for access that wait for the patient: until a consent permits them, she refuses, or their time is over. */
import type { AccessRequest } from './values.ts';

/** How far ahead a request may say that it waits. */
export const LONGEST_WAIT_DAYS = 30;
const DAY_MS = 86_400_000;

/** Whether a request still waits. @param now ISO 8601 */
export const isWaiting = ({ waitUntil }: Pick<AccessRequest, 'waitUntil'>, now: string): boolean =>
  waitUntil !== undefined && Date.parse(waitUntil) > Date.parse(now);

/** Why a request may not say so; undefined where it may. @param now ISO 8601 */
export function waitRefusal(waitUntil: string, now: string): string | undefined {
  const ahead = Date.parse(waitUntil) - Date.parse(now);
  if (ahead <= 0) return 'is not ahead';
  return ahead > LONGEST_WAIT_DAYS * DAY_MS ? `is more than ${LONGEST_WAIT_DAYS} days ahead` : undefined;
}
