/** Every byte of every file of a store is covered: whichever is changed, cut or removed, the file is named. */
import { appendFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import type { Database } from '../state/store.ts';
import { checkStore } from './check-store.ts';
import { crc32c } from './crc32c.ts';

describe("The files of LevelDB's store", () => {
  let parent: string;
  let sound: string;

  /** Several tables, a log that holds the newest entries, values that compress and values that do not. */
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'store-files-'));
    sound = join(parent, 'sound');
    const open = (): Database =>
      new ClassicLevel(sound, { writeBufferSize: 64 * 1024, keyEncoding: 'buffer', valueEncoding: 'buffer' });
    let store = open();
    await store.open();
    for (let round = 0; round < 8; round++) {
      const batch = store.batch();
      for (let at = 0; at < 200; at++) {
        const value =
          at % 2 === 0
            ? Buffer.alloc(500, at)
            : Buffer.from(Array.from({ length: 200 }, (_, i) => (i * at * 7919) % 251));
        batch.put(Buffer.from(`phospital\0key ${round} ${at}`), value);
      }
      await batch.write();
    }
    await store.close();
    store = open();
    await store.open();
    for (let at = 0; at < 20; at++) await store.put(Buffer.from(`new ${at}`), Buffer.alloc(1000, at));
    await store.close();
  });
  after(() => rm(parent, { recursive: true, force: true }));

  let dir: string;
  beforeEach(async () => {
    dir = join(parent, 'changed');
    await rm(dir, { recursive: true, force: true });
    await cp(sound, dir, { recursive: true });
  });
  const fileNames = async () => (await checkStore(sound)).files;
  const faultsOf = async () => (await checkStore(dir)).faults;

  it('are without fault as LevelDB leaves them', async () => {
    const check = await checkStore(dir);
    expect(check.faults).to.deep.equal([]);
    expect(check.exists).to.equal(true);
    expect(check.checkedBytes).to.be.greaterThan(50_000);
    expect(await fileNames()).to.have.length.greaterThan(4);
  });

  it('are none in a directory that is not there or is empty', async () => {
    expect((await checkStore(join(parent, 'nowhere'))).exists).to.equal(false);
    await rm(dir, { recursive: true });
    expect((await checkStore(dir)).exists).to.equal(false);
  });

  it('are missed one by one', async () => {
    for (const file of await fileNames()) {
      const bytes = await readFile(join(dir, file));
      await rm(join(dir, file));
      expect(await faultsOf(), file).to.deep.equal([{ file, fault: 'missing' }]);
      await writeFile(join(dir, file), bytes);
    }
  });

  it('are named when any one bit of them is changed', async () => {
    const files = await fileNames();
    const place = fc.tuple(
      fc.constantFrom(...files),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
    );
    await fc.assert(
      fc.asyncProperty(place, async ([file, part, bit]) => {
        const bytes = await readFile(join(dir, file));
        const at = Math.floor(part * bytes.length);
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ (1 << bit);
        await writeFile(join(dir, file), changed);
        const named = (await faultsOf()).map((fault) => fault.file);
        await writeFile(join(dir, file), bytes);
        expect(named, `${file} at ${at}`).to.include(file);
      }),
      { numRuns: 300 },
    );
  });

  it('are named when a table is cut, and when something is written behind it', async () => {
    for (const file of (await fileNames()).filter((name) => name.endsWith('.ldb'))) {
      const bytes = await readFile(join(dir, file));
      await truncate(join(dir, file), bytes.length >> 1);
      expect(await faultsOf()).to.deep.equal([{ file, fault: 'truncated', offset: bytes.length >> 1 }]);
      await writeFile(join(dir, file), bytes);
      await appendFile(join(dir, file), 'more');
      expect(await faultsOf()).to.deep.equal([{ file, fault: 'altered', offset: bytes.length }]);
      await writeFile(join(dir, file), bytes);
    }
  });

  it('say between which keys a damaged block lies', async () => {
    const file = (await fileNames()).find((name) => name.endsWith('.ldb'))!;
    const bytes = await readFile(join(dir, file));
    bytes[10]! ^= 0xff;
    await writeFile(join(dir, file), bytes);
    const [fault] = await faultsOf();
    expect(fault).to.include({ file, fault: 'altered', offset: 0 });
    expect(fault?.keys?.upTo.toString()).to.match(/^phospital\0/);
  });

  it('may end in the middle of a record, as a killed process leaves them', async () => {
    const log = (await fileNames()).find((name) => name.endsWith('.log'))!;
    await truncate(join(dir, log), (await readFile(join(dir, log))).length - 20);
    expect(await faultsOf()).to.deep.equal([]);
  });

  it('are read newest first, and no longer than there is time', async () => {
    const check = await checkStore(dir, { budgetMs: -1 });
    expect(check.checkedBytes).to.equal(0);
    expect(check.skippedBytes).to.be.greaterThan(50_000);
  });

  it("carry Castagnoli's checksum", () => {
    expect(crc32c(Buffer.from('123456789')).toString(16)).to.equal('e3069283');
    expect(crc32c(Buffer.alloc(32)).toString(16)).to.equal('8a9136aa');
  });
});
