/**
 * Beyond the list: requests that the SDK never sends, and seeks of every kind. What is answered is compared between
 * networks.
 */
import { gateway, orderer, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { type Client, unary } from '../client.ts';
import { buildProposal, seekEnvelopeOf, signedProposal } from '../messages.ts';
import { CHANNEL } from '../network.ts';
import { failureOf, type Suite } from '../suite.ts';

const { SeekPosition, SeekInfo } = orderer;

const oldest = () => {
  const position = new SeekPosition();
  position.setOldest(new orderer.SeekOldest());
  return position;
};
const newest = () => {
  const position = new SeekPosition();
  position.setNewest(new orderer.SeekNewest());
  return position;
};
const nextCommit = () => {
  const position = new SeekPosition();
  position.setNextCommit(new orderer.SeekNextCommit());
  return position;
};
const at = (number: number) => {
  const specified = new orderer.SeekSpecified();
  specified.setNumber(number);
  const position = new SeekPosition();
  position.setSpecified(specified);
  return position;
};

export function requestCases(suite: () => Suite): void {
  describe('Beyond the list: requests', () => {
    /** Blocks (as offsets from the first one wanted or the tip) and the closing status of one seek. */
    const seek = (client: Client, info: orderer.SeekInfo, channel = CHANNEL) =>
      new Promise<(number | string)[]>((resolve, reject) => {
        const seen: (number | string)[] = [];
        const stream = client.deliver.deliver();
        const timer = setTimeout(() => finish('waits'), 400);
        const finish = (last: string) => {
          clearTimeout(timer);
          stream.cancel();
          resolve([...seen, last]);
        };
        stream.on('error', (error) => (seen.includes('over') ? undefined : reject(error)));
        stream.on('data', (response: peer.DeliverResponse) => {
          if (!response.hasBlock()) return finish(`status ${response.getStatus()}`);
          const block = response.getBlock()!;
          const size = block.getData()?.getDataList().length ?? 0;
          seen.push(block.getHeader()!.getNumber(), size > 0 ? 'with data' : 'header only');
        });
        stream.write(seekEnvelopeOf(client, info, channel));
      }).catch((error: Error) => [error.message]);

    it('A2 Seeks of every kind get the same blocks and statuses', async () => {
      const height = await suite().height();
      const tip = height - 1;
      const wanted = (
        start?: orderer.SeekPosition,
        stop?: orderer.SeekPosition,
        change?: (info: orderer.SeekInfo) => void,
      ) => {
        const info = new SeekInfo();
        if (start) info.setStart(start);
        if (stop) info.setStop(stop);
        info.setBehavior(SeekInfo.SeekBehavior.BLOCK_UNTIL_READY);
        change?.(info);
        return seek(suite().client(), info);
      };
      const failing = (info: orderer.SeekInfo) => info.setBehavior(SeekInfo.SeekBehavior.FAIL_IF_NOT_READY);
      const headers = (info: orderer.SeekInfo) => info.setContentType(SeekInfo.SeekContentType.HEADER_WITH_SIG);
      const found = {
        'from oldest to 1': await wanted(oldest(), at(1)),
        'from oldest to oldest': await wanted(oldest(), oldest()),
        'newest alone': await wanted(newest(), newest()),
        'from the tip to newest': await wanted(at(tip), newest()),
        'from the tip on': await wanted(at(tip), at(tip + 1000)),
        'past the tip, failing': await wanted(at(tip), at(tip + 1000), failing),
        'the next commit': await wanted(nextCommit(), at(tip + 1000)),
        'the next commit, failing': await wanted(nextCommit(), at(tip + 1000), failing),
        'to the next commit': await wanted(at(tip), nextCommit()),
        'at the height': await wanted(at(height), at(height + 1000)),
        'above the height': await wanted(at(height + 1), at(height + 1000)),
        backwards: await wanted(at(2), at(1)),
        'without a start': await wanted(undefined, at(1)),
        'without a stop': await wanted(at(0)),
        'without anything': await wanted(),
        'headers only': await wanted(at(1), at(2), headers),
        'the header of the first block': await wanted(at(0), at(0), headers),
        'of an unknown channel': await seek(suite().client(), new SeekInfo(), 'elsewhere'),
        'of no channel': await seek(suite().client(), new SeekInfo(), ''),
        'by a bystander': await seek(suite().bystander(), new SeekInfo()),
      };
      const relative = Object.fromEntries(
        Object.entries(found).map(([what, seen]) => [
          what,
          seen.map((each) => (typeof each === 'number' && each >= tip ? `tip + ${each - tip}` : each)),
        ]),
      );
      suite().observe('A2 seeks', relative);
      expect(relative['newest alone']).to.deep.equal(['tip + 0', 'with data', 'status 200']);
      expect(relative['backwards']).to.deep.equal(['status 400']);
      expect(relative['at the height']).to.deep.equal(['waits']);
      expect(relative['above the height']).to.deep.equal(['status 404']);
    });

    it('A3 Incomplete requests to the gateway are refused with the same words', async () => {
      const client = suite().client();
      const proposalWith = (change: (proposal: peer.Proposal) => void) => {
        const { bytes } = buildProposal(client, { chaincode: 'either', fn: 'get', arguments: ['x'] });
        const proposal = peer.Proposal.deserializeBinary(bytes);
        change(proposal);
        return signed(proposal.serializeBinary());
      };
      const signed = (bytes: Uint8Array) => signedProposal(bytes, client.sign(bytes));
      const built = (options: { chaincode?: string; channel?: string; epoch?: number }) =>
        signed(buildProposal(client, { chaincode: 'either', fn: 'get', arguments: ['x'], ...options }).bytes);
      const payloadWith = (invocation: peer.ChaincodeInvocationSpec) =>
        proposalWith((proposal) => {
          const payload = new peer.ChaincodeProposalPayload();
          payload.setInput(invocation.serializeBinary());
          proposal.setPayload(payload.serializeBinary());
        });
      const specWith = (change: (spec: peer.ChaincodeSpec) => void) => {
        const spec = new peer.ChaincodeSpec();
        change(spec);
        const invocation = new peer.ChaincodeInvocationSpec();
        invocation.setChaincodeSpec(spec);
        return payloadWith(invocation);
      };
      const garbage = Buffer.from([0xff, 0xff, 0xff]);
      const proposals: Record<string, peer.SignedProposal | undefined> = {
        'no proposal': undefined,
        'an empty proposal': new peer.SignedProposal(),
        'a garbled proposal': signed(garbage),
        'a garbled header': proposalWith((proposal) => proposal.setHeader(garbage)),
        'no header': proposalWith((proposal) => proposal.setHeader('')),
        'a garbled payload': proposalWith((proposal) => proposal.setPayload(garbage)),
        'no payload': proposalWith((proposal) => proposal.setPayload('')),
        'no channel': built({ channel: '' }),
        'an unknown channel': built({ channel: 'elsewhere' }),
        'no chaincode name': built({ chaincode: '' }),
        'an unknown chaincode': built({ chaincode: 'nowhere' }),
        'no chaincode specification': payloadWith(new peer.ChaincodeInvocationSpec()),
        'no chaincode id': specWith(() => {}),
        'no input': specWith((spec) => {
          const id = new peer.ChaincodeID();
          id.setName('either');
          spec.setChaincodeId(id);
        }),
        'no signature': signedProposal(
          buildProposal(client, { chaincode: 'either', fn: 'get', arguments: ['x'] }).bytes,
          new Uint8Array(),
        ),
        'a system chaincode': signed(
          buildProposal(client, { chaincode: 'qscc', fn: 'GetChainInfo', arguments: [CHANNEL] }).bytes,
        ),
      };
      for (const proposal of Object.values(proposals)) {
        const evaluate = new gateway.EvaluateRequest();
        evaluate.setChannelId(CHANNEL);
        if (proposal) evaluate.setProposedTransaction(proposal);
        const evaluation = unary<gateway.EvaluateRequest, gateway.EvaluateResponse>(
          client.gateway.evaluate.bind(client.gateway),
          evaluate,
        );
        const isQuery = proposal === proposals['a system chaincode'];
        if (isQuery) await evaluation;
        else await failureOf(evaluation);
        const endorse = new gateway.EndorseRequest();
        endorse.setChannelId(CHANNEL);
        if (proposal) endorse.setProposedTransaction(proposal);
        await failureOf(
          unary<gateway.EndorseRequest, gateway.EndorseResponse>(client.gateway.endorse.bind(client.gateway), endorse),
        );
        if (proposal && !isQuery) {
          const call = client.endorser.processProposal.bind(client.endorser);
          const answer = await unary<peer.SignedProposal, peer.ProposalResponse>(call, proposal).then(
            (response) => response.toObject(),
            (error: { code: number; details: string }) => [error.code, error.details],
          );
          suite().observeText(JSON.stringify(answer));
        }
      }
      const contract = suite().contract('qscc');
      for (const args of [
        [],
        ['GetBlockByNumber'],
        ['GetBlockByNumber', CHANNEL],
        ['GetBlockByNumber', CHANNEL, 'x'],
        ['Nothing', CHANNEL],
      ]) {
        const [fn = '', ...rest] = args;
        await failureOf(contract.evaluateTransaction(fn, ...rest));
      }
      for (const args of [['Nothing'], ['GetConfigBlock']]) {
        const [fn = '', ...rest] = args;
        await failureOf(
          suite()
            .contract('cscc')
            .evaluateTransaction(fn, ...rest),
        );
      }
      for (const fn of ['Nothing', 'QueryChaincodeDefinition', '']) {
        await failureOf(suite().contract('_lifecycle').evaluateTransaction(fn));
      }
    });

    it('A4 Incomplete requests for status and events are refused with the same words', async () => {
      const client = suite().client();
      const statusOf = (change: (request: gateway.CommitStatusRequest) => void, spoil = false) => {
        const request = new gateway.CommitStatusRequest();
        request.setTransactionId('e'.repeat(64));
        request.setChannelId(CHANNEL);
        request.setIdentity(client.creator);
        change(request);
        const signed = new gateway.SignedCommitStatusRequest();
        const bytes = request.serializeBinary();
        signed.setRequest(bytes);
        signed.setSignature(client.sign(spoil ? Buffer.from('other') : bytes));
        const call = client.gateway.commitStatus.bind(client.gateway);
        return unary<gateway.SignedCommitStatusRequest, gateway.CommitStatusResponse>(call, signed, {
          deadline: Date.now() + 500,
        });
      };
      await failureOf(statusOf((request) => request.setIdentity('')));
      await failureOf(statusOf((request) => request.setChannelId('')));
      await failureOf(statusOf((request) => request.setTransactionId('')));
      await failureOf(statusOf((request) => request.setIdentity(Buffer.from('nobody'))));
      await failureOf(statusOf(() => {}, true));
      const eventsOf = (change: (request: gateway.ChaincodeEventsRequest) => void) =>
        new Promise<never>((_, reject) => {
          const request = new gateway.ChaincodeEventsRequest();
          request.setChannelId(CHANNEL);
          request.setChaincodeId('either');
          request.setIdentity(client.creator);
          change(request);
          const bytes = request.serializeBinary();
          const signed = new gateway.SignedChaincodeEventsRequest();
          signed.setRequest(bytes);
          signed.setSignature(client.sign(bytes));
          client.gateway
            .chaincodeEvents(signed)
            .on('error', reject)
            .on('data', () => {});
          setTimeout(() => reject(new Error('waits')), 300);
        });
      await failureOf(eventsOf((request) => request.setStartPosition(oldest())));
      await failureOf(eventsOf((request) => request.setStartPosition(newest())));
      await failureOf(eventsOf((request) => request.setChannelId('')));
      await failureOf(eventsOf((request) => request.setChannelId('elsewhere')));
      await failureOf(eventsOf((request) => request.setChaincodeId('')));
      await failureOf(eventsOf((request) => request.setIdentity('')));
      await failureOf(eventsOf((request) => request.setIdentity(Buffer.from('nobody'))));
      expect([...suite().observed.keys()].filter((label) => label.startsWith('A4 failure'))).to.have.length.above(9);
    });
  });
}
