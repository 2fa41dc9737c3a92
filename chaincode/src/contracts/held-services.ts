/**
 * Services that claims hold: each factor of a service has places, taken one after the other and each freed once, so that nothing is
 * written twice or purged. Who holds a place is told by the hash of what lies there, which whoever knows the claim can compute.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import {
  type ClaimRecord,
  type FingerprintKey,
  type FingerprintRecord,
  fingerprintKeySchema,
} from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { type Contracting, privateKeys } from '../model/keys.ts';
import {
  earlierFingerprintsOf,
  type Fingerprint,
  fingerprintKeyFrom,
  fingerprintsOf,
} from '../rules/claim-edits/duplicates.ts';
import type { ClaimBasis, Earlier } from '../rules/claim-facts.ts';
import { putCopies, stateSalt } from './claim-states.ts';

/** The keys of a factor's places, and of what says that one is free again. */
export interface Places {
  taken: (hash: string, place: number) => string;
  freed: (hash: string, place: number) => string;
}

/** billing_<Payer>: of one provider's services. */
const FINGERPRINTS: Places = { taken: privateKeys.fingerprint, freed: privateKeys.fingerprintFreed };

/** A claim by what tells its holdings. */
export interface Holder {
  claimId: string;
  /** The salt of its first state, which follows from the claim's. */
  salt: string;
}

export const holderOf = ({ id, salt }: Pick<ClaimRecord, 'id' | 'salt'>): Holder => ({
  claimId: id,
  salt: stateSalt(salt),
});

/** What a claim writes for each service that it holds, whatever the service. */
export const holdingOf = ({ claimId, salt }: Holder): FingerprintRecord => ({
  ...{ schema: 1, claimId, item: 0 },
  salt: sha256Hex(`holder/${salt}`),
});

/** The hash of that. */
export const holderHash = (holder: Holder): string => sha256Hex(canonicalJson(holdingOf(holder)));

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
export const barredItems = (all: readonly Held[]): number[] =>
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
}

/** What a claim took when it was submitted: its record's `held`, and sequences of the lines that stood. */
export interface TakenBefore {
  held: string;
  lines: ReadonlySet<number>;
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
}

const takenBy = <F extends Fingerprint>(all: readonly F[], lines: ReadonlySet<number>): F[] =>
  all.filter(({ use, items }) => use !== 'asked' && items.some((item) => lines.has(item)));

/**
 * One hash of all that a claim takes for these lines: a decision that comes to the same need not ask for each again.
 * @param lines sequences
 */
export const heldBy = (all: readonly Fingerprint[], lines: ReadonlySet<number>): string =>
  sha256Hex(
    `held/${takenBy(all, lines)
      .map(({ hash }) => hash)
      .join()}`,
  );

/** Which of these it holds since then; none where the claim would take others by now. */
function heldSince(asked: readonly Fingerprint[], before: TakenBefore | undefined): Fingerprint[] {
  return before !== undefined && heldBy(asked, before.lines) === before.held ? takenBy(asked, before.lines) : [];
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
  const key: FingerprintKey = stated ?? { schema: 1, key: fingerprintKeyFrom(salt), factors: 2 };
  const claim = { id: basis.bill.claimId, salt };
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

/** That a place is free again; its salt follows from the claim's. */
export const freedBy = ({ claimId, salt }: Holder): FingerprintRecord => ({
  ...{ schema: 1, claimId, item: 0 },
  salt: sha256Hex(`freed/${salt}`),
});

/**
 * The lines of a claim that stand hold their services: what is not held yet is taken, and what no line stands for any more is free, for
 * a claim that puts right what was wrong.
 * @param standing sequences of those lines; none frees all
 */
export function holdServices(
  store: Store,
  record: Pick<ClaimRecord, 'id' | 'salt' | 'payer'>,
  { all }: Pick<Fingerprints, 'all'>,
  standing: ReadonlySet<number>,
): void {
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
  record: Pick<ClaimRecord, 'id' | 'salt' | 'payer'>,
  { all, since }: Pick<Fingerprints, 'all' | 'since'>,
  standing: ReadonlySet<number>,
): Promise<void> {
  const ending = since.filter(({ items }) => !items.some((item) => standing.has(item)));
  const found = await lookUpAll(store, { claim: record, payer: record.payer, beside: new Set() }, ending);
  holdServices(store, record, { all: [...all, ...found] }, standing);
}
