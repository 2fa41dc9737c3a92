/** What a peer obtains later than its block is asked for again, a block at a time, and seldom where it does not come. */
import { status } from '@grpc/grpc-js';
import { GatewayError } from '@hyperledger/fabric-gateway';
import type { peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { until } from '../consortium.fixture.ts';
import { FixtureIndex, recordWrites, silent } from '../index/index.fixture.ts';
import { fixtureBlock, withheld } from './block.fixture.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { LateData, type Pace } from './late-data.ts';

const tooLarge = Object.assign(Object.create(GatewayError.prototype) as GatewayError, {
  code: status.RESOURCE_EXHAUSTED,
  message: '8 RESOURCE_EXHAUSTED: Sent message larger than max (144034050 vs. 104857600)',
});

describe('private data that the peer obtains late', () => {
  /** Each two values: a sheet and its content. */
  const records = Array.from({ length: 5 }, () => recordWrites('Patient', {}));
  const chain: peer.BlockAndPrivateData[] = [];
  for (const record of records) chain.push(fixtureBlock(chain.length, [{ privateWrites: record }], chain.at(-1)));

  let fixture: FixtureIndex;
  let late: LateData;
  let asked: { block: number; at: number }[];
  /** Blocks of which the peer lacks the private data, and blocks that are too large to be delivered with it. */
  let lacking: Set<number>;
  let oversized: Set<number>;
  let open: number;

  const network = {
    getBlockAndPrivateDataEvents: async ({ startBlock }: { startBlock: bigint }) => {
      const number = Number(startBlock);
      asked.push({ block: number, at: Date.now() });
      open += 1;
      async function* deliver() {
        if (oversized.has(number)) throw tooLarge;
        for (const [at, block] of chain.entries()) if (at >= number) yield withheld(block, () => lacking.has(at));
      }
      const close = (): void => {
        open -= 1;
      };
      return Object.assign(deliver(), { close });
    },
  };

  beforeEach(async () => {
    fixture = await FixtureIndex.open();
    [asked, open] = [[], 0];
    [lacking, oversized] = [new Set(chain.keys()), new Set()];
  });
  afterEach(async () => {
    await late.stop();
    await fixture.close();
  });

  async function start(pace: Partial<Pace>): Promise<void> {
    for (const [at, block] of chain.entries()) await fixture.apply(withheld(block, () => lacking.has(at)));
    late = new LateData({
      connection: { network: () => network } as unknown as LedgerConnection,
      identity: async () => ({}) as Enrolled,
      scope: { chaincode: 'telemed', collections: new Set(['care_hospital']) },
      sink: fixture.projector,
      log: silent,
      pace,
    });
    late.start();
  }
  const held = async (): Promise<number> => (await fixture.index.search({ type: 'Patient', count: 9 })).total ?? 0;

  it('comes into the read model by itself, and is counted until then', async () => {
    lacking.delete(0);
    await start({ firstMs: 5 });
    await until(() => fixture.projector.lacks() === 8);
    const arrived: number[] = [];
    late.on('block', ({ number }) => arrived.push(number));
    lacking.delete(3);
    await until(() => fixture.projector.lacks() === 6);
    expect([await held(), arrived]).to.deep.equal([2, [3]]);
    lacking.clear();
    await until(() => fixture.projector.lacks() === 0);
    expect(await held()).to.equal(5);
    await late.stop();
    expect(open, 'streams left open').to.equal(0);
  });

  it('is asked for block by block as soon as one has come, however long the others are to wait', async () => {
    await start({ firstMs: 2_000, longestMs: 2_000 });
    await until(() => asked.length >= 5, 10_000);
    lacking.clear();
    const before = asked.length;
    await until(() => fixture.projector.lacks() === 0, 10_000);
    const [first, last] = [asked[before]!, asked.at(-1)!];
    expect(last.at - first.at).to.be.lessThan(1_000);
  });

  it('is waited for the longer the longer it has not come', async () => {
    lacking = new Set([2]);
    await start({ firstMs: 10, longestMs: 100_000 });
    await until(() => asked.length > 25, 20_000);
    const times = asked.map(({ at }) => at);
    const pauses = times.slice(1).map((at, index) => at - times[index]!);
    expect(Math.max(...pauses.slice(-5))).to.be.greaterThan(2 * pauses[0]!);
  });

  it('is asked for seldom where a block cannot be delivered with it, and taken when it can', async () => {
    [lacking, oversized] = [new Set([1]), new Set([1])];
    await start({ firstMs: 5, oversizedMs: 300 });
    await until(() => asked.length === 2);
    expect(asked[1]!.at - asked[0]!.at).to.be.greaterThan(250);
    lacking.clear();
    oversized.clear();
    await until(() => fixture.projector.lacks() === 0);
    expect(await held()).to.equal(5);
  });
});
