/** The custodian's duty to send what patients want and the ledger has not taken yet. */
import type { Duty } from '../../duties/duties.ts';
import type { Wish } from '../../idempotency/wishes.ts';

export const sendWishes: Duty<Wish> = {
  name: 'send wishes',
  kind: 'custodian',
  // What is lacking comes back without an event.
  on: [],
  idOf: ({ id }) => id,
  waitsFor: ({ provider }) => provider,
  find: ({ wishes }) => wishes.due(),
  perform: (wish, { wishes }) => wishes.send(wish),
};
