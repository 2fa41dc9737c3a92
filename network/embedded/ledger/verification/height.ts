/** How many blocks a store should hold, by its own record and, where that is damaged, by its blocks. */
import { decodeChainState } from '../blocks/chain-state.ts';
import { blockKey, META, readNumber64 } from '../state/keys.ts';
import type { Reader } from '../state/store.ts';

const BLOCKS = { gte: Buffer.from('b'), lt: Buffer.from('c') };

/** 0 for a store without blocks. */
export async function heightOf(store: Reader): Promise<number> {
  let height = recordedHeight(store) ?? (await heightByBlocks(store));
  while (height > 0 && store.get(blockKey(height))) height++;
  return height;
}

function recordedHeight(store: Reader): number | undefined {
  try {
    const record = store.get(META);
    return record && decodeChainState(record).height;
  } catch {
    return undefined;
  }
}

/** One above the highest, unless that lies further away from the others than their number explains. */
async function heightByBlocks(store: Reader): Promise<number> {
  let [count, highest] = [0, 0];
  for await (const [key] of store.entries(BLOCKS)) {
    const number = key.length === 9 ? readNumber64(key, 1) : Infinity;
    if (number > 2 * (count + 10)) break;
    count++;
    highest = number + 1;
  }
  return highest;
}
