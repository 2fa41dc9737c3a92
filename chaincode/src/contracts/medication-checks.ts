/**
 * What speaks against medicines, among records: endorsers keep in mind what stands against them for a patient of the provider, and hold
 * what is prescribed or handed out to that, whatever its sender says.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkRecord } from '../ledger/evidence.ts';
import { isMarkedErased } from '../ledger/marks.ts';
import { sha256Hex } from '../model/canonical.ts';
import { erasureHandle } from '../model/erasures.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import {
  type Alerts,
  alertsName,
  alertsSchema,
  type CheckShown,
  MOST_ALERTS,
  type StandingAlert,
} from '../model/medication-alerts.ts';
import {
  ALERT_TYPES,
  alertOf,
  CHECK_REFUSALS,
  checkRefusal,
  type Finding,
  findingsAgainst,
  isDecision,
  isKnown,
  type MedicationTables,
  tablesOn,
} from '../model/medication-checks.ts';
import { newestNumber } from '../model/series.ts';
import { previousOf, type Recorded, type Recording, type Shown, withShown } from './following.ts';

/** Of the private input only what is shown for orders is read. */
interface Checking extends Recording {
  private: { checks?: CheckShown[] | undefined };
}

interface Series {
  n: number;
  standing: readonly StandingAlert[];
}

async function seriesOf({ provider, store }: Recording, patient: string): Promise<Series> {
  const [collection, name] = [collections.care(provider), alertsName(patient)];
  const isWritten = async (number: number): Promise<boolean> =>
    (await store.anchor(collection, privateKeys.alert(name, number))) !== undefined;
  const n = await newestNumber(isWritten);
  const value = n === 0 ? undefined : await store.getPrivate(collection, privateKeys.alert(name, n), alertsSchema);
  return { n, standing: value?.standing ?? [] };
}

const dayOf = (time: string): string => time.slice(0, 10);

/** Keeps in mind which of these records stand against medicines, and forgets those that do so no more. */
export async function noteAlerts(recording: Recording, entries: readonly Recorded[]): Promise<void> {
  const tables = tablesOn(dayOf(recording.store.time));
  if (tables === undefined) return;
  const all = entries.flatMap((entry) => noted(entry, tables));
  for (const [patient, some] of Map.groupBy(all, ({ patient }) => patient)) await noteOf(recording, patient, some);
}

interface Noted {
  patient: string;
  record: string;
  salt: string;
  alert: StandingAlert | undefined;
}

/** A version that may change the series of its patient. */
function noted({ draft, resource }: Recorded, tables: MedicationTables): Noted[] {
  const patient = patientIdOf(resource);
  if (patient === undefined || !ALERT_TYPES.includes(resource.resourceType)) return [];
  const found = draft.deleted === undefined ? alertOf(resource, tables) : undefined;
  if (found === undefined && draft.version === 1) return [];
  const record = `${resource.resourceType}/${draft.id}`;
  return [{ patient, record, salt: draft.salt, alert: found && { record, ...found } }];
}

async function noteOf(recording: Recording, patient: string, changes: readonly Noted[]): Promise<void> {
  const { n, standing } = await seriesOf(recording, patient);
  const records = changes.map(({ record }) => record);
  const kept = standing.filter(({ record }) => !records.includes(record));
  const next = newestAlone([...kept, ...changes.flatMap(({ alert }) => alert ?? [])]).slice(-MOST_ALERTS);
  if (JSON.stringify(next) === JSON.stringify(standing)) return;
  const salt = sha256Hex(`alert/${changes[0]?.salt}`);
  const { provider, store } = recording;
  const value: Alerts = { schema: 1, standing: next, salt };
  store.putPrivate(collections.care(provider), privateKeys.alert(alertsName(patient), n + 1), value);
}

/** Of each kind of which the newest counts alone, that one. */
const newestAlone = (all: readonly StandingAlert[]): StandingAlert[] =>
  all.filter(
    ({ kind, at }, index) =>
      at === undefined ||
      !all.some((other, place) => other.kind === kind && (other.at! > at || (other.at === at && place > index))),
  );

/**
 * Holds what is prescribed and handed out among these records to what speaks against it.
 * @throws LedgerError CONFLICT by the name of the rule, or where what stands is not shown; INVALID, NOT_FOUND where what is shown is not there
 */
export async function holdChecks(call: Checking, entries: readonly Recorded[]): Promise<void> {
  const here = entries.filter(({ draft }) => draft.deleted === undefined);
  const issues = here.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'DetectedIssue');
  for (const one of withShown(entries, ['MedicationRequest', 'MedicationDispense'], 'checks', call.private.checks)) {
    const findings = await findingsOn(call, one, here);
    const { resource, at } = one.entry;
    const reason = findings && checkRefusal(resource, findings, issues);
    if (reason !== undefined)
      throw new LedgerError('CONFLICT', `${reason}: ${CHECK_REFUSALS[reason]}`, `${at}.resource`);
  }
}

/** What speaks against an order; undefined of what decides nothing now. */
async function findingsOn(
  call: Checking,
  { entry, shown, root }: Shown<CheckShown> & { entry: Recorded },
  along: readonly Recorded[],
): Promise<Finding[] | undefined> {
  const { draft, resource: order } = entry;
  if (draft.deleted !== undefined) return undefined;
  const { time: now } = call.store;
  const before = shown?.previous && (await previousOf(call, entry, shown.previous, root));
  const previous = before?.deleted === undefined ? before?.resource : undefined;
  if (!isDecision(order, { version: draft.version, previous, now })) return undefined;
  const [tables, patient] = [tablesOn(dayOf(now)), patientIdOf(order)];
  if (tables === undefined || patient === undefined) return [];
  const held = await shownOf(call, shown, root);
  const recorded = along.map(({ resource }) => resource);
  const isBeside = (one: Resource): boolean => isHers(one, patient) && !recorded.some(({ id }) => id === one.id);
  const records = [...held.filter(isBeside), ...recorded.filter((one) => one !== order && isHers(one, patient))];
  const known = { tables, now, records };
  if (!isKnown(order, known)) return [];
  await checkComplete(call, patient, new Set([...held, ...recorded].map(({ id }) => id)));
  return findingsAgainst(order, known);
}

const isHers = (one: Resource, patient: string): boolean =>
  one.resourceType === 'Medication' || (one.resourceType === 'Patient' ? one.id : patientIdOf(one)) === patient;

async function shownOf(
  { provider, store }: Checking,
  shown: CheckShown | undefined,
  root: string,
): Promise<Resource[]> {
  const found: Resource[] = [];
  for (const [index, evidence] of (shown?.records ?? []).entries())
    found.push((await checkRecord(store, provider, evidence, `${root}.records[${index}]`)).anchored.resource);
  return found;
}

/** What stands against medicines for her is shown, all that is not erased. @throws LedgerError CONFLICT */
async function checkComplete(call: Checking, patient: string, shown: ReadonlySet<string>): Promise<void> {
  const { provider, store } = call;
  for (const { record } of (await seriesOf(call, patient)).standing) {
    const id = record.split('/')[1] ?? '';
    if (shown.has(id) || (await isMarkedErased(store, erasureHandle(provider, id)))) continue;
    throw new LedgerError('CONFLICT', 'not all that stands against medicines is shown', 'private.checks');
  }
}
