/** Signals that a claim raises by itself: what is missing, late, or does not go together. */
import type { BillItem } from '../../model/bill.ts';
import { targetOf } from '../../model/claim-evidence.ts';
import { billedItems, practitionersOf, renderersOf } from '../../model/claim-practitioners.ts';
import { countDays } from '../../model/days.ts';
import { isDeathUndated } from '../claim-edits/patient.ts';
import { isVirtual } from '../claim-edits/places.ts';
import { undispensed } from '../claim-edits/record-codes.ts';
import type { ClaimSignal } from '../claim-facts.ts';

/** The patient is dead, and no record says since when: somebody is to say whether it was before the service. */
export const deathUndated: ClaimSignal = {
  name: 'death-undated',
  version: '1',
  limit: undefined,
  weight: 100,
  judge: (facts) => (isDeathUndated(facts) ? [{ patient: facts.bill.patient }] : []),
};

/** A medicine was prescribed, and nobody has shown that it was handed out. */
export const dispenseOutstanding: ClaimSignal = {
  name: 'dispense-outstanding',
  version: '1',
  limit: undefined,
  weight: 100,
  judge: (facts) =>
    undispensed(facts).map(({ place }) => ({ ...place, prescription: facts.bill.prescription ?? null })),
};

/** It was claimed long after the service. The limit is in days. */
export const claimedLate: ClaimSignal = {
  name: 'claimed-late',
  version: '1',
  limit: 365,
  weight: 100,
  judge: ({ bill, now }, limit) =>
    billedItems(bill)
      .map(({ sequence, last }) => ({ item: sequence, days: countDays(last, now.slice(0, 10)) - 1 }))
      .filter(({ days }) => days > limit),
};

/** A facility asks for its part of a visit at which nobody was in it. */
export const facilityAtDistance: ClaimSignal = {
  name: 'facility-at-distance',
  version: '1',
  limit: undefined,
  weight: 100,
  judge: (facts) =>
    facts.bill.type === 'institutional'
      ? billedItems(facts.bill)
          .filter((item) => isVirtual(item, facts))
          .map(({ sequence }) => ({ item: sequence, visit: 'VR' }))
      : [],
};

/** Who is said to have rendered a service is none of those whom its records name. */
export const renderedByAnother: ClaimSignal = {
  name: 'rendered-by-another',
  version: '1',
  limit: undefined,
  weight: 50,
  judge: (facts) =>
    billedItems(facts.bill).flatMap((item) => {
      const recorded = practitionersOf({ ...item, careTeam: [] }, facts).map(({ number }) => number);
      const rendering = renderersOf(item, facts).map(({ number, reference }) => number ?? targetOf(reference) ?? null);
      const other = rendering.find((one) => one !== null && !recorded.includes(one));
      return recorded.length === 0 || other === undefined ? [] : [{ item: item.sequence, practitioner: other }];
    }),
};

/** What is billed is held by a claim for another Patient, who may be the same human. */
export const patientAlike: ClaimSignal = {
  name: 'patient-alike',
  version: '1',
  limit: undefined,
  weight: 100,
  judge: ({ alike = [] }) => alike.map(({ item, by }) => ({ item, alike: by.join(' ') })),
};

/** Visits that lines point to. */
const visitsOf = ({ services }: BillItem): string[] => services.filter((one) => one.startsWith('Encounter/'));

/** The patient says that she was not there. */
export const visitDisputed: ClaimSignal = {
  name: 'visit-disputed',
  version: '1',
  limit: undefined,
  weight: 100,
  judge: ({ bill, visits }) =>
    billedItems(bill).flatMap((item) =>
      visitsOf(item)
        .filter((visit) => visits?.get(visit)?.includes('disputed') === true)
        .map((visit) => ({ item: item.sequence, visit })),
    ),
};

/** Nobody but the provider says that a visit by video took place: its patient has not confirmed it. */
export const visitUnconfirmed: ClaimSignal = {
  name: 'visit-unconfirmed',
  version: '1',
  limit: undefined,
  weight: 20,
  judge: (facts) =>
    billedItems(facts.bill)
      .filter((item) => isVirtual(item, facts))
      .flatMap((item) =>
        visitsOf(item)
          .filter((visit) => facts.visits?.get(visit)?.length === 0)
          .map((visit) => ({ item: item.sequence, visit })),
      ),
};
