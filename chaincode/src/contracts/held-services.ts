/**
 * Services that claims hold: each factor of a service has places, taken one after the other and each freed once, so that nothing is
 * written twice or purged. Who holds a place is told by the hash of what lies there, which whoever knows the claim can compute.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { type ClaimRecord, type FingerprintKey, fingerprintKeySchema } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { type Contracting, privateKeys } from '../model/keys.ts';
import {
  earlierFingerprintsOf,
  type Fingerprint,
  fingerprintKeyFrom,
  fingerprintsOf,
  takenBy,
} from '../rules/claim-edits/duplicates.ts';
import type { ClaimBasis, Earlier } from '../rules/claim-facts.ts';
import { putCopies } from './claim-states.ts';
import { freeListed, holdListed, type Listed, loadListed, type TakenBefore } from './held-lists.ts';
import { freedBy, holderHash, holderOf, holdingOf } from './service-holders.ts';

/** The keys of a factor's places, and of what says that one is free again. */
export interface Places {
  taken: (hash: string, place: number) => string;
  freed: (hash: string, place: number) => string;
}

/** billing_<Payer>: of one provider's services. */
const FINGERPRINTS: Places = { taken: privateKeys.fingerprint, freed: privateKeys.fingerprintFreed };

/** As claims wrote it before it was one for all of their services. */
const earlierHash = ({ id, salt }: Pick<ClaimRecord, 'id' | 'salt'>, item: number): string =>
  sha256Hex(canonicalJson({ schema: 1, claimId: id, item, salt: sha256Hex(`fingerprint/${salt}`) }));

/** Everything that a claim's holdings of these items may be, by hash. */
export const holderHashes = (claim: Pick<ClaimRecord, 'id' | 'salt'>, items: readonly number[]): Set<string> =>
  new Set([holderHash(holderOf(claim)), ...items.map((item) => earlierHash(claim, item))]);

/** A service that this claim holds, or may come to hold. */
export interface Held extends Fingerprint {
  /** Where this claim holds it; undefined where it does not. */
  own: number | undefined;
  /** The next place that is free. */
  next: number;
  /** Another claim holds it. */
  byAnother: boolean;
}

/** Where a service is looked for, and whose holdings do not bar it: the hashes of this claim's own, and of those it stands beside. */
export interface Looking {
  store: Store;
  collection: string;
  places: Places;
  own: ReadonlySet<string>;
  beside: ReadonlySet<string>;
}

/** Who holds a service: every place in turn, down to the first that nobody has taken. */
export async function lookUp(
  { store, collection, places, own, beside }: Looking,
  fingerprint: Fingerprint,
): Promise<Held> {
  const { hash } = fingerprint;
  const held: Held = { ...fingerprint, own: undefined, next: 0, byAnother: false };
  for (;;) {
    const stands = await store.anchor(collection, places.taken(hash, held.next));
    if (stands === undefined) return held;
    const isFreed = (await store.anchor(collection, places.freed(hash, held.next))) !== undefined;
    if (!isFreed && own.has(stands)) held.own = held.next;
    else if (!isFreed && !beside.has(stands)) held.byAnother = true;
    held.next += 1;
  }
}

/** The items whose services another claim holds, each once per service. */
export const barredItems = (all: readonly (Fingerprint & Pick<Held, 'byAnother'>)[]): number[] =>
  all.filter(({ use, byAnother }) => use !== 'shared' && byAnother).flatMap(({ items }) => items);

export interface Fingerprints {
  /** The key of this provider's at this payer. */
  key: FingerprintKey;
  /** The key is not on the ledger yet. */
  isNew: boolean;
  all: Held[];
  /** Beside those: what the claim holds since it was submitted, and nobody looked for. */
  since: Fingerprint[];
  /** Those that other claims hold already. */
  earlier: Earlier[];
  /** Of a key under which services are held by lists: in place of `all` and `since`. */
  listed?: Listed;
}

/** Whose fingerprints are looked up. */
export interface Claiming {
  basis: ClaimBasis;
  /** The claim's. */
  salt: string;
  payer: string;
  /** The anchored text of the key. */
  shown: string | undefined;
  /** Holdings of other claims that do not bar this one. */
  beside: ReadonlySet<string>;
  /** Of a claim that was submitted and took no step since: nobody else can have what it took. */
  before?: TakenBefore | undefined;
  /** Texts of lists that others hold by. */
  lists?: readonly string[] | undefined;
}

/**
 * One hash of all that a claim takes for these lines: a decision that comes to the same need not ask for each again.
 * @param lines sequences
 */
export const heldBy = ({ all, listed }: Fingerprints, lines: ReadonlySet<number>): string =>
  listed === undefined ? hashOf(all, lines) : listed.heldBy(lines);

const hashOf = (all: readonly Fingerprint[], lines: ReadonlySet<number>): string =>
  sha256Hex(
    `held/${takenBy(all, lines)
      .map(({ hash }) => hash)
      .join()}`,
  );

/** Which of these it holds since then; none where the claim would take others by now. */
function heldSince(asked: readonly Fingerprint[], before: TakenBefore | undefined): Fingerprint[] {
  return before !== undefined && hashOf(asked, before.lines) === before.held ? takenBy(asked, before.lines) : [];
}

/** Who holds each of these services of a claim's. */
export function lookUpAll(
  store: Store,
  { claim, payer, beside }: { claim: Pick<ClaimRecord, 'id' | 'salt'>; payer: string; beside: ReadonlySet<string> },
  fingerprints: readonly Fingerprint[],
): Promise<Held[]> {
  const ours = holderHash(holderOf(claim));
  const at = { store, collection: collections.billing(payer), places: FINGERPRINTS, beside };
  return Promise.all(
    fingerprints.map((one) => lookUp({ ...at, own: new Set([ours, earlierHash(claim, one.items[0]!)]) }, one)),
  );
}

/** The fingerprints of a claim's items and those that other claims hold. */
export async function loadFingerprints(store: Store, claiming: Claiming): Promise<Fingerprints> {
  const { basis, salt, payer, shown, beside } = claiming;
  const collection = collections.billing(payer);
  const stated = await checkFingerprintKey(store, { payer, provider: basis.provider.name }, shown);
  const key: FingerprintKey = stated ?? { schema: 1, key: fingerprintKeyFrom(salt), factors: 2, lists: 1 };
  const claim = { id: basis.bill.claimId, salt };
  if (key.lists !== undefined) {
    const listed = await loadListed(store, { ...claiming, key: key.key });
    const earlier = barredItems(listed.all).map((item) => ({ item }));
    return { ...{ key, isNew: stated === undefined, earlier, listed }, all: [], since: [] };
  }
  const asked = fingerprintsOf(basis, key.key);
  const since = heldSince(asked, claiming.before);
  const known = new Set(since);
  const all = await lookUpAll(
    store,
    { claim, payer, beside },
    asked.filter((one) => !known.has(one)),
  );
  const before = key.factors === undefined ? earlierFingerprintsOf(basis, key.key) : [];
  const alone = await heldAlone(store, collection, claim, before);
  const earlier = [...barredItems(all), ...alone].map((item) => ({ item }));
  return { key, isNew: stated === undefined, all, since, earlier };
}

/** The items of a claim that claims made before there were factors hold. */
async function heldAlone(
  store: Store,
  collection: string,
  claim: Pick<ClaimRecord, 'id' | 'salt'>,
  asked: Fingerprint[],
): Promise<number[]> {
  const held = await Promise.all(asked.map(({ hash }) => store.anchor(collection, privateKeys.fingerprintAlone(hash))));
  return asked
    .filter(({ items }, index) => held[index] !== undefined && held[index] !== earlierHash(claim, items[0]!))
    .flatMap(({ items }) => items);
}

async function checkFingerprintKey(
  store: Store,
  between: Contracting,
  shown: string | undefined,
): Promise<FingerprintKey | undefined> {
  const collection = collections.billing(between.payer);
  const name = privateKeys.fingerprintKey(between);
  if (shown !== undefined)
    return checkPresented(store, collection, name, shown, fingerprintKeySchema, 'fingerprintKey');
  if ((await store.anchor(collection, name)) !== undefined)
    throw new LedgerError('CONFLICT', 'there is a key that was not shown', 'fingerprintKey');
  return undefined;
}

/** The key, where there was none. */
export async function putFingerprintKey(
  store: Store,
  { provider, payer }: ClaimRecord,
  { key, isNew }: Fingerprints,
): Promise<void> {
  if (!isNew) return;
  const name = privateKeys.fingerprintKey({ payer, provider });
  store.putPrivate(collections.billing(payer), name, key);
  await putCopies(store, [provider], name, key);
}

type Claim = Pick<ClaimRecord, 'id' | 'salt' | 'payer' | 'provider'>;

/**
 * The lines of a claim that stand hold their services: what is not held yet is taken, and what no line stands for any more is free, for
 * a claim that puts right what was wrong.
 * @param standing sequences of those lines; none frees all
 */
export async function holdServices(
  store: Store,
  record: Claim,
  { all, listed }: Pick<Fingerprints, 'all' | 'listed'>,
  standing: ReadonlySet<number>,
): Promise<void> {
  if (listed !== undefined) return holdListed(store, record, listed, standing);
  const collection = collections.billing(record.payer);
  const holder = holderOf(record);
  for (const { hash, items, use, own, next } of all) {
    const stands = items.some((item) => standing.has(item));
    if (own !== undefined && !stands) store.putPrivate(collection, FINGERPRINTS.freed(hash, own), freedBy(holder));
    if (own === undefined && use !== 'asked' && stands)
      store.putPrivate(collection, FINGERPRINTS.taken(hash, next), holdingOf(holder));
  }
}

/**
 * The same for a claim that is decided: what it holds since it was submitted is looked for where no line stands for it any more.
 * @param standing sequences
 */
export async function holdDecided(
  store: Store,
  record: Claim,
  { all, since, listed }: Pick<Fingerprints, 'all' | 'since' | 'listed'>,
  standing: ReadonlySet<number>,
): Promise<void> {
  const ending = since.filter(({ items }) => !items.some((item) => standing.has(item)));
  const found = await lookUpAll(store, { claim: record, payer: record.payer, beside: new Set() }, ending);
  await holdServices(store, record, { all: [...all, ...found], ...(listed === undefined ? {} : { listed }) }, standing);
}

/** What a claim holds, to be freed: of a key with lists, by whichever it has. */
export interface Holdings {
  all: Held[];
  isListed?: true;
}

/**
 * @param load looks for each, of a key without lists
 * @throws LedgerError INVALID, CONFLICT at `fingerprintKey`
 */
export async function holdingsUnder(
  store: Store,
  { payer, provider }: Contracting,
  shown: string | undefined,
  load: () => Promise<Holdings>,
): Promise<Holdings> {
  if (shown === undefined) return load();
  const key = await checkFingerprintKey(store, { payer, provider }, shown);
  return key?.lists === undefined ? load() : { all: [], isListed: true };
}

/** None of them is held any more. */
export const freeServices = (store: Store, record: Claim, { all, isListed }: Holdings): Promise<void> =>
  isListed ? freeListed(store, record) : holdServices(store, record, { all }, new Set());
