/**
 * Registers: the licences of practitioners, kept by the regulator in a collection that everybody holds, and who is in
 * the consortium. No public state: any two organisations could write under a public key that nobody has used yet.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
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

async function setLicence(call: Call<'SetLicence'>): Promise<LicenceState> {
  const { input, store, private: hidden } = call;
  if (input.end < input.start) throw new LedgerError('INVALID', 'a licence cannot end before it starts', 'end');
  checkPractitioners(call);
  const { bucket, salt } = hidden;
  const register = await loadRegister(store, hidden.register);
  const index = bucketOfNumber(input.number);
  const licences = licencesIn(register, index, bucket, 'private.bucket');
  const before = Object.hasOwn(licences, input.number) ? licences[input.number] : undefined;
  // Whom a licence names it goes on naming: left out by mistake, it would count for whoever claims the number.
  const practitioners = input.practitioners ?? before?.practitioners;
  const licence = { ...input, ...(practitioners && { practitioners }), updatedAt: store.time };
  const next: Bucket = { schema: 1, licences: { ...licences, [input.number]: licence } };
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

/** Practitioners are whom a provider certified. */
function checkPractitioners({ input, consortium }: Call<'SetLicence'>): void {
  for (const [index, { organisation }] of (input.practitioners ?? []).entries())
    if (organisationByName(consortium, organisation)?.kind !== 'provider')
      throw new LedgerError('INVALID', 'is no provider of the consortium', `practitioners[${index}].organisation`);
}

function listOrganisations({ consortium }: Call<'ListOrganisations'>): OutputOf<'ListOrganisations'> {
  return { organisations: consortium.organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind })) };
}
