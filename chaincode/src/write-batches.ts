/**
 * Writes in batches, which peers of Fabric 3.1 take and fabric-shim 2.5 does not send: each write would be a round trip of its own.
 * A peer says when it is ready whether it takes them; to one that does not they go one by one.
 * @see https://github.com/hyperledger/fabric/blob/v3.1.5/core/chaincode/handler.go (sendReady, HandleWriteBatch)
 */
import { peer } from '@hyperledger/fabric-protos';
import type { LedgerStub, LedgerWrite } from './ledger/store.ts';

/** How many writes at once the peer behind a stream takes; absent where it takes none. */
const largest = new WeakMap<object, number>();

/** What of the shim's stub is used: its handler keeps a transaction's messages in turn. */
interface ShimStub extends LedgerStub {
  handler: { _stream: object; _askPeerAndListen(message: peer.ChaincodeMessage, method: string): Promise<unknown> };
  channel_id: string;
  txId: string;
  validationParameterMetakey: string;
}

type Listener = (message: peer.ChaincodeMessage) => void;
type PeerStream = object & Record<'on' | 'off', (event: 'data', listener: Listener) => unknown>;

/** Notes what the peer says of itself: with READY, its second message, after which transactions come. */
export function noteBatches(stream: PeerStream): void {
  const note: Listener = (message) => {
    if (message.getType() !== peer.ChaincodeMessage.Type.READY) return;
    stream.off('data', note);
    const numbers = numbersIn(message.getPayload_asU8());
    if (numbers.get(USE_WRITE_BATCH) === 1) largest.set(stream, Math.max(1, numbers.get(MAX_SIZE_WRITE_BATCH) ?? 1));
  };
  stream.on('data', note);
}

/** Fields of protos.ChaincodeAdditionalParams, which the published protobufs for Node lack. */
const USE_WRITE_BATCH = 1;
const MAX_SIZE_WRITE_BATCH = 2;

/** A message of unsigned numbers alone, up to 2^53. */
function numbersIn(bytes: Uint8Array): Map<number, number> {
  const found = new Map<number, number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    // What is no number is of a later Fabric: what follows cannot be read.
    if (tag % 8 !== 0) break;
    found.set(Math.floor(tag / 8), varint());
  }
  return found;
}

/** The stub, with a way to send writes together where its peer takes them. */
export function withBatches(stub: unknown): unknown {
  const shim = stub as ShimStub;
  const most = largest.get(shim.handler?._stream ?? {});
  if (most === undefined) return stub;
  shim.writeBatch = async (writes) => {
    for (let start = 0; start < writes.length; start += most)
      await shim.handler._askPeerAndListen(messageOf(shim, writes.slice(start, start + most)), 'WriteBatch');
  };
  return shim;
}

function messageOf(stub: ShimStub, writes: readonly LedgerWrite[]): peer.ChaincodeMessage {
  const batch = new peer.WriteBatchState();
  batch.setRecList(writes.map((write) => recordOf(write, stub.validationParameterMetakey)));
  const message = new peer.ChaincodeMessage();
  message.setType(peer.ChaincodeMessage.Type.WRITE_BATCH_STATE);
  message.setPayload(batch.serializeBinary());
  message.setTxid(stub.txId);
  message.setChannelId(stub.channel_id);
  return message;
}

const { Type } = peer.WriteRecord;
const TYPES = { put: Type.PUT_STATE, policy: Type.PUT_STATE_METADATA, purge: Type.PURGE_PRIVATE_DATA } as const;

function recordOf({ kind, collection, key, bytes }: LedgerWrite, metakey: string): peer.WriteRecord {
  const record = new peer.WriteRecord();
  record.setType(TYPES[kind]);
  record.setCollection(collection);
  record.setKey(key);
  if (kind === 'put') record.setValue(bytes);
  if (kind !== 'policy') return record;
  const metadata = new peer.StateMetadata();
  metadata.setMetakey(metakey);
  metadata.setValue(bytes);
  record.setMetadata(metadata);
  return record;
}
