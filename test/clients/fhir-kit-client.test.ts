/** fhir-kit-client drives a gateway as it comes from npm. */
import { expect } from 'chai';
import { Client } from 'fhir-kit-client';
import { type Any, ClientsGateway, observation, person } from './gateway.fixture.ts';

describe('fhir-kit-client', function () {
  this.timeout(60_000);
  let gateway: ClientsGateway;
  let client: Any;
  let patient: Any;
  before(async () => {
    gateway = await ClientsGateway.start();
    client = new Client({ baseUrl: gateway.fhir, bearerToken: await gateway.token() });
    patient = await client.create({ resourceType: 'Patient', body: person() });
  });
  after(() => gateway?.close());

  const ids = (bundle: Any): string[] =>
    (bundle.entry ?? []).map(({ resource }: Any) => `${resource.resourceType}/${resource.id}`);
  const statusOf = (failed: Promise<unknown>) =>
    failed.then(
      () => 200,
      ({ response }: Any) => response.status,
    );

  it('finds out what there is, and where one signs in', async () => {
    expect((await client.capabilityStatement()).fhirVersion).to.equal('4.0.1');
    const metadata = await client.smartAuthMetadata();
    expect(metadata.tokenUrl.href).to.equal(`${gateway.base}/oauth/token`);
  });

  it('creates, reads, updates, and sees every version', async () => {
    const { id } = patient;
    expect((await client.read({ resourceType: 'Patient', id })).birthDate).to.equal('1980-02-29');
    await client.update({ resourceType: 'Patient', id, body: { ...patient, gender: 'other' } });
    expect((await client.vread({ resourceType: 'Patient', id, version: '1' })).gender).to.equal('female');
    expect((await client.history({ resourceType: 'Patient', id })).total).to.equal(2);
    expect(await statusOf(client.read({ resourceType: 'Patient', id: 'none' }))).to.equal(404);
    const stale = { headers: { 'If-Match': 'W/"1"' } };
    expect(await statusOf(client.update({ resourceType: 'Patient', id, body: patient, options: stale }))).to.equal(412);
  });

  it('patches and deletes', async function () {
    if (!(await gateway.does('patch')) || !(await gateway.does('delete'))) return this.skip();
    const { id } = await client.create({ resourceType: 'Patient', body: person() });
    const jsonPatch = [{ op: 'replace', path: '/gender', value: 'male' }];
    expect((await client.patch({ resourceType: 'Patient', id, jsonPatch })).gender).to.equal('male');
    await client.delete({ resourceType: 'Patient', id });
    expect(await statusOf(client.read({ resourceType: 'Patient', id }))).to.equal(410);
  });

  it('searches by value, chain and include, by GET and POST, and pages', async () => {
    const reference = `Patient/${patient.id}`;
    const made: string[] = [];
    for (const value of [60, 70, 80])
      made.push(
        `Observation/${(await client.create({ resourceType: 'Observation', body: observation(reference, value) })).id}`,
      );
    const [{ system, value }] = patient.identifier;
    const chained = {
      'subject:Patient.identifier': `${system}|${value}`,
      'value-quantity': 'gt65',
      _include: 'Observation:subject',
    };
    for (const options of [{}, { postSearch: true }]) {
      const found = await client.search({ resourceType: 'Observation', searchParams: chained, ...options });
      expect(ids(found)).to.have.members([made[1], made[2], reference]);
    }
    const reverse = await client.search({
      resourceType: 'Patient',
      searchParams: { _id: patient.id, _revinclude: 'Observation:subject' },
    });
    expect(ids(reverse)).to.have.members([reference, ...made]);
    const compartment = await client.compartmentSearch({
      resourceType: 'Observation',
      compartment: { resourceType: 'Patient', id: patient.id },
    });
    expect(ids(compartment)).to.have.members(made);
    const seen: string[] = [];
    let page = await client.search({
      resourceType: 'Observation',
      searchParams: { patient: patient.id, _count: 1, _sort: '-date' },
    });
    const first = ids(page);
    for (; page !== undefined; page = await client.nextPage({ bundle: page })) seen.push(...ids(page));
    expect(seen).to.have.members(made);
    const second = await client.nextPage({
      bundle: await client.search({
        resourceType: 'Observation',
        searchParams: { patient: patient.id, _count: 1, _sort: '-date' },
      }),
    });
    expect(ids(await client.prevPage({ bundle: second }))).to.deep.equal(first);
    expect(await statusOf(client.search({ resourceType: 'Observation', searchParams: { nonsense: 1 } }))).to.equal(400);
  });

  it('sends transactions and batches', async () => {
    const fullUrl = 'urn:uuid:6b3c1f0e-2f0a-4b63-8f0c-000000000001';
    const entry = [
      { fullUrl, resource: person(), request: { method: 'POST', url: 'Patient' } },
      { resource: observation(fullUrl), request: { method: 'POST', url: 'Observation' } },
    ];
    const done = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry } });
    expect(done.entry.map(({ response }: Any) => response.status.slice(0, 3))).to.deep.equal(['201', '201']);
    const reads = [patient.id, 'none'].map((id) => ({ request: { method: 'GET', url: `Patient/${id}` } }));
    const batch = await client.batch({ body: { resourceType: 'Bundle', type: 'batch', entry: reads } });
    expect(batch.entry.map(({ response }: Any) => response.status.slice(0, 3))).to.deep.equal(['200', '404']);
  });

  it('asks operations', async () => {
    const everything = await client.operation({
      resourceType: 'Patient',
      id: patient.id,
      name: '$everything',
      method: 'GET',
    });
    expect(ids(everything)).to.include(`Patient/${patient.id}`);
    const input = {
      resourceType: 'Parameters',
      parameter: [{ name: 'resource', resource: person({ identifier: patient.identifier }) }],
    };
    const matched = await client.operation({ resourceType: 'Patient', name: '$match', input });
    expect(ids(matched)).to.include(`Patient/${patient.id}`);
  });
});
