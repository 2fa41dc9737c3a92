/** Consents of odd kinds, each refused over HTTP with its place and nothing kept of it, or taken for what its neighbour means. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const OWN = { url: 'http://example.org/own' };
const CLINIC = [{ role: { text: 'recipient' }, reference: { reference: 'Organization/clinic' } }];
const permit = (more: object) => ({ provision: { type: 'permit', actor: CLINIC, ...more } });
const to = (reference: object) => permit({ actor: [{ role: { text: 'recipient' }, reference }] });

/** What it says (of an observation of hers, `OBSERVED`), and where it is refused: the first place that is named. */
const REFUSED: [what: string, content: object, place: string | RegExp][] = [
  ...['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error', 'expired'].map(
    (status): (typeof REFUSED)[number] => [`status ${status}`, { status }, 'Consent.status'],
  ),
  ['a scope without its system', { scope: { coding: [{ code: 'patient-privacy' }] } }, 'Consent.scope'],
  ['a scope in words', { scope: { text: 'Privacy' } }, 'Consent.scope'],
  [
    'two scopes',
    { scope: { coding: ['patient-privacy', 'adr'].map((code) => ({ system: SCOPES, code })) } },
    'Consent.scope',
  ],
  ['an opt-in of another system', { policyRule: coding('http://example.org/rules', 'OPTIN') }, 'Consent.policyRule'],
  ['a directive that is not kept', { policyRule: coding(ACT_CODE, 'OPTINR') }, 'Consent.policyRule'],
  [
    'two providers',
    { organization: ['hospital', 'clinic'].map((name) => ({ reference: `Organization/${name}` })) },
    /Consent\.organization/,
  ],
  ['another provider', { organization: [{ reference: 'Organization/clinic' }] }, /Consent\.organization/],
  ...['Device/1', 'Group/1', 'CareTeam/1', '#nurse'].map((reference): (typeof REFUSED)[number] => [
    `an actor ${reference}`,
    {
      ...to({ reference }),
      contained: [{ resourceType: 'Practitioner', id: 'nurse' }],
    },
    /Consent\.(provision\.actor\[0\]\.reference|contained)/,
  ]),
  [
    'an actor of another type than he is',
    to({ type: 'Device', reference: 'Organization/clinic' }),
    /Consent\.provision\.actor\[0\]\.reference/,
  ],
  [
    'an actor of a type and an identifier of another',
    to({ type: 'Patient', identifier: { system: ORGANISATIONS, value: 'clinic' } }),
    'Consent.provision.actor[0].reference',
  ],
  ['a day that is none', permit({ period: { end: '2030-02-30' } }), /Consent\.provision\.period/],
  ['a time without a zone', permit({ period: { end: '2030-02-03T10:00:00' } }), /Consent\.provision\.period/],
  [
    'data by a version',
    permit({ data: [{ meaning: 'instance', reference: { reference: 'OBSERVED/_history/1' } }] }),
    'Consent.provision.data[0].reference',
  ],
  [
    'data by a type that is none',
    permit({ data: [{ meaning: 'instance', reference: { reference: 'Letter/1' } }] }),
    /Consent\.provision\.data\[0\]\.reference/,
  ],
  [
    'a label of an obligation',
    permit({ securityLabel: [{ system: ACT_CODE, code: 'NOREUSE' }] }),
    'Consent.provision.securityLabel[0]',
  ],
  [
    'a label of another system',
    permit({ securityLabel: [{ system: 'urn:oid:2.16.840.1.113883.5.25', code: 'N' }] }),
    'Consent.provision.securityLabel[0]',
  ],
  [
    'a purpose by its OID',
    permit({ purpose: [{ system: 'urn:oid:2.16.840.1.113883.5.8', code: 'TREAT' }] }),
    'Consent.provision.purpose[0]',
  ],
  [
    'a modifier in what it contains',
    { contained: [{ resourceType: 'Practitioner', id: 'x', modifierExtension: [{ ...OWN, valueCode: 'x' }] }] },
    /modifierExtension|Consent\.contained/,
  ],
  [
    'a modifier four levels down',
    permit({
      provision: [
        {
          type: 'deny',
          purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }],
          data: [
            {
              meaning: 'instance',
              reference: { reference: 'OBSERVED' },
              modifierExtension: [{ ...OWN, valueCode: 'x' }],
            },
          ],
        },
      ],
    }),
    /modifierExtension/,
  ],
  ['implicit rules', { implicitRules: 'http://example.org/rules' }, 'Consent.implicitRules'],
  ['a rule in words', { policyRule: { text: 'opt out' } }, 'Consent.policyRule'],
  ['an opt-in by its category alone', { category: [coding(ACT_CODE, 'OPTIN')] }, 'Consent.category[0]'],
  [
    'a verification that was not',
    { policyRule: coding(ACT_CODE, 'OPTIN'), verification: [{ verified: false }] },
    'Consent.verification[0].verified',
  ],
  [
    'a clinic of another server',
    to({ reference: 'https://elsewhere.example/fhir/R4/Organization/clinic' }),
    'Consent.provision.actor[0].reference',
  ],
  [
    'an exception for whoever is not permitted anything',
    permit({
      provision: [{ type: 'deny', actor: [{ role: { text: 'x' }, reference: { reference: 'Organization/payer' } }] }],
    }),
    'Consent.provision.provision[0].actor[0]',
  ],
  ['a decision of R5', { decision: 'deny' }, /Consent\.decision|Consent/],
];

describe('A consent of an odd kind', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let observation: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] };
    patient = (await consortium.send('hospital', 'POST /fhir/R4/Patient', body)).body.id;
    const subject = { reference: `Patient/${patient}` };
    const observed = { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, subject };
    observation = (await consortium.send('hospital', 'POST /fhir/R4/Observation', observed)).body.id;
    const here = `GET /fhir/R4/Observation/${observation}`;
    await until(async () => (await consortium.send('patients', here)).status === 200);
  });
  after(() => consortium?.close());

  const she = () => `patients patient Patient/${patient}`;
  const grant = (content: object) =>
    consortium.send(she(), 'POST /fhir/R4/Consent', {
      ...{ resourceType: 'Consent', status: 'active', scope: coding(SCOPES, 'patient-privacy') },
      ...{ policy: [{ uri: 'http://example.org/policies/1' }], category: [coding('http://loinc.org', '59284-0')] },
      ...{ patient: { reference: `Patient/${patient}` } },
      ...JSON.parse(JSON.stringify(content).replaceAll('OBSERVED', `Observation/${observation}`)),
    });

  for (const [what, content, place] of REFUSED)
    it(`is refused for ${what}, with its place`, async () => {
      const { status, body } = await grant(content);
      expect(status, JSON.stringify(body)).to.be.oneOf([400, 422]);
      const places = body.issue.flatMap(({ expression = [] }: { expression?: string[] }) => expression);
      const isThere = (one: string): boolean => (typeof place === 'string' ? one === place : place.test(one));
      expect(places.some(isThere), JSON.stringify(body)).to.equal(true);
      const { body: wishes } = await consortium.send(she(), 'GET /wishes');
      expect(wishes.wishes).to.deep.equal([]);
      expect((await consortium.send(she(), 'GET /fhir/R4/Consent')).body.entry ?? []).to.deep.equal([]);
    });

  it('is taken for the clinic by this server’s own address of it, and by its identifier', async () => {
    const own = `${consortium.urls.get('patients')}/fhir/R4/Organization/clinic`;
    for (const reference of [{ reference: own }, { identifier: { system: ORGANISATIONS, value: 'clinic' } }]) {
      const { status, body } = await grant(to(reference));
      expect(status, JSON.stringify(body)).to.be.oneOf([201, 202]);
    }
  });
});
