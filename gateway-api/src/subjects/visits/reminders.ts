/**
 * A provider reminds its patients of their appointments: one Communication for each time of each, some hours before. Its id follows from
 * both, so the ledger takes it once. It says that there is an appointment and refers to it, and nothing more.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { instantOf } from '@telemed-ledger/chaincode/model/periods.ts';
import { asSystem } from '../../auth/caller.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import type { Search, StoredResource } from '../../fhir/repository.ts';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType } from '../../fhir/types.ts';
import { newSalt } from '../../ledger/sender.ts';
import { recordVersions } from '../records/groups.ts';
import type { Services } from '../services.ts';

const HOUR_MS = 3_600_000;
const PAGE = 200;
const CATEGORY = { system: 'http://terminology.hl7.org/CodeSystem/communication-category', code: 'reminder' };

interface Reminder {
  /** Id of the Communication. */
  id: string;
  appointment: string;
  patient: string;
}

/** The booked appointments of a span of time, the soonest first. */
function searchOf(from: number, until: number | undefined, count: number): Search {
  const at = (prefix: string, ms: number): [string, string] => ['date', `${prefix}${new Date(ms).toISOString()}`];
  const ends = until === undefined ? [] : [at('lt', until)];
  const given: [string, string][] = [['status', 'booked'], at('ge', from), ...ends];
  const { search } = parseSearch(supportedType('Appointment')!, [...given, ['_sort', 'date']], '', false);
  return { ...search, count, isUncounted: true };
}

const startOf = ({ start }: Resource): number => (typeof start === 'string' ? instantOf(start) : Number.NaN);

/** Undefined for a copy of another provider's, and for what is no patient's. */
function reminderOf({ resource, access }: StoredResource): Reminder | undefined {
  const [patient, start] = [patientIdOf(resource), startOf(resource)];
  if (access !== undefined || patient === undefined || Number.isNaN(start)) return undefined;
  const id = `reminder-${sha256Hex(`reminder/${resource.id}/${start}`).slice(0, 40)}`;
  return { id, appointment: resource.id, patient };
}

async function* due({ index, remindHours }: Services): AsyncIterable<Reminder> {
  if (remindHours === 0) return;
  const now = Date.now();
  const search = searchOf(now, now + remindHours * HOUR_MS, PAGE);
  let after: string | undefined;
  do {
    const page = await index.search({ ...search, ...(after === undefined ? {} : { after }) });
    for (const reminder of page.matches.flatMap((match) => reminderOf(match) ?? []))
      if ((await index.newestRow('Communication', reminder.id)) === undefined) yield reminder;
    after = page.next;
  } while (after !== undefined);
}

async function remind({ id, appointment, patient }: Reminder, services: Services): Promise<void> {
  const her = { reference: `Patient/${patient}` };
  const resource: Resource = {
    ...{ resourceType: 'Communication', id, status: 'completed', category: [{ coding: [CATEGORY] }] },
    ...{ subject: her, recipient: [her], about: [{ reference: `Appointment/${appointment}` }] },
    sender: { identifier: { system: ORGANISATION_SYSTEM, value: services.organisation.name } },
    ...{ sent: new Date().toISOString(), payload: [{ contentString: 'You have an appointment.' }] },
  };
  const draft = { id, version: 1, salt: newSalt(), resource, isProvisional: false };
  try {
    await recordVersions(services, [draft], AS_SYSTEM, asSystem({ subject: 'reminders', role: 'system' }));
  } catch (error) {
    // Another try of it was committed.
    if (!(error instanceof LedgerError) || error.code !== 'CONFLICT') throw error;
  }
}

export const remindPatients: Duty<Reminder> = {
  name: 'remind of appointments',
  kind: 'provider',
  on: [],
  idOf: ({ id }) => id,
  find: due,
  async soonest({ index, remindHours }) {
    if (remindHours === 0) return undefined;
    const { matches } = await index.search(searchOf(Date.now() + remindHours * HOUR_MS, undefined, 1));
    const [next] = matches.map(({ resource }) => startOf(resource));
    return next === undefined ? undefined : next - remindHours * HOUR_MS;
  },
  perform: remind,
};
