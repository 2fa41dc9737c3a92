/**
 * Registers: the licences of practitioners, kept by the regulator in a collection that everybody holds, and who is in
 * the consortium. No public state: any two organisations could write under a public key that nobody has used yet.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { licencesIn, loadRegister } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { type Bucket, bucketOfNumber, type Register, rootWith } from '../model/registers.ts';
import type { LicenceState, OutputOf } from '../model/transactions.ts';

export class Registry extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('registry');
    this.#consortium = consortium;
  }

  SetLicence(ctx: Context, argument: string): Promise<string> {
    return run('SetLicence', this.#consortium, ctx, argument, setLicence);
  }

  ListOrganisations(ctx: Context, argument: string): Promise<string> {
    return run('ListOrganisations', this.#consortium, ctx, argument, listOrganisations);
  }
}

async function setLicence({ input, store, private: hidden }: Call<'SetLicence'>): Promise<LicenceState> {
  if (input.end < input.start) throw new LedgerError('INVALID', 'a licence cannot end before it starts', 'end');
  const { bucket, salt } = hidden;
  const register = await loadRegister(store, hidden.register);
  const index = bucketOfNumber(input.number);
  const licence = { ...input, updatedAt: store.time };
  const licences = { ...licencesIn(register, index, bucket, 'private.bucket'), [input.number]: licence };
  const next: Bucket = { schema: 1, licences };
  const generation = register.generation + 1;
  const root = rootWith(index, canonicalJson(next), bucket.path);
  store.putPrivate(collections.registers, privateKeys.register(generation), {
    schema: 1,
    root,
    salt,
  } satisfies Register);
  await store.putOnce(collections.registers, privateKeys.bucket(index, generation), next, { expression: 'number' });
  store.emit(events.LicenceSet, licence);
  return licence;
}

function listOrganisations({ consortium }: Call<'ListOrganisations'>): OutputOf<'ListOrganisations'> {
  return { organisations: consortium.organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind })) };
}
