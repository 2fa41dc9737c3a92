/** Searches by what is in a value set that was recorded here, and by what is not. */
import { expect } from 'chai';
import { type Json, observation, patient } from '../fixtures/resources.ts';
import { bodyOf, issuesOf, type Server, serverOf } from '../fixtures/server.ts';
import type { Search } from '../repository.ts';

const LOINC = 'http://loinc.org';
const SET = 'urn:oid:2.999.7';

describe('A search by a value set', () => {
  let server: Server;
  const ids = new Map<string, string>();
  before(async () => {
    server = serverOf();
    server.repository.seed(patient());
    for (const code of ['8480-6', '8462-4', 'odd|one,of$them']) {
      const resource = { ...observation(), code: { coding: [{ system: LOINC, code }] } };
      ids.set(code, (await server.post('/Observation', resource).expect(201)).body.id);
    }
    await recorded(SET, [{ system: LOINC, concept: [{ code: '8480-6' }, { code: 'odd|one,of$them' }] }]);
    await recorded(`${SET}.1`, [{ valueSet: [SET] }, { system: LOINC, concept: [{ code: '8462-4' }] }]);
    await recorded(`${SET}.2`, [{ system: 'http://snomed.info/sct' }]);
    await recorded(`${SET}.3`, [
      { system: LOINC, concept: Array.from({ length: 401 }, (_, code) => ({ code: `c${code}` })) },
    ]);
  });
  const recorded = (url: string, include: object[]) =>
    server.post('/ValueSet', { resourceType: 'ValueSet', status: 'active', url, compose: { include } }).expect(201);
  const found = async (query: string): Promise<(string | undefined)[]> => {
    const { entry = [] } = bodyOf(await server.get(`/Observation?${query}`).expect(200));
    return entry.map(({ resource }: Json) => [...ids].find(([, id]) => id === resource.id)?.[0]);
  };

  it('finds what has one of its codes, or none of them', async () => {
    expect(await found(`code:in=${SET}`)).to.have.members(['8480-6', 'odd|one,of$them']);
    expect(await found(`code:not-in=${SET}`)).to.have.members(['8462-4']);
    expect(await found(`code:in=${SET}.1`)).to.have.members([...ids.keys()]);
    expect(await found(`code:in=${SET}&code=8480-6`)).to.have.members(['8480-6']);
  });

  it('asks of what is referred to, and of what refers to it, by codes alone', async () => {
    const { search } = server.repository;
    const asked: Search[] = [];
    server.repository.search = (caller, wanted) => {
      asked.push(wanted);
      return search.call(server.repository, caller, wanted);
    };
    const codes = ['8480-6', 'odd|one,of$them'].map((value) => ({ system: LOINC, value }));
    await server.get(`/DiagnosticReport?result.code:not-in=${SET}`).expect(200);
    await server.get(`/Patient?_has:Observation:patient:code:in=${SET}`).expect(200);
    server.repository.search = search;
    const [chained, referring] = ['DiagnosticReport', 'Patient'].map((type) => asked.find((one) => one.type === type));
    expect(chained?.chains?.[0]?.anyOf[0]?.values).to.deep.equal([{ parameter: 'code', anyOf: codes, isNot: true }]);
    expect(referring?.reverse?.[0]?.of.values).to.deep.equal([{ parameter: 'code', anyOf: codes }]);
  });

  it('says in its link what was asked, and comes in pages', async () => {
    const { link } = bodyOf(await server.get(`/Observation?code:in=${SET}&_count=1`).expect(200));
    const url = (relation: string): string => link.find((one: Json) => one['relation'] === relation).url;
    expect(new URL(url('self')).searchParams.get('code:in')).to.equal(SET);
    const next = bodyOf(await server.get(url('next').split('/fhir/R4')[1]!).expect(200));
    expect(next['entry']).to.have.length(1);
  });

  it('names what is not known here, not as a list, or too long, and modifiers of what is no token', async () => {
    for (const [query, issue] of [
      ['code:in=urn:unknown', 'not-found code:in'],
      [`code:in=${SET}.2`, 'not-found code:in'],
      [`code:in=${SET}.3`, 'too-costly code:in'],
      [`subject:in=${SET}`, 'not-supported subject:in'],
      [`subject:Patient.name:in=${SET}`, 'not-supported name:in'],
      [`subject:Patient.gender:in=urn:unknown`, 'not-found subject:Patient.gender:in'],
      [`subject.nothing:in=${SET}`, 'not-supported subject.nothing:in'],
    ] as const)
      expect(issuesOf(await server.get(`/Observation?${query}`).expect(400)), query).to.deep.equal([issue]);
  });
});
