/** Consents that are refused when they are given, and their neighbours that are not. */
import type { ConsentRefusal } from '../../model/consent-refusals.ts';
import { referenceTo } from '../../model/organisations.ts';
import {
  ACT_CODE,
  ACT_REASON,
  CLINIC,
  CONFIDENTIALITY,
  type Given,
  labels,
  OPTIN,
  OPTOUT,
  organisation,
  policy,
  purposes,
  recipients,
  reference,
  role,
  rule,
} from './cases.fixture.ts';

const refused = (what: string, one: object, ...rules: ConsentRefusal[]): Given => ({
  what,
  consent: one,
  refused: rules,
});
const SOURCE = 'http://example.org/unknown';
const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
export const REFUSALS: Given[] = [
  refused('a root of an actor without a type', rule(recipients(organisation(CLINIC)), OPTIN), 'root-without-type'),
  refused('a root of a purpose without a type', rule(purposes('TREAT'), OPTOUT), 'root-without-type'),
  refused(
    'a root without a type that only groups',
    rule({ provision: [{ type: 'permit', ...purposes('TREAT') }] }, OPTOUT),
  ),
  refused('a root without a type that has an extension', rule({ extension: [{ url: SOURCE, valueCode: 'x' }] }, OPTIN)),
  refused(
    'a permission in an opt-in',
    rule({ provision: [{ type: 'permit', ...purposes('TREAT') }] }, OPTIN),
    'nested-permit',
  ),
  refused(
    'a permission in a permission',
    rule({ type: 'permit', provision: [{ type: 'permit', ...purposes('TREAT') }] }),
    'nested-permit',
  ),
  refused(
    'a permission in a denial in a permission',
    rule({
      type: 'permit',
      provision: [
        { type: 'deny', ...purposes('TREAT'), provision: [{ type: 'permit', ...recipients(organisation(CLINIC)) }] },
      ],
    }),
  ),
  refused(
    'a denial in a denial, which adds nothing',
    rule({ type: 'deny', provision: [{ type: 'deny', ...purposes('TREAT') }] }),
  ),
  refused(
    'an exception without a type',
    rule({ type: 'permit', provision: [purposes('TREAT')] }),
    'nested-without-type',
  ),
  refused(
    'an exception to everything',
    rule({ type: 'permit', ...purposes('TREAT'), provision: [{ type: 'deny', ...purposes('TREAT') }] }),
    'nested-cancels',
  ),
  refused('a type of its own', rule({ type: 'perhaps' }), 'unknown-type'),
  refused(
    'an opt-in and an opt-out',
    { policyRule: { coding: [{ code: 'OPTIN' }, { code: 'OPTOUT' }] } },
    'policy-rule-not-one',
  ),
  refused('a directive that is not kept', policy('EMRGONLY'), 'policy-rule-unknown'),
  refused('a policy by its name', {
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentpolicycodes', code: 'cric' }] },
  }),
  refused(
    'a modifier extension of the consent',
    { ...OPTIN, modifierExtension: [{ url: SOURCE }] },
    'modifier-extension',
  ),
  refused(
    'a modifier extension of a nested actor',
    rule({
      type: 'permit',
      provision: [
        {
          type: 'deny',
          actor: [{ ...role('PRCP'), reference: organisation(CLINIC), modifierExtension: [{ url: SOURCE }] }],
        },
      ],
    }),
    'modifier-extension',
  ),
  refused(
    'a modifier extension in what it contains',
    { ...OPTIN, contained: [{ resourceType: 'Practitioner', id: 'x', modifierExtension: [{ url: SOURCE }] }] },
    'modifier-extension',
  ),
  refused('implicit rules', { ...OPTIN, implicitRules: SOURCE }, 'implicit-rules'),
  refused(
    'two scopes',
    {
      ...OPTIN,
      scope: {
        coding: ['patient-privacy', 'research'].map((code) => ({
          system: 'http://terminology.hl7.org/CodeSystem/consentscope',
          code,
        })),
      },
    },
    'scope-not-one',
  ),
  ...[
    ['privacy without its system', [{ code: 'patient-privacy' }]],
    ['privacy of another system', [{ system: SOURCE, code: 'patient-privacy' }]],
    ['of a code that is none', [{ system: SCOPES, code: 'privacy' }]],
    ['in words', undefined],
  ].map(([what, coding]) =>
    refused(`a scope ${what}`, { ...OPTIN, scope: { text: 'Privacy', coding } }, 'scope-unknown'),
  ),
  refused(
    'privacy, and something else in another system',
    {
      ...OPTIN,
      scope: {
        coding: [
          { system: SCOPES, code: 'patient-privacy' },
          { system: SOURCE, code: 'research' },
        ],
      },
    },
    'scope-not-one',
  ),
  refused(
    'an opt-in of another system',
    { policyRule: { coding: [{ system: SOURCE, code: 'OPTIN' }] } },
    'policy-rule-unknown',
  ),
  refused(
    'an actor who is no practitioner by his type',
    rule({ type: 'permit', ...recipients({ type: 'Device', reference: 'Practitioner/primary' }) }),
    'actor-disagrees',
  ),
  refused(
    'an organisation by an identifier that is looked for among people',
    rule({ type: 'permit', ...recipients({ type: 'Organization', identifier: { system: SOURCE, value: '17' } }) }),
    'actor-disagrees',
  ),
  refused(
    'an actor with the type that he is of',
    rule({
      type: 'permit',
      ...recipients({ type: 'http://hl7.org/fhir/StructureDefinition/Organization', reference: 'Organization/clinic' }),
    }),
  ),
  ...['Device/1', 'CareTeam/1', 'Patient/henry', 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7'].map((one) =>
    refused(`${one} as actor`, rule({ type: 'permit', ...recipients(reference(one)) }), 'actor-unsupported'),
  ),
  ...['COMPT', 'NOREUSE', 'DEID'].map((code) =>
    refused(
      `a label that is no sensitivity: ${code}`,
      rule({ type: 'permit', securityLabel: [{ system: ACT_CODE, code }] }),
      'unknown-label',
    ),
  ),
  ...['2026-02-30', '2026-13', '2026-00-10', '2025-02-29T00:00:00Z'].map((end) =>
    refused(`a period until ${end}`, rule({ type: 'deny', period: { end } }), 'period-no-date'),
  ),
  refused('a period until a day of a leap year', rule({ type: 'deny', period: { end: '2028-02-29' } })),
  ...[
    ['a version of a record', 'instance', 'Observation/o1/_history/1'],
    ['what is no type of FHIR', 'instance', 'Letter/o1'],
    ['the author of a record by the record', 'authoredby', 'Observation/o1'],
  ].map(([what, meaning, target = '']) =>
    refused(
      `data by ${what}`,
      rule({ type: 'deny', data: [{ meaning, reference: reference(target) }] }),
      'data-reference',
    ),
  ),
  refused(
    'an extension of a code, which may be ignored, and a modifier in it, which may not',
    rule({
      type: 'permit',
      purpose: [
        { system: ACT_REASON, code: 'TREAT', extension: [{ url: SOURCE, modifierExtension: [{ url: SOURCE }] }] },
      ],
    }),
    'modifier-extension',
  ),
  refused(
    'exceptions to exceptions, three deep',
    rule({
      type: 'permit',
      provision: [
        {
          type: 'deny',
          ...purposes('TREAT'),
          provision: [
            {
              type: 'permit',
              ...recipients(organisation(CLINIC)),
              provision: [{ type: 'deny', ...labels('R'), provision: [{ type: 'permit', ...purposes('ETREAT') }] }],
            },
          ],
        },
      ],
    }),
  ),
  refused(
    'an unknown purpose',
    rule({ type: 'permit', purpose: [{ system: ACT_REASON, code: 'CURIOSITY' }] }),
    'unknown-purpose',
  ),
  refused(
    'a purpose of another system',
    rule({ type: 'permit', purpose: [{ system: SOURCE, code: 'TREAT' }] }),
    'unknown-purpose',
  ),
  refused(
    'an unknown class',
    rule({ type: 'permit', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observations' }] }),
    'unknown-class',
  ),
  refused(
    'a mistyped LOINC class',
    rule({ type: 'permit', class: [{ system: 'http://loinc.org', code: '34133-8' }] }),
    'unknown-class',
  ),
  refused(
    'a class of another system',
    rule({ type: 'deny', class: [{ system: SOURCE, code: 'Observation' }] }),
    'unknown-class',
  ),
  refused('an unknown action', rule({ type: 'permit', action: [{ coding: [{ code: 'look' }] }] }), 'unknown-action'),
  refused(
    'an action that nothing here decides',
    rule({ type: 'deny', action: [{ coding: [{ code: 'collect' }] }] }),
    'action-not-decided',
  ),
  refused(
    'an unknown label',
    rule({ type: 'deny', securityLabel: [{ system: ACT_CODE, code: 'SECRET' }] }),
    'unknown-label',
  ),
  refused(
    'a group of labels',
    rule({ type: 'deny', securityLabel: [{ system: ACT_CODE, code: '_ActInformationSensitivityPolicy' }] }),
    'unknown-label',
  ),
  refused(
    'a label of a retired system',
    rule({ type: 'deny', securityLabel: [{ system: CONFIDENTIALITY, code: 'PSY' }] }),
    'unknown-label',
  ),
  refused('a level and a sensitivity', rule({ type: 'permit', ...labels('R', 'PSY') }), 'mixed-labels'),
  refused(
    'an unknown role',
    rule({ type: 'permit', actor: [{ ...role('WIT'), reference: organisation(CLINIC) }] }),
    'unknown-role',
  ),
  refused(
    'a role in words',
    rule({ type: 'permit', actor: [{ role: { text: 'recipient' }, reference: organisation(CLINIC) }] }),
  ),
  refused(
    'an author as actor',
    rule({ type: 'permit', actor: [{ ...role('AUT'), reference: reference('Practitioner/primary') }] }),
    'unknown-role',
  ),
  refused(
    'an actor by display alone',
    rule({ type: 'deny', ...recipients({ display: 'Bill T Lookafter' }) }),
    'actor-display',
  ),
  refused('an actor who is nobody', rule({ type: 'deny', actor: [role('PRCP')] }), 'actor-nobody'),
  refused(
    'an actor by an identifier without a system',
    rule({ type: 'deny', ...recipients({ identifier: { value: '17' } }) }),
    'actor-nobody',
  ),
  refused('a group as actor', rule({ type: 'deny', ...recipients(reference('Group/1')) }), 'actor-unsupported'),
  refused('a contained actor', rule({ type: 'deny', ...recipients(reference('#nurse')) }), 'actor-unsupported'),
  refused(
    'two organisations in one actor',
    rule({ type: 'deny', ...recipients({ reference: 'Organization/clinic', ...organisation('payer') }) }),
    'actor-disagrees',
  ),
  refused(
    'data by display',
    rule({ type: 'deny', data: [{ meaning: 'instance', reference: { display: 'that letter' } }] }),
    'data-reference',
  ),
  refused(
    'data on another server',
    rule({
      type: 'deny',
      data: [{ meaning: 'instance', reference: { reference: 'https://x.example/fhir/Observation/o1' } }],
    }),
    'data-reference',
  ),
  refused(
    'an unknown meaning of data',
    rule({ type: 'deny', data: [{ meaning: 'about', reference: { reference: 'Observation/o1' } }] }),
    'unknown-meaning',
  ),
  refused('a code in words', rule({ type: 'deny', code: [{ text: 'diabetes' } as object] }), 'code-without-coding'),
  refused('a period that is no date', rule({ type: 'permit', period: { end: 'soon' } }), 'period-no-date'),
  refused(
    'a period that ends before it begins',
    rule({ type: 'permit', period: { start: '2026-06-01', end: '2026-05-01' } }),
    'period-inverted',
  ),
  refused('data of no time', rule({ type: 'deny', dataPeriod: {} }), 'empty-criterion'),
  refused('an empty list', rule({ type: 'permit', actor: [] }), 'empty-criterion'),
  refused(
    'a criterion of a later FHIR',
    rule({ type: 'permit', expression: { language: 'text/fhirpath', expression: 'true' } }),
    'unknown-criterion',
  ),
  refused(
    'a type that is missing with a reason',
    rule({ type: 'permit', _purpose: [{ extension: [] }] }),
    'unread-element',
  ),
  refused('a document of scope treatment, whatever its provisions say', {
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
    ...rule(recipients({ display: 'x' })),
  }),
];

const within = (outer: object, ...inner: object[]): object => rule({ ...outer, provision: inner });
const instance = (text: string): object => ({ data: [{ meaning: 'instance', reference: reference(text) }] });
const category = (...codes: string[]): object => ({ category: [{ coding: codes.map((code) => ({ code })) }] });
const ofClass = (system: string, code: string): object => ({ class: [{ system, code }] });
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const LOINC = 'http://loinc.org';
const codes = (system: string, ...all: string[]): object => ({
  code: all.map((code) => ({ coding: [{ system, code }] })),
});
const permits = (more: object): object => ({ type: 'permit', ...more });
const denies = (more: object): object => ({ type: 'deny', ...more });

/** Outer and nested provision that one criterion holds against each other, and whether the nested one lies within. */
const NURSE = reference(referenceTo('clinic', 'Practitioner/nurse'));
const PRIMARY = reference(referenceTo('clinic', 'Practitioner/primary'));
const NESTED: [what: string, outer: object, inner: object, isWithin: boolean][] = [
  ['another organisation', permits(recipients(organisation(CLINIC))), denies(recipients(organisation('payer'))), false],
  [
    'an organisation of those that are named',
    permits(recipients(organisation(CLINIC), organisation('payer'))),
    denies(recipients(organisation('payer'))),
    true,
  ],
  ['a practitioner of the organisation', permits(recipients(organisation(CLINIC))), denies(recipients(NURSE)), true],
  [
    'a practitioner of another organisation',
    permits(recipients(organisation('payer'))),
    denies(recipients(NURSE)),
    false,
  ],
  ['the organisation of a practitioner', permits(recipients(PRIMARY)), denies(recipients(organisation(CLINIC))), false],
  ['another practitioner', permits(recipients(PRIMARY)), denies(recipients(NURSE)), false],
  [
    'a role of whoever is named',
    permits(recipients(organisation(CLINIC))),
    denies({ actor: [role('practitioner', 'https://telemed-ledger.example/fhir/CodeSystem/role')] }),
    true,
  ],
  [
    'whoever sees what the hospital holds',
    permits({ actor: [{ ...role('CST'), reference: organisation('hospital') }] }),
    denies(recipients(organisation('payer'))),
    true,
  ],
  ['a kind of the purpose', permits(purposes('TREAT')), denies(purposes('ETREAT')), true],
  ['a purpose that is wider', permits(purposes('ETREAT')), denies(purposes('TREAT')), false],
  ['another purpose', permits(purposes('TREAT')), denies(purposes('TREAT', 'HPAYMT')), false],
  ['breaking the glass in a treatment', permits(purposes('TREAT')), denies(purposes('BTG')), false],
  ['a type of those', permits(ofClass(RESOURCE_TYPES, 'Observation')), denies(ofClass(LOINC, '34133-9')), true],
  [
    'another type',
    permits(ofClass(RESOURCE_TYPES, 'Observation')),
    denies(ofClass(RESOURCE_TYPES, 'Condition')),
    false,
  ],
  ['another code', permits(codes(LOINC, '2339-0')), denies(codes(LOINC, '34133-9')), false],
  ['a code of another system', permits(codes(LOINC, '2339-0')), denies(codes('http://snomed.info/sct', '1')), true],
  ['a level beside another', permits(labels('N')), denies(labels('R')), true],
  ['a sensitivity among levels', permits(labels('R')), denies(labels('PSY')), true],
  [
    'a part of the time',
    permits({ period: { start: '2026-01-01', end: '2026-12-31' } }),
    denies({ period: { end: '2026-03-01' } }),
    true,
  ],
  [
    'a longer time',
    permits({ period: { start: '2026-01-01', end: '2026-12-31' } }),
    denies({ period: { end: '2027-03-01' } }),
    false,
  ],
  ['an earlier time', permits({ period: { start: '2026' } }), denies({ period: { start: '2025' } }), false],
  ['a time after it', permits({ dataPeriod: { end: '2020' } }), denies({ dataPeriod: { start: '2021' } }), false],
  ['another record', permits(instance('Observation/a')), denies(instance('Observation/b')), false],
  [
    'a permission for another in a denial',
    denies(recipients(organisation(CLINIC))),
    permits(recipients(organisation('payer'))),
    false,
  ],
];

REFUSALS.push(
  refused(
    'an organisation of another server as actor, by its text alone',
    rule(permits(recipients(reference('https://x.example/Organization/clinic')))),
  ),
  refused('a rule in words', { policyRule: { text: 'Opt out' } }, 'policy-rule-words'),
  refused('a rule by its display', { policyRule: { coding: [{ display: 'opt-out' }] } }, 'policy-rule-words'),
  refused(
    'a verification that was not',
    { ...OPTIN, verification: [{ verified: true }, { verified: false }] },
    'unverified',
  ),
  refused('a verification that does not say', { ...OPTIN, verification: [{ verificationDate: '2026' }] }, 'unverified'),
  refused('a verification', { ...OPTIN, verification: [{ verified: true, verificationDate: '2026-01-01' }] }),
  refused('an opt-in that is called an opt-out', { ...OPTIN, ...category('OPTOUT') }, 'category-disagrees'),
  refused('an opt-out that is called one', { ...OPTOUT, ...category('OPTOUT') }),
  refused(
    'an opt-in that is called an opt-in with exceptions',
    { ...OPTIN, ...category('OPTINR') },
    'category-disagrees',
  ),
  refused(
    'an opt-in for emergencies only, by its category',
    { ...OPTIN, ...category('emrgonly') },
    'category-disagrees',
  ),
  refused(
    'a permission of treatment for emergencies only, by its category',
    rule(permits(purposes('TREAT')), { ...OPTOUT, ...category('EMRGONLY') }),
    'category-disagrees',
  ),
  refused(
    'a permission of emergencies, which its category says',
    rule(permits(purposes('ETREAT', 'BTG')), { ...OPTOUT, ...category('EMRGONLY') }),
  ),
  refused('a decision of a later FHIR', { ...OPTIN, decision: 'deny' }, 'unknown-criterion'),
  ...NESTED.map(([what, outer, inner, isWithin]) =>
    refused(
      `an exception within another provision: ${what}`,
      within(outer, inner),
      ...(isWithin ? [] : (['nested-beyond'] as const)),
    ),
  ),
  refused(
    'an exception beyond the provision around the one around it',
    within(
      permits(recipients(organisation(CLINIC))),
      denies({ ...purposes('TREAT'), provision: [permits(recipients(organisation('payer')))] }),
    ),
    'nested-beyond',
  ),
);
