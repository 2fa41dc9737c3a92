/** A claim as the desk's queue has it (GET /claims): with as much as tells which to take next, and nobody's name. */
import type { Words } from '../words.ts';
import type { Status } from './statuses.ts';

export interface QueuedClaim {
  id: string;
  status: Status;
  provider: string;
  reason?: string;
  submittedAt: string;
  lines: number;
  billed?: { value: number; currency: string };
  assignee?: string;
}

export interface Queue {
  claims: QueuedClaim[];
  /** Path of the next page. */
  next?: string;
}

export const billedSaid = ({ billed }: QueuedClaim, { money }: Words): string =>
  billed === undefined ? '–' : money(billed.value, billed.currency);
