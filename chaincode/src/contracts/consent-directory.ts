/**
 * Which consents a patient has given for one provider's data. Fabric permits no range query over private data
 * in a transaction that writes, so the ids stand in one private value per patient.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys, publicKeys } from '../model/keys.ts';
import { idSchema, saltSchema } from '../model/texts.ts';
import { anchoredSchema, consentStateSchema } from '../model/transactions.ts';
import { consentContentSchema, type LedgerConsent } from '../rules/consents.ts';

const directorySchema = z.strictObject({ consents: z.array(idSchema), salt: saltSchema });

/** Each is looked at whenever somebody asks for the patient's data; one that changes is amended, not granted anew. */
const MAX_CONSENTS = 500;

/** Adds a consent to its patient's directory. `salt` is the consent's own, from which the directory's is derived. */
export async function enterConsent(
  store: Store,
  provider: string,
  patientId: string,
  consentId: string,
  salt: string,
): Promise<void> {
  const collection = collections.consent(provider);
  const key = privateKeys.directory(patientId);
  const directory = await store.getPrivate(collection, key, directorySchema);
  const consents = [...(directory?.consents ?? []), consentId];
  if (consents.length > MAX_CONSENTS) throw new LedgerError('CONFLICT', 'the patient has too many consents there');
  store.putPrivate(collection, key, { consents, salt: sha256Hex(`directory/${salt}`) });
}

/** The current versions of a patient's consents that are in force on the ledger, in the order of their granting. */
export async function activeConsents(store: Store, provider: string, patientId: string): Promise<LedgerConsent[]> {
  const collection = collections.consent(provider);
  const directory = await store.getPrivate(collection, privateKeys.directory(patientId), directorySchema);
  const loaded = await Promise.all((directory?.consents ?? []).map((id) => activeConsent(store, collection, id)));
  return loaded.filter((consent) => consent !== undefined);
}

async function activeConsent(store: Store, collection: string, id: string): Promise<LedgerConsent | undefined> {
  const state = await store.get(publicKeys.consent(id), consentStateSchema);
  if (state?.status !== 'active') return undefined;
  const anchored = await store.getPrivate(collection, privateKeys.consent(id, state.version), anchoredSchema);
  // The public state is written with the content, so one without the other is a fault.
  if (anchored === undefined) throw new Error('a consent in force has no content');
  return { id, version: state.version, status: state.status, resource: consentContentSchema.parse(anchored.resource) };
}
