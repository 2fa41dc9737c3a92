import { expect } from 'chai';
import { type Json, MRN, observation, PATIENT_ID, patient } from './fixtures/resources.ts';
import { bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';
import type { Search } from './repository.ts';

describe('search', () => {
  let server: Server;
  let asked: Search[];
  beforeEach(() => {
    server = serverOf();
    asked = [];
    const { search } = server.repository;
    server.repository.search = (caller, wanted) => {
      asked.push(wanted);
      return search.call(server.repository, caller, wanted);
    };
    server.repository.seed(patient());
    for (let index = 0; index < 5; index += 1) server.repository.seed({ ...observation(), id: `o-${index}` });
  });
  const idsOf = (body: Json): string[] => (body['entry'] ?? []).map((entry: Json) => entry['resource'].id);

  it('answers a searchset with what matches, a self link and full URLs', async () => {
    const response = await server.get(`/Patient?identifier=${encodeURIComponent(`${MRN}|M-1001`)}`).expect(200);
    const body = bodyOf(response);
    expect([body['type'], body['total'], idsOf(body)]).to.deep.equal(['searchset', 1, [PATIENT_ID]]);
    expect(body['entry'][0].fullUrl).to.match(new RegExp(`/fhir/R4/Patient/${PATIENT_ID}$`));
    expect(body['entry'][0].search.mode).to.equal('match');
    expect(body['link'][0].url).to.include('/fhir/R4/Patient?identifier=');
    expect(body).not.to.have.property('id');
  });

  it('searches what belongs to something by its URL, alone and in Bundles, and its pages keep to it', async () => {
    const values = [{ parameter: 'encounter', orUnder: [], anyOf: [{ value: 'Encounter/e' }] }];
    const { link } = bodyOf(await server.get('/Encounter/e/Observation?status=final').expect(200)) as { link: Json[] };
    const self = link.find(({ relation }) => relation === 'self')!['url'] as string;
    expect(self).to.match(/\/Observation\?status=final&_compartment=Encounter%2Fe$/);
    await server.get(self.replace(/^.*\/fhir\/R4/, '')).expect(200);
    const entry = [{ request: { method: 'GET', url: 'Encounter/e/Observation?status=final' } }];
    const batch = await server.post('/', { resourceType: 'Bundle', type: 'batch', entry }).expect(200);
    expect(bodyOf(batch)['entry'][0].response.status).to.match(/^200/);
    for (const one of asked) expect(one.values!.slice(1), JSON.stringify(one)).to.deep.equal(values);
    expect(asked).to.have.length(3);
  });

  it('has each compartment of R4, with what belongs to it and nothing else', async () => {
    const members = ['Encounter/e/Condition', 'Practitioner/p/Observation', 'RelatedPerson/r/Procedure'];
    for (const path of [
      ...members,
      'Device/d/Observation',
      'Encounter/e/Encounter',
      `Patient/${PATIENT_ID}/Observation`,
    ])
      await server.get(`/${path}`).expect(200);
    for (const path of [
      'Encounter/e/Patient',
      'Device/d/Condition',
      'Practitioner/p/AuditEvent',
      'Condition/c/Observation',
    ])
      expect(issuesOf(await server.get(`/${path}`).expect(404)), path).to.deep.equal(['not-supported url']);
    for (const value of ['Encounter/', 'Encounter', 'Condition/c', 'Patient/p', 'Encounter/a,Encounter/b'])
      expect(issuesOf(await server.get(`/Observation?_compartment=${value}`).expect(400)), value).to.deep.equal([
        'value _compartment',
      ]);
    const { rest } = bodyOf(await server.get('/metadata').expect(200)) as { rest: Json[] };
    expect(rest[0]!['compartment']).to.deep.equal(
      ['patient', 'device', 'encounter', 'practitioner', 'relatedPerson'].map(
        (name) => `http://hl7.org/fhir/CompartmentDefinition/${name}`,
      ),
    );
  });

  it('leaves entry out of an empty searchset', async () => {
    expect(bodyOf(await server.get('/Patient?_id=none').expect(200))).not.to.have.property('entry');
  });

  it('refuses more values than the read model bears, also in a GET of a Bundle', async () => {
    const many = (count: number): string => `Patient?identifier=${Array(count).fill('a').join(',')}&_id=x`;
    await server.get(`/${many(499)}`).expect(200);
    expect(issuesOf(await server.get(`/${many(500)}`).expect(400))).to.deep.equal(['too-costly']);
    const entry = [{ request: { method: 'GET', url: many(100_000) } }];
    const answer = await server.post('/', { resourceType: 'Bundle', type: 'batch', entry });
    expect(bodyOf(answer)['entry'][0].response.status).to.match(/^400/);
  });

  it('reads every parameter, with the ORs of a comma and the ANDs of repetition', async () => {
    const query = [
      '_id=a,b,o-1',
      '_id=o-1,c',
      `patient=Patient/${PATIENT_ID},x`,
      `subject:Patient=${PATIENT_ID}`,
      'identifier=s|1,|2,3',
      'identifier=a\\|b',
      '_lastUpdated=ge2026-01-01',
      '_lastUpdated=lt2027-01-01T10:00:00%2B01:00',
      '_count=7',
    ];
    await server.get(`/Observation?${query.join('&')}`).expect(200);
    expect(asked).to.deep.equal([
      {
        type: 'Observation',
        ids: ['o-1'],
        patients: [PATIENT_ID],
        values: [
          { parameter: 'identifier', anyOf: [{ system: 's', value: '1' }, { system: '', value: '2' }, { value: '3' }] },
          { parameter: 'identifier', anyOf: [{ value: 'a|b' }] },
        ],
        lastUpdated: [
          { prefix: 'ge', value: '2026-01-01' },
          { prefix: 'lt', value: '2027-01-01T10:00:00+01:00' },
        ],
        count: 7,
      },
    ]);
  });

  it('asks nothing where the criteria exclude each other', async () => {
    for (const query of ['_id=a&_id=b', 'patient=Group/1']) {
      expect(bodyOf(await server.get(`/Observation?${query}`).expect(200))['total']).to.equal(0);
    }
    expect(asked).to.deep.equal([]);
  });

  it('leads through pages whose links show neither the patient nor an identifier', async () => {
    let { body } = await server.get(`/Observation?patient=${PATIENT_ID}&_count=2`).expect(200);
    const found = idsOf(body);
    for (let pages = 1; pages < 3; pages += 1) {
      const next: string = body.link.find((link: { relation: string }) => link.relation === 'next').url;
      expect(next).not.to.include(PATIENT_ID);
      ({ body } = await server.get(next.slice(next.indexOf('/Observation?'))).expect(200));
      found.push(...idsOf(body));
    }
    expect(found).to.deep.equal(['o-0', 'o-1', 'o-2', 'o-3', 'o-4']);
    expect(body.link.map(({ relation }: { relation: string }) => relation)).to.deep.equal(['self']);
    expect(asked.every((search) => search.patients?.[0] === PATIENT_ID)).to.equal(true);
  });

  it('refuses a page link that was changed, or is of another type', async () => {
    const { body } = await server.get('/Observation?_count=2').expect(200);
    const token = new URL(body.link[1].url).searchParams.get('_page')!;
    const flipped = (token.startsWith('A') ? 'B' : 'A') + token.slice(1);
    for (const path of [`/Observation?_page=${flipped}`, '/Observation?_page=x', `/Patient?_page=${token}`]) {
      expect(issuesOf(await server.get(path).expect(400))).to.deep.equal(['value _page']);
    }
  });

  it('counts only with _summary=count and with _count=0', async () => {
    for (const query of ['_summary=count', '_count=0']) {
      const body = bodyOf(await server.get(`/Observation?${query}`).expect(200));
      expect([body['total'], body['entry'], body['link'].length]).to.deep.equal([5, undefined, 1]);
    }
  });

  it('caps the size of a page', async () => {
    await server.get('/Observation?_count=100000').expect(200);
    expect(asked[0]!.count).to.equal(1000);
  });

  it('takes a posted form, and keeps what it says out of the links', async () => {
    const response = await request(server.app)
      .post('/fhir/R4/Observation/_search?_count=1')
      .type('form')
      .send({ patient: PATIENT_ID })
      .expect(200);
    expect(asked[0]).to.deep.equal({ type: 'Observation', patients: [PATIENT_ID], count: 1 });
    expect(JSON.stringify(bodyOf(response)['link'])).not.to.include(PATIENT_ID);
    expect(bodyOf(response)['link'][0].url).to.match(/\/Observation\/_search$/);
  });

  it('refuses an unknown parameter by its name, unless leniency is preferred', async () => {
    for (const name of ['height', 'patient:Group', 'code:of-type', 'date:exact', '_list', '_filter']) {
      expect(issuesOf(await server.get(`/Observation?${name}=x`).expect(400))).to.deep.equal([`not-supported ${name}`]);
    }
    expect(issuesOf(await server.get('/Patient?patient=x').expect(400))).to.deep.equal(['not-supported patient']);
    const lenient = bodyOf(await server.get('/Observation?height=x').set('Prefer', 'handling=lenient').expect(200));
    expect(lenient['link'][0].url).to.match(/\/Observation$/);
    const told = lenient['entry'].filter((one: Json) => one['search'].mode === 'outcome');
    expect(told.map((one: Json) => one['resource'].issue[0])).to.deep.equal([
      {
        ...{ severity: 'warning', code: 'not-supported', expression: ['height'] },
        diagnostics: 'This parameter is not supported and was left out.',
      },
    ]);
  });

  it('refuses values that are not of the form of the parameter', async () => {
    const bad = [
      '_lastUpdated=yesterday',
      '_sort=height',
      '_total=some',
      '_include=Observation:code',
      '_include=Patient:organization',
      '_revinclude=x',
      'code:missing=perhaps',
      'value-quantity=ten',
      'value-quantity=5|mg',
      'date=ge',
      'component-code-value-quantity=8480-6',
      '_lastUpdated=2026-13-01',
      '_count=-1',
      '_count=many',
    ];
    for (const query of [...bad, 'identifier=', 'identifier=a|b|c', '_id=', 'patient=', '_summary=some']) {
      const name = query.split('=')[0];
      expect(issuesOf(await server.get(`/Observation?${query}`).expect(400))).to.deep.equal([`value ${name}`]);
    }
  });
});
