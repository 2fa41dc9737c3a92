/**
 * The authorizations that a claim is held against, as the payer shows them. One that the claim names by its number cannot be hidden, nor
 * can that it has taken another step since; what a claim does not name the payer's gateway looks for.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import type { ShownAuthorization } from '../model/authorization-transactions.ts';
import {
  type AuthorizationState,
  authorizationNumber,
  authorizationRecordSchema,
  authorizationStateSchema,
  membersNamed,
  nameOfNumber,
} from '../model/authorizations.ts';
import type { Bill } from '../model/bill.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import {
  type Authorization,
  type Authorizations,
  type AuthorizedLine,
  authorizedLines,
  inForce,
} from '../rules/authorized-services.ts';

/** Whose claim it is. */
interface Claimed {
  payer: string;
  /** Id of the coverage. */
  coverage: string;
  provider: string;
  /** The custodian endorses, who may be shown what other providers asked. */
  beyond: boolean;
}

/**
 * What of a payer's authorizations counts for a claim.
 * @throws LedgerError CONFLICT where one that it names is not shown, or has taken another step; INVALID where one is of another coverage,
 * or of another provider that the endorsers may not see
 */
export async function checkAuthorizations(
  store: Store,
  claimed: Claimed,
  { authorizations: numbers = [], items }: Pick<Bill, 'authorizations' | 'items'>,
  shown: readonly ShownAuthorization[],
): Promise<Authorizations> {
  const days = [...new Set(items.map(({ first }) => first))];
  const all: Checked[] = [];
  for (const one of shown) all.push(await checkAuthorization(store, claimed, one, days));
  if (new Set(all.map(({ id }) => id)).size < all.length)
    throw new LedgerError('INVALID', 'one is shown twice', 'authorizations');
  if (numbers.length === 0) return { isNamed: false, all };
  const named = await Promise.all(numbers.map((number) => bearing(store, claimed, number, all)));
  const ids = new Set(named.flat().map(({ id }) => id));
  return { isNamed: true, all: all.filter(({ id }) => ids.has(id)) };
}

interface Checked extends Authorization {
  /** Numbers that its decisions gave, as far as they are shown. */
  numbers: ReadonlySet<string>;
}

/**
 * Those that bear a number. Numbers that were given before the ledger kept them apart are told by what is shown.
 * @throws LedgerError CONFLICT where there is one that is not shown
 */
async function bearing(
  store: Store,
  { payer, coverage }: Claimed,
  number: string,
  all: readonly Checked[],
): Promise<Checked[]> {
  const key = privateKeys.authorizationNumber(payer, nameOfNumber(coverage, number));
  const anchor = await store.anchor(collections.billing(payer), key);
  if (anchor === undefined) return all.filter(({ numbers }) => numbers.has(number));
  const found = all.filter(({ id }) => anchor === sha256Hex(canonicalJson(authorizationNumber(id))));
  if (found.length === 0)
    throw new LedgerError('CONFLICT', 'an authorization that the claim names is not shown', 'authorizations');
  return found;
}

async function checkAuthorization(
  store: Store,
  claimed: Claimed,
  shown: ShownAuthorization,
  days: readonly string[],
): Promise<Checked> {
  const states = await checkStates(store, claimed, shown.states);
  const { id, provider } = states[0]!;
  const isOwn = provider === claimed.provider;
  if (!isOwn && !claimed.beyond)
    throw new LedgerError('INVALID', "another provider's is shown to the custodian alone", 'authorizations');
  // Of one whose time is over nothing is left to hold a claim against.
  if (states.at(-1)!.purgedAt !== undefined) return { id, numbers: new Set(), on: () => [] };
  const decisions = states.map(({ updatedAt, status, step }) => ({ day: firstDay(updatedAt), status, step }));
  const lines = new Map<number, AuthorizedLine[]>();
  const inForceOn = (day: string) => inForce(decisions, day);
  for (const decision of new Set(days.map(inForceOn)))
    if (decision !== undefined && decision.status !== 'cancelled')
      lines.set(decision.step, await linesOf(store, claimed, states[decision.step - 1]!, shown));
  const numbers = new Set([...lines.values()].flat().flatMap(({ number }) => number ?? []));
  return { id, numbers, on: (day) => lines.get(inForceOn(day)?.step ?? 0) ?? [] };
}

/** All steps of a request. @throws LedgerError INVALID, NOT_FOUND, CONFLICT where it has taken another one */
async function checkStates(
  store: Store,
  { payer }: Claimed,
  texts: readonly string[],
): Promise<[AuthorizationState, ...AuthorizationState[]]> {
  const own = collections.billing(payer);
  const { id } = parseText(authorizationStateSchema, texts[0]!, 'authorizations');
  const states: AuthorizationState[] = [];
  for (const [index, text] of texts.entries()) {
    const key = privateKeys.authorizationState(id, index + 1);
    states.push(await checkPresented(store, own, key, text, authorizationStateSchema, 'authorizations'));
  }
  if ((await store.anchor(own, privateKeys.authorizationState(id, texts.length + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'an authorization has taken another step', 'authorizations');
  return states as [AuthorizationState, ...AuthorizationState[]];
}

/** What a decision authorized: nothing where it names other members than the claim's provider. @throws LedgerError INVALID, NOT_FOUND */
async function linesOf(
  store: Store,
  { payer, coverage, provider }: Claimed,
  { id, step, provider: asking, receivedAt }: AuthorizationState,
  { records }: ShownAuthorization,
): Promise<AuthorizedLine[]> {
  const text = records.find((one) => one.step === step)?.text ?? '';
  const key = privateKeys.authorization(id, step);
  const own = collections.billing(payer);
  const record = await checkPresented(store, own, key, text, authorizationRecordSchema, 'authorizations');
  if (record.coverage.id !== coverage)
    throw new LedgerError('INVALID', "another coverage's authorization", 'authorizations');
  const [claim, response] = record.resources as [Resource, Resource];
  const members = membersNamed(claim, asking);
  if (members.size > 0 && !members.has(provider)) return [];
  return authorizedLines({ id, isOwn: asking === provider, receivedAt }, claim, response);
}
