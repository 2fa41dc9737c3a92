/** JSON Patch and FHIRPath Patch, as an HTTP client sends them, alone and in Bundles. */
import { expect } from 'chai';
import { bundleOf, type Json, observation, PATIENT_ID, patient, practitioner } from '../fixtures/resources.ts';
import { BASE, bodyOf, issuesOf, request, type Server, serverOf } from '../fixtures/server.ts';

const JSON_PATCH = 'application/json-patch+json';
const NPI = 'identifier=http://hl7.org/fhir/sid/us-npi|9999999901';
type Part = [name: string, value: Json];
const operation = (...parts: Part[]): Json => ({
  name: 'operation',
  part: parts.map(([name, value]) => ({ name, ...value })),
});
const typed = (type: string, path: string, ...more: Part[]): Json =>
  operation(['type', { valueCode: type }], ['path', { valueString: path }], ...more);
const parameters = (...parameter: Json[]): Json => ({ resourceType: 'Parameters', parameter });

describe('patch', () => {
  let server: Server;
  const place = `/Patient/${PATIENT_ID}`;
  const send = (path: string, type: string, text: string) =>
    request(server.app)
      .patch(BASE + path)
      .set('Content-Type', type)
      .send(text);
  const json = (operations: unknown, path = place) => send(path, JSON_PATCH, JSON.stringify(operations));
  const fhirPath = (...operations: Json[]) =>
    send(place, 'application/fhir+json', JSON.stringify(parameters(...operations)));
  const { gender: _, contact: __, ...base } = patient();
  const seeded = (): Json => ({
    ...base,
    name: [{ family: 'A', given: ['x', 'y'], _given: [null, { id: 'g' }] }, { family: 'B' }],
    birthDate: '1970-03-30',
    deceasedBoolean: false,
  });
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(seeded() as never);
  });
  const now = async (): Promise<Json> => bodyOf(await server.get(place).expect(200));

  describe('as JSON Patch', () => {
    it('does every operation in its order, and makes one version', async () => {
      const answer = await json([
        { op: 'test', path: '/name/0/family', value: 'A' },
        { op: 'replace', path: '/birthDate', value: '1971-01-01' },
        { op: 'add', path: '/name/1/given', value: ['z'] },
        { op: 'add', path: '/name/0/given/-', value: 'w' },
        { op: 'copy', from: '/name/0/given/0', path: '/name/1/given/0' },
        { op: 'move', from: '/name/1', path: '/name/0' },
        { op: 'remove', path: '/deceasedBoolean' },
      ]).expect(200);
      expect(answer.get('ETag')).to.equal('W/"2"');
      expect(bodyOf(answer)).to.deep.equal(await now());
      const { name, birthDate, deceasedBoolean } = await now();
      expect(name.map(({ family, given }: Json) => [family, given])).to.deep.equal([
        ['B', ['x', 'z']],
        ['A', ['x', 'y', 'w']],
      ]);
      expect([birthDate, deceasedBoolean]).to.deep.equal(['1971-01-01', undefined]);
    });

    it('keeps the digits of every number, and tests numbers by their value', async () => {
      const text = JSON.stringify(observation()).replace(/"value":[0-9.]+/, '"value":1.50');
      const made = await request(server.app)
        .post(`${BASE}/Observation`)
        .set('Content-Type', 'application/fhir+json')
        .send(text.includes('1.50') ? text : text.replace('"status"', '"valueQuantity":{"value":1.50},"status"'))
        .expect(201);
      const path = `/Observation/${made.body.id}`;
      const patch =
        '[{"op":"test","path":"/valueQuantity/value","value":15e-1},{"op":"add","path":"/component","value":[{"code":{"text":"x"},"valueQuantity":{"value":0.70}}]}]';
      const answer = await send(path, JSON_PATCH, patch).buffer(true).expect(200);
      expect(JSON.stringify(server.repository.transactions.at(-1)![0]!.resource))
        .to.include('"value":1.50')
        .and.include('"value":0.70');
      expect(answer.get('ETag')).to.equal('W/"2"');
      await send(path, JSON_PATCH, '[{"op":"test","path":"/valueQuantity/value","value":1.51}]').expect(422);
      await send(path, JSON_PATCH, '[{"op":"test","path":"/valueQuantity/value","value":"1.50"}]').expect(422);
    });

    it('is refused where an operation fails, and changes nothing', async () => {
      for (const failing of [
        { op: 'test', path: '/birthDate', value: '2000-01-01' },
        { op: 'remove', path: '/gender' },
        { op: 'replace', path: '/gender', value: 'male' },
        { op: 'add', path: '/contact/0/gender', value: 'male' },
        { op: 'add', path: '/name/3', value: {} },
        { op: 'add', path: '/name/01', value: {} },
        { op: 'remove', path: '/name/-' },
        { op: 'copy', from: '/nothing', path: '/name/0' },
        { op: 'move', from: '/name', path: '/name/0/given' },
        { op: 'remove', path: '/toString' },
        { op: 'remove', path: '' },
      ]) {
        const refused = await json([{ op: 'remove', path: '/birthDate' }, failing]).expect(422);
        expect(issuesOf(refused), JSON.stringify(failing)).to.deep.equal(['processing body[1]']);
      }
      expect(server.repository.transactions).to.deep.equal([]);
    });

    it('is refused with its place where it is none', async () => {
      const cases: [unknown, string][] = [
        [{ op: 'add' }, 'structure body'],
        [[7], 'code-invalid body[0].op'],
        [[{ op: 'look', path: '/x' }], 'code-invalid body[0].op'],
        [[{ op: 'add', path: 'birthDate', value: 1 }], 'value body[0].path'],
        [[{ op: 'add', path: '/a~2', value: 1 }], 'value body[0].path'],
        [[{ op: 'add', path: '/birthDate' }], 'required body[0].value'],
        [[{ op: 'move', path: '/birthDate' }], 'value body[0].from'],
        [[{ op: 'add', path: '/__proto__/x', value: 1 }], 'value body[0].path'],
        [[{ op: 'copy', from: '/constructor/prototype', path: '/x' }], 'value body[0].from'],
      ];
      for (const [body, issue] of cases)
        expect(issuesOf(await json(body).expect(400)), JSON.stringify(body)).to.deep.equal([issue]);
      expect(({} as Json)['x']).to.equal(undefined);
      await send(place, JSON_PATCH, '[{"op":"remove","op":"add","path":"/x"}]').expect(400);
      await send(place, 'application/fhir+json', '[]').expect(400);
      await send(place, 'application/xml-patch+xml', '<diff/>').expect(415);
      await json(Array.from({ length: 1_001 }, () => ({ op: 'test', path: '', value: 1 }))).expect(413);
    });

    it('is refused where what it makes is no resource of that type and id', async () => {
      expect(issuesOf(await json([{ op: 'replace', path: '/birthDate', value: 'x' }]).expect(422))).to.deep.equal([
        'value Patient.birthDate',
      ]);
      expect(issuesOf(await json([{ op: 'replace', path: '/id', value: 'other' }]).expect(400))).to.deep.equal([
        'invalid Patient.id',
      ]);
      await json([{ op: 'replace', path: '/resourceType', value: 'Person' }]).expect(400);
      await json([{ op: 'replace', path: '', value: { ...observation(), id: PATIENT_ID } }]).expect(400);
      await json([{ op: 'add', path: '/x\u0000y', value: 1 }]).expect(422);
      expect(server.repository.transactions).to.deep.equal([]);
    });
  });

  describe('as FHIRPath Patch', () => {
    it('adds, inserts, deletes, replaces and moves', async () => {
      await fhirPath(
        typed('replace', 'Patient.birthDate', ['value', { valueDate: '1971-01-01' }]),
        typed('add', 'Patient', ['name', { valueString: 'gender' }], ['value', { valueCode: 'female' }]),
        typed('add', 'Patient.name[1]', ['name', { valueString: 'given' }], ['value', { valueString: 'z' }]),
        typed('insert', 'Patient.name[0].given', ['index', { valueInteger: 1 }], ['value', { valueString: 'm' }]),
        typed('move', 'Patient.name', ['source', { valueInteger: 0 }], ['destination', { valueInteger: 1 }]),
        typed('delete', "Patient.name.where(family = 'A').given.where($this = 'x')"),
        typed('delete', 'Patient.photo'),
        typed('replace', 'Patient.deceased', ['value', { valueDateTime: '2020-05-01' }]),
        typed(
          'add',
          'Patient',
          ['name', { valueString: 'contact' }],
          [
            'value',
            {
              part: [
                {
                  name: 'name',
                  part: [
                    { name: 'family', valueString: 'C' },
                    { name: 'given', valueString: 'D' },
                  ],
                },
              ],
            },
          ],
        ),
      ).expect(200);
      const { name, birthDate, gender, deceasedBoolean, deceasedDateTime, contact } = await now();
      expect(name).to.deep.equal([
        { family: 'B', given: ['z'] },
        { family: 'A', given: ['m', 'y'], _given: [null, { id: 'g' }] },
      ]);
      expect([birthDate, gender, deceasedBoolean, deceasedDateTime]).to.deep.equal([
        '1971-01-01',
        'female',
        undefined,
        '2020-05-01',
      ]);
      expect(contact).to.deep.equal([{ name: { family: 'C', given: ['D'] } }]);
    });

    it('is refused where an operation fails, and changes nothing', async () => {
      for (const failing of [
        typed('delete', 'Patient.name'),
        typed('replace', 'Patient.gender', ['value', { valueCode: 'male' }]),
        typed('add', 'Patient', ['name', { valueString: 'id' }], ['value', { valueId: 'other' }]),
        typed('add', 'Patient', ['name', { valueString: 'deceased' }], ['value', { valueBoolean: true }]),
        typed('add', 'Patient', ['name', { valueString: '__proto__' }], ['value', { valueString: 'x' }]),
        typed('add', 'Patient.birthDate', ['name', { valueString: 'x' }], ['value', { valueString: 'x' }]),
        typed('add', 'Patient.contact', ['name', { valueString: 'gender' }], ['value', { valueCode: 'male' }]),
        typed('insert', 'Patient.name', ['index', { valueInteger: 3 }], ['value', { valueHumanName: {} }]),
        typed('move', 'Patient.name', ['source', { valueInteger: 0 }], ['destination', { valueInteger: 2 }]),
        typed('delete', 'Patient'),
      ])
        await fhirPath(typed('delete', 'Patient.birthDate'), failing).expect(422);
      expect(server.repository.transactions).to.deep.equal([]);
    });

    it('is refused where it is none, and calls nothing that could run for long', async () => {
      for (const wrong of [
        { name: 'other' },
        operation(['type', { valueCode: 'look' }], ['path', { valueString: 'Patient' }]),
        operation(['type', { valueCode: 'delete' }]),
        typed('add', 'Patient', ['name', { valueString: 'gender' }]),
        typed('delete', 'Patient.name['),
        typed('delete', "Patient.name.where(family.matches('(a+)+$'))"),
        typed('delete', 'Patient.repeat($this)'),
        typed('insert', 'Patient.name', ['index', { valueInteger: -1 }], ['value', { valueHumanName: {} }]),
      ])
        await fhirPath(wrong).expect(400);
      await send(place, 'application/fhir+json', JSON.stringify(patient())).expect(400);
      await fhirPath(...Array.from({ length: 201 }, () => typed('delete', 'Patient.photo'))).expect(413);
    });
  });

  it('holds to If-Match, and to what is there', async () => {
    const change = [{ op: 'replace', path: '/birthDate', value: '1971-01-01' }];
    expect(issuesOf(await json(change).set('If-Match', 'W/"7"').expect(412))).to.deep.equal(['conflict If-Match']);
    await json(change).set('If-Match', 'W/"1"').expect(200);
    await json(change, '/Patient/none').expect(404);
    const others = server.repository.seed({ ...observation(), id: 'others' }, 'clinic');
    await json([{ op: 'remove', path: '/status' }], `/${others}`).expect(403);
    const own = server.repository.seed({ ...observation(), id: 'own' });
    await request(server.app).delete(`${BASE}/${own}`).expect(204);
    await json([], `/${own}`).expect(410);
    await request(serverOf('custodian').app)
      .patch(`${BASE}/Consent/1`)
      .set('Content-Type', JSON_PATCH)
      .send('[]')
      .expect(405);
  });

  it('of what matches a condition is 404 for nothing, and 412 for several', async () => {
    const change = [{ op: 'add', path: '/active', value: true }];
    const where = `/Practitioner?${NPI}`;
    await json(change, where).expect(404);
    await server.post('/Practitioner', practitioner()).expect(201);
    expect(bodyOf(await json(change, where).expect(200))['active']).to.equal(true);
    await server.post('/Practitioner', practitioner()).expect(201);
    await json(change, where).expect(412);
    await json(change, '/Practitioner?name=x').expect(400);
  });

  it('is an entry of Bundles, in a Binary or as Parameters', async () => {
    const url = place.slice(1);
    const binary = (operations: unknown): Json => ({
      resourceType: 'Binary',
      contentType: JSON_PATCH,
      data: Buffer.from(typeof operations === 'string' ? operations : JSON.stringify(operations)).toString('base64'),
    });
    const entry = (resource: Json, more: Json = {}): Json => ({ resource, request: { method: 'PATCH', url, ...more } });
    for (const type of ['transaction', 'batch'] as const) {
      const one = entry(binary([{ op: 'replace', path: '/birthDate', value: '1971-01-01' }]));
      const answer = bodyOf(await server.post('/', bundleOf(type, [one])).expect(200));
      expect(answer['entry'][0].response.status).to.equal('200 OK');
    }
    const other = entry(parameters(typed('delete', 'Patient.birthDate')), { ifMatch: 'W/"3"' });
    await server.post('/', bundleOf('transaction', [other])).expect(200);
    expect(await now()).to.not.have.property('birthDate');
    const cases: [Json, number, string][] = [
      [entry(binary([{ op: 'remove', path: '/gender' }])), 422, 'processing Bundle.entry[0].resource.data[0]'],
      [entry({ ...binary([]), contentType: 'text/plain' }), 400, 'value Bundle.entry[0].resource.contentType'],
      [entry({ resourceType: 'Binary', contentType: JSON_PATCH }), 400, 'required Bundle.entry[0].resource.data'],
      [entry(patient()), 400, 'structure Bundle.entry[0].resource'],
      [
        entry(parameters(typed('delete', 'Patient.name')), { ifMatch: 'W/"1"' }),
        412,
        'conflict Bundle.entry[0].request.ifMatch',
      ],
    ];
    for (const [one, status, issue] of cases)
      expect(issuesOf(await server.post('/', bundleOf('transaction', [one])).expect(status)), issue).to.deep.equal([
        issue,
      ]);
    for (const text of ['[{"op":"remove","op":"add","path":"/x"}]', 'no JSON', '{}'])
      await server.post('/', bundleOf('transaction', [entry(binary(text))])).expect(400);
  });
});
