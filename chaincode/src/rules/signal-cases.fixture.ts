/** Claims that raise a signal, each beside honest ones that look alike and raise none. */
import type { ActivityEntry } from '../model/activities.ts';
import { type Changeable, exampleIds, exampleNumber, exampleSalt } from '../model/example-claim.fixture.ts';
import { all, type Change, to } from './claim-changes.fixture.ts';
import { dispensed, prescribed } from './evidence-cases.fixture.ts';

interface SignalCase {
  signal: string;
  title: string;
  change: Change;
  facts: Record<string, unknown>;
  honest: [title: string, change: Change][];
}

const institutional: Change = (given) => {
  given.claim['type'] = { coding: [{ code: 'institutional' }] };
  given.claim['item'].pop();
  delete given.claim['total'];
};

/** Somebody else of the hospital's, under the same licence number or another. */
const colleague = (number: string): Changeable => ({
  ...{ resourceType: 'Practitioner', id: exampleIds.other },
  identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: number }],
});
const team =
  (role: string, number = '1000000004'): Change =>
  (given) => {
    given.more.push(colleague(number));
    given.claim['careTeam'] = [{ sequence: 1, provider: to(colleague(number)), role: { coding: [{ code: role }] } }];
    given.claim['item'].pop();
    delete given.claim['total'];
  };

/** 09:00 at +01:00, when the visit begins, and midnight (UTC) of that day, in minutes. */
const VISIT = Date.parse('2026-02-10T08:00:00Z') / 60_000;
const DAY_START = Date.parse('2026-02-10T00:00:00Z') / 60_000;

const visit = (from: number, minutes: number): ActivityEntry => ({
  ...{ practitioner: exampleNumber, record: `Encounter/${from}`, from, until: from + minutes, codes: ['X'] },
  billed: 12_000,
});
/** Other claims, one visit each. */
const others =
  (count: number, of: (n: number) => ActivityEntry, provider = 'hospital'): Change =>
  (given) => {
    given.activities = Array.from({ length: count }, (_, n) => ({
      ...{ schema: 1, claimId: `other-${n}`, provider, salt: exampleSalt('b'), entries: [of(n)] },
    }));
  };
const oneLine: Change = (given) => {
  given.claim['item'].pop();
  delete given.claim['total'];
};
const here =
  (reference: string): Change =>
  (given) => {
    given.encounter['class'] = { code: 'AMB' };
    given.encounter['location'] = [{ location: { reference } }];
  };
/** In person, at a place that nobody says. */
const inPerson: Change = (given) => (given.encounter['class'] = { code: 'AMB' });
const atLevel =
  (code: string): Change =>
  (given) => {
    oneLine(given);
    given.claim['item'][0].productOrService = { coding: [{ code }] };
  };
const peers =
  (mean: number): Change =>
  (given) => {
    given.tables = { peers: [{ code: '99213', mean }] };
  };

export const SIGNAL_CASES: readonly SignalCase[] = [
  {
    signal: 'death-undated',
    title: 'a patient who is dead, nobody says since when',
    change: (given) => (given.patient['deceasedBoolean'] = true),
    facts: { patient: `Patient/${exampleIds.patient}` },
    honest: [
      ['a patient who died afterwards', (given) => (given.patient['deceasedDateTime'] = '2026-02-10T18:00:00+01:00')],
      ['a patient who is alive', (given) => (given.patient['deceasedBoolean'] = false)],
    ],
  },
  {
    signal: 'dispense-outstanding',
    title: 'a medicine that was prescribed',
    change: prescribed({}),
    facts: { item: 1, prescription: `MedicationRequest/${exampleIds.other}` },
    honest: [['a medicine that was dispensed', dispensed()]],
  },
  {
    signal: 'claimed-late',
    title: 'a visit of more than a year ago',
    change: (given) => {
      given.now = '2027-02-11T08:00:00.000Z';
      given.claim['item'].pop();
      delete given.claim['total'];
    },
    facts: { item: 1, days: 366, limit: 365 },
    honest: [['a visit of a year ago', (given) => (given.now = '2027-02-10T08:00:00.000Z')]],
  },
  {
    signal: 'facility-at-distance',
    title: 'a facility’s claim for a visit by video',
    change: institutional,
    facts: { item: 1, visit: 'VR' },
    honest: [
      [
        'a facility’s claim for a visit to it',
        (given) => {
          institutional(given);
          given.encounter['class'] = { code: 'AMB' };
        },
      ],
    ],
  },
  {
    signal: 'patient-alike',
    title: 'a visit at the time of one of somebody’s who may be her',
    change: (given) => {
      given.alike = [{ item: 1, by: ['birth-date-and-contact', 'name-and-birth-date'] }];
    },
    facts: { item: 1, alike: 'birth-date-and-contact name-and-birth-date' },
    honest: [['a visit of somebody’s whom nobody is like', (given) => (given.alike = undefined)]],
  },
  {
    signal: 'rendered-by-another',
    title: 'a renderer whom the visit does not name',
    change: (given) => {
      team('rendering')(given);
      given.licences.push('1000000004');
    },
    facts: { item: 1, practitioner: '1000000004' },
    honest: [
      [
        'somebody who supervised',
        (given) => {
          team('supervisor')(given);
          given.licences.push('1000000004');
        },
      ],
      [
        'a renderer whom the visit names',
        (given) => {
          given.claim['careTeam'] = [
            { sequence: 1, provider: to(given.practitioner), role: { coding: [{ code: 'primary' }] } },
          ];
        },
      ],
    ],
  },
  {
    signal: 'visit-disputed',
    title: 'a visit at which its patient says she was not',
    change: all(oneLine, (given) => (given.said = ['disputed'])),
    facts: { item: 1, visit: `Encounter/${exampleIds.encounter}` },
    honest: [],
  },
  {
    signal: 'visit-unconfirmed',
    title: 'a visit by video that its patient has not confirmed',
    change: all(oneLine, (given) => (given.said = [])),
    facts: { item: 1, visit: `Encounter/${exampleIds.encounter}` },
    honest: [
      ['a visit by video that she has confirmed', (given) => (given.said = ['confirmed'])],
      [
        'a visit to the office',
        (given) => {
          given.said = [];
          given.encounter['class'] = { code: 'AMB' };
        },
      ],
    ],
  },
  {
    signal: 'hours-in-day',
    title: 'a practitioner who bills more than a day of work in one day',
    // Forty minutes of its own, and 23 visits of other claims.
    change: all(
      oneLine,
      others(23, (n) => visit(DAY_START + n * 42, n < 22 ? 42 : 26)),
    ),
    facts: { practitioner: exampleNumber, day: '2026-02-10', minutes: 990, visits: 24, claims: 24, limit: 960 },
    honest: [
      ['a long day', others(22, (n) => visit(DAY_START + n * 40, 30))],
      ['several lines for one visit', others(40, () => ({ ...visit(DAY_START, 40), record: 'Encounter/same' }))],
      [
        'another practitioner’s day',
        others(40, (n) => ({ ...visit(DAY_START + n * 20, 40), practitioner: '1000000004' })),
      ],
      ['the visits of two days', others(40, (n) => visit(DAY_START + (n % 2) * 1440 + n * 15, 20))],
    ],
  },
  {
    signal: 'places-at-once',
    title: 'a practitioner in two places at once',
    change: all(
      oneLine,
      here('Location/a'),
      others(1, () => ({ ...visit(VISIT + 10, 20), place: 'Location/b' })),
    ),
    facts: { practitioner: exampleNumber, day: '2026-02-10', minutes: 20, claims: 2, limit: 5 },
    honest: [
      [
        'two patients in one place',
        all(
          here('Location/a'),
          others(1, () => ({ ...visit(VISIT + 10, 20), place: 'Location/a' })),
        ),
      ],
      [
        'one place after the other',
        all(
          here('Location/a'),
          others(1, () => ({ ...visit(VISIT + 40, 20), place: 'Location/b' })),
        ),
      ],
      [
        'a place that nobody says',
        all(
          here('Location/a'),
          others(1, () => visit(VISIT + 10, 20)),
        ),
      ],
    ],
  },
  {
    signal: 'places-at-once',
    title: 'a practitioner who sees people at two providers at once',
    change: all(
      oneLine,
      inPerson,
      others(1, () => ({ ...visit(VISIT + 10, 20), present: true }), 'clinic'),
    ),
    facts: { practitioner: exampleNumber, day: '2026-02-10', minutes: 20, claims: 2, limit: 5 },
    honest: [
      [
        'two patients of one provider, as in a group',
        all(
          inPerson,
          others(1, () => ({ ...visit(VISIT + 10, 20), present: true })),
        ),
      ],
      [
        'one of them by video',
        all(
          inPerson,
          others(1, () => visit(VISIT + 10, 20), 'clinic'),
        ),
      ],
      [
        'one provider after the other',
        all(
          inPerson,
          others(1, () => ({ ...visit(VISIT + 40, 20), present: true }), 'clinic'),
        ),
      ],
      [
        'by as little as clocks differ',
        all(
          inPerson,
          others(1, () => ({ ...visit(VISIT + 35, 20), present: true }), 'clinic'),
        ),
      ],
    ],
  },
  {
    signal: 'days-in-year',
    title: 'a practitioner who works on more than 300 days of a year',
    change: all(
      oneLine,
      others(300, (n) => visit(DAY_START - (n < 40 ? n + 1 : -n) * 1440, 20)),
    ),
    facts: { practitioner: exampleNumber, year: 2026, days: 301, claims: 301, limit: 300 },
    honest: [['300 days', others(299, (n) => visit(DAY_START - (n < 40 ? n + 1 : -n) * 1440, 20))]],
  },
  {
    signal: 'always-highest',
    title: 'a practitioner who bills the highest level alone',
    change: all(
      atLevel('99215'),
      others(9, (n) => ({ ...visit(DAY_START - n * 1440, 20), codes: ['99215'] })),
    ),
    facts: { practitioner: exampleNumber, evaluations: 10, highest: 10, percent: 100, claims: 10, limit: 90 },
    honest: [
      [
        'the highest level now and then',
        all(
          atLevel('99215'),
          others(9, (n) => ({ ...visit(DAY_START - n * 1440, 20), codes: [n < 8 ? '99215' : '99213'] })),
        ),
      ],
      [
        'too few to say',
        all(
          atLevel('99215'),
          others(8, (n) => ({ ...visit(DAY_START - n * 1440, 20), codes: ['99215'] })),
        ),
      ],
    ],
  },
  {
    signal: 'above-peers',
    title: 'a practitioner who bills twice what others do',
    change: all(
      atLevel('99213'),
      peers(6000),
      others(9, (n) => ({ ...visit(DAY_START - n * 1440, 20), codes: ['99213'] })),
    ),
    facts: {
      ...{ practitioner: exampleNumber, code: '99213', lines: 10, mean: 12000, peers: 6000 },
      ...{ claims: 10, limit: 150 },
    },
    honest: [
      [
        'what others bill',
        all(
          atLevel('99213'),
          peers(9000),
          others(9, (n) => ({ ...visit(DAY_START - n * 1440, 20), codes: ['99213'] })),
        ),
      ],
    ],
  },
];
