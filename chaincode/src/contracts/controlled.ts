/**
 * Controlled substances: which these are, the signatures of their prescriptions, and that nothing is handed out without both. What a
 * regulator sees of a prescription stands under a random id.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkRecord } from '../ledger/evidence.ts';
import { putMark } from '../ledger/marks.ts';
import { licenceShown } from '../ledger/register.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import {
  type ControlledList,
  type ControlledPrescription,
  controlledListSchema,
  type Signatory,
  type SignatureMark,
  signatureName,
} from '../model/controlled.ts';
import { isHandedOut, prescriptionsOf } from '../model/dispensing.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { Reference, Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { medicationIdOf, packageIn, packageOf, productName } from '../model/lots.ts';
import { spanOf } from '../model/periods.ts';
import { newestNumber } from '../model/series.ts';
import type { OutputOf } from '../model/transactions.ts';
import { CONTROLLED_REFUSALS, type ControlledRefusal, SIGNING_REFUSALS, signingRefusal } from '../rules/controlled.ts';
import { type Recorded, type Recording, withShown } from './following.ts';
import { isUnchanged, packageFor } from './lots.ts';

export class Controlled extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('controlled');
    this.#consortium = consortium;
  }

  SetControlled(ctx: Context, argument: string): Promise<string> {
    return run('SetControlled', this.#consortium, ctx, argument, setControlled);
  }

  SignPrescription(ctx: Context, argument: string): Promise<string> {
    return run('SignPrescription', this.#consortium, ctx, argument, signPrescription);
  }
}

async function setControlled({ input, store, private: { salt } }: Call<'SetControlled'>) {
  const generation = await newestList(store);
  const list: ControlledList = { schema: 1, substances: input.substances, updatedAt: store.time, salt };
  store.putPrivate(collections.registers, privateKeys.controlled(generation + 1), list);
  store.emit(events.ControlledSet, { count: input.substances.length });
  return { time: store.time };
}

const newestList = (store: Store): Promise<number> =>
  newestNumber(async (n) => (await store.anchor(collections.registers, privateKeys.controlled(n))) !== undefined);

/** The names of what is controlled now. */
async function controlledNow(store: Store): Promise<Set<string>> {
  const generation = await newestList(store);
  const key = privateKeys.controlled(generation);
  const list = generation === 0 ? undefined : await store.getPrivate(collections.registers, key, controlledListSchema);
  return new Set((list?.substances ?? []).map(productName));
}

async function signPrescription(call: Call<'SignPrescription'>): Promise<OutputOf<'SignPrescription'>> {
  const { caller, consortium, store, private: shown } = call;
  const provider = caller.organisation.name;
  const { anchored } = await checkRecord(store, provider, shown.prescription, 'private.prescription');
  const { resource: prescription, handle } = anchored;
  if (prescription.resourceType !== 'MedicationRequest' || handle === undefined)
    throw new LedgerError('INVALID', 'is no prescription that is dispensed by', 'private.prescription');
  const found = await substancesOf(call, prescription);
  const { reference = '' } = (prescription['requester'] ?? {}) as Reference;
  const signatory: Signatory = caller.fhirUser === reference ? 'prescriber' : 'second';
  const [licence, prescriberLicence] = await Promise.all(
    [shown.licence, shown.prescriber].map((one) => one && licenceShown(store, one)),
  );
  const name = signatureName(handle, prescription);
  const reason = signingRefusal({
    isControlled: found.length > 0,
    isActive: prescription['status'] === 'active',
    ...{ signatory, licence, prescriberLicence, now: store.time },
    signer: { organisation: provider, practitioner: caller.fhirUser ?? '' },
    prescriber: { organisation: provider, practitioner: reference },
    isBegun: await isSigned(store, name, 'prescriber'),
  });
  if (reason !== undefined) {
    const meaning = reason in SIGNING_REFUSALS ? SIGNING_REFUSALS[reason as keyof typeof SIGNING_REFUSALS] : undefined;
    throw new LedgerError(
      'FORBIDDEN',
      meaning === undefined ? reason : `${reason}: ${meaning}`,
      'private.prescription',
    );
  }
  const mark: SignatureMark = { schema: 1, at: store.time, salt: shown.salt };
  await putMark(store, consortium, privateKeys.signature(name, signatory), mark, 'private.prescription');
  if (signatory === 'second') {
    const told: ControlledPrescription = {
      ...{ schema: 1, id: shown.id, provider, substances: found, prescriber: prescriberLicence!.number },
      ...{ second: licence!.number, signedAt: store.time, salt: shown.salt },
    };
    await store.putOnce(collections.reviews, privateKeys.controlledPrescription(shown.id), told, {
      expression: 'private.id',
    });
  }
  store.emit(events.PrescriptionSigned, {});
  return { time: store.time };
}

/** What of a prescription is controlled. @throws LedgerError INVALID where the Medication that it refers to is not shown */
async function substancesOf({ caller, store, private: shown }: Call<'SignPrescription'>, prescription: Resource) {
  const id = medicationIdOf(prescription);
  let one = packageIn(prescription);
  if (id !== undefined) {
    if (shown.medication === undefined)
      throw new LedgerError('INVALID', 'does not show the Medication that it is', 'private.medication');
    const { anchored } = await checkRecord(store, caller.organisation.name, shown.medication, 'private.medication');
    if (anchored.id !== id || anchored.resource.resourceType !== 'Medication')
      throw new LedgerError('INVALID', 'is not the Medication that is named', 'private.medication');
    one = packageOf(anchored.resource);
  }
  const controlled = await controlledNow(store);
  const names = (one?.products ?? []).filter((name) => controlled.has(name));
  return names.map((name) => {
    const [system, code] = JSON.parse(name) as [string, string];
    return { system, code };
  });
}

const isSigned = async (store: Store, name: string, signatory: Signatory): Promise<boolean> =>
  (await store.anchor(collections.marks, privateKeys.signature(name, signatory))) !== undefined;

type Dispensing = Call<'RecordVersions'> & Recording;

/**
 * Holds the dispenses among these records of what is controlled to both signatures.
 * @throws LedgerError CONFLICT by the name of the rule; INVALID where what is shown is not what it rests on
 */
export async function holdControlled(call: Dispensing, entries: readonly Recorded[]): Promise<void> {
  const all = withShown(entries, 'MedicationDispense', 'lots', call.private.lots);
  const handed = all.filter(({ entry: { draft, resource } }) => draft.deleted === undefined && isHandedOut(resource));
  if (handed.length === 0) return;
  const controlled = await controlledNow(call.store);
  if (controlled.size === 0) return;
  for (const one of handed) {
    const { resource, at } = one.entry;
    const { products } = await packageFor(call, { ...one, entries });
    const prescription = await prescriptionOf(call, one.entry, entries);
    const prescribed = prescription === undefined ? [] : (packageIn(prescription.resource)?.products ?? []);
    if (![...products, ...prescribed].some((name) => controlled.has(name))) continue;
    if (await isUnchanged(call, one.entry)) continue;
    const reason = await refusalOf(call, resource, prescription);
    if (reason !== undefined)
      throw new LedgerError('CONFLICT', `${reason}: ${CONTROLLED_REFUSALS[reason]}`, `${at}.resource`);
  }
}

interface Prescribed {
  resource: Resource;
  handle: string | undefined;
  /** It is recorded along with the dispense. */
  isAlong: boolean;
}

/** The prescription that a dispense names, recorded along with it or shown; undefined where there is none. */
async function prescriptionOf(
  { store, private: { dispenses = [] } }: Dispensing,
  { draft, resource }: Recorded,
  entries: readonly Recorded[],
): Promise<Prescribed | undefined> {
  const named = prescriptionsOf(resource).map(({ reference }) => String(reference));
  const along = entries.find(
    (one) => one.resource.resourceType === 'MedicationRequest' && named.includes(`MedicationRequest/${one.draft.id}`),
  );
  if (along !== undefined) return { resource: along.resource, handle: along.draft.handle, isAlong: true };
  const index = dispenses.findIndex(({ id }) => id === draft.id);
  const shown = dispenses[index]?.prescription;
  if (shown === undefined) return undefined;
  const { anchored } = await checkRecord(
    store,
    shown.provider,
    shown.record,
    `private.dispenses[${index}].prescription`,
  );
  return named.includes(`MedicationRequest/${anchored.id}`)
    ? { resource: anchored.resource, handle: anchored.handle, isAlong: false }
    : undefined;
}

const DAY_MS = 86_400_000;
/** What is over elsewhere for more than a day, and goes on nowhere, was signed there. */
function isOfThePast(dispense: Resource, { resource, isAlong }: Prescribed, now: string): boolean {
  const handed = spanOf(dispense['whenHandedOver']);
  const isOver = ['completed', 'stopped'].includes(String(resource['status']));
  return isAlong && isOver && handed !== undefined && handed.end < Date.parse(now) - DAY_MS;
}

async function refusalOf(
  { store }: Dispensing,
  dispense: Resource,
  prescription: Prescribed | undefined,
): Promise<ControlledRefusal | undefined> {
  if (prescription === undefined) return 'controlled-without-prescription';
  if (isOfThePast(dispense, prescription, store.time)) return undefined;
  const name = signatureName(prescription.handle ?? '', prescription.resource);
  if (!(await isSigned(store, name, 'prescriber'))) return 'prescriber-signature-missing';
  return (await isSigned(store, name, 'second')) ? undefined : 'second-signature-missing';
}
