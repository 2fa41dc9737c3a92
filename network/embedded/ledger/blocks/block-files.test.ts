import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BlockFiles, BlockReader } from './block-files.ts';

const block = (number: number): Buffer => Buffer.alloc(100 + number, number);

describe("The orderer's copy of the blocks", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'block-files-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function write(from: number, to: number, of: (number: number) => Buffer = block): Promise<void> {
    const files = await BlockFiles.open(dir);
    for (let number = from; number < to; number++) await files.append(number, of(number));
    await files.close();
  }
  const read = (count: number) => {
    const reader = new BlockReader(dir);
    return Array.from({ length: count }, (_, number) => reader.read(number)?.equals(block(number)));
  };
  const only = () => join(dir, readdirSync(dir)[0] ?? '');

  it('holds what was appended, over restarts', async () => {
    await write(0, 3);
    await write(3, 5);
    expect(new BlockReader(dir).height).to.equal(5);
    expect(read(6)).to.deep.equal([true, true, true, true, true, undefined]);
  });

  it('takes blocks in their order only', async () => {
    await write(0, 2);
    const files = await BlockFiles.open(dir);
    const refused = await files.append(3, block(3)).catch((error: Error) => error.message);
    expect(refused).to.equal('block 3 does not follow the 2 blocks kept');
    await files.close();
  });

  it('goes on behind the last whole block when a process was killed while it wrote', async () => {
    await write(0, 3);
    truncateSync(only(), statSync(only()).size - 10);
    expect(new BlockReader(dir).height).to.equal(2);
    await write(2, 4);
    expect(read(4)).to.deep.equal([true, true, true, true]);
  });

  it('cuts off what is no block', async () => {
    await write(0, 2);
    appendFileSync(only(), Buffer.from('\x89blk garbage', 'latin1'));
    await write(2, 3);
    expect(read(3)).to.deep.equal([true, true, true]);
  });

  it('begins new files as they grow, and finds blocks in all of them', async () => {
    const large = (number: number) => Buffer.alloc(3 * 1024 * 1024, number);
    await write(0, 14, large);
    expect(readdirSync(dir)).to.deep.equal(['000000000000.blocks', '000000000006.blocks', '000000000012.blocks']);
    const reader = new BlockReader(dir);
    for (const number of [13, 0, 5, 6, 12]) expect(reader.read(number)?.equals(large(number))).to.equal(true);
    expect(reader.height).to.equal(14);
  });

  it('gives the blocks behind a damaged one, wherever in its frame the damage is', async () => {
    await write(0, 4);
    const sound = readFileSync(only());
    const length = 20 + 100;
    for (let at = length; at < length + 25; at++) {
      const changed = Buffer.from(sound);
      changed[at] = (sound[at] ?? 0) ^ 0x55;
      writeFileSync(only(), changed);
      const [first, second, ...others] = read(4);
      expect([first, ...others], `byte ${at}`).to.deep.equal([true, true, true]);
      // A damaged checksum leaves the block as it was.
      expect(second === true, `byte ${at}`).to.equal(at >= length + 16 && at < length + 20);
    }
  });
});
