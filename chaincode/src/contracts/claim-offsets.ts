/** What a provider owes back is taken from what a payer owes of a later claim; a bank pays the rest. */
import type { Call } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { PaymentRecord } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { offsetOf } from '../rules/offsets.ts';
import { takeDebts } from './claim-balance.ts';
import { checkState, nextState, takeStep } from './claim-states.ts';

export async function offsetClaim(call: Call<'OffsetClaim'>): Promise<OutputOf<'OffsetClaim'>> {
  const { input, caller, store } = call;
  const { reconciliationId, salt, state: text, debts } = call.private;
  const payer = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'offset', caller });
  const { id, provider, owed, paid } = state;
  if (provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  if (owed === undefined) throw new LedgerError('CONFLICT', 'its state does not say what is owed', 'id');
  const taken = await takeDebts(store, debts, { payer, provider, by: { takenFrom: id }, amount: owed, salt });
  const { units, parts } = taken;
  const left = owed.units - units;
  const next = nextState(call, 'offset', state, {
    status: left === 0 ? 'satisfied' : state.status,
    owed: left === 0 ? undefined : { ...owed, units: left },
    paid: { units: (paid?.units ?? 0) + units, currency: owed.currency },
  });
  const facts = { reconciliationId, claimId: id, response: owed.response, payer, provider, now: store.time };
  const told: PaymentRecord = {
    ...{ schema: 1, claimId: id, salt: sha256Hex(`offset/${salt}`) },
    resource: offsetOf({ ...facts, parts, currency: owed.currency }),
  };
  await takeStep(store, {
    state: next,
    event: events.ClaimOffset,
    values: [{ key: privateKeys.offset(id, next.step), value: told, copies: [provider] }, ...taken.values],
    concerned: [provider],
  });
  return { time: store.time };
}
