/** What the decision tables speak of: who asks, for which records, and how consents are written. */
import type { ConsentRefusal } from '../../model/consent-refusals.ts';
import type { Resource } from '../../model/fhir.ts';
import { ORGANISATION_SYSTEM } from '../../model/organisations.ts';
import type { BoundActors, ConsentContent } from '../consent-content.ts';
import type { AccessFacts, ConsentReason, LedgerConsent } from '../consents.ts';

export const NOW = '2026-03-01T12:00:00.000Z';

export const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
export const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
export const NPI = 'http://hl7.org/fhir/sid/us-npi';

/** A row: one or more consents, who asks for what, and what comes of it. */
export interface Row {
  what: string;
  consents: object[];
  /** Who asks, by its name in ASKED. */
  asks: keyof typeof ASKED;
  purpose?: string;
  /** Which record, by its name in RECORDS. */
  record?: keyof typeof RECORDS;
  gives: 'permit' | Exclude<ConsentReason, 'consent-permits'>;
}

/** A consent as it is given: taken, or refused by these rules. */
export interface Given {
  what: string;
  consent: object;
  refused: ConsentRefusal[];
}

export interface Table {
  title: string;
  about: string;
  given?: Given[];
  rows?: Row[];
}

const practitioner = (id: string): Pick<AccessFacts, 'practitioner' | 'role'> => ({
  practitioner: `Practitioner/${id}`,
  role: 'practitioner',
});
const of = (organisation: string, more: Partial<AccessFacts> = {}): Omit<AccessFacts, 'purpose'> => ({
  ...{ organisation, holder: 'hospital', role: 'system' },
  ...more,
});

/** Whom the cases have ask, all of the hospital. */
export const ASKED = {
  "the clinic's system": of('clinic'),
  "the clinic's Dr Primary": of('clinic', {
    ...practitioner('primary'),
    identifiers: [{ system: NPI, value: '1234567893' }],
  }),
  "the clinic's nurse": of('clinic', { ...practitioner('nurse'), identifiers: [{ system: NPI, value: '1679576722' }] }),
  "a practitioner of the clinic's who does not say who": of('clinic', { role: 'practitioner' }),
  "the laboratory's system": of('laboratory'),
  'the payer': of('payer'),
  'a caretaker': of('patients', { role: 'caretaker', practitioner: 'RelatedPerson/daughter' }),
} satisfies Record<string, Omit<AccessFacts, 'purpose'>>;

const subject = { subject: { reference: 'Patient/p1' } };
const observation = (id: string, more: object): Resource => ({ resourceType: 'Observation', id, ...subject, ...more });
const labelled = (...labels: [system: string, code: string][]): object => ({
  meta: { security: labels.map(([system, code]) => ({ system, code })) },
});
const sensitive = (...codes: string[]): object => labelled(...codes.map((code): [string, string] => [ACT_CODE, code]));

/** The records that are asked for. */
export const RECORDS = {
  'a blood sugar of June 2022, taken in encounter e1, by Dr Author': observation('sugar', {
    code: { coding: [{ system: 'http://loinc.org', code: '2339-0' }] },
    encounter: { reference: 'Encounter/e1' },
    performer: [{ reference: 'Practitioner/author' }],
    effectiveDateTime: '2022-06-13',
  }),
  'a weight of 2004, by nobody named': observation('weight', { effectiveDateTime: '2004-12-25' }),
  'a prescription': { resourceType: 'MedicationRequest', id: 'm1', ...subject, authoredOn: '2025-01-01' },
  'a result of the order': {
    resourceType: 'DiagnosticReport',
    id: 'lipid',
    ...subject,
    basedOn: [{ reference: 'CarePlan/order' }],
  },
  'a record labelled N': observation('n', labelled([CONFIDENTIALITY, 'N'])),
  'a record labelled R': observation('r', labelled([CONFIDENTIALITY, 'R'])),
  'a record labelled V': observation('v', labelled([CONFIDENTIALITY, 'V'])),
  'a record labelled ETH': observation('eth', sensitive('ETH')),
  'a record labelled ETHUD': observation('ethud', sensitive('ETHUD')),
  'a record labelled OPIOIDUD': observation('opioid', sensitive('OPIOIDUD')),
  'a record labelled PSY': observation('psy', sensitive('PSY')),
  'a record labelled HIV': observation('hiv', sensitive('HIV')),
  'a record labelled SDV': observation('sdv', sensitive('SDV')),
  'a record labelled N and PSY': observation('npsy', labelled([CONFIDENTIALITY, 'N'], [ACT_CODE, 'PSY'])),
  'a record labelled PSY without its code system': observation('bare', { meta: { security: [{ code: 'PSY' }] } }),
  'a letter whose own security label is R': {
    resourceType: 'DocumentReference',
    id: 'letter',
    ...subject,
    securityLabel: [{ coding: [{ system: CONFIDENTIALITY, code: 'R' }] }],
  },
  'a CDA document': {
    resourceType: 'DocumentReference',
    id: 'cda',
    ...subject,
    type: { coding: [{ system: 'http://loinc.org', code: '34133-9' }] },
    content: [{ attachment: { contentType: 'application/hl7-cda+xml' } }],
  },
} satisfies Record<string, Resource>;

/** What the practitioners and identifiers that the cases name were found to be when the consent was given. */
export const BOUND: BoundActors = {
  'Practitioner/primary': [{ organisation: 'clinic', practitioner: 'Practitioner/primary' }],
  'Practitioner/nurse': [{ organisation: 'clinic', practitioner: 'Practitioner/nurse' }],
  'PractitionerRole/cardiology': [{ organisation: 'clinic', practitioner: 'Practitioner/primary' }],
  [`${NPI}|1234567893`]: [{ organisation: 'clinic', practitioner: 'Practitioner/primary' }],
  [`${NPI}|1679576722`]: [{ organisation: 'clinic', practitioner: 'Practitioner/nurse' }],
};

export const consent = (content: object): ConsentContent => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  patient: { reference: 'Patient/p1' },
  ...content,
});

export const inForce = (content: object, id = 'c1'): LedgerConsent => ({
  id,
  version: 1,
  status: 'active',
  resource: consent(content),
  actors: BOUND,
});

export const policy = (code: string): object => ({ policyRule: { coding: [{ system: ACT_CODE, code }] } });
export const OPTIN = policy('OPTIN');
export const OPTOUT = policy('OPTOUT');
export const purposes = (...codes: string[]): object => ({
  purpose: codes.map((code) => ({ system: ACT_REASON, code })),
});
export const labels = (...codes: string[]): object => ({
  securityLabel: codes.map((code) => ({ system: /^[ULMNRV]$/.test(code) ? CONFIDENTIALITY : ACT_CODE, code })),
});
export const role = (code: string, system = PARTICIPATION): object => ({ role: { coding: [{ system, code }] } });
export const recipients = (...references: object[]): object => ({
  actor: references.map((reference) => ({ ...role('PRCP'), reference })),
});
export const organisation = (value: string): object => ({ identifier: { system: ORGANISATION_SYSTEM, value } });
export const reference = (text: string): object => ({ reference: text });
export const rule = (provision: object, base: object = {}): object => ({ ...base, provision });

export const CLINIC = 'clinic';
