/**
 * Blocks with private data as a peer delivers them, as the bytes that came: whatever is hashed must stay what it is
 * (protos.Deliver; https://hyperledger-fabric.readthedocs.io/en/release-3.1/peer_event_services.html).
 */
import { randomBytes } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import { decodeBlock, type StoredBlock } from '@telemed-ledger/formats/blocks/block.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { createSigner } from '@telemed-ledger/network/embedded/identity/signer.ts';
import { kindOf, PeerAway, PeerFault, PeerRefuses, type Reach } from './reach.ts';

export interface DeliveredBlock {
  bytes: Buffer;
  block: StoredBlock;
  /** Serialised TxPvtReadWriteSets by the transaction's index; none where they were not asked for. */
  privateSets: Map<number, Buffer>;
}

export interface DeliverRequest {
  /** Numbers of the first block and of the last. */
  from: number;
  to: number | 'newest';
  /** False: blocks alone, which any member of the channel may ask of any peer. */
  withPrivateData: boolean;
}

const SEEK_INFO = 5;
const MESSAGE_BYTES = 100 * 1024 * 1024;
/** A peer that says nothing for so long is away, though its connection stands. */
const SILENCE_MS = 20_000;

/** common.Status. NOT_FOUND is also what a peer answers whose index does not lead to the block. */
const [SUCCESS, NOT_FOUND, LEAST_FAULT] = [200, 404, 500];

/**
 * @throws PeerAway; PeerFault where the peer cannot deliver the block that follows the last one, or delivers what is none;
 * PeerRefuses
 */
export async function* deliver(reach: Reach, request: DeliverRequest): AsyncGenerator<DeliveredBlock> {
  const client = clientOf(reach);
  const method = request.withPrivateData ? 'DeliverWithPrivateData' : 'Deliver';
  const asTheyAre = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest(`/protos.Deliver/${method}`, asTheyAre, asTheyAre);
  const silence = setTimeout(() => call.destroy(new PeerAway(`no block for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  try {
    call.write(seekEnvelope(reach, request));
    for await (const bytes of call) {
      silence.refresh();
      const delivered = read(bytes as Buffer);
      if (delivered === SUCCESS) return;
      if (typeof delivered === 'number') throw failure(delivered);
      yield delivered;
      silence.refresh();
    }
  } catch (error) {
    throw kindOf(error);
  } finally {
    clearTimeout(silence);
    call.cancel();
    client.close();
  }
}

function clientOf({ connection }: Reach): Client {
  const { endpoint, tlsRootCertificate, tlsServerName = 'localhost' } = connection;
  return new Client(endpoint, credentials.createSsl(Buffer.from(tlsRootCertificate)), {
    'grpc.ssl_target_name_override': tlsServerName,
    'grpc.max_receive_message_length': MESSAGE_BYTES,
  });
}

function seekEnvelope({ connection, identity }: Reach, { from, to }: DeliverRequest): Buffer {
  const signer = createSigner(connection.mspId, identity);
  const timestamp = encode([1, Math.floor(Date.now() / 1000)]);
  const channelHeader = encode([1, SEEK_INFO], [3, timestamp], [4, connection.channel]);
  const signatureHeader = encode([1, signer.creator], [2, randomBytes(24)]);
  const newest = encode([1, Buffer.alloc(0), true]);
  const at = (number: number | 'newest'): Buffer =>
    number === 'newest' ? newest : encode([3, encode([1, number]), true]);
  const payload = encode(
    [1, encode([1, channelHeader], [2, signatureHeader])],
    [2, encode([1, at(from)], [2, at(to)])],
  );
  return encode([1, payload], [2, signer.sign(payload)]);
}

function failure(status: number): Error {
  const isFault = status === NOT_FOUND || status >= LEAST_FAULT;
  return new (isFault ? PeerFault : PeerRefuses)(`it answers with status ${status}`);
}

/** DeliverResponse: a status, a block, or a block with private data. @throws PeerFault */
function read(bytes: Buffer): DeliveredBlock | number {
  try {
    const response = new Message(bytes);
    if (response.has(2)) return withSets(response.bytes(2), []);
    if (!response.has(4)) return response.number(1);
    const both = response.message(4);
    return withSets(both.bytes(1), both.messages(2));
  } catch (error) {
    throw new PeerFault(`what it delivers is no block: ${(error as Error).message}`);
  }
}

function withSets(bytes: Buffer, entries: Message[]): DeliveredBlock {
  const privateSets = new Map(entries.map((entry) => [entry.number(1), entry.bytes(2)]));
  return { bytes, block: decodeBlock(bytes), privateSets };
}
