/** What a clerk has narrowed the queue to: kept while she is signed in, in memory alone, and in no address. */
import { session } from '../sign-in.ts';
import { Value } from '../value.ts';
import type { Status } from './statuses.ts';

export interface Filters {
  status: Status | '';
  assignee: 'anybody' | 'me' | 'none';
  provider: string;
  least: string;
  /** ISO 8601 day. */
  since: string;
}

const FIRST: Filters = { status: 'submitted', assignee: 'anybody', provider: '', least: '', since: '' };
export const filters = new Value<Filters>(FIRST);
session.watch(() => {
  if (session.now === undefined) filters.set(FIRST);
});

const AMOUNT = /^\d{1,12}(?:\.\d{1,2})?$/;

/** The path of the queue that is asked for; what is not typed in whole yet is left out. */
export function queuePath({ status, assignee, provider, least, since }: Filters, me: string | undefined): string {
  const whose = assignee === 'me' ? (me ?? 'none') : assignee;
  const asked = new URLSearchParams({
    count: '25',
    ...(status === '' ? {} : { status }),
    ...(whose === 'anybody' ? {} : { assignee: whose }),
    ...(provider.trim() === '' ? {} : { provider: provider.trim() }),
    ...(AMOUNT.test(least) ? { least } : {}),
    ...(since === '' ? {} : { since }),
  });
  return `/claims?${asked}`;
}
