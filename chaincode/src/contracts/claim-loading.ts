/**
 * Loads the facts that claims are decided by: coverage, evidence, licences, fee schedule and fingerprints. Nothing is
 * decided here and nothing is written. Not every endorser may read the payer's collection, so what stands there is shown
 * by whoever holds it and checked by its hash; that something is absent is asked by its known key.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { checkPresented, checkRecords } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import { licencesOf, loadRegister } from '../ledger/register.ts';
import type { Store } from '../ledger/store.ts';
import type { Bill } from '../model/bill.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { licenceNumbersOf } from '../model/claim-practitioners.ts';
import {
  type ClaimRecord,
  type FeeSchedule,
  type FingerprintKey,
  type FingerprintRecord,
  feeScheduleSchema,
  fingerprintKeySchema,
} from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { BucketEvidence } from '../model/registers.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import { type Anchored, anchoredSchema } from '../model/values.ts';
import {
  earlierFingerprintsOf,
  type Fingerprint,
  fingerprintKeyFrom,
  fingerprintsOf,
} from '../rules/claim-edits/duplicates.ts';
import { onDaysOfRecords } from '../rules/claim-edits/when.ts';
import type { ClaimBasis, ClaimFacts, Earlier } from '../rules/claim-facts.ts';

/** Of the payer's, as the anchored texts. */
export interface ShownTerms {
  coverage: string;
  feeSchedule?: { generation: number; text: string } | undefined;
  fingerprintKey?: string | undefined;
  register: number;
  buckets: BucketEvidence[];
}

export interface LoadedCover {
  id: string;
  version: number;
  cover: Cover;
}

/**
 * The coverage that was shown, the newest version of it.
 * @throws LedgerError NOT_FOUND, INVALID, CONFLICT where the payer has registered a newer one
 */
export async function checkCover(store: Store, payer: string, text: string): Promise<LoadedCover> {
  const collection = collections.billing(payer);
  const { id, version } = parseText(anchoredSchema, text, 'coverage');
  const key = privateKeys.coverage(id, version);
  const { resource } = await checkPresented(store, collection, key, text, anchoredSchema, 'coverage');
  if ((await store.anchor(collection, privateKeys.coverage(id, version + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the coverage has a newer version', 'coverage');
  return { id, version, cover: readCover(resource) };
}

const targetOfRecord = ({ resource }: Anchored): string => `${resource.resourceType}/${resource.id}`;

const byTarget = (records: readonly Anchored[]): Map<string, Anchored> =>
  new Map(records.map((record) => [targetOfRecord(record), record]));

/**
 * The record versions shown, by `Type/id`: each on a sheet of the provider's, newest versions.
 * @throws LedgerError INVALID, NOT_FOUND or CONFLICT at `evidence[i]`
 */
export async function loadEvidence(
  store: Store,
  provider: string,
  evidence: readonly RecordEvidence[],
): Promise<Map<string, Anchored>> {
  const records = await checkRecords(store, provider, evidence, 'evidence');
  return byTarget(records.map(({ anchored }) => anchored));
}

/** The evidence as it was checked and stored at submission. */
export const storedEvidence = (record: ClaimRecord): Map<string, Anchored> =>
  byTarget(record.evidence.map(({ text }) => parseText(anchoredSchema, text)));

/** Records of people at work change for reasons that no claim depends on; whether one may work is in the register. */
const UNCHANGED = 'Practitioner/';

/** Which records of a claim's evidence have a newer version by now, as `Type/id`. */
export async function outdatedEvidence(store: Store, { provider, evidence }: ClaimRecord): Promise<string[]> {
  const collection = collections.care(provider);
  const newer = await Promise.all(
    evidence.map(({ id, version }) => store.anchor(collection, privateKeys.version(id, version + 1))),
  );
  return evidence
    .filter((_, index) => newer[index] !== undefined)
    .map(({ text }) => targetOfRecord(parseText(anchoredSchema, text)))
    .filter((target) => !target.startsWith(UNCHANGED));
}

/** The prices that are in force for the provider, as they were shown; that there are none, or newer ones, cannot be hidden. */
async function checkFeeSchedule(
  store: Store,
  payer: string,
  provider: string,
  shown: ShownTerms['feeSchedule'],
): Promise<FeeSchedule | undefined> {
  const collection = collections.billing(payer);
  const generation = shown?.generation ?? 0;
  if ((await store.anchor(collection, privateKeys.feeSchedule({ payer, provider }, generation + 1))) !== undefined)
    throw new LedgerError('CONFLICT', 'the payer has loaded other prices', 'feeSchedule');
  if (shown === undefined) return undefined;
  const key = privateKeys.feeSchedule({ payer, provider }, generation);
  return checkPresented(store, collection, key, shown.text, feeScheduleSchema, 'feeSchedule');
}

/** A service that this claim holds, or may come to hold. */
export interface Held extends Fingerprint {
  /** Where this claim holds it; undefined where it does not. */
  own: number | undefined;
  /** The next place that is free. */
  next: number;
  /** Another claim holds it. */
  byAnother: boolean;
}

export interface Fingerprints {
  /** The key of this provider's at this payer. */
  key: FingerprintKey;
  /** The key is not on the ledger yet. */
  isNew: boolean;
  all: Held[];
  /** Those that other claims hold already. */
  earlier: Earlier[];
}

/** What a claim writes for each of its fingerprints. It follows from the claim, so that a claim knows its own again. */
const fingerprintRecord = (claimId: string, item: number, salt: string): FingerprintRecord => ({
  ...{ schema: 1, claimId, item },
  salt: sha256Hex(`fingerprint/${salt}`),
});

interface Holding {
  store: Store;
  collection: string;
  claimId: string;
  salt: string;
}

/** Who holds a service: every place in turn, down to the first that nobody has taken. */
async function loadHeld({ store, collection, claimId, salt }: Holding, fingerprint: Fingerprint): Promise<Held> {
  const { hash, items } = fingerprint;
  const ours = sha256Hex(canonicalJson(fingerprintRecord(claimId, items[0]!, salt)));
  const held: Held = { ...fingerprint, own: undefined, next: 0, byAnother: false };
  for (;;) {
    const stands = await store.anchor(collection, privateKeys.fingerprint(hash, held.next));
    if (stands === undefined) return held;
    const isFreed = (await store.anchor(collection, privateKeys.fingerprintFreed(hash, held.next))) !== undefined;
    if (!isFreed && stands === ours) held.own = held.next;
    if (!isFreed && stands !== ours) held.byAnother = true;
    held.next += 1;
  }
}

/** The items of a claim that claims made before there were factors hold. */
async function loadHeldAlone({ store, collection, claimId, salt }: Holding, asked: Fingerprint[]): Promise<Earlier[]> {
  const held = await Promise.all(asked.map(({ hash }) => store.anchor(collection, privateKeys.fingerprintAlone(hash))));
  const ours = (item: number): string => sha256Hex(canonicalJson(fingerprintRecord(claimId, item, salt)));
  return asked
    .filter(({ items }, index) => held[index] !== undefined && held[index] !== ours(items[0]!))
    .flatMap(({ items }) => items.map((item) => ({ item })));
}

/** The fingerprints of a claim's items and those that other claims hold; `salt` is the claim's. */
async function loadFingerprints(
  store: Store,
  payer: string,
  basis: ClaimBasis,
  salt: string,
  shown: string | undefined,
): Promise<Fingerprints> {
  const collection = collections.billing(payer);
  const known = await checkFingerprintKey(store, payer, basis.provider.name, shown);
  const key: FingerprintKey = known ?? { schema: 1, key: fingerprintKeyFrom(salt), factors: 2 };
  const holding = { store, collection, claimId: basis.bill.claimId, salt };
  const all = await Promise.all(fingerprintsOf(basis, key.key).map((one) => loadHeld(holding, one)));
  const before = key.factors === undefined ? earlierFingerprintsOf(basis, key.key) : [];
  const earlier = [
    ...all
      .filter(({ use, byAnother }) => use !== 'shared' && byAnother)
      .flatMap(({ items }) => items.map((item) => ({ item }))),
    ...(await loadHeldAlone(holding, before)),
  ];
  return { key, isNew: known === undefined, all, earlier };
}

async function checkFingerprintKey(
  store: Store,
  payer: string,
  provider: string,
  shown: string | undefined,
): Promise<FingerprintKey | undefined> {
  const collection = collections.billing(payer);
  const name = privateKeys.fingerprintKey({ payer, provider });
  if (shown !== undefined)
    return checkPresented(store, collection, name, shown, fingerprintKeySchema, 'fingerprintKey');
  if ((await store.anchor(collection, name)) !== undefined)
    throw new LedgerError('CONFLICT', 'there is a key that was not shown', 'fingerprintKey');
  return undefined;
}

/**
 * The lines of a claim that stand hold their services: what is not held yet is taken, and what no line stands for any more is free, for
 * a claim that puts right what was wrong.
 * @param standing sequences of those lines
 */
export function holdServices(
  store: Store,
  { id, salt, payer }: ClaimRecord,
  { all }: Fingerprints,
  standing: ReadonlySet<number>,
): void {
  const collection = collections.billing(payer);
  for (const { hash, items, use, own, next } of all) {
    const stands = items.some((item) => standing.has(item));
    const record = (salted: string) => fingerprintRecord(id, items[0]!, salted);
    if (own !== undefined && !stands)
      store.putPrivate(collection, privateKeys.fingerprintFreed(hash, own), record(sha256Hex(`freed/${salt}`)));
    if (own === undefined && use !== 'asked' && stands)
      store.putPrivate(collection, privateKeys.fingerprint(hash, next), record(salt));
  }
}

export interface Loading {
  store: Store;
  payer: string;
  terms: ShownTerms;
  bill: Bill;
  provider: Organisation;
  evidence: ReadonlyMap<string, Anchored>;
  cover: Cover;
  outdated: readonly string[];
  salt: string;
  /** The time to judge by, ISO 8601 UTC. */
  now: string;
}

/** Everything the claim edits judge by, and the fingerprints to write where the claim stands. */
export async function loadFacts(loading: Loading): Promise<{ facts: ClaimFacts; fingerprints: Fingerprints }> {
  const { store, payer, terms, salt, now, ...given } = loading;
  const basis = { ...given, bill: onDaysOfRecords(given.bill, given.evidence) };
  const [feeSchedule, register, fingerprints] = await Promise.all([
    checkFeeSchedule(store, payer, basis.provider.name, terms.feeSchedule),
    loadRegister(store, terms.register),
    loadFingerprints(store, payer, basis, salt, terms.fingerprintKey),
  ]);
  const licences = licencesOf(register, licenceNumbersOf(basis), terms.buckets);
  return { facts: { ...basis, feeSchedule, licences, earlier: fingerprints.earlier, now }, fingerprints };
}
