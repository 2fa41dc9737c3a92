/** What the CapabilityStatement says is what the server does: every statement in it is tried. */
import { KINDS } from '@telemed-ledger/consortium/members.ts';
import { expect } from 'chai';
import manifest from '../../package.json' with { type: 'json' };
import { type Json, patient } from './fixtures/resources.ts';
import { bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';
import type { Operation, OperationRequest } from './operations.ts';
import { parameterOf, type SearchParameter } from './search-parameters.ts';
import { validateResource } from './validation/validation.ts';

const statementOf = async (server: Server): Promise<Json> => bodyOf(await server.get('/metadata').expect(200));
const codesOf = (resource: Json): string[] => resource['interaction'].map(({ code }: Json) => code);

const valueFor = (kind: string, parameter?: Pick<SearchParameter, 'components'>): string =>
  parameter?.components === undefined
    ? ({ date: '2026', number: '5', quantity: '5' }[kind] ?? 'x')
    : parameter.components.map(({ type }) => valueFor(type)).join('$');

describe('metadata', () => {
  it('is a sound CapabilityStatement of R4, and needs no caller', async () => {
    const server = serverOf('provider', {
      callerOf: () => {
        throw new Error('nobody is there');
      },
    });
    const statement = await statementOf(server);
    expect(statement['fhirVersion']).to.equal('4.0.1');
    expect(statement['software'].version).to.equal(manifest.version);
    expect(validateResource(statement).issues).to.deep.equal([]);
  });

  for (const kind of KINDS) {
    it(`states of a ${kind} exactly the interactions that work there`, async () => {
      const server = serverOf(kind);
      const { resource } = (await statementOf(server))['rest'][0];
      for (const stated of resource) {
        const { type } = stated;
        const created = await server.post(`/${type}`, { resourceType: type, bogus: 1 });
        const updated = await server.put(`/${type}/none`, { resourceType: type, id: 'none', bogus: 1 });
        const writes = [created.status, updated.status].map((status) => status !== 405);
        expect(writes, type).to.deep.equal(['create', 'update'].map((code) => codesOf(stated).includes(code)));
        for (const { name, type: kind } of stated.searchParam)
          await server.get(`/${type}?${name}=${valueFor(kind, parameterOf(type, name))}`).expect(200);
      }
    });
  }

  it('states the types of a provider, and what is not written over REST', async () => {
    const { resource } = (await statementOf(serverOf()))['rest'][0];
    const creates = new Map<string, boolean>(
      resource.map((one: Json) => [one['type'], codesOf(one).includes('create')]),
    );
    for (const type of ['Patient', 'Observation', 'ExplanationOfBenefit', 'Provenance'])
      expect(creates.get(type)).to.equal(true);
    for (const type of ['Consent', 'Coverage', 'ClaimResponse', 'AuditEvent'])
      expect(creates.get(type)).to.equal(false);
  });
});

describe('operations', () => {
  let asked: OperationRequest[];
  const operation = (name: string, level: 'type' | 'instance'): Operation => ({
    name,
    type: 'Claim',
    level,
    summary: 'An operation of a test.',
    definition: `https://telemed-ledger.example/fhir/OperationDefinition/${name}`,
    handle: async (received) => {
      asked.push(received);
      return { status: 200, resource: { resourceType: 'ClaimResponse', id: 'r' }, version: 1 };
    },
  });
  let server: Server;
  beforeEach(() => {
    asked = [];
    server = serverOf('provider', { operations: [operation('submit', 'type'), operation('adjudicate', 'instance')] });
  });

  it('that are mounted get the caller, the sound body, the id and the key', async () => {
    const response = await server.post('/Claim/$submit', patient()).set('Idempotency-Key', 'k').expect(200);
    expect([response.get('ETag'), bodyOf(response)['id']]).to.deep.equal(['W/"1"', 'r']);
    expect(asked[0]).to.deep.include({
      body: patient(),
      id: undefined,
      caller: { subject: 'test-client', role: 'system' },
    });
    expect(asked[0]!.idempotency).to.have.keys('key', 'requestHash');
    await server.post('/Claim/c-1/$adjudicate').expect(200);
    expect(asked[1]).to.deep.include({ body: undefined, id: 'c-1' });
    expect(issuesOf(await server.post('/Claim/$submit', { ...patient(), x: 1 }).expect(422))).to.deep.equal([
      'structure Patient.x',
    ]);
  });

  it('are stated, and no others: what is not mounted is 404, and GET is 405', async () => {
    const { resource } = (await statementOf(server))['rest'][0];
    const ofAll = ['meta', 'validate'];
    const ofPatched = ['meta-add', 'meta-delete'];
    const own = (one: Json): string[] =>
      one['operation'].map(({ name }: Json) => name).filter((name: string) => ![...ofAll, ...ofPatched].includes(name));
    for (const one of resource) {
      const names = one['operation'].map(({ name }: Json) => name);
      expect(names).to.include.members(ofAll);
      const isPatched = one['interaction'].some(({ code }: Json) => code === 'patch');
      for (const name of ofPatched) expect(names.includes(name), `${one['type']} ${name}`).to.equal(isPatched);
    }
    expect(
      resource.filter((one: Json) => own(one).length > 0).map((one: Json) => [one['type'], own(one)]),
    ).to.deep.equal([
      ['Claim', ['submit', 'adjudicate']],
      ['CodeSystem', ['validate-code', 'lookup']],
      ['DocumentReference', ['docref']],
      ['Group', ['export']],
      ['Patient', ['everything', 'summary', 'medications', 'export']],
      ['ValueSet', ['expand', 'validate-code']],
    ]);
    for (const path of ['/Claim/$other', '/Patient/$submit', '/Claim/c-1/$submit', '/$submit', '/Claim/$adjudicate']) {
      await server.post(path, patient()).expect(404);
    }
    await server.get('/Claim/$submit').expect(405);
    expect(asked).to.deep.equal([]);
  });
});

describe('methods', () => {
  const server = serverOf();
  const ALLOWED: [path: string, allow: string][] = [
    ['', 'POST, OPTIONS'],
    ['/metadata', 'GET, HEAD, OPTIONS'],
    ['/Patient', 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ['/Patient/1', 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ['/Patient/1/_history', 'GET, HEAD, OPTIONS'],
    ['/Patient/1/_history/1', 'GET, HEAD, OPTIONS'],
    ['/Patient/_search', 'GET, POST, HEAD, OPTIONS'],
  ];
  for (const [path, allow] of ALLOWED) {
    it(`of ${path === '' ? 'the base URL' : path} are told by OPTIONS and by 405`, async () => {
      const options = await request(server.app).options(`/fhir/R4${path}`).expect(204);
      expect(options.get('Allow')).to.equal(allow);
      for (const method of ['delete', 'patch'] as const) {
        if (allow.includes(method.toUpperCase())) continue;
        const response = await request(server.app)[method](`/fhir/R4${path}`).expect(405);
        expect([response.get('Allow'), issuesOf(response)]).to.deep.equal([allow, ['not-supported method']]);
      }
    });
  }
});
