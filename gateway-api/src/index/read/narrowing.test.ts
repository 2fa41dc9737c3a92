/** Searches among one patient's records: what they find, and by which indexes. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Search } from '../../fhir/repository.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { anchored, FixtureIndex, recordWrites, sheetWrites } from '../index.fixture.ts';
import { plansOf } from '../query-plans.fixture.ts';

const SYSTEM = 'urn:example:codes';
const RARE = 3;
/** More than are gathered beforehand. */
const COMMON = 300;

onEachDatabase('Searches of one patient’s records by a value', (kind) => {
  let fixture: FixtureIndex;
  const [own, other] = [randomUUID(), randomUUID()];

  const observation = (patient: string, code: string, more: object = {}) =>
    anchored('Observation', {
      ...{ subject: { reference: `Patient/${patient}` }, status: 'final' },
      ...{ code: { coding: [{ system: SYSTEM, code }] }, ...more },
    });

  before(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    for (const patient of [own, other]) {
      const rare = Array.from({ length: RARE }, () => observation(patient, 'rare'));
      const common = Array.from({ length: COMMON }, () => observation(patient, 'common'));
      await fixture.block({ privateWrites: sheetWrites([...rare, ...common]) });
    }
    await fixture.block({ privateWrites: recordWrites('Observation', { code: { coding: [{ code: 'rare' }] } }) });
  });
  after(() => fixture.close());

  const search = (values: Search['values'], more: Partial<Search> = {}): Search => ({
    ...{ type: 'Observation', count: 500, patients: [own], ...(values && { values }) },
    ...more,
  });
  const by = (...anyOf: { system?: string; value?: string }[]) => [{ parameter: 'code', anyOf }];
  /** Ids, and what was said of how many. */
  const found = async (wanted: Search, view = {}) => {
    const { matches, total } = await fixture.index.search(wanted, view);
    return { ids: matches.map(({ resource }) => resource.id), total };
  };

  it('find hers alone, with whatever system the value has', async () => {
    for (const anyOf of [{ value: 'rare' }, { system: SYSTEM, value: 'rare' }])
      expect(await found(search(by(anyOf)))).to.have.property('total', RARE);
    expect((await found(search(by({ system: 'urn:example:others', value: 'rare' })))).ids).to.deep.equal([]);
    expect((await found(search(by({ value: 'nothing' })))).ids).to.deep.equal([]);
    expect((await found(search(by({ value: 'nothing' }, { value: 'rare' })))).ids).to.have.length(RARE);
    expect((await found(search(by({ value: 'rare' }), { patients: [own, other] }))).ids).to.have.length(2 * RARE);
    const compartment = { type: 'Observation', count: 10, values: by({ value: 'rare' }) };
    expect((await found(compartment, { compartment: own })).ids).to.have.length(RARE);
  });

  it('find as much where many have the value, in pages that together are everything', async () => {
    const wanted = search(by({ value: 'common' }), { count: 120 });
    const first = await fixture.index.search(wanted);
    const second = await fixture.index.search({ ...wanted, after: first.next! });
    const third = await fixture.index.search({ ...wanted, after: second.next! });
    const all = [first, second, third].flatMap(({ matches }) => matches.map(({ resource }) => resource.id));
    expect(new Set(all).size).to.equal(COMMON);
    expect([first.total, third.next]).to.deep.equal([COMMON, undefined]);
    const both = [...by({ value: 'common' }), { parameter: 'status', anyOf: [{ value: 'final' }] }];
    expect((await found(search(both))).ids).to.deep.equal(all);
  });

  it('find the same in pages of any size, and backwards', async () => {
    const { ids } = await found(search(by({ value: 'rare' })));
    const wanted = search(by({ value: 'rare' }), { count: 1 });
    const first = await fixture.index.search(wanted);
    const second = await fixture.index.search({ ...wanted, after: first.next! });
    const back = await fixture.index.search({ ...wanted, before: second.previous! });
    const shown = [first, second, back].map(({ matches: [only] }) => only?.resource.id);
    expect(shown).to.deep.equal([ids[0], ids[1], ids[0]]);
  });

  it('do not find what has the value no more, nor what is somebody else’s by now', async () => {
    const { id } = anchored('Observation', {});
    const versions = [observation(own, 'changing', { id }), observation(own, 'changed', { id, version: 2 })];
    const moved = observation(other, 'changed', { id, version: 3 });
    const at = async () => [
      (await found(search(by({ value: 'changing' })))).ids,
      (await found(search(by({ value: 'changed' })))).ids,
      (await found(search(by({ value: 'changed' }), { patients: [other] }))).ids,
    ];
    const seen: string[][][] = [];
    for (const version of [...versions, moved]) {
      await fixture.block({ privateWrites: sheetWrites([version]) });
      seen.push(await at());
    }
    expect(seen).to.deep.equal([
      [[id], [], []],
      [[], [id], []],
      [[], [], [id]],
    ]);
  });

  it('look at none but the rows that have it', async function () {
    if (fixture.isPostgres) this.skip();
    // What is prepared already is not prepared again.
    await fixture.reopen();
    const wanted = search(by({ system: SYSTEM, value: 'rare' }));
    const plans = await plansOf(fixture, async () => void (await fixture.index.search(wanted)));
    const steps = plans.filter(({ text }) => /from (?:search_values|"versions")/.test(text)).map((one) => one.steps);
    expect(steps.flat().filter((step) => /^SCAN/.test(step))).to.deep.equal([]);
    expect(steps[0]?.join()).to.include(
      'SEARCH term USING PRIMARY KEY (type=? AND value=? AND parameter=? AND patient=?',
    );
    expect(steps[1]?.[0]).to.match(/^SEARCH versions USING INDEX versions_by_id \(id=\? AND type=\?/);
  });

  it('are counted without a row being read, where all of a type are asked for', async function () {
    if (fixture.isPostgres) this.skip();
    // What is prepared already is not prepared again.
    await fixture.reopen();
    const plans = await plansOf(fixture, async () => {
      await fixture.index.search({ type: 'Observation', count: 1 });
    });
    const counting = plans.find(({ text }) => text.includes('count(*)'));
    expect(counting?.steps.join()).to.include('USING COVERING INDEX versions_by_type (type=?)');
  });
});
