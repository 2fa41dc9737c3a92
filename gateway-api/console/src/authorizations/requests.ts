/** A request for authorization as the list has it (GET /authorizations): its clock, and nobody's name. */

export const STATUSES = ['pended', 'approved', 'partial', 'denied', 'cancelled'] as const;

export interface Asked {
  id: string;
  status: (typeof STATUSES)[number];
  provider?: string;
  urgency: 'expedited' | 'standard';
  receivedAt: string;
  dueAt: string;
  isLate?: boolean;
}

const HOUR_MS = 3_600_000;
/** Less is left than a clerk can put off until tomorrow. */
const SOON_HOURS = 24;

/** Class of the tag that shows when a request is due. */
export function clockTag(dueAt: string, now = Date.now()): string {
  const left = Date.parse(dueAt) - now;
  if (left <= 0) return 'tag bad';
  return left < SOON_HOURS * HOUR_MS ? 'tag warn' : 'tag';
}
