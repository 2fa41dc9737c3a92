/** The history of a type and of all types, in pages. */
import { expect } from 'chai';
import { bundleOf, type Json, observation, patient, practitioner } from './fixtures/resources.ts';
import { BASE, bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';

describe('history of many', () => {
  let server: Server;
  let id: string;
  beforeEach(async () => {
    server = serverOf();
    server.repository.seed(patient());
    id = (await server.post('/Observation', observation()).expect(201)).body.id;
    await server.post('/Practitioner', practitioner()).expect(201);
    await server.put(`/Observation/${id}`, { ...observation(), id }).expect(200);
    await request(server.app).delete(`${BASE}/Observation/${id}`).expect(204);
  });
  const told = (body: Json): string[] =>
    (body['entry'] ?? []).map(({ request: asked }: Json) => `${asked.method} ${asked.url}`);
  const pages = async (path: string): Promise<string[][]> => {
    const found: string[][] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const body: Json = bodyOf(await server.get(next).expect(200));
      found.push(told(body));
      next = body['link'].find(({ relation }: Json) => relation === 'next')?.url.split(BASE)[1];
    }
    return found;
  };

  it('has every version of every record, the last first', async () => {
    const observations = [`DELETE Observation/${id}`, `PUT Observation/${id}`, 'POST Observation'];
    const body = bodyOf(await server.get('/Observation/_history').expect(200));
    expect([body['type'], told(body)]).to.deep.equal(['history', observations]);
    expect(body['entry'][0]).to.not.have.property('resource');
    expect(body['entry'][1].resource.meta.versionId).to.equal('2');
    const [deletion, update, create] = observations;
    const all = [deletion, update, 'POST Practitioner', create, 'POST Patient'];
    expect(told(bodyOf(await server.get('/_history').expect(200)))).to.deep.equal(all);
    expect(await pages('/_history?_count=2')).to.deep.equal([all.slice(0, 2), all.slice(2, 4), all.slice(4)]);
    const inBatch = ['_history', 'Observation/_history'].map((url) => ({ request: { method: 'GET', url } }));
    const { entry } = bodyOf(await server.post('/', bundleOf('batch', inBatch)).expect(200));
    expect(entry.map(({ resource }: Json) => told(resource))).to.deep.equal([all, observations]);
  });

  it('begins with _since, and keeps it in its links', async () => {
    const { entry } = bodyOf(await server.get('/_history').expect(200));
    const since = entry[2].response.lastModified;
    expect((await pages(`/_history?_since=${since}&_count=1`)).flat()).to.have.length(3);
    expect(told(bodyOf(await server.get('/_history?_since=2035-01-01T00:00:00Z').expect(200)))).to.deep.equal([]);
  });

  it('has at a time what stood then, and keeps it in its links', async () => {
    const [deletion, update, create] = bodyOf(await server.get('/Observation/_history').expect(200))['entry'];
    const at = async (path: string, time: string) => (await pages(`${path}/_history?_at=${time}&_count=1`)).flat();
    const made = ({ response }: Json): string => response.lastModified;
    expect(await at('/Observation', made(create))).to.deep.equal(['POST Observation']);
    expect(await at('/Observation', made(update))).to.deep.equal([`PUT Observation/${id}`]);
    expect(await at('/Observation', '2099')).to.deep.equal([`DELETE Observation/${id}`]);
    expect(await at(`/Observation/${id}`, made(deletion))).to.deep.equal([`DELETE Observation/${id}`]);
    expect(await at('', '2000-01-01')).to.deep.equal([]);
  });

  it('refuses what it does not know', async () => {
    for (const [query, issue] of [
      ['_since=x', 'value _since'],
      ['_count=x', 'value _count'],
      ['_page=x', 'value _page'],
      ['_at=x', 'value _at'],
      ['name=x', 'not-supported name'],
    ] as const)
      for (const path of ['/_history', '/Observation/_history'])
        expect(issuesOf(await server.get(`${path}?${query}`).expect(400)), query).to.deep.equal([issue]);
    await server.get('/Spaceship/_history').expect(404);
    await server.get('/AuditEvent/_history').expect(404);
    await server.post('/_history', patient()).expect(405);
  });
});
