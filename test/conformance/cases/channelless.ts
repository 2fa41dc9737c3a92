/**
 * Beyond the list: proposals that name no channel, as the `peer` command sends them to a peer's own chaincodes. Answers
 * and refusals are compared between networks.
 */
import { common, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { type Client, unary } from '../client.ts';
import { buildProposal, signedProposal } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import type { Suite } from '../suite.ts';

type Argument = string | Uint8Array;
const { lifecycle } = peer;

export function channellessCases(suite: () => Suite): void {
  describe('Beyond the list: proposals without a channel', () => {
    const send = (client: Client, chaincode: string, asked: Argument[], at?: Date) => {
      const [fn, ...args] = asked;
      const options = { chaincode, fn: String(fn), arguments: args, channel: '', ...(at ? { at } : {}) };
      const { bytes } = buildProposal(client, options);
      const call = client.endorser.processProposal.bind(client.endorser);
      return unary<peer.SignedProposal, peer.ProposalResponse>(call, signedProposal(bytes, client.sign(bytes)));
    };
    const payloadOf = (response: peer.ProposalResponse) => {
      expect(response.getResponse()?.getStatus(), response.getResponse()?.getMessage()).to.equal(200);
      return response.getResponse()?.getPayload_asU8() ?? new Uint8Array();
    };

    it('A5 Proposals without a channel are answered by the peer for itself', async () => {
      const client = suite().client();
      const administrator = suite().client('org1', 'admin');
      const listed = await send(client, 'cscc', ['GetChannels']);
      const channels = peer.ChannelQueryResponse.deserializeBinary(payloadOf(listed)).getChannelsList();
      expect(channels.map((channel) => channel.getChannelId())).to.deep.equal([CHANNEL]);
      suite().observe('A5 nothing is endorsed', {
        version: listed.getVersion(),
        payload: listed.getPayload_asU8().length,
        endorsed: listed.hasEndorsement(),
      });
      const info = payloadOf(await send(client, 'qscc', ['GetChainInfo', CHANNEL]));
      expect(common.BlockchainInfo.deserializeBinary(info).getHeight()).to.equal(await suite().height());
      const config = common.Config.deserializeBinary(
        payloadOf(await send(client, 'cscc', ['GetChannelConfig', CHANNEL])),
      );
      expect(config.getChannelGroup()?.getGroupsMap().has('Orderer')).to.equal(true);
      const question = ['QueryInstalledChaincodes', new lifecycle.QueryInstalledChaincodesArgs().serializeBinary()];
      const installed = lifecycle.QueryInstalledChaincodesResult.deserializeBinary(
        payloadOf(await send(administrator, '_lifecycle', question)),
      ).getInstalledChaincodesList();
      const seen = installed.map((each) => [
        each.getLabel(),
        each.getPackageId().startsWith(`${each.getLabel()}:`),
        [...each.getReferencesMap().entries()].map(([channel, references]) => [
          channel,
          references
            .getChaincodesList()
            .map((chaincode) => `${chaincode.getName()} ${chaincode.getVersion()}`)
            .sort(),
        ]),
      ]);
      suite().observe('A5 installed', seen.sort());
    });

    it('A6 Proposals without a channel that cannot be answered are refused with the same words', async () => {
      const client = suite().client();
      const administrator = suite().client('org1', 'admin');
      const unknown = new lifecycle.QueryInstalledChaincodeArgs();
      unknown.setPackageId('nothing:1');
      const noPackage = new lifecycle.GetInstalledChaincodePackageArgs();
      noPackage.setPackageId('nothing:1');
      const asked: [Client, string, Argument[]][] = [
        [suite().visitor('org2', 'org1'), 'cscc', ['GetChannels']],
        [suite().bystander(), 'cscc', ['GetChannels']],
        [client, 'cscc', ['GetConfigBlock']],
        [client, 'cscc', ['GetConfigBlock', '']],
        [client, 'cscc', ['GetChannelConfig', '']],
        [client, 'cscc', ['GetChannelConfig', 'elsewhere']],
        [client, 'cscc', ['Nothing', 'x']],
        [client, 'qscc', ['GetChainInfo']],
        [client, 'qscc', ['GetChainInfo', '']],
        [client, 'qscc', ['GetBlockByNumber', CHANNEL]],
        [client, 'qscc', ['Nothing', CHANNEL, 'x']],
        [client, '_lifecycle', ['QueryInstalledChaincodes', '']],
        [client, '_lifecycle', ['QueryInstalledChaincodes']],
        [client, '_lifecycle', ['QueryChaincodeDefinitions', '']],
        [administrator, '_lifecycle', ['QueryChaincodeDefinitions', '']],
        [administrator, '_lifecycle', ['Nothing', '']],
        [administrator, '_lifecycle', ['QueryInstalledChaincode', unknown.serializeBinary()]],
        [administrator, '_lifecycle', ['GetInstalledChaincodePackage', noPackage.serializeBinary()]],
        [client, 'either', ['get', 'x']],
        [client, 'nowhere', ['get', 'x']],
      ];
      for (const [by, chaincode, args] of asked) {
        const answer = await send(by, chaincode, args).then(
          (response) => [response.getResponse()?.getStatus(), response.getResponse()?.getMessage()],
          (error: { code: number; details: string }) => [error.code, error.details],
        );
        expect(answer[0], `${chaincode} ${args[0]}`).not.to.equal(200);
        suite().observeText(JSON.stringify([chaincode, String(args[0]), ...answer]));
      }
      for (const minutes of [-16, 16]) {
        const at = new Date(Date.now() + minutes * 60_000);
        const answer = await send(client, 'cscc', ['GetChannels'], at).catch((error: { details: string }) => error);
        suite().observeText((answer as { details: string }).details);
      }
    });
  });
}
