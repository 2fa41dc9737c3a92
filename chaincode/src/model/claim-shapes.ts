/** What transactions about claims show of a claim as it stands, and where they write. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { screeningShown } from './screening-transactions.ts';
import { anchoredText } from './texts.ts';
import type { Writes } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

/** A claim as it stands, as the anchored texts. */
export const standingShape = { claim: anchoredText(MAX_VALUE_LENGTH), state: anchoredText(MAX_STATE_LENGTH) };

/** The decision that says what a claim took of plan years, where its state names one. */
export const tookShape = { took: anchoredText(MAX_VALUE_LENGTH).optional() };

/** One that holds services, to be set free: also the coverage that it was judged by, and the decision where its state does not say what was paid. */
export const heldShape = {
  ...standingShape,
  coverage: anchoredText(MAX_STATE_LENGTH),
  response: anchoredText(MAX_VALUE_LENGTH).optional(),
  screening: screeningShown,
  ...tookShape,
};
/**
 * A payment as it stands, as the anchored texts. Of one that was instructed before payments had states of their own, `order` is
 * the state of its claim.
 */
export const shownPaymentShape = {
  order: anchoredText(MAX_STATE_LENGTH),
  reconciliation: anchoredText(MAX_VALUE_LENGTH),
};

/** A payer's collection decides a claim; whom a step concerns follows from the claim. */
export const billed = (consortium: Consortium, payer: string): Writes => ({
  always: [collections.billing(payer)],
  copies: consortium.organisations
    .filter(({ kind }) => kind === 'provider' || kind === 'bank')
    .map(({ name }) => collections.billing(name)),
});
