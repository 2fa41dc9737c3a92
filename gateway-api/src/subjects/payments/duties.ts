/**
 * The payer's duties: instructs the bank to pay what was adjudicated as payable, and tells the provider when it has
 * been paid.
 */
import type { ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Duty } from '../../duties/worker.ts';
import type { DutyOptions } from '../access/duties.ts';
import type { Claims } from '../claims/claims.ts';

const AS_SYSTEM = { as: { role: 'system' } } as const;

export interface PayerDutyOptions extends DutyOptions {
  organisation: Organisation;
  claims: Claims;
}

async function claimsIn(
  { index, organisation }: PayerDutyOptions,
  statuses: ClaimState['status'][],
): Promise<ClaimState[]> {
  const rows = await Promise.all(statuses.map((status) => index.states('claim', status)));
  return rows
    .flat()
    .map((row) => JSON.parse(row.value) as ClaimState)
    .filter((state) => state.payer === organisation.name);
}

/** Payments go to the consortium's first bank. */
export function instructPayment(options: PayerDutyOptions): Duty<ClaimState> {
  const [bank] = organisationsOfKind(options.consortium, 'bank');
  return {
    name: 'instruct payment',
    idOf: (state) => state.id,
    find: async () => (bank === undefined ? [] : claimsIn(options, ['approved', 'partial'])),
    perform: async (state) => {
      await options.claims.instruct(state, bank?.name ?? '', AS_SYSTEM);
    },
  };
}

export function remitPayment(options: PayerDutyOptions): Duty<ClaimState> {
  return {
    name: 'remit payment',
    idOf: (state) => state.id,
    find: () => claimsIn(options, ['settled']),
    perform: async (state) => {
      await options.claims.remit(state, AS_SYSTEM);
    },
  };
}
