/** The keys of what was ordered and refused: noted by whoever has them purged, and forgotten when nothing under them is left to purge. */
import { randomUUID } from 'node:crypto';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collectionsOf, keeperOf } from '@telemed-ledger/consortium/collections.ts';
import { expect } from 'chai';
import type { FixtureWrite } from '../../ledger/block.fixture.ts';
import { onEachDatabase } from '../databases.fixture.ts';
import { consortium, FixtureIndex } from '../index.fixture.ts';

const MVCC_READ_CONFLICT = 11;
const POLICY_FAILURE = 10;

onEachDatabase('What was refused', function (kind) {
  this.timeout(60_000);
  let fixture: FixtureIndex;
  beforeEach(() => open('patients'));
  afterEach(() => fixture.close());

  async function open(organisation: string): Promise<void> {
    await fixture?.close();
    fixture = await FixtureIndex.open(organisation, kind);
  }
  const write = (key: string, collection = 'care_hospital'): FixtureWrite => ({ collection, key, value: '{}' });
  const purge = ({ collection, key }: FixtureWrite): FixtureWrite => ({ collection, key, purge: true });
  const commit = async (code: number, ...privateWrites: FixtureWrite[]): Promise<void> =>
    void (await fixture.block({ code, privateWrites }));
  const refuse = (...writes: FixtureWrite[]) => commit(MVCC_READ_CONFLICT, ...writes);
  const noted = async (): Promise<string[]> =>
    (await fixture.index.erasures.refused.page({ count: 100 })).map(
      ({ collection, key, isStanding }) => `${collection} ${key}${isStanding ? ', taken' : ''}`,
    );
  const content = (generation: number) => write(privateKeys.content(randomUUID(), generation));
  const nameOf = ({ collection, key }: FixtureWrite): string => `${collection} ${key}`;

  it('is noted by its plain keys, whatever it was refused for, until they are purged', async () => {
    const [one, other] = [content(0), write('sheet/one')];
    await refuse(one);
    await commit(POLICY_FAILURE, other);
    expect(await noted()).to.have.members([nameOf(one), nameOf(other)]);
    await commit(0, purge(one), write('sheet/two'));
    expect(await noted()).to.deep.equal([nameOf(other)]);
    await commit(0, purge(other));
    expect(await noted()).to.deep.equal([]);
    await refuse(other);
    expect(await noted()).to.deep.equal([nameOf(other)]);
  });

  it('is noted again by a process that was started since, and by a read model that is made anew', async () => {
    await refuse(content(0));
    const before = await noted();
    await fixture.reopen();
    await commit(0, write('sheet/two'));
    expect(await noted()).to.deep.equal(before);
  });

  it('is not noted where a purge in the same block comes behind it, and is where it comes before', async () => {
    const one = content(0);
    const refused = { code: MVCC_READ_CONFLICT, privateWrites: [one] };
    const purged = { privateWrites: [purge(one)] };
    await fixture.block(refused, purged);
    expect(await noted()).to.deep.equal([]);
    await fixture.block(purged, refused);
    expect(await noted()).to.deep.equal([nameOf(one)]);
  });

  it('is no matter of its own where a try under the same key was taken, before or after', async () => {
    const [one, other] = [content(0), content(0)];
    await refuse(one, other);
    await commit(0, one);
    expect(await noted()).to.deep.equal([nameOf(other)]);
    await refuse(one);
    expect(await noted()).to.deep.equal([nameOf(other)]);
  });

  it('is one where the tries may hold different records: what an erasure leaves, and a delivery', async () => {
    for (const one of [content(1), write(privateKeys.copies(randomUUID()), 'inbox_clinic')]) {
      await refuse(one);
      expect(await noted()).to.deep.equal([nameOf(one)]);
      await commit(0, one);
      expect(await noted()).to.deep.equal([`${nameOf(one)}, taken`]);
      await commit(0, purge(one));
      expect(await noted()).to.deep.equal([]);
    }
  });

  it('that cannot be named to the ledger is passed over, and so is what was not delivered', async () => {
    await refuse(write('two\nlines'), write('x'.repeat(600)), write('nul\0'), { ...content(0), delivered: false });
    await refuse(purge(content(0)));
    expect(await noted()).to.deep.equal([]);
  });

  for (const { name: collection, members } of collectionsOf(consortium))
    it(`in ${collection} is noted by one of its members`, async () => {
      const keepers: string[] = [];
      for (const { name } of members) {
        await open(name);
        await refuse(write('some/key', collection));
        if ((await noted()).length > 0) keepers.push(name);
      }
      expect(keepers).to.deep.equal([keeperOf(consortium, collection)?.name]);
    });

  it('is found page by page', async () => {
    const all = Array.from({ length: 25 }, () => content(0));
    await refuse(...all);
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await fixture.index.erasures.refused.page({ count: 10, after });
      found.push(...page.map(nameOf));
      after = page.at(-1)?.next;
      if (page.length < 10) break;
    }
    expect(found).to.have.members(all.map(nameOf));
  });
});
