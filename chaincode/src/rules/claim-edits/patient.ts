/** Edits about the person: the patient is shown, and the services lie within the patient's life. */

import type { BillItem } from '../../model/bill.ts';
import { objectsOf } from '../../model/claim-evidence.ts';
import { billedItems } from '../../model/claim-practitioners.ts';
import { addDays, firstDay, lastDay } from '../../model/days.ts';
import { instantOf } from '../../model/periods.ts';
import { type ClaimEdit, type ClaimFacts, type DenialFacts, patientOf } from '../claim-facts.ts';
import { latestDay, spanOf } from './when.ts';

/**
 * The Patient record that the claim names is among the evidence, and it is the patient's: one that was made by mistake, or that
 * another has replaced (hl7.org/fhir/R4/patient.html#merge), is nobody's to bill.
 */
export const patientShown: ClaimEdit = {
  name: 'patient-mismatch',
  version: '2',
  after: [],
  judge: (facts) => {
    const { patient: named } = facts.bill;
    const patient = patientOf(facts);
    if (patient === undefined) return [{ patient: named, shown: false }];
    if (patient['active'] === false) return [{ patient: named, objection: 'not in use' }];
    const isReplaced = objectsOf(patient['link']).some(({ type }) => type === 'replaced-by');
    return isReplaced ? [{ patient: named, objection: 'replaced by another' }] : [];
  },
};

/** When the patient died: an instant, or the last of the days that are meant. */
type Death = { deceasedDateTime: string } | { deceasedBoolean: true; recordedAt: string };

/** The newest version of the patient's record that says so was made after the death. */
function deathOf(facts: ClaimFacts): Death | undefined {
  const record = facts.evidence.get(facts.bill.patient);
  const { deceasedDateTime, deceasedBoolean } = (record?.resource ?? {}) as Record<string, unknown>;
  if (typeof deceasedDateTime === 'string') return { deceasedDateTime };
  return deceasedBoolean === true && record !== undefined
    ? { deceasedBoolean, recordedAt: record.recordedAt }
    : undefined;
}

/** When what an item points to began, in milliseconds; undefined where no record says the time. */
function beganAt({ services }: BillItem, { evidence }: ClaimFacts): number | undefined {
  const starts = services.flatMap((service) => spanOf(evidence.get(service)?.resource)?.start ?? []);
  const times = starts.filter((start) => start.includes('T')).map(instantOf);
  return times.length === 0 || times.some(Number.isNaN) ? undefined : Math.max(...times);
}

/** Whether an item is for something after the death: by instants where both are known, else by days. */
function isAfter(item: BillItem, death: Death, facts: ClaimFacts): boolean {
  if (!('deceasedDateTime' in death)) return item.last > addDays(lastDay(death.recordedAt), 1);
  const { deceasedDateTime } = death;
  const began = beganAt(item, facts);
  if (began === undefined || !deceasedDateTime.includes('T')) return item.last > lastDay(deceasedDateTime);
  return began > instantOf(deceasedDateTime);
}

/** No service before the day of birth or after the death; what is not known to the day is read to the patient's favour. */
export const withinLifetime: ClaimEdit = {
  name: 'outside-lifetime',
  version: '4',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const birthDate = patientOf(facts)?.['birthDate'];
    const death = deathOf(facts);
    return billedItems(facts.bill).flatMap((item): DenialFacts[] => {
      if (typeof birthDate === 'string' && latestDay(item) < firstDay(birthDate))
        return [{ item: item.sequence, service: item.first, birthDate }];
      if (death !== undefined && isAfter(item, death, facts))
        return [{ item: item.sequence, service: item.last, ...death }];
      return [];
    });
  },
};

/** That the patient is dead by now, and nobody has said since when. */
export const isDeathUndated = (facts: ClaimFacts): boolean => {
  const death = deathOf(facts);
  return death !== undefined && !('deceasedDateTime' in death);
};
