/**
 * What a claim holds across providers and payers, for those steps of it that have no key: a decision needs that it was screened, and
 * whatever ends it frees what it holds.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { type Screening, screeningSchema } from '../model/screenings.ts';
import { putCopies } from './claim-states.ts';
import type { Places } from './held-services.ts';
import { freedBy, holderOf } from './service-holders.ts';
import { freeList, type Listing } from './service-lists.ts';

/** billing_<Payer>, of services across providers and payers. */
export const TOKENS: Places = { taken: privateKeys.token, freed: privateKeys.tokenFreed };

/** The lists by which a claim holds services across providers and payers: every payer reads them. */
export const tokensListing = ({ id, salt, payer }: Pick<ClaimRecord, 'id' | 'salt' | 'payer'>): Listing => ({
  ...{ collection: collections.payers, payer, isAcross: true },
  holder: holderOf({ id, salt }),
});

/** A value of a series, as it was shown. */
export interface ScreeningShown {
  generation: number;
  text: string;
}

/**
 * What the claim holds by now, as it was shown; that there is none, or a newer one, cannot be hidden.
 * @throws LedgerError INVALID, NOT_FOUND, CONFLICT at `screening`
 */
export async function loadScreening(
  store: Store,
  payer: string,
  claimId: string,
  shown: ScreeningShown | undefined,
): Promise<Screening | undefined> {
  const collection = collections.billing(payer);
  const generation = shown?.generation ?? 0;
  if ((await store.anchor(collection, privateKeys.screening(claimId, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the claim was screened again', 'screening');
  if (shown === undefined) return undefined;
  const key = privateKeys.screening(claimId, generation);
  return checkPresented(store, collection, key, shown.text, screeningSchema, 'screening');
}

/**
 * That every one of these lines holds what it bills. @param claim the text of the claim as it is decided
 * @throws LedgerError CONFLICT at `screening`
 */
export function checkScreened(screening: Screening | undefined, claim: string, lines: ReadonlySet<number>): void {
  const isOf = screening?.claim === sha256Hex(claim);
  if ([...lines].some((line) => !isOf || screening?.lines.includes(line) !== true))
    throw new LedgerError('CONFLICT', 'the claim is to be screened first', 'screening');
}

/** Frees all that a claim holds which ends, as it was shown. @throws LedgerError as {@link loadScreening} */
export async function freeScreened(
  store: Store,
  record: Pick<ClaimRecord, 'id' | 'salt' | 'payer' | 'provider'>,
  shown: ScreeningShown | undefined,
): Promise<void> {
  const screening = await loadScreening(store, record.payer, record.id, shown);
  await freeTokens(store, record, screening, { generation: shown?.generation, standing: new Set() });
}

/**
 * Frees what only other lines than these hold, of a claim that is decided or ends; a claim that was not screened holds nothing.
 * @param standing sequences; none frees all
 */
export async function freeTokens(
  store: Store,
  record: Pick<ClaimRecord, 'id' | 'salt' | 'payer' | 'provider'>,
  screening: Screening | undefined,
  { generation, standing }: { generation: number | undefined; standing: ReadonlySet<number> },
): Promise<void> {
  if (screening === undefined || generation === undefined) return;
  if (screening.lines.every((line) => standing.has(line))) return;
  const collection = collections.billing(record.payer);
  const tokens: Screening['tokens'] = [];
  for (const { hash, place, items } of screening.tokens) {
    const left = items.filter((item) => standing.has(item));
    if (left.length > 0) tokens.push({ hash, place, items: left });
    else store.putPrivate(collection, TOKENS.freed(hash, place), freedBy(holderOf(record)));
  }
  const { list, ...before } = screening;
  const [lines, ended] = [true, false].map((stands) => screening.lines.filter((line) => standing.has(line) === stands));
  if (list !== undefined) await freeList(store, tokensListing(record), list, lines!.length === 0 ? undefined : ended);
  const value: Screening = {
    ...before,
    ...(list === undefined || lines!.length === 0 ? {} : { list }),
    ...{ at: store.time, lines: lines!, tokens },
    salt: sha256Hex(`screening/${screening.salt}`),
  };
  const key = privateKeys.screening(record.id, generation + 1);
  store.putPrivate(collection, key, value);
  await putCopies(store, [record.provider], key, value);
}
