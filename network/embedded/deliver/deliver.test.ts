import { status } from '@grpc/grpc-js';
import { type CloseableAsyncIterable, type Contract, checkpointers, type Network } from '@hyperledger/fabric-gateway';
import { common, type ledger, type peer } from '@hyperledger/fabric-protos';
import { headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { expect } from 'chai';
import { sha256 } from '../fixtures/client.ts';
import { BOTH, CHAINCODE, CHANNEL, Fixture, failureOf } from '../fixtures/network.ts';
import { fixtureAuthority } from '../identity/authority.fixture.ts';

describe('Events', () => {
  let fixture: Fixture;
  let network: Network;
  let contract: Contract;
  let height: number;

  before(async () => {
    fixture = await Fixture.start();
    network = (await fixture.client('alpha')).gateway.getNetwork(CHANNEL);
    contract = network.getContract(CHAINCODE);
    for (const name of ['first', 'second', 'third']) await submit('event', `about-${name}`, 'ignored', name);
    await putPrivate('shared', 'k1', 'members only');
    await putPrivate('open', 'k2', 'for every reader of a member peer');
    await submit('put', 'silent', 'x');
    height = await currentHeight();
  });
  after(() => fixture.close());

  const submit = (name: string, ...args: string[]) =>
    contract.submit(name, { arguments: args, endorsingOrganizations: BOTH });
  const putPrivate = (collection: string, key: string, value: string) =>
    contract.submit('putPrivate', {
      arguments: [collection, key],
      transientData: { value },
      endorsingOrganizations: BOTH,
    });
  const currentHeight = async () => {
    const qscc = network.getContract('qscc');
    const info = common.BlockchainInfo.deserializeBinary(await qscc.evaluateTransaction('GetChainInfo', CHANNEL));
    return info.getHeight();
  };
  const blocksFrom = (start: bigint, count: number) => take(network.getBlockEvents({ startBlock: start }), count);
  const privateBlocks = async (name: 'alpha' | 'beta' | 'gamma', as: 'alpha' | 'beta' | 'gamma') => {
    const { mspId, ca } = fixture.organisation(as);
    const client = await fixture.client(name, { mspId, identity: await ca.issue() });
    const events = client.gateway.getNetwork(CHANNEL).getBlockAndPrivateDataEvents({ startBlock: 0n });
    const blocks = await take(events, height);
    return blocks.flatMap((block) => collectionsOf(block)).sort();
  };

  it('of blocks chain, and their data hash recomputes', async () => {
    const blocks = await blocksFrom(0n, height);
    let previous: Uint8Array = Buffer.alloc(0);
    for (const [number, block] of blocks.entries()) {
      const header = block.getHeader() as common.BlockHeader;
      expect(header.getNumber()).to.equal(number);
      expect(Buffer.from(header.getPreviousHash_asU8())).to.deep.equal(previous);
      expect(Buffer.from(header.getDataHash_asU8())).to.deep.equal(
        sha256(...(block.getData()?.getDataList_asU8() ?? [])),
      );
      previous = hashOf(header);
    }
  });

  it('of filtered blocks name transactions, codes and events without payload, invalid ones too', async () => {
    const transaction = await contract
      .newProposal('event', { arguments: ['lonely', 'told'], endorsingOrganizations: ['AlphaMSP'] })
      .endorse();
    const { code, blockNumber } = await (await transaction.submit()).getStatus();
    expect(code).to.equal(10);
    const [filtered] = await take(network.getFilteredBlockEvents({ startBlock: blockNumber }), 1);
    const found = filtered
      ?.getFilteredTransactionsList()
      .find((each) => each.getTxid() === transaction.getTransactionId());
    expect(found?.getTxValidationCode()).to.equal(10);
    const [action] = found?.getTransactionActions()?.getChaincodeActionsList() ?? [];
    expect(action?.getChaincodeEvent()?.toObject()).to.deep.equal({
      chaincodeId: CHAINCODE,
      txId: transaction.getTransactionId(),
      eventName: 'told',
      payload: '',
    });
    const events = await network.getChaincodeEvents(CHAINCODE, { startBlock: blockNumber });
    await submit('event', 'after', 'valid');
    const [next] = await takeFrom(events, 1);
    expect(next?.eventName).to.equal('valid');
  });

  it('of private data show members what the peer stored, and others what is open to every reader', async () => {
    expect(await privateBlocks('alpha', 'alpha')).to.deep.equal([`${CHAINCODE}/open`, `${CHAINCODE}/shared`]);
    expect(await privateBlocks('beta', 'alpha')).to.deep.equal([`${CHAINCODE}/open`, `${CHAINCODE}/shared`]);
    expect(await privateBlocks('alpha', 'gamma')).to.deep.equal([`${CHAINCODE}/open`]);
    expect(await privateBlocks('gamma', 'gamma')).to.deep.equal([]);
  });

  it('of a chaincode come in order, from a block and after a transaction', async () => {
    const [first, second, third] = await takeFrom(await network.getChaincodeEvents(CHAINCODE, { startBlock: 0n }), 3);
    expect([first, second, third].map((event) => event?.eventName)).to.deep.equal(['first', 'second', 'third']);
    expect(Buffer.from(first?.payload ?? []).toString()).to.equal('about about-first');
    const checkpoint = checkpointers.inMemory();
    checkpoint.checkpointChaincodeEvent(first as NonNullable<typeof first>);
    const [resumed] = await takeFrom(await network.getChaincodeEvents(CHAINCODE, { checkpoint }), 1);
    expect(resumed).to.deep.equal(second);
  });

  it('resume from a checkpoint of blocks', async () => {
    const checkpoint = checkpointers.inMemory();
    checkpoint.checkpointBlock(1n);
    const [block] = await take(network.getBlockEvents({ checkpoint }), 1);
    expect(block?.getHeader()?.getNumber()).to.equal(2);
  });

  it('wait for the next block, and a chaincode event for one far ahead', async () => {
    const live = network.getBlockEvents();
    const events = await network.getChaincodeEvents(CHAINCODE, { startBlock: BigInt(height + 100) });
    const pending = take(live, 1);
    const silent = events[Symbol.asyncIterator]().next();
    await submit('event', 'now', 'live');
    const [block] = await pending;
    expect(block?.getData()?.getDataList()).to.have.length(1);
    const outcome = await Promise.race([silent, new Promise((resolve) => setImmediate(() => resolve('waiting')))]);
    expect(outcome).to.equal('waiting');
    events.close();
    await failureOf(silent);
  });

  it('of blocks that are too far ahead, of outsiders and of unknown channels end with a status', async () => {
    const ahead = await failureOf(blocksFrom(BigInt(height + 1000), 1));
    expect(ahead.message).to.equal('Unexpected status response: 404');
    const identity = await (await fixtureAuthority('ca.alpha')).issue();
    const outsider = (await fixture.client('alpha', { identity })).gateway;
    const refused = await failureOf(take(outsider.getNetwork(CHANNEL).getBlockEvents({ startBlock: 0n }), 1));
    expect(refused.message).to.equal('Unexpected status response: 403');
    const elsewhere = await failureOf(take(outsider.getNetwork('nowhere').getBlockEvents({ startBlock: 0n }), 1));
    expect(elsewhere.message).to.equal('Unexpected status response: 404');
    const events = await outsider.getNetwork(CHANNEL).getChaincodeEvents(CHAINCODE);
    expect((await failureOf(events[Symbol.asyncIterator]().next())).code).to.equal(status.PERMISSION_DENIED);
  });

  it('end when their peer is dropped', async () => {
    const iterator = (await network.getBlockEvents())[Symbol.asyncIterator]();
    const pending = failureOf(iterator.next());
    await currentHeight();
    fixture.network.drop('alpha', true);
    expect((await pending).code).to.equal(status.UNAVAILABLE);
    fixture.network.drop('alpha', false);
    expect(await blocksFrom(0n, 2)).to.have.length(2);
  });

  it('survive a client that reads slowly', async () => {
    const events = await network.getBlockAndPrivateDataEvents({ startBlock: 0n });
    await contract.submit('putManyPrivate', {
      arguments: ['shared', 'much-', '300'],
      transientData: { value: 'v'.repeat(10_000) },
      endorsingOrganizations: BOTH,
    });
    const tip = await currentHeight();
    const blocks = await takeFrom(events, tip);
    const last = blocks.at(-1);
    expect(last?.getBlock()?.getHeader()?.getNumber()).to.equal(tip - 1);
    expect(collectionsOf(last as peer.BlockAndPrivateData)).to.deep.equal([`${CHAINCODE}/shared`]);
  });
});

/** `chaincode/collection` of the private data that came with a block. */
function collectionsOf(block: peer.BlockAndPrivateData): string[] {
  const found: string[] = [];
  block.getPrivateDataMapMap().forEach((set: ledger.rwset.TxPvtReadWriteSet) => {
    for (const namespace of set.getNsPvtRwsetList()) {
      for (const collection of namespace.getCollectionPvtRwsetList()) {
        found.push(`${namespace.getNamespace()}/${collection.getCollectionName()}`);
      }
    }
  });
  return found;
}

async function take<T>(opening: Promise<CloseableAsyncIterable<T>>, count: number): Promise<T[]> {
  return takeFrom(await opening, count);
}

async function takeFrom<T>(events: CloseableAsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  try {
    for await (const event of events) {
      taken.push(event);
      if (taken.length === count) break;
    }
    return taken;
  } finally {
    events.close();
  }
}

function hashOf(header: common.BlockHeader): Buffer {
  return headerHash({
    number: header.getNumber(),
    previousHash: Buffer.from(header.getPreviousHash_asU8()),
    dataHash: Buffer.from(header.getDataHash_asU8()),
  });
}
