/** Recalls as the read model holds them, what they concern, and what was reported of them. */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { isHandedOut } from '@telemed-ledger/chaincode/model/dispensing.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import {
  type RecallCounts,
  type RecallReport,
  recallReportSchema,
} from '@telemed-ledger/chaincode/model/lot-transactions.ts';
import {
  GTIN_SYSTEM,
  lotName,
  medicationIdOf,
  type Package,
  packageIn,
  packageOf,
  productName,
  type Recall,
  recallSchema,
} from '@telemed-ledger/chaincode/model/lots.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Search, StoredResource } from '../../fhir/repository.ts';
import { comparable } from '../../fhir/search/terms.ts';
import type { ReadModel } from '../../index/read/queries.ts';

const DISPENSE = 'MedicationDispense';
const PAGE = 500;
/** Medications of one search. */
const SOME = 200;

/** Every recall as it stands, the first that was published first. */
export async function recallsNow({ evidence }: Pick<ReadModel, 'evidence'>): Promise<Recall[]> {
  const newest = new Map<string, Recall>();
  for (const { value } of await evidence.values(collections.registers, 'recall')) {
    const recall = recallSchema.parse(JSON.parse(value));
    if (recall.version > (newest.get(recall.id)?.version ?? 0)) newest.set(recall.id, recall);
  }
  return [...newest.values()];
}

/** The newest report of each who reported on a recall, by provider and reporter. @param collection one that this organisation holds */
export async function reportsOf(
  { evidence }: Pick<ReadModel, 'evidence'>,
  collection: string,
  id: string,
): Promise<Map<string, { report: RecallReport; n: number }>> {
  const found = new Map<string, { report: RecallReport; n: number }>();
  for (const { key, value } of await evidence.values(collection, 'recall-report')) {
    const [, recall, provider, reporter, number] = key.split('/');
    if (recall !== id) continue;
    const name = reportName(provider ?? '', reporter ?? '');
    const n = Number(number);
    if (n > (found.get(name)?.n ?? 0)) found.set(name, { report: recallReportSchema.parse(JSON.parse(value)), n });
  }
  return found;
}
export const reportName = (provider: string, reporter: string): string => `${provider}/${reporter}`;

/** A GTIN of fewer than 14 digits is recorded with or without zeros in front. */
function codesOf({ system, code }: Recall['product']): string[] {
  if (system !== GTIN_SYSTEM) return [code];
  const digits = code.padStart(14, '0');
  return [14, 13, 12, 8].map((length) => digits.slice(-length)).filter((one) => Number(one) === Number(digits));
}

/** What a search of a type begins with: the lots, or the product where all of it is recalled. */
function valuesOf({ product, lots }: Recall, productParameter: string): NonNullable<Search['values']> {
  if (lots.length > 0) return [{ parameter: 'lot', anyOf: lots.map((lot) => ({ value: comparable(lot) })) }];
  const anyOf = codesOf(product).map((value) => ({ system: product.system, value }));
  return [{ parameter: productParameter, anyOf }];
}

const isRecalled = ({ product, lots }: Recall, { products, lot }: Package): boolean =>
  products.includes(productName(product)) &&
  (lots.length === 0 || (lot !== undefined && lots.some((one) => lotName(one) === lotName(lot))));

async function* pagesOf(index: ReadModel, search: Search): AsyncGenerator<StoredResource[]> {
  let after: string | undefined;
  do {
    const page = await index.search({ ...search, count: PAGE, ...(after === undefined ? {} : { after }) });
    yield page.matches;
    after = page.next;
  } while (after !== undefined);
}

/** The searches that lead to the dispenses which a recall may concern; those of Medications that stand by themselves go by these. */
async function searchesFor(
  index: ReadModel,
  recall: Recall,
): Promise<{ searches: Search[]; medications: ReadonlyMap<string, Package> }> {
  const medications = new Map<string, Package>();
  const search = { type: 'Medication', values: valuesOf(recall, 'code'), count: PAGE, isUncounted: true as const };
  for await (const page of pagesOf(index, search))
    for (const { resource } of page) medications.set(resource.id, packageOf(resource));
  const ids = [...medications].filter(([, one]) => isRecalled(recall, one)).map(([id]) => id);
  const searches: Search[] = [{ type: DISPENSE, values: valuesOf(recall, 'product'), count: PAGE }];
  for (let at = 0; at < ids.length; at += SOME) {
    const anyOf = ids.slice(at, at + SOME).map((id) => ({ value: `Medication/${id}` }));
    searches.push({ type: DISPENSE, values: [{ parameter: 'medication', anyOf }], count: PAGE });
  }
  return { searches, medications };
}

/** Tells whether there may be more that a recall concerns than when it was last told, without reading it. */
export async function stateOf(index: ReadModel, recall: Recall): Promise<string> {
  const parts: unknown[] = [recall.version];
  for (const search of (await searchesFor(index, recall)).searches) {
    const sort = [{ parameter: '_lastUpdated', isDescending: true }];
    const { matches, total } = await index.search({ ...search, sort, count: 1, isAccurate: true });
    parts.push([total, matches.map(({ resource, version }) => [resource.id, version])]);
  }
  return JSON.stringify(parts);
}

/** A dispense that a recall concerns. */
export interface Affected {
  id: string;
  /** Name of the provider that recorded it. */
  provider: string;
  /** Id of the Patient. */
  patient: string | undefined;
}

/** The dispenses here that a recall concerns, but for copies of others' that were delivered. */
export async function affectedBy(index: ReadModel, recall: Recall): Promise<Affected[]> {
  const found = new Map<string, Affected>();
  const { searches, medications } = await searchesFor(index, recall);
  for (const search of searches)
    for await (const page of pagesOf(index, { ...search, isUncounted: true }))
      for (const { resource, access, author: provider } of page) {
        const handed = packageOfDispense(resource, medications);
        if (access !== undefined || handed === undefined || !isRecalled(recall, handed)) continue;
        found.set(resource.id, { id: resource.id, provider, patient: patientIdOf(resource) });
      }
  return [...found.values()];
}

function packageOfDispense(dispense: Resource, medications: ReadonlyMap<string, Package>): Package | undefined {
  if (!isHandedOut(dispense)) return undefined;
  const id = medicationIdOf(dispense);
  return id === undefined ? packageIn(dispense) : medications.get(id);
}

/** The id of the message about a recall to a patient: it follows from both, so the ledger takes it once. */
export const messageId = (recall: string, patient: string): string =>
  `recall-${sha256Hex(`recall/${recall}/${patient}`).slice(0, 40)}`;

/** By patient what she was handed out; what is nobody's is left out. */
export function byPatient(affected: readonly Affected[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, patient } of affected)
    if (patient !== undefined) found.set(patient, [...(found.get(patient) ?? []), id]);
  return found;
}

export const isReached = async (index: ReadModel, recall: Recall, patient: string): Promise<boolean> =>
  (await index.newestRow('Communication', messageId(recall.id, patient))) !== undefined;

/** How many these are, and how many of their patients have the message. */
export async function countsOf(index: ReadModel, recall: Recall, affected: readonly Affected[]): Promise<RecallCounts> {
  const patients = [...byPatient(affected).keys()];
  let reached = 0;
  for (const patient of patients) if (await isReached(index, recall, patient)) reached += 1;
  return { dispenses: affected.length, patients: patients.length, reached };
}

export const isSame = (one: RecallCounts, other: RecallCounts | undefined): boolean =>
  one.dispenses === (other?.dispenses ?? 0) &&
  one.patients === (other?.patients ?? 0) &&
  one.reached === (other?.reached ?? 0);
