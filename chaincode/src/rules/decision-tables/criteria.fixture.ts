/** Purposes, labels, actors, and what several consents come to together. */

import { referenceTo } from '../../model/organisations.ts';
import {
  type ASKED,
  CLINIC,
  labels,
  NPI,
  OPTIN,
  OPTOUT,
  organisation,
  purposes,
  type Row,
  recipients,
  reference,
  role,
  rule,
} from './cases.fixture.ts';
import { levels } from './pcf.fixture.ts';

const withheld = (...codes: string[]): object =>
  rule({ type: 'permit', provision: [{ type: 'deny', ...labels(...codes) }] });
export const LABEL_ROWS: Row[] = [
  ...levels('permits all but PSY', withheld('PSY'), { PSY: 'consent-denied', HIV: 'permit', N: 'permit' }),
  ...levels('permits all but ETH', withheld('ETH'), {
    ETH: 'consent-denied',
    ETHUD: 'consent-denied',
    OPIOIDUD: 'consent-denied',
    PSY: 'permit',
  }),
  ...levels('permits all but SPI, of which PSY and OPIOIDUD are kinds', withheld('SPI'), {
    PSY: 'consent-denied',
    OPIOIDUD: 'consent-denied',
    HIV: 'permit',
    SDV: 'permit',
  }),
  ...levels('permits all but SUD', withheld('SUD'), {
    OPIOIDUD: 'consent-denied',
    ETHUD: 'consent-denied',
    PSY: 'permit',
  }),
  ...levels('permits all but OPIOIDUD', withheld('OPIOIDUD'), {
    OPIOIDUD: 'consent-denied',
    ETHUD: 'permit',
    ETH: 'permit',
  }),
  ...levels('permits all but SDV and HIV', withheld('SDV', 'HIV'), {
    SDV: 'consent-denied',
    HIV: 'consent-denied',
    PSY: 'permit',
  }),
  ...levels('permits SPI', rule({ type: 'permit', ...labels('SPI') }), {
    PSY: 'permit',
    OPIOIDUD: 'permit',
    HIV: 'consent-absent',
    N: 'consent-absent',
  }),
  ...levels('permits PSY', rule({ type: 'permit', ...labels('PSY') }), { PSY: 'permit', OPIOIDUD: 'consent-absent' }),
  ...levels('permits ETH: R4 does not list OPIOIDUD under it', rule({ type: 'permit', ...labels('ETH') }), {
    ETH: 'permit',
    OPIOIDUD: 'consent-absent',
  }),
  ...levels('permits up to N: what is sensitive is restricted', rule({ type: 'permit', ...labels('N') }), {
    N: 'permit',
    PSY: 'consent-absent',
    'N and PSY': 'consent-absent',
  }),
  ...levels('permits up to R', rule({ type: 'permit', ...labels('R') }), {
    R: 'permit',
    PSY: 'permit',
    V: 'consent-absent',
  }),
  ...levels('permits all but R and more', withheld('R'), {
    N: 'permit',
    R: 'consent-denied',
    V: 'consent-denied',
    HIV: 'consent-denied',
  }),
  ...levels('permits all but PSY', withheld('PSY'), { 'PSY without its code system': 'consent-denied' }),
  ...levels('permits PSY', rule({ type: 'permit', ...labels('PSY') }), { 'PSY without its code system': 'permit' }),
  {
    what: 'permits all but R and more',
    consents: [withheld('R')],
    asks: "the clinic's system",
    record: 'a letter whose own security label is R',
    gives: 'consent-denied',
  },
];

const asked = (what: string, one: object, given: Record<string, Row['gives']>): Row[] =>
  Object.entries(given).map(([purpose, gives]) => ({
    what,
    consents: [one],
    asks: "the clinic's Dr Primary",
    purpose,
    gives,
  }));
const permits = (...codes: string[]): object => rule({ type: 'permit', ...purposes(...codes) });
const denies = (...codes: string[]): object => rule({ type: 'deny', ...purposes(...codes) }, OPTIN);
export const PURPOSE_ROWS: Row[] = [
  ...asked('permits TREAT', permits('TREAT'), {
    TREAT: 'permit',
    ETREAT: 'permit',
    ERTREAT: 'permit',
    COC: 'permit',
    BTG: 'consent-absent',
    HPAYMT: 'consent-absent',
  }),
  ...asked('permits ETREAT', permits('ETREAT'), {
    TREAT: 'consent-absent',
    ETREAT: 'permit',
    ERTREAT: 'permit',
    BTG: 'consent-absent',
  }),
  ...asked('permits HPAYMT', permits('HPAYMT'), {
    HPAYMT: 'permit',
    CLMATTCH: 'permit',
    ELIGVER: 'permit',
    TREAT: 'consent-absent',
  }),
  ...asked('permits CLMATTCH', permits('CLMATTCH'), { CLMATTCH: 'permit', HPAYMT: 'consent-absent' }),
  ...asked('opts in, and denies TREAT', denies('TREAT'), {
    TREAT: 'consent-denied',
    ETREAT: 'consent-denied',
    ERTREAT: 'consent-denied',
    BTG: 'permit',
    HPAYMT: 'permit',
  }),
  ...asked('opts in, and denies ETREAT', denies('ETREAT'), {
    TREAT: 'permit',
    ETREAT: 'consent-denied',
    BTG: 'permit',
  }),
  ...asked('opts in, and denies BTG', denies('BTG'), { TREAT: 'permit', ETREAT: 'permit', BTG: 'consent-denied' }),
  ...asked('denies', rule({ type: 'deny' }), { TREAT: 'consent-denied', BTG: 'consent-absent' }),
  ...asked('opts out', OPTOUT, { TREAT: 'consent-denied', BTG: 'consent-absent' }),
  ...asked('denies everything, BTG by name', rule({ type: 'deny', ...purposes('PurposeOfUse', 'BTG') }), {
    TREAT: 'consent-denied',
    HRESCH: 'consent-denied',
    BTG: 'consent-denied',
  }),
];

const to = (...references: object[]): object => rule({ type: 'permit', ...recipients(...references) });
const notTo = (...references: object[]): object => rule({ type: 'deny', ...recipients(...references) }, OPTIN);
const people = (what: string, one: object, given: Partial<Record<keyof typeof ASKED, Row['gives']>>): Row[] =>
  Object.entries(given).map(([asks, gives]) => ({
    what,
    consents: [one],
    asks: asks as keyof typeof ASKED,
    gives: gives!,
  }));
const npi = (value: string): object => ({ identifier: { system: NPI, value } });
const inRole = (code: string, reference: object): object => ({
  actor: [{ ...role(code, 'https://telemed-ledger.example/fhir/CodeSystem/role'), reference }],
});
const UNNAMED = "a practitioner of the clinic's who does not say who";
export const ACTOR_ROWS: Row[] = [
  ...people('to the clinic, by identifier', to(organisation(CLINIC)), {
    "the clinic's system": 'permit',
    "the clinic's nurse": 'permit',
    [UNNAMED]: 'permit',
    "the laboratory's system": 'consent-absent',
  }),
  ...people('to the clinic, by reference', to(reference('Organization/clinic')), {
    "the clinic's system": 'permit',
    'the payer': 'consent-absent',
  }),
  ...people('to the clinic, by absolute URL', to(reference('https://telemed-ledger.example/organisations/clinic')), {
    "the clinic's system": 'permit',
    'the payer': 'consent-absent',
  }),
  ...people(
    'to a clinic of another server, as it was taken before such were refused',
    to(reference('https://elsewhere.example/fhir/R4/Organization/clinic')),
    { "the clinic's system": 'consent-absent', 'the payer': 'consent-absent' },
  ),
  ...people('to Dr Primary, by reference', to(reference('Practitioner/primary')), {
    "the clinic's Dr Primary": 'permit',
    "the clinic's nurse": 'consent-absent',
    "the clinic's system": 'consent-absent',
    [UNNAMED]: 'consent-absent',
  }),
  ...people('to Dr Primary, in full', to(reference(referenceTo('clinic', 'Practitioner/primary'))), {
    "the clinic's Dr Primary": 'permit',
    "the clinic's nurse": 'consent-absent',
  }),
  ...people('to Dr Primary, by NPI', to(npi('1234567893')), {
    "the clinic's Dr Primary": 'permit',
    "the clinic's nurse": 'consent-absent',
    [UNNAMED]: 'consent-absent',
  }),
  ...people('to Dr Primary, by his role', to(reference('PractitionerRole/cardiology')), {
    "the clinic's Dr Primary": 'permit',
    "the clinic's nurse": 'consent-absent',
  }),
  ...people(
    "to the clinic's practitioners",
    rule({ type: 'permit', ...inRole('practitioner', organisation(CLINIC)) }),
    { "the clinic's nurse": 'permit', [UNNAMED]: 'permit', "the clinic's system": 'consent-absent' },
  ),
  ...people('to a related person', to(reference('RelatedPerson/daughter')), {
    'a caretaker': 'permit',
    "the clinic's system": 'consent-absent',
  }),
  ...people('to all but the clinic', notTo(organisation(CLINIC)), {
    "the clinic's system": 'consent-denied',
    "the clinic's nurse": 'consent-denied',
    'the payer': 'permit',
  }),
  ...people(
    'to all but a clinic of another server, as it was taken before such were refused',
    notTo(reference('https://elsewhere.example/fhir/R4/Organization/clinic')),
    { "the clinic's system": 'consent-denied', 'the payer': 'permit' },
  ),
  ...people('to all but the nurse, by reference', notTo(reference('Practitioner/nurse')), {
    "the clinic's nurse": 'consent-denied',
    "the clinic's Dr Primary": 'permit',
    "the clinic's system": 'permit',
    [UNNAMED]: 'consent-denied',
  }),
  ...people('to all but the nurse, by NPI', notTo(npi('1679576722')), {
    "the clinic's nurse": 'consent-denied',
    "the clinic's Dr Primary": 'permit',
    [UNNAMED]: 'consent-denied',
  }),
  ...people(
    "to all but the clinic's practitioners",
    rule({ type: 'deny', ...inRole('practitioner', organisation(CLINIC)) }, OPTIN),
    { "the clinic's nurse": 'consent-denied', "the clinic's system": 'permit' },
  ),
  ...people(
    'what the hospital holds, to the clinic',
    rule({
      type: 'permit',
      actor: [
        { ...role('CST'), reference: organisation('hospital') },
        { ...role('PRCP'), reference: organisation(CLINIC) },
      ],
    }),
    { "the clinic's system": 'permit', 'the payer': 'consent-absent' },
  ),
];

const several = (what: string, consents: object[], gives: Row['gives'], more: Partial<Row> = {}): Row => ({
  ...{ what, consents, asks: "the clinic's Dr Primary", gives },
  ...more,
});
export const CONFLICT_ROWS: Row[] = [
  several('one opts in, one opts out', [OPTIN, OPTOUT], 'consent-denied'),
  several(
    'one opts in, one denies the clinic',
    [OPTIN, rule({ type: 'deny', ...recipients(organisation(CLINIC)) })],
    'consent-denied',
  ),
  several(
    'one permits Dr Primary, one denies the nurse',
    [to(reference('Practitioner/primary')), rule({ type: 'deny', ...recipients(reference('Practitioner/nurse')) })],
    'permit',
  ),
  several(
    'one opts out but for the clinic, one permits the payer',
    [rule({ type: 'permit', ...recipients(organisation(CLINIC)) }, OPTOUT), to(organisation('payer'))],
    'consent-denied',
    { asks: 'the payer' },
  ),
  several(
    'one permits, one denied until yesterday',
    [OPTIN, rule({ type: 'deny', period: { end: '2026-02-28' } })],
    'permit',
  ),
  several(
    'one permits, one denies from tomorrow',
    [OPTIN, rule({ type: 'deny', period: { start: '2026-03-02' } })],
    'permit',
  ),
  several(
    'one permits treatment, one denies payment',
    [permits('TREAT'), rule({ type: 'deny', ...purposes('HPAYMT') })],
    'permit',
  ),
  several(
    'one has expired, one permits',
    [rule({ type: 'permit', period: { end: '2026-02-28' } }), permits('TREAT')],
    'permit',
  ),
  several(
    'two of two meanings, one of them with a denial',
    [
      rule({ ...recipients(organisation(CLINIC)) }, OPTIN),
      rule({ type: 'permit', provision: [{ type: 'permit' }, { type: 'deny', ...purposes('TREAT') }] }),
    ],
    'consent-denied',
  ),
  several('one of two meanings alone', [rule({ ...recipients(organisation(CLINIC)) }, OPTIN)], 'consent-absent'),
  several(
    'one of two meanings, one that permits',
    [rule({ ...recipients(organisation(CLINIC)) }, OPTIN), to(organisation(CLINIC))],
    'permit',
  ),
];
