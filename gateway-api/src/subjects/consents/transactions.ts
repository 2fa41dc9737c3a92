/**
 * What a wish about a consent is on the ledger. The custodian signs all of them: a certificate of the patient's own would
 * stand in every block, and tell which of them are one patient's.
 */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Draft } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { notHereYet } from '../../http/failures.ts';
import type { Wish } from '../../idempotency/wishes.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { LedgerClient } from '../../ledger/client.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt, SYSTEM } from '../../ledger/sender.ts';
import { actorsShown } from './actors.ts';
import { caretakersShown, delegationShown } from './delegated.ts';
import { knownDirectory } from './directory.ts';
import { isRevoked, isWithdrawn } from './ends.ts';
import { onlyTakesAway } from './narrowing.ts';

interface Sides {
  index: ReadModel;
  ledger: LedgerClient;
  consortium: Consortium;
}
type Wanted = Pick<Wish, 'kind' | 'consent' | 'patient' | 'provider'>;
type Turn = Pick<Sending, 'client' | 'beforeSubmit'>;

/** A version of a consent that is to be written, and what sends it: what it rests on has been read. */
export interface Prepared {
  version: number;
  send(turn: Turn): Promise<Outcome>;
}

/** The newest version that is written; 0 where there is none. */
const newestVersion = ({ index }: Pick<Sides, 'index'>, { provider, consent }: Wanted): Promise<number> =>
  index.evidence.newest(collections.care(provider), privateKeys.consent(consent, 0).slice(0, -1));

/** Reads what the transaction rests on. @throws {Failure} 503 while a part of it is on its way here */
export async function prepared(sides: Sides, wish: Wanted, draft: Draft | undefined): Promise<Prepared> {
  const { ledger } = sides;
  const input = { id: wish.consent, provider: wish.provider };
  const version = await newestVersion(sides, wish);
  const as = SYSTEM;
  if (draft === undefined) {
    const salt = newSalt();
    const send = (turn: Turn) => ledger.submit('RevokeConsent', { ...input, version }, { salt }, { as, ...turn });
    // A revoked consent is shown as one more version.
    return { version: version + 1, send };
  }
  const consent = { ...draft, version: version + 1 };
  const actors = await actorsShown(sides.index, draft.resource, sides.consortium);
  const by = {
    ...(await delegationShown(sides.index, wish.provider, draft.resource)),
    ...(await caretakersShown(sides.index, wish.provider, draft.resource)),
  };
  if (wish.kind === 'amend') {
    const directory = await knownDirectory(sides.index, wish.provider, wish.patient);
    const shown = { consent, actors, directory, ...by };
    const send = (turn: Turn) => ledger.submit('AmendConsent', input, shown, { as, ...turn });
    return { version: consent.version, send };
  }
  const shown = { consent, actors, ...by, ...(await placeOf(sides, wish)) };
  const send = (turn: Turn) => ledger.submit('GrantConsent', input, shown, { as, ...turn });
  return { version: consent.version, send };
}

/** The patient whom a new consent is of, and the directory that it is entered in. */
async function placeOf({ index }: Pick<Sides, 'index'>, { provider, patient }: Wanted) {
  const row = await index.newestRow('Patient', patient);
  if (row?.collection !== collections.care(provider)) throw notHereYet(1);
  return { patient: await index.evidence.ofRecord(row), directory: await knownDirectory(index, provider, patient) };
}

/** Marks a version as in force no more, and answers the transaction's id; undefined where it is marked already. */
export async function withdraw(
  { ledger }: Pick<Sides, 'ledger'>,
  { consent: id, provider }: Wanted,
  version: number,
): Promise<string | undefined> {
  const mark = { salt: newSalt() };
  try {
    return (await ledger.submit('WithdrawConsentVersion', { id, provider, version }, mark, { as: SYSTEM }))
      .transactionId;
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'CONFLICT') return undefined;
    throw error;
  }
}

/** The version in force that a new one only takes away from; undefined where it does more than that. */
export async function narrowed(
  { index }: Pick<Sides, 'index'>,
  wish: Wanted,
  { resource }: Draft,
): Promise<number | undefined> {
  if (wish.kind !== 'amend') return undefined;
  const row = await index.newestRow('Consent', wish.consent);
  if (row === undefined || (await isWithdrawn(index, { id: wish.consent, version: row.version }))) return undefined;
  const before = (parseExact(row.value) as Anchored).resource;
  return onlyTakesAway(before, resource) ? row.version : undefined;
}

/** What a wish came to, where an earlier try of it turns out to be committed. */
export async function committed(
  { index }: Pick<Sides, 'index'>,
  wish: Wanted,
  draft: Draft | undefined,
): Promise<{ version: number; transactionId: string } | undefined> {
  if (draft === undefined) {
    if (!(await isRevoked(index, wish.consent))) return undefined;
    const state = await index.state('consent', wish.consent);
    return state && { version: (await newestVersion({ index }, wish)) + 1, transactionId: state.transaction_id };
  }
  const row = await index.newestRow('Consent', wish.consent);
  if (row === undefined || (JSON.parse(row.value) as Anchored).salt !== draft.salt) return undefined;
  return { version: row.version, transactionId: row.transaction_id };
}

/** The version of a consent that is in force now; undefined where none is. */
export async function inForce({ index }: Pick<Sides, 'index'>, wish: Wanted): Promise<number | undefined> {
  const version = await newestVersion({ index }, wish);
  if (version === 0 || (await isRevoked(index, wish.consent))) return undefined;
  return (await isWithdrawn(index, { id: wish.consent, version })) ? undefined : version;
}
