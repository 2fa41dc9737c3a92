import { expect } from 'chai';
import { Undecided } from './undecided.ts';

/** A read model in which requests, patients and what concerns them are set by hand. */
class FakeIndex {
  requests: { id: string; patient: string }[] = [];
  concerned = new Set<string>();
  head = 0;
  lacked = 0;
  asked = 0;

  readonly undecided = new Undecided({
    own: {
      page: async (_, { count, after = '0' }) => {
        const rows = this.requests.slice(Number(after), Number(after) + count);
        this.asked += rows.length;
        const end = Number(after) + rows.length;
        return {
          rows: rows.map(({ id }) => ({ id, read: () => expect.fail('nothing is read to find it') })),
          ...(rows.length === 0 ? {} : { last: String(end) }),
          ...(end < this.requests.length ? { next: String(end) } : {}),
        };
      },
    },
    accesses: {
      requestsFor: async ([patient], { count, after = '0' }) => {
        const all = this.requests.map((one, index) => ({ ...one, collection: 'inbox_clinic', sequence: index + 1 }));
        return all.filter((one) => one.patient === patient && one.sequence > Number(after)).slice(0, count);
      },
    },
    concerned: {
      heads: async () => ({ versions: this.head, marks: 0 }),
      between: async (from, to) => {
        expect(to.versions).to.equal(this.head);
        return from.versions < to.versions ? this.concerned : new Set();
      },
    },
    lacks: () => this.lacked,
  });

  /** What is open after a block that concerns these patients. */
  async block(...patients: string[]): Promise<string[]> {
    this.head += 1;
    this.concerned = new Set(patients);
    return (await this.undecided.open()).map(([id]) => id);
  }
}

describe('The requests that are to be looked at', () => {
  let index: FakeIndex;
  beforeEach(async () => {
    index = new FakeIndex();
    index.requests = Array.from({ length: 5_000 }, (_, count) => ({ id: `a${count}`, patient: `p${count % 50}` }));
    expect(await index.block()).to.have.length(5_000);
    for (const [id, changes] of await index.undecided.open()) index.undecided.waits(id, changes, Date.now() + 60_000);
    index.asked = 0;
  });

  it('are all of them at the start, and then those whose patient a block concerns', async () => {
    expect(index.undecided.waiting).to.equal(5_000);
    expect(await index.block()).to.deep.equal([]);
    const open = await index.block('p7', 'nobody');
    expect(open).to.have.length(100);
    expect(open.every((id) => Number(id.slice(1)) % 50 === 7)).to.equal(true);
    expect(index.asked, 'requests that were listed again').to.equal(0);
  });

  it('are those that came since, and all again where something arrived late', async () => {
    index.requests.push({ id: 'new', patient: 'p1' });
    expect(await index.block()).to.deep.equal(['new']);
    index.undecided.looked('new', 1);
    index.lacked = 1;
    expect(await index.block()).to.have.length(5_001);
  });

  it('are those whose time has come, and none that is decided', async () => {
    const [one] = (await index.block('p3')) as [string];
    const changes = new Map(await index.undecided.open());
    index.undecided.waits(one, changes.get(one) ?? 0, Date.now() - 1);
    for (const [id, count] of changes) if (id !== one) index.undecided.looked(id, count);
    expect(index.undecided.waiting).to.equal(4_901);
    expect(index.undecided.soonest()).to.be.at.most(Date.now());
    expect(await index.block()).to.deep.equal([one]);
    const found = await index.undecided.open();
    expect(await index.undecided.open(), 'while it is looked at').to.deep.equal(found);
  });

  it('stay open where something was found while they were looked at', async () => {
    await index.block('p3');
    const [[one, changes]] = (await index.undecided.open()) as [[string, number]];
    await index.block('p3');
    index.undecided.waits(one, changes, Date.now() + 60_000);
    expect((await index.undecided.open()).map(([id]) => id)).to.include(one);
  });
});
