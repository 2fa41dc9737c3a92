/** Goes through all elements of a Consent: each is read, held to, refused, or changes nothing. */
import { expect } from 'chai';
import { type Becomes, CONSENT_ELEMENTS, PROVISION_ELEMENTS } from '../model/consent-elements.ts';
import { doubtsOf } from './consent-meaning.ts';
import { type AccessFacts, evaluateConsents, recordFacts } from './consents.ts';
import {
  ACT_CODE,
  ASKED,
  consent,
  inForce,
  labels,
  NOW,
  OPTIN,
  OPTOUT,
  organisation,
  purposes,
  RECORDS,
  recipients,
  rule,
} from './decision-tables/cases.fixture.ts';

/** What each of those who ask gets of each record. */
function outcomes(content: object): string[] {
  const given = inForce(content);
  return Object.values(ASKED).flatMap((asks) =>
    Object.values(RECORDS).flatMap((record) =>
      ['TREAT', 'BTG'].map((purpose) => {
        const request: AccessFacts = { ...asks, purpose };
        return evaluateConsents([given], request, recordFacts([record])[0]!, NOW).reason;
      }),
    ),
  );
}

const doubtedAt = (content: object): string[] => doubtsOf(consent(content)).map(({ expression }) => expression);

/** Consents that permit or deny something, to which an element is added. */
const PERMISSION = rule({ type: 'permit', ...recipients(organisation('clinic')) });
const BASES = [PERMISSION, rule({ type: 'deny', ...labels('PSY') }, OPTIN), OPTOUT];

const MODIFIER = [{ url: 'http://example.org/not', valueBoolean: true }];
const EXTENSION = [{ url: 'http://example.org/colour', valueString: 'red' }];
const NOT_THE_CLINIC = { reference: 'Organization/payer' };

/** A value of each element that would be most dangerous if it were read wrongly. */
const VALUES: Record<string, unknown> = {
  id: 'another',
  meta: { security: [{ system: ACT_CODE, code: 'PSY' }], tag: [{ code: 'OPTOUT' }] },
  implicitRules: 'http://example.org/rules',
  language: 'de',
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Nothing to the clinic</div>' },
  contained: [{ resourceType: 'Consent', id: 'c', status: 'active', ...OPTOUT }],
  extension: EXTENSION,
  modifierExtension: MODIFIER,
  identifier: [{ system: 'urn:x', value: 'OPTOUT' }],
  status: 'inactive',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
  category: [{ coding: [{ system: ACT_CODE, code: 'NOCONSENT' }] }],
  dateTime: '2999-01-01',
  performer: [NOT_THE_CLINIC],
  source: { title: 'Nothing to the clinic', contentType: 'text/plain', data: 'bm8=' },
  policy: [{ authority: 'http://example.org/law', uri: 'http://example.org/law/deny-all' }],
  policyRule: { coding: [{ system: ACT_CODE, code: 'OPTOUT' }] },
  verification: [{ verified: false }],
  provision: { type: 'deny' },
};

/** Whose consent it is and whose data it governs is read where it is taken and looked for. */
const READ_WHEN_TAKEN = new Set(['patient', 'organization']);

/** A value of each criterion that takes something away from, or gives something to, a provision that has none. */
const CRITERIA: Record<string, unknown> = {
  type: 'deny',
  period: { end: '2020-01-01' },
  actor: [{ role: { text: 'recipient' }, reference: NOT_THE_CLINIC }],
  securityLabel: (labels('PSY') as { securityLabel: object[] }).securityLabel,
  purpose: (purposes('HPAYMT') as { purpose: object[] }).purpose,
  class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }],
  code: [{ coding: [{ system: 'http://loinc.org', code: '2339-0' }] }],
  dataPeriod: { end: '2010-01-01' },
  data: [{ meaning: 'instance', reference: { reference: 'Observation/sugar' } }],
  provision: [{ type: 'deny', ...labels('PSY') }],
};

const named = (table: Readonly<Record<string, readonly [Becomes, string?]>>, becomes: Becomes): string[] =>
  Object.keys(table).filter((name) => table[name]![0] === becomes);
/** As it is written in JSON: a choice with its type. */
const jsonName = (name: string): string => (name === 'source' ? 'sourceAttachment' : name);
const withElement = (base: object, name: string): object => ({ ...base, [jsonName(name)]: VALUES[name] });

describe('Of the elements of a Consent', () => {
  for (const name of named(CONSENT_ELEMENTS, 'kept'))
    it(`${name} changes nothing`, () => {
      expect(VALUES).to.have.property(name);
      for (const base of BASES) {
        expect(outcomes(withElement(base, name))).to.deep.equal(outcomes(base));
        expect(doubtedAt(withElement(base, name))).to.deep.equal(doubtedAt(base));
      }
    });

  for (const name of named(CONSENT_ELEMENTS, 'read').filter((one) => !READ_WHEN_TAKEN.has(one)))
    it(`${name} is read`, () => {
      expect(outcomes(withElement(OPTIN, name))).to.not.deep.equal(outcomes(OPTIN));
    });

  for (const name of [...named(CONSENT_ELEMENTS, 'refused'), ...named(CONSENT_ELEMENTS, 'held to')])
    it(`${name} that says something of its own is refused, and permits nothing where it was taken before`, () => {
      for (const base of BASES) {
        const [place] = doubtedAt(withElement(base, name));
        expect(place).to.match(new RegExp(`^Consent\\.${name}`));
        expect(outcomes(withElement(base, name))).to.not.include('consent-permits');
      }
    });

  it('a denial of a consent that would be refused now holds', () => {
    for (const name of ['implicitRules', 'modifierExtension', 'category', 'verification'])
      expect(outcomes(withElement(OPTOUT, name))).to.include('consent-denied');
  });

  for (const name of named(PROVISION_ELEMENTS, 'kept'))
    it(`provision.${name} changes nothing`, () => {
      const value = name === 'id' ? 'another' : EXTENSION;
      const provision = { ...(PERMISSION as { provision: object }).provision, [name]: value };
      expect(outcomes({ provision })).to.deep.equal(outcomes(PERMISSION));
      expect(doubtedAt({ provision })).to.deep.equal([]);
    });

  for (const name of named(PROVISION_ELEMENTS, 'read').filter((one) => one !== 'action'))
    it(`provision.${name} is read`, () => {
      const all = rule({ type: 'permit' });
      const changed = rule({ type: 'permit', [name]: CRITERIA[name] });
      expect(doubtedAt(changed)).to.deep.equal([]);
      expect(outcomes(changed)).to.not.deep.equal(outcomes(all));
    });

  it('provision.action is read: those that nothing decides are refused', () => {
    const of = (code: string) => rule({ type: 'permit', action: [{ coding: [{ code }] }] });
    expect(outcomes(of('disclose'))).to.deep.equal(outcomes(rule({ type: 'permit' })));
    expect(outcomes(of('collect'))).to.not.include('consent-permits');
    expect(doubtedAt(of('collect'))).to.deep.equal(['Consent.provision.action']);
  });

  for (const name of named(PROVISION_ELEMENTS, 'refused'))
    it(`provision.${name} is refused`, () => {
      expect(doubtedAt(rule({ type: 'permit', [name]: MODIFIER }))).to.deep.equal([`Consent.provision.${name}`]);
    });

  it('what no version of R4 has is refused, at its place', () => {
    for (const [name, place] of [
      ['decision', 'decision'],
      ['grantor', 'grantor'],
      ['regulatoryBasis', 'regulatoryBasis'],
      ['a.b', '*'],
    ] as const)
      expect(doubtedAt({ ...OPTIN, [name]: 'deny' })).to.deep.equal([`Consent.${place}`]);
  });
});
