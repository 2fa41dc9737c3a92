/** @medplum/core's client drives a gateway as it comes from npm. */
import { MedplumClient, type MedplumClientOptions } from '@medplum/core';
import { expect } from 'chai';
import { type Any, ClientsGateway, observation, person } from './gateway.fixture.ts';

describe('@medplum/core', function () {
  this.timeout(60_000);
  let gateway: ClientsGateway;
  let client: MedplumClient;
  let patient: Any;
  before(async () => {
    gateway = await ClientsGateway.start();
    const options: MedplumClientOptions = { baseUrl: `${gateway.base}/`, fhirUrlPath: 'fhir/R4', fetch, cacheTime: 0 };
    client = new MedplumClient({ ...options, accessToken: await gateway.token() });
    patient = await client.createResource(person());
  });
  after(() => gateway?.close());

  it('creates, reads, updates, and sees every version', async () => {
    expect((await client.readResource('Patient', patient.id)).birthDate).to.equal('1980-02-29');
    const updated = await client.updateResource({ ...patient, gender: 'other' });
    expect(updated.meta?.versionId).to.equal('2');
    expect((await client.readVersion('Patient', patient.id, '1')).gender).to.equal('female');
    expect((await client.readHistory('Patient', patient.id)).entry).to.have.length(2);
    expect(await client.readResource('Patient', 'none').catch(({ outcome }: Any) => outcome.issue[0].code)).to.equal(
      'not-found',
    );
  });

  it('patches and deletes', async function () {
    if (!(await gateway.does('patch')) || !(await gateway.does('delete'))) return this.skip();
    const { id } = (await client.createResource(person())) as Any;
    const patched = await client.patchResource('Patient', id, [{ op: 'replace', path: '/gender', value: 'male' }]);
    expect((patched as Any).gender).to.equal('male');
    await client.deleteResource('Patient', id);
    expect(await client.readResource('Patient', id).catch(({ outcome }: Any) => outcome.issue[0].code)).to.equal(
      'deleted',
    );
  });

  it('creates once by a condition, searches, and walks pages', async () => {
    const [{ system, value }] = patient.identifier;
    const again = await client.createResourceIfNoneExist(person(), `identifier=${system}|${value}`);
    expect(again.id).to.equal(patient.id);
    for (const beats of [60, 70, 80]) await client.createResource(observation(`Patient/${patient.id}`, beats));
    const query = {
      patient: `Patient/${patient.id}`,
      code: 'http://loinc.org|8867-4',
      _count: '2',
      _sort: 'value-quantity',
    };
    const seen: number[] = [];
    for await (const page of client.searchResourcePages('Observation', query))
      seen.push(...page.map((one: Any) => one.valueQuantity.value));
    expect(seen).to.deep.equal([60, 70, 80]);
    expect((await client.searchOne('Patient', { identifier: `${system}|${value}` }))?.id).to.equal(patient.id);
  });

  it('sends batches and asks operations', async () => {
    const entry = [person(), person()].map((resource) => ({
      resource,
      request: { method: 'POST' as const, url: 'Patient' },
    }));
    const done = await client.executeBatch({ resourceType: 'Bundle', type: 'batch', entry });
    expect(done.entry?.map(({ response }) => response?.status.slice(0, 3))).to.deep.equal(['201', '201']);
    const everything = await client.readPatientEverything(patient.id);
    expect(everything.entry?.length).to.be.greaterThan(3);
  });

  it('gets tokens for a backend service by its own way', async () => {
    const { id, secret } = await gateway.register({
      name: 'App',
      redirectUris: ['http://127.0.0.1:9/'],
      confidential: true,
    });
    expect([typeof id, typeof secret]).to.deep.equal(['string', 'string']);
  });
});
