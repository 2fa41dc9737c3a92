/**
 * Lots among records: what a MedicationDispense hands out is of a lot that there is, that has not expired and is not recalled, as the
 * regulators publish it in a register that everybody holds.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkRecord } from '../ledger/evidence.ts';
import { parseText } from '../ledger/parse.ts';
import { bucketsOf } from '../ledger/register.ts';
import type { Store } from '../ledger/store.ts';
import type { Call } from '../ledger/transaction.ts';
import { isHandedOut, prescriptionsOf } from '../model/dispensing.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import {
  EMPTY_LOTS_ROOT,
  type KnownProduct,
  type LotShown,
  lotBucketSchema,
  medicationIdOf,
  type Package,
  packageIn,
  packageOf,
  scanRefusal,
} from '../model/lots.ts';
import { type BucketEvidence, isBucketOf, registerSchema } from '../model/registers.ts';
import { newestNumber } from '../model/series.ts';
import { LOT_REFUSALS, lotRefusal } from '../rules/lots.ts';
import { previousOf, type Recorded, type Recording, withShown } from './following.ts';

type Dispensing = Call<'RecordVersions'> & Recording;

export interface LotRegister {
  generation: number;
  root: string;
}

/** The register of lots as it stands. @param known a generation that is known @throws LedgerError INVALID */
export async function loadLots(store: Store, known: number): Promise<LotRegister> {
  const keyOf = (number: number): string => privateKeys.lots(number);
  const generation = await newestNumber(
    async (number) => (await store.anchor(collections.registers, keyOf(number))) !== undefined,
    known,
  );
  if (generation === 0) return { generation, root: EMPTY_LOTS_ROOT };
  const register = await store.getPrivate(collections.registers, keyOf(generation), registerSchema);
  if (register === undefined) throw new LedgerError('INVALID', 'there is no such generation', 'register');
  return { generation, root: register.root };
}

/** The products of a bucket that was shown. @throws LedgerError CONFLICT where the register holds another in its place */
export function productsOf(
  { root }: LotRegister,
  index: number,
  evidence: BucketEvidence,
  expression: string,
): Record<string, KnownProduct> {
  if (!isBucketOf(root, index, evidence))
    throw new LedgerError('CONFLICT', 'is not what the register holds', expression);
  return parseText(lotBucketSchema, evidence.text, expression).products;
}

/**
 * Holds what the dispenses among these records hand out to what is known of its lot, and what was scanned to what is said.
 * @throws LedgerError CONFLICT by the name of the rule; INVALID, NOT_FOUND where what is shown is not what it rests on
 */
export async function checkLots(call: Dispensing, entries: readonly Recorded[]): Promise<void> {
  for (const { draft, resource, at } of entries) {
    const refusal = draft.deleted === undefined ? scanRefusal(resource, call.store.time.slice(0, 10)) : undefined;
    if (refusal !== undefined) throw new LedgerError('INVALID', refusal.reason, `${at}.resource${refusal.at}`);
  }
  const all = withShown(entries, 'MedicationDispense', 'lots', call.private.lots);
  const handed = all.filter(({ entry: { draft, resource } }) => draft.deleted === undefined && isHandedOut(resource));
  if (handed.length === 0) return;
  const register = await loadLots(call.store, Math.max(...handed.map(({ shown }) => shown?.register ?? 0)));
  for (const one of handed) await checkLot(call, { ...one, entries, register });
}

interface Handing {
  entry: Recorded;
  shown: LotShown | undefined;
  root: string;
  entries: readonly Recorded[];
  register: LotRegister;
}

async function checkLot(call: Dispensing, handing: Handing): Promise<void> {
  const { entry, entries } = handing;
  const { resource, at } = entry;
  // What was handed out is corrected, also when its lot is recalled by then.
  if (await isUnchanged(call, entry)) return;
  const handed = await packageFor(call, handing);
  const products = publishedOf(handed, handing);
  const handedOver = resource['whenHandedOver'] as string | undefined;
  const prescribed = prescriptionsOf(resource).map(({ reference }) => reference);
  const isTakenOver = entries.some(
    (one) =>
      one.resource.resourceType === 'MedicationRequest' && prescribed.includes(`MedicationRequest/${one.draft.id}`),
  );
  const reason = lotRefusal({ package: handed, known: products, handedOver, isTakenOver, now: call.store.time });
  if (reason !== undefined) throw new LedgerError('CONFLICT', `${reason}: ${LOT_REFUSALS[reason]}`, `${at}.resource`);
}

/** Whether the version before handed out of the same package already. */
export async function isUnchanged(call: Dispensing, entry: Recorded): Promise<boolean> {
  if (entry.draft.version === 1) return false;
  const index = (call.private.dispenses ?? []).findIndex(({ id }) => id === entry.draft.id);
  const shown = call.private.dispenses?.[index]?.previous;
  const previous = await previousOf(call, entry, shown, `private.dispenses[${index}]`);
  if (previous === undefined || previous.deleted !== undefined || !isHandedOut(previous.resource)) return false;
  const said = (one: Resource) =>
    JSON.stringify([medicationIdOf(one) ?? null, packageIn(one) ?? null, one['whenHandedOver'] ?? null]);
  return said(previous.resource) === said(entry.resource);
}

/** What is handed out, as the dispense says it or the Medication that it refers to. @throws LedgerError INVALID */
export async function packageFor(
  { store }: Dispensing,
  { entry, shown, root, entries }: Omit<Handing, 'register'>,
): Promise<Package> {
  const { resource, at } = entry;
  const id = medicationIdOf(resource);
  if (id === undefined) return packageIn(resource) ?? { products: [] };
  const along = entries.find((one) => one.draft.id === id && one.resource.resourceType === 'Medication');
  if (along !== undefined) return packageOf(along.resource);
  if (shown?.medication === undefined)
    throw new LedgerError('INVALID', 'does not show the Medication that it is', `${at}.resource.medicationReference`);
  const { provider, record } = shown.medication;
  const { anchored } = await checkRecord(store, provider, record, `${root}.medication.record`);
  if (anchored.id !== id || anchored.resource.resourceType !== 'Medication')
    throw new LedgerError('INVALID', 'is not the Medication that is named', `${root}.medication`);
  return packageOf(anchored.resource);
}

/** What is published of its products. @throws LedgerError CONFLICT where what is shown of the register is not what it holds */
function publishedOf({ products }: Package, { shown, root, register }: Handing): KnownProduct[] {
  // Whoever does not know of the register yet goes on until something stands in it.
  if (register.root === EMPTY_LOTS_ROOT || products.length === 0) return [];
  const indexes = bucketsOf(products);
  if (shown?.buckets.length !== indexes.length)
    throw new LedgerError('CONFLICT', 'does not show what is published of the product', 'private.lots');
  const known: KnownProduct[] = [];
  for (const [place, index] of indexes.entries()) {
    const held = productsOf(register, index, shown.buckets[place]!, `${root}.buckets[${place}]`);
    known.push(...products.flatMap((name) => (Object.hasOwn(held, name) ? [held[name]!] : [])));
  }
  return known;
}
