/** Answers of a bounded size, in pages that together are everything, once. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { SearchPage } from '../../fhir/repository.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../index.fixture.ts';

const MIB = 1024 * 1024;

onEachDatabase('Long answers', (kind) => {
  let fixture: FixtureIndex;
  beforeEach(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
  });
  afterEach(() => fixture.close());

  const search = (count: number, after?: string, more: object = {}): Promise<SearchPage> =>
    fixture.index.search({ type: 'Observation', count, ...(after && { after }), ...more });
  /** Ids of every page, and the total that each told. */
  const pages = async (count: number, more: object = {}) => {
    const found: string[][] = [];
    const totals: (number | undefined)[] = [];
    let after: string | undefined;
    do {
      const page = await search(count, after, more);
      found.push(page.matches.map(({ resource }) => resource.id));
      totals.push(page.total);
      after = page.next;
    } while (after !== undefined);
    return { found, totals };
  };

  it('of a search come in pages of any size', async () => {
    const writes = Array.from({ length: 9 }, () => recordWrites('Observation', {}));
    for (const write of writes) await fixture.block({ privateWrites: write });
    const ids = writes.map(({ id }) => id);
    for (const count of [1, 3, 4, 5, 8, 9, 10, 100]) {
      const { found, totals } = await pages(count);
      expect(found.flat(), `${count}`).to.deep.equal(ids);
      expect(found.length).to.equal(Math.ceil(9 / count));
      expect(new Set(totals)).to.deep.equal(new Set([9]));
    }
    const some = { ids: ids.slice(2, 8) };
    expect((await pages(4, some)).found).to.deep.equal([ids.slice(2, 6), ids.slice(6, 8)]);
    expect((await search(1, undefined, { isTotalAlone: true })).total).to.equal(9);
  });

  it('of a search end early where they would be too large', async () => {
    const text = 'x'.repeat(3 * MIB);
    const writes = Array.from({ length: 7 }, (_, index) =>
      recordWrites('Observation', { note: [{ text: index === 3 ? text + text + text : text }] }),
    );
    for (const write of writes) await fixture.block({ privateWrites: write });
    const { found } = await pages(100);
    expect(found.map((page) => page.length)).to.deep.equal([2, 1, 1, 2, 1]);
    expect(found.flat()).to.deep.equal(writes.map(({ id }) => id));
  });

  it('of a history come in pages, newest first, with the total of all', async () => {
    const id = randomUUID();
    for (let version = 1; version <= 12; version += 1) {
      await fixture.block({ privateWrites: recordWrites('Observation', { id, version }) });
    }
    for (const count of [1, 5, 12, 100]) {
      const versions: number[] = [];
      let before: number | undefined;
      do {
        const page = await fixture.index.versions('Observation', id, { count, before });
        expect(page.total).to.equal(12);
        versions.push(...page.versions.map(({ version }) => version));
        before = page.next;
      } while (before !== undefined);
      expect(versions, `${count}`).to.deep.equal(Array.from({ length: 12 }, (_, index) => 12 - index));
    }
    expect((await fixture.index.newest('Observation', id))?.version).to.equal(12);
    for (const version of [1, 6, 12]) {
      expect((await fixture.index.version('Observation', id, version))?.version).to.equal(version);
    }
    expect(await fixture.index.version('Observation', id, 13)).to.equal(undefined);
  });

  it('of a history end early where they would be too large', async () => {
    const id = randomUUID();
    const note = [{ text: 'x'.repeat(3 * MIB) }];
    for (let version = 1; version <= 6; version += 1) {
      await fixture.block({ privateWrites: recordWrites('Observation', { id, version, note }) });
    }
    const first = await fixture.index.versions('Observation', id);
    expect(first.versions.map(({ version }) => version)).to.deep.equal([6, 5]);
    const second = await fixture.index.versions('Observation', id, { before: first.next });
    expect(second.versions.map(({ version }) => version)).to.deep.equal([4, 3]);
  });

  if (kind.name === 'SQLite') {
    it('of a search have a total that is counted to its end only where nothing else is asked for', async () => {
      const privateWrites = recordWrites('Observation', {});
      await fixture.block({ privateWrites });
      const row = await fixture.stores.writing.selectFrom('versions').selectAll().executeTakeFirstOrThrow();
      const rows = Array.from({ length: 10_500 }, (_, index) => ({
        ...row,
        id: `${privateWrites.id}${index}`,
        sequence: row.sequence + 1 + index,
      }));
      for (let start = 0; start < rows.length; start += 500) {
        await fixture.stores.writing
          .insertInto('versions')
          .values(rows.slice(start, start + 500))
          .execute();
      }
      expect((await search(1)).total).to.equal(undefined);
      expect((await search(1, undefined, { isTotalAlone: true })).total).to.equal(10_501);
    });
  }
});
