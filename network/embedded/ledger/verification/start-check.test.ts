/** What keeps a network from starting, and in which words: whatever is damaged, it is not called anything else. */
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { repairLedger } from '../repair/repair.ts';
import { blockKey } from '../state/keys.ts';
import { RichLedger } from './rich-ledger.fixture.ts';
import { assertSound } from './start-check.ts';

type Change = (rich: RichLedger, dir: string) => Promise<void>;

const fileOf = async (dir: string, extension: string): Promise<string> => {
  const sizes = await Promise.all(
    (await readdir(dir))
      .filter((name) => name.endsWith(extension) || name.startsWith(extension))
      .map(async (name) => ({ path: join(dir, name), size: (await readFile(join(dir, name))).length })),
  );
  return sizes.sort((a, b) => b.size - a.size)[0]?.path ?? '';
};
const flipIn = async (path: string, at: number): Promise<void> => {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  await writeFile(path, bytes);
};
const withEntry =
  (key: Buffer | string, change: (value: Buffer) => Buffer | undefined): Change =>
  (rich) =>
    rich.change(async (database) => {
      const [found] = await database.iterator({ gte: Buffer.from(key as string), limit: 1 }).all();
      const changed = change(found?.[1] ?? Buffer.alloc(0));
      if (changed) await database.put(found?.[0] ?? Buffer.alloc(0), changed);
      else await database.del(found?.[0] ?? Buffer.alloc(0));
    });
const flipLast = (value: Buffer): Buffer =>
  Buffer.concat([value.subarray(0, -1), Buffer.from([(value.at(-1) ?? 0) ^ 1])]);
const flipMiddle = (value: Buffer): Buffer => {
  const changed = Buffer.from(value);
  changed[value.length >> 1] = (value[value.length >> 1] ?? 0) ^ 1;
  return changed;
};

const ROWS: [string, Change, RegExp][] = [
  ['CURRENT is missing', (_, dir) => rm(join(dir, 'CURRENT')), /all peers: CURRENT: missing: a file of the store/],
  [
    'the manifest is missing',
    async (_, dir) => rm(await fileOf(dir, 'MANIFEST')),
    /all peers: MANIFEST-\d+: missing: a file of the store/,
  ],
  [
    'the manifest is altered',
    async (_, dir) => flipIn(await fileOf(dir, 'MANIFEST'), 20),
    /all peers: MANIFEST-\d+ at byte 0: altered: a file of the store/,
  ],
  [
    'the log is missing',
    async (_, dir) => rm(await fileOf(dir, '.log')),
    /all peers: \d+\.log: missing: a file of the store/,
  ],
  [
    'the log is altered',
    async (_, dir) => flipIn(await fileOf(dir, '.log'), 5000),
    /all peers: \d+\.log at byte \d+: altered: a file of the store/,
  ],
  [
    'the log is cut off',
    async (_, dir) => truncate(await fileOf(dir, '.log'), (await readFile(await fileOf(dir, '.log'))).length - 4000),
    /all peers: block(s \d+ to)? 9: missing: the block/,
  ],
  [
    'the whole store is missing',
    (_, dir) => rm(dir, { recursive: true }),
    /all peers: the whole store: missing: a file/,
  ],
  [
    'a table is altered',
    async (rich, dir) => {
      await rich.change((database) => database.compactRange(Buffer.from('a'), Buffer.from('z')));
      await flipIn(await fileOf(dir, '.ldb'), 3000);
    },
    /all peers: \d+\.ldb at byte \d+ \(.*\): altered: a file of the store/,
  ],
  [
    'a table is cut off',
    async (rich, dir) => {
      await rich.change((database) => database.compactRange(Buffer.from('a'), Buffer.from('z')));
      await truncate(await fileOf(dir, '.ldb'), 500);
    },
    /all peers: \d+\.ldb at byte 500: truncated: a file of the store/,
  ],
  [
    'a table is missing',
    async (rich, dir) => {
      await rich.change((database) => database.compactRange(Buffer.from('a'), Buffer.from('z')));
      await rm(await fileOf(dir, '.ldb'));
    },
    /all peers: \d+\.ldb: missing: a file of the store/,
  ],
  ['the first block is altered', withEntry('b', flipMiddle), /all peers: block 0: altered: the block's transactions/],
  ['the first block is missing', withEntry('b', () => undefined), /all peers: block 0: missing: the block/],
  [
    'the last block is altered',
    (rich) =>
      rich.change((database) =>
        database.put(blockKey(9), flipMiddle(database.getSync(blockKey(9)) ?? Buffer.alloc(0))),
      ),
    /all peers: block 9: altered: the block's transactions/,
  ],
  ['the record of the chain is missing', withEntry('m', () => undefined), /all peers: chain record: missing/],
  ['the record of the chain is no record', withEntry('m', () => Buffer.from('{')), /all peers: chain record: altered/],
  [
    'a private value is altered',
    withEntry('pbeta', flipLast),
    /beta: basic\/\w+ key [0-9a-f]{64}: altered: a private value/,
  ],
  [
    'a private value is missing',
    withEntry('palpha', () => undefined),
    /alpha: basic\/\w+ key [0-9a-f]{64}: missing: a private value/,
  ],
  [
    'the hash of a private value is altered',
    withEntry('c', flipLast),
    /all peers: basic\/\w+ key [0-9a-f]{64}: altered: the hash/,
  ],
  [
    'a definition is altered',
    withEntry('s_lifecycle', flipLast),
    /all peers: _lifecycle key [0-9a-f]{64}: altered: a key of public state/,
  ],
  [
    'public state is missing',
    withEntry('sbasic', () => undefined),
    /all peers: basic key [0-9a-f]{64}: missing: a key of public state/,
  ],
];

describe('A network that finds its ledger damaged', function () {
  this.timeout(60_000);
  let rich: RichLedger;
  let dir: string;
  before(async () => {
    rich = await RichLedger.make();
    dir = rich.fixture.ledgerDir;
    await cp(dir, `${dir}.sound`, { recursive: true });
  });
  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
    await cp(`${dir}.sound`, dir, { recursive: true });
  });
  after(() => rich.close());

  const refusalOf = (smallBytes?: number): Promise<string> =>
    assertSound(rich.fixture.config, smallBytes).then(
      () => 'sound',
      (error: Error) => error.message,
    );

  it('starts on a sound one, by either form of the check', async () => {
    expect(await refusalOf()).to.equal('sound');
    expect(await refusalOf(0)).to.equal('sound');
  });

  for (const [name, change, words] of ROWS) {
    it(`says so: ${name}`, async () => {
      await change(rich, dir);
      for (const smallBytes of [undefined, 0]) {
        const refusal = await refusalOf(smallBytes);
        expect(refusal).to.match(words);
        expect(refusal)
          .to.match(/^the ledger is damaged:\n/)
          .and.match(/npm run repair mends it$/);
        expect(refusal).not.to.match(/another network|behind|secret|whose/);
      }
    });
  }

  it('starts where private data is missing of which no copy is left, and not where it is altered', async () => {
    const lost = (await rich.entries()).filter(([key]) => /^[wp]/.test(key.toString('latin1', 0, 1)));
    await rich.change(async (database) => {
      for (const [key] of lost) await database.del(key);
    });
    expect((await repairLedger({ config: rich.fixture.config, organisation: undefined })).remaining).not.to.deep.equal(
      [],
    );
    for (const smallBytes of [undefined, 0]) expect(await refusalOf(smallBytes)).to.equal('sound');
    const [key, value] = lost.find(([each]) => each.toString('latin1').startsWith('palpha')) as [Buffer, Buffer];
    await rich.change((database) => database.put(key, flipLast(value)));
    expect(await refusalOf()).to.match(/alpha: .*: altered: a private value, and no copy is left/);
  });

  it('removes what a killed verification left', async () => {
    await cp(dir, join(rich.fixture.dir, 'verification-left'), { recursive: true });
    await assertSound(rich.fixture.config);
    expect(await readdir(rich.fixture.dir)).not.to.include('verification-left');
  });
});
