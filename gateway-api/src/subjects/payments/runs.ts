/**
 * Payment runs: all that a payer owes and has not instructed, many claims by one payment, to each payee by payments of its own. A
 * claim that takes another step meanwhile is left out; a run that ends in the middle is gone on with by the next.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { payableOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { MAX_CLAIMS_OF_PAYMENT } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { IdempotentRequest } from '../../idempotency/request.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { claimState, resourceAt } from '../claims/claims.ts';
import { recoup } from '../claims/debts.ts';
import type { Services } from '../services.ts';
import { claimsIn } from './duties.ts';
import { claimReference, several } from './parameters.ts';
import { instruct } from './payments.ts';
import { type Agreed, agreedTerms } from './terms.ts';

/** What a run is narrowed to. */
export const wantedSchema = z.strictObject({
  provider: several(z.string().max(63)).optional(),
  claim: several(claimReference).optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
});
export type Wanted = z.infer<typeof wantedSchema>;

export interface Run {
  /** Ids of the payments, in the order in which they were instructed. */
  payments: string[];
  transactions: string[];
}

/**
 * Instructs what is owed and not instructed. Under a key each payment has one of its own: what is sent again answers those that were made
 * under it, and makes what is still due. @throws {LedgerError} NOT_FOUND where there is no bank
 */
export async function instructAll(
  services: Services,
  caller: Caller,
  wanted: Wanted,
  idempotency: IdempotentRequest | undefined,
): Promise<Run> {
  const run: Run = { payments: [], transactions: [] };
  let due: ClaimState[][] | undefined;
  for (;;) {
    const part = partOf(idempotency, run.payments.length + 1);
    try {
      const written = await services.idempotent.write(caller, part, async () => {
        due ??= await dueOf(services, wanted);
        const claims = due.shift();
        const id = randomUUID();
        const submit = (sending: Sending) => instructThose(services, { id, claims: claims! }, sending);
        return claims && { answer: { id }, submit };
      });
      if (written === undefined) return run;
      run.payments.push(written.answer.id);
      run.transactions.push(written.outcome.transactionId);
    } catch (error) {
      if (!(error instanceof NothingLeft)) throw error;
    }
  }
}

/** Others have taken all claims of a portion meanwhile. */
class NothingLeft extends Error {}

const partOf = (idempotency: IdempotentRequest | undefined, number: number): IdempotentRequest | undefined =>
  idempotency && { ...idempotency, key: `${idempotency.key}/${number}` };

/** What may be paid together, in portions of what one payment may be for. */
async function dueOf(services: Services, { provider, claim, currency }: Wanted): Promise<ClaimState[][]> {
  const together = new Map<string, ClaimState[]>();
  const known = new Map<string, Promise<Agreed>>();
  const agreed = (name: string): Promise<Agreed> => {
    const terms = known.get(name) ?? agreedTerms(services, name);
    known.set(name, terms);
    return terms;
  };
  for await (const found of claimsIn(services, 'approved', 'partial')) {
    if (provider !== undefined && !provider.includes(found.provider)) continue;
    if (claim !== undefined && !claim.includes(found.id)) continue;
    const state = await lessDebts(services, found);
    const owed = state.status === 'satisfied' ? undefined : await currencyOf(services, state);
    if (owed === undefined || (currency !== undefined && owed !== currency)) continue;
    const name = `${payeeOf(await agreed(state.provider))} ${owed}`;
    together.set(name, [...(together.get(name) ?? []), state]);
  }
  return [...together.values()].flatMap(portions);
}

/** A claim after what its provider owes back was taken from it. */
async function lessDebts(services: Services, claim: ClaimState): Promise<ClaimState> {
  return (await recoup(services, claim, AS_SYSTEM)) ? claimState(services.index, claim.id) : claim;
}

/** What must be the same for claims to be paid together. */
const payeeOf = ({ bank, payee, payerAccount, payeeAccount }: Agreed): string =>
  [bank, payee, payerAccount?.id, payeeAccount?.id].join(' ');

/** The currency that a claim is owed in; undefined where nothing is. */
async function currencyOf({ index, organisation }: Services, claim: ClaimState): Promise<string | undefined> {
  if (claim.owed !== undefined) return claim.owed.currency;
  const own = collections.billing(organisation.name);
  const response = await resourceAt(index, 'ClaimResponse', own, keysOfClaim(claim).response);
  return response?.['payment'] === undefined ? undefined : payableOf(response).currency;
}

const portions = (claims: readonly ClaimState[]): ClaimState[][] =>
  Array.from({ length: Math.ceil(claims.length / MAX_CLAIMS_OF_PAYMENT) }, (_, index) =>
    claims.slice(index * MAX_CLAIMS_OF_PAYMENT, (index + 1) * MAX_CLAIMS_OF_PAYMENT),
  );

const MOST_TRIES = 8;
const PAUSE_MS = 100;

/**
 * One payment of those that are still due: what another run, the duty or a cancellation takes meanwhile is left out.
 * @throws NothingLeft
 */
async function instructThose(
  services: Services,
  { id, claims }: { id: string; claims: readonly ClaimState[] },
  sending: Sending,
): Promise<Outcome> {
  let due = claims;
  for (let tries = 1; ; tries += 1) {
    try {
      return await instruct(services, { id, claims: [...due] }, sending);
    } catch (error) {
      if (tries === MOST_TRIES || !(error instanceof LedgerError) || error.code !== 'CONFLICT') throw error;
      // The read model may be behind by a block or two.
      await pause(PAUSE_MS * tries);
      due = await stillDue(services.index, due);
      if (due.length === 0) throw new NothingLeft();
    }
  }
}

async function stillDue(index: ReadModel, claims: readonly ClaimState[]): Promise<ClaimState[]> {
  const due: ClaimState[] = [];
  for (const { id, step } of claims) {
    const state = claimStateSchema.parse(await claimState(index, id));
    if (state.step === step) due.push(state);
  }
  return due;
}
