/**
 * Which consents a patient has given for one provider's data, and which of them are in force. Fabric permits no range
 * query over private data in a transaction that writes, so the ids stand in directories. A directory holds many
 * patients, so that its key, which every member sees read, says little about whose consents were looked at.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { bucketOf } from '../model/directories.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import { anchoredSchema, type ConsentVersion, type Directory, directorySchema, MAX_CONSENTS } from '../model/values.ts';
import { consentContentSchema, type LedgerConsent } from '../rules/consents.ts';

interface Found {
  generation: number;
  directory: Directory | undefined;
}

/** The current generation of a bucket's directory, sought from one that is known; 0 and nothing where there is none. */
async function loadDirectory(store: Store, provider: string, bucket: string, known: number): Promise<Found> {
  const collection = collections.care(provider);
  let generation = known;
  while ((await store.anchor(collection, privateKeys.directory(bucket, generation + 1))) !== undefined) generation += 1;
  if (generation === 0) return { generation, directory: undefined };
  const directory = await store.getPrivate(collection, privateKeys.directory(bucket, generation), directorySchema);
  if (directory === undefined) throw new LedgerError('INVALID', 'there is no such generation', 'private.directory');
  return { generation, directory };
}

/** Adds a consent to its patient's directory, as the next generation. `salt` is the consent's own. */
export async function enterConsent(
  store: Store,
  provider: string,
  patientId: string,
  consent: { id: string; salt: string },
  known: number,
): Promise<void> {
  const bucket = bucketOf(patientId);
  const { generation, directory } = await loadDirectory(store, provider, bucket, known);
  const own = directory?.consents[patientId] ?? [];
  if (own.length >= MAX_CONSENTS) throw new LedgerError('CONFLICT', 'the patient has too many consents there');
  const next: Directory = {
    schema: 1,
    consents: { ...directory?.consents, [patientId]: [...own, consent.id] },
    salt: sha256Hex(`directory/${consent.salt}`),
  };
  store.putPrivate(collections.care(provider), privateKeys.directory(bucket, generation + 1), next);
}

/** The patient's consents that are in force, in the order of their granting; `hints` are versions known to exist. */
export async function consentsInForce(
  store: Store,
  provider: string,
  patientId: string,
  known: number,
  hints: readonly ConsentVersion[],
): Promise<LedgerConsent[]> {
  const { directory } = await loadDirectory(store, provider, bucketOf(patientId), known);
  const versions = new Map(hints.map(({ id, version }) => [id, version]));
  const ids = directory?.consents[patientId] ?? [];
  const loaded = await Promise.all(ids.map((id) => consentInForce(store, provider, id, versions.get(id) ?? 1)));
  return loaded.filter((consent) => consent !== undefined);
}

async function consentInForce(
  store: Store,
  provider: string,
  id: string,
  known: number,
): Promise<LedgerConsent | undefined> {
  const version = await currentVersion(store, provider, id, known);
  if ((await endOfConsent(store, provider, { id, version })) !== undefined) return undefined;
  const anchored = await store.getPrivate(collections.care(provider), privateKeys.consent(id, version), anchoredSchema);
  if (anchored === undefined)
    throw new LedgerError('INVALID', 'there is no such version of a consent', 'private.consents');
  const { resource, actors } = anchored;
  return { id, version, status: 'active', resource: consentContentSchema.parse(resource), actors };
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
