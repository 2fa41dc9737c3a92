/** The payer's duties: instructs the bank to pay what was adjudicated as payable, and remits what has been paid. */

import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownStates } from '../../duties/found.ts';
import type { Services } from '../services.ts';
import { instruct, remit } from './payments.ts';

/** Claims at this payer in one of these statuses. */
async function* claimsIn(services: Services, ...statuses: ClaimState['status'][]): AsyncGenerator<ClaimState> {
  for await (const state of ownStates(services, 'claim', claimStateSchema, statuses)) {
    if (state.payer === services.organisation.name) yield state;
  }
}

/** Payments go to the consortium's first bank. */
const bankOf = ({ consortium }: Services): string | undefined => organisationsOfKind(consortium, 'bank')[0]?.name;

export const instructPayment: Duty<ClaimState> = {
  name: 'instruct payment',
  kind: 'payer',
  on: [events.ClaimAdjudicated],
  idOf: (state) => state.id,
  async *find(services) {
    if (bankOf(services) !== undefined) yield* claimsIn(services, 'approved', 'partial');
  },
  async perform(state, services) {
    await instruct(services, state, bankOf(services) ?? '', AS_SYSTEM);
  },
};

export const remitPayment: Duty<ClaimState> = {
  name: 'remit payment',
  kind: 'payer',
  on: [events.PaymentSettled],
  idOf: (state) => state.id,
  find: (services) => claimsIn(services, 'settled'),
  async perform(state, services) {
    await remit(services, state, AS_SYSTEM);
  },
};
