/** Exports of many records: what is in them, for whom, and what becomes of them. */
import { expect } from 'chai';
import { FixtureConsortium } from '../../consortium.fixture.ts';

interface Manifest {
  transactionTime: string;
  request: string;
  requiresAccessToken: boolean;
  output: { type: string; url: string }[];
  error: { type: string; url: string }[];
}

describe('An export of many records', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  const [patients, observations]: [string[], string[]] = [[], []];
  let organisation: string;
  let group: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients']);
    organisation = await created({ resourceType: 'Organization', name: 'Ward' });
    for (const index of [0, 1, 2]) {
      patients.push(await created({ resourceType: 'Patient', active: true }));
      observations.push(await created(observation(patients[index]!, index === 2 ? 'vital-signs' : 'laboratory')));
    }
    const member = [0, 1].map((index) => ({
      entity: { reference: `Patient/${patients[index]}` },
      inactive: index === 1,
    }));
    group = await created({ resourceType: 'Group', type: 'person', actual: true, member });
  });
  after(() => consortium?.close());

  const observation = (patient: string, category: string) => ({
    ...{
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${patient}` },
    },
    category: [{ coding: [{ code: category }] }],
  });
  async function created(resource: { resourceType: string; [element: string]: unknown }): Promise<string> {
    const { status, body } = await consortium.send('hospital', `POST /fhir/R4/${resource.resourceType}`, resource);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.id;
  }
  const pathOf = (url: string | null): string => new URL(url ?? '').pathname;
  const begun = async (path: string, as = 'hospital'): Promise<string> => {
    const { status, headers, body } = await consortium.send(as, `GET /fhir/R4${path}`);
    expect(status, JSON.stringify(body)).to.equal(202);
    return pathOf(headers.get('content-location'));
  };
  async function manifestAt(path: string, as = 'hospital'): Promise<Manifest> {
    for (;;) {
      const { status, headers, body } = await consortium.send(as, `GET ${path}`);
      if (status === 200) return body;
      expect(status).to.equal(202);
      expect(headers.get('x-progress')).to.match(/^\d+ of \d+ types$/);
    }
  }
  async function filesOf({ output }: Manifest, as = 'hospital'): Promise<Record<string, string[]>> {
    const files: Record<string, string[]> = {};
    for (const { type, url } of output) {
      const { status, body, headers } = await consortium.send(as, `GET ${pathOf(url)}`);
      expect([status, headers.get('content-type')]).to.deep.equal([200, 'application/fhir+ndjson']);
      const lines = String(body).trimEnd().split('\n');
      const resources = lines.map((line) => JSON.parse(line) as { resourceType: string; id: string });
      expect(resources.every(({ resourceType }) => resourceType === type)).to.equal(true);
      files[type] = resources.map(({ id }) => id);
    }
    return files;
  }
  const exported = async (path: string, as?: string) => filesOf(await manifestAt(await begun(path, as), as), as);

  it('of everything has each record once, in a file of its type', async () => {
    const manifest = await manifestAt(await begun('/$export'));
    expect(manifest).to.deep.include({ requiresAccessToken: true, error: [] });
    expect(pathOf(manifest.request)).to.equal('/fhir/R4/$export');
    const files = await filesOf(manifest);
    expect(Object.keys(files)).to.have.members(['Group', 'Observation', 'Organization', 'Patient']);
    expect(files['Patient']).to.have.members(patients);
    expect(files['Observation']).to.have.members(observations);
    expect(files['Organization']).to.deep.equal([organisation]);
  });

  it('of patients leaves out what is about nobody, and of a group whoever is not in it', async () => {
    expect(await exported('/Patient/$export')).to.have.keys('Patient', 'Observation');
    expect(await exported(`/Group/${group}/$export`)).to.deep.equal({
      Patient: [patients[0]],
      Observation: [observations[0]],
    });
  });

  it('is narrowed by type, by filters of which one is enough, and by time', async () => {
    expect(await exported('/$export?_type=Patient')).to.have.keys('Patient');
    const lab = encodeURIComponent('Observation?category=laboratory');
    const vital = encodeURIComponent('Observation?category=vital-signs');
    const { Observation: found } = await exported(`/$export?_type=Observation&_typeFilter=${lab}`);
    expect(found).to.have.members([observations[0], observations[1]]);
    const both = await exported(`/$export?_type=Observation&_typeFilter=${lab},${vital}&_typeFilter=${lab}`);
    expect(both['Observation']).to.have.members(observations);
    expect(both['Observation']).to.have.length(3);
    expect(await exported('/$export?_since=2099-01-01T00:00:00Z')).to.deep.equal({});
    expect(await exported('/$export?_type=Patient&_since=2020-01-01T00:00:00.000%2B01:00')).to.have.keys('Patient');
  });

  it('is as things were when it was asked for', async () => {
    const changed = await created({ resourceType: 'Location', name: 'before' });
    const manifest = await manifestAt(await begun('/$export?_type=Location'));
    const update = { resourceType: 'Location', id: changed, name: 'after' };
    expect((await consortium.send('hospital', `PUT /fhir/R4/Location/${changed}`, update)).status).to.equal(200);
    const later = await created({ resourceType: 'Location', name: 'later' });
    const { body } = await consortium.send('hospital', `GET ${pathOf(manifest.output[0]!.url)}`);
    expect(String(body)).to.contain('"name":"before"').and.not.to.contain(later);
    const next = await exported(`/$export?_type=Location&_since=${encodeURIComponent(manifest.transactionTime)}`);
    expect(next['Location']).to.have.members([changed, later]);
  });

  it('keeps the digits of numbers', async () => {
    const exact =
      '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":12500.00}}';
    expect((await consortium.send('hospital', 'POST /fhir/R4/Observation', exact)).status).to.equal(201);
    const { output } = await manifestAt(await begun('/$export?_type=Observation'));
    const { body } = await consortium.send('hospital', `GET ${pathOf(output[0]!.url)}`);
    expect(String(body)).to.contain('"value":12500.00');
  });

  it('shows an organisation nothing that it may not read', async () => {
    expect(await exported('/$export', 'clinic')).to.deep.equal({});
    expect((await consortium.send('clinic', `GET /fhir/R4/Group/${group}/$export`)).status).to.equal(404);
  });

  it('is its client’s alone, outlasts a restart, and is gone when it is deleted', async () => {
    const path = await begun('/$export?_type=Patient');
    const { output } = await manifestAt(path);
    const file = pathOf(output[0]!.url);
    const other = { authorization: `Bearer ${await consortium.token('hospital', 'practitioner', 'Practitioner/p')}` };
    for (const one of [path, file, '/fhir/R4/$export'])
      expect((await consortium.send('hospital', `GET ${one}`, undefined, other)).status, one).to.equal(403);
    await consortium.shut('hospital');
    await consortium.open('hospital');
    expect((await manifestAt(path)).output).to.have.length(1);
    expect((await consortium.send('hospital', `GET ${file}`)).status).to.equal(200);
    expect((await consortium.send('hospital', `GET ${file.replace('Patient', 'Observation')}`)).status).to.equal(404);
    expect((await consortium.send('hospital', `DELETE ${path}`)).status).to.equal(202);
    for (const one of [path, file]) expect((await consortium.send('hospital', `GET ${one}`)).status).to.equal(404);
    expect((await consortium.send('hospital', `DELETE ${path}`)).status).to.equal(404);
  });

  it('is refused for what it does not know', async () => {
    for (const [query, expression] of [
      ['_type=Spaceship', '_type'],
      ['_since=yesterday', '_since'],
      ['_outputFormat=text/csv', '_outputFormat'],
      ['_typeFilter=Observation', '_typeFilter'],
      ['_typeFilter=Observation%3F_count%3D1', '_typeFilter'],
      ['_typeFilter=Observation%3Ffoo%3D1', 'foo'],
      ['_type=Patient&_typeFilter=Observation%3Fcode%3Dx', '_typeFilter'],
      ['foo=1', 'foo'],
    ]) {
      const { status, body } = await consortium.send('hospital', `GET /fhir/R4/$export?${query}`);
      expect([status, body.issue?.[0].expression], query).to.deep.equal([400, [expression]]);
    }
    expect((await consortium.send('hospital', 'GET /fhir/R4/Patient/$export?_type=Organization')).status).to.equal(400);
    expect((await consortium.send('hospital', 'GET /fhir/R4/Group/none/$export')).status).to.equal(404);
    for (const format of ['application/fhir%2Bndjson', 'application/fhir+ndjson', 'ndjson'])
      await begun(`/$export?_type=Group&_outputFormat=${format}`);
  });
});
