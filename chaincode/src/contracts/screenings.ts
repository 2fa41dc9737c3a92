/** Screenings: claims hold what they bill across providers and payers, under keys that the payers share. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { billedItems } from '../model/claim-practitioners.ts';
import { type ClaimRecord, claimRecordSchema } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { AlikeItem } from '../model/likenesses.ts';
import {
  LEAST_KEY_DAYS,
  lookedBackTo,
  type Screening,
  type ScreeningKey,
  screeningKeySchema,
} from '../model/screenings.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type ClaimState, claimStateSchema } from '../model/values.ts';
import { type Fingerprint, type ListedService, listedServicesOf, tokensOf } from '../rules/claim-edits/duplicates.ts';
import { onDaysOfRecords } from '../rules/claim-edits/when.ts';
import type { ClaimBasis } from '../rules/claim-facts.ts';
import { checkCover, storedEvidence } from './claim-loading.ts';
import { memberOfKind, putCopies } from './claim-states.ts';
import { barredItems, type Held, lookUp } from './held-services.ts';
import { loadScreening, TOKENS, tokensListing } from './screened.ts';
import { freedBy, holderHash, holderOf, holdingOf } from './service-holders.ts';
import { freeList, type LookedThrough, lookThrough, ownLists, putList } from './service-lists.ts';
import { forEachClaim } from './several-claims.ts';

const DAY_MS = 86_400_000;

export class Screenings extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('screenings');
    this.#consortium = consortium;
  }

  ChangeScreeningKey(ctx: Context, argument: string): Promise<string> {
    return run('ChangeScreeningKey', this.#consortium, ctx, argument, changeScreeningKey);
  }

  ScreenClaim(ctx: Context, argument: string): Promise<string> {
    return run('ScreenClaim', this.#consortium, ctx, argument, screenClaim);
  }

  ScreenClaims(ctx: Context, argument: string): Promise<string> {
    return run('ScreenClaims', this.#consortium, ctx, argument, screenClaims);
  }
}

type Done = OutputOf<'ScreenClaim'>;
interface Shown {
  generation: number;
  text: string;
}

const checkKey = (store: Store, { generation, text }: Shown): Promise<ScreeningKey> =>
  checkPresented(store, collections.payers, privateKeys.screeningKey(generation), text, screeningKeySchema, 'keys');

/** Made of the one before as well, so that whoever makes it does not choose it. */
async function changeScreeningKey({ store, private: { secret, before } }: Call<'ChangeScreeningKey'>): Promise<Done> {
  const newest = before && (await checkKey(store, before));
  const age = newest === undefined ? Number.POSITIVE_INFINITY : Date.parse(store.time) - Date.parse(newest.from);
  if (age < LEAST_KEY_DAYS * DAY_MS) throw new LedgerError('CONFLICT', 'the newest key is not old enough', 'before');
  const key = sha256Hex(`screening-key/${newest?.key ?? ''}/${secret}`);
  const value: ScreeningKey = { schema: 1, key, from: store.time, lists: 1 };
  const next = privateKeys.screeningKey((before?.generation ?? 0) + 1);
  await store.putOnce(collections.payers, next, value, { expression: 'keys' });
  store.emit(events.ScreeningKeyChanged, {});
  return { time: store.time };
}

async function screenClaims(call: Call<'ScreenClaims'>): Promise<Done> {
  return forEachClaim(
    call,
    call.private.claims,
    ({ id }) => id,
    events.ClaimScreened,
    ({ id, provider, ...shown }) => screenClaim({ ...call, input: { id, provider }, private: shown }),
  );
}

async function screenClaim(call: Call<'ScreenClaim'>): Promise<Done> {
  const { input, store, caller } = call;
  const payer = caller.organisation.name;
  const state = await checkStanding(call, payer);
  const { claim: text, salt } = call.private;
  const at = keysOfClaim(state).claim;
  const record = await checkPresented(store, collections.billing(payer), at, text, claimRecordSchema, 'claim');
  const before = await loadScreening(store, payer, input.id, call.private.screening);
  const { basis, ...found } = await lookAcross(call, record);
  const barred = new Set(
    [found.newest ?? [], found.older, ...found.listed.map(({ all }) => all)].flatMap((all) => barredItems(all)),
  );
  const lines = billedItems(basis.bill).map(({ sequence }) => sequence);
  const alike = alikeIn(found.listed, barred);
  const generation = (call.private.screening?.generation ?? 0) + 1;
  const screening: Screening = {
    ...{ schema: 1, claimId: input.id, payer, salt, at: store.time, claim: sha256Hex(text) },
    lines: lines.filter((line) => !barred.has(line)),
    elsewhere: lines.filter((line) => barred.has(line)),
    ...(alike.length === 0 ? {} : { alike }),
    tokens: [],
  };
  const holding = new Set(screening.lines);
  screening.tokens = hold(store, record, found.older, holding, false);
  if (found.newest !== undefined) screening.tokens.push(...hold(store, record, found.newest, holding, true));
  if (await holdByList(store, record, found.by, { before: before?.list, generation, holding }))
    screening.list = generation;
  const key = privateKeys.screening(input.id, generation);
  await store.putOnce(collections.billing(payer), key, screening, { expression: 'screening' });
  await putCopies(store, [state.provider], key, screening);
  store.emit(events.ClaimScreened, { id: input.id });
  return { time: store.time };
}

/** The lines of which somebody is to say whether the Patient is the human that another claim's is; ascending. */
function alikeIn(listed: readonly LookedThrough[], barred: ReadonlySet<number>): AlikeItem[] {
  const found = new Map<number, Set<AlikeItem['by'][number]>>();
  for (const { use, items, alike } of listed.flatMap(({ all }) => all))
    for (const item of use === 'shared' || alike.length === 0 ? [] : items)
      found.set(item, new Set([...(found.get(item) ?? []), ...alike]));
  return [...found]
    .filter(([item]) => !barred.has(item))
    .map(([item, by]) => ({ item, by: [...by].sort() }))
    .sort((one, other) => one.item - other.item);
}

interface Holding {
  /** The number of the list that it held by. */
  before: number | undefined;
  generation: number;
  /** Sequences of the lines that hold what they bill from now on. */
  holding: ReadonlySet<number>;
}

/** Has the lines hold by a new list, and by the one before no more. @returns whether there is one */
async function holdByList(
  store: Store,
  record: ClaimRecord,
  by: LookedThrough | undefined,
  { before, generation, holding }: Holding,
): Promise<boolean> {
  const listing = tokensListing(record);
  if (before !== undefined) await freeList(store, listing, before);
  return by !== undefined && putList(store, listing, generation, by, holding) !== undefined;
}

/** Statuses in which nothing of a claim is owed, or to be. */
const OVER = new Set<string>(['denied', 'cancelled', 'voided', 'replaced']);

/** The state that the claim stands at, the newest. @throws LedgerError */
async function checkStanding(
  { input, store, private: shown }: Call<'ScreenClaim'>,
  payer: string,
): Promise<ClaimState> {
  const { step } = parseText(claimStateSchema, shown.state, 'state');
  const collection = collections.billing(payer);
  const key = privateKeys.claimState(input.id, step);
  const state = await checkPresented(store, collection, key, shown.state, claimStateSchema, 'state');
  if (state.payer !== payer) throw new LedgerError('INVALID', "another payer's claim", 'id');
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  if ((await store.anchor(collection, privateKeys.claimState(input.id, step + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the claim has taken another step', 'screening.state');
  if (OVER.has(state.status)) throw new LedgerError('CONFLICT', `the claim is ${state.status}`, 'id');
  return state;
}

/** What a claim bills, as others hold it: by the newest key it is held itself. */
interface Across {
  basis: ClaimBasis;
  /** Each for itself: under the newest key, where that has no lists, and under those before. */
  newest: Held[] | undefined;
  older: Held[];
  /** By lists, under each key that has them, and under the newest where that does. */
  listed: LookedThrough[];
  by: LookedThrough | undefined;
}

async function lookAcross(call: Call<'ScreenClaim'>, record: ClaimRecord): Promise<Across> {
  const { store, consortium } = call;
  const { cover, id } = await checkCover(store, record.payer, call.private.coverage);
  if (id !== record.coverage.id) throw new LedgerError('INVALID', 'is not what was claimed on', 'coverage');
  const evidence = storedEvidence(record);
  const bill = onDaysOfRecords(readBill(record.resource), evidence);
  const provider = memberOfKind(consortium, record.provider, 'provider', 'provider');
  const basis: ClaimBasis = {
    bill,
    provider,
    evidence,
    cover,
    identities: record.identities,
    likenesses: record.likenesses,
  };
  const first = bill.items.map((item) => item.first).sort()[0]!;
  const keys = await checkKeys(store, call.private.keys, lookedBackTo(first, store.time));
  const found = await Promise.all(
    keys.map(async ({ key, lists }) =>
      lists === undefined
        ? { fine: await askAll(call, record, tokensOf(basis, key)) }
        : { listed: await lookIntoLists(call, record, listedServicesOf(basis, key, true)) },
    ),
  );
  const newest = found.at(-1)!;
  return {
    basis,
    newest: newest.fine,
    older: found.slice(0, -1).flatMap(({ fine = [] }) => fine),
    listed: found.flatMap(({ listed = [] }) => listed),
    by: newest.listed,
  };
}

/** The keys that count since a day, ascending, without a gap up to the newest. @throws LedgerError */
async function checkKeys(store: Store, shown: readonly Shown[], since: string): Promise<ScreeningKey[]> {
  const [first, last] = [shown[0]!.generation, shown.at(-1)!.generation];
  if (shown.some(({ generation }, index) => generation !== first + index))
    throw new LedgerError('INVALID', 'leaves one out', 'keys');
  if ((await store.anchor(collections.payers, privateKeys.screeningKey(last + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'there is a newer key', 'keys');
  const keys = await Promise.all(shown.map((one) => checkKey(store, one)));
  if (first > 1 && keys[0]!.from.slice(0, 10) > since) throw new LedgerError('INVALID', 'begins too late', 'keys');
  return keys;
}

/** Asks the collections of all payers; where the claim's own holds it, and what is free there. */
async function askAll(
  { store, consortium }: Call<'ScreenClaim'>,
  record: ClaimRecord,
  asked: Fingerprint[],
): Promise<Held[]> {
  const own = new Set([holderHash(holderOf(record))]);
  const beside = new Set(record.prior?.map(({ holder }) => holder));
  const others = organisationsOfKind(consortium, 'payer').filter(({ name }) => name !== record.payer);
  const look = (name: string, one: Fingerprint): Promise<Held> =>
    lookUp({ store, collection: collections.billing(name), places: TOKENS, own, beside }, one);
  return Promise.all(
    asked.map(async (one) => {
      const [here, ...there] = await Promise.all([
        look(record.payer, one),
        ...others.map(({ name }) => look(name, one)),
      ]);
      return { ...here!, byAnother: here!.byAnother || there.some(({ byAnother }) => byAnother) };
    }),
  );
}

/** Lists of all payers lie together. */
function lookIntoLists(
  { store, private: { services: shown = [], screening } }: Call<'ScreenClaim'>,
  record: ClaimRecord,
  asked: ListedService[],
): Promise<LookedThrough> {
  const listing = tokensListing(record);
  const own = ownLists(listing, screening?.generation ?? 0);
  const beside = new Set(record.prior?.map(({ holder }) => holder));
  return lookThrough({ store, collection: listing.collection, shown, own, beside }, asked);
}

/** Takes what the lines bill and frees what none of them does; answers what they hold. */
function hold(
  store: Store,
  record: ClaimRecord,
  all: readonly Held[],
  lines: ReadonlySet<number>,
  isNewest: boolean,
): Screening['tokens'] {
  const collection = collections.billing(record.payer);
  const holder = holderOf(record);
  return all.flatMap(({ hash, items: billed, use, own, next }) => {
    const items = billed.filter((item) => lines.has(item));
    if (own !== undefined && items.length === 0) store.putPrivate(collection, TOKENS.freed(hash, own), freedBy(holder));
    if (items.length === 0 || (own === undefined && (use === 'asked' || !isNewest))) return [];
    if (own === undefined) store.putPrivate(collection, TOKENS.taken(hash, next), holdingOf(holder));
    return [{ hash, place: own ?? next, items }];
  });
}
