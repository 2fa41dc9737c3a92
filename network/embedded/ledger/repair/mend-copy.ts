/** The orderer's copy of the blocks, made anew from the store where it is not the same. */
import { rm } from 'node:fs/promises';
import { BlockFiles, BlockReader } from '../blocks/block-files.ts';
import { blockKey } from '../state/keys.ts';
import { openDatabase } from '../state/store.ts';
import { offer, swap } from './swap.ts';

/** The store has been mended. */
export async function mendCopy(dir: string, copyDir: string): Promise<void> {
  const database = await openDatabase(dir);
  try {
    const blockOf = (number: number): Buffer | undefined => database.getSync(blockKey(number));
    if (isSame(blockOf, new BlockReader(copyDir))) return;
    await rm(`${copyDir}.new`, { recursive: true, force: true });
    const files = await BlockFiles.open(`${copyDir}.new`);
    for (let number = 0, block = blockOf(0); block; block = blockOf(++number)) await files.append(number, block);
    await files.close();
  } finally {
    await database.close();
  }
  await offer(`${copyDir}.new`, copyDir);
  await swap(copyDir);
}

function isSame(blockOf: (number: number) => Buffer | undefined, copy: BlockReader): boolean {
  let number = 0;
  for (let block = blockOf(0); block; block = blockOf(++number)) {
    if (!copy.read(number)?.equals(block)) return false;
  }
  return copy.height === number;
}
