/**
 * Lines that say nothing themselves of when, or of who: the time of the whole claim, the people of the visit, supplies, leap seconds.
 */
import { exampleIds } from '../model/example-claim.fixture.ts';
import { all, type Change, coded, type EvidenceCase, SNOMED, to } from './claim-changes.fixture.ts';

/** Both lines on the times of the claim, the second for the procedure alone. */
const ofWholeClaim =
  (start: string, end: string): Change =>
  (given) => {
    given.claim['billablePeriod'] = { start, end };
    given.claim['procedure'] = [{ sequence: 1, procedureReference: to(given.procedure) }];
    const { encounter: _, servicedDate: __, ...second } = given.claim['item'][1];
    given.claim['item'][1] = { ...second, procedureSequence: [1] };
  };

const itsVisit = (given: Parameters<Change>[0]): object => ({ encounter: to(given.encounter) });

/** The procedure names nobody, and its visit as said. */
const byNobody =
  (visit: (given: Parameters<Change>[0]) => object): Change =>
  (given) => {
    const { performer: _, ...procedure } = given.procedure;
    given.procedure = { ...procedure, ...visit(given) } as typeof given.procedure;
  };

const supplied =
  (more: object = {}): Change =>
  (given) => {
    const delivery = {
      ...{ resourceType: 'SupplyDelivery', id: exampleIds.other, status: 'completed', patient: given.claim['patient'] },
      suppliedItem: { itemCodeableConcept: coded([SNOMED, '337388004']) },
      ...{ occurrenceDateTime: '2026-02-10T09:30:00+01:00', ...more },
    };
    given.more.push(delivery);
    given.claim['supportingInfo'] = [{ sequence: 1, category: {}, valueReference: to(delivery) }];
    const { encounter: _, ...second } = given.claim['item'][1];
    given.claim['item'][1] = { ...second, informationSequence: [1], productOrService: coded([SNOMED, '337388004']) };
  };

const DAY = ['2026-02-10T09:00:00+01:00', '2026-02-10T09:40:00+01:00'] as const;
const procedure = `Procedure/${exampleIds.procedure}`;
const delivery = `SupplyDelivery/${exampleIds.other}`;

export const WHOLE_CLAIM_CASES: readonly EvidenceCase[] = [
  {
    edit: 'service-not-shown',
    title: 'more hours, by the time of the whole claim, than all of it took',
    change: ofWholeClaim('2026-02-10T09:00:00+01:00', '2026-02-10T10:30:00+01:00'),
    facts: { item: 1, objection: 'longer than it took' },
    honest: [['of a part of the time that the whole claim is for', ofWholeClaim(...DAY)]],
  },
  {
    edit: 'service-not-shown',
    title: 'more hours, by the time of the whole claim, beside a line for something without hours',
    change: all(ofWholeClaim('2026-02-10T09:00:00+01:00', '2026-02-10T10:30:00+01:00'), (given) => {
      given.procedure['performedPeriod'] = { start: '2026-02-10', end: '2026-02-10' };
    }),
    facts: { item: 1, objection: 'longer than it took' },
    honest: [],
  },
  {
    edit: 'service-not-shown',
    title: 'what was done outside of the days of the whole claim',
    change: all(ofWholeClaim('2026-02-09T09:00:00+01:00', '2026-02-10T09:40:00+01:00'), (given) => {
      given.encounter['period'] = { start: '2026-02-09T09:00:00+01:00', end: '2026-02-10T09:40:00+01:00' };
      given.procedure['performedPeriod'] = { start: '2026-02-11T09:10:00+01:00', end: '2026-02-11T09:20:00+01:00' };
    }),
    facts: { item: 2, service: procedure, objection: 'on other days' },
    honest: [
      [
        'of one day of those that the whole claim is for',
        all(ofWholeClaim('2026-02-09T09:00:00+01:00', '2026-02-10T09:40:00+01:00'), (given) => {
          given.encounter['period'] = { start: '2026-02-09T09:00:00+01:00', end: '2026-02-10T09:40:00+01:00' };
          given.encounter['class'] = { code: 'IMP' };
        }),
      ],
    ],
  },
  {
    edit: 'practitioner-not-licensed',
    title: 'a procedure that names nobody, at a visit of another patient',
    change: all(ofWholeClaim(...DAY), (given) => {
      const other = { ...given.encounter, id: exampleIds.other, subject: { reference: 'Patient/x' } };
      given.more.push(other);
      byNobody(() => ({ encounter: to(other) }))(given);
    }),
    facts: { item: 2, objection: 'no practitioner named' },
    honest: [
      ['of a procedure that names nobody, by those of its visit', all(ofWholeClaim(...DAY), byNobody(itsVisit))],
    ],
  },
  {
    edit: 'service-not-shown',
    title: 'supplies that were not handed out',
    change: supplied({ status: 'in-progress' }),
    facts: { item: 2, service: delivery, objection: 'not done' },
    honest: [['of supplies, beside the visit at which they were handed out', supplied()]],
  },
  {
    edit: 'units-exceeded',
    title: 'more supplies than were handed out',
    change: supplied({
      suppliedItem: { itemCodeableConcept: coded([SNOMED, '337388004']), quantity: { value: 1 } },
    }),
    facts: { item: 2, units: 2, dispensed: 1 },
    honest: [
      [
        'of as many supplies as were handed out',
        supplied({ suppliedItem: { itemCodeableConcept: coded([SNOMED, '337388004']), quantity: { value: 2 } } }),
      ],
    ],
  },
  {
    edit: 'code-not-of-record',
    title: 'other supplies than were handed out',
    change: supplied({ suppliedItem: { itemCodeableConcept: coded([SNOMED, '1']) } }),
    facts: { item: 2, billed: `${SNOMED}|337388004`, recorded: `${SNOMED}|1`, crosswalk: null },
    honest: [],
  },
  {
    edit: 'outside-lifetime',
    title: 'a service after a death in a leap second',
    change: (given) => {
      given.claim['item'].pop();
      delete given.claim['total'];
      given.encounter['period'] = { start: '2026-02-10T09:00:01+01:00', end: '2026-02-10T09:40:00+01:00' };
      given.patient['deceasedDateTime'] = '2026-02-10T08:59:60+01:00';
    },
    facts: { item: 1, service: '2026-02-10', deceasedDateTime: '2026-02-10T08:59:60+01:00' },
    honest: [
      [
        'for a visit that ends in a leap second',
        (given) => (given.encounter['period'].end = '2026-02-10T09:39:60.123456789123+01:00'),
      ],
    ],
  },
];
