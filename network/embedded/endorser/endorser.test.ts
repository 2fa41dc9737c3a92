import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { type Client, credentials, Client as GrpcClient, type ServiceError, status } from '@grpc/grpc-js';
import { common, msp, peer } from '@hyperledger/fabric-protos';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { serializeIdentity } from '@telemed-ledger/formats/identity.ts';
import { expect } from 'chai';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';
import type { KeyPair } from '../config.ts';
import { CHAINCODE, CHANNEL, Fixture } from '../fixtures/network.ts';
import { computeTxId } from './proposal.ts';

interface Parts {
  channel?: string;
  chaincode?: string;
  type?: number;
  epoch?: number;
  nonce?: Uint8Array;
  txId?: string;
  time?: Date;
  args?: (string | Uint8Array)[];
  withoutSpec?: boolean;
}

describe('The endorser service', () => {
  let fixture: Fixture;
  let client: Client;
  let identity: KeyPair;

  before(async () => {
    fixture = await Fixture.start();
    const { ca } = fixture.organisation('alpha');
    identity = await ca.issue();
    const root = credentials.createSsl(Buffer.from(ca.certificate));
    client = new GrpcClient(fixture.network.endpoints['alpha'] ?? '', root);
  });
  after(async () => {
    client.close();
    await fixture.close();
  });

  const propose = (signed: Uint8Array): Promise<peer.ProposalResponse> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/protos.Endorser/ProcessProposal',
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes) => peer.ProposalResponse.deserializeBinary(bytes),
        signed,
        (error, response) => (error ? reject(error) : resolve(response as peer.ProposalResponse)),
      );
    });
  const refusal = async (parts: Parts) => {
    const error: ServiceError = await propose(proposal(identity, parts)).then(
      () => {
        throw new Error('the proposal was accepted');
      },
      (failed) => failed,
    );
    expect(error.code).to.equal(status.UNKNOWN);
    return error.details;
  };

  it('simulates and signs over the payload and its own identity', async () => {
    const response = await propose(proposal(identity, { args: ['put', 'a', '1'] }));
    expect(response.getVersion()).to.equal(1);
    expect(response.getResponse()?.getStatus()).to.equal(200);
    const endorser = msp.SerializedIdentity.deserializeBinary(
      response.getEndorsement()?.getEndorser_asU8() ?? new Uint8Array(),
    );
    expect(endorser.getMspid()).to.equal('AlphaMSP');
    expect(response.getPayload_asU8()).not.to.have.length(0);
  });

  it('answers errors of the chaincode with a payload from 500 on, and without one below', async () => {
    const failed = await propose(proposal(identity, { args: ['fail', 'no'] }));
    expect(failed.getResponse()?.toObject()).to.include({ status: 500, message: 'no' });
    expect(failed.getPayload_asU8()).not.to.have.length(0);
    expect(failed.hasEndorsement()).to.equal(false);
    const missing = await propose(proposal(identity, { args: ['answer', '404', 'nothing'] }));
    expect(missing.getResponse()?.getStatus()).to.equal(404);
    expect(missing.getPayload_asU8()).to.have.length(0);
  });

  it('answers for a channel and a chaincode that are not there', async () => {
    const channel = await propose(proposal(identity, { channel: 'nowhere' }));
    expect(channel.getResponse()?.getMessage()).to.equal("channel 'nowhere' not found");
    const chaincode = await propose(proposal(identity, { chaincode: 'nothing' }));
    expect(chaincode.getResponse()?.getMessage()).to.equal(
      'make sure the chaincode nothing has been successfully defined on channel testing and try again: ' +
        'chaincode nothing not found',
    );
  });

  describe('of a proposal that names no channel, as the peer command sends', () => {
    const administrator = () => fixture.organisation('alpha').ca.issue({ units: ['admin'] });
    const ask = async (chaincode: string, args: (string | Uint8Array)[], as?: KeyPair, mspId?: string) =>
      propose(proposal(as ?? identity, { channel: '', chaincode, args }, mspId));
    const messageOf = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).getResponse()?.getMessage();

    it('answers the bare response of a chaincode of its own, with nothing endorsed', async () => {
      const listed = await ask('cscc', ['GetChannels']);
      const { channelsList } = peer.ChannelQueryResponse.deserializeBinary(
        listed.getResponse()?.getPayload_asU8() ?? new Uint8Array(),
      ).toObject();
      expect(channelsList).to.deep.equal([{ channelId: CHANNEL }]);
      expect([listed.getVersion(), listed.getPayload_asU8().length, listed.hasEndorsement()]).to.deep.equal([
        0,
        0,
        false,
      ]);
      const info = (await ask('qscc', ['GetChainInfo', CHANNEL])).getResponse();
      expect(common.BlockchainInfo.deserializeBinary(info?.getPayload_asU8() ?? new Uint8Array()).getHeight()).to.equal(
        2,
      );
    });

    it('answers what is installed to its administrator', async () => {
      const { QueryInstalledChaincodesArgs: Args, QueryInstalledChaincodesResult: Result } = peer.lifecycle;
      const question = ['QueryInstalledChaincodes', new Args().serializeBinary()];
      const answer = (await ask('_lifecycle', question, await administrator())).getResponse();
      const [installed] = Result.deserializeBinary(
        answer?.getPayload_asU8() ?? new Uint8Array(),
      ).getInstalledChaincodesList();
      expect(installed?.getLabel()).to.equal('basic');
      const [reference] = installed?.getReferencesMap().get(CHANNEL)?.getChaincodesList() ?? [];
      expect([reference?.getName(), reference?.getVersion()]).to.deep.equal([CHAINCODE, '1.0']);
      expect(await messageOf('_lifecycle', question)).to.equal(
        "Failed to authorize invocation due to failed ACL check: Failed verifying that proposal's creator satisfies " +
          'local MSP principal during channelless check policy with policy [Admins]: [The identity is not an admin ' +
          'under this MSP [AlphaMSP]: The identity does not contain OU [ADMIN], MSP: [AlphaMSP]]',
      );
      const unknown = new peer.lifecycle.QueryInstalledChaincodeArgs();
      unknown.setPackageId('no:1');
      expect(
        await messageOf('_lifecycle', ['QueryInstalledChaincode', unknown.serializeBinary()], await administrator()),
      ).to.equal(
        "failed to invoke backing implementation of 'QueryInstalledChaincode': " +
          "could not find chaincode with package id 'no:1'",
      );
    });

    it("refuses what only a channel can answer, and another organisation's members", async () => {
      expect(await messageOf('_lifecycle', ['QueryChaincodeDefinitions', ''])).to.contain(
        '[MSP Principal role [/Channel/Application/Writers] not recognized]',
      );
      expect(await messageOf('cscc', ['GetConfigBlock', ''])).to.contain(
        'access denied for [GetConfigBlock][]: Failed getting local MSP principal',
      );
      expect(await messageOf(CHAINCODE, ['get', 'a'])).to.contain(
        `make sure the chaincode ${CHAINCODE} has been successfully defined on channel  and try again`,
      );
      const foreign = await fixture.organisation('beta').ca.issue();
      const refused = await ask('cscc', ['GetChannels'], foreign, 'BetaMSP').catch(
        (error: ServiceError) => error.details,
      );
      expect(refused).to.equal(
        'error validating proposal: access denied: channel [] creator org unknown, creator is malformed',
      );
    });
  });

  it("takes a clock that is a quarter of an hour off, and not one that is more, in Fabric's words", async () => {
    const minutes = (count: number) => new Date(Date.now() + count * 60_000);
    for (const near of [-14.9, 14.9]) {
      const answer = await propose(proposal(identity, { time: minutes(near) }));
      expect(answer.getResponse()?.getStatus(), `${near} minutes`).to.equal(200);
    }
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
    const words = new RegExp(
      `^request unauthorized due to incorrect timestamp ${time}, peer time ${time}, ` +
        'peer\\.authentication\\.timewindow 15m0s$',
    );
    for (const far of [-15.1, 15.1]) expect(await refusal({ time: minutes(far) })).to.match(words);
    expect(await refusal({ time: new Date(0) })).to.contain('timestamp 1970-01-01T00:00:00Z');
  });

  it('refuses what is wrong with a proposal, in the order in which Fabric looks', async () => {
    const old = new Date(Date.now() - 20 * 60_000);
    expect(await refusal({ time: old, txId: 'wrong' })).to.contain('request unauthorized due to incorrect timestamp');
    expect(await refusal({ withoutSpec: true, txId: 'wrong' })).to.equal(
      'chaincode invocation spec did not contain chaincode spec',
    );
    expect(await refusal({ type: 2, epoch: 1 })).to.equal(
      'error validating proposal: invalid header type CONFIG_UPDATE',
    );
    expect(await refusal({ type: 99 })).to.equal('error validating proposal: invalid header type 99');
    expect(await refusal({ epoch: 1, nonce: new Uint8Array() })).to.equal(
      'error validating proposal: epoch is non-zero',
    );
    expect(await refusal({ nonce: new Uint8Array() })).to.equal('error validating proposal: nonce is empty');
    expect(await refusal({ txId: 'wrong' })).to.match(
      /^error validating proposal: incorrectly computed txid 'wrong' -- expected '[0-9a-f]{64}'$/,
    );
  });

  it('refuses creators it cannot know', async () => {
    const stranger = await propose(proposal(identity, {}, 'StrangerMSP')).catch((error: ServiceError) => error.details);
    expect(stranger).to.equal(
      'error validating proposal: access denied: channel [testing] creator org unknown, creator is malformed',
    );
  });

  it('refuses bytes that are no proposal', async () => {
    const failed = await propose(Buffer.from('nonsense')).catch((error: ServiceError) => error.details);
    expect(failed).to.contain('error unmarshalling SignedProposal');
  });
});

function proposal(identity: KeyPair, parts: Parts, mspId = 'AlphaMSP'): Uint8Array {
  const creator = serializeIdentity(mspId, identity.certificate);
  const nonce = parts.nonce ?? randomBytes(24);
  const header = new common.Header();
  header.setChannelHeader(channelHeader(parts, computeTxId(nonce, creator)).serializeBinary());
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(creator);
  signatureHeader.setNonce(nonce);
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation(parts).serializeBinary());
  const proposed = new peer.Proposal();
  proposed.setHeader(header.serializeBinary());
  proposed.setPayload(payload.serializeBinary());
  const bytes = proposed.serializeBinary();
  const signed = new peer.SignedProposal();
  signed.setProposalBytes(bytes);
  const key = createPrivateKey(identity.privateKey);
  signed.setSignature(lowSDer(sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })));
  return signed.serializeBinary();
}

function channelHeader(parts: Parts, txId: string): common.ChannelHeader {
  const header = new common.ChannelHeader();
  header.setType(parts.type ?? common.HeaderType.ENDORSER_TRANSACTION);
  header.setChannelId(parts.channel ?? CHANNEL);
  header.setTxId(parts.txId ?? txId);
  header.setEpoch(parts.epoch ?? 0);
  header.setTimestamp(timestamps.Timestamp.fromDate(parts.time ?? new Date()));
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(chaincodeId(parts));
  header.setExtension$(extension.serializeBinary());
  return header;
}

function invocation(parts: Parts): peer.ChaincodeInvocationSpec {
  const input = new peer.ChaincodeInput();
  input.setArgsList((parts.args ?? ['get', 'a']).map((arg) => Buffer.from(arg)));
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(chaincodeId(parts));
  spec.setInput(input);
  const invoked = new peer.ChaincodeInvocationSpec();
  if (!parts.withoutSpec) invoked.setChaincodeSpec(spec);
  return invoked;
}

function chaincodeId(parts: Parts): peer.ChaincodeID {
  const id = new peer.ChaincodeID();
  id.setName(parts.chaincode ?? CHAINCODE);
  return id;
}
