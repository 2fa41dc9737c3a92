/**
 * Loads the facts that claims are decided by: coverage, evidence, licences, fee schedule and fingerprints. Nothing is
 * decided here and nothing is written.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { checkEvidence } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import type { Bill } from '../model/bill.ts';
import {
  type ClaimRecord,
  type FeeSchedule,
  feeScheduleSchema,
  fingerprintKeySchema,
  fingerprintSchema,
} from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import {
  type Anchored,
  anchoredSchema,
  type Evidence,
  type LicenceState,
  licenceStateSchema,
} from '../model/transactions.ts';
import { type Fingerprint, fingerprintKeyFrom, fingerprintsOf } from '../rules/claim-edits/duplicates.ts';
import { type ClaimBasis, type ClaimFacts, type Earlier, licenceNumbersOf } from '../rules/claim-facts.ts';

export interface LoadedCover {
  id: string;
  version: number;
  cover: Cover;
}

/**
 * The newest version of a coverage of the collection, starting from one that is known.
 * @throws LedgerError NOT_FOUND where the known one is not there
 */
export async function loadCover(
  store: Store,
  collection: string,
  known: { id: string; version: number },
): Promise<LoadedCover> {
  const load = (version: number): Promise<Anchored | undefined> =>
    store.getPrivate(collection, privateKeys.coverage(known.id, version), anchoredSchema);
  let newest = await load(known.version);
  if (newest === undefined) throw new LedgerError('NOT_FOUND', 'no such coverage', 'coverage');
  for (let next = await load(known.version + 1); next !== undefined; next = await load(newest.version + 1)) {
    newest = next;
  }
  return { id: newest.id, version: newest.version, cover: readCover(newest.resource) };
}

const targetOfRecord = ({ resource }: Anchored): string => `${resource.resourceType}/${resource.id}`;

const byTarget = (records: readonly Anchored[]): Map<string, Anchored> =>
  new Map(records.map((record) => [targetOfRecord(record), record]));

/** That the key says what the value says, and that no newer version of the record exists. */
async function checkCurrent(
  store: Store,
  collection: string,
  key: string,
  record: Anchored,
  at: string,
): Promise<void> {
  if (key !== privateKeys.record(record.id, record.version) || record.resource.id !== record.id) {
    throw new LedgerError('INVALID', 'the key is not that of the record', `${at}.key`);
  }
  const next = await store.anchor(collection, privateKeys.record(record.id, record.version + 1));
  if (next !== undefined) throw new LedgerError('CONFLICT', 'the record has a newer version', at);
}

/**
 * The record versions shown, by `Type/id`: exactly what is anchored in the provider's care collection, newest versions.
 * @throws LedgerError INVALID, NOT_FOUND or CONFLICT at `evidence[i]`
 */
export async function loadEvidence(
  store: Store,
  provider: string,
  evidence: readonly Evidence[],
): Promise<Map<string, Anchored>> {
  const collection = collections.care(provider);
  const malformed = evidence.findIndex(({ key }) => !key.startsWith('record/'));
  if (malformed >= 0) throw new LedgerError('INVALID', 'not the key of a record', `evidence[${malformed}].key`);
  const records = await checkEvidence(store, collection, evidence);
  await Promise.all(
    records.map((record, index) => checkCurrent(store, collection, evidence[index]!.key, record, `evidence[${index}]`)),
  );
  const found = byTarget(records);
  if (found.size < records.length) throw new LedgerError('INVALID', 'a record is shown twice', 'evidence');
  return found;
}

/** The evidence as it was checked and stored at submission. */
export const storedEvidence = (record: ClaimRecord): Map<string, Anchored> =>
  byTarget(record.evidence.map(({ value }) => anchoredSchema.parse(JSON.parse(value))));

const loadFeeSchedule = (store: Store, collection: string): Promise<FeeSchedule | undefined> =>
  store.getPrivate(collection, privateKeys.feeSchedule(), feeScheduleSchema);

async function loadLicences(store: Store, numbers: readonly string[]): Promise<Map<string, LicenceState>> {
  const found = new Map<string, LicenceState>();
  const licences = await Promise.all(
    numbers.map((number) => store.getPrivate(collections.registers, privateKeys.licence(number), licenceStateSchema)),
  );
  for (const licence of licences) if (licence !== undefined) found.set(licence.number, licence);
  return found;
}

export interface Fingerprints {
  /** The collection's key, hex. */
  key: string;
  /** The key is not on the ledger yet. */
  isNew: boolean;
  all: Fingerprint[];
  /** Those that other claims hold already. */
  earlier: Earlier[];
}

/** The fingerprints of a claim's items and the other claims that hold them; `salt` makes the first claim's key. */
async function loadFingerprints(
  store: Store,
  collection: string,
  basis: ClaimBasis,
  salt: string,
): Promise<Fingerprints> {
  const stored = await store.getPrivate(collection, privateKeys.fingerprintKey(), fingerprintKeySchema);
  const key = stored?.key ?? fingerprintKeyFrom(salt);
  const all = fingerprintsOf(basis, key);
  const holders = await Promise.all(
    all.map(async ({ item, hash }) => {
      const held = await store.getPrivate(collection, privateKeys.fingerprint(hash), fingerprintSchema);
      return held === undefined ? undefined : { item, claimId: held.claimId };
    }),
  );
  const earlier = holders.filter((held) => held !== undefined && held.claimId !== basis.bill.claimId) as Earlier[];
  return { key, isNew: stored === undefined, all, earlier };
}

export interface Loading {
  store: Store;
  collection: string;
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
  const { store, collection, cover, salt, now, ...basis } = loading;
  const [feeSchedule, licences, fingerprints] = await Promise.all([
    loadFeeSchedule(store, collection),
    loadLicences(store, licenceNumbersOf(basis)),
    loadFingerprints(store, collection, basis, salt),
  ]);
  return { facts: { ...basis, cover, feeSchedule, licences, earlier: fingerprints.earlier, now }, fingerprints };
}
