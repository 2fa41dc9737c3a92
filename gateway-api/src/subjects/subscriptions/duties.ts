/** Tells subscribers of what they asked to be told of. */
import type { Duty } from '../../duties/duties.ts';
import { sendableBy } from './reading.ts';
import { SUBSCRIBING } from './subscription.ts';
import type { Due } from './subscriptions.ts';

export const tellSubscribers: readonly Duty<Due>[] = SUBSCRIBING.map((kind) => ({
  name: 'tell subscribers',
  kind,
  on: 'every block',
  idOf: ({ row: { id, version, failures, sent, sent_at: at }, head }) =>
    `${id}/${version}/${failures}/${head}/${sent}/${at}`,
  // One that hangs keeps no other waiting.
  waitsFor: ({ row: { id } }) => id,
  // Events of one are told in their order.
  atOnce: 1,
  find: ({ subscriptions }) => subscriptions.due(new Date().toISOString()),
  soonest: ({ subscriptions }) => subscriptions.soonest(),
  perform: (due, services) => services.subscriptions.tell(due, new Date(), sendableBy(services)),
}));
