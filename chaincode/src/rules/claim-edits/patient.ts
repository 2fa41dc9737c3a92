/** Edits about the person: the patient is shown, and the services lie within the patient's life. */

import { billedItems } from '../../model/claim-practitioners.ts';
import { firstDay, lastDay } from '../../model/days.ts';
import { type ClaimEdit, type DenialFacts, patientOf } from '../claim-facts.ts';

/** The Patient record that the claim names is among the evidence. */
export const patientShown: ClaimEdit = {
  name: 'patient-mismatch',
  version: '1',
  after: [],
  judge: (facts) => (patientOf(facts) === undefined ? [{ patient: facts.bill.patient, shown: false }] : []),
};

/** No service before the day of birth or after the day of death; a partial date is read to the patient's favour. */
export const withinLifetime: ClaimEdit = {
  name: 'outside-lifetime',
  version: '2',
  after: ['patient-mismatch'],
  judge: (facts) => {
    const patient = patientOf(facts);
    const [birthDate, deceasedDateTime] = [patient?.['birthDate'], patient?.['deceasedDateTime']];
    return billedItems(facts.bill).flatMap((item): DenialFacts[] => {
      if (typeof birthDate === 'string' && item.first < firstDay(birthDate))
        return [{ item: item.sequence, service: item.first, birthDate }];
      if (typeof deceasedDateTime === 'string' && item.last > lastDay(deceasedDateTime))
        return [{ item: item.sequence, service: item.last, deceasedDateTime }];
      return [];
    });
  },
};
