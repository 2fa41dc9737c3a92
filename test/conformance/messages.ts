/** Proposals, envelopes and blocks made and taken apart with the published protobuf types. */
import { createHash, randomBytes } from 'node:crypto';
import { common, ledger, msp, orderer, peer } from '@hyperledger/fabric-protos';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';
import type { Client } from './client.ts';
import { CHANNEL } from './network.ts';

export type Rwset = Map<string, ledger.rwset.kvrwset.KVRWSet>;

export function sha256(...parts: (Uint8Array | string)[]): Buffer {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
}

export interface ProposalOptions {
  chaincode: string;
  fn: string;
  arguments?: (string | Uint8Array)[];
  channel?: string;
  nonce?: Uint8Array;
  at?: Date;
  txId?: string;
}

export interface BuiltProposal {
  bytes: Uint8Array;
  channelHeader: Uint8Array;
  signatureHeader: Uint8Array;
  /** ChaincodeProposalPayload. */
  payload: Uint8Array;
  txId: string;
}

/** A Proposal as the SDK makes it, with whatever a case wants to be different. */
export function buildProposal(client: Client, options: ProposalOptions): BuiltProposal {
  const nonce = options.nonce ?? randomBytes(24);
  const txId = options.txId ?? sha256(nonce, client.creator).toString('hex');
  const id = new peer.ChaincodeID();
  id.setName(options.chaincode);
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(id);
  const header = channelHeaderOf(common.HeaderType.ENDORSER_TRANSACTION, options.channel ?? CHANNEL, options.at);
  header.setTxId(txId);
  header.setExtension$(extension.serializeBinary());
  const channelHeader = header.serializeBinary();
  const signatureHeader = signatureHeaderOf(client.creator, nonce);
  const payload = proposalPayload(options, id);
  const proposal = new peer.Proposal();
  proposal.setHeader(headerOf(channelHeader, signatureHeader).serializeBinary());
  proposal.setPayload(payload);
  return { bytes: proposal.serializeBinary(), channelHeader, signatureHeader, payload, txId };
}

function proposalPayload(options: ProposalOptions, id: peer.ChaincodeID): Uint8Array {
  const input = new peer.ChaincodeInput();
  input.setArgsList([options.fn, ...(options.arguments ?? [])].map((each) => Buffer.from(each)));
  const spec = new peer.ChaincodeSpec();
  spec.setType(peer.ChaincodeSpec.Type.NODE);
  spec.setChaincodeId(id);
  spec.setInput(input);
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation.serializeBinary());
  return payload.serializeBinary();
}

function channelHeaderOf(type: number, channel: string, at = new Date()): common.ChannelHeader {
  const timestamp = new timestamps.Timestamp();
  timestamp.fromDate(at);
  const header = new common.ChannelHeader();
  header.setType(type);
  header.setChannelId(channel);
  header.setTimestamp(timestamp);
  header.setEpoch(0);
  return header;
}

function signatureHeaderOf(creator: Uint8Array, nonce: Uint8Array): Uint8Array {
  const header = new common.SignatureHeader();
  header.setCreator(creator);
  header.setNonce(nonce);
  return header.serializeBinary();
}

export function headerOf(channelHeader: Uint8Array, signatureHeader: Uint8Array): common.Header {
  const header = new common.Header();
  header.setChannelHeader(channelHeader);
  header.setSignatureHeader(signatureHeader);
  return header;
}

export function signedProposal(bytes: Uint8Array, signature: Uint8Array): peer.SignedProposal {
  const signed = new peer.SignedProposal();
  signed.setProposalBytes(bytes);
  signed.setSignature(signature);
  return signed;
}

export function signedEnvelope(client: Client, payload: Uint8Array): common.Envelope {
  const envelope = new common.Envelope();
  envelope.setPayload(payload);
  envelope.setSignature(client.sign(payload));
  return envelope;
}

/** A request for blocks from 0 on, as of a given time. */
export function seekEnvelope(client: Client, at: Date): common.Envelope {
  const first = new orderer.SeekSpecified();
  first.setNumber(0);
  const start = new orderer.SeekPosition();
  start.setSpecified(first);
  const last = new orderer.SeekSpecified();
  last.setNumber(Number.MAX_SAFE_INTEGER);
  const stop = new orderer.SeekPosition();
  stop.setSpecified(last);
  const seek = new orderer.SeekInfo();
  seek.setStart(start);
  seek.setStop(stop);
  return seekEnvelopeOf(client, seek, CHANNEL, at);
}

export function seekEnvelopeOf(
  client: Client,
  seek: orderer.SeekInfo,
  channel: string,
  at = new Date(),
): common.Envelope {
  const channelHeader = channelHeaderOf(common.HeaderType.DELIVER_SEEK_INFO, channel, at).serializeBinary();
  const payload = new common.Payload();
  payload.setHeader(headerOf(channelHeader, signatureHeaderOf(client.creator, new Uint8Array())));
  payload.setData(seek.serializeBinary());
  return signedEnvelope(client, payload.serializeBinary());
}

/** An endorser transaction taken apart. */
export interface Taken {
  payload: common.Payload;
  channelHeader: common.ChannelHeader;
  transaction: peer.Transaction;
  action: peer.ChaincodeActionPayload;
  endorsed: peer.ChaincodeEndorsedAction;
  response: peer.ProposalResponsePayload;
  chaincodeAction: peer.ChaincodeAction;
  rwset: Rwset;
  /** Hashed sets by `namespace/collection`. */
  hashed: Map<string, ledger.rwset.CollectionHashedReadWriteSet>;
  /** MSP ids of the endorsers. */
  endorsers: string[];
}

export function takeApart(envelope: common.Envelope): Taken {
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
  const action = peer.ChaincodeActionPayload.deserializeBinary(transaction.getActionsList()[0]!.getPayload_asU8());
  const endorsed = action.getAction()!;
  const response = peer.ProposalResponsePayload.deserializeBinary(endorsed.getProposalResponsePayload_asU8());
  const chaincodeAction = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
  const results = ledger.rwset.TxReadWriteSet.deserializeBinary(chaincodeAction.getResults_asU8());
  const namespaces = results.getNsRwsetList();
  return {
    payload,
    channelHeader: common.ChannelHeader.deserializeBinary(payload.getHeader()!.getChannelHeader_asU8()),
    transaction,
    action,
    endorsed,
    response,
    chaincodeAction,
    rwset: new Map(
      namespaces.map((each) => [
        each.getNamespace(),
        ledger.rwset.kvrwset.KVRWSet.deserializeBinary(each.getRwset_asU8()),
      ]),
    ),
    hashed: new Map(
      namespaces.flatMap((each) =>
        each
          .getCollectionHashedRwsetList()
          .map((set) => [`${each.getNamespace()}/${set.getCollectionName()}`, set] as const),
      ),
    ),
    endorsers: endorsed
      .getEndorsementsList()
      .map((each) => msp.SerializedIdentity.deserializeBinary(each.getEndorser_asU8()).getMspid()),
  };
}

/** The envelope's bytes with other endorsements, signed by the client. */
export function withEndorsements(client: Client, taken: Taken, endorsements: peer.Endorsement[]): common.Envelope {
  taken.endorsed.setEndorsementsList(endorsements);
  taken.action.setAction(taken.endorsed);
  taken.transaction.getActionsList()[0]!.setPayload(taken.action.serializeBinary());
  taken.payload.setData(taken.transaction.serializeBinary());
  return signedEnvelope(client, taken.payload.serializeBinary());
}

/** The block's entries as envelopes. */
export function envelopesOf(block: common.Block): common.Envelope[] {
  return block
    .getData()!
    .getDataList_asU8()
    .map((bytes) => common.Envelope.deserializeBinary(bytes));
}

/** Transaction ids and validation codes of a block, in order. */
export function outcomesOf(block: common.Block): { txId: string; code: number }[] {
  const filter = metadataOf(block, common.BlockMetadataIndex.TRANSACTIONS_FILTER);
  return envelopesOf(block).map((envelope, index) => {
    const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
    const header = common.ChannelHeader.deserializeBinary(payload.getHeader()!.getChannelHeader_asU8());
    return { txId: header.getTxId(), code: filter[index]! };
  });
}

export function metadataOf(block: common.Block, index: number): Uint8Array {
  return block.getMetadata()!.getMetadataList_asU8()[index] ?? new Uint8Array();
}

/** Hash of a block's header from its definition: SHA-256 of the DER SEQUENCE of number, previous hash, data hash. */
export function headerHash(header: common.BlockHeader): Buffer {
  const hex = header.getNumber().toString(16);
  const number = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const signed = number[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number;
  const tagged = (tag: number, content: Uint8Array) => Buffer.concat([Buffer.from([tag, content.length]), content]);
  const fields = Buffer.concat([
    tagged(0x02, signed),
    tagged(0x04, header.getPreviousHash_asU8()),
    tagged(0x04, header.getDataHash_asU8()),
  ]);
  return sha256(tagged(0x30, fields));
}
