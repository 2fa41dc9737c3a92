/**
 * Claims that the records behind them speak against, each beside honest ones that look alike and must pass. The tests of the edits
 * try them.
 */
import { type Changeable, exampleIds, exampleNumber } from '../model/example-claim.fixture.ts';
import { all, type Change, CPT, coded, type EvidenceCase, line, SNOMED, to } from './claim-changes.fixture.ts';
import type { Case } from './example-case.fixture.ts';

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

/** The visit says that it was a consultation, and the line bills one. */
const consulted = (billed: [string, string][], more: Change = () => {}): Change =>
  line((item, given) => {
    given.encounter['type'] = [coded([SNOMED, '448337001'])];
    item['productOrService'] = coded(...billed);
    more(given);
  });

const crosswalk =
  (row: object = {}): Change =>
  (given) => {
    given.tables = {
      crosswalk: [{ record: `${SNOMED}|448337001`, billed: `${CPT}|99213`.toUpperCase(), ...row }].map((one) => ({
        ...one,
        record: one.record.toUpperCase(),
      })),
    };
  };

/** A record of something that was handed out or given. */
const shown = (given: Case, resource: Record<string, unknown>): Changeable => {
  const record = { id: exampleIds.other, ...resource } as Changeable;
  given.more.push(record);
  return record;
};

export const dispensed = (more: object = {}): Change =>
  line((item, given) => {
    const dispense = shown(given, {
      ...{ resourceType: 'MedicationDispense', status: 'completed', subject: given.claim['patient'] },
      ...{ medicationCodeableConcept: coded([RXNORM, '313782']), quantity: { value: 30 } },
      ...{ whenHandedOver: '2026-02-10T11:00:00+01:00', performer: [{ actor: to(given.practitioner) }], ...more },
    });
    given.claim['type'] = coded(['http://terminology.hl7.org/CodeSystem/claim-type', 'pharmacy']);
    given.claim['supportingInfo'] = [{ sequence: 1, category: {}, valueReference: to(dispense) }];
    delete item['encounter'];
    Object.assign(item, { informationSequence: [1], productOrService: coded([RXNORM, '313782']) });
    item['quantity'] = { value: 30 };
  });

/** A pharmacy's line that points to the visit at which the medicine was prescribed. */
export const prescribed = (request: object | undefined): Change =>
  line((item, given) => {
    given.claim['type'] = coded(['http://terminology.hl7.org/CodeSystem/claim-type', 'pharmacy']);
    item['productOrService'] = coded([RXNORM, '313782']);
    if (request === undefined) return;
    const record = shown(given, {
      ...{ resourceType: 'MedicationRequest', status: 'active', subject: given.claim['patient'] },
      ...{ medicationCodeableConcept: coded([RXNORM, '313782']), ...request },
    });
    given.claim['prescription'] = to(record);
  });

const immunized = (code: string): Change =>
  line((item, given) => {
    const record = shown(given, {
      ...{ resourceType: 'Immunization', status: 'completed', patient: given.claim['patient'] },
      ...{
        vaccineCode: coded(['http://hl7.org/fhir/sid/cvx', '140']),
        occurrenceDateTime: '2026-02-10T09:20:00+01:00',
      },
      performer: [{ actor: to(given.practitioner) }],
    });
    given.claim['supportingInfo'] = [{ sequence: 1, category: {}, valueReference: to(record) }];
    delete item['encounter'];
    Object.assign(item, {
      informationSequence: [1],
      productOrService: coded(['http://hl7.org/fhir/sid/cvx', code]),
    });
  });

/** A role at this provider that the practitioner has. */
const inRole =
  (role: object, more: Change = () => {}): Change =>
  (given) => {
    const record = shown(given, { resourceType: 'PractitionerRole', practitioner: to(given.practitioner), ...role });
    given.claim['careTeam'] = [{ sequence: 1, provider: to(record) }];
    more(given);
  };

export const EVIDENCE_CASES: readonly EvidenceCase[] = [
  {
    edit: 'patient-mismatch',
    title: 'a patient whose record another one has replaced',
    change: (given) => (given.patient['link'] = [{ other: { reference: 'Patient/x' }, type: 'replaced-by' }]),
    facts: { patient: `Patient/${exampleIds.patient}`, objection: 'replaced by another' },
    honest: [
      [
        'for a patient whose record replaces another one',
        (given) => (given.patient['link'] = [{ other: { reference: 'Patient/x' }, type: 'replaces' }]),
      ],
    ],
  },
  {
    edit: 'patient-mismatch',
    title: 'a patient whose record is not in use',
    change: (given) => (given.patient['active'] = false),
    facts: { patient: `Patient/${exampleIds.patient}`, objection: 'not in use' },
    honest: [['for a patient whose record is in use', (given) => (given.patient['active'] = true)]],
  },
  {
    edit: 'outside-lifetime',
    title: 'a service hours after the death, on the same day elsewhere',
    change: (given) => (given.patient['deceasedDateTime'] = '2026-02-10T02:00:00-05:00'),
    facts: { item: 1, service: '2026-02-10', deceasedDateTime: '2026-02-10T02:00:00-05:00' },
    honest: [
      [
        'for a visit before the death, whose day in UTC is an earlier one',
        (given) => {
          given.encounter['period'] = { start: '2026-02-11T00:10:00+01:00', end: '2026-02-11T00:20:00+01:00' };
          given.claim['billablePeriod'] = { start: '2026-02-11', end: '2026-02-11' };
          given.claim['item'].pop();
          delete given.claim['total'];
          given.licence!.end = '2026-12-31';
          given.patient['deceasedDateTime'] = '2026-02-10T23:30:00Z';
        },
      ],
      [
        'for a newborn, whose day in UTC is before the birth',
        (given) => {
          given.patient['birthDate'] = '2026-02-10';
          given.encounter['period'] = { start: '2026-02-09T20:00:00Z', end: '2026-02-09T20:30:00Z' };
          given.claim['item'].pop();
          delete given.claim['total'];
          given.claim['item'][0].servicedPeriod = { start: '2026-02-09T20:00:00Z', end: '2026-02-09T20:30:00Z' };
        },
      ],
    ],
  },
  {
    edit: 'outside-lifetime',
    title: 'a service after the record said that the patient is dead',
    change: (given) => {
      given.patient['deceasedBoolean'] = true;
      given.encounter['period'] = { start: '2026-02-13T09:00:00+01:00', end: '2026-02-13T09:40:00+01:00' };
      given.claim['billablePeriod'] = { start: '2026-02-13', end: '2026-02-13' };
      given.claim['item'].pop();
      delete given.claim['total'];
      given.now = '2026-02-14T08:00:00.000Z';
    },
    facts: { item: 1, service: '2026-02-13', deceasedBoolean: true, recordedAt: '2026-02-10T10:00:00.000Z' },
    honest: [
      ['of a patient who died after it, on a day unknown', (given) => (given.patient['deceasedBoolean'] = true)],
    ],
  },
  {
    edit: 'code-not-of-record',
    title: 'another code of the system that the visit is coded in',
    change: consulted([[SNOMED, '185349003']]),
    facts: { item: 1, billed: `${SNOMED}|185349003`, recorded: `${SNOMED}|448337001`, crosswalk: null },
    honest: [
      ['by the code of the visit', consulted([[SNOMED, '448337001']])],
      ['by a code of another system, where the payer has no crosswalk', consulted([[CPT, '99213']])],
      [
        'by the code of the visit and one of another system',
        consulted([
          [CPT, '99213'],
          [SNOMED, '448337001'],
        ]),
      ],
    ],
  },
  {
    edit: 'code-not-of-record',
    title: 'a higher level next to the code of the visit',
    change: all(
      consulted([
        [SNOMED, '448337001'],
        [CPT, '99215'],
      ]),
      crosswalk(),
    ),
    facts: {
      ...{ item: 1, billed: `${SNOMED}|448337001 ${CPT}|99215`, recorded: `${SNOMED}|448337001` },
      crosswalk: 2,
    },
    honest: [
      ['by the code that the crosswalk has for the visit', all(consulted([[CPT, '99213']]), crosswalk())],
      [
        'by both codes',
        all(
          consulted([
            [CPT, '99213'],
            [SNOMED, '448337001'],
          ]),
          crosswalk(),
        ),
      ],
      [
        'by a code of one’s own beside it',
        all(
          consulted([
            [CPT, '99213'],
            ['urn:own', 'A'],
          ]),
          crosswalk(),
        ),
      ],
    ],
  },
  {
    edit: 'code-not-of-record',
    title: 'a code that the crosswalk has for other visits',
    change: all(consulted([[CPT, '99213']]), crosswalk({ record: `${SNOMED}|185349003` })),
    facts: { item: 1, billed: `${CPT}|99213`, recorded: `${SNOMED}|448337001`, crosswalk: 2 },
    honest: [],
  },
  {
    edit: 'code-not-of-record',
    title: 'a row of the crosswalk that ended the day before',
    change: all(consulted([[CPT, '99213']]), crosswalk({ until: '2026-02-09' })),
    facts: { item: 1, billed: `${CPT}|99213`, recorded: `${SNOMED}|448337001`, crosswalk: 2 },
    honest: [['on the last day of the row', all(consulted([[CPT, '99213']]), crosswalk({ until: '2026-02-10' }))]],
  },
  {
    edit: 'code-not-of-record',
    title: 'a higher level in a detail',
    change: all(
      consulted([[SNOMED, '448337001']], (given) => {
        given.claim['item'][0].detail = [
          { sequence: 1, productOrService: coded([CPT, '99213']), net: { value: 60, currency: 'USD' } },
          { sequence: 2, productOrService: coded([CPT, '99215']), net: { value: 60, currency: 'USD' } },
        ];
      }),
      crosswalk(),
    ),
    facts: {
      ...{ item: 1, detail: 2, billed: `${CPT}|99215`, recorded: `${SNOMED}|448337001`, crosswalk: 2 },
    },
    honest: [
      [
        'in details that fit',
        all(
          consulted([[SNOMED, '448337001']], (given) => {
            given.claim['item'][0].detail = [
              { sequence: 1, productOrService: coded([CPT, '99213']), net: { value: 120, currency: 'USD' } },
            ];
          }),
          crosswalk(),
        ),
      ],
    ],
  },
  {
    edit: 'code-not-of-record',
    title: 'a vaccine that was not given',
    change: immunized('141'),
    facts: {
      ...{ item: 1, billed: 'http://hl7.org/fhir/sid/cvx|141', recorded: 'http://hl7.org/fhir/sid/cvx|140' },
      crosswalk: null,
    },
    honest: [['for a vaccine that was given', immunized('140')]],
  },
  {
    edit: 'dispense-not-shown',
    title: 'a medicine that was neither prescribed nor dispensed',
    change: prescribed(undefined),
    facts: { item: 1 },
    honest: [
      ['for a medicine that was dispensed', dispensed()],
      [
        'for a medicine that is named by reference',
        all(
          dispensed({ medicationCodeableConcept: undefined, medicationReference: { reference: 'Medication/m' } }),
          (given) => given.more.push({ resourceType: 'Medication', id: 'm', code: coded([RXNORM, '313782']) }),
        ),
      ],
    ],
  },
  {
    edit: 'dispense-not-shown',
    title: 'a prescription of another medicine',
    change: prescribed({ medicationCodeableConcept: coded([RXNORM, '197591']) }),
    facts: { item: 1 },
    honest: [['for a medicine that was prescribed: it waits for its dispense', prescribed({})]],
  },
  {
    edit: 'dispense-not-shown',
    title: 'a prescription that was entered in error',
    change: prescribed({ status: 'entered-in-error' }),
    facts: { item: 1 },
    honest: [],
  },
  {
    edit: 'service-not-shown',
    title: 'a medicine that nobody fetched',
    change: dispensed({ status: 'stopped' }),
    facts: { item: 1, service: `MedicationDispense/${exampleIds.other}`, objection: 'not done' },
    honest: [],
  },
  {
    edit: 'units-exceeded',
    title: 'more of a medicine than was dispensed',
    change: dispensed({ quantity: { value: 10 } }),
    facts: { item: 1, units: 30, dispensed: 10 },
    honest: [['for part of what was dispensed', dispensed({ quantity: { value: 60 } })]],
  },
  {
    edit: 'practitioner-not-licensed',
    title: 'somebody without a licence behind a role',
    change: inRole({}, (given) => {
      given.more.push({
        resourceType: 'Practitioner',
        id: 'b',
        identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9' }],
      });
      given.more.find(({ resourceType }) => resourceType === 'PractitionerRole')!['practitioner'] = {
        reference: 'Practitioner/b',
      };
    }),
    facts: { item: 1, practitioner: '9', objection: 'licence-absent' },
    honest: [
      ['by somebody behind a role', inRole({ active: true, period: { start: '2020', end: '2026-02' } })],
      [
        'by a team whose organisation is named beside it',
        (given) => {
          given.claim['careTeam'] = [
            { sequence: 1, provider: { reference: 'Organization/o' } },
            { sequence: 2, provider: { type: 'Organization', identifier: { value: 'o' } } },
          ];
        },
      ],
    ],
  },
  {
    edit: 'practitioner-not-licensed',
    title: 'a role that nobody shows',
    change: (given) => {
      given.claim['careTeam'] = [{ sequence: 1, provider: { reference: 'PractitionerRole/x' } }];
    },
    facts: { item: 1, objection: 'practitioner not identified' },
    honest: [],
  },
  {
    edit: 'practitioner-not-licensed',
    title: 'a role that ended before',
    change: inRole({ period: { end: '2026-01-31' } }),
    facts: { item: 1, practitioner: exampleNumber, objection: 'role not in force' },
    honest: [],
  },
  {
    edit: 'practitioner-not-licensed',
    title: 'a suspension that ended only after the service',
    change: (given) => {
      given.licence = {
        ...{ ...given.licence!, end: '2027-12-31', effective: '2026-02-11' },
        history: [
          {
            ...{ status: 'suspended', start: '2020-01-01', end: '2027-12-31', effective: '2026-01-01' },
            updatedAt: '2026-01-01T00:00:00.000Z',
          },
        ],
      };
    },
    facts: { item: 1, practitioner: exampleNumber, objection: 'licence-suspended' },
    honest: [
      [
        'by somebody who was suspended after it',
        (given) => {
          const { status: _, ...before } = given.licence!;
          given.licence = {
            ...{ ...before, status: 'suspended', end: '2027-12-31', effective: '2026-02-11' },
            history: [
              {
                ...{ status: 'active', start: '2020-01-01', end: '2027-12-31', effective: '2020-01-01' },
                updatedAt: '2026-01-01T00:00:00.000Z',
              },
            ],
          };
        },
      ],
    ],
  },
];
