/** After a repair every entry is what it was, byte for byte, whatever was damaged; what no copy is left of is said. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { ordererDirectory } from '../directories.ts';
import { blockKey } from '../state/keys.ts';
import type { Damage } from '../verification/damage.ts';
import { RichLedger } from '../verification/rich-ledger.fixture.ts';
import { type Repair, repairLedger } from './repair.ts';

type Change = (rich: RichLedger, dir: string) => Promise<void>;

const beginsWith =
  (letter: string) =>
  ([key]: [Buffer, Buffer]) =>
    key.toString('latin1', 0, letter.length) === letter;
const flipped = (value: Buffer): Buffer =>
  value.length === 0
    ? Buffer.from([1])
    : Buffer.concat([value.subarray(0, -1), Buffer.from([(value.at(-1) ?? 0) ^ 1])]);
const without =
  (letter: string): Change =>
  async (rich) => {
    const entries = (await rich.entries()).filter(beginsWith(letter));
    await rich.change(async (database) => {
      for (const [key] of entries) await database.del(key);
    });
  };
const altered =
  (letter: string): Change =>
  async (rich) => {
    const entries = (await rich.entries()).filter(beginsWith(letter));
    await rich.change(async (database) => {
      for (const [key, value] of entries) await database.put(key, flipped(value));
    });
  };
const largest = async (dir: string, extension: string): Promise<string> => {
  const names = (await readdir(dir)).filter((name) => name.endsWith(extension));
  const sized = await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), size: (await readFile(join(dir, name))).length })),
  );
  return sized.sort((a, b) => b.size - a.size)[0]?.path ?? '';
};
const compacted: Change = (rich) =>
  rich.change((database) => database.compactRange(Buffer.from('a'), Buffer.from('z')));
const flipAt = async (path: string, at: number): Promise<void> => {
  const bytes = await readFile(path);
  // A log may have been begun anew and be shorter.
  const place = Math.min(at, bytes.length >> 1);
  bytes[place] = bytes[place]! ^ 0x10;
  await writeFile(path, bytes);
};

/** Name, what is done, and from where it is had again. */
const MENDED: [string, Change, RegExp][] = [
  ...['c', 'd', 'h', 'k', 'm', 's', 't', 'x', 'y'].flatMap((letter): [string, Change, RegExp][] => [
    [`all entries of ${letter} are gone`, without(letter), /a replay of the blocks/],
    [`all entries of ${letter} are altered`, altered(letter), /a replay of the blocks/],
  ]),
  ['all private values are gone', without('p'), /the private data that its members keep with the block/],
  ['all private values are altered', altered('p'), /the private data that its members keep with the block/],
  ['a member has lost its private values', without('palpha'), /the private data that its members keep with the block/],
  ['all blocks are gone', without('b'), /the orderer's copy/],
  ['all blocks are altered', altered('b'), /a replay of the blocks/],
  [
    'a block is another',
    async (rich) =>
      rich.change(async (database) => database.put(blockKey(4), database.getSync(blockKey(3)) ?? Buffer.alloc(0))),
    /the orderer's copy/,
  ],
  [
    'entries were added',
    async (rich) =>
      rich.change(async (database) => {
        for (const key of ['zzz', 'sbasic\0made up', 'palpha\0basic\0shared\0made up'])
          await database.put(Buffer.from(key), Buffer.alloc(20));
      }),
    /nowhere: it was taken out/,
  ],
  ['CURRENT is missing', (_, dir) => rm(join(dir, 'CURRENT')), /the blocks and the private data that could be read/],
  [
    'a table is altered',
    async (rich, dir) => {
      await compacted(rich, dir);
      await flipAt(await largest(dir, '.ldb'), 3000);
    },
    /the blocks and the private data that could be read/,
  ],
  [
    'the log is altered',
    async (_, dir) => flipAt(await largest(dir, '.log'), 20_000),
    /the blocks and the private data that could be read/,
  ],
  [
    "the orderer's copy is gone",
    (rich) => rm(ordererDirectory(rich.fixture.dir), { recursive: true }),
    /the peers' store/,
  ],
  [
    "the orderer's copy is altered",
    async (rich) => flipAt(await largest(ordererDirectory(rich.fixture.dir), '.blocks'), 30_000),
    /the peers' store/,
  ],
];

describe('Repairing a ledger', function () {
  this.timeout(120_000);
  let rich: RichLedger;
  let dir: string;
  let sound: [Buffer, Buffer][];
  before(async () => {
    rich = await RichLedger.make();
    dir = rich.fixture.ledgerDir;
    await cp(rich.fixture.dir, `${rich.fixture.dir}.sound`, { recursive: true });
    sound = await rich.entries();
  });
  beforeEach(async () => {
    await rm(rich.fixture.dir, { recursive: true, force: true });
    await cp(`${rich.fixture.dir}.sound`, rich.fixture.dir, { recursive: true });
  });
  after(async () => {
    await rm(`${rich.fixture.dir}.sound`, { recursive: true });
    await rich.close();
  });

  const repair = (organisation?: string): Promise<Repair> =>
    repairLedger({ config: rich.fixture.config, organisation });
  const named = (damages: Damage[]) =>
    damages.map(({ organisation = 'all', subject, fault }) => `${organisation}: ${subject} ${fault}`);
  const differing = async () => {
    const now = new Map((await rich.entries()).map(([key, value]) => [key.toString('hex'), value.toString('hex')]));
    const before = new Map(sound.map(([key, value]) => [key.toString('hex'), value.toString('hex')]));
    const keys = [...new Set([...now.keys(), ...before.keys()])].filter((key) => now.get(key) !== before.get(key));
    return keys.map((key) => Buffer.from(key, 'hex').toString('latin1'));
  };
  // What is still to be forgotten is noted: a start takes it up.
  const leftovers = async () =>
    (await readdir(rich.fixture.dir)).filter((name) => !['ledger', 'ledger-purges', 'orderer'].includes(name));

  it('does nothing to a sound one', async () => {
    const { damages, taken, isRebuilt, remaining } = await repair();
    expect([damages, taken, isRebuilt, remaining]).to.deep.equal([[], [], false, []]);
    expect(await differing()).to.deep.equal([]);
  });

  for (const [name, change, from] of MENDED) {
    it(`makes all of it as it was where ${name}`, async () => {
      await change(rich, dir);
      const { damages, taken, isRebuilt, remaining } = await repair();
      expect(damages).to.have.length.greaterThan(0);
      expect(named(remaining)).to.deep.equal([]);
      expect(await differing()).to.deep.equal([]);
      expect(taken.map((each) => each.from).join()).to.match(from);
      if (!isRebuilt) expect(taken.reduce((sum, { count }) => sum + count, 0)).to.equal(damages.length);
      expect(await leftovers()).to.deep.equal([]);
      expect((await repair()).damages).to.deep.equal([]);
    });
  }

  it("mends one organisation's private values and leaves the others' alone", async () => {
    await without('p')(rich, dir);
    const { taken, remaining } = await repair('alpha');
    expect(taken.map(({ organisation }) => organisation)).to.deep.equal(['alpha']);
    expect(remaining).to.deep.equal([]);
    expect(new Set((await differing()).map((key) => key.split('\0')[0]))).to.deep.equal(new Set(['pbeta', 'pgamma']));
  });

  it("takes private values from another member's private state where the kept data is gone too", async () => {
    await without('palpha')(rich, dir);
    await without('w')(rich, dir);
    const { taken, remaining } = await repair('alpha');
    expect(taken.find(({ what }) => what === 'a private value')?.from).to.equal("beta's private state");
    // What was written again since is in nobody's state.
    expect(new Set(named(remaining))).to.deep.equal(new Set(['alpha: private set missing']));
    expect((await differing()).filter((key) => key.startsWith('palpha'))).to.deep.equal([]);
  });

  it('says what no copy is left of, takes out what is not what was anchored, and invents nothing', async () => {
    await without('w')(rich, dir);
    await altered('p')(rich, dir);
    const { remaining } = await repair();
    expect(new Set(named(remaining))).to.deep.equal(
      new Set(
        ['alpha', 'beta', 'gamma'].flatMap((each) => [
          `${each}: private set missing`,
          `${each}: private value missing`,
        ]),
      ),
    );
    expect(remaining.every(({ isLost }) => isLost)).to.equal(true);
    expect((await rich.entries()).filter(beginsWith('p'))).to.deep.equal([]);
    expect(await repair().then(({ remaining: again }) => again)).to.deep.equal(remaining);
  });

  it('changes nothing where no copy of a block is left', async () => {
    await without('b')(rich, dir);
    await rm(ordererDirectory(rich.fixture.dir), { recursive: true });
    const before = await rich.entries();
    const { remaining } = await repair();
    expect(new Set(named(remaining))).to.deep.equal(new Set(['all: block missing', 'all: block copy missing']));
    expect(await rich.entries()).to.deep.equal(before);
  });

  it('makes the store anew where all of it is gone, without the private values that only it had', async () => {
    await rm(dir, { recursive: true });
    const { isRebuilt, remaining } = await repair();
    expect(isRebuilt).to.equal(true);
    expect(remaining.every(({ subject, isLost }) => isLost && subject.startsWith('private'))).to.equal(true);
    const gone = (await differing()).map((key) => key[0]);
    expect([...new Set(gone)].sort()).to.deep.equal(['k', 'p', 'r', 'w']);
  });

  it('brings a store up to the blocks that the orderer has', async () => {
    await truncate(await largest(dir, '.log'), (await readFile(await largest(dir, '.log'))).length - 4000);
    const { damages, remaining } = await repair();
    expect(named(damages)).to.deep.equal(['all: block missing']);
    expect(remaining).to.deep.equal([]);
    // What waits for its transaction was in the lost part, too, and is in no block.
    expect((await differing()).filter((key) => !key.startsWith('r'))).to.deep.equal([]);
  });

  it('may be killed at any moment, and is done the next time', async () => {
    await compacted(rich, dir);
    await flipAt(await largest(dir, '.ldb'), 3000);
    await without('nothing')(rich, dir).catch(() => undefined);
    const file = join(rich.fixture.dir, 'config.json');
    await writeFile(file, JSON.stringify(rich.fixture.config));
    for (const afterMs of [150, 250, 350, 450, 600]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'repair-process.fixture.ts'), file], {
        stdio: 'ignore',
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
      await once(child, 'exit');
      clearTimeout(timer);
    }
    const { remaining } = await repair();
    expect(remaining).to.deep.equal([]);
    expect(await differing()).to.deep.equal([]);
    await rm(file);
    expect((await leftovers()).filter((name) => !name.startsWith('verification-'))).to.deep.equal([]);
  });
});
