import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import type { peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { pino } from 'pino';
import { fixtureBlock } from './block.fixture.ts';
import type { ParsedBlock } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { type BlockSink, Feed } from './feed.ts';

/** What is asked of a stream: the blocks from `start` on, then nothing until it is closed. */
type Stream<T> = AsyncIterable<T> & { close(): void };

function streamOf<T>(items: (T | Error)[]): Stream<T> {
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  return {
    close,
    async *[Symbol.asyncIterator]() {
      for (const item of items) {
        if (item instanceof Error) throw item;
        yield item;
      }
      await closed;
    },
  };
}

describe('The event feed at a block too large to be delivered', () => {
  const key = { collection: 'care_hospital', key: 'record/a/1', value: '{}' };
  const blocks: peer.BlockAndPrivateData[] = [];
  for (let number = 0; number < 4; number += 1)
    blocks.push(fixtureBlock(number, [{ privateWrites: [key] }], blocks[number - 1]));
  const tooLarge = Object.assign(Object.create(GatewayError.prototype) as GatewayError, {
    code: status.RESOURCE_EXHAUSTED,
    message: '8 RESOURCE_EXHAUSTED: Sent message larger than max (144034050 vs. 104857600)',
  });

  const OVERSIZED = 2;
  /** A network on which one block cannot be delivered with its private data. */
  const network = {
    getBlockAndPrivateDataEvents: async ({ startBlock }: { startBlock: bigint }) =>
      streamOf(blocks.map((block, number) => (number === OVERSIZED ? tooLarge : block)).slice(Number(startBlock))),
    getBlockEvents: async ({ startBlock }: { startBlock: bigint }) =>
      streamOf(blocks.map((block) => block.getBlock()!).slice(Number(startBlock))),
  };

  function feedFrom(applied: ParsedBlock[]): Feed {
    const sink: BlockSink = {
      checkpoint: () => {
        const last = applied.at(-1);
        return last && { block: last.number, hash: last.hash };
      },
      reopen: async () => {},
      apply: async (block) => void applied.push(block),
    };
    return new Feed({
      connection: { network: () => network } as unknown as LedgerConnection,
      identity: async () => ({}) as Enrolled,
      scope: { chaincode: 'telemed', collections: new Set(['care_hospital']) },
      sink,
      log: pino({ level: 'silent' }),
    });
  }

  const untilBlock = (feed: Feed, number: number): Promise<void> =>
    new Promise((resolve) => {
      feed.on('block', (block) => block.number === number && resolve());
    });

  it('goes past a block whose private data is too large to be delivered, without that data', async () => {
    const applied: ParsedBlock[] = [];
    const feed = feedFrom(applied);
    const last = untilBlock(feed, 3);
    feed.start();
    await last;
    await feed.stop();
    expect(applied.map(({ number }) => number)).to.deep.equal([0, 1, 2, 3]);
    const delivered = applied.map(({ transactions }) => transactions[0]?.privateWrites[0]?.plain !== undefined);
    expect(delivered).to.deep.equal([true, true, false, true]);
  });

  it('goes on after a restart with such a block as the last one held', async () => {
    const first: ParsedBlock[] = [];
    const before = feedFrom(first);
    const second = untilBlock(before, OVERSIZED);
    before.start();
    await second;
    await before.stop();
    const held = first.slice(0, OVERSIZED + 1);
    const feed = feedFrom(held);
    const last = untilBlock(feed, 3);
    feed.start();
    await last;
    await feed.stop();
    expect(held.map(({ number }) => number)).to.deep.equal([0, 1, 2, 3]);
  });
});
