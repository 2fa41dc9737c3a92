import { createHash } from 'node:crypto';
import { decodeBlock, headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { expect } from 'chai';
import type { CommittedBlock } from '../seams.ts';
import { CHAINCODE, LedgerFixture, type Name } from './ledger.fixture.ts';
import { openLedger } from './ledger.ts';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

describe('The ledger', () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const put = (key: string, value: string) =>
    fixture.transact(['alpha'], (simulator) => simulator.putState(CHAINCODE, '', key, Buffer.from(value)));
  const get = (name: Name, key: string) => fixture.read(name, (s) => text(s.getState(CHAINCODE, '', key)));

  it('begins with the genesis block and chains the next ones to it', async () => {
    await fixture.commit(await put('k', 'v'), await put('l', 'v'));
    const blocks = [0, 1, 2].map((number) => decodeBlock(fixture.ledger.block(number)!));
    blocks.forEach(({ header, envelopes }, number) => {
      const before = blocks[number - 1];
      expect(header.previousHash).to.deep.equal(before ? headerHash(before.header) : Buffer.alloc(0));
      const data = createHash('sha256').update(Buffer.concat(envelopes)).digest();
      expect(header.dataHash).to.deep.equal(data);
      expect(fixture.ledger.blockNumberByHash(headerHash(header))).to.equal(number);
    });
    expect(fixture.ledger.block(3)).to.equal(undefined);
    expect(fixture.ledger.blockNumberByHash(Buffer.alloc(32))).to.equal(undefined);
    expect(fixture.ledger.info()).to.deep.equal({
      height: 3,
      currentBlockHash: headerHash(blocks[2]!.header),
      previousBlockHash: headerHash(blocks[1]!.header),
    });
  });

  it('signs its blocks as the orderer and keeps codes and a commit hash in them', async () => {
    await fixture.commit(await put('k', 'v'));
    const { metadata } = decodeBlock(fixture.ledger.block(2)!);
    expect(metadata).to.have.length(5);
    const [signatures, lastConfig, filter, orderer, commitHash] = metadata.map((entry) => entry);
    const signature = new Message(signatures!).message(2);
    expect(signature.message(1).bytes(1)).to.deep.equal(Buffer.from(fixture.orderer.creator));
    expect(new Message(lastConfig!).bytes(1)).to.have.length(0);
    expect(filter).to.deep.equal(Buffer.from([0]));
    expect(orderer).to.have.length(0);
    expect(new Message(commitHash!).bytes(1)).to.have.length(32);
  });

  it('publishes a block once it is on disk, with the same bytes to every peer and in order', async () => {
    const seen = new Map<Name, CommittedBlock[]>([
      ['alpha', []],
      ['gamma', []],
    ]);
    for (const [name, blocks] of seen) {
      fixture.ledger.subscribe(name, (block) => {
        expect(fixture.ledger.height(name)).to.equal(block.number + 1);
        expect(fixture.ledger.block(block.number)).to.deep.equal(block.bytes);
        blocks.push(block);
      });
    }
    const envelopes = [await put('a', '1'), await put('b', '2'), await put('c', '3')];
    const committed = await Promise.all(envelopes.map((envelope) => fixture.ledger.commit([envelope])));
    expect(seen.get('alpha')).to.deep.equal(committed);
    expect(seen.get('gamma')).to.deep.equal(committed);
    for (const { block, bytes, transactions } of committed) {
      expect(Buffer.from(block.serializeBinary())).to.deep.equal(Buffer.from(bytes));
      expect(fixture.ledger.transaction(transactions[0]!.txId)).to.deep.equal(transactions[0]);
    }
  });

  it('goes on without a listener that has ended or fails', async () => {
    let calls = 0;
    const warned = new Promise((resolve) => process.once('warning', resolve));
    fixture.ledger.subscribe('alpha', () => {
      throw new Error('a listener failed');
    });
    const end = fixture.ledger.subscribe('alpha', () => calls++);
    await fixture.commit(await put('k', 'v'));
    end();
    await fixture.commit(await put('k', 'w'));
    expect(calls).to.equal(1);
    expect(await warned).to.have.property('message', 'a listener failed');
  });

  it('shows a lagging peer the older state until its time is up', async () => {
    fixture.ledger.lag('beta', 60_000);
    await fixture.commit(await put('k', 'v'));
    expect([fixture.ledger.height('alpha'), fixture.ledger.height('beta')]).to.deep.equal([3, 2]);
    expect(await get('alpha', 'k')).to.equal('v');
    expect(await get('beta', 'k')).to.equal(undefined);
    const caughtUp = new Promise((resolve) => fixture.ledger.subscribe('beta', resolve));
    fixture.ledger.lag('beta', 1);
    await caughtUp;
    expect(await get('beta', 'k')).to.equal('v');
    fixture.ledger.lag('beta', 60_000);
    await fixture.commit(await put('k', 'w'));
    fixture.ledger.lag('beta', 0);
    expect(await get('beta', 'k')).to.equal('w');
  });

  it('goes on where it was after it was closed', async () => {
    await fixture.commit(await put('k', 'v'));
    const before = fixture.ledger.info();
    await fixture.reopen();
    expect(fixture.ledger.info()).to.deep.equal(before);
    expect(await get('gamma', 'k')).to.equal('v');
    expect(await fixture.commit(await put('k', 'w'))).to.deep.equal([0]);
  });

  it('finishes what it has begun when it is closed, and takes nothing after', async () => {
    const committing = fixture.ledger.commit([await put('k', 'v')]);
    const late = await put('late', 'v');
    await fixture.ledger.close();
    expect((await committing).number).to.equal(2);
    const refused = await fixture.ledger.commit([late]).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    expect(refused).to.equal('the ledger is closed');
    await fixture.reopen();
    expect(await get('alpha', 'k')).to.equal('v');
  });

  it('is not opened for a channel that began otherwise, nor twice', async () => {
    const other = await LedgerFixture.open();
    const open = ({ ledgerDir: dir }: LedgerFixture, { channel, organisations, orderer: signer }: LedgerFixture) =>
      openLedger({ dir, channel, organisations, signer, durable: false }).then(
        () => 'opened',
        (error: Error) => error.message,
      );
    try {
      expect(await open(fixture, fixture)).to.match(/cannot be opened.*lock/i);
      await fixture.ledger.close();
      expect(await open(fixture, other)).to.equal('the ledger began with another genesis block than channel testing');
    } finally {
      await other.close();
    }
  });
});
