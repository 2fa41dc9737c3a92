/** Block 0 of a channel: one unsigned configuration envelope, as configtxgen makes it, and as a peer stores it. */
import { createHash, hash, randomBytes } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';

/** What ordering nodes and peers join a channel with. */
export function genesisBlock(channel: string, group: common.ConfigGroup, now: Date): common.Block {
  const config = new common.Config();
  config.setChannelGroup(group);
  const envelope = new common.ConfigEnvelope();
  envelope.setConfig(config);
  const entry = configEnvelope(channel, envelope, now);
  const header = new common.BlockHeader();
  header.setDataHash(hash('sha256', entry, 'buffer'));
  const data = new common.BlockData();
  data.setDataList([entry]);
  const metadata = new common.BlockMetadata();
  metadata.setMetadataList(genesisMetadata());
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(metadata);
  return block;
}

/** The same once a peer has committed it: its one transaction is valid. */
export function committedGenesis(block: common.Block): common.Block {
  const [signatures = new Uint8Array(), lastConfig = new Uint8Array()] =
    block.getMetadata()?.getMetadataList_asU8() ?? [];
  const filter = Uint8Array.of(peer.TxValidationCode.VALID);
  const metadata = new common.BlockMetadata();
  metadata.setMetadataList([signatures, lastConfig, filter, new Uint8Array(), new Uint8Array()]);
  const committed = block.cloneMessage() as common.Block;
  committed.setMetadata(metadata);
  return committed;
}

/** The configuration inside a configuration block. @throws Error when the block holds something else. */
export function configOf(block: common.Block): { channel: string; config: common.Config } {
  const [entry] = block.getData()?.getDataList_asU8() ?? [];
  if (entry === undefined) throw new Error('the configuration block is empty');
  const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(entry).getPayload_asU8());
  const header = common.ChannelHeader.deserializeBinary(
    payload.getHeader()?.getChannelHeader_asU8() ?? new Uint8Array(),
  );
  if (header.getType() !== common.HeaderType.CONFIG) throw new Error('the block is not a configuration block');
  const config = common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig();
  if (config === undefined) throw new Error('the configuration block holds no configuration');
  return { channel: header.getChannelId(), config };
}

function configEnvelope(channel: string, config: common.ConfigEnvelope, now: Date): Uint8Array {
  const nonce = randomBytes(24);
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setNonce(nonce);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG);
  channelHeader.setVersion(1);
  channelHeader.setTimestamp(timestamps.Timestamp.fromDate(now));
  channelHeader.setChannelId(channel);
  channelHeader.setTxId(createHash('sha256').update(nonce).digest('hex'));
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(config.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}

/** In the order of BlockMetadataIndex: signatures (none), last configuration, and what a peer fills in. */
function genesisMetadata(): Uint8Array[] {
  const lastConfig = new common.LastConfig();
  const ordererMetadata = new common.OrdererBlockMetadata();
  ordererMetadata.setLastConfig(lastConfig);
  const metadata = (value: Uint8Array): Uint8Array => {
    const message = new common.Metadata();
    message.setValue(value);
    return message.serializeBinary();
  };
  const [signatures, last] = [metadata(ordererMetadata.serializeBinary()), metadata(lastConfig.serializeBinary())];
  return [signatures, last, new Uint8Array(), new Uint8Array(), new Uint8Array()];
}
