/** A delivery whose values the receiver's peer obtains later: what everybody is told meanwhile, and that it arrives. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from './consortium.fixture.ts';
import { onEachDatabase } from './index/databases.fixture.ts';

const SYSTEM = 'urn:example:mrn';
const patient = (value: string) => ({ resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] });
const observation = (id: string) => ({
  ...{ resourceType: 'Observation', status: 'final', subject: { reference: `Patient/${id}` } },
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
});
const consentOf = (id: string) => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: `Patient/${id}` } },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
});

onEachDatabase('A delivery that the receiving peer lacks at first', function (kind) {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients'], kind);
  });
  after(() => consortium?.close());
  afterEach(() => {
    for (const name of ['clinic', 'patients']) consortium.network.withhold(name, false);
  });

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  const made = async (as: string, path: string, body: object): Promise<Answer['body']> => {
    const answer = await send(as, `POST ${path}`, body);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    return answer.body;
  };
  const metric = async (name: string): Promise<number> => {
    const text = (await send('clinic operator', 'GET /metrics')).body as string;
    return Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const expectNotYet = ({ status, headers, body }: Answer): void => {
    expect(status, JSON.stringify(body)).to.equal(503);
    expect(Number(headers.get('retry-after'))).to.be.greaterThan(0);
    expect(body.issue[0]).to.include({ code: 'transient' });
    expect(body.issue[0].diagnostics).to.equal('This is on the ledger and has not arrived here yet.');
  };

  it('says what has not arrived, and shows it by itself as soon as the peer has it', async () => {
    const value = randomUUID();
    const { id } = await made('hospital', '/fhir/R4/Patient', patient(value));
    const result = (await made('hospital', '/fhir/R4/Observation', observation(id))).id;
    await until(async () => (await send('patients', `GET /fhir/R4/Observation/${result}`)).status === 200);
    await made(`patients patient Patient/${id}`, '/fhir/R4/Consent', consentOf(id));
    const request = {
      holder: 'hospital',
      patient: { system: SYSTEM, value },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    // It is not decided before the clinic's peer lacks what the decision delivers.
    consortium.network.drop('hospital', true);
    const asked = await made('clinic practitioner Practitioner/c1', '/access-requests', request);
    const access = async () => (await send('clinic', `GET /access-requests/${asked.id}`)).body;
    expect(await access()).to.include({ status: 'requested' });
    consortium.network.withhold('clinic', true);
    consortium.network.drop('hospital', false);
    await until(async () => (await access()).delivery !== undefined, 30_000);

    expect(await access()).to.deep.include({
      status: 'requested',
      delivery: { status: 'incomplete', undelivered: 2 },
    });
    expectNotYet(await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}`));
    expectNotYet(await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}/_history`));
    expectNotYet(await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}/_history/1`));
    expectNotYet(
      await send('clinic', 'POST /fhir/R4/Observation', {
        ...observation(result),
        subject: undefined,
        derivedFrom: [{ reference: `Observation/${result}` }],
      }),
    );
    // Nobody knows which records a delivery holds before it is here.
    expectNotYet(await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${randomUUID()}`));
    expect((await send('clinic', 'GET /access-requests')).body).to.include({ undelivered: 2 });
    const [outcome] = (await send('clinic practitioner Practitioner/c1', 'GET /fhir/R4/Observation')).body.entry;
    expect(outcome.search).to.deep.equal({ mode: 'outcome' });
    expect(outcome.resource.issue[0]).to.include({ severity: 'warning', code: 'incomplete' });
    const event = (await send('clinic', `GET /fhir/R4/AuditEvent/${asked.id}`)).body;
    expect(event).to.include({ outcome: '4', outcomeDesc: 'delivery-incomplete' });
    expect(await consortium.gateway('clinic').readiness()).to.include({ ready: true, valuesMissing: 2 });
    expect(await metric('gateway_values_missing')).to.equal(2);
    const { differences } = (await send('clinic operator', 'POST /verify')).body;
    expect(differences.map((one: { kind: string }) => one.kind)).to.deep.equal(['missing', 'missing']);

    consortium.network.withhold('clinic', false);
    await until(
      async () =>
        (await send('clinic practitioner Practitioner/c1', `GET /fhir/R4/Observation/${result}`)).status === 200,
      30_000,
    );
    await until(async () => (await access()).delivery === undefined, 30_000);
    expect(await access()).to.include({ status: 'granted' });
    expect((await send('clinic practitioner Practitioner/c1', 'GET /fhir/R4/Observation')).body.total).to.equal(1);
    expect((await send('clinic', `GET /fhir/R4/AuditEvent/${asked.id}`)).body.outcome).to.equal('0');
    await until(async () => (await metric('gateway_values_missing')) === 0, 30_000);
    expect((await send('clinic operator', 'POST /verify')).body.differences).to.deep.equal([]);
  });

  it('never shows an older version as the newest', async () => {
    const created = await made('hospital', '/fhir/R4/Patient', patient(randomUUID()));
    const path = `/fhir/R4/Patient/${created.id}`;
    await until(async () => (await send('patients', `GET ${path}`)).status === 200);
    consortium.network.withhold('patients', true);
    const updated = await send('hospital', `PUT ${path}`, { ...created, gender: 'female' }, { 'if-match': 'W/"1"' });
    expect(updated.status, JSON.stringify(updated.body)).to.equal(200);
    await until(async () => (await send('patients', `GET ${path}`)).status === 503);
    expectNotYet(await send('patients', `GET ${path}/_history`));
    expectNotYet(await send('patients', `GET ${path}/_history/2`));
    expect((await send('patients', `GET ${path}/_history/1`)).body).to.deep.equal(created);
    consortium.network.withhold('patients', false);
    await until(async () => (await send('patients', `GET ${path}`)).body.meta?.versionId === '2', 30_000);
    expect((await send('patients', `GET ${path}/_history`)).body.total).to.equal(2);
  });

  it('is decided by a custodian whose peer obtained the request late', async () => {
    const value = randomUUID();
    await made('hospital', '/fhir/R4/Patient', patient(value));
    consortium.network.withhold('patients', true);
    const request = { holder: 'hospital', patient: { system: SYSTEM, value }, types: [], purpose: 'TREAT' };
    const { id } = await made('clinic practitioner Practitioner/c1', '/access-requests', request);
    await until(async () => (await send('patients', `GET /access-requests/${id}`)).status === 503);
    expectNotYet(await send('patients', `GET /access-requests/${id}`));
    expectNotYet(await send('patients', `GET /fhir/R4/AuditEvent/${id}`));
    consortium.network.withhold('patients', false);
    await until(async () => (await send('clinic', `GET /access-requests/${id}`)).body.status === 'refused', 30_000);
  });
});
