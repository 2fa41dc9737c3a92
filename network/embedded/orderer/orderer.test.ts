import type { BatchConfig } from '@telemed-ledger/formats/channel/config-group.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { expect } from 'chai';
import { CHAINCODE, type Deviations, LedgerFixture } from '../ledger/ledger.fixture.ts';
import type { CommittedBlock, Orderer } from '../seams.ts';
import { BatchCutter } from './batch-cutter.ts';
import { createOrderer } from './orderer.ts';

const LIMITS: BatchConfig = { timeoutMs: 10, maxMessageCount: 3, preferredMaxBytes: 100, absoluteMaxBytes: 1000 };

describe('The batch cutter', () => {
  const envelope = (name: number) => Uint8Array.of(name);
  const cut = (...sizes: number[]) => {
    const cutter = new BatchCutter(LIMITS);
    const batches = sizes.flatMap((size, index) => cutter.add(envelope(index), size));
    return [...batches, cutter.cut()].map((batch) => batch.map(([name]) => name));
  };

  it('cuts by count', () => {
    expect(cut(1, 1, 1, 1)).to.deep.equal([[0, 1, 2], [3]]);
  });
  it('cuts before what would overflow', () => {
    expect(cut(60, 40, 1)).to.deep.equal([[0, 1], [2]]);
  });
  it('lets what is too large for a batch stand alone', () => {
    expect(cut(10, 101, 10)).to.deep.equal([[0], [1], [2]]);
    expect(cut(101)).to.deep.equal([[0], []]);
  });
});

describe('The orderer', () => {
  let fixture: LedgerFixture;
  let orderer: Orderer;
  let blocks: CommittedBlock[];
  const start = (batch: Partial<BatchConfig> = {}) => {
    const limits = { timeoutMs: 20, maxMessageCount: 10, preferredMaxBytes: 1_000_000, absoluteMaxBytes: 2_000_000 };
    const { channel, ledger } = fixture;
    orderer = createOrderer({ channel, ledger, batch: { ...limits, ...batch } });
  };
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
    blocks = [];
    fixture.ledger.subscribe('alpha', (block) => blocks.push(block));
  });
  afterEach(async () => {
    await orderer.close();
    await fixture.close();
  });

  const put = (key: string, deviations: Deviations = {}) =>
    fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', key, Buffer.from('v')), deviations);
  const nextBlock = () =>
    new Promise<CommittedBlock>((resolve) => {
      const end = fixture.ledger.subscribe('alpha', (block) => {
        end();
        resolve(block);
      });
    });

  it('answers before the block is there, and commits after the time limit', async () => {
    start();
    const block = nextBlock();
    expect(await orderer.broadcast(await put('k'))).to.deep.equal({ status: 200, info: '' });
    expect(blocks).to.have.length(0);
    expect((await block).transactions.map(({ code }) => code)).to.deep.equal([0]);
  });

  it('puts what comes within the time limit into one block, in order', async () => {
    start({ timeoutMs: 1000, maxMessageCount: 3 });
    const envelopes = [await put('a'), await put('b'), await put('c')];
    const block = nextBlock();
    for (const envelope of envelopes) await orderer.broadcast(envelope);
    const data = (await block).block.getData()!.getDataList_asU8();
    expect(data.map((each) => Buffer.from(each).equals(envelopes[data.indexOf(each)]!))).to.deep.equal([
      true,
      true,
      true,
    ]);
  });

  it('cuts and commits what is pending when it is closed', async () => {
    start({ timeoutMs: 60_000 });
    await orderer.broadcast(await put('k'));
    await orderer.close();
    expect(blocks).to.have.length(1);
    expect(await orderer.broadcast(await put('l'))).to.include({ status: 503 });
  });

  it('takes nothing while it is stopped and keeps what it had', async () => {
    start({ timeoutMs: 1 });
    await orderer.broadcast(await put('k'));
    orderer.stop(true);
    expect(await orderer.broadcast(await put('l'))).to.include({ status: 503 });
    expect(blocks).to.have.length(0);
    const block = nextBlock();
    orderer.stop(false);
    expect((await block).transactions).to.have.length(1);
  });

  const refusals: [title: string, envelope: () => Promise<Uint8Array> | Uint8Array, status: number, info: RegExp][] = [
    ['another channel', () => put('k', { channel: 'elsewhere' }), 400, /^channel does not exist$/],
    ['an empty message', () => encode([2, Buffer.from('signature')]), 400, /^Message was empty$/],
    [
      'a message over the limit',
      () => fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', 'k', Buffer.alloc(2_000_001))),
      400,
      /^message payload is \d+ bytes and exceeds maximum allowed 2000000 bytes$/,
    ],
    [
      'a bad signature',
      () => put('k', { signature: (right) => Buffer.from(right).fill(0, 10) }),
      403,
      /permission denied$/,
    ],
  ];
  for (const [title, envelope, status, info] of refusals) {
    it(`refuses ${title} with ${status}`, async () => {
      start();
      const answer = await orderer.broadcast(await envelope());
      expect(answer.status).to.equal(status);
      expect(answer.info).to.match(info);
    });
  }

  it('looks neither at endorsements nor at duplicates', async () => {
    start({ timeoutMs: 1000, maxMessageCount: 3 });
    const envelope = await put('k');
    const unendorsed = await put('k', { endorsement: (right) => Buffer.from(right).fill(0, 10) });
    const block = nextBlock();
    for (const each of [envelope, Buffer.from(envelope), unendorsed]) {
      expect((await orderer.broadcast(each)).status).to.equal(200);
    }
    expect((await block).transactions.map(({ code }) => code)).to.deep.equal([0, 9, 10]);
  });
});
