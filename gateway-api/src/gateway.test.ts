import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium, until } from './consortium.fixture.ts';
import { onEachDatabase, tamper } from './index/databases.fixture.ts';
import { silent } from './index/index.fixture.ts';
import { emptyIndex } from './index/stores.ts';

const patient = (value = randomUUID()) => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:example:mrn', value }],
  gender: 'female',
});
const observation = (id: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: `Patient/${id}` },
});
const consentOf = (id: string) => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: `Patient/${id}` },
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
});

onEachDatabase('Gateways on the embedded network', function (kind) {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients'], kind);
  });
  after(() => consortium?.close());

  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  const created = async (resource: object): Promise<string> => {
    const { status, body } = await send(
      'hospital',
      `POST /fhir/R4/${(resource as { resourceType: string }).resourceType}`,
      resource,
    );
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.id;
  };
  const seenBy = (organisation: string, path: string) =>
    until(async () => (await send(organisation, `GET ${path}`)).status === 200);

  it('answers a create when it can be read, endorsed by author and custodian', async () => {
    const { status, headers, body } = await send('hospital', 'POST /fhir/R4/Patient', patient());
    expect(status).to.equal(201);
    const read = await send('hospital practitioner Practitioner/p1', `GET /fhir/R4/Patient/${body.id}`);
    expect(read.body).to.deep.equal(body);
    const receipt = await send('clinic', `GET /receipts/${headers.get('x-transaction-id')}`).then(async (first) => {
      if (first.status === 200) return first;
      await seenBy('clinic', `/receipts/${headers.get('x-transaction-id')}`);
      return send('clinic', `GET /receipts/${headers.get('x-transaction-id')}`);
    });
    expect(receipt.body).to.include({ validationCode: 0, channel: 'telemed', creator: 'HospitalMSP' });
    expect(receipt.body.endorsers).to.have.members(['HospitalMSP', 'PatientsMSP']);
    await seenBy('patients', `/fhir/R4/Patient/${body.id}`);
    expect((await send('clinic', `GET /fhir/R4/Patient/${body.id}`)).status).to.equal(404);
  });

  it('lets one of two concurrent updates through and tells the other', async () => {
    const id = await created(patient());
    const update = (gender: string) =>
      send('hospital', `PUT /fhir/R4/Patient/${id}`, { ...patient(), id, gender }, { 'if-match': 'W/"1"' });
    const answers = await Promise.all([update('male'), update('other')]);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([200, 412]);
    expect((await send('hospital', `GET /fhir/R4/Patient/${id}`)).body.meta.versionId).to.equal('2');
  });

  it('refuses what has no token, a foreign one, and roles that see no content', async () => {
    const url = consortium.urls.get('hospital');
    const bare = await fetch(`${url}/fhir/R4/Patient`);
    expect(bare.status).to.equal(401);
    expect(bare.headers.get('www-authenticate')).to.match(/^Bearer/);
    const foreign = { authorization: `Bearer ${await consortium.token('clinic', 'system')}` };
    expect((await fetch(`${url}/fhir/R4/Patient`, { headers: foreign })).status).to.equal(401);
    expect((await send('hospital operator', 'GET /fhir/R4/Patient')).status).to.equal(403);
    for (const open of ['/healthz', '/readyz', '/docs', '/fhir/R4/metadata']) {
      expect((await fetch(url + open)).status, open).to.equal(200);
    }
    for (const closed of ['/metrics', '/verify', '/receipts/x', '/access-requests', '/licences/1', '/nowhere']) {
      expect((await fetch(url + closed)).status, closed).to.equal(401);
    }
  });

  it('tells a monitoring network its state and its counts on a listener of their own, without a token', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', { operations: { host: '127.0.0.1', port: 0 } });
    const value = randomUUID();
    const id = await created(patient(value));
    const url = consortium.gateway('hospital').operationsUrl();
    const get = async (path: string) => {
      const response = await fetch(`${url}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect((await get('/healthz')).status).to.equal(200);
    expect(JSON.parse((await get('/readyz')).text)).to.include({ ready: true });
    const { text } = await get('/metrics');
    expect(text).to.match(/gateway_request_seconds_count\{[^}]*status="201"[^}]*\} 1/);
    expect(text).to.not.include(id).and.not.include(value);
    for (const absent of ['/fhir/R4/Patient', '/verify', '/fhir/R4/metadata']) {
      expect((await get(absent)).status, absent).to.equal(404);
    }
    expect((await fetch(`${consortium.urls.get('hospital')}/metrics`)).status).to.equal(401);
  });

  it('shows a patient their own compartment and nothing else', async () => {
    const [own, other] = [await created(patient()), await created(patient())];
    const [mine, theirs] = [await created(observation(own)), await created(observation(other))];
    await seenBy('patients', `/fhir/R4/Observation/${theirs}`);
    const as = `patients patient Patient/${own}`;
    expect((await send(as, `GET /fhir/R4/Observation/${mine}`)).status).to.equal(200);
    expect((await send(as, `GET /fhir/R4/Observation/${theirs}`)).status).to.equal(404);
    const found = await send(as, 'GET /fhir/R4/Observation');
    expect(found.body.entry.map((entry: { resource: { id: string } }) => entry.resource.id)).to.deep.equal([mine]);
    expect((await send(as, `GET /fhir/R4/Observation?patient=${other}`)).body.entry ?? []).to.deep.equal([]);
    expect((await send(as, 'POST /fhir/R4/Consent', consentOf(other))).status).to.equal(403);
    expect((await send('patients patient', 'GET /fhir/R4/Patient')).status).to.equal(403);
    expect((await send('patients caretaker', 'GET /fhir/R4/Patient')).status).to.equal(403);
  });

  it('writes once under an Idempotency-Key, whatever happens between', async () => {
    const body = patient();
    const key = { 'idempotency-key': randomUUID() };
    const first = await send('hospital', 'POST /fhir/R4/Patient', body, key);
    const again = await send('hospital', 'POST /fhir/R4/Patient', body, key);
    expect(again.status).to.equal(201);
    expect(again.body).to.deep.equal(first.body);
    expect(again.headers.get('x-transaction-id')).to.equal(first.headers.get('x-transaction-id'));
    const other = await send('hospital', 'POST /fhir/R4/Patient', patient(), key);
    expect(other.status).to.equal(422);
    expect(other.body.issue[0].expression).to.deep.equal(['Idempotency-Key']);
  });

  it('resolves a write that was signed and never answered, with the same bytes', async () => {
    const body = patient();
    const key = randomUUID();
    consortium.network.stopOrderer(true);
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      limits: { inFlightWrites: 10, clientWrites: 100, budgetMs: 300, feedWaitMs: 200 },
    });
    const unknown = await send('hospital', 'POST /fhir/R4/Patient', body, { 'idempotency-key': key });
    expect(unknown.status, JSON.stringify(unknown.body)).to.equal(504);
    const transactionId = unknown.headers.get('x-transaction-id');
    consortium.network.stopOrderer(false);
    await consortium.shut('hospital');
    await consortium.open('hospital');
    const resolved = await send('hospital', 'POST /fhir/R4/Patient', body, { 'idempotency-key': key });
    expect(resolved.status).to.equal(201);
    expect(resolved.headers.get('x-transaction-id')).to.equal(transactionId);
    const found = await send('hospital', `GET /fhir/R4/Patient?identifier=${body.identifier[0]!.value}`);
    expect(found.body.total).to.equal(1);
  });

  it('moves records by consent: refused, granted, revoked, purged', async () => {
    const body = patient();
    const id = await created(body);
    const result = await created(observation(id));
    const ask = async () => {
      const asked = await send('clinic practitioner Practitioner/c1', 'POST /access-requests', {
        holder: 'hospital',
        patient: { system: 'urn:example:mrn', value: body.identifier[0]!.value },
        types: ['Observation'],
        purpose: 'TREAT',
      });
      expect(asked.status, JSON.stringify(asked.body)).to.equal(201);
      const path = `/access-requests/${asked.body.id}`;
      await until(async () => (await send('clinic', `GET ${path}`)).body.status !== 'requested');
      return path;
    };
    const refused = (await send('clinic', `GET ${await ask()}`)).body;
    expect(refused).to.include({ status: 'refused', reason: 'not-permitted' });

    const as = `patients patient Patient/${id}`;
    const consent = await send(as, 'POST /fhir/R4/Consent', consentOf(id));
    expect(consent.status, JSON.stringify(consent.body)).to.equal(201);
    const granted = await ask();
    expect((await send('clinic', `GET ${granted}`)).body).to.include({ status: 'granted' });
    const copy = await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}`);
    expect(copy.status).to.equal(200);
    expect(copy.body.meta.source).to.match(/hospital$/);
    const log = await send(as, `GET /fhir/R4/AuditEvent?patient=${id}&type=110106,110113`);
    expect(log.body.total ?? log.body.entry.length).to.equal(2);

    const ended = { ...consent.body, status: 'inactive' };
    const revoked = await send(as, `PUT /fhir/R4/Consent/${consent.body.id}`, ended, { 'if-match': 'W/"1"' });
    expect(revoked.status, JSON.stringify(revoked.body)).to.equal(200);
    const shown = await send(as, `GET /fhir/R4/Consent/${consent.body.id}`);
    expect(shown.body).to.deep.include({ status: 'inactive' });
    expect(shown.body.meta.versionId).to.equal('2');
    await until(
      async () =>
        (await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}`)).status === 404,
    );
    expect((await send('clinic', `GET ${granted}`)).body.status).to.equal('purged');
  });

  it('finds what was changed on disk, by name, on reading and in the sweep', async () => {
    const id = await created(patient());
    const place = `Patient/${id}/_history/1`;
    const index = await consortium.place('hospital');
    const store = (value: string) =>
      tamper(index, (db) => db.updateTable('versions').set({ value }).where('id', '=', id).execute());
    const { value: original } = await tamper(index, (db) =>
      db.selectFrom('versions').select('value').where('id', '=', id).executeTakeFirstOrThrow(),
    );
    await store(original.replace('female', 'femalE'));
    const read = await send('hospital', `GET /fhir/R4/Patient/${id}`);
    expect(read.status).to.equal(409);
    expect(read.body.issue[0]).to.deep.include({ code: 'security', expression: [place] });
    const sweep = await send('hospital operator', 'POST /verify');
    const { transactionId } = sweep.body.differences[0];
    const named = { kind: 'content', remedy: 'reindex', table: 'versions', place, columns: ['value'], transactionId };
    expect(sweep.body).to.deep.include({ organisation: 'hospital', differences: [named] });
    await store(original);
    expect((await send('hospital auditor', 'POST /verify')).status).to.equal(403);
    expect((await send('hospital operator', 'POST /verify')).body.differences).to.deep.equal([]);
  });

  it('goes on when its peer was away, even where the event stream does not notice', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      limits: { inFlightWrites: 10, clientWrites: 100, budgetMs: 10_000, feedWaitMs: 500 },
    });
    await consortium.restartNetwork();
    await until(async () => (await consortium.gateway('hospital').readiness()).ready, 20_000);
    const id = await created(patient());
    expect((await send('hospital', `GET /fhir/R4/Patient/${id}`)).status).to.equal(200);
  });

  it('says 503 with Retry-After, and writes nothing, while a peer that must endorse is away', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      limits: { inFlightWrites: 10, clientWrites: 100, budgetMs: 500, feedWaitMs: 2_000 },
    });
    const body = patient();
    consortium.network.drop('patients', true);
    try {
      const away = await send('hospital', 'POST /fhir/R4/Patient', body);
      expect(away.status, JSON.stringify(away.body)).to.equal(503);
      expect(Number(away.headers.get('retry-after'))).to.be.greaterThan(0);
      await until(async () => !(await consortium.gateway('hospital').readiness()).ready);
      expect((await fetch(`${consortium.urls.get('hospital')}/readyz`)).status).to.equal(503);
    } finally {
      consortium.network.drop('patients', false);
    }
    await until(async () => (await consortium.gateway('hospital').readiness()).ready);
    const found = await send('hospital', `GET /fhir/R4/Patient?identifier=${body.identifier[0]?.value}`);
    expect(found.body.total).to.equal(0);
    expect(await created(body)).to.be.a('string');
  });

  it('takes no more writes than it was told to, and says so', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital', {
      limits: { inFlightWrites: 1, clientWrites: 100, budgetMs: 5_000, feedWaitMs: 2_000 },
    });
    const answers = await Promise.all([1, 2, 3].map(() => send('hospital', 'POST /fhir/R4/Patient', patient())));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([201, 429, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).to.equal('1');
  });

  it('waits for a peer that lags behind instead of refusing', async () => {
    await consortium.shut('hospital');
    await consortium.open('hospital');
    const id = await created(patient());
    consortium.network.lag('patients', 300);
    try {
      for (const version of [1, 2, 3]) {
        const body = { ...patient(), id, gender: version % 2 === 0 ? 'male' : 'other' };
        const update = await send('hospital', `PUT /fhir/R4/Patient/${id}`, body, { 'if-match': `W/"${version}"` });
        expect(update.status, JSON.stringify(update.body)).to.equal(200);
      }
    } finally {
      consortium.network.lag('patients', 0);
    }
  });

  it('rebuilds the same read model from block 0', async () => {
    const before = await send('hospital', 'GET /fhir/R4/Patient?_count=100');
    await consortium.shut('hospital');
    const place = await consortium.place('hospital');
    await emptyIndex(place, silent);
    const held = await tamper(place, (db) => db.selectFrom('versions').selectAll().execute()).catch(() => 'no table');
    expect(held).to.equal('no table');
    await consortium.open('hospital');
    const after = await send('hospital', 'GET /fhir/R4/Patient?_count=100');
    const ids = (answer: typeof after) =>
      answer.body.entry.map((entry: { resource: { id: string } }) => entry.resource.id);
    expect(ids(before)).to.have.length.above(1);
    expect(ids(after)).to.deep.equal(ids(before));
  });
});
