/** What one organisation wrote a moment ago, asked for at another one whose peer has not seen it. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from './consortium.fixture.ts';

const BUDGET_MS = 3_000;
const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: BUDGET_MS, feedWaitMs: 2_000 };
const LAG_MS = 700;
const FOREVER_MS = 2 ** 31 - 1;

const patient = () => ({ resourceType: 'Patient', identifier: [{ system: 'urn:example:mrn', value: randomUUID() }] });
const consentOf = (id: string) => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: `Patient/${id}` },
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
});

describe('What has not arrived here yet', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const name of ['hospital', 'patients', 'regulator']) await consortium.open(name, { limits: LIMITS });
  });
  after(() => consortium?.close());
  beforeEach(() => lag(LAG_MS));
  afterEach(async () => {
    lag(0);
    await until(async () => (await consortium.gateway('patients').readiness()).behind === 0);
  });

  const lag = (milliseconds: number) => consortium?.network.lag('patients', milliseconds);
  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  /** A Patient at the hospital, which the custodian's peer has endorsed and not committed. */
  const created = async () => {
    const body = patient();
    const { status, headers, body: answer } = await send('hospital', 'POST /fhir/R4/Patient', body);
    expect(status, JSON.stringify(answer)).to.equal(201);
    const block = headers.get('x-block') ?? '';
    expect(block).to.match(/^\d+$/);
    return { id: answer.id as string, value: body.identifier[0]!.value, wait: { 'x-wait-for-block': block } };
  };

  it('is found by every kind of request that waits for the block of the write', async () => {
    const requests: ((one: Awaited<ReturnType<typeof created>>) => [string, unknown?])[] = [
      ({ id }) => [`GET /fhir/R4/Patient/${id}`],
      ({ id }) => [`GET /fhir/R4/Patient/${id}/_history`],
      ({ id }) => [`GET /fhir/R4/Patient/${id}/_history/1`],
      ({ value }) => [`GET /fhir/R4/Patient?identifier=${value}`],
      ({ id }) => ['POST /fhir/R4/Consent', consentOf(id)],
      ({ id }) => [
        'POST /fhir/R4',
        { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Patient/${id}` } }] },
      ],
    ];
    for (const requestOf of requests) {
      const one = await created();
      const [request, body] = requestOf(one);
      const without = await send('patients', request, body);
      expect(isFound(without), `${request} without waiting: ${without.status}`).to.equal(false);
      const answer = await send('patients', request, body, one.wait);
      expect(isFound(answer), `${request}: ${answer.status} ${JSON.stringify(answer.body)}`).to.equal(true);
      expect(Number(answer.headers.get('x-block'))).to.be.at.least(Number(one.wait['x-wait-for-block']));
    }
  });

  const isFound = ({ status, body }: Answer): boolean => {
    if (body.type === 'searchset') return body.total === 1;
    if (body.type === 'batch-response') return body.entry[0].response.status.startsWith('200');
    return status === 200 || status === 201;
  };

  it('is found on the routes beside FHIR too', async () => {
    const number = randomUUID().slice(0, 8);
    const licence = { status: 'active', start: '2026-01-01', end: '2030-01-01' };
    const set = await send('regulator', `PUT /licences/${number}`, licence);
    expect(set.status).to.equal(200);
    const [receipt, wait] = [set.headers.get('x-transaction-id'), { 'x-wait-for-block': set.headers.get('x-block')! }];
    expect((await send('patients', `GET /receipts/${receipt}`)).status).to.equal(404);
    expect((await send('patients', `GET /receipts/${receipt}`, undefined, wait)).status).to.equal(200);
    expect((await send('patients', `GET /licences/${number}`, undefined, wait)).status).to.equal(200);
  });

  it('is answered 503 within the budget where it does not arrive, as what it is', async () => {
    const { id, wait } = await created();
    lag(FOREVER_MS);
    const started = performance.now();
    const answer = await send('patients', `GET /fhir/R4/Patient/${id}`, undefined, wait);
    expect(answer.status).to.equal(503);
    expect(answer.body.issue[0].details.coding[0].code).to.equal('lag');
    expect(answer.body.issue[0].diagnostics).to.match(/Not here yet: this gateway holds block \d+, not block \d+/);
    expect(answer.headers.get('retry-after')).to.equal('1');
    expect(performance.now() - started).to.be.lessThan(BUDGET_MS + 1_500);
  });

  it('is refused by no endorser that has not seen what the caller has', async () => {
    const { id } = await created();
    for (const version of [1, 2]) {
      const body = { ...patient(), id, gender: version === 1 ? 'male' : 'other' };
      const update = await send('hospital', `PUT /fhir/R4/Patient/${id}`, body, { 'if-match': `W/"${version}"` });
      expect(update.status, JSON.stringify(update.body)).to.equal(200);
    }
  });

  it('says how far it has come in every answer, errors included, and takes no other number', async () => {
    for (const request of ['GET /healthz', 'GET /fhir/R4/Patient/none', 'GET /fhir/R4/metadata', 'GET /nowhere']) {
      expect((await send('hospital', request)).headers.get('x-block'), request).to.match(/^\d+$/);
    }
    for (const wrong of ['-1', 'x', '1.5', '9'.repeat(16)]) {
      const answer = await send('hospital', 'GET /fhir/R4/Patient', undefined, { 'x-wait-for-block': wrong });
      expect(answer.status, wrong).to.equal(400);
      expect(answer.body.issue[0].expression).to.deep.equal(['X-Wait-For-Block']);
    }
  });
});
