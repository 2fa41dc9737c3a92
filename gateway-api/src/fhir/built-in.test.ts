/** Operations that every gateway has: what is validated, documents, meta and codes. */
import { expect } from 'chai';
import { type Json, observation, patient } from './fixtures/resources.ts';
import { bodyOf, issuesOf, type Server, serverOf } from './fixtures/server.ts';

const parametersOf = (parameter: object[]): Json => ({ resourceType: 'Parameters', parameter });
const valuesOf = (body: Json): Json =>
  Object.fromEntries((body['parameter'] as Json[]).map(({ name, ...rest }) => [name, Object.values(rest)[0]]));

describe('$validate', () => {
  const server = serverOf();
  const told = async (path: string, body: unknown): Promise<string[]> =>
    issuesOf(await server.post(path, body).expect(200));
  const FINE = ['informational'];

  it('tells what is wrong with a resource of any type of R4, and writes nothing', async () => {
    expect(await told('/Patient/$validate', patient())).to.deep.equal(FINE);
    expect(await told('/Patient/$validate', { ...patient(), x: 1 })).to.deep.equal(['structure Patient.x']);
    expect(await told('/Library/$validate', { resourceType: 'Library', status: 'draft' })).to.deep.equal([
      'required Library.type',
    ]);
    const dangling = { ...observation(), subject: { reference: '#x' } };
    expect(await told('/Observation/$validate', dangling)).to.deep.equal(['not-found Observation.subject.reference']);
    expect(server.repository.transactions).to.deep.equal([]);
  });

  it('takes a resource in Parameters, and Parameters and Bundles as resources', async () => {
    const within = parametersOf([{ name: 'resource', resource: { ...patient(), gender: 'x' } }]);
    expect(await told('/Patient/$validate', within)).to.deep.equal(['code-invalid Patient.gender']);
    expect(await told('/Parameters/$validate', parametersOf([{ name: 'a', valueString: 'b' }]))).to.deep.equal(FINE);
    expect(await told('/Parameters/$validate', parametersOf([{ valueString: 'b' }]))).to.deep.equal([
      'required Parameters.parameter[0].name',
    ]);
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { ...patient(), x: 1 } }] };
    expect(await told('/Bundle/$validate', bundle)).to.deep.equal(['structure Bundle.entry[0].resource.x']);
    expect(await told('/Patient/$validate', observation())).to.deep.equal(['invalid Observation.resourceType']);
  });

  it('judges by the definitions alone, and by mode as a write would', async () => {
    const system = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
    const resource = { ...observation(), code: { coding: [{ system, code: 'x' }] }, subject: { reference: 'Claim/1' } };
    const passed = 'code-invalid Observation.code.coding[0].code';
    const refused = 'structure Observation.subject.reference';
    expect(await told('/Observation/$validate', resource)).to.deep.equal([passed, refused]);
    expect(await told('/Observation/$validate?mode=profile', resource)).to.deep.equal([passed, refused]);
    expect(await told('/Observation/$validate?mode=create', resource)).to.deep.equal([refused]);
    const { issue } = bodyOf(await server.post('/Observation/$validate', resource)) as { issue: Json[] };
    expect(issue.map(({ severity }) => severity)).to.deep.equal(['error', 'warning']);
    expect(issuesOf(await server.post('/Observation', resource).expect(422))).to.deep.equal([refused]);
  });

  it('holds an update and a delete to what is there', async () => {
    const stored = { ...patient(), id: 'p' };
    const own = serverOf();
    own.repository.seed(stored as never);
    const update = async (path: string, body?: unknown) => issuesOf(await own.post(path, body).expect(200));
    expect(await update('/Patient/p/$validate?mode=update', stored)).to.deep.equal(FINE);
    expect(await update('/Patient/p/$validate', undefined)).to.deep.equal(FINE);
    expect(await update('/Patient/p/$validate?mode=update', { ...stored, id: 'q' })).to.deep.equal([
      'invalid Patient.id',
    ]);
    expect(await update('/Patient/q/$validate?mode=update', { ...stored, id: 'q' })).to.deep.equal(['not-found url']);
    expect(await update('/Patient/p/$validate?mode=delete')).to.deep.equal(FINE);
    expect(await update('/Patient/q/$validate?mode=delete')).to.deep.equal(['not-found url']);
    const mode = parametersOf([
      { name: 'resource', resource: stored },
      { name: 'mode', valueCode: 'update' },
    ]);
    expect(await update('/Patient/$validate', mode)).to.deep.equal(['required url']);
  });

  it('refuses what it does not know, and what is no question', async () => {
    expect(await told('/Patient/$validate?profile=urn:x', patient())).to.deep.equal(['not-supported profile']);
    const base = 'http://hl7.org/fhir/StructureDefinition/Patient|4.0.1';
    expect(await told(`/Patient/$validate?profile=${encodeURIComponent(base)}`, patient())).to.deep.equal(FINE);
    expect(issuesOf(await server.post('/Patient/$validate?mode=x', patient()).expect(400))).to.deep.equal([
      'value mode',
    ]);
    expect(issuesOf(await server.post('/Patient/$validate?x=1', patient()).expect(400))).to.deep.equal([
      'not-supported x',
    ]);
    expect(issuesOf(await server.post('/Patient/$validate').expect(400))).to.deep.equal(['required body']);
    await server.post('/Spaceship/$validate', patient()).expect(404);
  });
});

describe('$meta', () => {
  it('is that of the newest version', async () => {
    const server = serverOf();
    server.repository.seed({ ...patient(), id: 'p', meta: { tag: [{ code: 'x' }] } } as never);
    const { return: meta } = valuesOf(bodyOf(await server.get('/Patient/p/$meta').expect(200)));
    expect(meta).to.deep.include({ versionId: '1', tag: [{ code: 'x' }] });
    await server.get('/Patient/q/$meta').expect(404);
    await server.get('/Spaceship/q/$meta').expect(404);
  });
});

describe('$meta-add and $meta-delete', () => {
  let server: Server;
  const TAGS = 'urn:tags';
  const tagged = (...names: string[]): Json[] => names.map((code) => ({ system: TAGS, code }));
  beforeEach(() => {
    server = serverOf();
    server.repository.seed({ ...patient(), id: 'p', meta: { source: 'urn:s', tag: tagged('a', 'b') } } as never);
  });
  const asked = (valueMeta: object): Json => parametersOf([{ name: 'meta', valueMeta }]);
  const newest = async (): Promise<Json> => bodyOf(await server.get('/Patient/p').expect(200))['meta'];

  it('make a version with more and with fewer profiles, labels and tags, and answer its meta', async () => {
    const more = {
      ...{ tag: [{ ...tagged('b')[0], display: 'B' }, ...tagged('c', 'c'), { code: 'a' }] },
      ...{ profile: ['urn:p'], security: [{ system: 'urn:l', code: 'R' }] },
    };
    const { return: added } = valuesOf(bodyOf(await server.post('/Patient/p/$meta-add', asked(more)).expect(200)));
    expect(added).to.deep.include({
      ...{ versionId: '2', source: 'urn:s', tag: [...tagged('a', 'b', 'c'), { code: 'a' }] },
      ...{ profile: ['urn:p'], security: [{ system: 'urn:l', code: 'R' }] },
    });
    expect(await newest()).to.deep.equal(added);
    const less = { tag: tagged('a', 'c', 'x'), profile: ['urn:p'], security: [{ system: 'urn:other', code: 'R' }] };
    await server.post('/Patient/p/$meta-delete', asked(less)).set('If-Match', 'W/"2"').expect(200);
    const left = await newest();
    expect(left).to.deep.include({ versionId: '3', source: 'urn:s', tag: [...tagged('b'), { code: 'a' }] });
    expect(left).to.deep.include({ security: [{ system: 'urn:l', code: 'R' }] });
    expect(left).not.to.have.property('profile');
    expect(bodyOf(await server.get('/Patient/p').expect(200))['name']).to.deep.equal(patient()['name']);
  });

  it('are writes: of what is there and whose version is named, where it may be written', async () => {
    const tag = asked({ tag: tagged('c') });
    await server.post('/Patient/q/$meta-add', tag).expect(404);
    await server.post('/Patient/p/$meta-add', tag).set('If-Match', 'W/"9"').expect(412);
    await server.post('/Patient/p/$meta-add?x=1', tag).expect(400);
    await server.post('/Consent/c/$meta-add', tag).expect(405);
    await serverOf('payer').post('/Patient/p/$meta-add', tag).expect(405);
    const bad: [Json | undefined, number][] = [
      [undefined, 400],
      [patient(), 400],
      [parametersOf([{ name: 'tag', valueMeta: {} }]), 422],
      [parametersOf([{ name: 'x', valueMeta: { tag: tagged('c') } }]), 400],
      [asked({ tag: tagged('c'), source: 'urn:x' }), 400],
      [asked({ tag: 'c' }), 422],
    ];
    for (const [body, status] of bad)
      for (const name of ['meta-add', 'meta-delete'])
        expect((await server.post(`/Patient/p/$${name}`, body)).status, JSON.stringify(body)).to.equal(status);
    expect(await newest()).to.deep.include({ versionId: '1', tag: tagged('a', 'b') });
  });
});

describe('$docref', () => {
  const document = (id: string, more: object): never =>
    ({
      ...{ resourceType: 'DocumentReference', id, status: 'current', subject: { reference: 'Patient/p' } },
      ...{ type: { coding: [{ system: 'http://loinc.org', code: '34133-9' }] } },
      ...{ content: [{ attachment: { url: 'https://x.example/d' } }] },
      ...more,
    }) as never;
  let server: Server;
  before(() => {
    server = serverOf();
    server.repository.seed({ ...patient(), id: 'p' } as never);
    server.repository.seed(document('old', { date: '2020-01-01T00:00:00Z' }));
    server.repository.seed(
      document('care', {
        date: '2025-02-01T00:00:00Z',
        context: { period: { start: '2024-05-01', end: '2024-05-02' } },
      }),
    );
    server.repository.seed(document('superseded', { status: 'superseded' }));
    server.repository.seed(document('other', { subject: { reference: 'Patient/q' } }));
  });
  const ids = async (query: string): Promise<string[]> =>
    (bodyOf(await server.get(`/DocumentReference/$docref?${query}`).expect(200))['entry'] ?? []).map(
      ({ resource }: Json) => resource['id'],
    );

  it('answers a patient’s current documents, and of a time those of care in it', async () => {
    expect(await ids('patient=p')).to.have.members(['old', 'care']);
    expect(await ids('patient=Patient/p&start=2024-01-01&end=2024-12-31')).to.deep.equal(['care']);
    expect(await ids('patient=p&start=2025-01-01')).to.deep.equal([]);
    expect(await ids('patient=p&type=http://loinc.org|1')).to.deep.equal([]);
    const posted = parametersOf([
      { name: 'patient', valueId: 'p' },
      { name: 'end', valueDate: '2021' },
    ]);
    const { entry } = bodyOf(await server.post('/DocumentReference/$docref', posted).expect(200));
    expect(entry.map(({ resource }: Json) => resource['id'])).to.deep.equal(['old']);
  });

  it('is of one patient who is seen, and makes nothing', async () => {
    for (const [query, status, issue] of [
      ['', 400, 'required patient'],
      ['patient=none', 404, 'not-found url'],
      ['patient=p&start=x', 400, 'value start'],
      ['patient=p&start=2025-01-01&end=2024-01-01', 400, 'value end'],
      ['patient=p&on-demand=true', 400, 'not-supported on-demand'],
      ['patient=p&x=1', 400, 'not-supported x'],
    ] as const)
      expect(issuesOf(await server.get(`/DocumentReference/$docref?${query}`).expect(status)), query).to.deep.equal([
        issue,
      ]);
  });
});

describe('Codes', () => {
  const SYSTEM = 'https://hospital.example/wards';
  const wards = {
    ...{ resourceType: 'CodeSystem', id: 'wards', url: SYSTEM, name: 'Wards', version: '1', status: 'active' },
    content: 'complete',
    concept: [
      {
        ...{ code: 'in', display: 'Inpatient', definition: 'Who stays.' },
        concept: [
          { code: 'icu', display: 'Intensive care' },
          { code: 'ped', display: 'Pédiatrie' },
        ],
      },
      { code: 'out', display: 'Outpatient' },
    ],
  };
  const set = (id: string, compose: object) => ({
    ...{ resourceType: 'ValueSet', id, url: `https://hospital.example/sets/${id}`, status: 'active', compose },
  });
  const beds = set('beds', {
    include: [{ system: SYSTEM, filter: [{ property: 'concept', op: 'is-a', value: 'in' }] }],
  });
  const rest = set('rest', {
    include: [{ system: SYSTEM }],
    exclude: [{ valueSet: ['https://hospital.example/sets/beds'] }],
  });
  const listed = set('listed', {
    include: [{ system: SYSTEM, concept: [{ code: 'icu' }, { code: 'out', display: 'Day' }] }],
  });
  let server: Server;
  before(() => {
    server = serverOf();
    for (const one of [wards, beds, rest, listed]) server.repository.seed(one as never);
  });
  const codesOf = async (path: string): Promise<string[]> => {
    const { expansion } = bodyOf(await server.get(path).expect(200));
    return (expansion['contains'] ?? []).map(({ code, display }: Json) => `${code} ${display}`);
  };

  it('of a value set are expanded from what is here, filtered and in pages', async () => {
    expect(await codesOf('/ValueSet/beds/$expand')).to.deep.equal([
      'in Inpatient',
      'icu Intensive care',
      'ped Pédiatrie',
    ]);
    expect(await codesOf('/ValueSet/$expand?url=https://hospital.example/sets/rest')).to.deep.equal(['out Outpatient']);
    expect(await codesOf('/ValueSet/listed/$expand')).to.deep.equal(['icu Intensive care', 'out Day']);
    expect(await codesOf('/ValueSet/beds/$expand?filter=pedia')).to.deep.equal(['ped Pédiatrie']);
    expect(await codesOf('/ValueSet/beds/$expand?count=1&offset=1')).to.deep.equal(['icu Intensive care']);
    const posted = await server
      .post('/ValueSet/$expand', parametersOf([{ name: 'valueSet', resource: rest }]))
      .expect(200);
    expect(bodyOf(posted)['expansion'].total).to.equal(1);
    expect(await codesOf('/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender')).to.have.length(4);
  });

  it('are not made up where they are not known', async () => {
    const elsewhere = set('elsewhere', { include: [{ system: 'http://snomed.info/sct' }] });
    const regex = set('regex', {
      include: [{ system: SYSTEM, filter: [{ property: 'code', op: 'regex', value: 'i.*' }] }],
    });
    const post = (resource: object) => server.post('/ValueSet/$expand', parametersOf([{ name: 'valueSet', resource }]));
    await post(elsewhere).expect(404);
    await post(regex).expect(422);
    await server.get('/ValueSet/$expand?url=urn:none').expect(404);
    await server.get('/ValueSet/$expand').expect(400);
    await server.get('/ValueSet/none/$expand').expect(404);
    await server.get('/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/mimetypes').expect(422);
  });

  it('are told whether they are in a value set or a code system', async () => {
    const result = async (path: string) => valuesOf(bodyOf(await server.get(path).expect(200)));
    const inBeds = '/ValueSet/$validate-code?url=https://hospital.example/sets/beds';
    expect(await result(`${inBeds}&system=${SYSTEM}&code=icu`)).to.deep.equal({
      result: true,
      display: 'Intensive care',
    });
    expect(await result(`${inBeds}&system=${SYSTEM}&code=out`)).to.include({ result: false });
    expect(await result(`${inBeds}&system=urn:x&code=icu`)).to.include({ result: false });
    expect(await result(`${inBeds}&code=icu&display=Other`)).to.include({ result: false, display: 'Intensive care' });
    expect(await result(`/CodeSystem/$validate-code?url=${SYSTEM}&code=ped`)).to.include({ result: true });
    expect(await result('/CodeSystem/wards/$validate-code?code=none')).to.include({ result: false });
    await server.get('/CodeSystem/$validate-code?url=urn:none&code=x').expect(404);
    await server.get(inBeds).expect(400);
  });

  it('are looked up', async () => {
    const found = valuesOf(bodyOf(await server.get(`/CodeSystem/$lookup?system=${SYSTEM}&code=in`).expect(200)));
    expect(found).to.deep.equal({ name: 'Wards', version: '1', display: 'Inpatient', definition: 'Who stays.' });
    const coding = parametersOf([{ name: 'coding', valueCoding: { system: SYSTEM, code: 'icu' } }]);
    expect(valuesOf(bodyOf(await server.post('/CodeSystem/$lookup', coding).expect(200)))).to.include({
      display: 'Intensive care',
    });
    await server.get(`/CodeSystem/$lookup?system=${SYSTEM}&code=none`).expect(404);
    await server.get('/CodeSystem/$lookup?system=urn:none&code=in').expect(404);
    await server.get('/CodeSystem/$lookup?code=in').expect(400);
  });
});
