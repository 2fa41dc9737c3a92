/** Section 8, system: what the peers' own chaincodes answer (cases 91 to 94). */
import { common, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { headerHash } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import { failureOf, type Suite, take, textOf } from '../suite.ts';

const LAST_BLOCK = '18446744073709551615';

export function systemCases(suite: () => Suite): void {
  describe('System chaincodes', () => {
    const query = (fn: string, ...args: (string | Uint8Array)[]) =>
      suite()
        .contract('qscc')
        .evaluate(fn, { arguments: [CHANNEL, ...args] });
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const refusal = async (call: Promise<unknown>) => {
      const failure = await failureOf(call);
      expect(failure.code).to.equal(2);
      return textOf(failure);
    };
    const ANSWER = 'evaluate call to endorser returned error: chaincode response 500, ';

    it('91 qscc five functions (B for blocks)', async () => {
      const { txId, block: number } = await suite().put(suite().name('queried'), 'x');
      const stream = await suite()
        .client()
        .network.getBlockEvents({ startBlock: BigInt(number) });
      const [delivered] = await take(stream, () => true);
      const expected = hex(delivered!.serializeBinary());
      const hash = headerHash(delivered!.getHeader()!);
      const info = common.BlockchainInfo.deserializeBinary(await query('GetChainInfo'));
      expect(info.getHeight()).to.equal(number + 1);
      expect(hex(info.getCurrentblockhash_asU8())).to.equal(hash.toString('hex'));
      expect(hex(info.getPreviousblockhash_asU8())).to.equal(hex(delivered!.getHeader()!.getPreviousHash_asU8()));
      expect(hex(await query('GetBlockByNumber', String(number)))).to.equal(expected);
      expect(hex(await query('GetBlockByNumber', LAST_BLOCK))).to.equal(expected);
      expect(hex(await query('GetBlockByHash', hash))).to.equal(expected);
      expect(hex(await query('GetBlockByTxID', txId))).to.equal(expected);
      const transaction = peer.ProcessedTransaction.deserializeBinary(await query('GetTransactionByID', txId));
      expect(transaction.getValidationcode()).to.equal(0);
      expect(hex(transaction.getTransactionenvelope()!.serializeBinary())).to.equal(
        hex(delivered!.getData()!.getDataList_asU8()[0]!),
      );
    });

    it('92 qscc unknown txid and block → error text', async () => {
      const txId = 'd'.repeat(64);
      expect(await refusal(query('GetTransactionByID', txId))).to.equal(
        `${ANSWER}Failed to get transaction with id ${txId}, error no such transaction ID [${txId}] in index`,
      );
      const block = await refusal(query('GetBlockByNumber', '100000'));
      expect(block).to.contain(`${ANSWER}Failed to get block number 100000, error `);
      const byTxId = await refusal(query('GetBlockByTxID', txId));
      expect(byTxId).to.contain(`${ANSWER}Failed to get block for txID ${txId}, error `);
      const byHash = await refusal(query('GetBlockByHash', Buffer.alloc(32)));
      expect(byHash).to.contain(`${ANSWER}Failed to get block hash `);
      const elsewhere = await refusal(suite().contract('qscc').evaluateTransaction('GetChainInfo', 'elsewhere'));
      expect(elsewhere).to.equal(`${ANSWER}Invalid chain ID, elsewhere`);
      suite().observe('92 texts', [block, byTxId, byHash]);
    });

    it('93 cscc GetChannels by foreign client → denied', async () => {
      const own = await suite().contract('cscc').evaluateTransaction('GetChannels');
      const channels = peer.ChannelQueryResponse.deserializeBinary(own).getChannelsList();
      expect(channels.map((each) => each.getChannelId())).to.deep.equal([CHANNEL]);
      const contract = suite().visitor('org2', 'org1').network.getContract('cscc');
      const denied = await refusal(contract.evaluate('GetChannels', { endorsingOrganizations: ['Org1MSP'] }));
      expect(denied).to.contain('access denied for [GetChannels]');
      suite().observe('93 text', denied);
      const block = common.Block.deserializeBinary(
        await suite().contract('cscc').evaluateTransaction('GetConfigBlock', CHANNEL),
      );
      expect(hex(block.serializeBinary())).to.equal(hex((await suite().block(0)).serializeBinary()));
      const unknown = await refusal(suite().contract('cscc').evaluateTransaction('GetConfigBlock', 'elsewhere'));
      expect(unknown).to.contain(
        `${ANSWER}access denied for [GetConfigBlock][elsewhere]: Failed to get policy manager for channel [elsewhere]`,
      );
      const bystander = (chaincode: string) => suite().bystander().network.getContract(chaincode);
      const refused = [
        await refusal(bystander('cscc').evaluateTransaction('GetConfigBlock', CHANNEL)),
        await refusal(bystander('cscc').evaluateTransaction('GetChannels')),
        await refusal(bystander('qscc').evaluateTransaction('GetChainInfo', CHANNEL)),
        await refusal(bystander('_lifecycle').evaluateTransaction('QueryChaincodeDefinitions', '')),
      ];
      expect(refused.join()).to.contain("this policy requires 1 of the 'Readers' sub-policies to be satisfied");
      suite().observe('93 texts for a bystander', refused);
    });

    it('94 QueryChaincodeDefinition, known and unknown → result / 404', async () => {
      const definitionOf = (name: string) => {
        const query = new peer.lifecycle.QueryChaincodeDefinitionArgs();
        query.setName(name);
        const options = { arguments: [query.serializeBinary()] };
        return suite().contract('_lifecycle').evaluate('QueryChaincodeDefinition', options);
      };
      const found = peer.lifecycle.QueryChaincodeDefinitionResult.deserializeBinary(await definitionOf('either'));
      expect([found.getSequence(), found.getVersion()]).to.deep.equal([1, '1.0']);
      const collections = found.getCollections()!.getConfigList();
      expect(collections.map((each) => each.getStaticCollectionConfig()!.getName())).to.deep.equal([
        'shared',
        'open',
        'brief',
        'guarded',
        'outside',
      ]);
      const { approvalsMap, ...definition } = found.toObject();
      suite().observe('94 definition', { ...definition, approvals: [...approvalsMap].sort() });
      const failure = await failureOf(definitionOf('nowhere'));
      expect(failure.code).to.equal(2);
      expect(textOf(failure)).to.equal(
        'evaluate call to endorser returned error: chaincode response 404, namespace nowhere is not defined',
      );
      const all = await suite()
        .contract('_lifecycle')
        .evaluate('QueryChaincodeDefinitions', { arguments: [''] });
      const names = peer.lifecycle.QueryChaincodeDefinitionsResult.deserializeBinary(all)
        .getChaincodeDefinitionsList()
        .map((each) => each.getName());
      expect(names).to.have.members(['either', 'both', 'solo', 'callee']);
    });
  });
}
