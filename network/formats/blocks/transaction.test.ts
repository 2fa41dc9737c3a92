import { common, peer } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { mspIdOf, serializeIdentity } from '../identity.ts';
import { encode } from '../protobuf/encode.ts';
import { MalformedMessage } from '../protobuf/message.ts';
import {
  chaincodeOfExtension,
  ENDORSER_TRANSACTION,
  readActionPayload,
  readActions,
  readChaincodeAction,
  readChaincodeEvent,
  readChannelHeader,
  readEnvelope,
  readHeader,
  readPayload,
  readResponsePayload,
  readSignatureHeader,
} from './transaction.ts';

const creator = serializeIdentity('HospitalMSP', 'certificate');
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

function extension(): Uint8Array {
  const id = new peer.ChaincodeID();
  id.setName('telemed');
  const message = new peer.ChaincodeHeaderExtension();
  message.setChaincodeId(id);
  return message.serializeBinary();
}

function channelHeader(time = new Date('2026-03-01T10:00:00.500Z')): Uint8Array {
  const header = new common.ChannelHeader();
  header.setType(common.HeaderType.ENDORSER_TRANSACTION);
  header.setChannelId('channel');
  header.setTxId('id');
  header.setEpoch(7);
  header.setTimestamp(timestamps.Timestamp.fromDate(time));
  header.setExtension$(extension());
  return header.serializeBinary();
}

function signatureHeader(): Uint8Array {
  const header = new common.SignatureHeader();
  header.setCreator(creator);
  header.setNonce(Buffer.from('nonce'));
  return header.serializeBinary();
}

function chaincodeAction(): Uint8Array {
  const event = new peer.ChaincodeEvent();
  event.setChaincodeId('telemed');
  event.setTxId('id');
  event.setEventName('Recorded');
  event.setPayload(Buffer.from('{}'));
  const id = new peer.ChaincodeID();
  id.setName('telemed');
  id.setVersion('1.0');
  const action = new peer.ChaincodeAction();
  action.setResults(Buffer.from('results'));
  action.setEvents(event.serializeBinary());
  action.setChaincodeId(id);
  return action.serializeBinary();
}

function transaction(): Uint8Array {
  const response = new peer.ProposalResponsePayload();
  response.setProposalHash(Buffer.from('hash'));
  response.setExtension$(chaincodeAction());
  const endorsement = new peer.Endorsement();
  endorsement.setEndorser(serializeIdentity('PatientsMSP', 'certificate'));
  endorsement.setSignature(Buffer.from('signature'));
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(response.serializeBinary());
  endorsed.setEndorsementsList([endorsement]);
  const payload = new peer.ChaincodeActionPayload();
  payload.setChaincodeProposalPayload(Buffer.from('proposal'));
  payload.setAction(endorsed);
  const action = new peer.TransactionAction();
  action.setHeader(signatureHeader());
  action.setPayload(payload.serializeBinary());
  const message = new peer.Transaction();
  message.setActionsList([action]);
  return message.serializeBinary();
}

describe('The messages around a transaction', () => {
  it('are read as the generated classes write them, down to the action', () => {
    const header = new common.Header();
    header.setChannelHeader(channelHeader());
    header.setSignatureHeader(signatureHeader());
    const payload = new common.Payload();
    payload.setHeader(header);
    payload.setData(transaction());
    const envelope = new common.Envelope();
    envelope.setPayload(payload.serializeBinary());
    envelope.setSignature(Buffer.from('signed'));

    const outer = readEnvelope(envelope.serializeBinary());
    expect(text(outer.signature)).to.equal('signed');
    const inner = readPayload(outer.payload);
    const parts = readHeader(inner.header!);
    const { extension: named, ...channel } = readChannelHeader(parts.channelHeader);
    const timestamp = { seconds: Date.parse('2026-03-01T10:00:00Z') / 1000, nanos: 500_000_000 };
    expect(channel).to.deep.equal({ type: ENDORSER_TRANSACTION, channel: 'channel', txId: 'id', epoch: 7, timestamp });
    expect(chaincodeOfExtension(named)).to.equal('telemed');
    const signer = readSignatureHeader(parts.signatureHeader);
    expect([mspIdOf(signer.creator), text(signer.nonce)]).to.deep.equal(['HospitalMSP', 'nonce']);
    expect(inner.data).to.deep.equal(Buffer.from(transaction()));
  });

  it('are read as the generated classes write them, from the action to the event', () => {
    const [action, ...others] = readActions(transaction());
    expect(others).to.deep.equal([]);
    expect(text(readSignatureHeader(action!.header).nonce)).to.equal('nonce');
    const { proposalPayload, responsePayload, endorsements } = readActionPayload(action!.payload);
    expect(text(proposalPayload)).to.equal('proposal');
    expect(endorsements.map(({ endorser, signature }) => [mspIdOf(endorser), text(signature)])).to.deep.equal([
      ['PatientsMSP', 'signature'],
    ]);
    const response = readResponsePayload(responsePayload);
    expect(text(response.proposalHash)).to.equal('hash');
    const { results, event, chaincode } = readChaincodeAction(response.chaincodeAction);
    expect([text(results), chaincode]).to.deep.equal(['results', { name: 'telemed', version: '1.0' }]);
    const { payload, ...named } = readChaincodeEvent(event!);
    expect(named).to.deep.equal({ chaincode: 'telemed', txId: 'id', name: 'Recorded' });
    expect(text(payload)).to.equal('{}');
  });

  it('say what is absent', () => {
    const nothing = new Uint8Array();
    expect(readPayload(nothing).header).to.equal(undefined);
    expect(readChannelHeader(nothing).timestamp).to.equal(undefined);
    expect(chaincodeOfExtension(nothing)).to.equal(undefined);
    expect(readChaincodeAction(nothing)).to.deep.include({ event: undefined, chaincode: undefined });
    expect(readActions(nothing)).to.deep.equal([]);
  });

  it('take a header in several parts for one header', () => {
    const [first, second] = [encode([1, channelHeader()]), encode([2, signatureHeader()])];
    const { header } = readPayload(encode([1, first], [1, second]));
    const parts = readHeader(header!);
    expect(readChannelHeader(parts.channelHeader).txId).to.equal('id');
    expect(text(readSignatureHeader(parts.signatureHeader).nonce)).to.equal('nonce');
  });

  it('give times before 1970 as they are', () => {
    const { timestamp } = readChannelHeader(channelHeader(new Date('1969-12-31T23:59:58Z')));
    expect(timestamp).to.deep.equal({ seconds: -2, nanos: 0 });
  });

  it('refuse what is no message', () => {
    for (const read of [readEnvelope, readPayload, readHeader, readChannelHeader, readActions, readChaincodeAction])
      expect(() => read(Uint8Array.of(0xff)), read.name).to.throw(MalformedMessage);
  });
});
