/** Tells subscribers that something became of a request for access. */
import type { Duty } from '../../duties/duties.ts';
import { SUBSCRIBING } from './subscription.ts';
import type { Due } from './subscriptions.ts';

export const tellSubscribers: readonly Duty<Due>[] = SUBSCRIBING.map((kind) => ({
  name: 'tell subscribers',
  kind,
  on: 'every block',
  idOf: ({ row: { id, version, failures }, head }) => `${id}/${version}/${failures}/${head}`,
  // One that hangs keeps no other waiting.
  waitsFor: ({ row: { id } }) => id,
  find: ({ subscriptions }) => subscriptions.due(new Date().toISOString()),
  soonest: ({ subscriptions }) => subscriptions.soonest(),
  perform: (due, { subscriptions }) => subscriptions.tell(due, new Date()),
}));
