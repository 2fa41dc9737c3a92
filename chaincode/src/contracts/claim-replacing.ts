/** A claim that takes another one's place: its services, and what was paid for them. */
import type { Call } from '../ledger/transaction.ts';
import type { Bill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import { correctionOf } from '../model/claim-corrections.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import type { Amount } from '../model/money.ts';
import type { ClaimState } from '../model/values.ts';
import { returnBenefits } from './claim-benefits.ts';
import { checkClaim, paidFor } from './claim-corrections.ts';
import { servicesOf } from './claim-services.ts';
import { checkState, nextState, putState } from './claim-states.ts';
import { freeServices, type Holdings } from './held-services.ts';
import { freeScreened } from './screened.ts';

/** The claim that is replaced, as it stands. */
export interface Replaced {
  state: ClaimState;
  record: ClaimRecord;
  services: Holdings;
  paid: Amount | undefined;
  /** The decision that says what it took of plan years. */
  took: string | undefined;
}

/**
 * The claim that a submitted one replaces, by what it says itself; undefined where it replaces none.
 * @throws LedgerError INVALID where it says one thing and shows another, as `checkState`
 */
export async function checkReplaced(
  { store, caller, private: { claim, replaced, fingerprintKey } }: Call<'SubmitClaim'>,
  bill: Bill,
  payer: string,
): Promise<Replaced | undefined> {
  const correction = correctionOf(claim.resource);
  if (correction?.kind === 'void') throw new LedgerError('INVALID', 'voids a claim, and is none', 'Claim.related');
  if (correction === undefined && replaced === undefined) return undefined;
  if (correction === undefined || replaced === undefined)
    throw new LedgerError('INVALID', 'does not show the claim that it replaces', 'Claim.related');
  const asked = { id: correction.claim, payer, text: replaced.state, step: 'replace', caller } as const;
  const state = await checkState(store, asked);
  const record = await checkClaim(store, state, replaced.claim, 'replaced.claim');
  const paid = await paidFor(store, state, replaced.response);
  if (paid !== undefined && bill.currencies.some((currency) => currency !== paid.currency))
    throw new LedgerError('INVALID', 'is in another currency than what was paid', 'Claim.item');
  const shown = { coverage: replaced.coverage, fingerprintKey };
  return {
    state,
    record,
    paid,
    took: replaced.took,
    services: await servicesOf(store, record, caller.organisation, shown),
  };
}

/** What the other one held is free, for this one. */
export async function replace(
  { store, private: { replaced } }: Call<'SubmitClaim'>,
  { state, record, services, took }: Replaced,
  by: string,
): Promise<void> {
  await freeServices(store, record, services);
  await freeScreened(store, record, replaced?.screening);
  const salt = sha256Hex(`replaced/${by}/${record.salt}`);
  await returnBenefits(store, record, state, { took, salt });
  const salted = { store, private: { salt } };
  const next = nextState(salted, 'replace', state, {
    status: 'replaced',
    replacedBy: by,
    paid: undefined,
    taken: undefined,
  });
  await putState(store, next, [state.provider]);
}
