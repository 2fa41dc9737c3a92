/** The duty to send requests for authorization that the ledger has not taken yet: a provider's, and those that a payer has received. */
import type { Duty } from '../../duties/duties.ts';
import type { Pending } from '../../idempotency/kept-requests.ts';

const sending = (kind: 'provider' | 'payer'): Duty<Pending> => ({
  name: 'send requests for authorization',
  kind,
  // What is lacking comes back without an event.
  on: [],
  idOf: ({ id }) => id,
  waitsFor: ({ needs }) => needs,
  find: ({ keptRequests }) => keptRequests.due(),
  perform: (kept, { keptRequests }) => keptRequests.send(kept),
});
export const sendRequests = sending('provider');
export const sendReceivedRequests = sending('payer');
