import { status } from '@grpc/grpc-js';
import type { Contract } from '@hyperledger/fabric-gateway';
import { common, peer } from '@hyperledger/fabric-protos';
import { headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { expect } from 'chai';
import { BOTH, CHAINCODE, CHANNEL, contractOf, Fixture, failureOf } from '../fixtures/network.ts';

describe('A system chaincode', () => {
  let fixture: Fixture;
  let qscc: Contract;
  let cscc: Contract;
  let lifecycle: Contract;
  let txId: string;
  let blockNumber: bigint;

  before(async () => {
    fixture = await Fixture.start();
    const client = await fixture.client('alpha');
    [qscc, cscc, lifecycle] = ['qscc', 'cscc', '_lifecycle'].map((name) => contractOf(client, name)) as [
      Contract,
      Contract,
      Contract,
    ];
    const commit = await contractOf(client).submitAsync('put', { arguments: ['a', '1'], endorsingOrganizations: BOTH });
    txId = commit.getTransactionId();
    ({ blockNumber } = await commit.getStatus());
  });
  after(() => fixture.close());

  const failure = async (contract: Contract, name: string, ...args: string[]) =>
    (await failureOf(contract.evaluateTransaction(name, ...args))).cause.details;
  const info = async () =>
    common.BlockchainInfo.deserializeBinary(await qscc.evaluateTransaction('GetChainInfo', CHANNEL));
  const block = async (name: string, argument: string | Uint8Array) =>
    common.Block.deserializeBinary(await qscc.evaluate(name, { arguments: [CHANNEL, argument] }));

  it('tells the height and finds the last block by number, hash and transaction', async () => {
    const chain = await info();
    expect(BigInt(chain.getHeight())).to.equal(blockNumber + 1n);
    const byNumber = await block('GetBlockByNumber', String(blockNumber));
    expect(hashOf(byNumber.getHeader() as common.BlockHeader)).to.deep.equal(
      Buffer.from(chain.getCurrentblockhash_asU8()),
    );
    const found = [
      await block('GetBlockByNumber', '18446744073709551615'),
      await block('GetBlockByHash', chain.getCurrentblockhash_asU8()),
      await block('GetBlockByTxID', txId),
    ];
    for (const each of found) expect(each.toObject()).to.deep.equal(byNumber.toObject());
  });

  it('tells a transaction with its validation code', async () => {
    const bytes = await qscc.evaluateTransaction('GetTransactionByID', CHANNEL, txId);
    const processed = peer.ProcessedTransaction.deserializeBinary(bytes);
    expect(processed.getValidationcode()).to.equal(0);
    const payload = common.Payload.deserializeBinary(
      processed.getTransactionenvelope()?.getPayload_asU8() ?? new Uint8Array(),
    );
    const header = common.ChannelHeader.deserializeBinary(
      payload.getHeader()?.getChannelHeader_asU8() ?? new Uint8Array(),
    );
    expect(header.getTxId()).to.equal(txId);
  });

  it("says in Fabric's words what it does not find", async () => {
    expect(await failure(qscc, 'GetTransactionByID', CHANNEL, 'nothing')).to.contain(
      'Failed to get transaction with id nothing, error no such transaction ID [nothing] in index',
    );
    expect(await failure(qscc, 'GetBlockByNumber', CHANNEL, '999')).to.contain('Failed to get block number 999, error');
    expect(await failure(qscc, 'GetChainInfo', 'nowhere')).to.contain('Invalid chain ID, nowhere');
    expect(await failure(qscc, 'GetBlockByNumber', CHANNEL)).to.contain('missing 3rd argument for GetBlockByNumber');
  });

  it("lists channels to the organisation's own clients only", async () => {
    const channels = peer.ChannelQueryResponse.deserializeBinary(await cscc.evaluateTransaction('GetChannels'));
    expect(channels.getChannelsList().map((each) => each.getChannelId())).to.deep.equal([CHANNEL]);
    const { mspId, ca } = fixture.organisation('beta');
    const foreign = contractOf(await fixture.client('alpha', { mspId, identity: await ca.issue() }), 'cscc');
    const refused = await failureOf(foreign.evaluate('GetChannels', { endorsingOrganizations: ['AlphaMSP'] }));
    expect(refused.code).to.equal(status.UNKNOWN);
    expect(refused.cause.details).to.contain('access denied for [GetChannels]');
  });

  it('gives the configuration', async () => {
    const config = common.Config.deserializeBinary(await cscc.evaluateTransaction('GetChannelConfig', CHANNEL));
    const groups = config.getChannelGroup()?.getGroupsMap().get('Application')?.getGroupsMap();
    expect([...(groups?.keys() ?? [])].sort()).to.deep.equal(['AlphaMSP', 'BetaMSP', 'GammaMSP']);
    const genesis = common.Block.deserializeBinary(await cscc.evaluateTransaction('GetConfigBlock', CHANNEL));
    expect(genesis.getHeader()?.getNumber()).to.equal(0);
    expect(await failure(cscc, 'GetConfigBlock', 'nowhere')).to.contain(
      'Failed to get policy manager for channel [nowhere]',
    );
  });

  it('describes a committed chaincode and answers 404 for another', async () => {
    const query = async (name: string) => {
      const message = new peer.lifecycle.QueryChaincodeDefinitionArgs();
      message.setName(name);
      return lifecycle.evaluate('QueryChaincodeDefinition', { arguments: [message.serializeBinary()] });
    };
    const result = peer.lifecycle.QueryChaincodeDefinitionResult.deserializeBinary(await query(CHAINCODE));
    expect([result.getSequence(), result.getVersion()]).to.deep.equal([1, '1.0']);
    const names = result
      .getCollections()
      ?.getConfigList()
      .map((each) => each.getStaticCollectionConfig()?.getName());
    expect(names).to.deep.equal(['shared', 'open']);
    expect((await failureOf(query('nothing'))).cause.details).to.contain(
      'chaincode response 404, namespace nothing is not defined',
    );
  });

  it('cannot be endorsed', async () => {
    const failed = await failureOf(qscc.submitTransaction('GetChainInfo', CHANNEL));
    expect(failed.code).to.equal(status.FAILED_PRECONDITION);
  });
});

function hashOf(header: common.BlockHeader): Buffer {
  return headerHash({
    number: header.getNumber(),
    previousHash: Buffer.from(header.getPreviousHash_asU8()),
    dataHash: Buffer.from(header.getDataHash_asU8()),
  });
}
