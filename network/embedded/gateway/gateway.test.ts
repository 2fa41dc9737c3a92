import { status } from '@grpc/grpc-js';
import type { Contract } from '@hyperledger/fabric-gateway';
import { common, peer, gateway as protos } from '@hyperledger/fabric-protos';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { expect } from 'chai';
import { sha256 } from '../fixtures/client.ts';
import { BOTH, contractOf, Fixture, failureOf, text } from '../fixtures/network.ts';
import { fixtureAuthority } from '../identity/authority.fixture.ts';

describe('The gateway service', () => {
  let fixture: Fixture;
  let alpha: Contract;

  before(async () => {
    fixture = await Fixture.start();
    alpha = await fixture.contract('alpha');
  });
  after(() => fixture.close());

  const submit = (contract: Contract, name: string, ...args: string[]) =>
    contract.submit(name, { arguments: args, endorsingOrganizations: BOTH });
  const denied = 'error validating proposal: access denied: channel [testing] creator org [AlphaMSP]';

  describe('evaluates', () => {
    it('a function that writes, and changes nothing', async () => {
      await alpha.evaluateTransaction('put', 'evaluated', 'x');
      expect(text(await alpha.evaluateTransaction('get', 'evaluated'))).to.equal('');
    });

    it('on the organisation that is asked for', async () => {
      const { network } = fixture;
      network.drop('alpha', true);
      network.drop('alpha', false);
      const answer = await alpha
        .evaluate('invoke', {
          arguments: ['missing', '', 'get', 'a'],
          endorsingOrganizations: ['BetaMSP'],
        })
        .catch((error) => error);
      expect(answer.details[0]).to.include({ mspId: 'BetaMSP', address: network.endpoints['beta'] });
    });

    it('and tells a chaincode error with its status, its text and the peer', async () => {
      const failed = await failureOf(alpha.evaluateTransaction('fail', 'no luck'));
      expect(failed.code).to.equal(status.UNKNOWN);
      expect(failed.cause.details).to.equal(
        'evaluate call to endorser returned error: chaincode response 500, no luck',
      );
      expect(failed.details).to.deep.equal([
        {
          address: fixture.network.endpoints['alpha'],
          mspId: 'AlphaMSP',
          message: 'chaincode response 500, no luck',
        },
      ]);
      const missing = await failureOf(alpha.evaluateTransaction('answer', '404', 'nothing there'));
      expect(missing.cause.details).to.contain('chaincode response 404, nothing there');
    });

    it('no unknown chaincode and no unknown channel', async () => {
      const client = await fixture.client('alpha');
      const chaincode = await failureOf(contractOf(client, 'nothing').evaluateTransaction('get', 'a'));
      expect(chaincode.code).to.equal(status.FAILED_PRECONDITION);
      expect(chaincode.cause.details).to.equal('no peers available to evaluate chaincode nothing in channel testing');
      const elsewhere = client.gateway.getNetwork('nowhere').getContract('basic');
      const channel = await failureOf(elsewhere.evaluateTransaction('get', 'a'));
      expect(channel.code).to.equal(status.UNAVAILABLE);
      expect(channel.cause.details).to.equal(
        'failed to get config for channel [nowhere]: could not get last config for channel nowhere',
      );
    });
  });

  describe('endorses', () => {
    it('with one peer of each organisation that is named', async () => {
      const transaction = await alpha
        .newProposal('put', { arguments: ['e', '1'], endorsingOrganizations: BOTH })
        .endorse();
      const envelope = protos.PreparedTransaction.deserializeBinary(transaction.getBytes()).getEnvelope();
      const { action, endorsers } = unpack(envelope?.getPayload_asU8() ?? new Uint8Array());
      expect(endorsers).to.have.length(2);
      expect(action.getChaincodeId()?.toObject()).to.deep.equal({ path: '', name: 'basic', version: '1.0' });
      expect(action.getResponse()?.getStatus()).to.equal(200);
    });

    it('and puts the hash of what is signed into the response, transient data left out', async () => {
      const proposal = alpha.newProposal('putPrivate', {
        arguments: ['shared', 'transient'],
        transientData: { value: 'must not be seen' },
        endorsingOrganizations: BOTH,
      });
      const transaction = await proposal.endorse();
      expect(Buffer.from(transaction.getBytes()).includes('must not be seen')).to.equal(false);
      const signed = protos.ProposedTransaction.deserializeBinary(proposal.getBytes()).getProposal();
      const proposed = peer.Proposal.deserializeBinary(signed?.getProposalBytes_asU8() ?? new Uint8Array());
      const header = common.Header.deserializeBinary(proposed.getHeader_asU8());
      const payload = peer.ChaincodeProposalPayload.deserializeBinary(proposed.getPayload_asU8());
      payload.clearTransientmapMap();
      const expected = sha256(
        header.getChannelHeader_asU8(),
        header.getSignatureHeader_asU8(),
        payload.serializeBinary(),
      );
      const envelope = protos.PreparedTransaction.deserializeBinary(transaction.getBytes()).getEnvelope();
      expect(unpack(envelope?.getPayload_asU8() ?? new Uint8Array()).proposalHash).to.deep.equal(expected);
      await (await transaction.submit()).getStatus();
    });

    it('not where peers answer differently', async () => {
      const failed = await failureOf(submit(alpha, 'random', 'r'));
      expect(failed.code).to.equal(status.ABORTED);
      expect(failed.cause.details).to.equal(
        'failed to collect enough transaction endorsements, see attached details for more info',
      );
      expect(failed.details.map(({ message }) => message)).to.deep.equal(['ProposalResponsePayloads do not match']);
    });

    it('not what the chaincode refuses, and tells each peer that refused', async () => {
      const failed = await failureOf(submit(alpha, 'fail', 'not today'));
      expect(failed.code).to.equal(status.ABORTED);
      expect(failed.details).to.have.deep.members(
        ['alpha', 'beta'].map((name) => ({
          address: fixture.network.endpoints[name],
          mspId: fixture.organisation(name).mspId,
          message: 'chaincode response 500, not today',
        })),
      );
    });

    it('not for organisations without a peer', async () => {
      const failed = await failureOf(
        alpha.submit('put', { arguments: ['e', '1'], endorsingOrganizations: ['AlphaMSP', 'OtherMSP', 'NoneMSP'] }),
      );
      expect(failed.code).to.equal(status.UNAVAILABLE);
      expect(failed.cause.details).to.equal('failed to find any endorsing peers for org(s): OtherMSP, NoneMSP');
    });

    it('with as many organisations as the policy asks for where none is named', async () => {
      const transaction = await alpha.newProposal('put', { arguments: ['planned', '1'] }).endorse();
      const envelope = protos.PreparedTransaction.deserializeBinary(transaction.getBytes()).getEnvelope();
      expect(unpack(envelope?.getPayload_asU8() ?? new Uint8Array()).endorsers).to.have.length(2);
      expect((await (await transaction.submit()).getStatus()).code).to.equal(0);
    });

    it('no unknown chaincode where none is named', async () => {
      const unknown = contractOf(await fixture.client('alpha'), 'nothing');
      const failed = await failureOf(unknown.submitTransaction('put', 'a', 'b'));
      expect(failed.code).to.equal(status.FAILED_PRECONDITION);
      expect(failed.cause.details).to.contain('No metadata was found for chaincode nothing in channel testing');
    });

    it('too few organisations without a word, which the commit then refuses', async () => {
      const failed = await failureOf(
        alpha.submit('put', { arguments: ['few', '1'], endorsingOrganizations: ['AlphaMSP'] }),
      );
      expect(failed).to.include({ name: 'CommitError', code: 10 });
    });
  });

  describe('turns away', () => {
    it('an identity of another CA under a known MSP id, everywhere', async () => {
      const identity = await (await fixtureAuthority('ca.alpha')).issue();
      const outsider = await fixture.contract('alpha', { identity });
      const evaluated = await failureOf(outsider.evaluateTransaction('get', 'a'));
      expect(evaluated.code).to.equal(status.FAILED_PRECONDITION);
      expect(evaluated.cause.details).to.equal(`evaluate call to endorser returned error: ${denied}`);
      const endorsed = await failureOf(submit(outsider, 'put', 'a', 'b'));
      expect(endorsed.code).to.equal(status.ABORTED);
      expect(endorsed.details.map(({ message }) => message)).to.have.members([
        denied,
        `rpc error: code = Unknown desc = ${denied}`,
      ]);
    });

    it('an altered signature and one with a high S', async () => {
      const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
      const highS = (signature: Buffer) => {
        const length = signature[3] ?? 0;
        const s = BigInt(`0x${signature.subarray(6 + length).toString('hex')}`);
        const high = Buffer.from(`00${(order - s).toString(16).padStart(64, '0')}`, 'hex');
        const body = Buffer.concat([signature.subarray(2, 4 + length), Buffer.from([2, high.length]), high]);
        return Buffer.concat([Buffer.from([0x30, body.length]), body]);
      };
      const other = lowSDer(Buffer.concat([sha256('r'), sha256('s')]));
      for (const alter of [highS, () => other]) {
        const client = await fixture.contract('alpha', { alter });
        const failed = await failureOf(client.evaluateTransaction('get', 'a'));
        expect(failed.code).to.equal(status.FAILED_PRECONDITION);
        expect(failed.cause.details).to.contain(denied);
      }
    });

    it('an expired certificate, on every peer', async () => {
      const dates = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
      const identity = await fixture.organisation('alpha').ca.issue(dates);
      const failed = await failureOf((await fixture.contract('alpha', { identity })).evaluateTransaction('get', 'a'));
      expect(failed.code).to.equal(status.UNAVAILABLE);
      expect(failed.details.map(({ message }) => message)).to.have.members([
        'proposal client identity expired',
        ...Array(2).fill('rpc error: code = Unknown desc = proposal client identity expired'),
      ]);
    });

    it('a proposal that was committed before', async () => {
      const proposal = alpha.newProposal('put', { arguments: ['twice', '1'], endorsingOrganizations: BOTH });
      await (await (await proposal.endorse()).submit()).getStatus();
      const failed = await failureOf(proposal.endorse());
      expect(failed.details[0]?.message).to.contain(`duplicate transaction found [${proposal.getTransactionId()}]`);
    });

    it('a signature that nobody made for a transaction', async () => {
      const client = await fixture.client('alpha', { alter: (signature) => signature.fill(1, 8, 20) });
      const transaction = await alpha
        .newProposal('put', { arguments: ['forged', '1'], endorsingOrganizations: BOTH })
        .endorse();
      const forged = client.gateway.newSignedTransaction(transaction.getBytes(), Buffer.from('no signature'));
      const failed = await failureOf(forged.submit());
      expect(failed.code).to.equal(status.ABORTED);
      expect(failed.cause.details).to.contain('received unsuccessful response from orderer: status=FORBIDDEN');
    });
  });

  describe('submits and reports', () => {
    it('the first outcome of an envelope that is sent twice', async () => {
      const transaction = await alpha
        .newProposal('put', { arguments: ['resent', '1'], endorsingOrganizations: BOTH })
        .endorse();
      const [first, second] = [await transaction.submit(), await transaction.submit()];
      const outcomes = [await first.getStatus(), await second.getStatus()];
      expect(outcomes.map(({ code }) => code)).to.deep.equal([0, 0]);
      expect(outcomes[0]).to.deep.equal(outcomes[1]);
    });

    it('nothing of a transaction that never comes, until the deadline', async () => {
      const transaction = await alpha
        .newProposal('put', { arguments: ['never', '1'], endorsingOrganizations: BOTH })
        .endorse();
      fixture.network.stopOrderer(true);
      const refused = await failureOf(transaction.submit());
      fixture.network.stopOrderer(false);
      expect(refused.code).to.equal(status.UNAVAILABLE);
      expect(refused.cause.details).to.equal('no orderers could successfully process transaction');
      const commit = await transaction.submit();
      fixture.network.lag('alpha', 1500);
      const slow = await alpha
        .newProposal('put', { arguments: ['late', '1'], endorsingOrganizations: ['BetaMSP', 'GammaMSP'] })
        .endorse();
      const late = await slow.submit();
      const waited = await failureOf(late.getStatus({ deadline: Date.now() + 200 }));
      expect(waited.code).to.equal(status.DEADLINE_EXCEEDED);
      fixture.network.lag('alpha', 0);
      expect((await commit.getStatus()).successful).to.equal(true);
      expect((await late.getStatus()).successful).to.equal(true);
    });

    it('nobody about an unknown channel', async () => {
      const client = await fixture.client('alpha');
      const elsewhere = client.gateway.getNetwork('nowhere').getContract('basic');
      const failed = await failureOf(elsewhere.submitAsync('put', { arguments: ['a', 'b'] }));
      expect(failed.code).to.equal(status.FAILED_PRECONDITION);
      const events = await client.gateway.getNetwork('nowhere').getChaincodeEvents('basic');
      const refused = await failureOf(events[Symbol.asyncIterator]().next());
      expect(refused.code).to.equal(status.PERMISSION_DENIED);
      expect(refused.cause.details).to.equal('Failed to get policy manager for channel [nowhere]');
    });
  });

  it('answers nobody at a peer that was dropped, and others through the rest', async () => {
    fixture.network.drop('beta', true);
    const beta = await fixture.contract('beta');
    expect((await failureOf(beta.evaluateTransaction('get', 'a'))).code).to.equal(status.UNAVAILABLE);
    const failed = await failureOf(submit(alpha, 'put', 'a', 'b'));
    expect(failed.details[0]).to.include({ mspId: 'BetaMSP' });
    fixture.network.drop('beta', false);
    await submit(alpha, 'put', 'a', 'b');
    expect(text(await beta.evaluateTransaction('get', 'a'))).to.equal('b');
  });
});

function unpack(payloadBytes: Uint8Array) {
  const payload = common.Payload.deserializeBinary(payloadBytes);
  const [action] = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList();
  const endorsed = peer.ChaincodeActionPayload.deserializeBinary(
    action?.getPayload_asU8() ?? new Uint8Array(),
  ).getAction();
  const response = peer.ProposalResponsePayload.deserializeBinary(
    endorsed?.getProposalResponsePayload_asU8() ?? new Uint8Array(),
  );
  return {
    proposalHash: Buffer.from(response.getProposalHash_asU8()),
    action: peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8()),
    endorsers: endorsed?.getEndorsementsList() ?? [],
  };
}
