import { expect } from 'chai';
import type { Json } from './fixtures/resources.ts';
import { issuesOf, type Server, serverOf } from './fixtures/server.ts';

const BASE_URL = 'https://payer.example/fhir/R4';
const SELF = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/subscriber-relationship', code: 'self' }] };
const CHILD = { coding: [{ ...SELF.coding[0], code: 'child' }] };
const member = { system: 'urn:example:members', value: '4711' };
const membership = { type: { coding: [{ code: 'MB' }] }, ...member };
const own = {
  identifier: { system: 'https://telemed-ledger.example/organisations', value: 'payer' },
  display: 'payer',
};
const person = (identifier: object[]): Json => ({
  resourceType: 'Patient',
  id: 'p',
  identifier,
  birthDate: '1980-01-01',
});

describe('Coverages of other systems', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf('payer', { baseUrl: BASE_URL });
  });
  const coverage = (more: Json): Json => ({
    ...{ resourceType: 'Coverage', status: 'active', payor: [{ display: 'A payer' }] },
    beneficiary: { identifier: member },
    ...more,
  });
  const stored = (): Json => server.repository.transactions[0]![0]!.resource;

  const TAKEN: [what: string, sent: Json, stands: Json][] = [
    [
      'whose beneficiary is named by identifier too',
      { beneficiary: { reference: 'Patient/4', identifier: member } },
      { beneficiary: { identifier: member } },
    ],
    [
      'whose beneficiary is elsewhere and named by identifier',
      { beneficiary: { reference: 'https://h.example/Patient/4', identifier: member } },
      { beneficiary: { reference: 'https://h.example/Patient/4', identifier: member } },
    ],
    [
      'of the subscriber',
      { beneficiary: { reference: 'Patient/4' }, subscriberId: 'S1', relationship: SELF },
      { beneficiary: { type: 'Patient' }, subscriberId: 'S1' },
    ],
    [
      'of the subscriber, who is elsewhere',
      { beneficiary: { reference: 'https://h.example/Patient/4' }, subscriberId: 'S1', relationship: SELF },
      { beneficiary: { type: 'Patient' }, subscriberId: 'S1' },
    ],
    [
      'whose subscriber is the beneficiary',
      { beneficiary: { reference: 'Patient/4' }, subscriber: { reference: 'Patient/4' }, subscriberId: 'S1' },
      { beneficiary: { type: 'Patient' }, subscriber: { identifier: { value: 'S1' } } },
    ],
    [
      'that contains its beneficiary',
      { contained: [person([membership])], beneficiary: { reference: '#p' } },
      { beneficiary: { identifier: membership }, contained: undefined },
    ],
    [
      'that contains its beneficiary with several numbers',
      { contained: [person([{ system: 'urn:x', value: '1' }, membership])], beneficiary: { reference: '#p' } },
      { beneficiary: { identifier: membership }, contained: undefined },
    ],
    [
      'that contains beneficiary and policy holder in one',
      { contained: [person([member])], beneficiary: { reference: '#p' }, policyHolder: { reference: '#p' } },
      { beneficiary: { identifier: member }, policyHolder: { identifier: member }, contained: undefined },
    ],
    [
      'whose payor is an Organization of another system',
      { payor: [{ reference: 'Organization/2' }] },
      { payor: [own] },
    ],
    [
      'whose payor is contained',
      { contained: [{ resourceType: 'Organization', id: 'o', name: 'A payer' }], payor: [{ reference: '#o' }] },
      { payor: [own], contained: undefined },
    ],
    [
      'whose payor has a number',
      { payor: [{ reference: 'Organization/2', identifier: member }] },
      { payor: [{ identifier: member }] },
    ],
    [
      'whose policy holder is an Organization of another system',
      { policyHolder: { reference: 'Organization/2', display: 'An employer' } },
      { policyHolder: { display: 'An employer' } },
    ],
  ];
  for (const [what, sent, stands] of TAKEN)
    it(`are taken: ${what}`, async () => {
      await server.post('/Coverage', coverage(sent)).expect(201);
      for (const [element, value] of Object.entries(stands)) expect(stored()[element], element).to.deep.equal(value);
    });

  it('keep references to what is here', async () => {
    server.repository.seed({ resourceType: 'Patient', id: 'here' });
    await server.post('/Coverage', coverage({ beneficiary: { reference: 'Patient/here' } })).expect(201);
    expect(stored()['beneficiary']).to.deep.equal({ reference: 'Patient/here' });
  });

  const UNTOLD: [what: string, sent: Json][] = [
    ['nothing but a reference', { beneficiary: { reference: 'Patient/4' } }],
    ['a reference elsewhere', { beneficiary: { reference: 'https://h.example/Patient/4' } }],
    [
      'the number of somebody else’s',
      { beneficiary: { reference: 'Patient/4' }, subscriberId: 'S1', relationship: CHILD },
    ],
    ['a number that may be somebody else’s', { beneficiary: { reference: 'Patient/4' }, subscriberId: 'S1' }],
    [
      'a contained Patient without a number',
      { contained: [person([])].map(({ identifier: _, ...rest }) => rest), beneficiary: { reference: '#p' } },
    ],
    [
      'a contained Patient with several',
      { contained: [person([member, { ...member, system: 'urn:y' }])], beneficiary: { reference: '#p' } },
    ],
  ];
  for (const [what, sent] of UNTOLD)
    it(`are refused where they tell whom they insure by ${what}, with the place and what to write`, async () => {
      const answer = await server.post('/Coverage', coverage(sent)).expect(422);
      expect(issuesOf(answer)).to.deep.equal(['not-found Coverage.beneficiary.reference']);
      expect(answer.text).to.include('identifier').and.include('subscriberId');
    });

  it('are refused where other elements refer to what is not here, as any resource is', async () => {
    const answer = await server.post('/Coverage', coverage({ contract: [{ reference: 'Contract/1' }] })).expect(422);
    expect(issuesOf(answer)).to.deep.equal(['not-found Coverage.contract[0].reference']);
  });
});
