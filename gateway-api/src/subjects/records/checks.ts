/**
 * Orders of medicines on their way to the ledger, and what they show to be checked by (chaincode/contracts/medication-checks.ts): what this
 * provider holds of the patient that bears on them, from the read model.
 */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { alertsName, alertsSchema } from '@telemed-ledger/chaincode/model/medication-alerts.ts';
import { findingsAgainst, isDecision, isKnown, tablesOn } from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { medicationsIn } from '../../fhir/medication-list.ts';
import { knownFor } from '../medication/known.ts';
import type { Services } from '../services.ts';
import { isOfMedication } from './dispenses.ts';
import type { RecordItem } from './sheets.ts';

type CheckServices = Pick<Services, 'index' | 'organisation'>;

/** What an item prescribes or hands out; undefined of any other. */
export const orderIn = (item: RecordItem): Resource | undefined =>
  isOfMedication(item) && item.deleted === undefined ? (parseExact(item.resource) as Resource) : undefined;

/** Whether it decides that now. */
export async function isDeciding(services: CheckServices, item: RecordItem, order: Resource): Promise<boolean> {
  return decidesAfter(await rowBefore(services, item), item, order);
}

function decidesAfter(row: RowBefore, item: RecordItem, order: Resource): boolean {
  const anchored = row && (parseExact(row.value) as { resource: Resource; deleted?: true });
  const previous = anchored?.deleted === undefined ? anchored?.resource : undefined;
  return isDecision(order, { version: item.version, previous, now: new Date().toISOString() });
}

type RowBefore = Awaited<ReturnType<typeof rowBefore>>;

async function rowBefore({ index, organisation }: CheckServices, { type, id, version }: RecordItem) {
  const row = version === 1 ? undefined : await index.evidence.rowOf(type, id, version - 1);
  return row?.collection === collections.care(organisation.name) ? row : undefined;
}

/** The records, its orders with what they show. */
export const withChecks = (services: CheckServices, items: readonly RecordItem[]): Promise<RecordItem[]> =>
  Promise.all(items.map((item) => withChecked(services, item)));

async function withChecked(services: CheckServices, item: RecordItem): Promise<RecordItem> {
  const [order, tables] = [orderIn(item), tablesOn(new Date().toISOString().slice(0, 10))];
  if (order === undefined || tables === undefined) return item;
  const row = await rowBefore(services, item);
  const previous = row === undefined ? {} : { previous: await services.index.evidence.ofRecord(row) };
  const records = decidesAfter(row, item, order) ? await recordsFor(services, order) : [];
  if (row === undefined && records.length === 0) return item;
  return { ...item, checked: { ...previous, records } };
}

/** All that stands against medicines for the patient, and what was found to speak against this one. */
async function recordsFor({ index, organisation }: CheckServices, order: Resource): Promise<RecordEvidence[]> {
  const now = new Date().toISOString();
  const [tables, patient] = [tablesOn(now.slice(0, 10)), patientIdOf(order)];
  if (tables === undefined || patient === undefined) return [];
  const known = { tables, now, records: await knownFor(index, order, () => ({})) };
  if (!isKnown(order, known)) return [];
  const standing = await standingFor({ index, organisation }, patient);
  const found = findingsAgainst(order, known).flatMap(({ because }) => because);
  const beside = known.records.filter(({ resourceType, id }) => found.includes(`${resourceType}/${id}`));
  const named = medicationsIn([order, ...beside]).map((id) => `Medication/${id}`);
  const shown: RecordEvidence[] = [];
  for (const reference of new Set([`Patient/${patient}`, ...standing, ...found, ...named])) {
    const [type = '', id = ''] = reference.split('/');
    const row = await index.newestRow(type, id);
    if (row?.collection === collections.care(organisation.name)) shown.push(await index.evidence.ofRecord(row));
  }
  return shown;
}

/** What endorsers keep in mind of her, `Type/id`. */
async function standingFor({ index, organisation }: CheckServices, patient: string): Promise<string[]> {
  const [collection, name] = [collections.care(organisation.name), alertsName(patient)];
  const n = await index.evidence.newest(collection, privateKeys.alert(name, 0).slice(0, -1));
  const text = n === 0 ? undefined : await index.evidence.text(collection, privateKeys.alert(name, n));
  return text === undefined ? [] : alertsSchema.parse(parseExact(text)).standing.map(({ record }) => record);
}
