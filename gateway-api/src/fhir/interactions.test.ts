/** create, read, vread, history and update, as an HTTP client sees them. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import {
  condition,
  consent,
  type Json,
  MRN,
  observation,
  PATIENT_ID,
  patient,
  practitioner,
} from './fixtures/resources.ts';
import { BASE, bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

describe('create', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(patient());
  });

  it('answers 201 with where it is, its version, its time, its transaction and itself', async () => {
    const response = await server.post('/Observation', observation()).expect(201);
    expect(response.get('Location')).to.match(new RegExp(`/fhir/R4/Observation/${UUID}/_history/1$`));
    expect(response.get('ETag')).to.equal('W/"1"');
    expect(response.get('Last-Modified')).to.equal('Thu, 01 Jan 2026 00:00:02 GMT');
    expect(response.get('X-Transaction-Id')).to.match(new RegExp(`^${UUID}$`));
    expect(response.get('Content-Type')).to.include('application/fhir+json');
    const read = await server.get(`/Observation/${bodyOf(response)['id']}`).expect(200);
    expect(bodyOf(response)).to.deep.equal(bodyOf(read));
  });

  it('gives its own id, version and time whatever the client says, and keeps everything else', async () => {
    const meta = { versionId: '9', lastUpdated: '2000-01-01T00:00:00Z', tag: [{ code: 'x' }] };
    const { body } = await server.post('/Patient', { ...patient(), meta }).expect(201);
    expect(body).to.deep.equal({
      ...patient(),
      id: body.id,
      meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:02.000Z', tag: [{ code: 'x' }] },
    });
    expect(body.id)
      .to.match(new RegExp(`^${UUID}$`))
      .and.not.equal(PATIENT_ID);
    expect(server.repository.transactions[0]![0]!.resource['meta']).to.deep.equal({ tag: [{ code: 'x' }] });
  });

  it('answers as Prefer asks', async () => {
    const minimal = await server.post('/Observation', observation()).set('Prefer', 'return=minimal').expect(201);
    expect(minimal.text).to.equal('');
    expect(minimal.get('Location')).to.include('/Observation/');
    const outcome = await server
      .post('/Observation', observation())
      .set('Prefer', 'return=OperationOutcome')
      .expect(201);
    expect(bodyOf(outcome)['issue'][0].severity).to.equal('information');
  });

  it('refuses parameters in its URL, which may be meant as a condition', async () => {
    const refused = await server.post('/Practitioner?identifier=a|b', practitioner()).expect(400);
    expect(issuesOf(refused)).to.deep.equal(['not-supported identifier']);
    await server.post('/Practitioner?_format=json&_pretty=true', practitioner()).expect(201);
    expect(server.repository.transactions).to.have.length(1);
  });

  it('refuses a body of another type than the URL names', async () => {
    expect(issuesOf(await server.post('/Condition', observation()).expect(400))).to.deep.equal([
      'invalid Condition.resourceType',
    ]);
  });

  it('refuses types that this kind of organisation does not write, and says who does', async () => {
    const response = await server.post('/Consent', consent()).expect(405);
    expect(issuesOf(response)).to.deep.equal(['not-supported Consent']);
    expect(bodyOf(response)['issue'][0].diagnostics).to.include('custodian');
    expect(response.get('Allow')).to.equal('GET, HEAD, OPTIONS');
    const custodian = serverOf('custodian');
    custodian.repository.seed(patient());
    await custodian.post('/Consent', consent()).expect(201);
    await custodian.post('/Condition', condition()).expect(405);
  });

  it('passes on what the ledger refuses, without a trace of what fails inside', async () => {
    const refusals: [LedgerError, number, string][] = [
      [new LedgerError('FORBIDDEN', 'this role may not'), 403, 'forbidden'],
      [new LedgerError('INVALID', 'not so', 'Observation.status'), 422, 'invalid Observation.status'],
      [new LedgerError('NOT_FOUND', 'not there'), 404, 'not-found'],
      [new LedgerError('CONFLICT', 'not the next'), 409, 'conflict'],
    ];
    for (const [error, status, issue] of refusals) {
      server.repository.refuse = () => {
        throw error;
      };
      expect(issuesOf(await server.post('/Observation', observation()).expect(status))).to.deep.equal([issue]);
    }
    expect(server.reports).to.deep.equal([]);
    server.repository.refuse = () => {
      throw new TypeError('cannot read secret of /srv/somewhere');
    };
    const response = await server.post('/Observation', observation()).expect(500);
    expect(issuesOf(response)).to.deep.equal(['exception']);
    expect(response.text).not.to.match(/secret|srv|TypeError/);
    expect(server.reports).to.have.length(1);
  });
});

describe('conditional create', () => {
  let server: Server;
  const create = (condition: string) => server.post('/Practitioner', practitioner()).set('If-None-Exist', condition);
  const CONDITION = 'identifier=http://hl7.org/fhir/sid/us-npi|9999999901';
  beforeEach(() => {
    server = serverOf();
  });

  it('creates where nothing matches and answers 200 with the one that does', async () => {
    const first = await create(CONDITION).expect(201);
    const second = await create(CONDITION).expect(200);
    expect(bodyOf(second)).to.deep.equal(bodyOf(first));
    expect(second.get('ETag')).to.equal('W/"1"');
    expect(second.get('X-Transaction-Id')).to.equal(undefined);
    expect(server.repository.transactions).to.have.length(1);
  });

  it('takes the condition as clients send it: alone, behind Type?, or as a whole URL', async () => {
    const { body } = await create(CONDITION).expect(201);
    const encoded = CONDITION.replace('|', '%7C');
    for (const before of ['?', 'Practitioner?', 'https://hospital.example/fhir/R4/Practitioner?']) {
      expect(bodyOf(await create(before + encoded).expect(200))['id'], before).to.equal(body.id);
    }
    for (const before of ['Patient?', 'https://hospital.example/fhir/R4/Patient?', 'x Practitioner?']) {
      expect(issuesOf(await create(before + encoded).expect(400)), before).to.deep.equal([
        'not-supported If-None-Exist',
      ]);
    }
  });

  it('fails with 412 where several match, and 400 where the condition is none it knows', async () => {
    server.repository.seed(practitioner());
    server.repository.seed({ ...practitioner(), id: 'another' });
    expect(issuesOf(await create(CONDITION).expect(412))).to.deep.equal(['multiple-matches If-None-Exist']);
    for (const condition of ['name=Example', 'identifier=', 'identifier=a|b&name=x', 'identifier=a|b,c|d', '']) {
      expect(issuesOf(await create(condition).expect(400))).to.deep.equal(['not-supported If-None-Exist']);
    }
    expect(server.repository.transactions).to.have.length(0);
  });

  it('creates once when many ask at the same time', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => create(CONDITION)));
    expect(responses.map(({ status }) => status).sort()).to.deep.equal([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(responses.map(({ body }) => body.id)).size).to.equal(1);
  });
});

describe('conditional update', () => {
  let server: Server;
  const URL = '/Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999901';
  const { id: _, ...unnamed } = practitioner() as Json;
  beforeEach(() => {
    server = serverOf();
  });

  it('creates where nothing matches, and updates the one that does', async () => {
    const first = await server.put(URL, unnamed).expect(201);
    const second = await server.put(URL, { ...unnamed, active: false }).expect(200);
    expect([second.body.id, second.body.meta.versionId, second.body.active]).to.deep.equal([first.body.id, '2', false]);
    await server.put(URL, { ...unnamed, id: first.body.id }).expect(200);
    await server.put(URL, unnamed).set('If-Match', 'W/"3"').expect(200);
    expect((await server.put(URL, unnamed).set('If-Match', 'W/"3"')).status).to.equal(412);
  });

  it('refuses several matches, an id that is another’s or that nothing has, and conditions that it does not know', async () => {
    const of = async (path: string, body: Json) => issuesOf(await server.put(path, body));
    expect(await of(URL, { ...unnamed, id: 'mine' })).to.deep.equal(['not-found Practitioner.id']);
    server.repository.seed(practitioner());
    expect(await of(URL, { ...unnamed, id: 'mine' })).to.deep.equal(['invalid Practitioner.id']);
    server.repository.seed({ ...practitioner(), id: 'another' });
    expect((await server.put(URL, unnamed)).status).to.equal(412);
    for (const query of ['', '?name=x', '?identifier=a|b&name=x', '?_id=x'])
      expect(await of(`/Practitioner${query}`, unnamed), query).to.deep.equal(['not-supported url']);
    expect(server.repository.transactions).to.have.length(0);
  });

  it('creates once when many ask at the same time', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => server.put(URL, unnamed)));
    expect(responses.filter(({ status }) => status === 201)).to.have.length(1);
    expect(responses.filter(({ status }) => status === 200)).to.have.length(7);
    expect(new Set(responses.map(({ body }) => body.id)).size).to.equal(1);
  });
});

describe('read, vread and history', () => {
  let server: Server;
  let place: string;
  beforeEach(async () => {
    server = serverOf();
    server.repository.seed(patient());
    place = `/Patient/${PATIENT_ID}`;
    await server.put(place, { ...patient(), active: true }).expect(200);
  });

  it('read gives the newest version with its ETag', async () => {
    const response = await server.get(place).expect(200);
    expect(response.get('ETag')).to.equal('W/"2"');
    expect(bodyOf(response)['meta'].versionId).to.equal('2');
    expect(response.get('Cache-Control')).to.include('private');
    await server.get(place).set('If-None-Match', 'W/"2"').expect(304);
    await server.get(place).set('If-None-Match', 'W/"1"').expect(200);
  });

  it('vread gives the version that was asked for', async () => {
    const response = await server.get(`${place}/_history/1`).expect(200);
    expect(response.get('ETag')).to.equal('W/"1"');
    expect(bodyOf(response)['active']).to.equal(undefined);
  });

  it('read and vread answer a part where it is asked for, and say that it is one', async () => {
    const isPart = (response: { body: unknown }) => JSON.stringify(response.body).includes('SUBSETTED');
    for (const path of [place, `${place}/_history/2`]) {
      const elements = await server.get(`${path}?_elements=active`).expect(200);
      expect(Object.keys(bodyOf(elements))).to.have.members(['resourceType', 'id', 'meta', 'active']);
      expect(isPart(elements)).to.equal(true);
      expect(isPart(await server.get(`${path}?_summary=true`).expect(200))).to.equal(true);
      expect(isPart(await server.get(`${path}?_summary=false`).expect(200))).to.equal(false);
      for (const wrong of ['_summary=count', '_summary=x', '_elements='])
        await server.get(`${path}?${wrong}`).expect(400);
    }
    const entry = [{ request: { method: 'GET', url: `${place.slice(1)}?_elements=active` } }];
    expect(isPart(await server.post('/', { resourceType: 'Bundle', type: 'batch', entry }).expect(200))).to.equal(true);
  });

  it('history is counted alone where none of it is asked for', async () => {
    const { total, entry, link } = bodyOf(await server.get(`${place}/_history?_count=0`).expect(200));
    expect([total, entry, link.length]).to.deep.equal([2, undefined, 1]);
    await server.get('/Patient/none/_history?_count=0').expect(404);
  });

  it('history comes in pages where there are many versions, by links', async () => {
    for (let version = 1; version <= 6; version += 1) {
      await server.put(place, { ...patient(), active: version % 2 === 0 }).expect(200);
    }
    const pages: string[][] = [];
    let url: string | undefined = `${place}/_history?_count=3`;
    while (url !== undefined) {
      const page = bodyOf(await server.get(url).expect(200));
      expect(page['total']).to.equal(8);
      pages.push(page['entry'].map(({ response }: Json) => response.etag));
      const next = page['link'].find(({ relation }: Json) => relation === 'next')?.url as string | undefined;
      url = next?.slice(next.indexOf(`${BASE}/`) + BASE.length);
    }
    expect(pages.flat()).to.deep.equal([8, 7, 6, 5, 4, 3, 2, 1].map((version) => `W/"${version}"`));
    expect(pages.map((page) => page.length)).to.deep.equal([3, 3, 2]);
    for (const query of ['_count=x', '_page=x', '_page=0']) await server.get(`${place}/_history?${query}`).expect(400);
  });

  it('history gives all versions, the newest first, and how each came about', async () => {
    const history = bodyOf(await server.get(`${place}/_history`).expect(200));
    expect([history['type'], history['total']]).to.deep.equal(['history', 2]);
    const told = history['entry'].map((entry: Json) => [
      entry['request'].method,
      entry['response'].etag,
      entry['resource'].meta.versionId,
    ]);
    expect(told).to.deep.equal([
      ['PUT', 'W/"2"', '2'],
      ['POST', 'W/"1"', '1'],
    ]);
  });

  it('history leaves out what was made before _since, and says how many are left', async () => {
    const [second, first] = bodyOf(await server.get(`${place}/_history`).expect(200))['entry'].map(
      ({ resource }: Json) => resource.meta.lastUpdated as string,
    );
    const since = async (instant: string, count = 50) => {
      const query = `_since=${encodeURIComponent(instant)}&_count=${count}`;
      const { total, entry = [], link } = bodyOf(await server.get(`${place}/_history?${query}`).expect(200));
      expect(decodeURIComponent(link[0].url)).to.contain(`_since=${instant}`);
      return [total, entry.map(({ resource }: Json) => resource.meta.versionId)];
    };
    const later = (instant: string) => new Date(Date.parse(instant) + 1).toISOString();
    expect(await since(first)).to.deep.equal([2, ['2', '1']]);
    expect(await since(first, 1)).to.deep.equal([2, ['2']]);
    if (first !== second) expect(await since(second)).to.deep.equal([1, ['2']]);
    expect(await since(later(second))).to.deep.equal([0, []]);
    expect(await since('2035-01-01T00:00:00+01:00')).to.deep.equal([0, []]);
    await server.get('/Patient/none/_history?_since=2035-01-01T00:00:00Z').expect(404);
  });

  it('history refuses parameters that it would have to ignore', async () => {
    for (const query of ['_since=yesterday', '_since=2035', '_since=2035-13-01T00:00:00Z', '_at=yesterday', 'x=y']) {
      await server.get(`${place}/_history?${query}`).expect(400);
    }
    await server.get(`${place}/_history?x=y`).set('Prefer', 'handling=lenient').expect(200);
    await server.get(`${place}/_history?_format=json&_pretty=true`).expect(200);
  });

  it('_pretty sets the answer off for people, and it says the same', async () => {
    for (const path of [place, '/Patient', '/metadata']) {
      const [plain, pretty] = [await server.get(path), await server.get(`${path}?_pretty=true`)];
      expect(pretty.text, path).to.match(/^\{\n {2}"resourceType": "\w+"/);
      const said = ({ text }: { text: string }) => text.replaceAll(/127\.0\.0\.1:\d+/g, '');
      expect(JSON.parse(said(pretty)), path).to.deep.equal(JSON.parse(said(plain)));
      expect((await server.get(`${path}?_pretty=false`)).text, path).not.to.include('\n');
    }
  });

  it('HEAD answers like GET without the body', async () => {
    const response = await request(server.app).head(`/fhir/R4${place}`).expect(200);
    expect(response.get('ETag')).to.equal('W/"2"');
    expect(response.text ?? '').to.equal('');
  });

  it('404 for what is not here, whatever the id looks like', async () => {
    for (const path of [
      '/Patient/none',
      '/Patient/a%20b',
      `${place}/_history/3`,
      `${place}/_history/x`,
      '/Patient/none/_history',
    ]) {
      expect(issuesOf(await server.get(path).expect(404))).to.deep.equal(['not-found url']);
    }
  });
});

describe('update', () => {
  let server: Server;
  const place = `/Patient/${PATIENT_ID}`;
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(patient());
  });

  it('makes the next version, with or without If-Match', async () => {
    const second = await server
      .put(place, { ...patient(), active: true })
      .set('If-Match', 'W/"1"')
      .expect(200);
    expect(second.get('ETag')).to.equal('W/"2"');
    expect(bodyOf(second)['active']).to.equal(true);
    const third = await server.put(place, patient()).expect(200);
    expect(third.get('ETag')).to.equal('W/"3"');
  });

  it('refuses a stale If-Match with 412 and one that is no version with 400', async () => {
    const stale = await server.put(place, patient()).set('If-Match', 'W/"7"').expect(412);
    expect(issuesOf(stale)).to.deep.equal(['conflict If-Match']);
    expect(issuesOf(await server.put(place, patient()).set('If-Match', 'x').expect(400))).to.deep.equal([
      'value If-Match',
    ]);
    expect(server.repository.transactions).to.have.length(0);
  });

  it('refuses with 412 what If-None-Match forbids, and does the rest', async () => {
    for (const header of ['*', 'W/"1"', '"1"', 'W/"7", W/"1"']) {
      const refused = await server.put(place, patient()).set('If-None-Match', header).expect(412);
      expect(issuesOf(refused)).to.deep.equal(['conflict If-None-Match']);
    }
    expect(server.repository.transactions).to.have.length(0);
    await server.put(place, patient()).set('If-None-Match', 'W/"7"').expect(200);
    await server
      .put('/Patient/new', { ...patient(), id: 'new' })
      .set('If-None-Match', '*')
      .expect(405);
  });

  it('tells a version that came in between: 412 with If-Match, 409 without', async () => {
    server.repository.refuse = () => {
      throw new LedgerError('CONFLICT', 'a version is not the next one');
    };
    await server.put(place, patient()).set('If-Match', 'W/"1"').expect(412);
    await server.put(place, patient()).expect(409);
  });

  it('lets one of two updates of the same version through', async () => {
    const put = () => server.put(place, patient()).set('If-Match', 'W/"1"');
    const statuses = (await Promise.all([put(), put()])).map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([200, 412]);
  });

  it('refuses an id that is not the one in the URL, and one that is missing', async () => {
    const { id: _id, ...nameless } = patient();
    for (const body of [{ ...patient(), id: 'other' }, nameless]) {
      expect(issuesOf(await server.put(place, body).expect(400))).to.deep.equal(['invalid Patient.id']);
    }
  });

  it('does not create: ids are given by the server', async () => {
    const response = await server.put('/Patient/new', { ...patient(), id: 'new' }).expect(405);
    expect(issuesOf(response)).to.deep.equal(['not-found Patient.id']);
    expect(response.get('Allow')).to.include('GET');
  });

  it("does not change another organisation's record", async () => {
    server.repository.seed({ ...patient(), id: 'theirs' }, 'clinic');
    const response = await server.put('/Patient/theirs', { ...patient(), id: 'theirs' }).expect(403);
    expect(issuesOf(response)).to.deep.equal(['forbidden Patient.id']);
    expect(server.repository.transactions).to.have.length(0);
  });
});

describe('Idempotency-Key', () => {
  let server: Server;
  const create = (key: string, resource: object = { ...patient(), active: true }) =>
    server.post('/Patient', resource).set('Idempotency-Key', key);
  beforeEach(() => {
    server = serverOf('provider', { baseUrl: 'https://hospital.example/fhir/R4' });
  });

  it('answers a repeated create with what the first one made', async () => {
    const first = await create('k-1').expect(201);
    const second = await create('k-1').expect(201);
    expect(second.body).to.deep.equal(first.body);
    for (const header of ['Location', 'ETag', 'X-Transaction-Id', 'Last-Modified']) {
      expect(second.get(header)).to.equal(first.get(header));
    }
    expect(server.repository.transactions).to.have.length(1);
  });

  it('answers a repeated update with the version it made, though If-Match is stale by now', async () => {
    const { body } = await create('k-1').expect(201);
    const put = () =>
      server
        .put(`/Patient/${body.id}`, { ...patient(), id: body.id })
        .set('If-Match', 'W/"1"')
        .set('Idempotency-Key', 'k-2');
    await put().expect(200);
    expect((await put().expect(200)).get('ETag')).to.equal('W/"2"');
  });

  it('writes once when the same request comes several times at once', async () => {
    const responses = await Promise.all(Array.from({ length: 5 }, () => create('k-1')));
    expect(new Set(responses.map(({ status, body }) => `${status} ${body.id}`)).size).to.equal(1);
    expect(server.repository.transactions).to.have.length(1);
  });

  it('refuses the key with another body, and a key that is none', async () => {
    await create('k-1').expect(201);
    const other = await create('k-1', { ...patient(), identifier: [{ system: MRN, value: 'M-2' }] }).expect(422);
    expect(issuesOf(other)).to.deep.equal(['invalid Idempotency-Key']);
    expect(issuesOf(await create('not visible').expect(400))).to.deep.equal(['value Idempotency-Key']);
    expect(server.repository.transactions).to.have.length(1);
  });
});
