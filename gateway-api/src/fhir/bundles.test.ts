/** Transactions: one ledger transaction, all or nothing, with every kind of reference between the entries. */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { MAX_RECORDS } from '@telemed-ledger/chaincode/model/transactions.ts';
import { expect } from 'chai';
import {
  bundleOf,
  claim,
  condition,
  type Json,
  MRN,
  NPI,
  observation,
  PATIENT_ID,
  patient,
  post,
  practitioner,
  put,
} from './fixtures/resources.ts';
import { bodyOf, issuesOf, type Server, serverOf } from './fixtures/server.ts';

const URN = 'urn:uuid:11111111-1111-4111-8111-111111111111';
const transaction = (...entries: Json[]): Json => bundleOf('transaction', entries);
const about = (resource: Json, reference: string): Json => ({ ...resource, subject: { reference } });

describe('transaction', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
  });
  const written = (): Json[] => server.repository.transactions.flat().map(({ resource }) => resource);

  it('writes all entries in one ledger transaction and answers each in its place', async () => {
    const response = await server.post('/', transaction(post(patient()), post(practitioner()))).expect(200);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([2]);
    const body = bodyOf(response);
    expect(body['type']).to.equal('transaction-response');
    expect(body['entry'].map((entry: Json) => entry['response'].status)).to.deep.equal(['201 Created', '201 Created']);
    expect(body['entry'][0].response.location).to.match(/^Patient\/[0-9a-f-]{36}\/_history\/1$/);
    expect(body['entry'][0].response).to.include({ etag: 'W/"1"', lastModified: '2026-01-01T00:00:01.000Z' });
    expect(body['entry'][0]).not.to.have.property('resource');
    expect(response.get('X-Transaction-Id')).to.match(/^[0-9a-f-]{36}$/);
  });

  it('answers with the resources where representation is preferred', async () => {
    const response = await server
      .post('/', transaction(post(patient())))
      .set('Prefer', 'return=representation')
      .expect(200);
    expect(bodyOf(response)['entry'][0].resource.meta.versionId).to.equal('1');
  });

  it('follows urn:uuid and absolute fullUrls to the new ids, in references, uris and narrative links', async () => {
    const OTHER = 'https://elsewhere.example/fhir/Encounter/e-1';
    const entries = [
      post(about({ ...observation(), encounter: { reference: 'Encounter/e-1' } }, URN), {
        fullUrl: 'https://elsewhere.example/fhir/Observation/o-1',
      }),
      post(
        {
          ...patient(),
          text: {
            status: 'generated',
            div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${OTHER}">x</a> <a href="${URN}">me</a></div>`,
          },
        },
        { fullUrl: URN },
      ),
      post(
        {
          resourceType: 'Encounter',
          status: 'finished',
          class: { code: 'VR' },
          implicitRules: URN,
          subject: { reference: URN },
        },
        { fullUrl: OTHER },
      ),
    ];
    await server.post('/', transaction(...entries)).expect(200);
    const [first, second, third] = written();
    expect(first!['subject'].reference).to.equal(`Patient/${second!['id']}`);
    expect(first!['encounter'].reference).to.equal(`Encounter/${third!['id']}`);
    expect(third!['subject'].reference).to.equal(`Patient/${second!['id']}`);
    expect(third!['implicitRules']).to.equal(`Patient/${second!['id']}`);
    expect(second!['text'].div)
      .to.include(`href="Patient/${second!['id']}"`)
      .and.include(`href="Encounter/${third!['id']}"`);
  });

  it('leaves a canonical as it is that repeats a fullUrl', async () => {
    const url = 'https://example.org/x';
    const OID = 'urn:oid:1.2.3';
    for (const [fullUrl, types] of [
      [URN, ['valueUri', 'valueUrl', 'valueUuid']],
      [OID, ['valueUri', 'valueUrl', 'valueOid']],
      ['https://elsewhere.example/fhir/Patient/p-1', ['valueUri', 'valueUrl']],
    ] as const) {
      const extension = ['valueCanonical', 'valueString', ...types].map((type) => ({ url, [type]: fullUrl }));
      await server.post('/', transaction(post({ ...patient(), extension }, { fullUrl }))).expect(200);
      const { id, extension: kept } = written().at(-1) as Json;
      expect(kept).to.deep.equal([
        { url, valueCanonical: fullUrl },
        { url, valueString: fullUrl },
        ...types.map((type) => ({ url, [type]: `Patient/${id}` })),
      ]);
    }
  });

  it('resolves conditional references with one question for all of them', async () => {
    server.repository.seed(practitioner());
    const reference = `Practitioner?identifier=${NPI}|9999999901`;
    const performer = [{ reference }];
    const entries = Array.from({ length: 40 }, () => post(about({ ...observation(), performer }, URN)));
    await server.post('/', transaction(post(patient(), { fullUrl: URN }), ...entries)).expect(200);
    expect(
      written().filter((one) => one['performer']?.[0].reference === `Practitioner/${practitioner()['id']}`),
    ).to.have.length(40);
    expect(server.repository.lookups).to.equal(1);
  });

  it('resolves conditional references to what the same transaction writes, as it is afterwards', async () => {
    const NEWER = [{ system: NPI, value: '9999999902' }];
    const { id: _id, ...nameless } = practitioner();
    const by = (token: string) => ({
      ...observation(),
      performer: [{ reference: `Practitioner?identifier=${token}` }],
    });
    const send = (...entries: Json[]) => server.post('/', transaction(post(patient(), { fullUrl: URN }), ...entries));
    const about1 = (token: string) => post(about(by(token), URN));
    await send(about1(`${NPI}|9999999901`), post(nameless), about1('9999999901')).expect(200);
    const created = written().find(({ resourceType }) => resourceType === 'Practitioner')!['id'];
    for (const one of written().filter(({ resourceType }) => resourceType === 'Observation'))
      expect(one['performer'][0].reference).to.equal(`Practitioner/${created}`);
    await send(post(nameless), about1(`${NPI}|9999999901`)).expect(412);
    await send(post({ ...nameless, identifier: NEWER }), about1('|9999999902')).expect(412);
    await send(post({ ...nameless, identifier: NEWER }), about1(`urn:other|9999999902`)).expect(412);
    const put = {
      resource: { ...nameless, id: created, identifier: NEWER },
      request: { method: 'PUT', url: `Practitioner/${created}` },
    };
    await send(put, about1(`${NPI}|9999999901`)).expect(412);
    await send(put, about1(`${NPI}|9999999902`)).expect(200);
    expect(written().at(-1)!['performer'][0].reference).to.equal(`Practitioner/${created}`);
  });

  it('fails as a whole where a conditional reference matches none, or several, and names each place', async () => {
    server.repository.seed(patient());
    server.repository.seed(practitioner());
    server.repository.seed({ ...practitioner(), id: 'twin' });
    const performer = [
      { reference: `Practitioner?identifier=${NPI}|9999999901` },
      { reference: 'Organization?identifier=x|y' },
    ];
    const response = await server
      .post('/', transaction(post(condition()), post({ ...observation(), performer })))
      .expect(412);
    expect(issuesOf(response).sort()).to.deep.equal([
      'multiple-matches Bundle.entry[1].resource.performer[0].reference',
      'not-found Bundle.entry[1].resource.performer[1].reference',
    ]);
    expect(written()).to.deep.equal([]);
  });

  it('writes nothing where one entry is unsound, and names every fault with its entry', async () => {
    const bundle = transaction(
      post(patient()),
      post({ ...observation(), status: 'bogus' }),
      post({ ...condition(), x: 1 }),
    );
    expect(issuesOf(await server.post('/', bundle).expect(422))).to.deep.equal([
      'code-invalid Bundle.entry[1].resource.status',
      'structure Bundle.entry[2].resource.x',
    ]);
    expect(written()).to.deep.equal([]);
  });

  it('refuses references to nothing, one question for all', async () => {
    const bundle = transaction(
      post(observation()),
      post(about(condition(), URN)),
      post(about(condition(), 'Patient/none')),
    );
    expect(issuesOf(await server.post('/', bundle).expect(422)).sort()).to.deep.equal([
      'not-found Bundle.entry[0].resource.subject.reference',
      'not-found Bundle.entry[1].resource.subject.reference',
      'not-found Bundle.entry[2].resource.subject.reference',
    ]);
    expect(server.repository.lookups).to.equal(1);
  });

  it('creates conditionally, and only once where two entries have the same condition', async () => {
    const ifNoneExist = `identifier=${MRN}|M-1001`;
    const entries = () => [
      post(patient(), { fullUrl: URN, request: { ifNoneExist } }),
      post(patient(), { request: { ifNoneExist } }),
      post(about(observation(), URN)),
    ];
    const statuses = (body: Json): string[] => body['entry'].map((entry: Json) => entry['response'].status);
    const first = bodyOf(await server.post('/', transaction(...entries())).expect(200));
    expect(statuses(first)).to.deep.equal(['201 Created', '200 OK', '201 Created']);
    expect(first['entry'][1].response.location).to.equal(first['entry'][0].response.location);
    const second = bodyOf(await server.post('/', transaction(...entries())).expect(200));
    expect(statuses(second)).to.deep.equal(['200 OK', '200 OK', '201 Created']);
    expect(second['entry'][0].response.location).to.equal(first['entry'][0].response.location);
    const patients = new Set(written().flatMap((one) => one['subject']?.reference ?? []));
    expect([...patients]).to.deep.equal([`Patient/${first['entry'][0].response.location.split('/')[1]}`]);
  });

  it('updates by a condition what matches, or creates it, and refuses two entries with the same', async () => {
    const { id: _, ...unnamed } = patient() as Json;
    const url = `Patient?identifier=${MRN}|M-1001`;
    const entries = () => [{ ...put(unnamed as never, { url }), fullUrl: URN }, post(about(observation(), URN))];
    const answered = async () => bodyOf(await server.post('/', transaction(...entries())).expect(200))['entry'];
    const [first, second] = [await answered(), await answered()];
    expect([first[0].response.status, second[0].response.status]).to.deep.equal(['201 Created', '200 OK']);
    expect(second[0].response.location).to.equal(first[0].response.location.replace('_history/1', '_history/2'));
    const twice = await server.post('/', transaction(put(unnamed as never, { url }), put(unnamed as never, { url })));
    expect([twice.status, issuesOf(twice)]).to.deep.equal([400, ['duplicate Bundle.entry[1].request.url']]);
  });

  it('updates with ifMatch, and refuses a stale one as a whole', async () => {
    server.repository.seed(patient());
    const update = (ifMatch: string) =>
      transaction(post(about(observation(), `Patient/${PATIENT_ID}`)), put(patient(), { ifMatch }));
    expect(issuesOf(await server.post('/', update('W/"4"')).expect(412))).to.deep.equal([
      'conflict Bundle.entry[1].request.ifMatch',
    ]);
    expect(written()).to.deep.equal([]);
    const response = await server.post('/', update('W/"1"')).expect(200);
    expect(bodyOf(response)['entry'][1].response).to.include({ status: '200 OK', etag: 'W/"2"' });
    server.repository.refuse = () => {
      throw new LedgerError('CONFLICT', 'a version is not the next one');
    };
    await server.post('/', update('W/"2"')).expect(412);
  });

  it('reads after it wrote, in the places of the GET entries', async () => {
    server.repository.seed(patient());
    const get = (url: string): Json => ({ request: { method: 'GET', url } });
    const bundle = transaction(
      get(`Observation?patient=${PATIENT_ID}`),
      post(observation()),
      get(`Patient/${PATIENT_ID}`),
      get('Patient/none'),
    );
    const [found, , read, missing] = bodyOf(await server.post('/', bundle).expect(200))['entry'];
    expect([found.resource.type, found.resource.total, found.response.status]).to.deep.equal([
      'searchset',
      1,
      '200 OK',
    ]);
    expect([read.resource.id, read.response.etag]).to.deep.equal([PATIENT_ID, 'W/"1"']);
    expect([missing.response.status, missing.response.outcome.issue[0].code]).to.deep.equal([
      '404 Not Found',
      'not-found',
    ]);
  });

  it(`takes ${MAX_RECORDS} entries and refuses more as too costly`, async () => {
    server.repository.seed(patient());
    const entries = Array.from({ length: MAX_RECORDS }, () => post(observation()));
    const response = await server.post('/', transaction(...entries)).expect(200);
    expect(bodyOf(response)['entry']).to.have.length(MAX_RECORDS);
    expect(server.repository.transactions.map((writes) => writes.length)).to.deep.equal([MAX_RECORDS]);
    const over = await server.post('/', transaction(...entries, post(observation()))).expect(413);
    expect(issuesOf(over)).to.deep.equal(['too-costly Bundle.entry']);
  });

  it('answers a repeated Idempotency-Key with the first outcome', async () => {
    const send = () =>
      server
        .post('/', transaction(post(patient())))
        .set('Idempotency-Key', 'k-1')
        .expect(200);
    const first = await send();
    const second = await send();
    expect(second.body).to.deep.equal(first.body);
    expect(second.get('X-Transaction-Id')).to.equal(first.get('X-Transaction-Id'));
    expect(server.repository.transactions).to.have.length(1);
  });

  it('answers an empty transaction, and writes nothing', async () => {
    expect(bodyOf(await server.post('/', transaction()).expect(200))).to.deep.equal({
      resourceType: 'Bundle',
      type: 'transaction-response',
    });
    expect(server.repository.transactions).to.deep.equal([]);
  });

  const REFUSED: [name: string, bundle: () => unknown, status: number, issue: string][] = [
    ['no Bundle', () => patient(), 400, 'invalid Bundle.resourceType'],
    ['a Bundle without a type', () => ({ resourceType: 'Bundle' }), 400, 'required Bundle.type'],
    [
      'a Bundle of another type',
      () => ({ resourceType: 'Bundle', type: 'searchset' }),
      400,
      'not-supported Bundle.type',
    ],
    ['an unknown element', () => ({ ...transaction(), entries: [] }), 400, 'structure Bundle.entries'],
    ['entries that are no array', () => ({ ...transaction(), entry: {} }), 400, 'structure Bundle.entry'],
    ['an entry that is no object', () => transaction(7 as never), 400, 'structure Bundle.entry[0]'],
    ['an entry without a request', () => transaction({ resource: patient() }), 400, 'required Bundle.entry[0].request'],
    [
      'an entry without a URL',
      () => transaction({ request: { method: 'GET' } }),
      400,
      'required Bundle.entry[0].request.url',
    ],
    [
      'an unknown element of an entry',
      () => transaction({ ...post(patient()), x: 1 }),
      400,
      'structure Bundle.entry[0].x',
    ],
    [
      'an unknown method',
      () => transaction(post(patient(), { request: { method: 'LOOK' } })),
      400,
      'code-invalid Bundle.entry[0].request.method',
    ],
    [
      'a condition that its method does not have',
      () => transaction(post(patient(), { request: { ifMatch: 'W/"1"' } })),
      400,
      'not-supported Bundle.entry[0].request.ifMatch',
    ],
    ...['https://other.example/fhir/R4/Patient', '//other.example/Patient', 'urn:uuid:1'].map(
      (url): [string, () => Json, number, string] => [
        `an entry of another server, ${url}`,
        () => transaction(post(patient(), { request: { url } })),
        400,
        'value Bundle.entry[0].request.url',
      ],
    ),
    [
      'an update by another condition',
      () => transaction(put(patient(), { url: 'Patient?name=x' })),
      400,
      'not-supported Bundle.entry[0].request.url',
    ],
    [
      'POST to an instance',
      () => transaction(post(patient(), { request: { url: 'Patient/1' } })),
      400,
      'not-supported Bundle.entry[0].request.url',
    ],
    [
      'a condition it does not know',
      () => transaction(post(patient(), { request: { ifNoneExist: 'name=x' } })),
      400,
      'not-supported Bundle.entry[0].request.ifNoneExist',
    ],
    [
      'ifNoneMatch of a create',
      () => transaction(post(patient(), { request: { ifNoneMatch: '*' } })),
      400,
      'not-supported Bundle.entry[0].request.ifNoneMatch',
    ],
    [
      'an unknown type',
      () => transaction(post({ resourceType: 'Spaceship' })),
      404,
      'not-supported Bundle.entry[0].request.url',
    ],
    [
      'a type written elsewhere',
      () => transaction(post({ resourceType: 'Coverage' })),
      405,
      'not-supported Bundle.entry[0].request.url',
    ],
    [
      'a body of another type',
      () => transaction(post(patient(), { request: { url: 'Observation' } })),
      400,
      'invalid Bundle.entry[0].resource.resourceType',
    ],
    [
      'no body',
      () => transaction({ request: { method: 'POST', url: 'Patient' } }),
      422,
      'structure Bundle.entry[0].resource',
    ],
    ['an update of nothing', () => transaction(put(patient())), 405, 'not-found Bundle.entry[0].request.url'],
    [
      'an update of another id',
      () => transaction(put(patient(), { url: 'Patient/other' })),
      400,
      'invalid Bundle.entry[0].resource.id',
    ],
    [
      'two entries with one fullUrl',
      () => transaction(post(patient(), { fullUrl: URN }), post(patient(), { fullUrl: URN })),
      400,
      'invariant Bundle.entry[1].fullUrl',
    ],
  ];
  for (const [name, bundle, status, issue] of REFUSED) {
    it(`refuses ${name}`, async () => {
      expect(issuesOf(await server.post('/', bundle()).expect(status))).to.deep.equal([issue]);
      expect(server.repository.transactions).to.deep.equal([]);
    });
  }

  it('refuses two entries that write the same resource', async () => {
    server.repository.seed(patient());
    const response = await server.post('/', transaction(put(patient()), put(patient()))).expect(400);
    expect(issuesOf(response)).to.deep.equal(['duplicate Bundle.entry[1].request.url']);
  });

  it('keeps references of contained resources to themselves', async () => {
    server.repository.seed(patient());
    await server.post('/', transaction(post(claim()))).expect(200);
    expect(written()[0]!['insurance'][0].coverage.reference).to.equal('#cov');
  });
});
