/** Links: of which person a provider's Patient is. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkRecord } from '../ledger/evidence.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { apartHashes, identityHashes, type PatientLink } from '../model/links.ts';
import { keyNow, pendingKey } from '../model/patient-keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { loadDirectory } from './consent-directory.ts';

export class Links extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('links');
    this.#consortium = consortium;
  }

  LinkPatient(ctx: Context, argument: string): Promise<string> {
    return run('LinkPatient', this.#consortium, ctx, argument, linkPatient);
  }
}

async function linkPatient(call: Call<'LinkPatient'>): Promise<OutputOf<'LinkPatient'>> {
  const { input, store, private: shown } = call;
  const { person, status, by, salt } = shown;
  const { id, version, resource } = (await checkRecord(store, input.provider, shown.patient, 'private.patient'))
    .anchored;
  if (resource.resourceType !== 'Patient') throw new LedgerError('INVALID', 'is no Patient', 'private.patient');
  const identities = status === 'linked' ? identityHashes(resource, person) : [];
  if (status === 'linked' && by !== 'patient') await checkNoKey(call, id);
  if (status === 'linked' && identities.length === 0)
    throw new LedgerError('INVALID', 'nothing identifies this Patient', 'private.patient');
  await checkKnown(call, id);
  const told = { person, status, identities, ...(status === 'linked' ? apartHashes(resource, person) : {}) };
  const link: PatientLink = { schema: 1, patient: id, ...told, version, by, at: store.time, salt };
  const key = privateKeys.link(id, shown.known + 1);
  await store.putOnce(collections.care(input.provider), key, link, { expression: 'private.known' });
  store.emit(events.PatientLinked, {});
  return { time: store.time };
}

/** The custodian acts for who has no key of her own, and for nobody else. @throws LedgerError FORBIDDEN */
async function checkNoKey(
  { input, store, private: { directory = 0 } }: Call<'LinkPatient'>,
  id: string,
): Promise<void> {
  const { ring = [] } = await loadDirectory(store, input.provider, id, directory);
  if (keyNow(ring, store.time) !== undefined || pendingKey(ring, store.time) !== undefined)
    throw new LedgerError('FORBIDDEN', 'this patient has a key of her own: she begins a link', 'private.by');
}

/** A series has no gaps: the generation that is said to stand is there. @throws LedgerError INVALID */
async function checkKnown({ input, store, private: { known } }: Call<'LinkPatient'>, id: string): Promise<void> {
  if (known === 0) return;
  const anchor = await store.anchor(collections.care(input.provider), privateKeys.link(id, known));
  if (anchor === undefined) throw new LedgerError('INVALID', 'there is no such generation', 'private.known');
}
