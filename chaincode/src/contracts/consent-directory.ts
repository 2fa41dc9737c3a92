/**
 * Which consents a patient has given for one provider's data, which of them are in force, and her own keys there. Fabric permits no range
 * query over private data in a transaction that writes, so the ids stand in directories. A directory holds many
 * patients, so that its key, which every member sees read, says little about whose consents were looked at.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { parseText } from '../ledger/parse.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { bucketOf } from '../model/directories.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import type { KeyRing, PatientKey } from '../model/patient-keys.ts';
import { anchoredSchema, type ConsentVersion, type Directory, directorySchema, MAX_CONSENTS } from '../model/values.ts';
import { isSigned, isUnsigned, type Signing } from '../rules/consent-signatures.ts';
import { consentContentSchema, type LedgerConsent } from '../rules/consents.ts';

/** The directory that a patient's consents and keys are entered in, as it stands; 0 and nothing where there is none. */
export interface FoundDirectory {
  provider: string;
  patientId: string;
  generation: number;
  directory: Directory | undefined;
  /** The patient's own keys; undefined where there never was one. */
  ring: KeyRing | undefined;
}

/** @param known a generation of it that is known; 0: none. @throws LedgerError INVALID where that is not there */
export async function loadDirectory(
  store: Store,
  provider: string,
  patientId: string,
  known: number,
): Promise<FoundDirectory> {
  const { generation, directory } = await newestOf(store, provider, bucketOf(patientId), known);
  return { provider, patientId, generation, directory, ring: ownIn(directory?.keys, patientId) };
}

const ownIn = <T>(members: Record<string, T> | undefined, patientId: string): T | undefined =>
  members !== undefined && Object.hasOwn(members, patientId) ? members[patientId] : undefined;

/** The current generation of a bucket's directory, sought from one that is known. */
async function newestOf(
  store: Store,
  provider: string,
  bucket: string,
  known: number,
): Promise<Pick<FoundDirectory, 'generation' | 'directory'>> {
  const collection = collections.care(provider);
  let generation = known;
  while ((await store.anchor(collection, privateKeys.directory(bucket, generation + 1))) !== undefined) generation += 1;
  if (generation === 0) return { generation, directory: undefined };
  const directory = await store.getPrivate(collection, privateKeys.directory(bucket, generation), directorySchema);
  if (directory === undefined) throw new LedgerError('INVALID', 'there is no such generation', 'private.directory');
  return { generation, directory };
}

/** Adds a consent to its patient's directory, as the next generation. `salt` is the consent's own. */
export function enterConsent(store: Store, found: FoundDirectory, consent: { id: string; salt: string }): void {
  const { directory, patientId } = found;
  const own = ownIn(directory?.consents, patientId) ?? [];
  if (own.length >= MAX_CONSENTS) throw new LedgerError('CONFLICT', 'the patient has too many consents there');
  const consents = { ...directory?.consents, [patientId]: [...own, consent.id] };
  putNext(store, found, { ...directory, consents }, consent.salt);
}

/** Sets a patient's keys, in the next generation. */
export function enterKeys(store: Store, found: FoundDirectory, ring: readonly PatientKey[], salt: string): void {
  const { directory, patientId } = found;
  const keys = { ...directory?.keys, [patientId]: [...ring] };
  putNext(store, found, { consents: {}, ...directory, keys }, salt);
}

function putNext(
  store: Store,
  { provider, patientId, generation }: FoundDirectory,
  said: Omit<Directory, 'schema' | 'salt'>,
  salt: string,
): void {
  const next: Directory = { ...said, schema: 1, salt: sha256Hex(`directory/${salt}`) };
  const key = privateKeys.directory(bucketOf(patientId), generation + 1);
  store.putPrivate(collections.care(provider), key, next);
}

/** What a version of a consent says, where it is there and in force. */
export async function standingConsent(
  store: Store,
  provider: string,
  { id, version }: ConsentVersion,
): Promise<Resource | undefined> {
  const given = await store.getPrivate(collections.care(provider), privateKeys.consent(id, version), anchoredSchema);
  const isOver = given === undefined || (await endOfConsent(store, provider, { id, version })) !== undefined;
  return isOver ? undefined : given.resource;
}

/** The patient's consents that are in force, in the order of their granting; `hints` are versions known to exist. */
export async function consentsInForce(
  store: Store,
  provider: string,
  patientId: string,
  known: number,
  hints: readonly ConsentVersion[],
): Promise<LedgerConsent[]> {
  const found = await loadDirectory(store, provider, patientId, known);
  const versions = new Map(hints.map(({ id, version }) => [id, version]));
  const ids = ownIn(found.directory?.consents, patientId) ?? [];
  const loaded = await Promise.all(ids.map((id) => consentInForce(store, found, id, versions.get(id) ?? 1)));
  return loaded.filter((consent) => consent !== undefined);
}

async function consentInForce(
  store: Store,
  found: FoundDirectory,
  id: string,
  known: number,
): Promise<LedgerConsent | undefined> {
  const { provider } = found;
  const version = await currentVersion(store, provider, id, known);
  if ((await endOfConsent(store, provider, { id, version })) !== undefined) return undefined;
  const text = await store.getPrivateText(collections.care(provider), privateKeys.consent(id, version));
  if (text === undefined) throw new LedgerError('INVALID', 'there is no such version of a consent', 'private.consents');
  const { resource, actors, recordedAt, delegation: by } = parseText(anchoredSchema, text);
  const consent = { id, version, status: 'active', resource: consentContentSchema.parse(resource), actors } as const;
  const delegation = await delegationSigned(store, found, by);
  const lacks = lacksSignature(text, resource, { ...found, id, version, now: recordedAt, delegation });
  return lacks ? { ...consent, isUnsigned: true } : consent;
}

/** A delegation of the patient's that she has signed with a key of her own; undefined where this is none. */
export async function delegationSigned(
  store: Store,
  { directory, provider, patientId: patient, ring }: FoundDirectory,
  named: ConsentVersion | undefined,
): Promise<Signing['delegation']> {
  if (named === undefined || ring === undefined) return undefined;
  if (!(ownIn(directory?.consents, patient) ?? []).includes(named.id)) return undefined;
  const key = privateKeys.consent(named.id, named.version);
  const anchored = await store.getPrivate(collections.care(provider), key, anchoredSchema);
  if (anchored === undefined) return undefined;
  const { resource, recordedAt: now } = anchored;
  return isSigned(resource, { ...named, provider, patient, now, ring }) ? { id: named.id, resource } : undefined;
}

/** Of texts under rings: whether a signature is lacking. A decision about many records, and the next one, asks again. */
const checked = new Map<string, boolean>();
const MOST_CHECKED = 20_000;

function lacksSignature(
  text: string,
  resource: Resource,
  { ring, patientId: patient, ...signing }: FoundDirectory & Pick<Signing, 'id' | 'version' | 'now' | 'delegation'>,
): boolean {
  if (ring === undefined) return false;
  const name = sha256Hex(canonicalJson([text, ring, patient, signing.provider, signing.delegation]));
  const known = checked.get(name);
  if (known !== undefined) return known;
  const { id, version, provider, now, delegation } = signing;
  const answer = isUnsigned(resource, { id, version, provider, patient, now, ring, delegation });
  if (checked.size >= MOST_CHECKED) checked.clear();
  checked.set(name, answer);
  return answer;
}

/** The newest version of a consent, sought from one that is known. */
async function currentVersion(store: Store, provider: string, id: string, known: number): Promise<number> {
  const collection = collections.care(provider);
  let version = known;
  while ((await store.anchor(collection, privateKeys.consent(id, version + 1))) !== undefined) version += 1;
  return version;
}

export type ConsentEnd = 'consent-revoked' | 'consent-amended';

/** Why a version of a consent is in force no more; undefined while it is. Works on every peer. */
export async function endOfConsent(
  store: Store,
  provider: string,
  { id, version }: ConsentVersion,
): Promise<ConsentEnd | undefined> {
  const [revoked, withdrawn, next] = await Promise.all([
    store.anchor(collections.marks, privateKeys.revoked(id)),
    store.anchor(collections.marks, privateKeys.withdrawn(id, version)),
    store.anchor(collections.care(provider), privateKeys.consent(id, version + 1)),
  ]);
  if (revoked !== undefined) return 'consent-revoked';
  return withdrawn !== undefined || next !== undefined ? 'consent-amended' : undefined;
}
