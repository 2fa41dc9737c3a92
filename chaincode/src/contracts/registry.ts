/**
 * Registers: the licences of practitioners, kept by the regulator in a collection that everybody holds, and who is in
 * the consortium. No public state: any two organisations could write under a public key that nobody has used yet.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { bucketsOf, type CurrentRegister, licencesIn, loadRegister, loadRules } from '../ledger/register.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { Rules } from '../model/consortium-rules.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import { licenceAfter } from '../model/licences.ts';
import {
  type Bucket,
  type BucketChange,
  type BucketEvidence,
  bucketOfNumber,
  type Register,
  rootWith,
} from '../model/registers.ts';
import { type LicenceInput, type LicenceState, MAX_STANDINGS, type OutputOf } from '../model/transactions.ts';

export class Registry extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('registry');
    this.#consortium = consortium;
  }

  SetLicence(ctx: Context, argument: string): Promise<string> {
    return run('SetLicence', this.#consortium, ctx, argument, setLicence);
  }

  SetLicences(ctx: Context, argument: string): Promise<string> {
    return run('SetLicences', this.#consortium, ctx, argument, setLicences);
  }

  SetRules(ctx: Context, argument: string): Promise<string> {
    return run('SetRules', this.#consortium, ctx, argument, setRules);
  }

  ListOrganisations(ctx: Context, argument: string): Promise<string> {
    return run('ListOrganisations', this.#consortium, ctx, argument, listOrganisations);
  }
}

async function setLicence(call: Call<'SetLicence'>): Promise<LicenceState> {
  const { input, store, private: hidden } = call;
  checkLicence(call, input);
  const changes = await bucketsAfter(call, [{ said: input, at: 'number' }], [hidden.bucket], () => 'private.bucket');
  const { register, licences } = changes;
  await putBuckets(call, register, changes.buckets);
  const [licence] = licences;
  store.emit(events.LicenceSet, licence);
  return licence!;
}

async function setLicences(call: Call<'SetLicences'>): Promise<OutputOf<'SetLicences'>> {
  const { input, store, private: hidden } = call;
  const said = input.licences.map((one, index) => ({ said: one, at: `licences[${index}]` }));
  const repeated = said.findIndex(({ said: { number } }, index) =>
    said.slice(0, index).some((one) => one.said.number === number),
  );
  if (repeated >= 0) throw new LedgerError('INVALID', 'the same licence twice', `licences[${repeated}].number`);
  for (const { said: one, at } of said) checkLicence(call, one, `${at}.`);
  const changes = await bucketsAfter(call, said, hidden.buckets, (index) => `private.buckets[${index}]`);
  await putBuckets(call, changes.register, changes.buckets);
  store.emit(events.LicenceSet, { count: said.length });
  return { licences: changes.licences };
}

type Setting = Call<'SetLicence'> | Call<'SetLicences'>;

interface NextBucket extends BucketChange {
  bucket: Bucket;
}

interface Said {
  said: LicenceInput;
  /** Where in the input it stands, for errors. */
  at: string;
}

/** The buckets as they are once this is said, and the licences in the order in which it was. @throws LedgerError */
async function bucketsAfter(
  { store, private: hidden }: Setting,
  said: readonly Said[],
  evidence: readonly BucketEvidence[],
  placeOf: (index: number) => string,
): Promise<{ register: CurrentRegister; buckets: NextBucket[]; licences: LicenceState[] }> {
  const register = await loadRegister(store, hidden.register);
  const indexes = bucketsOf(said.map(({ said: { number } }) => number));
  if (indexes.length !== evidence.length)
    throw new LedgerError('INVALID', 'are not the buckets of these licences', 'private.buckets');
  const byBucket = Map.groupBy(said, ({ said: { number } }) => bucketOfNumber(number));
  const after = new Map<string, LicenceState>();
  const buckets = indexes.map((index, place) => {
    const { path } = evidence[place]!;
    const before = licencesIn(register, index, evidence[place]!, placeOf(place));
    const changed = byBucket.get(index) ?? [];
    for (const { said: one, at } of changed) after.set(one.number, changedLicence(before, one, store.time, at));
    const licences = {
      ...before,
      ...Object.fromEntries(changed.map(({ said: { number } }) => [number, after.get(number)!])),
    };
    const bucket: Bucket = { schema: 1, licences };
    return { index, path, bucket, text: canonicalJson(bucket) };
  });
  return { register, buckets, licences: said.map(({ said: { number } }) => after.get(number)!) };
}

/** @throws LedgerError CONFLICT where more would count of it than a licence holds */
function changedLicence(
  before: Record<string, LicenceState>,
  said: LicenceInput,
  now: string,
  at: string,
): LicenceState {
  const licence = licenceAfter(Object.hasOwn(before, said.number) ? before[said.number] : undefined, said, now);
  if ((licence.history?.length ?? 0) >= MAX_STANDINGS)
    throw new LedgerError('CONFLICT', `no licence has more than ${MAX_STANDINGS} standings`, at);
  return licence;
}

async function putBuckets(
  { store, private: { salt } }: Setting,
  { generation: before }: CurrentRegister,
  buckets: readonly NextBucket[],
) {
  const generation = before + 1;
  const register: Register = { schema: 1, root: rootWith(buckets), salt };
  store.putPrivate(collections.registers, privateKeys.register(generation), register);
  for (const { index, bucket } of buckets)
    await store.putOnce(collections.registers, privateKeys.bucket(index, generation), bucket, {
      expression: 'number',
    });
}

/** @throws LedgerError INVALID */
function checkLicence({ consortium }: Setting, { start, end, practitioners }: LicenceInput, root = ''): void {
  if (end < start) throw new LedgerError('INVALID', 'a licence cannot end before it starts', `${root}end`);
  // Practitioners are whom a provider certified.
  for (const [index, { organisation }] of (practitioners ?? []).entries())
    if (organisationByName(consortium, organisation)?.kind !== 'provider')
      throw new LedgerError(
        'INVALID',
        'is no provider of the consortium',
        `${root}practitioners[${index}].organisation`,
      );
}

async function setRules({ input, store, private: { salt } }: Call<'SetRules'>): Promise<OutputOf<'SetRules'>> {
  const { generation } = await loadRules(store);
  const rules: Rules = { schema: 1, ...input, updatedAt: store.time, salt };
  store.putPrivate(collections.registers, privateKeys.rules(generation + 1), rules);
  store.emit(events.RulesSet, input);
  return { time: store.time };
}

function listOrganisations({ consortium }: Call<'ListOrganisations'>): OutputOf<'ListOrganisations'> {
  return { organisations: consortium.organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind })) };
}
