/**
 * The edits that ask whether what is billed happened: every billed item points to records of that patient's, made by that
 * provider, of something that was done, on the days billed; and what they rest on is still so.
 */
import type { BillItem } from '../../model/bill.ts';
import { targetOf } from '../../model/claim-evidence.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import { addDays, covers, daysOfPeriod, lastDay } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import { instantOf } from '../../model/periods.ts';
import type { ClaimBasis, ClaimEdit, DenialFacts } from '../claim-facts.ts';
import { daysOfService, minutesOf, spanOf } from './when.ts';

/** The statuses in which the service has taken place. */
const DONE: Record<string, readonly string[]> = {
  Encounter: ['finished'],
  Procedure: ['completed'],
  Observation: ['final', 'amended', 'corrected'],
  DiagnosticReport: ['final', 'amended', 'corrected', 'appended'],
  Immunization: ['completed'],
  MedicationDispense: ['completed'],
  MedicationAdministration: ['completed'],
  SupplyDelivery: ['completed'],
};

/** Why one record does not show that an item's service happened; undefined where it does. */
function objection(item: BillItem, service: string, { bill, provider, evidence }: ClaimBasis): string | undefined {
  const shown = evidence.get(service);
  if (shown === undefined) return 'not shown';
  const { resource } = shown;
  if (shown.author !== provider.mspId) return 'by another provider';
  if (targetOf(resource['subject'] ?? resource['patient']) !== bill.patient) return 'of another patient';
  if (DONE[resource.resourceType]?.includes(String(resource['status'])) !== true) return 'not done';
  return isOnDaysOf(item, resource) ? undefined : 'on other days';
}

/** Whether a record is of a line's days; of the days of the whole claim some are enough. */
function isOnDaysOf(item: BillItem, resource: Resource): boolean {
  const days = daysOfService(resource);
  if (days === undefined) return false;
  const { first, last } = daysOfPeriod(spanOf(resource));
  const isWithin = first !== undefined && last !== undefined && covers(item, first, last);
  return covers(days, item.first, item.last) || (item.isOfClaim === true && isWithin);
}

/** Billing rounds to the quarter of an hour. */
const ROUNDED_MINUTES = 15;

/**
 * Whether an item bills more time than all that it points to took; what has no hours may have taken any. The time of the whole claim is
 * billed by all its lines together.
 * @param all services of all its lines
 */
function isLonger({ times, isOfClaim, services }: BillItem, { evidence }: ClaimBasis, all: readonly string[]): boolean {
  if (times === undefined) return false;
  const lasted = (service: string): number | undefined => minutesOf(evidence.get(service)?.resource);
  const own = services.map((service) => lasted(service) ?? Number.POSITIVE_INFINITY);
  // What has no hours leaves open how long its own line took, and no other.
  const beside = isOfClaim ? all.filter((one) => !services.includes(one)).map((one) => lasted(one) ?? 0) : [];
  const billed = (instantOf(times.end) - instantOf(times.start)) / 60_000;
  return billed > [...own, ...beside].reduce((sum, minutes) => sum + minutes, ROUNDED_MINUTES);
}

export const serviceShown: ClaimEdit = {
  name: 'service-not-shown',
  version: '6',
  after: ['patient-mismatch'],
  judge: (facts) => {
    // An author's clock may be a day ahead of UTC; what lies beyond has not happened yet.
    const latest = addDays(lastDay(facts.now), 1);
    const all = [...new Set(facts.bill.items.flatMap(({ services }) => services))];
    return billedItems(facts.bill).flatMap((item): DenialFacts[] => {
      if (item.last > latest) return [{ item: item.sequence, objection: 'in the future' }];
      if (item.services.length === 0) return [{ item: item.sequence, objection: 'points to nothing' }];
      const found = item.services.flatMap((service): DenialFacts[] => {
        const why = objection(item, service, facts);
        return why === undefined ? [] : [{ item: item.sequence, service, objection: why }];
      });
      if (found.length === 0 && isLonger(item, facts, all))
        return [{ item: item.sequence, objection: 'longer than it took' }];
      return found.slice(0, 1);
    });
  },
};

/**
 * Nothing that the claim rests on was changed since: a visit voided or moved, a death recorded. What changed is not known to
 * whoever decides here: the claim waits until the provider has shown its records as they are, and is judged by these.
 */
export const evidenceCurrent: ClaimEdit = {
  name: 'evidence-outdated',
  version: '1',
  after: [],
  judge: ({ outdated, bill }) =>
    outdated.flatMap((record): DenialFacts[] => {
      const resting = billedItems(bill).filter(({ services }) => services.includes(record));
      return resting.length === 0 ? [{ record }] : resting.map(({ sequence }) => ({ item: sequence, record }));
    }),
};
