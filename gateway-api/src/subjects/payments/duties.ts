/** The payer's duties: instructs the bank to pay what is owed, and tells providers what their bank has reported. */
import { randomUUID } from 'node:crypto';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { paymentStateSchema } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownStates } from '../../duties/found.ts';
import { claimState } from '../claims/claims.ts';
import { recoup } from '../claims/debts.ts';
import type { Services } from '../services.ts';
import { instruct, paymentState, remit } from './payments.ts';
import { type Agreed, agreedTerms } from './terms.ts';

/** Claims at this payer in one of these statuses. */
export async function* claimsIn(services: Services, ...statuses: ClaimState['status'][]): AsyncGenerator<ClaimState> {
  for await (const state of ownStates(services, 'claim', claimStateSchema, statuses)) {
    if (state.payer === services.organisation.name) yield state;
  }
}

export const instructPayment: Duty<ClaimState> = {
  name: 'instruct payment',
  kind: 'payer',
  on: [events.ClaimAdjudicated],
  idOf: (state) => state.id,
  async *find(services) {
    const agreed = new Map<string, Agreed>();
    for await (const claim of claimsIn(services, 'approved', 'partial')) {
      const terms = agreed.get(claim.provider) ?? (await agreedTerms(services, claim.provider));
      agreed.set(claim.provider, terms);
      if (terms.bank !== undefined && terms.runs === 'each') yield claim;
    }
  },
  async perform(state, services) {
    // What the provider owes back is taken first.
    const isLess = await recoup(services, state, AS_SYSTEM);
    const due = isLess ? await claimState(services.index, state.id) : state;
    if (!['approved', 'partial'].includes(due.status)) return;
    await instruct(services, { id: randomUUID(), claims: [due] }, AS_SYSTEM);
  },
};

/** A provider that is to be told of a payment. */
interface Telling {
  id: string;
  provider: string;
}

/** Claims whose payment its bank has reported on, by payment and provider; each once. */
async function* reportedOn(services: Services): AsyncGenerator<Telling> {
  const seen = new Set<string>();
  for await (const claim of claimsIn(services, 'instructed', 'settled')) {
    const id = claim.payment ?? (await earlierPayment(services, claim));
    const at = `${id}/${claim.provider}`;
    if (id === undefined || seen.has(at)) continue;
    seen.add(at);
    const state = await paymentState(services.index, id);
    const isReported = state !== undefined && state.status !== 'instructed' && state.status !== 'accepted';
    if (isReported || claim.status === 'settled') yield { id, provider: claim.provider };
  }
}

/** Payments that came back, of which a provider was told otherwise. */
async function* cameBack(services: Services): AsyncGenerator<Telling> {
  const own = collections.billing(services.organisation.name);
  for await (const state of ownStates(services, 'payment', paymentStateSchema, ['returned']))
    for (const provider of state.debtor === undefined ? state.providers : [])
      if (!(await services.index.evidence.isWritten(own, privateKeys.remitted(state.id, provider, state.step))))
        yield { id: state.id, provider };
}

/** The payment of a claim that was instructed before payments had states of their own: it lies with the claim. */
async function earlierPayment({ index, organisation }: Services, claim: ClaimState): Promise<string | undefined> {
  const keys = keysOfClaim(claim);
  const key = claim.status === 'settled' ? keys.settled : keys.instructed;
  return (await index.rowAt(collections.billing(organisation.name), key, 'PaymentReconciliation'))?.id;
}

export const remitPayment: Duty<Telling> = {
  name: 'remit payment',
  kind: 'payer',
  on: [events.PaymentReported],
  idOf: ({ id, provider }) => `${id}/${provider}`,
  async *find(services) {
    yield* reportedOn(services);
    yield* cameBack(services);
  },
  perform: async (telling, services) => {
    await remit(services, telling, AS_SYSTEM);
  },
};
