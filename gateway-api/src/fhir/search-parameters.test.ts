/** A row of the table is the whole of a search parameter: one that a test adds is read, stored, searched and stated. */
import { expect } from 'chai';
import { onEachDatabase } from '../index/databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../index/index.fixture.ts';
import { type Json, observation } from './fixtures/resources.ts';
import { bodyOf, issuesOf, serverOf } from './fixtures/server.ts';
import { searchTermsOf } from './search/extraction.ts';
import { parametersOf, SEARCH_PARAMETERS, type SearchParameter } from './search-parameters.ts';
import { supportedTypes } from './types.ts';

const table = SEARCH_PARAMETERS as SearchParameter[];
const ADDED: SearchParameter[] = [
  {
    name: 'x-code',
    type: 'token',
    types: ['Observation'],
    column: 'search_values',
    paths: ['bodySite:CodeableConcept'],
  },
  { name: 'x-status', type: 'token', types: { element: 'status' }, column: 'search_values', paths: ['status:code'] },
  {
    ...{ name: 'x-performer', type: 'reference', types: ['Observation'], column: 'search_values' },
    ...{ paths: ['note.authorReference:Reference'], targets: ['Practitioner'] },
  },
  {
    ...{ name: 'x-component', type: 'token', types: ['Observation'], column: 'search_values' },
    paths: ['component.interpretation:CodeableConcept'],
  },
];
const LOINC = 'http://loinc.org';
const { id: _id, ...plain } = observation();
const measured = (code: string, more: object = {}) => ({
  ...plain,
  status: 'final',
  bodySite: { coding: [{ system: LOINC, code }, { code: 'local' }] },
  ...more,
});
const written = (...authors: object[]) => ({
  note: authors.map((authorReference) => ({ authorReference, text: 'x' })),
});

describe('A search parameter', () => {
  it('is in one table with unique names, and stored ones say what they are extracted from', () => {
    const names = SEARCH_PARAMETERS.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name, column, paths, type, targets } of SEARCH_PARAMETERS) {
      expect(paths !== undefined, name).to.equal(column === 'search_values');
      expect(targets !== undefined, name).to.equal(type === 'reference');
    }
  });

  it('of R4 is there for every type that is served, and for no name twice', () => {
    for (const { name } of supportedTypes) {
      const names = parametersOf(name).map((parameter) => parameter.name);
      expect(new Set(names).size, name).to.equal(names.length);
      for (const each of ['_id', '_lastUpdated']) expect(names, name).to.include(each);
      if (name !== 'AuditEvent') expect(names, name).to.include.members(['_tag', '_profile', '_security', '_source']);
    }
    const named = (type: string) => parametersOf(type).map((parameter) => parameter.name);
    expect(named('Observation')).to.include.members([
      'code',
      'date',
      'value-quantity',
      'component-code-value-quantity',
    ]);
    expect(named('Patient')).to.include.members(['family', 'birthdate', 'address-city', 'general-practitioner']);
  });

  it('that is a string compares without case, accents and white space, from the beginning of any part of a name', async () => {
    const server = serverOf();
    const name = [{ family: 'Müller-Lüdenscheidt', given: ['Ana  María', 'Zoë'], prefix: ['Dr.'] }];
    server.repository.seed({ resourceType: 'Practitioner', id: 'a', name } as never);
    server.repository.seed({ resourceType: 'Practitioner', id: 'b', name: [{ text: 'Zorro' }] } as never);
    const found = async (text: string) =>
      (bodyOf(await server.get(`/Practitioner?name=${encodeURIComponent(text)}`).expect(200))['entry'] ?? []).map(
        (one: Json) => one['resource'].id,
      );
    for (const text of ['muller', 'MÜLLER-L', 'ana maria', 'ZOE', 'dr.'])
      expect(await found(text), text).to.deep.equal(['a']);
    expect(await found('zo')).to.deep.equal(['a', 'b']);
    for (const text of ['uller', 'maria', 'x', 'muller,zor'.split(',')[0]!.slice(1)])
      expect(await found(text), text).to.deep.equal([]);
    expect(await found('muller,zorro')).to.deep.equal(['a', 'b']);
    expect(issuesOf(await server.get('/Practitioner?name=').expect(400))).to.deep.equal(['value name']);
  });

  describe('that is added as a row', () => {
    before(() => table.push(...ADDED));
    after(() => table.splice(-ADDED.length));

    it('is extracted by its path, each value once', () => {
      const resource = {
        id: 'o',
        ...measured('1', {
          ...written({ reference: 'Practitioner/p/_history/2' }, { reference: 'Practitioner/p' }, { display: 'x' }),
          component: [
            { interpretation: [{ coding: [{ system: LOINC, code: 'a' }] }] },
            { interpretation: [{ text: 'no code' }] },
          ],
        }),
      };
      expect(
        searchTermsOf(resource as never)
          .filter(({ parameter }) => /^x-[a-z]+$/.test(parameter))
          .map(({ parameter, system, value }) => [parameter, system, value]),
      ).to.deep.equal([
        ['x-code', LOINC, '1'],
        ['x-code', '', 'local'],
        ['x-status', '', 'final'],
        ['x-performer', '', 'Practitioner/p'],
        ['x-component', LOINC, 'a'],
      ]);
    });

    it('is taken in a query and stated in the CapabilityStatement', async () => {
      const server = serverOf();
      const [first, second] = [measured('1'), measured('2', written({ reference: 'Practitioner/p' }))];
      for (const [id, one] of Object.entries({ first, second })) server.repository.seed({ ...one, id } as never);
      const idsOf = async (query: string) =>
        (bodyOf(await server.get(`/Observation?${query}`).expect(200))['entry'] ?? []).map(
          (one: Json) => one['resource'].id,
        );
      expect(await idsOf(`x-code=${LOINC}|1`)).to.deep.equal(['first']);
      expect(await idsOf('x-code=local&x-status=final')).to.deep.equal(['first', 'second']);
      expect(await idsOf('x-performer=p')).to.deep.equal(['second']);
      expect(await idsOf('x-performer:Practitioner=Practitioner/p')).to.deep.equal(['second']);
      expect(await idsOf('x-performer=Organization/p')).to.deep.equal([]);
      expect(issuesOf(await server.get('/Observation?x-code=a|b|c').expect(400))).to.deep.equal(['value x-code']);
      expect(issuesOf(await server.get('/Patient?x-code=1').expect(400))).to.deep.equal(['not-supported x-code']);
      const { resource } = bodyOf(await server.get('/metadata').expect(200))['rest'][0];
      const stated = resource.find((one: Json) => one['type'] === 'Observation').searchParam;
      expect(stated)
        .to.deep.include({ name: 'x-code', type: 'token' })
        .and.to.deep.include({ name: 'x-performer', type: 'reference' });
    });
  });
});

onEachDatabase('A search parameter that is added as a row', (kind) => {
  let fixture: FixtureIndex;
  before(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    await fixture.block({ privateWrites: recordWrites('Observation', measured('0')) });
  });
  after(() => fixture.close());

  it('has the read model filled again, and is searched', async () => {
    expect(await fixture.projector.checkpoint()).to.not.equal(undefined);
    await fixture.reopen();
    expect(await fixture.projector.checkpoint(), 'nothing has changed').to.not.equal(undefined);
    table.push(...ADDED);
    try {
      await fixture.reopen();
      expect(await fixture.projector.checkpoint(), 'made anew').to.equal(undefined);
    } finally {
      table.splice(-ADDED.length);
    }
  });

  it('finds what it extracts', async () => {
    table.push(...ADDED);
    const own = await FixtureIndex.open('hospital', kind);
    try {
      const writes = ['1', '2'].map((code) => recordWrites('Observation', measured(code)));
      await own.block({ privateWrites: writes.flat() });
      const idsOf = async (parameter: string, token: { system?: string; value: string }) => {
        const search = { type: 'Observation', values: [{ parameter, anyOf: [token] }], count: 10 };
        return (await own.index.search(search)).matches.map(({ resource }) => resource.id);
      };
      expect(await idsOf('x-code', { system: LOINC, value: '2' })).to.deep.equal([writes[1]?.id]);
      expect(await idsOf('x-code', { value: 'local' })).to.deep.equal(writes.map(({ id }) => id));
      expect(await idsOf('x-code', { system: LOINC, value: 'local' })).to.deep.equal([]);
      expect(await idsOf('x-status', { value: '2' })).to.deep.equal([]);
      expect(await idsOf('x-status', { value: 'final' })).to.have.length(2);
    } finally {
      await own.close();
      table.splice(-ADDED.length);
    }
  });
});
