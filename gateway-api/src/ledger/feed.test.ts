import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { pino } from 'pino';
import { fixtureBlock } from './block.fixture.ts';
import { type ParsedBlock, parseBlock } from './block.ts';
import type { LedgerConnection } from './connect.ts';
import { Feed, ForeignLedger } from './feed.ts';

const scope = { chaincode: 'telemed', collections: new Set<string>() };

/** A peer whose streams deliver its chain from the block asked for, and then nothing more until they are closed. */
class FakePeer {
  readonly chain: peer.BlockAndPrivateData[];
  /** Streams asked for while this is set fail. */
  isDown = false;
  asked: number[] = [];
  readonly #open = new Set<AbortController>();

  constructor(...chain: peer.BlockAndPrivateData[]) {
    this.chain = chain;
  }

  restart(): void {
    for (const stream of this.#open) stream.abort(new Error('the connection was lost'));
  }

  connection(): LedgerConnection {
    const getBlockAndPrivateDataEvents = async ({ startBlock }: { startBlock: bigint }) => this.#stream(startBlock);
    return { network: () => ({ getBlockAndPrivateDataEvents }) } as unknown as LedgerConnection;
  }

  #stream(startBlock: bigint) {
    if (this.isDown) throw new Error('nobody listens');
    this.asked.push(Number(startBlock));
    const { chain } = this;
    const closing = new AbortController();
    this.#open.add(closing);
    async function* deliver() {
      yield* chain.slice(Number(startBlock));
      await once(closing.signal, 'abort');
      if (closing.signal.reason !== undefined) throw closing.signal.reason as Error;
    }
    return Object.assign(deliver(), { close: () => closing.abort(undefined) });
  }
}

function openFeed(fake: FakePeer, held?: ParsedBlock) {
  const applied: number[] = [];
  let checkpoint = held === undefined ? undefined : { block: held.number, hash: held.hash };
  const feed = new Feed({
    connection: fake.connection(),
    identity: async () => ({ name: 'system', certificate: '', privateKey: '' }),
    scope,
    log: pino({ level: 'silent' }),
    sink: {
      checkpoint: () => checkpoint,
      reopen: async () => {},
      apply: async (block) => {
        applied.push(block.number);
        checkpoint = { block: block.number, hash: block.hash };
      },
    },
  });
  feed.start();
  return { feed, applied };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to be within five seconds');
    await delay(5);
  }
}

describe('The event feed', () => {
  const first = fixtureBlock(0, []);
  const second = fixtureBlock(1, [], first);

  it('knows that its stream works again although nothing happens on the channel', async () => {
    const fake = new FakePeer(first, second);
    const { feed, applied } = openFeed(fake);
    await until(() => feed.position() === 1);
    fake.isDown = true;
    fake.restart();
    await until(() => feed.status().failure !== undefined);
    fake.isDown = false;
    await until(() => feed.status().failure === undefined && feed.status().connected);
    expect([applied, fake.asked]).to.deep.equal([
      [0, 1],
      [0, 1],
    ]);
    await feed.stop();
  });

  it('goes on after the block it holds and applies none twice', async () => {
    const { feed, applied } = openFeed(new FakePeer(first, second), parseBlock(first, scope));
    await until(() => feed.position() === 1);
    expect(applied).to.deep.equal([1]);
    await feed.stop();
  });

  it('notices another ledger by the block it holds, before anything happens on it', async () => {
    const other = fixtureBlock(0, [{ creator: 'OtherMSP' }]);
    const { feed, applied } = openFeed(new FakePeer(other), parseBlock(first, scope));
    await until(() => feed.status().failure instanceof ForeignLedger);
    expect(applied).to.deep.equal([]);
    await feed.stop();
  });
});
