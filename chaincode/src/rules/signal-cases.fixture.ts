/** Claims that raise a signal, each beside honest ones that look alike and raise none. */
import { type Changeable, exampleIds } from '../model/example-claim.fixture.ts';
import { type Change, to } from './claim-changes.fixture.ts';
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
];
