/**
 * Services that claims hold by lists (model/service-lists.ts): found by the buckets that two claims for one service share, taken by
 * writing a list into those, and freed line by line. Nothing is written twice or purged.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { Likeness } from '../model/likenesses.ts';
import { type BucketEntry, LISTS_EXPRESSION, type ServiceList, serviceListSchema } from '../model/service-lists.ts';
import { type ListedService, takenBy } from '../rules/claim-edits/duplicates.ts';
import { type Holder, holderHash } from './service-holders.ts';

/** The lists of a claim: of its services at its payer, or across all. */
export interface Listing {
  collection: string;
  /** Its payer's. */
  payer: string;
  holder: Holder;
  /** That holds its services across providers and payers. */
  isAcross: boolean;
}

/** What a claim's list of a number writes into buckets. Its salt is a client's: another claim of one salt has another id. */
const entryOf = ({ holder: { claimId, salt }, isAcross }: Listing, number: number): BucketEntry => ({
  schema: 1,
  salt: sha256Hex(`service-list/${isAcross ? 'across/' : ''}${claimId}/${number}/${salt}`),
});

const ID_LENGTH = 32;
const idOf = (anchor: string): string => anchor.slice(0, ID_LENGTH);

/** Of its list of a number, from 1 on. */
const listId = (listing: Listing, number: number): string => idOf(sha256Hex(canonicalJson(entryOf(listing, number))));

/** The ids of a claim's lists up to a number. */
export const ownLists = (listing: Listing, upTo: number): Set<string> =>
  new Set(Array.from({ length: upTo }, (_, index) => listId(listing, index + 1)));

/** How many lists a claim has had. */
export async function countLists(store: Store, listing: Listing): Promise<number> {
  for (let number = 1; ; number += 1)
    if ((await store.anchor(listing.collection, privateKeys.serviceList(listId(listing, number)))) === undefined)
      return number - 1;
}

/** Where lists are looked for, and which do not bar. */
export interface LookingThrough {
  store: Store;
  collection: string;
  /** The texts of lists that were shown. */
  shown: readonly string[];
  /** Ids of the claim's own. */
  own: ReadonlySet<string>;
  /** Holders that it stands beside. */
  beside: ReadonlySet<string>;
}

export interface LookedThrough {
  /** With what is alike where one holds it that is found by that alone. */
  all: (ListedService & { byAnother: boolean; alike: Likeness['by'][] })[];
  /** The next free place of each bucket. */
  next: Map<string, number>;
}

/**
 * Which of these services others hold.
 * @throws LedgerError CONFLICT at `services`, with ids, where a list lies in their buckets that is not shown
 */
export async function lookThrough(looking: LookingThrough, asked: readonly ListedService[]): Promise<LookedThrough> {
  const buckets = [...new Set(asked.flatMap(allBuckets))];
  const found = await Promise.all(buckets.map((bucket) => listsIn(looking, bucket)));
  const inBucket = new Map(buckets.map((bucket, index) => [bucket, found[index]!]));
  const lists = await readLists(looking, new Set(found.flat()));
  const all = asked.map(async (one) => {
    const ids = new Set(one.buckets.flatMap((bucket) => inBucket.get(bucket)!));
    const holds = async (id: string): Promise<boolean> => (await lists.get(id)?.holding(one.hash)?.()) === true;
    const bars = await Promise.all([...ids].map(holds));
    const alike = one.likeBuckets.map(async ({ by, bucket }) => {
      const others = inBucket.get(bucket)!.filter((id) => !ids.has(id));
      return (await Promise.all(others.map(holds))).includes(true) ? [by] : [];
    });
    return { ...one, byAnother: bars.includes(true), alike: [...new Set((await Promise.all(alike)).flat())] };
  });
  return { all: await Promise.all(all), next: new Map(buckets.map((bucket, index) => [bucket, found[index]!.length])) };
}

const allBuckets = ({ buckets, likeBuckets }: ListedService): string[] => [
  ...buckets,
  ...likeBuckets.map(({ bucket }) => bucket),
];

/** The ids of what lies in a bucket, by place. */
async function listsIn({ store, collection }: LookingThrough, bucket: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const anchor = await store.anchor(collection, privateKeys.serviceBucket(bucket, ids.length));
    if (anchor === undefined) return ids;
    ids.push(idOf(anchor));
  }
}

/** A list that may bar. */
interface OtherList {
  /** Asks whether a line goes on holding this service; undefined where none ever did. */
  holding: (hash: string) => (() => Promise<boolean>) | undefined;
}

/** Those of others that hold anything, by id. */
async function readLists(looking: LookingThrough, ids: ReadonlySet<string>): Promise<Map<string, OtherList>> {
  const { store, collection, own } = looking;
  const others = [...ids].filter((id) => !own.has(id));
  const anchors = await Promise.all(others.map((id) => store.anchor(collection, privateKeys.serviceList(id))));
  const shown = new Map(looking.shown.map((text) => [sha256Hex(text), text]));
  const missing = others.filter((_, index) => !shown.has(anchors[index] ?? ''));
  if (missing.length > 0) throw notShown(missing);
  const read = await Promise.all(others.map((id, index) => readList(looking, id, shown.get(anchors[index]!)!)));
  return new Map(others.flatMap((id, index) => (read[index] === undefined ? [] : [[id, read[index]] as const])));
}

/** As many ids as an error has room for: the next try asks for the rest. */
const MAX_NAMED = 50;
const notShown = (ids: readonly string[]): LedgerError =>
  new LedgerError('CONFLICT', `are not shown: ${ids.slice(0, MAX_NAMED).join(' ')}`, LISTS_EXPRESSION);

async function readList({ store, beside }: LookingThrough, id: string, text: string): Promise<OtherList | undefined> {
  const { payer, holder, services } = parseText(serviceListSchema, text, LISTS_EXPRESSION);
  if (beside.has(holder) || (await isFreed(store, payer, id, ALL_LINES))) return undefined;
  const items = new Map(services.map((one) => [one.hash, one.items]));
  return {
    holding: (hash) => {
      const lines = items.get(hash);
      return lines && (async () => !(await areFreed(store, payer, id, lines)));
    },
  };
}

/** In place of a line. */
const ALL_LINES = 0;

const isFreed = async (store: Store, payer: string, id: string, line: number): Promise<boolean> =>
  (await store.anchor(collections.billing(payer), privateKeys.serviceFreed(id, line))) !== undefined;

/** Whether each of these lines is. */
async function areFreed(store: Store, payer: string, id: string, lines: readonly number[]): Promise<boolean> {
  for (const line of lines) if (!(await isFreed(store, payer, id, line))) return false;
  return true;
}

/** With those lines alone. */
const takenFor = (all: readonly ListedService[], lines: ReadonlySet<number>): ListedService[] =>
  takenBy(all, lines).map((one) => ({ ...one, items: one.items.filter((item) => lines.has(item)) }));

/** What lines of a claim hold, as its list of a number says. */
function listOf(listing: Listing, number: number, taken: readonly ListedService[]): ServiceList {
  return {
    ...{ schema: 1, payer: listing.payer, holder: holderHash(listing.holder) },
    salt: sha256Hex(`services/${entryOf(listing, number).salt}`),
    services: taken.map(({ hash, items }) => ({ hash, items })),
  };
}

/** A list as it is written. */
export interface WrittenList {
  key: string;
  value: ServiceList;
}

/**
 * Has lines of a claim hold what they bill, by a list of that number.
 * @param lines sequences
 * @returns what it wrote; undefined where there is nothing to hold
 */
export function putList(
  store: Store,
  listing: Listing,
  number: number,
  { all, next }: LookedThrough,
  lines: ReadonlySet<number>,
): WrittenList | undefined {
  const taken = takenFor(all, lines);
  if (taken.length === 0) return undefined;
  const entry = entryOf(listing, number);
  for (const bucket of new Set(taken.flatMap(allBuckets)))
    store.putPrivate(listing.collection, privateKeys.serviceBucket(bucket, next.get(bucket)!), entry);
  const key = privateKeys.serviceList(listId(listing, number));
  const value = listOf(listing, number, taken);
  store.putPrivate(listing.collection, key, value);
  return { key, value };
}

/** Whether a claim's list of a number holds what these lines bill, that and no more, by now. */
export async function holdsJust(
  store: Store,
  listing: Listing,
  number: number,
  { all }: Pick<LookedThrough, 'all'>,
  lines: ReadonlySet<number>,
): Promise<boolean> {
  const taken = takenFor(all, lines);
  if (number === 0) return taken.length === 0;
  const id = listId(listing, number);
  const stands = await store.anchor(listing.collection, privateKeys.serviceList(id));
  if (stands !== sha256Hex(canonicalJson(listOf(listing, number, taken)))) return false;
  const asked = [ALL_LINES, ...new Set(taken.flatMap(({ items }) => items))];
  for (const line of asked) if (await isFreed(store, listing.payer, id, line)) return false;
  return true;
}

/** Frees what a claim holds by its list of a number. @param lines sequences; undefined: all */
export async function freeList(
  store: Store,
  listing: Listing,
  number: number,
  lines?: readonly number[],
): Promise<void> {
  const id = listId(listing, number);
  const value: BucketEntry = { schema: 1, salt: sha256Hex(`freed/${entryOf(listing, number).salt}`) };
  const collection = collections.billing(listing.payer);
  for (const line of lines ?? [ALL_LINES]) {
    if (await isFreed(store, listing.payer, id, line)) continue;
    store.putPrivate(collection, privateKeys.serviceFreed(id, line), value);
  }
}
