import { expect } from 'chai';
import { type Json, observation, PATIENT_ID, patient } from '../fixtures/resources.ts';
import { bodyOf, issuesOf, type Server, serverOf } from '../fixtures/server.ts';

const of = (resourceType: string, id: string, more: object = {}) => ({ resourceType, id, ...more }) as never;
const to = (reference: string) => ({ reference });

describe('what a search answers of its matches and beside them', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
    const { repository } = server;
    repository.seed({ ...patient(), managingOrganization: to('Organization/house') } as never);
    repository.seed(of('Organization', 'house', { name: 'House', partOf: to('Organization/trust') }));
    repository.seed(of('Organization', 'trust', { name: 'Trust' }));
    repository.seed(of('Practitioner', 'p', { name: [{ family: 'P' }] }));
    for (const id of ['o-1', 'o-2'])
      repository.seed({
        ...observation(),
        id,
        performer: [to('Practitioner/p'), to('Practitioner/gone')],
        note: [{ text: 'x' }],
      } as never);
  });

  const found = async (query: string): Promise<Record<string, string[]>> => {
    const { entry = [] } = bodyOf(await server.get(`/${query}`).expect(200)) as { entry?: Json[] };
    const byMode: Record<string, string[]> = {};
    for (const { search, resource } of entry)
      byMode[search.mode] = [...(byMode[search.mode] ?? []), `${resource.resourceType}/${resource.id}`];
    return byMode;
  };
  const both = ['Observation/o-1', 'Observation/o-2'];

  it('follows references from the matches, each resource once', async () => {
    expect(await found('Observation?_include=Observation:performer')).to.deep.equal({
      match: both,
      include: ['Practitioner/p'],
    });
    expect(await found('Observation?_include=Observation:patient&_include=Observation:subject')).to.deep.equal({
      match: both,
      include: [`Patient/${PATIENT_ID}`],
    });
    const all = (await found('Observation?_include=*'))['include'];
    expect(all).to.have.members([`Patient/${PATIENT_ID}`, 'Practitioner/p']);
    expect((await found('Observation?_include=Observation:*'))['include']).to.have.members(all!);
  });

  it('goes to the target type that is named, and on where it is said', async () => {
    expect(await found('Observation?_include=Observation:performer:Organization')).to.deep.equal({ match: both });
    const once = await found(
      'Observation?_include=Observation:subject&_include=Patient:organization'.replace(
        '&_include=P',
        '&_include:iterate=P',
      ),
    );
    expect(once['include']).to.deep.equal([`Patient/${PATIENT_ID}`, 'Organization/house']);
    const on = await found('Patient?_include=Patient:organization&_include:iterate=Organization:partof');
    expect(on['include']).to.deep.equal(['Organization/house', 'Organization/trust']);
  });

  it('answers what refers to the matches', async () => {
    expect(await found('Patient?_revinclude=Observation:patient')).to.deep.equal({
      match: [`Patient/${PATIENT_ID}`],
      include: both,
    });
    const more = await found('Patient?_revinclude=Observation:subject&_include:iterate=Observation:performer');
    expect(more['include']).to.deep.equal([...both, 'Practitioner/p']);
  });

  it('includes with every page what belongs to it', async () => {
    const first = bodyOf(await server.get('/Observation?_count=1&_include=Observation:performer').expect(200));
    const relation = (name: string): string => first['link'].find((one: Json) => one['relation'] === name).url;
    expect(first['entry'].map((one: Json) => one['search'].mode)).to.deep.equal(['match', 'include']);
    const second = await server.get(relation('next').replace(/^.*\/fhir\/R4/, '')).expect(200);
    expect(bodyOf(second)['entry'].map((one: Json) => one['resource'].id)).to.deep.equal(['o-2', 'p']);
    const again = await server.get(relation('first').replace(/^.*\/fhir\/R4/, '')).expect(200);
    expect(bodyOf(again)['entry'].map((one: Json) => one['resource'].id)).to.deep.equal(['o-1', 'p']);
  });

  it('includes what the caller may read, and says nothing of the rest', async () => {
    const { search } = server.repository;
    const { LedgerError } = await import('@telemed-ledger/chaincode/model/errors.ts');
    server.repository.search = (caller, wanted) => {
      if (wanted.type === 'Practitioner') throw new LedgerError('FORBIDDEN', 'not for you');
      return search.call(server.repository, caller, wanted);
    };
    expect(await found('Observation?_include=Observation:performer')).to.deep.equal({ match: both });
  });

  it('includes a thousand at most, and says that there are more', async () => {
    for (let index = 0; index < 1_001; index += 1)
      server.repository.seed({ ...observation(), id: `many-${index}` } as never);
    const { match, include, outcome } = await found('Patient?_revinclude=Observation:patient');
    expect([match?.length, include?.length, outcome?.length]).to.deep.equal([1, 1_000, 1]);
  });

  it('answers parts of resources, marked as such, with what R4 requires of them', async () => {
    const one = async (query: string): Promise<Json> =>
      bodyOf(await server.get(`/Observation?_id=o-1&${query}`).expect(200))['entry'][0].resource;
    const whole = await one('');
    expect(whole).not.to.have.nested.property('meta.tag');
    const some = await one('_elements=value,subject');
    expect(Object.keys(some)).to.have.members([
      'resourceType',
      'id',
      'meta',
      'status',
      'code',
      'subject',
      ...Object.keys(whole).filter((name) => /^value/.test(name)),
    ]);
    for (const query of ['_elements=subject', '_summary=true', '_summary=text', '_summary=data'])
      expect((await one(query))['meta'].tag[0].code, query).to.equal('SUBSETTED');
    expect(Object.keys(await one('_summary=text')))
      .to.include.members(['status', 'code'])
      .and.not.include('subject');
    expect(Object.keys(await one('_summary=true')))
      .to.include.members(['subject'])
      .and.not.include('note');
    expect(await one('_summary=false')).to.deep.equal(whole);
    expect(issuesOf(await server.get('/Observation?_elements=a,,b').expect(400))).to.deep.equal(['value _elements']);
    expect(issuesOf(await server.get('/Observation?_contained=true').expect(400))).to.deep.equal([
      'not-supported _contained',
    ]);
  });

  it('searches the records of one patient under her name', async () => {
    expect(await found(`Patient/${PATIENT_ID}/Observation?_count=10`)).to.deep.equal({ match: both });
    expect(await found('Patient/nobody/Observation')).to.deep.equal({});
    expect(await found(`Patient/${PATIENT_ID}/Observation?patient=nobody`)).to.deep.equal({});
    for (const path of [
      `/Patient/${PATIENT_ID}/Organization`,
      '/Observation/o-1/Observation',
      `/Patient/${PATIENT_ID}/Nothing`,
    ])
      await server.get(path).expect(404);
  });

  it('leaves the total out where nobody wants it', async () => {
    expect(bodyOf(await server.get('/Observation?_total=accurate').expect(200))['total']).to.equal(2);
  });
});
