import { expect } from 'chai';
import fc from 'fast-check';
import type { Resource } from '../model/fhir.ts';
import { ORGANISATION_SYSTEM, referenceTo } from '../model/organisations.ts';
import type { Provision } from './consent-content.ts';
import { type AccessFacts, evaluateConsents, type LedgerConsent, recordFacts } from './consents.ts';

const NOW = '2026-03-01T12:00:00.000Z';
const LOINC = 'http://loinc.org';
const clinic: AccessFacts = { organisation: 'clinic', holder: 'hospital', role: 'system', purpose: 'TREAT' };
const doctor: AccessFacts = { ...clinic, role: 'practitioner', practitioner: 'Practitioner/d1' };
const other: AccessFacts = { ...doctor, practitioner: 'Practitioner/d2' };
/** Whom another organisation certified under the same reference. */
const namesake: AccessFacts = { ...doctor, organisation: 'payer' };

const observation: Resource = {
  resourceType: 'Observation',
  id: 'o1',
  code: { coding: [{ system: LOINC, code: '4548-4' }] },
  subject: { reference: 'Patient/p1' },
  encounter: { reference: 'Encounter/e1' },
  performer: [{ reference: 'Practitioner/d9' }],
  effectiveDateTime: '2025-06-15T10:00:00-05:00',
};
const labelled = (...codes: string[]): Resource => ({
  ...observation,
  meta: { security: codes.map((code) => ({ code })) },
});
const letter: Resource = {
  resourceType: 'DocumentReference',
  id: 'r1',
  type: { coding: [{ system: LOINC, code: '34117-2' }] },
};
const stay: Resource = { resourceType: 'Encounter', id: 's1', period: { start: '2024-12-30', end: '2025-01-02' } };
const encounter: Resource = { resourceType: 'Encounter', id: 'e1' };

const scoped = (code: string, system = 'http://terminology.hl7.org/CodeSystem/consentscope') => ({
  coding: [{ system, code }],
});

function consentOf(content: object, id = 'c1', state: Partial<LedgerConsent> = {}): LedgerConsent {
  const resource = {
    resourceType: 'Consent' as const,
    status: 'active',
    scope: scoped('patient-privacy'),
    patient: { reference: 'Patient/p1' },
    ...content,
  };
  return { id, version: 1, status: 'active', resource, ...state };
}
const rule = (provision: Provision, policy?: string): object => ({
  ...(policy === undefined ? {} : { policyRule: { coding: [{ code: policy }] } }),
  provision,
});
const toOrganisation = (value: string) => [{ reference: { identifier: { system: ORGANISATION_SYSTEM, value } } }];
const toClinic = toOrganisation('clinic');
const toPractitioner = (reference: string) => [{ reference: { reference } }];
const D1 = referenceTo('clinic', 'Practitioner/d1');
const D1_AT_HOME = referenceTo('hospital', 'Practitioner/d1');
const ofClinic = toPractitioner(D1);
const ofHolder = toPractitioner('Practitioner/d1');
const permitOf = (actor: ReturnType<typeof toPractitioner>): object => rule({ type: 'permit', actor });
const denialOf = (actor: ReturnType<typeof toPractitioner>): object => rule({ type: 'deny', actor }, 'OPTIN');
const BASES_OF_NOBODY = [
  'https://clinic.example/fhir/R4',
  'clinic',
  ORGANISATION_SYSTEM,
  `${ORGANISATION_SYSTEM}/clinic/x`,
  `${ORGANISATION_SYSTEM}/Clinic`,
  ORGANISATION_SYSTEM.replace('.example', 'xexample').concat('/clinic'),
];
const coded = (...codes: string[]) => codes.map((code) => ({ coding: [{ code }] }));

function outcomeOf(content: object, request: AccessFacts, record: Resource, others: Resource[] = []): string {
  const [facts] = recordFacts([record, ...others]);
  const { outcome, reason } = evaluateConsents([consentOf(content)], request, facts!, NOW);
  return outcome === 'permit' ? outcome : reason;
}

describe('a consent', () => {
  const cases: [string, object, string, AccessFacts?, Resource?, Resource[]?][] = [
    ['that says nothing', {}, 'consent-absent'],
    ...['treatment', 'research', 'adr', 'anything-else'].map((code): [string, object, string] => [
      `of scope ${code}, which is no agreement to disclose`,
      { ...rule({ type: 'permit' }, 'OPTIN'), scope: scoped(code) },
      'consent-absent',
    ]),
    ['without a scope', { ...rule({ type: 'permit' }, 'OPTIN'), scope: undefined }, 'consent-absent'],
    [
      'of a scope of another system',
      { ...rule({ type: 'permit' }), scope: scoped('patient-privacy', 'urn:x') },
      'consent-absent',
    ],
    ['with an opt-in', { policyRule: { coding: [{ code: 'OPTIN' }] } }, 'permit'],
    ['with an opt-out', { policyRule: { coding: [{ code: 'OPTOUT' }] } }, 'consent-denied'],
    ['with a policy rule of another kind', { policyRule: { coding: [{ code: 'cric' }] } }, 'consent-absent'],
    ['whose root permits', rule({ type: 'permit' }), 'permit'],
    ['whose root denies', rule({ type: 'deny' }), 'consent-denied'],
    ['whose root denies although it opts in', rule({ type: 'deny' }, 'OPTIN'), 'consent-denied'],
    ['whose root permits although it opts out', rule({ type: 'permit' }, 'OPTOUT'), 'permit'],
    ['of a type that we do not know', rule({ type: 'perhaps' }), 'consent-denied'],
    ['that is a draft', { status: 'draft', ...rule({ type: 'permit' }) }, 'consent-absent'],
    ['that was entered in error', { status: 'entered-in-error', ...rule({ type: 'permit' }) }, 'consent-absent'],

    ['for the clinic by identifier', rule({ type: 'permit', actor: toClinic }), 'permit'],
    [
      'for the clinic by reference',
      rule({ type: 'permit', actor: [{ reference: { reference: 'Organization/clinic' } }] }),
      'permit',
    ],
    ['for another organisation', rule({ type: 'permit', actor: toOrganisation('payer') }), 'consent-absent'],
    [
      'for an identifier of another system',
      rule({ type: 'permit', actor: [{ reference: { identifier: { system: 'urn:x', value: 'clinic' } } }] }),
      'consent-absent',
    ],
    [
      'for one of two organisations',
      rule({ type: 'permit', actor: [...toOrganisation('payer'), ...toClinic] }),
      'permit',
    ],
    ['for nobody, by an empty list', rule({ type: 'permit', actor: [] }), 'consent-absent'],
    ["for the clinic's practitioner who asks", rule({ type: 'permit', actor: ofClinic }), 'permit', doctor],
    ['for a version of them', rule({ type: 'permit', actor: toPractitioner(`${D1}/_history/2`) }), 'permit', doctor],
    [
      "for the clinic's practitioner, asked for by a system",
      rule({ type: 'permit', actor: ofClinic }),
      'consent-absent',
    ],
    ["for the clinic's other practitioner", rule({ type: 'permit', actor: ofClinic }), 'consent-absent', other],
    ["for the clinic's practitioner, whom another has too", permitOf(ofClinic), 'consent-absent', namesake],
    ["that opts in but for the clinic's practitioner", denialOf(ofClinic), 'consent-denied', doctor],
    ["that opts in but for the clinic's practitioner, whom another has too", denialOf(ofClinic), 'permit', namesake],
    // A relative reference means the governed provider's own, and denies everybody of that id.
    ['for a practitioner of its provider, whom the clinic has too', permitOf(ofHolder), 'consent-absent', doctor],
    ['for a practitioner of its provider', permitOf(ofHolder), 'permit', { ...doctor, organisation: 'hospital' }],
    ['that opts in but for a practitioner, no matter whose', denialOf(ofHolder), 'consent-denied', doctor],
    ['that opts in but for a practitioner, no matter whose either', denialOf(ofHolder), 'consent-denied', namesake],
    ['that opts in but for another practitioner', denialOf(ofHolder), 'permit', other],
    ['that opts in but for a practitioner in full', denialOf(toPractitioner(D1_AT_HOME)), 'permit', doctor],
    ...BASES_OF_NOBODY.flatMap((base): [string, object, string, AccessFacts][] => [
      [
        `for a practitioner under ${base}`,
        permitOf(toPractitioner(`${base}/Practitioner/d1`)),
        'consent-absent',
        doctor,
      ],
      [
        `that opts in but for one under ${base}`,
        denialOf(toPractitioner(`${base}/Practitioner/d1`)),
        'consent-denied',
        doctor,
      ],
    ]),
    ['for a role that asks', rule({ type: 'permit', actor: [{ role: coded('practitioner')[0]! }] }), 'permit', doctor],
    [
      'for a role that does not ask',
      rule({ type: 'permit', actor: [{ role: coded('practitioner')[0]! }] }),
      'consent-absent',
    ],
    [
      "for the clinic's practitioners only",
      rule({ type: 'permit', actor: [{ role: coded('practitioner')[0]!, ...toClinic[0]! }] }),
      'consent-absent',
    ],
    [
      'for the clinic as primary recipient',
      rule({ type: 'permit', actor: [{ role: coded('PRCP')[0]!, ...toClinic[0]! }] }),
      'permit',
    ],
    ['that opts in but for the clinic', rule({ type: 'deny', actor: toClinic }, 'OPTIN'), 'consent-denied'],
    ['that opts in but for another', rule({ type: 'deny', actor: toOrganisation('payer') }, 'OPTIN'), 'permit'],
    ['that opts out but for the clinic', rule({ type: 'permit', actor: toClinic }, 'OPTOUT'), 'permit'],
    [
      'that opts out but for another',
      rule({ type: 'permit', actor: toOrganisation('payer') }, 'OPTOUT'),
      'consent-denied',
    ],
    [
      'whose opt-in is narrowed down to another',
      rule({ type: 'permit', actor: toOrganisation('payer') }, 'OPTIN'),
      'consent-absent',
    ],

    ['for the purpose asked', rule({ type: 'permit', purpose: [{ code: 'TREAT' }] }), 'permit'],
    ['for another purpose', rule({ type: 'permit', purpose: [{ code: 'HPAYMT' }] }), 'consent-absent'],
    ['for access', rule({ type: 'permit', action: coded('access') }), 'permit'],
    ['for collection only', rule({ type: 'permit', action: coded('collect') }), 'consent-absent'],
    [
      'with a criterion that we do not know, to permit',
      rule({ type: 'permit', modifierExtension: [] }),
      'consent-absent',
    ],
    ['with a criterion that we do not know, to deny', rule({ type: 'deny', modifierExtension: [] }), 'consent-denied'],

    ['for the resource type', rule({ type: 'permit', class: [{ code: 'Observation' }] }), 'permit'],
    ['for one of two classes', rule({ type: 'permit', class: [{ code: 'Claim' }, { code: 'Observation' }] }), 'permit'],
    ['for another type', rule({ type: 'permit', class: [{ code: 'Condition' }] }), 'consent-absent'],
    [
      'for a class of document',
      rule({ type: 'permit', class: [{ system: LOINC, code: '34117-2' }] }),
      'permit',
      clinic,
      letter,
    ],
    [
      'for the class of another system',
      rule({ type: 'permit', class: [{ system: 'urn:x', code: '34117-2' }] }),
      'consent-absent',
      clinic,
      letter,
    ],
    ['for the code', rule({ type: 'permit', code: [{ coding: [{ system: LOINC, code: '4548-4' }] }] }), 'permit'],
    ['for another code', rule({ type: 'permit', code: coded('718-7') }), 'consent-absent'],
    [
      'for the code of another system',
      rule({ type: 'permit', code: [{ coding: [{ system: 'urn:x', code: '4548-4' }] }] }),
      'consent-absent',
    ],

    ['up to R, of what has no label', rule({ type: 'permit', securityLabel: [{ code: 'R' }] }), 'permit'],
    [
      'up to R, of what is R',
      rule({ type: 'permit', securityLabel: [{ code: 'R' }] }),
      'permit',
      clinic,
      labelled('R'),
    ],
    [
      'up to R, of what is V',
      rule({ type: 'permit', securityLabel: [{ code: 'R' }] }),
      'consent-absent',
      clinic,
      labelled('V'),
    ],
    [
      'up to R, of what is R and V',
      rule({ type: 'permit', securityLabel: [{ code: 'R' }] }),
      'consent-absent',
      clinic,
      labelled('R', 'V'),
    ],
    ['up to L, of what has no label', rule({ type: 'permit', securityLabel: [{ code: 'L' }] }), 'consent-absent'],
    [
      'for a sensitivity the record has',
      rule({ type: 'permit', securityLabel: [{ code: 'PSY' }] }),
      'permit',
      clinic,
      labelled('PSY'),
    ],
    [
      'for a sensitivity it has not',
      rule({ type: 'permit', securityLabel: [{ code: 'PSY' }] }),
      'consent-absent',
      clinic,
      labelled('HIV'),
    ],
    [
      'that withholds R and more, of V',
      rule({ type: 'permit', provision: [{ type: 'deny', securityLabel: [{ code: 'R' }] }] }),
      'consent-denied',
      clinic,
      labelled('V'),
    ],
    [
      'that withholds R and more, of N',
      rule({ type: 'permit', provision: [{ type: 'deny', securityLabel: [{ code: 'R' }] }] }),
      'permit',
      clinic,
      labelled('N'),
    ],

    ['in its period', rule({ type: 'permit', period: { start: '2026-01-01', end: '2026-12-31' } }), 'permit'],
    ['on the last day of its period', rule({ type: 'permit', period: { end: '2026-03-01' } }), 'permit'],
    ['in the last month of its period', rule({ type: 'permit', period: { end: '2026-03' } }), 'permit'],
    ['a day after its period', rule({ type: 'permit', period: { end: '2026-02-28' } }), 'consent-expired'],
    ['before its period', rule({ type: 'permit', period: { start: '2026-03-02' } }), 'consent-absent'],
    [
      'after the period, for another organisation',
      rule({ type: 'permit', period: { end: '2026-02-28' }, actor: toOrganisation('payer') }),
      'consent-absent',
    ],
    ['whose period is no date', rule({ type: 'permit', period: { end: 'soon' } }), 'consent-absent'],
    [
      'that denied until yesterday and opts in',
      rule({ type: 'deny', period: { end: '2026-02-28' } }, 'OPTIN'),
      'permit',
    ],

    ['for data of that year', rule({ type: 'permit', dataPeriod: { start: '2025', end: '2025' } }), 'permit'],
    [
      'for data of another year',
      rule({ type: 'permit', dataPeriod: { start: '2024', end: '2024' } }),
      'consent-absent',
    ],
    [
      'for data of a year, of what has no date',
      rule({ type: 'permit', dataPeriod: { start: '2025' } }),
      'consent-absent',
      clinic,
      letter,
    ],
    [
      'against data of a year, of what has no date',
      rule({ type: 'permit', provision: [{ type: 'deny', dataPeriod: { start: '2025' } }] }),
      'consent-denied',
      clinic,
      letter,
    ],

    [
      'for data of a year, of what began before',
      rule({ type: 'permit', dataPeriod: { start: '2025' } }),
      'consent-absent',
      clinic,
      stay,
    ],
    [
      'against data of a year, of what began before',
      rule({ type: 'permit', provision: [{ type: 'deny', dataPeriod: { start: '2025' } }] }),
      'consent-denied',
      clinic,
      stay,
    ],

    [
      'for the instance',
      rule({ type: 'permit', data: [{ meaning: 'instance', reference: { reference: 'Observation/o1' } }] }),
      'permit',
    ],
    [
      'for another instance',
      rule({ type: 'permit', data: [{ meaning: 'instance', reference: { reference: 'Encounter/e1' } }] }),
      'consent-absent',
    ],
    [
      'for what depends on an encounter',
      rule({ type: 'permit', data: [{ meaning: 'dependents', reference: { reference: 'Encounter/e1' } }] }),
      'permit',
    ],
    [
      'for what the observation refers to',
      rule({ type: 'permit', data: [{ meaning: 'related', reference: { reference: 'Observation/o1' } }] }),
      'permit',
      clinic,
      encounter,
      [observation],
    ],
    [
      'for what was recorded in an encounter',
      rule({ type: 'permit', data: [{ meaning: 'related', reference: { reference: 'Encounter/e1' } }] }),
      'permit',
      clinic,
      observation,
      [encounter],
    ],
    [
      'for what a practitioner authored, named in full',
      rule({
        type: 'permit',
        data: [{ meaning: 'authoredby', reference: { reference: referenceTo('hospital', 'Practitioner/d9') } }],
      }),
      'permit',
    ],
    [
      "for what another organisation's practitioner authored",
      rule({
        type: 'permit',
        data: [{ meaning: 'authoredby', reference: { reference: referenceTo('clinic', 'Practitioner/d9') } }],
      }),
      'consent-absent',
    ],
    [
      'for what a practitioner authored',
      rule({ type: 'permit', data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/d9' } }] }),
      'permit',
    ],
    [
      'for what another authored',
      rule({ type: 'permit', data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/d1' } }] }),
      'consent-absent',
    ],

    [
      'that denies, but not the clinic',
      rule({ type: 'deny', provision: [{ type: 'permit', actor: toClinic }] }),
      'permit',
    ],
    [
      'that permits, but not the clinic',
      rule({ type: 'permit', provision: [{ type: 'deny', actor: toClinic }] }),
      'consent-denied',
    ],
    [
      'that permits, but not another',
      rule({ type: 'permit', provision: [{ type: 'deny', actor: toOrganisation('payer') }] }),
      'permit',
    ],
    [
      'that opts in, groups, and denies the clinic',
      rule({ provision: [{ type: 'deny', actor: toClinic }] }, 'OPTIN'),
      'consent-denied',
    ],
    [
      'that opts out, groups, and permits the clinic',
      rule({ provision: [{ type: 'permit', actor: toClinic }] }, 'OPTOUT'),
      'permit',
    ],
    ['that only groups and permits the clinic', rule({ provision: [{ type: 'permit', actor: toClinic }] }), 'permit'],
    [
      'whose nested provision has no type',
      rule({ type: 'permit', provision: [{ actor: toClinic }] }),
      'consent-denied',
    ],
    [
      'that denies, but the clinic, but its observations, but this one',
      rule({
        type: 'deny',
        provision: [
          {
            type: 'permit',
            actor: toClinic,
            provision: [
              {
                type: 'deny',
                class: [{ code: 'Observation' }],
                provision: [
                  { type: 'permit', data: [{ meaning: 'instance', reference: { reference: 'Observation/o1' } }] },
                ],
              },
            ],
          },
        ],
      }),
      'permit',
    ],
    [
      'whose two nested provisions disagree',
      rule({
        type: 'permit',
        provision: [
          { type: 'permit', actor: toClinic },
          { type: 'deny', purpose: [{ code: 'TREAT' }] },
        ],
      }),
      'consent-denied',
    ],
    [
      'whose root does not apply',
      rule({ type: 'permit', purpose: [{ code: 'HPAYMT' }], provision: [{ type: 'permit', actor: toClinic }] }),
      'consent-absent',
    ],
  ];
  for (const [what, content, expected, request = clinic, record = observation, others] of cases)
    it(`${what} gives ${expected}`, () => {
      expect(outcomeOf(content, request, record, others)).to.equal(expected);
    });

  it('names itself and its end when it permits', () => {
    const [facts] = recordFacts([observation]);
    const consent = consentOf(rule({ type: 'permit', period: { end: '2026-06-30' } }), 'c7', { version: 3 });
    expect(evaluateConsents([consent], clinic, facts!, NOW)).to.deep.equal({
      outcome: 'permit',
      reason: 'consent-permits',
      consent: { id: 'c7', version: 3 },
      provision: 'Consent.provision',
      until: '2026-07-01T00:00:00.000Z',
    });
  });

  it('ends when the nested provision that permits ends', () => {
    const [facts] = recordFacts([observation]);
    const nested = { type: 'permit', period: { end: '2026-03-31' } };
    const consent = consentOf(rule({ type: 'deny', period: { end: '2026-06-30' }, provision: [nested] }));
    const { until, provision } = evaluateConsents([consent], clinic, facts!, NOW);
    expect([until, provision]).to.deep.equal(['2026-04-01T00:00:00.000Z', 'Consent.provision.provision[0]']);
  });
});

describe('consents together', () => {
  const [facts] = recordFacts([observation]);
  const decide = (consents: LedgerConsent[]) => evaluateConsents(consents, clinic, facts!, NOW);

  const actor = fc.constantFrom('clinic', 'payer').map(toOrganisation);
  const purpose = fc.constantFrom('TREAT', 'HPAYMT').map((code) => [{ code }]);
  const period = fc.constantFrom<{ start?: string; end?: string }>(
    { end: '2026-02' },
    { end: '2027' },
    { start: '2026-02' },
  );
  const provisionWith = (nested: fc.Arbitrary<Provision>): fc.Arbitrary<Provision> =>
    fc.record(
      {
        type: fc.constantFrom('permit', 'deny'),
        actor,
        purpose,
        period,
        provision: fc.array(nested, { maxLength: 2 }),
      },
      { requiredKeys: ['type'] },
    );
  const leaf = fc.constantFrom<Provision>({ type: 'permit' }, { type: 'deny' }, { type: 'permit', actor: toClinic });
  const provision = provisionWith(provisionWith(leaf));
  const policy = fc.constantFrom(undefined, 'OPTIN', 'OPTOUT');
  const content = fc.tuple(provision, policy).map(([root, code]) => rule(root, code));
  const consents = fc
    .array(content, { maxLength: 5 })
    .map((contents) => contents.map((one, index) => consentOf(one, `c${index}`)));

  it('deny when there are none', () => {
    expect(decide([])).to.deep.equal({ outcome: 'deny', reason: 'consent-absent' });
  });

  it('decide the same in any order', () => {
    const shuffled = consents.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(decide(other)).to.deep.equal(decide(list));
      }),
    );
  });

  it('deny whenever one of them alone denies', () => {
    fc.assert(
      fc.property(consents, (list) => {
        const denied = list.some((one) => decide([one]).reason === 'consent-denied');
        expect(decide(list).reason === 'consent-denied').to.equal(denied);
      }),
    );
  });

  it('permit only when one of them alone permits', () => {
    fc.assert(
      fc.property(consents, (list) => {
        fc.pre(decide(list).outcome === 'permit');
        expect(list.some((one) => decide([one]).outcome === 'permit')).to.equal(true);
      }),
    );
  });

  it('are not changed by one that is not active, whatever it says', () => {
    const inactive = fc
      .tuple(content, fc.boolean())
      .map(([one, revoked]) =>
        revoked ? consentOf(one, 'x', { status: 'revoked' }) : consentOf({ ...one, status: 'inactive' }, 'x'),
      );
    fc.assert(
      fc.property(consents, inactive, (list, one) => {
        expect(decide([...list, one])).to.deep.equal(decide(list));
      }),
    );
  });

  it('never permit more for an unconditional denial nested in them', () => {
    fc.assert(
      fc.property(provision, policy, (root, code) => {
        const before = decide([consentOf(rule(root, code))]);
        const after = decide([
          consentOf(rule({ ...root, provision: [...(root.provision ?? []), { type: 'deny' }] }, code)),
        ]);
        if (before.outcome === 'deny') expect(after.outcome).to.equal('deny');
      }),
    );
  });
});
