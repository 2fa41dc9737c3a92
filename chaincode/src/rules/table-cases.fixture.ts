/** Claims that a payer's tables speak against, or that contradict themselves, each beside honest ones that look alike and must pass. */
import {
  all,
  billed,
  type Change,
  CPT,
  coded,
  type EvidenceCase,
  modifiers,
  table,
  to,
  usd,
} from './claim-changes.fixture.ts';

/** A line of the visit and one of the procedure. */
const twoLines =
  (first: string, second: string, more: object = {}): Change =>
  (given) => {
    const [one, other] = given.claim['item'];
    delete given.claim['total'];
    given.claim['procedure'] = [{ sequence: 4, procedureReference: to(given.procedure) }];
    delete other.encounter;
    one.productOrService = coded([CPT, first]);
    Object.assign(other, { productOrService: coded([CPT, second]), procedureSequence: [4], net: usd(30.5), ...more });
  };

const placed = (place: string, more: object = {}): Change =>
  billed('99213', { locationCodeableConcept: { coding: [{ code: place }] }, ...more });

const inOffice: Change = (given) => (given.encounter['class'] = { code: 'AMB' });

const PAIR = { pairs: [{ code: '99213', with: '20610', modifiers: ['59', 'XU'] }] };

export const TABLE_CASES: readonly EvidenceCase[] = [
  {
    edit: 'units-exceeded',
    title: 'more units than are paid in a line',
    change: all(billed('99213', { quantity: { value: 3 } }), table({ units: [{ code: '99213', perLine: 2 }] })),
    facts: { item: 1, code: '99213', units: 3, perLine: 2, tables: 2 },
    honest: [
      [
        'for as many as are paid',
        all(billed('99213', { quantity: { value: 2 } }), table({ units: [{ code: '99213', perLine: 2 }] })),
      ],
      [
        'before the limit began',
        all(
          billed('99213', { quantity: { value: 3 } }),
          table({ units: [{ code: '99213', perLine: 2, from: '2026-02-11' }] }),
        ),
      ],
    ],
  },
  {
    edit: 'units-exceeded',
    title: 'more units in two lines than are paid of a day',
    change: all(twoLines('20610', '20610'), table({ units: [{ code: `${CPT}|20610`, perDay: 2 }] })),
    facts: { item: 2, code: `${CPT}|20610`, day: '2026-02-10', units: 3, perDay: 2, tables: 2 },
    honest: [
      [
        'for both sides, each a service of its own',
        all(
          twoLines('20610', '20610', { quantity: { value: 1 }, unitPrice: undefined, ...modifiers('RT') }),
          (given) => {
            Object.assign(given.claim['item'][0], modifiers('LT'));
            given.tables = { units: [{ code: '20610', perDay: 1 }] };
          },
        ),
      ],
    ],
  },
  {
    edit: 'duration-too-short',
    title: 'a code of an hour for a visit of forty minutes',
    change: all(billed('99215'), table({ durations: [{ code: '99215', minutes: 60 }] })),
    facts: { item: 1, minutes: 40, required: 60, tables: 2 },
    honest: [
      [
        'for forty minutes of a visit of forty',
        all(billed('99215'), table({ durations: [{ code: '99215', minutes: 40 }] })),
      ],
      [
        'by a visit in the night in which the clocks changed',
        all(billed('99215'), table({ durations: [{ code: '99215', minutes: 40 }] }), (given) => {
          given.encounter['period'] = { start: '2026-03-29T01:40:00+01:00', end: '2026-03-29T03:20:00+02:00' };
          given.claim['billablePeriod'] = { start: '2026-03-29', end: '2026-03-29' };
          given.licence!.end = '2026-12-31';
          given.now = '2026-03-30T08:00:00.000Z';
        }),
      ],
    ],
  },
  {
    edit: 'duration-too-short',
    title: 'an hour in the night in which the clocks went forward',
    change: all(billed('99215'), table({ durations: [{ code: '99215', minutes: 60 }] }), (given) => {
      given.encounter['period'] = { start: '2026-03-29T01:40:00+01:00', end: '2026-03-29T03:20:00+02:00' };
      given.claim['billablePeriod'] = { start: '2026-03-29', end: '2026-03-29' };
      given.licence!.end = '2026-12-31';
      given.now = '2026-03-30T08:00:00.000Z';
    }),
    facts: { item: 1, minutes: 40, required: 60, tables: 2 },
    honest: [],
  },
  {
    edit: 'duration-too-short',
    title: 'more units than a visit had time for',
    change: all(
      billed('97110', { quantity: { value: 3 } }),
      table({ durations: [{ code: '97110', minutes: 15, perUnit: true }] }),
    ),
    facts: { item: 1, minutes: 40, required: 45, tables: 2 },
    honest: [
      [
        'for as many units as a visit had time for',
        all(
          billed('97110', { quantity: { value: 2 } }),
          table({ durations: [{ code: '97110', minutes: 15, perUnit: true }] }),
        ),
      ],
    ],
  },
  {
    edit: 'duration-too-short',
    title: 'the same minutes twice',
    change: (given) => {
      const [one, other] = given.claim['item'];
      one.productOrService = coded([CPT, '97110']);
      other.productOrService = coded([CPT, '97530']);
      given.tables = {
        durations: [
          { code: '97110', minutes: 30 },
          { code: '97530', minutes: 15 },
        ],
      };
    },
    facts: { item: 2, minutes: 10, required: 15, tables: 2 },
    honest: [
      [
        'for two services that fit into one visit',
        (given) => {
          const [one, other] = given.claim['item'];
          one.productOrService = coded([CPT, '97110']);
          other.productOrService = coded([CPT, '97530']);
          given.tables = {
            durations: [
              { code: '97110', minutes: 25 },
              { code: '97530', minutes: 15 },
            ],
          };
        },
      ],
    ],
  },
  {
    edit: 'duration-too-short',
    title: 'a visit without an end',
    change: all(billed('99215'), table({ durations: [{ code: '99215', minutes: 10 }] }), (given) => {
      given.encounter['period'] = { start: '2026-02-10T09:00:00+01:00' };
    }),
    facts: { item: 1, minutes: 0, required: 10, tables: 2 },
    honest: [],
  },
  {
    edit: 'procedure-pair',
    title: 'a service that is part of another one',
    change: all(twoLines('99213', '20610'), table(PAIR)),
    facts: { item: 2, code: '20610', with: '99213', line: 1, tables: 2 },
    honest: [
      ['for a pair with a modifier of the table', all(twoLines('99213', '20610', modifiers('59')), table(PAIR))],
      ['for two services that are no pair', all(twoLines('99213', '20611'), table(PAIR))],
      [
        'for a pair on two sides',
        all(
          twoLines('29881', '29880', modifiers('RT')),
          table({ pairs: [{ code: '29881', with: '29880' }] }),
          (given) => Object.assign(given.claim['item'][0], modifiers('LT')),
        ),
      ],
    ],
  },
  {
    edit: 'procedure-pair',
    title: 'a pair with a modifier that the table does not have',
    change: all(twoLines('99213', '20610', modifiers('25')), table(PAIR)),
    facts: { item: 2, code: '20610', with: '99213', line: 1, tables: 2 },
    honest: [],
  },
  {
    edit: 'age-mismatch',
    title: 'a service for children, of an adult',
    change: all(billed('99392'), table({ people: [{ code: '99392', maxYears: 4 }] })),
    facts: { item: 1, code: '99392', years: 55, minYears: null, maxYears: 4, tables: 2 },
    honest: [
      [
        'for somebody of that age',
        all(billed('99396'), table({ people: [{ code: '99396', minYears: 40, maxYears: 64 }] })),
      ],
      [
        'for somebody who may be of that age, as far as the record says',
        all(
          billed('99396'),
          table({ people: [{ code: '99396', maxYears: 55 }] }),
          (given) => (given.patient['birthDate'] = '1970'),
        ),
      ],
    ],
  },
  {
    edit: 'sex-mismatch',
    title: 'a service for women, of a man',
    change: all(
      billed('59400'),
      table({ people: [{ code: '59400', sex: 'female' }] }),
      (given) => (given.patient['gender'] = 'male'),
    ),
    facts: { item: 1, code: '59400', gender: 'male', sex: 'female', tables: 2 },
    honest: ['female', 'other', 'unknown', undefined].map((gender): [string, Change] => [
      `for somebody whose gender is ${gender ?? 'not recorded'}`,
      all(
        billed('59400'),
        table({ people: [{ code: '59400', sex: 'female' }] }),
        (given) => (given.patient['gender'] = gender),
      ),
    ]),
  },
  {
    edit: 'place-mismatch',
    title: 'an office for a visit by video',
    change: placed('11'),
    facts: { item: 1, place: '11', visit: 'VR' },
    honest: [
      ['at a distance', placed('10')],
      ['in the office, by video, where the line says so', placed('11', modifiers('95'))],
      ['in the office', all(placed('11'), inOffice)],
    ],
  },
  {
    edit: 'place-mismatch',
    title: 'telehealth for a visit to the office',
    change: all(billed('99213', modifiers('GT')), inOffice),
    facts: { item: 1, modifier: 'GT', visit: 'AMB' },
    honest: [],
  },
  {
    edit: 'place-mismatch',
    title: 'by video what is paid in the operating theatre alone',
    change: all(billed('29881'), table({ places: [{ code: '29881', places: ['21', '22', 'IMP', 'AMB'] }] })),
    facts: { item: 1, code: '29881', place: '02 10', visit: 'VR', allowed: '21 22 IMP AMB', tables: 2 },
    honest: [
      [
        'where the table has it',
        all(billed('29881'), inOffice, table({ places: [{ code: '29881', places: ['22', 'AMB'] }] })),
      ],
    ],
  },
  {
    edit: 'modifier-conflict',
    title: 'a part of a service and its other part in one line',
    change: billed('71046', modifiers('26', 'TC')),
    facts: { item: 1, modifiers: '26 TC' },
    honest: [['for the part of a service alone', billed('71046', modifiers('26'))]],
  },
];
