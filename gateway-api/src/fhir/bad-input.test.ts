/** Whatever comes in, the answer is a 4xx that names the place, nothing is written, and nothing is a 500. */
import { expect } from 'chai';
import fc from 'fast-check';
import { mutated } from './fixtures/mutations.ts';
import { bundleOf, claim, type Json, observation, PATIENT_ID, patient, post, samples } from './fixtures/resources.ts';
import { bodiesOf, bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';

const JSON_TYPE = 'application/fhir+json';

describe('bad input', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf('provider', { bodies: bodiesOf({ limit: 100_000 }) });
    server.repository.seed(patient());
  });
  afterEach(() => {
    expect(server.repository.transactions).to.deep.equal([]);
    expect(server.reports).to.deep.equal([]);
  });
  const postText = (path: string, text: string, type = JSON_TYPE) =>
    request(server.app).post(`/fhir/R4${path}`).set('Content-Type', type).send(text);

  it('malformed JSON is 400 with where it broke, and nothing of what it said', async () => {
    const response = await postText('/Patient', '{"resourceType": "Patient",\n "name": "Zanzibar",}').expect(400);
    expect(issuesOf(response)).to.deep.equal(['structure body']);
    expect(bodyOf(response)['issue'][0].diagnostics).to.include('at line 2 column 21');
    const quoted = await postText('/Patient', '{"resourceType": Zanzibar}').expect(400);
    expect(response.text + quoted.text).not.to.include('Zanzibar');
    for (const text of ['{', '"text"', '[', 'null', '7', '\u0000', '{"a":1}}'])
      await postText('/Patient', text).expect(400);
    await postText('', '{"resourceType": "Bundle"').expect(400);
  });

  it('a body that is empty, or no object, is refused as no resource', async () => {
    expect(issuesOf(await server.post('/Patient').expect(422))).to.deep.equal(['structure Patient']);
    expect(issuesOf(await postText('/Patient', '[]').expect(422))).to.deep.equal(['structure Patient']);
    expect(issuesOf(await postText('/Patient', '{}').expect(422))).to.deep.equal(['structure Patient.resourceType']);
    expect(issuesOf(await server.post('').expect(400))).to.deep.equal(['invalid Bundle.resourceType']);
  });

  it('a body of another version than R4 is 415, and an answer in another 406', async () => {
    for (const version of ['3.0', '"5.0"', '4.3', '']) {
      const type = `${JSON_TYPE}; fhirVersion=${version}`;
      expect(issuesOf(await postText('/Patient', '{}', type).expect(415))).to.deep.equal([
        'not-supported Content-Type',
      ]);
      expect(issuesOf(await server.get('/Patient').set('Accept', type).expect(406))).to.deep.equal([
        'not-supported Accept',
      ]);
      const format = encodeURIComponent(type);
      expect(issuesOf(await server.get(`/Patient?_format=${format}`).expect(406))).to.deep.equal([
        'not-supported _format',
      ]);
    }
    for (const version of ['4.0', '"4.0"', '4.0.1']) {
      const type = `${JSON_TYPE}; charset=utf-8; fhirVersion=${version}`;
      await postText('/Patient', '{', type).expect(400);
      await server.get('/Patient').set('Accept', type).expect(200);
    }
    await server.get('/Patient').set('Accept', `${JSON_TYPE}; fhirVersion=3.0, ${JSON_TYPE}`).expect(200);
  });

  it('another content type is 415, and an answer that cannot be given 406', async () => {
    for (const type of [
      'application/fhir+xml',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
    ]) {
      expect(issuesOf(await postText('/Patient', 'x', type).expect(415))).to.deep.equal(['not-supported Content-Type']);
    }
    expect(issuesOf(await postText('/Patient', '{}', `${JSON_TYPE}; charset=latin1`).expect(415))).to.deep.equal([
      'not-supported Content-Type',
    ]);
    expect(issuesOf(await postText('/Patient/_search', '{}').expect(415))).to.deep.equal([
      'not-supported Content-Type',
    ]);
    expect(issuesOf(await server.get('/Patient').set('Accept', 'application/fhir+xml').expect(406))).to.deep.equal([
      'not-supported Accept',
    ]);
    expect(issuesOf(await server.get('/Patient?_format=xml').expect(406))).to.deep.equal(['not-supported _format']);
    for (const accept of [
      '*/*',
      'application/json',
      'application/fhir+json; fhirVersion=4.0',
      'text/html, */*;q=0.1',
    ]) {
      await server.get('/Patient').set('Accept', accept).expect(200);
    }
    await server.get('/Patient?_format=json').set('Accept', 'text/html').expect(200);
  });

  it('a body over the limit is 413', async () => {
    const large = { ...patient(), extension: [{ url: 'x', valueString: 'x'.repeat(100_000) }] };
    expect(issuesOf(await server.post('/Patient', large).expect(413))).to.deep.equal(['too-costly body']);
  });

  it('a parameter that is no name is refused without its text, wherever parameters are read', async () => {
    const name = encodeURIComponent('Mary Jones has hepatitis');
    const asked = [
      server.get(`/Observation?${name}=1`),
      server.get(`/Patient/${PATIENT_ID}/_history?${name}=1`),
      server.get(`/_history?${name}=1`),
      server.get(`/Patient/${PATIENT_ID}/$everything?${name}=1`),
      server.post(`/Patient?${name}=1`, patient()),
      server.post(`/Patient/$validate?${name}=1`, patient()),
      server.post(`?${name}=1`, bundleOf('batch', [])),
    ];
    for (const response of await Promise.all(asked)) {
      expect(response.status).to.equal(400);
      expect(response.text)
        .to.include('"parameter"')
        .and.not.match(/Mary|hepatitis/);
    }
  });

  it('an unknown type, operation or path is 404', async () => {
    const paths = [
      '/Spaceship',
      '/Spaceship/1',
      '/patient',
      '/Linkage',
      '/Patient/1/2',
      '/Patient/1/_history/1/2',
      '/Patient/$x',
      '/toString',
    ];
    for (const path of paths) {
      const response = await server.get(path).expect(404);
      expect(issuesOf(response), path).to.deep.equal(['not-supported url']);
    }
    await server.post('/Spaceship', { resourceType: 'Spaceship' }).expect(404);
    expect(issuesOf(await server.get('/Patient/none').expect(404))).to.deep.equal(['not-found url']);
    const undecodable = await request(server.app).get('/fhir/R4/Patient/%E0%A4%A').expect(400);
    expect(issuesOf(undecodable)).to.deep.equal(['invalid url']);
  });

  it('an interaction that is not offered is 405 with those that are, whatever its body', async () => {
    const patch = await request(server.app)
      .patch('/fhir/R4/Patient/1/_history')
      .set('Content-Type', 'application/json-patch+json')
      .send('[]')
      .expect(405);
    expect(issuesOf(patch)).to.deep.equal(['not-supported method']);
    expect(patch.get('Allow')).to.equal('GET, HEAD, OPTIONS');
  });

  it('a number that is no integer is refused where R4 has one, with its place, however it is written', async () => {
    const claimed = (sequence: string): string =>
      JSON.stringify(claim()).replace('"item":[{"sequence":1,', `"item":[{"sequence":${sequence},`);
    for (const sequence of ['1.0', '1e0', '10E-1', '-0', '0', '9007199254740993', '1e400']) {
      const place = 'value Claim.item[0].sequence';
      expect(issuesOf(await postText('/Claim', claimed(sequence)).expect(422)), sequence).to.deep.equal([place]);
      const transaction = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":${claimed(sequence)},"request":{"method":"POST","url":"Claim"}}]}`;
      expect(issuesOf(await postText('', transaction).expect(422))).to.deep.equal([
        'value Bundle.entry[0].resource.item[0].sequence',
      ]);
    }
  });

  it('a number stands for nothing but a number, with zeros at its end or without', async () => {
    for (const number of ['1', '1.50']) {
      const at = (element: string) => JSON.stringify(observation()).replace('{', `{${element}:${number},`);
      for (const [element, issue] of [
        ['"code"', 'structure Observation.code'],
        ['"effectivePeriod"', 'structure Observation.effectivePeriod'],
        ['"_status"', 'structure Observation.status'],
        ['"contained"', 'structure Observation.contained'],
        ['"issued"', 'value Observation.issued'],
      ] as const) {
        const name = JSON.parse(element) as string;
        const { [name]: _, ...rest } = observation();
        const text = JSON.stringify(rest).replace('{', `{${element}:${number},`);
        expect(issuesOf(await postText('/Observation', text).expect(422)), at(element)).to.include(issue);
      }
      expect(issuesOf(await postText('/Observation', `[${number}]`).expect(422))).to.deep.equal([
        'structure Observation',
      ]);
      await postText('/Observation', number).expect(400);
      const entry = `{"resourceType":"Bundle","type":"transaction","entry":[${number}]}`;
      expect(issuesOf(await postText('', entry).expect(400))).to.deep.equal(['structure Bundle.entry[0]']);
      const request = `{"resourceType":"Bundle","type":"transaction","entry":[{"request":${number}}]}`;
      expect(issuesOf(await postText('', request).expect(400))).to.deep.equal(['required Bundle.entry[0].request']);
      const resource = `{"resourceType":"Bundle","type":"batch","entry":[{"resource":${number},"request":{"method":"POST","url":"Patient"}}]}`;
      const {
        entry: [answer],
      } = bodyOf(await postText('', resource).expect(200)) as { entry: [{ response: { status: string } }] };
      expect(answer.response.status).to.match(/^422/);
    }
  });

  it('half a surrogate pair is no text', async () => {
    const half = '{"resourceType":"Patient","name":[{"family":"\\ud800"}]}';
    expect(issuesOf(await postText('/Patient', half).expect(422))).to.deep.equal(['value Patient.name[0].family']);
  });

  it('wrong types, unknown codes and references to nothing each name their place', async () => {
    const cases: [Json, string][] = [
      [{ ...observation(), status: 7 }, 'value Observation.status'],
      [{ ...observation(), status: 'bogus' }, 'code-invalid Observation.status'],
      [{ ...observation(), subject: { reference: 'Patient/none' } }, 'not-found Observation.subject.reference'],
    ];
    for (const [resource, issue] of cases) {
      expect(issuesOf(await server.post('/Observation', resource).expect(422))).to.deep.equal([issue]);
    }
  });
});

describe('random input', function () {
  this.timeout(60_000);
  /** Any answer but a 5xx; a refusal names where, and nothing was written for it. */
  const check = async (server: Server, path: string, body: unknown, where: RegExp): Promise<void> => {
    const before = server.repository.transactions.length;
    const response = await server.post(path, body);
    expect(server.reports).to.deep.equal([]);
    expect(response.status).to.be.lessThan(500);
    if (response.status < 400) return;
    expect(server.repository.transactions).to.have.length(before);
    for (const issue of bodyOf(response)['issue']) expect(issue.expression?.[0]).to.match(where);
  };

  it('never breaks a create', async () => {
    const server = serverOf();
    server.repository.seed(patient());
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...samples()), fc.nat(), mutated(samples()), (_, __, resource) => {
        const type = typeof resource['resourceType'] === 'string' ? resource['resourceType'] : 'Patient';
        const path = samples().some((sample) => sample.resourceType === type) ? type : 'Patient';
        return check(server, `/${path}`, resource, new RegExp(`^${path}(\\.|$)`));
      }),
      { numRuns: 400 },
    );
  });

  it('never breaks a transaction, nor a batch', async () => {
    const server = serverOf();
    server.repository.seed(patient());
    const bundles = (['transaction', 'batch'] as const).map((type) =>
      bundleOf(
        type,
        samples().map((sample) => post(sample, { fullUrl: `https://elsewhere.example/${sample.resourceType}/1` })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(mutated(bundles), (bundle) => check(server, '', bundle, /^Bundle/)),
      { numRuns: 400 },
    );
  });

  it('never breaks a search', async () => {
    const server = serverOf();
    const names = fc.constantFrom(
      '_id',
      '_count',
      '_lastUpdated',
      'identifier',
      'patient',
      '_page',
      '_summary',
      'x',
      '__proto__',
    );
    await fc.assert(
      fc.asyncProperty(names, fc.string({ unit: 'binary' }), async (name, value) => {
        const query = new URLSearchParams([[name, value]]);
        const response = await server.get(`/Observation?${query}`);
        expect(response.status).to.be.oneOf([200, 400]);
        if (response.status === 400) expect(bodyOf(response)['issue'][0].expression).to.deep.equal([name]);
      }),
      { numRuns: 300 },
    );
    expect(server.reports).to.deep.equal([]);
  });
});
