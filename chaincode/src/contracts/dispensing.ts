/**
 * Dispenses among records: each counts what it takes from its prescription in a mark that everybody holds and only whoever was shown the
 * prescription can read, so that all who dispense it together hand out no more than it authorises.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { checkRecord } from '../ledger/evidence.ts';
import { putMark } from '../ledger/marks.ts';
import { licenceShown } from '../ledger/register.ts';
import type { Call } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { firstDay } from '../model/days.ts';
import {
  amountIn,
  authorisedAtOnce,
  type DispenseShown,
  dispensedMarkSchema,
  dispensedName,
  isCounted,
  openTotal,
  prescriptionIdOf,
  prescriptionsOf,
  sealTotal,
  type Total,
} from '../model/dispensing.ts';
import { LedgerError } from '../model/errors.ts';
import { patientIdOf, type Reference, type Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { denyLicence, type LicenceDecision } from '../model/licences.ts';
import { type Decimal, NOTHING, plus, signOf } from '../model/money.ts';
import { newestNumber } from '../model/series.ts';
import type { Anchored } from '../model/values.ts';
import { DISPENSING_REFUSALS, type DispensingRefusal, dispensingRefusal } from '../rules/dispensing.ts';
import { licenceRefusal } from '../rules/licences.ts';
import { previousOf, type Recorded, type Recording, type Shown, withShown } from './following.ts';
import { asPatientOf } from './one-person.ts';

type Dispensing = Call<'RecordVersions'> & Recording;

/** What has been handed out of a prescription, and under which number of its series that stands. */
interface Count {
  n: number;
  /** Absent where nothing was handed out yet. */
  total?: Total;
}

/** The same with what this transaction hands out. */
interface Counted extends Count {
  total: Total;
  salt: string;
  /** Where in the input the dispense stands, for errors. */
  root: string;
}

const TYPE = 'MedicationDispense';

/**
 * Counts what the dispenses among these records hand out.
 * @throws LedgerError CONFLICT where the prescription does not authorise it, by the name of the rule; INVALID, NOT_FOUND where what is
 *   shown for a dispense is not what it rests on
 */
export async function countDispenses(call: Dispensing, entries: readonly Recorded[]): Promise<void> {
  const counts = new Map<string, Counted>();
  for (const one of withShown(entries, TYPE, 'dispenses', call.private.dispenses))
    await countDispense(call, { ...one, entries }, counts);
  await putCounts(call, counts);
}

interface Counting extends Shown<DispenseShown> {
  entry: Recorded;
  entries: readonly Recorded[];
}

async function countDispense(call: Dispensing, counting: Counting, counts: Map<string, Counted>): Promise<void> {
  const { entry, shown, root } = counting;
  const { draft, resource, at } = entry;
  const previous = await previousOf(call, entry, shown?.previous, root);
  const isTaking = draft.deleted === undefined && isCounted(resource);
  const handle = previous?.handle ?? draft.handle;
  if (draft.handle !== handle) throw new LedgerError('INVALID', 'a dispense keeps its prescription', `${at}.handle`);
  const counted = previous?.handle === undefined || previous.deleted !== undefined ? undefined : previous.resource;
  if (counted !== undefined && isTaking) checkKept(counted, resource, at);
  if (handle === undefined && !isTaking) return;
  if (shown === undefined || handle === undefined)
    throw new LedgerError('INVALID', 'does not show what it is dispensed by', `${at}.resource.authorizingPrescription`);
  const { n, total } = counts.get(handle) ?? (await countOf(call, handle, shown));
  const first = total === undefined && isTaking ? await prescriptionOf(call, counting) : undefined;
  const unitHash = total?.unitHash ?? (first && unitHashOf(first, at));
  // Nothing was ever handed out, and nothing is.
  if (unitHash === undefined) return;
  const [now, before] = [isTaking ? resource : undefined, counted].map((one) => amountOf(one, unitHash, at));
  const more = plus(now!, before!, -1n);
  if (signOf(more) === 0) return;
  const known = total?.value ?? NOTHING;
  if (signOf(more) > 0) {
    const prescription = first ?? (await prescriptionOf(call, counting));
    const reason = await refusalOf(call, counting, prescription, { handle, more, before: known, unitHash });
    if (reason !== undefined) throw refused(reason, at);
  }
  counts.set(handle, { n, total: { value: plus(known, more), unitHash }, salt: shown.salt, root });
}

/** What the dispenses of a prescription are counted in, from the first on. @throws LedgerError CONFLICT */
function unitHashOf({ anchored: { resource } }: Prescription, at: string): string {
  const once = authorisedAtOnce(resource);
  if (once === undefined) throw refused('quantity-not-stated', at);
  return sha256Hex(once.unit);
}

/** What a dispense has handed out, of what is none nothing. @throws LedgerError CONFLICT where it does not say so in that unit */
function amountOf(dispense: Resource | undefined, unitHash: string, at: string): Decimal {
  if (dispense === undefined || !isCounted(dispense)) return NOTHING;
  const amount = amountIn(unitHash, dispense);
  if (amount === undefined)
    throw refused(dispense['quantity'] === undefined ? 'quantity-not-stated' : 'other-unit', at);
  return amount;
}

const refused = (reason: DispensingRefusal, at: string): LedgerError =>
  new LedgerError('CONFLICT', `${reason}: ${DISPENSING_REFUSALS[reason]}`, `${at}.resource`);

/** One mark for each prescription, whatever number of its dispenses the transaction records. */
async function putCounts({ consortium, store }: Dispensing, counts: ReadonlyMap<string, Counted>): Promise<void> {
  for (const [handle, { n, total, salt, root }] of counts) {
    const key = privateKeys.dispensed(dispensedName(handle), n + 1);
    await putMark(store, consortium, key, sealTotal(handle, total, salt), `${root}.known`);
  }
}

/** What is corrected of a dispense is not of whom, and by which prescription. */
function checkKept(previous: Resource, resource: Resource, at: string): void {
  const kept = (one: Resource) => JSON.stringify([patientIdOf(one), prescriptionsOf(one)[0]?.reference]);
  if (kept(previous) !== kept(resource))
    throw new LedgerError('INVALID', 'a dispense keeps its patient and its prescription', `${at}.resource`);
}

async function countOf({ store }: Dispensing, handle: string, { known }: DispenseShown): Promise<Count> {
  const keyOf = (number: number): string => privateKeys.dispensed(dispensedName(handle), number);
  const n = await newestNumber(
    async (number) => (await store.anchor(collections.marks, keyOf(number))) !== undefined,
    known,
  );
  if (n === 0) return { n };
  const mark = await store.getPrivate(collections.marks, keyOf(n), dispensedMarkSchema);
  if (mark === undefined) throw new LedgerError('INVALID', 'there is no such mark', 'known');
  return { n, total: openTotal(handle, mark) };
}

interface Taking {
  handle: string;
  more: Decimal;
  before: Decimal;
  unitHash: string;
}

async function refusalOf(
  call: Dispensing,
  counting: Counting,
  found: Prescription,
  { handle, more, before, unitHash }: Taking,
): Promise<DispensingRefusal | undefined> {
  const { entry, shown } = counting;
  const { anchored, provider, isTakenOver } = found;
  if (anchored.handle !== handle)
    throw new LedgerError('INVALID', 'is another prescription than it is counted by', `${entry.at}.handle`);
  if (unitHashOf(found, entry.at) !== unitHash) return 'other-unit';
  const prescription = anchored.resource;
  const patients = shown?.patients && { theirs: shown.patients.prescribed, ours: shown.patients.dispensed };
  const followed = { resource: prescription, provider, patients, at: `${counting.root}.patients` };
  const dispense = await asPatientOf(call, entry.resource, followed);
  const held = shown?.licence && (await licenceShown(call.store, shown.licence));
  const licence = prescriberLicence(held, {
    ...{ provider, prescription, recordedAt: anchored.recordedAt },
    now: isTakenOver ? undefined : call.store.time,
  });
  return dispensingRefusal({ dispense, prescription, more, before, isTakenOver, licence, now: call.store.time });
}

interface Prescription {
  anchored: Pick<Anchored, 'resource' | 'handle' | 'recordedAt'>;
  provider: string;
  isTakenOver: boolean;
}

/** The prescription that a dispense names: recorded along with it, or shown as it is now. @throws LedgerError */
async function prescriptionOf({ provider: dispenser, store }: Dispensing, counting: Counting): Promise<Prescription> {
  const { entry, entries, shown, root } = counting;
  const place = `${entry.at}.resource.authorizingPrescription`;
  const id = prescriptionIdOf(entry.resource, place);
  const along = entries.find(({ draft, resource }) => draft.id === id && resource.resourceType === 'MedicationRequest');
  if (along !== undefined) {
    const { handle } = along.draft;
    const anchored = { resource: along.resource, recordedAt: store.time, ...(handle === undefined ? {} : { handle }) };
    return { anchored, provider: dispenser, isTakenOver: true };
  }
  if (shown?.prescription === undefined)
    throw new LedgerError('INVALID', 'does not show the prescription that it names', place);
  const { provider, record } = shown.prescription;
  const { anchored } = await checkRecord(store, provider, record, `${root}.prescription`);
  if (anchored.id !== id || anchored.resource.resourceType !== 'MedicationRequest')
    throw new LedgerError('INVALID', 'is not the prescription that is named', `${root}.prescription`);
  return { anchored, provider, isTakenOver: false };
}

interface Prescribed {
  provider: string;
  prescription: Resource;
  recordedAt: string;
  /** When it is handed out; undefined of what is taken over. */
  now: string | undefined;
}

/**
 * Of who prescribed, on the day that it says and on the day that it was recorded: neither is made up for the other. What he prescribed is
 * handed out after his licence has expired, and not while it is suspended or he is excluded.
 */
function prescriberLicence(
  held: Awaited<ReturnType<typeof licenceShown>>,
  { provider, prescription, recordedAt, now }: Prescribed,
): LicenceDecision {
  const { reference } = (prescription['requester'] ?? {}) as Reference;
  const person = { organisation: provider, practitioner: reference ?? '' };
  const { authoredOn } = prescription;
  const days = [recordedAt, ...(typeof authoredOn === 'string' ? [firstDay(authoredOn)] : [])];
  const then = days.map((day) => licenceRefusal(held, person, day)).find((reason) => reason !== undefined);
  const today = now === undefined ? undefined : licenceRefusal(held, person, now);
  const isStopped = today === 'licence-suspended' || today === 'licence-excluded';
  const refusal = then ?? (isStopped ? today : undefined);
  return refusal === undefined ? { outcome: 'permit' } : denyLicence(refusal);
}
