/** What other payers decided before, as a claim shows it: each is checked by its hashes, at whichever payer it is. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { type Bill, type BillItem, readBill } from '../model/bill.ts';
import { canonicalJson } from '../model/canonical.ts';
import { objectsOf } from '../model/claim-evidence.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import type { ClaimStatus } from '../model/claim-steps.ts';
import { claimResponseRecordSchema } from '../model/claims.ts';
import { type PriorDecision, priorResponsesOf } from '../model/coordination.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { parseMoney } from '../model/money.ts';
import { type ClaimState, claimStateSchema } from '../model/values.ts';
import { checkClaim } from './claim-corrections.ts';
import { loadScreening } from './screened.ts';
import { holderHash } from './service-holders.ts';

/** Statuses in which nothing is decided, or what was decided counts no more. */
const UNDECIDED: readonly ClaimStatus[] = [
  ...(['submitted', 'pended', 'queued', 'countersign', 'appealed'] as const),
  ...(['cancelled', 'voided', 'replaced'] as const),
];

type Shown = NonNullable<Call<'SubmitClaim'>['private']['prior']>[number];

/**
 * The decisions that a claim names, each shown and the newest of its claim; none where it names none.
 * @throws LedgerError INVALID, NOT_FOUND, CONFLICT at `prior[i]`
 */
export async function checkPrior(call: Call<'SubmitClaim'>, bill: Bill): Promise<PriorDecision[]> {
  const { claim, prior = [] } = call.private;
  const named = priorResponsesOf(claim.resource);
  const decisions = await Promise.all(prior.map((shown, index) => checkOne(call, bill, shown, `prior[${index}]`)));
  const found = decisions.map(({ responseId }) => responseId);
  if (named.length !== found.length || named.some((id) => !found.includes(id)) || new Set(found).size < found.length)
    throw new LedgerError('INVALID', 'are not the decisions that the claim names', 'Claim.insurance.claimResponse');
  return decisions;
}

async function checkOne(call: Call<'SubmitClaim'>, bill: Bill, shown: Shown, at: string): Promise<PriorDecision> {
  const { store, caller } = call;
  const state = await checkDecided(call, shown, at);
  const collection = collections.billing(state.payer);
  const keys = keysOfClaim(state);
  const record = await checkClaim(store, state, shown.claim, `${at}.claim`);
  const { resource } = await checkPresented(
    ...([store, collection, keys.response, shown.response] as const),
    ...([claimResponseRecordSchema, `${at}.response`] as const),
  );
  const theirs = readBill(record.resource);
  if (state.provider !== caller.organisation.name || theirs.patient !== bill.patient)
    throw new LedgerError('INVALID', "is another provider's or patient's", at);
  const first = await checkFirst(call, shown, state, at);
  const paid = theirs.items.filter(({ sequence }) => amountOf(resource, sequence, 'benefit') > 0);
  await checkHeld(
    ...([store, shown, state] as const),
    paid.map(({ sequence }) => sequence),
    at,
  );
  return {
    ...{ payer: state.payer, claimId: state.id, responseId: resource.id, coverage: theirs.coverage },
    holder: holderHash({ claimId: state.id, salt: first.salt }),
    currency: theirs.currencies[0]!,
    lines: linesOf(bill, theirs, resource),
  };
}

async function checkDecided({ store }: Call<'SubmitClaim'>, shown: Shown, at: string): Promise<ClaimState> {
  const { id, payer, step } = parseText(claimStateSchema, shown.state, `${at}.state`);
  const collection = collections.billing(payer);
  const key = privateKeys.claimState(id, step);
  const state = await checkPresented(store, collection, key, shown.state, claimStateSchema, `${at}.state`);
  if (await isDecidedAgain(store, payer, id, step))
    throw new LedgerError('CONFLICT', 'that claim was decided again', at);
  if (UNDECIDED.includes(state.status)) throw new LedgerError('INVALID', `that claim is ${state.status}`, at);
  return state;
}

/** Whether a later step decided anew. Steps of its payment are not the provider's to show: they leave the decision as it is. */
async function isDecidedAgain(store: Store, payer: string, id: string, step: number): Promise<boolean> {
  const collection = collections.billing(payer);
  for (let next = step + 1; ; next += 1) {
    if ((await store.anchor(collection, privateKeys.claimState(id, next))) === undefined) return false;
    if ((await store.anchor(collection, privateKeys.response(id, next))) !== undefined) return true;
  }
}

/** That a claim of which something is paid still holds those lines: taken back or replaced, it holds none. @throws LedgerError */
async function checkHeld(
  store: Store,
  shown: Shown,
  { id, payer }: ClaimState,
  paid: number[],
  at: string,
): Promise<void> {
  const screening = await loadScreening(store, payer, id, shown.screening);
  if (paid.some((line) => screening?.lines.includes(line) !== true))
    throw new LedgerError('INVALID', 'that claim holds no more what it was paid for', at);
}

const checkFirst = ({ store }: Call<'SubmitClaim'>, shown: Shown, { id, payer }: ClaimState, at: string) =>
  checkPresented(
    ...([store, collections.billing(payer), privateKeys.claimState(id, 1), shown.first] as const),
    ...([claimStateSchema, `${at}.first`] as const),
  );

/** What a line bills, whatever it asks for it. */
const told = ({ codes, modifiers, services, first, last }: BillItem): string =>
  canonicalJson([
    codes.map(({ system, code }) => `${system}|${code.toUpperCase()}`).sort(),
    ...[[...modifiers].sort(), [...services].sort(), first, last],
  ]);

/** Lines of both that bill the same, each of theirs once. */
function linesOf(bill: Bill, theirs: Bill, response: Resource): PriorDecision['lines'] {
  const left = [...theirs.items];
  return bill.items.flatMap((item): PriorDecision['lines'] => {
    const at = left.findIndex((other) => told(other) === told(item));
    const [same] = at < 0 ? [] : left.splice(at, 1);
    if (same === undefined) return [];
    const of = (code: string): number => amountOf(response, same.sequence, code);
    // What was left for it to allow, and what others had paid by then.
    return [{ sequence: item.sequence, paid: of('benefit'), allowed: of('eligible') + of('priorpayerpaid') }];
  });
}

/** What a ClaimResponse says of a line under a category, minor units. */
function amountOf(response: Resource, sequence: number, code: string): number {
  const item = objectsOf(response['item']).find(({ itemSequence }) => itemSequence === sequence);
  const found = objectsOf(item?.['adjudication']).find(({ category }) =>
    objectsOf((category as { coding?: unknown } | undefined)?.coding).some((coding) => coding['code'] === code),
  );
  return found === undefined ? 0 : parseMoney(found['amount'], 'prior').units;
}
