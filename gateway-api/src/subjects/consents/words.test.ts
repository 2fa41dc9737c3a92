/** What a consent says in plain words: whom, what, for what and until when; what is left out says nothing more than it does. */
import { expect } from 'chai';
import type { Provision } from './word-parts.ts';
import { statementsOf } from './words.ts';

const PRIVACY = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
};
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const rule = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code }],
});
const toOrganisation = (value: string) => [{ reference: { identifier: { system: ORGANISATIONS, value } } }];
const NOTHING_ELSE = 'It permits nothing else. What another consent permits stays permitted.';
const NOTHING_ITSELF =
  'It permits nothing by itself. What another consent permits, and this one does not deny, stays permitted.';

const told = (provision: Provision | undefined, policyRule?: string, more: object = {}): string[] =>
  statementsOf(
    {
      ...{ resourceType: 'Consent', id: 'c', status: 'active', scope: PRIVACY },
      ...(policyRule === undefined ? {} : { policyRule: rule(policyRule) }),
      ...(provision === undefined ? {} : { provision }),
      ...more,
    },
    { provider: 'hospital', names: new Map([['Practitioner/d1', 'Primary Doctor']]) },
  ).map(({ effect, expression, text }) => `${effect} ${expression}: ${text}`);

describe('A consent in plain words', () => {
  const ALL = 'shown everything that hospital holds';
  const CASES: [string, Parameters<typeof told>, string[]][] = [
    [
      'that permits everything to an organisation',
      [{ type: 'permit', actor: toOrganisation('clinic') }],
      [
        `permit Consent.provision: The organisation clinic may be ${ALL}, for any purpose, until this is revoked.`,
        `none Consent: ${NOTHING_ELSE}`,
      ],
    ],
    [
      'that permits kinds of records, for a purpose, for a time',
      [
        {
          type: 'permit',
          class: [{ code: 'Observation' }, { system: 'http://loinc.org', code: '11488-4', display: 'Consult note' }],
          purpose: [{ code: 'TREAT' }],
          period: { start: '2026-01-01', end: '2026-12-31' },
        },
      ],
      [
        'permit Consent.provision: Everybody in the consortium who may ask may be shown those records of the kind Observation or 11488-4 (Consult note) of hospital, for treatment (TREAT) or a kind of it, from 2026-01-01 until 2026-12-31, which is included, if this is not revoked before.',
        `none Consent: ${NOTHING_ELSE}`,
      ],
    ],
    [
      'that denies a practitioner one record',
      [
        {
          type: 'deny',
          actor: [{ reference: { reference: `${ORGANISATIONS}/clinic/Practitioner/d1` } }],
          data: [{ meaning: 'instance', reference: { reference: 'Observation/1' } }],
        },
      ],
      [
        'deny Consent.provision: Primary Doctor (Practitioner/d1) of clinic is not shown those records of hospital that are Observation/1, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.',
        `none Consent: ${NOTHING_ITSELF}`,
      ],
    ],
    [
      'with an exception by label',
      [
        {
          type: 'permit',
          actor: toOrganisation('clinic'),
          provision: [{ type: 'deny', securityLabel: [{ code: 'R' }] }],
        },
      ],
      [
        `permit Consent.provision: The organisation clinic may be ${ALL}, for any purpose, until this is revoked.`,
        'deny Consent.provision.provision[0]: Except: The organisation clinic is not shown those records of hospital labelled R (restricted) or more confidential, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.',
        `none Consent: ${NOTHING_ELSE}`,
      ],
    ],
    [
      'that denies even emergencies',
      [{ type: 'deny', purpose: [{ code: 'BTG' }] }],
      [
        `deny Consent.provision: Everybody in the consortium who may ask is not ${ALL}, for break the glass (BTG), until this is revoked, whatever other consents permit.`,
        `none Consent: ${NOTHING_ITSELF}`,
      ],
    ],
    [
      'that opts in but for somebody',
      [{ type: 'deny', actor: toOrganisation('payer') }, 'OPTIN'],
      [
        `deny Consent.provision: The organisation payer is not ${ALL}, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.`,
        'permit Consent.policyRule: Everything else of hospital may be shown to everybody in the consortium who may ask for it.',
      ],
    ],
    [
      'that opts out but for somebody',
      [{ type: 'permit', actor: toOrganisation('clinic') }, 'OPTOUT'],
      [
        `permit Consent.provision: The organisation clinic may be ${ALL}, for any purpose, until this is revoked.`,
        'deny Consent.policyRule: Nothing else of hospital is shown to anybody, whatever other consents permit, but in an emergency by breaking the glass.',
      ],
    ],
    [
      'that opts in for a time',
      [{ period: { end: '2026-12-31T12:00:00Z' } }, 'OPTIN'],
      [
        `permit Consent.policyRule: Everybody in the consortium who may ask may be ${ALL}, for any purpose, until 2026-12-31T12:00:00Z, if this is not revoked before.`,
      ],
    ],
    [
      'that opts out altogether',
      [undefined, 'OPTOUT'],
      [
        `deny Consent.policyRule: Everybody in the consortium who may ask is not ${ALL}, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.`,
      ],
    ],
    [
      'that only groups',
      [
        {
          provision: [
            { type: 'permit', actor: toOrganisation('clinic') },
            { type: 'deny', code: [{ coding: [{ code: 'x' }] }] },
          ],
        },
      ],
      [
        `permit Consent.provision.provision[0]: The organisation clinic may be ${ALL}, for any purpose, until this is revoked.`,
        'deny Consent.provision.provision[1]: Everybody in the consortium who may ask is not shown those records of hospital that hold x, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.',
      ],
    ],
    [
      'of another scope',
      [{ type: 'permit' }, 'OPTIN', { scope: { coding: [{ code: 'research' }] } }],
      ['none Consent.scope: Kept as a document: it permits and denies nothing.'],
    ],
    [
      'that has ended',
      [{ type: 'permit' }, 'OPTIN', { status: 'inactive' }],
      ['none Consent.status: It has ended: it permits and denies nothing.'],
    ],
    [
      'that says nothing',
      [undefined],
      ['none Consent: It permits and denies nothing: it has no rule and no provision.'],
    ],
  ];
  for (const [what, given, statements] of CASES)
    it(`is told ${what}`, () => {
      expect(told(...given)).to.deep.equal(statements);
    });

  it('names actors as what they are', () => {
    const actorsTold = (actor: Provision['actor']) =>
      told({ type: 'permit', ...(actor && { actor }) })[0]!.split(' may be ')[0];
    const coded = (code: string) => ({ coding: [{ code }] });
    expect(actorsTold([{ role: coded('practitioner'), reference: { reference: 'Organization/clinic' } }])).to.match(
      /: Any practitioner of the organisation clinic$/,
    );
    expect(actorsTold([{ role: coded('CST'), reference: { reference: 'Organization/hospital' } }])).to.match(
      /: Everybody in the consortium who may ask$/,
    );
    expect(actorsTold([{ reference: { reference: 'PractitionerRole/r' } }])).to.match(/role PractitionerRole\/r when/);
    expect(actorsTold([{ reference: { identifier: { system: 'urn:npi', value: '1' } } }])).to.match(
      /: Whoever had the identifier 1 \(urn:npi\) when this was given$/,
    );
    expect(actorsTold([{ reference: { reference: 'RelatedPerson/x' } }])).to.match(
      /: The related person RelatedPerson\/x$/,
    );
  });
});
