/**
 * Loads the facts that claims are decided by: coverage, evidence, licences, fee schedule and fingerprints. Nothing is
 * decided here and nothing is written. Not every endorser may read the payer's collection, so what stands there is shown
 * by whoever holds it and checked by its hash; that something is absent is asked by its known key.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { checkPresented, checkRecords } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import { asNamed, licencesOf, loadRegister, loadRules } from '../ledger/register.ts';
import type { Store } from '../ledger/store.ts';
import type { Bill } from '../model/bill.ts';
import { keptEvidence } from '../model/claim-minimum.ts';
import { licenceNumbersOf } from '../model/claim-practitioners.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { type Cover, readCover } from '../model/coverage.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import type { BucketEvidence } from '../model/registers.ts';
import type { RecordEvidence } from '../model/sheets.ts';
import { type Anchored, anchoredSchema } from '../model/values.ts';
import { onDaysOfRecords } from '../rules/claim-edits/when.ts';
import type { ClaimFacts } from '../rules/claim-facts.ts';
import { checkPrices, type ShownPrices } from './claim-prices.ts';
import { checkTables, type ShownTables } from './claim-tables.ts';
import type { TakenBefore } from './held-lists.ts';
import { type Fingerprints, loadFingerprints } from './held-services.ts';
import { wordsOfVisits } from './visits.ts';

/** Of the payer's, as the anchored texts. */
export interface ShownTerms extends ShownPrices {
  coverage: string;
  fingerprintKey?: string | undefined;
  tables?: ShownTables | undefined;
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

/** What of records that were checked is kept with a claim. @param shown as {@link loadEvidence} returns them */
export function keptWith(evidence: readonly RecordEvidence[], shown: ReadonlyMap<string, Anchored>): RecordEvidence[] {
  const byId = new Map([...shown.values()].map((record) => [record.id, record]));
  return evidence.map((one) => keptEvidence(one, byId.get(one.id)!));
}

/** The evidence as it was checked at submission, as far as it was kept. */
export const storedEvidence = (record: ClaimRecord): Map<string, Anchored> =>
  byTarget(record.evidence.map(({ text }) => parseText(anchoredSchema, text)));

/** Records of people at work change for reasons that no claim depends on; whether one may work is in the register. */
const UNCHANGED = ['Practitioner/', 'PractitionerRole/'];

/** Which records of a claim's evidence have a newer version by now, as `Type/id`. */
export async function outdatedEvidence(store: Store, { provider, evidence }: ClaimRecord): Promise<string[]> {
  const collection = collections.care(provider);
  const newer = await Promise.all(
    evidence.map(({ id, version }) => store.anchor(collection, privateKeys.version(id, version + 1))),
  );
  return evidence
    .filter((_, index) => newer[index] !== undefined)
    .map(({ text }) => targetOfRecord(parseText(anchoredSchema, text)))
    .filter((target) => !UNCHANGED.some((type) => target.startsWith(type)));
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
  /** As the claim keeps them. */
  identities?: ClaimFacts['identities'];
  /** What other payers decided of it before. */
  prior?: ClaimFacts['prior'];
  /** Items that bill what claims of others hold, as the screening says. */
  elsewhere?: readonly number[];
  /** Of the screening as well. */
  alike?: ClaimFacts['alike'];
  /** Hashes of what other claims hold by that do not bar this one. */
  beside?: ReadonlySet<string>;
  /** What it took when it was submitted, where it took no step since. */
  before?: TakenBefore | undefined;
  /** Texts of lists that others hold by. */
  lists?: readonly string[] | undefined;
  /** The time to judge by, ISO 8601 UTC. */
  now: string;
}

/** Everything the claim edits judge by, and the fingerprints to write where the claim stands. */
export async function loadFacts(loading: Loading): Promise<{ facts: ClaimFacts; fingerprints: Fingerprints }> {
  const {
    store,
    payer,
    terms,
    salt,
    now,
    before,
    lists,
    beside = new Set<string>(),
    elsewhere = [],
    ...given
  } = loading;
  const basis = { ...given, bill: onDaysOfRecords(given.bill, given.evidence) };
  const days = [...new Set(basis.bill.items.map(({ first }) => first))];
  const [tariffs, tables, visits, register, rules, fingerprints] = await Promise.all([
    checkPrices(store, { payer, provider: basis.provider.name }, terms, days),
    checkTables(store, payer, terms.tables),
    wordsOfVisits(store, basis.provider.name, basis.evidence),
    loadRegister(store, terms.register),
    loadRules(store),
    loadFingerprints(store, { basis, salt, payer, shown: terms.fingerprintKey, beside, before, lists }),
  ]);
  const earlier = [...fingerprints.earlier, ...elsewhere.map((item) => ({ item, elsewhere: true as const }))];
  const shown = licencesOf(register, licenceNumbersOf(basis), terms.buckets);
  const licences = rules.licencesNameHolders === true ? asNamed(shown) : shown;
  return { facts: { ...basis, tariffs, tables, visits, licences, earlier, now }, fingerprints };
}
