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
import { type Fingerprint, fingerprintKeyFrom, fingerprintsOf } from '../rules/claim-edits/duplicates.ts';
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

export interface Fingerprints {
  /** The key of this provider's at this payer, hex. */
  key: string;
  /** The key is not on the ledger yet. */
  isNew: boolean;
  all: Fingerprint[];
  /** Those that other claims hold already. */
  earlier: Earlier[];
}

/** What a claim writes for each of its fingerprints. It follows from the claim, so that a claim knows its own again. */
export const fingerprintRecord = (claimId: string, item: number, salt: string): FingerprintRecord => ({
  ...{ schema: 1, claimId, item },
  salt: sha256Hex(`fingerprint/${salt}`),
});

/** The fingerprints of a claim's items and those that other claims hold; `salt` is the claim's. */
async function loadFingerprints(
  store: Store,
  payer: string,
  basis: ClaimBasis,
  salt: string,
  shown: string | undefined,
): Promise<Fingerprints> {
  const collection = collections.billing(payer);
  const key = await checkFingerprintKey(store, payer, basis.provider.name, shown);
  const all = fingerprintsOf(basis, key ?? fingerprintKeyFrom(salt));
  const held = await Promise.all(all.map(({ hash }) => store.anchor(collection, privateKeys.fingerprint(hash))));
  const isOfAnother = ({ item }: Fingerprint, index: number): boolean =>
    held[index] !== undefined &&
    held[index] !== sha256Hex(canonicalJson(fingerprintRecord(basis.bill.claimId, item, salt)));
  const earlier = all.filter(isOfAnother).map(({ item }) => ({ item }));
  return { key: key ?? fingerprintKeyFrom(salt), isNew: key === undefined, all, earlier };
}

async function checkFingerprintKey(
  store: Store,
  payer: string,
  provider: string,
  shown: string | undefined,
): Promise<string | undefined> {
  const collection = collections.billing(payer);
  const name = privateKeys.fingerprintKey({ payer, provider });
  if (shown !== undefined)
    return (await checkPresented(store, collection, name, shown, fingerprintKeySchema, 'fingerprintKey')).key;
  if ((await store.anchor(collection, name)) !== undefined)
    throw new LedgerError('CONFLICT', 'there is a key that was not shown', 'fingerprintKey');
  return undefined;
}

export interface Loading {
  store: Store;
  payer: string;
  terms: ShownTerms;
  bill: Bill;
  provider: Organisation;
  evidence: ReadonlyMap<string, Anchored>;
  cover: Cover;
  salt: string;
  /** The time to judge by, ISO 8601 UTC. */
  now: string;
}

/** Everything the claim edits judge by, and the fingerprints to write where the claim stands. */
export async function loadFacts(loading: Loading): Promise<{ facts: ClaimFacts; fingerprints: Fingerprints }> {
  const { store, payer, terms, cover, salt, now, ...basis } = loading;
  const [feeSchedule, register, fingerprints] = await Promise.all([
    checkFeeSchedule(store, payer, basis.provider.name, terms.feeSchedule),
    loadRegister(store, terms.register),
    loadFingerprints(store, payer, basis, salt, terms.fingerprintKey),
  ]);
  const licences = licencesOf(register, licenceNumbersOf(basis), terms.buckets);
  return { facts: { ...basis, cover, feeSchedule, licences, earlier: fingerprints.earlier, now }, fingerprints };
}
