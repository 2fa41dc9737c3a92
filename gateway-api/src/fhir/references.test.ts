import { expect } from 'chai';
import {
  claim,
  consent,
  type Json,
  MRN,
  observation,
  PATIENT_ID,
  patient,
  practitioner,
} from './fixtures/resources.ts';
import { issuesOf, type Server, serverOf } from './fixtures/server.ts';

const BASE_URL = 'https://hospital.example/fhir/R4';

describe('references', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf('provider', { baseUrl: BASE_URL });
    server.repository.seed(patient());
    server.repository.seed(practitioner());
  });
  const withPerformer = (performer: Json): Json => ({ ...observation(), performer: [performer] });
  const referring = (reference: string): Json => withPerformer({ reference });
  const stored = (): Json => server.repository.transactions[0]![0]!.resource;

  const TAKEN: [name: string, performer: Json][] = [
    ['to what is here', { reference: `Practitioner/${practitioner()['id']}` }],
    ['to a version of what is here', { reference: `Practitioner/${practitioner()['id']}/_history/1` }],
    ['to another server', { reference: 'https://elsewhere.example/fhir/Practitioner/1' }],
    ['to another server, of no REST form', { reference: 'https://elsewhere.example/people?id=1' }],
    ['by identifier', { identifier: { system: 'https://elsewhere.example', value: '1' } }],
    ['by display alone', { display: 'Somebody' }],
    ['that name the right type', { reference: `Practitioner/${practitioner()['id']}`, type: 'Practitioner' }],
  ];
  for (const [name, performer] of TAKEN) {
    it(`are taken ${name}, as they are`, async () => {
      await server.post('/Observation', withPerformer(performer)).expect(201);
      expect(stored()['performer']).to.deep.equal([performer]);
    });
  }

  it('to this server by its URL become relative', async () => {
    await server.post('/Observation', referring(`${BASE_URL}/Practitioner/${practitioner()['id']}`)).expect(201);
    expect(stored()['performer'][0].reference).to.equal(`Practitioner/${practitioner()['id']}`);
  });

  const REFUSED: [reference: string, code: string, status?: number][] = [
    ['Practitioner/none', 'not-found'],
    [`${BASE_URL}/Practitioner/none`, 'not-found'],
    ['Practitioner?identifier=none', 'not-found', 412],
    ['Practitioner?name=x', 'not-supported'],
    ['Practitioner?identifier=a|b&name=x', 'not-supported'],
    ['Device/1', 'structure'],
    ['https://elsewhere.example/fhir/Device/1', 'structure'],
    ['Spaceship/1', 'structure'],
    ['Practitioner', 'value'],
    ['not a reference', 'value'],
    ['/Practitioner/1', 'value'],
    ['urn:uuid:11111111-1111-4111-8111-111111111111', 'not-found'],
    ['#nothing', 'not-found'],
  ];
  for (const [reference, code, status = 422] of REFUSED) {
    it(`are refused as ${reference}`, async () => {
      const response = await server.post('/Observation', referring(reference)).expect(status);
      expect(issuesOf(response)).to.deep.equal([`${code} Observation.performer[0].reference`]);
      expect(server.repository.transactions).to.deep.equal([]);
    });
  }

  it('are refused where Reference.type says another type', async () => {
    const performer = { reference: `Practitioner/${practitioner()['id']}`, type: 'Patient' };
    expect(issuesOf(await server.post('/Observation', withPerformer(performer)).expect(422))).to.deep.equal([
      'structure Observation.performer[0].reference',
    ]);
  });

  it('within contained resources are checked as well, and may name the whole with #', async () => {
    const contained = [
      {
        resourceType: 'Provenance',
        id: 'p',
        target: [{ reference: '#' }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { reference: 'Practitioner/none' } }],
      },
    ];
    expect(issuesOf(await server.post('/Observation', { ...observation(), contained }).expect(422))).to.deep.equal([
      'not-found Observation.contained[0].agent[0].who.reference',
    ]);
    contained[0]!.agent[0]!.who.reference = `Practitioner/${practitioner()['id']}`;
    await server.post('/Observation', { ...observation(), contained }).expect(201);
  });

  it('must speak of each contained resource (dom-3)', async () => {
    const unspoken = { ...claim(), insurance: [{ sequence: 1, focal: true, coverage: { display: 'none' } }] };
    expect(issuesOf(await server.post('/Claim', unspoken).expect(422))).to.deep.equal(['invariant Claim.contained[0]']);
  });

  it('with conditions are not for those who see only their own, as they would tell who is known here', async () => {
    const callerOf = () => ({ subject: 'somebody', role: 'patient' as const, fhirUser: `Patient/${PATIENT_ID}` });
    const custodian = serverOf('custodian', { callerOf });
    custodian.repository.seed(patient());
    for (const value of ['M-1001', 'nobody']) {
      const body = { ...consent(), patient: { reference: `Patient?identifier=${MRN}|${value}` } };
      const response = await custodian.post('/Consent', body).expect(403);
      expect(issuesOf(response)).to.deep.equal(['forbidden Consent.patient.reference']);
      const conditional = custodian.post('/Consent', consent()).set('If-None-Exist', `identifier=${MRN}|${value}`);
      expect(issuesOf(await conditional.expect(403))).to.deep.equal(['forbidden If-None-Exist']);
    }
    expect(custodian.repository.lookups).to.equal(0);
  });

  it('ask the repository once, however many they are', async () => {
    const performer = Array.from({ length: 30 }, () => ({ reference: `Practitioner/${practitioner()['id']}` }));
    await server.post('/Observation', { ...observation(), performer }).expect(201);
    expect(server.repository.lookups).to.equal(1);
  });

  it('to the patient are searched by the id alone', async () => {
    expect(observation()['subject'].reference).to.equal(`Patient/${PATIENT_ID}`);
    await server.post('/Observation', observation()).expect(201);
    const { body } = await server.get(`/Observation?patient=${PATIENT_ID}`).expect(200);
    expect(body.total).to.equal(1);
  });
});
