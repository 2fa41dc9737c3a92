/**
 * The register of licences as it stands: the newest generation's root, which every peer holds. Licences are read from
 * buckets that are shown and held against it.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { DEFAULT_RULES, type RulesInput, rulesSchema } from '../model/consortium-rules.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import {
  type BucketEvidence,
  bucketOfNumber,
  bucketSchema,
  EMPTY_ROOT,
  isBucketOf,
  type LicenceShown,
  registerSchema,
} from '../model/registers.ts';
import { newestNumber } from '../model/series.ts';
import type { LicenceState } from '../model/values.ts';
import { parseText } from './parse.ts';
import type { Store } from './store.ts';

export interface CurrentRegister {
  generation: number;
  root: string;
}

/** The newest generation, sought from one that is known. @throws LedgerError INVALID where there is no such generation */
export async function loadRegister(store: Store, known: number): Promise<CurrentRegister> {
  let generation = known;
  while ((await store.anchor(collections.registers, privateKeys.register(generation + 1))) !== undefined)
    generation += 1;
  if (generation === 0) return { generation, root: EMPTY_ROOT };
  const register = await store.getPrivate(collections.registers, privateKeys.register(generation), registerSchema);
  if (register === undefined) throw new LedgerError('INVALID', 'there is no such generation', 'register');
  return { generation, root: register.root };
}

/** The rules as they stand. Their generation is 0 where nobody has set any. */
export async function loadRules(store: Store): Promise<RulesInput & { generation: number }> {
  const generation = await newestNumber(
    async (number) => (await store.anchor(collections.registers, privateKeys.rules(number))) !== undefined,
  );
  const key = privateKeys.rules(generation);
  const set = generation === 0 ? undefined : await store.getPrivate(collections.registers, key, rulesSchema);
  const { emergencyHours, denialStopsBreakGlass, recordingLicence, ...later } = set ?? DEFAULT_RULES;
  const { keyRecoveryHours, restrictedInEmergencies, licencesNameHolders, telehealthSince } = later;
  return {
    ...{ generation, emergencyHours, denialStopsBreakGlass, recordingLicence },
    ...(keyRecoveryHours === undefined ? {} : { keyRecoveryHours }),
    ...(restrictedInEmergencies === undefined ? {} : { restrictedInEmergencies }),
    ...(licencesNameHolders === undefined ? {} : { licencesNameHolders }),
    ...(telehealthSince === undefined ? {} : { telehealthSince }),
  };
}

/** The licences of a bucket that was shown. @throws LedgerError CONFLICT where the register holds another in its place */
export function licencesIn(
  { root }: CurrentRegister,
  index: number,
  evidence: BucketEvidence,
  expression: string,
): Record<string, LicenceState> {
  if (!isBucketOf(root, index, evidence))
    throw new LedgerError('CONFLICT', 'is not what the register holds', expression);
  return parseText(bucketSchema, evidence.text, expression).licences;
}

/**
 * The licences of these numbers by the buckets that were shown, one for each bucket that a number lies in, in the order of
 * their indexes. A number that has no licence is absent.
 * @throws LedgerError INVALID where a bucket is missing, CONFLICT where one is not what the register holds
 */
export function licencesOf(
  register: CurrentRegister,
  numbers: readonly string[],
  buckets: readonly BucketEvidence[],
): Map<string, LicenceState> {
  const indexes = bucketsOf(numbers);
  if (indexes.length !== buckets.length)
    throw new LedgerError('INVALID', 'are not the buckets of the practitioners', 'buckets');
  const licences = new Map<string, LicenceState>();
  for (const [position, index] of indexes.entries()) {
    const held = licencesIn(register, index, buckets[position]!, `buckets[${position}]`);
    for (const number of numbers) if (Object.hasOwn(held, number)) licences.set(number, held[number]!);
  }
  return licences;
}

/** A licence that was shown; undefined where the register has none of that number. @throws LedgerError as licencesOf */
export async function licenceShown(
  store: Store,
  { number, register, bucket }: LicenceShown,
): Promise<LicenceState | undefined> {
  const current = await loadRegister(store, register);
  return licencesOf(current, [number], [bucket]).get(number);
}

/** The buckets that these numbers lie in, each once, ascending. */
export const bucketsOf = (numbers: readonly string[]): number[] =>
  [...new Set(numbers.map(bucketOfNumber))].sort((one, other) => one - other);

/** The same licences, where one that names nobody is nobody's: it is then another's, whoever bills with its number. */
export const asNamed = (licences: ReadonlyMap<string, LicenceState>): Map<string, LicenceState> =>
  new Map([...licences].map(([number, one]) => [number, { ...one, practitioners: one.practitioners ?? [] }]));
