/**
 * Registers: the licences of practitioners, kept by the regulator in a collection that everybody holds, and who is in
 * the consortium. No public state: any two organisations could write under a public key that nobody has used yet.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { type LicenceState, licenceStateSchema, type OutputOf } from '../model/transactions.ts';

export class Registry extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('registry');
    this.#consortium = consortium;
  }

  SetLicence(ctx: Context, argument: string): Promise<string> {
    return run('SetLicence', this.#consortium, ctx, argument, setLicence);
  }

  GetLicence(ctx: Context, argument: string): Promise<string> {
    return run('GetLicence', this.#consortium, ctx, argument, getLicence);
  }

  ListOrganisations(ctx: Context, argument: string): Promise<string> {
    return run('ListOrganisations', this.#consortium, ctx, argument, listOrganisations);
  }
}

async function setLicence({ input, store }: Call<'SetLicence'>): Promise<LicenceState> {
  if (input.end < input.start) throw new LedgerError('INVALID', 'a licence cannot end before it starts', 'end');
  const key = privateKeys.licence(input.number);
  const licence = { ...input, updatedAt: store.time };
  // Read, so that two changes at once conflict instead of one being lost.
  await store.anchor(collections.registers, key);
  store.putPrivate(collections.registers, key, licence);
  store.emit(events.LicenceSet, licence);
  return licence;
}

async function getLicence({ input, store }: Call<'GetLicence'>): Promise<LicenceState> {
  const key = privateKeys.licence(input.number);
  const licence = await store.getPrivate(collections.registers, key, licenceStateSchema);
  if (licence === undefined) throw new LedgerError('NOT_FOUND', 'no such licence', 'number');
  return licence;
}

function listOrganisations({ consortium }: Call<'ListOrganisations'>): OutputOf<'ListOrganisations'> {
  return { organisations: consortium.organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind })) };
}
