/** The log of reads: what it keeps, in what order, how it goes through many at once, and what of its rows is noticed. */
import { expect } from 'chai';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { FixtureIndex } from '../../index/index.fixture.ts';
import type { Difference } from '../../index/verification/report.ts';
import { aboutOf, ReadLog } from './read-log.ts';

const DOCTOR = { subject: 'd1', role: 'practitioner', fhirUser: 'Practitioner/d1' } as const;
const DAY_MS = 86_400_000;

onEachDatabase('The log of reads', (kind) => {
  let fixture: FixtureIndex;
  let log: ReadLog;
  let now: number;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    now = Date.parse('2026-03-01T10:00:00.000Z');
    log = opened();
  });
  afterEach(() => fixture?.close());

  const opened = () => {
    const { journal, journalLazily } = fixture.stores;
    return new ReadLog(journal, journalLazily, { keptMs: DAY_MS, now: () => now });
  };
  const note = (patient: string, ...records: string[]) =>
    log.note(DOCTOR, {
      ...{ interaction: 'search', type: 'Observation' },
      about: aboutOf(
        'shown',
        records.map((id) => ({ patient, id })),
      ),
    });
  const idsOf = async (patient: string, page: { count: number; before?: number } = { count: 100 }) =>
    (await log.page({ patient }, page)).map(({ records }) => records);
  const placesOf = (found: Difference[]) => found.map((one) => `${one.kind} ${one.place}`);
  const journal = () => fixture.stores.journal;

  it('is of each patient, newest first, in pages', async () => {
    for (const id of ['a', 'b', 'c']) await Promise.all([note('one', id), note('other', `${id}-other`)]);
    expect(await idsOf('one')).to.deep.equal(['["c"]', '["b"]', '["a"]']);
    const first = await log.page({ patient: 'one' }, { count: 2 });
    expect(await idsOf('one', { count: 2, before: Number(first.at(-1)!.sequence) })).to.deep.equal(['["a"]']);
    expect(await log.page({}, { count: 100 })).to.have.length(6);
  });

  it('has all that came at once, in one chain, through a restart', async () => {
    await Promise.all(Array.from({ length: 333 }, (_, index) => note('one', `${index}`)));
    log = opened();
    await note('one', 'later');
    expect(new Set(await idsOf('one', { count: 500 })).size).to.equal(334);
    const sequences = (await log.page({}, { count: 500 })).map(({ sequence }) => Number(sequence));
    expect(sequences).to.deep.equal(Array.from({ length: 334 }, (_, index) => 334 - index));
    expect(await log.differences()).to.deep.equal([]);
  });

  it('says how many rows wait and since when, and hands them out as far as they fit', async () => {
    const sequencesOf = async (after: number, length: number) =>
      (await log.next(after, { rows: 4, length })).map(({ sequence }) => Number(sequence));
    expect(await log.waiting(0)).to.deep.equal({ rows: 0, since: undefined });
    expect(await sequencesOf(0, 1)).to.deep.equal([]);
    for (let index = 1; index <= 6; index += 1) await note('one', 'r'.repeat(index === 2 ? 5_000 : 10));
    expect(await sequencesOf(0, 4_000)).to.deep.equal([1]);
    expect(await sequencesOf(1, 4_000)).to.deep.equal([2]);
    expect(await sequencesOf(1, 100_000)).to.deep.equal([2, 3, 4, 5]);
    expect(await sequencesOf(2, 1)).to.deep.equal([3]);
    expect(await sequencesOf(2, 100_000)).to.deep.equal([3, 4, 5, 6]);
    const since = new Date(now).toISOString();
    expect(await log.waiting(4)).to.deep.equal({ rows: 2, since });
    log = opened();
    expect(await log.waiting(0)).to.deep.equal({ rows: 6, since });
    expect(await log.waiting(6)).to.deep.equal({ rows: 0, since: undefined });
  });

  it('names each row that was changed, removed or put in between', async () => {
    for (let index = 1; index <= 9; index += 1) await note('one', `${index}`);
    await journal().updateTable('reads').set({ patient: 'other' }).where('sequence', '=', 2).execute();
    await journal().deleteFrom('reads').where('sequence', 'in', [4, 5]).execute();
    await journal().updateTable('reads').set({ hash: '' }).where('sequence', '=', 8).execute();
    expect(placesOf(await log.differences()).slice(0, 3)).to.deep.equal([
      ...['changed reads 2', 'absent reads 4 to 5', 'changed reads 8'],
    ]);
    await journal().deleteFrom('reads').where('sequence', '=', 9).execute();
    expect(placesOf(await log.differences())).to.include('absent reads 9');
  });

  it('names a row that was put in front, and the first that was removed', async () => {
    for (let index = 1; index <= 3; index += 1) await note('one', `${index}`);
    const [row] = await journal().selectFrom('reads').selectAll().where('sequence', '=', 1).execute();
    await journal().deleteFrom('reads').where('sequence', '=', 1).execute();
    expect(placesOf(await log.differences())).to.deep.equal(['absent reads 1']);
    await journal()
      .insertInto('reads')
      .values({ ...row!, sequence: 0 })
      .execute();
    await journal().insertInto('reads').values(row!).execute();
    expect(placesOf(await log.differences())).to.deep.equal(['additional reads 0']);
  });

  it('forgets what is older than it is kept, and the chain goes on', async () => {
    for (let index = 1; index <= 4; index += 1) await note('one', `${index}`);
    expect(await log.completeSince()).to.equal(undefined);
    const before = new Date(now).toISOString();
    now += 2 * DAY_MS;
    await note('one', 'new');
    expect(await log.completeSince()).to.equal(before);
    expect(await idsOf('one')).to.deep.equal(['["new"]']);
    const left = await journal().selectFrom('reads').selectAll().orderBy('sequence').execute();
    expect(left[0]).to.include({ outcome: 'pruned', subject: '', patient: null, records: '[]' });
    expect(left).to.have.length(2);
    expect(await log.differences()).to.deep.equal([]);
    await journal().updateTable('reads').set({ subject: 'another' }).where('sequence', '=', 5).execute();
    expect(placesOf(await log.differences())).to.deep.equal(['changed reads 5']);
  });
});
