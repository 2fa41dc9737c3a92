/** The examples of IHE's Privacy Consent on FHIR (profiles.ihe.net/ITI/PCF), Basic, Intermediate and Advanced. */
import { type Given, labels, purposes, type RECORDS, type Row, recipients, reference } from './cases.fixture.ts';

/** What IHE's examples have in common: accepted for treatment, payment and operations. */
const TPO = purposes('TREAT', 'HPAYMT', 'HOPERAT');
const pcf = (root: object): object => ({
  policy: [{ uri: 'http://example.org/policies/basePrivacyConsentPolicy.txt' }],
  provision: root,
});
const ENCOUNTER = { data: [{ meaning: 'related', reference: { reference: 'Encounter/e1' } }] };
const BY_AUTHOR = { data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/author' } }] };
const THIS = { data: [{ meaning: 'instance', reference: { reference: 'Observation/sugar' } }] };
const IN_2022 = { dataPeriod: { start: '2022-01', end: '2022-12' } };
const permit = (more: object = {}): object => pcf({ type: 'permit', ...TPO, ...more });
const but = (more: object): object => permit({ provision: [{ type: 'deny', ...more }] });
const SUGAR = 'a blood sugar of June 2022, taken in encounter e1, by Dr Author';
const WEIGHT = 'a weight of 2004, by nobody named';

/** Both of a pair of records, one that the consent means and one that it does not. */
const both = (what: string, one: object, gives: [Row['gives'], Row['gives']]): Row[] =>
  ([SUGAR, WEIGHT] as const).map((record, index) => ({
    what,
    consents: [one],
    asks: "the clinic's Dr Primary",
    record,
    gives: gives[index]!,
  }));

export const levels = (
  what: string,
  one: object,
  given: Record<string, Row['gives']>,
  asks: Row['asks'] = "the clinic's Dr Primary",
): Row[] =>
  Object.entries(given).map(([code, gives]) => ({
    what,
    consents: [one],
    asks,
    record: `a record labelled ${code}` as keyof typeof RECORDS,
    gives,
  }));

const focused = (more: object): object =>
  permit({
    ...labels('N'),
    provision: [{ type: 'permit', ...recipients(reference('Practitioner/primary')), ...more }],
  });
/** What was meant by a permission inside a permission, written as two consents. */
const asTwo = (code: string): object[] => [
  permit(labels('N')),
  permit({ ...labels(code), ...recipients(reference('Practitioner/primary')) }),
];

export const PCF_GIVEN: Given[] = [
  { what: 'basic-treat', consent: permit(), refused: [] },
  { what: 'basic-reject', consent: pcf({ type: 'deny', ...TPO }), refused: [] },
  { what: 'intermediate-timeframe', consent: permit(IN_2022), refused: [] },
  { what: 'intermediate-not-encounter', consent: but(ENCOUNTER), refused: [] },
  {
    what: 'intermediate-purpose: a purpose of nobody else',
    consent: pcf({ type: 'permit', purpose: [{ system: 'http://example.org/policies/purposeOfUse', code: 'FooBar' }] }),
    refused: ['unknown-purpose'],
  },
  {
    what: 'dissent-break-glass, with a Group',
    consent: pcf({
      type: 'deny',
      provision: [{ type: 'permit', ...purposes('BTG'), ...recipients(reference('Group/ex-privilegedUsers')) }],
    }),
    refused: ['actor-unsupported'],
  },
  { what: 'advanced-normal', consent: permit(labels('N')), refused: [] },
  {
    what: 'advanced-normal-not-restricted',
    consent: permit({ ...labels('N'), provision: [{ type: 'deny', ...labels('R') }] }),
    refused: [],
  },
  { what: 'advanced-normal-focused-restricted', consent: focused(labels('R')), refused: ['nested-permit'] },
  { what: 'advanced-normal-focused-psy-or-sdv', consent: focused(labels('PSY', 'SDV')), refused: ['nested-permit'] },
  {
    what: 'advanced-normal-break-glass-restricted',
    consent: permit({ ...labels('N'), provision: [{ type: 'permit', ...purposes('BTG'), ...labels('R') }] }),
    refused: ['nested-permit'],
  },
];

export const PCF_ROWS: Row[] = [
  ...(['TREAT', 'HPAYMT', 'HOPERAT'] as const).map(
    (purpose): Row => ({
      what: 'basic-treat',
      consents: [permit()],
      asks: "the clinic's Dr Primary",
      purpose,
      gives: 'permit',
    }),
  ),
  {
    what: 'basic-treat',
    consents: [permit()],
    asks: "the clinic's Dr Primary",
    purpose: 'HRESCH',
    gives: 'consent-absent',
  },
  {
    what: 'basic-reject',
    consents: [pcf({ type: 'deny', ...TPO })],
    asks: "the clinic's Dr Primary",
    gives: 'consent-denied',
  },
  {
    what: 'expired-treat',
    consents: [permit({ period: { end: '2022-12-31' } })],
    asks: "the clinic's Dr Primary",
    gives: 'consent-expired',
  },
  ...both('intermediate-timeframe', permit(IN_2022), ['permit', 'consent-absent']),
  ...both('intermediate-not-timeframe', but(IN_2022), ['consent-denied', 'permit']),
  ...both('intermediate-authoredby', permit(BY_AUTHOR), ['permit', 'consent-absent']),
  ...both('intermediate-not-authoredby', but(BY_AUTHOR), ['consent-denied', 'permit']),
  ...both('intermediate-encounter', permit(ENCOUNTER), ['permit', 'consent-absent']),
  ...both('intermediate-data', permit(THIS), ['permit', 'consent-absent']),
  ...both('intermediate-not-data', but(THIS), ['consent-denied', 'permit']),
  {
    what: 'dissent-break-glass, for treatment',
    consents: [pcf({ type: 'deny', provision: [{ type: 'permit', ...purposes('BTG') }] })],
    asks: "the clinic's Dr Primary",
    gives: 'consent-denied',
  },
  {
    what: 'dissent-break-glass, breaking the glass',
    consents: [pcf({ type: 'deny', provision: [{ type: 'permit', ...purposes('BTG') }] })],
    asks: "the clinic's Dr Primary",
    purpose: 'BTG',
    gives: 'permit',
  },
  ...levels('advanced-normal', permit(labels('N')), {
    N: 'permit',
    R: 'consent-absent',
    V: 'consent-absent',
    ETHUD: 'consent-absent',
  }),
  ...levels('advanced-normal-restricted', permit(labels('N', 'R')), {
    N: 'permit',
    R: 'permit',
    V: 'consent-absent',
    ETHUD: 'permit',
  }),
  ...levels(
    'advanced-normal-not-restricted',
    permit({ ...labels('N'), provision: [{ type: 'deny', ...labels('R') }] }),
    { N: 'permit', R: 'consent-absent' },
  ),
  ...(['N', 'R', 'PSY'] as const).map(
    (code): Row => ({
      what: 'advanced-normal-focused-psy, written as two consents, to the practitioner',
      consents: asTwo('PSY'),
      asks: "the clinic's Dr Primary",
      record: `a record labelled ${code}`,
      gives: code === 'R' ? 'consent-absent' : 'permit',
    }),
  ),
  {
    what: 'advanced-normal-focused-psy, written as two consents, to another',
    consents: asTwo('PSY'),
    asks: "the clinic's nurse",
    record: 'a record labelled PSY',
    gives: 'consent-absent',
  },
];
