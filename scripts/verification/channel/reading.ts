/**
 * Every block of one peer, in order. One that the peer cannot deliver is named, and those behind it are read all the same:
 * a single damaged block or set of private data must not hide the rest.
 */
import type { BlockCheck } from './block-check.ts';
import { type DeliveredBlock, deliver } from './deliver.ts';
import type { PeerFinding } from './peer-findings.ts';
import { PeerAway, PeerFault, type Reach } from './reach.ts';

export interface Reading {
  reach: Reach;
  blocks: BlockCheck;
  /** Private data is asked for, which only members of the peer's organisation may do. */
  withPrivateData: boolean;
  /** Called for each block that is as it should be; `privateSets` is undefined where they cannot be read. */
  onBlock?: (block: Readable) => void;
}

export type Readable = Pick<DeliveredBlock, 'block'> & { privateSets: DeliveredBlock['privateSets'] | undefined };

/**
 * Reads on from where `blocks` is, to below the block `to`. Answers what could not be read of private data; blocks that
 * could not be read are among the findings of `blocks`. @throws PeerAway that says at which block; PeerRefuses
 */
export async function readBlocks(reading: Reading, to: number): Promise<PeerFinding[]> {
  const { blocks, withPrivateData } = reading;
  const findings: PeerFinding[] = [];
  while (blocks.height < to) {
    const range = { from: blocks.height, to: to - 1, withPrivateData };
    const fault = await readRange(reading, range);
    if (fault === undefined) continue;
    if (withPrivateData && (await readAlone(reading))) {
      const place = `block ${blocks.height - 1}`;
      findings.push({ part: 'private data', place, what: 'unreadable: private data kept for delivery' });
    } else {
      blocks.missed();
    }
  }
  return findings;
}

type Range = Parameters<typeof deliver>[1];

/** Answers why it ended before the range was read. */
async function readRange({ reach, blocks, onBlock }: Reading, range: Range): Promise<PeerFault | undefined> {
  const began = blocks.height;
  try {
    for await (const each of deliver(reach, range)) if (await blocks.check(each)) onBlock?.(each);
    return blocks.height > began ? undefined : new PeerFault('it delivers nothing');
  } catch (error) {
    if (error instanceof PeerFault) return error;
    if (!(error instanceof PeerAway) || blocks.height === 0) throw error;
    throw new PeerAway(`since it was asked for block ${blocks.height}: ${error.message}`, { cause: error });
  }
}

/** The next block without its private data. Answers whether it could be read. */
async function readAlone({ reach, blocks, onBlock }: Reading): Promise<boolean> {
  const next = blocks.height;
  const withoutSets = ({ block }: Readable): void => onBlock?.({ block, privateSets: undefined });
  const alone = { reach, blocks, onBlock: withoutSets, withPrivateData: false };
  return (await readRange(alone, { from: next, to: next, withPrivateData: false })) === undefined;
}
