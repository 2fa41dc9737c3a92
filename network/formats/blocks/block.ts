/** Blocks: header hashes, the five metadata entries and the bytes that are stored and delivered (spec 2.3). */
import { randomBytes } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { TAG, unsigned, writeElement, writeUnsigned } from '../der/der.ts';
import { sha256 } from '../hash.ts';
import { encode, repeated } from '../protobuf/encode.ts';
import { Message } from '../protobuf/message.ts';

export interface BlockHeader {
  number: number;
  previousHash: Buffer;
  dataHash: Buffer;
}

/** A block as stored: its header, its envelopes and its metadata entries, all as the bytes that came. */
export interface StoredBlock {
  header: BlockHeader;
  envelopes: Buffer[];
  metadata: Buffer[];
}

/** Whoever signs blocks: DER, low S. */
interface BlockSigner {
  creator: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export const SIGNATURES = 0;
export const LAST_CONFIG = 1;
export const TRANSACTIONS_FILTER = 2;
export const COMMIT_HASH = 4;

/** ASN.1 DER of SEQUENCE{INTEGER number, OCTET STRING previous_hash, OCTET STRING data_hash}. */
export function headerDer({ number, previousHash, dataHash }: BlockHeader): Buffer {
  const [previous, data] = [previousHash, dataHash].map((hash) => writeElement(TAG.octetString, hash)) as [
    Buffer,
    Buffer,
  ];
  return writeElement(TAG.sequence, Buffer.concat([writeUnsigned(unsigned(number)), previous, data]));
}

/** What the next block names as the previous one. */
export function headerHash(header: BlockHeader): Buffer {
  return sha256(headerDer(header));
}

/** Of a block's data: its envelopes, one behind the other. */
export const dataHash = (envelopes: readonly Uint8Array[]): Buffer => sha256(...envelopes);

/** The SIGNATURES and LAST_CONFIG entries, signed as the orderer signs them. */
export function ordererMetadata(header: BlockHeader, lastConfig: number, signer: BlockSigner): [Buffer, Buffer] {
  const config = encode([1, lastConfig]);
  const value = encode([1, config, true]);
  const signatureHeader = encode([1, signer.creator], [2, randomBytes(24)]);
  const signature = signer.sign(Buffer.concat([value, signatureHeader, headerDer(header)]));
  const signatures = encode([1, value], [2, encode([1, signatureHeader], [2, signature])]);
  return [signatures, encode([1, config])];
}

/** The LAST_CONFIG entry; what the orderer signs holds the same. */
export function lastConfigEntry(lastConfig: number): Buffer {
  return encode([1, encode([1, lastConfig])]);
}

export function encodeBlock(block: StoredBlock): Buffer {
  const { header } = block;
  return encode(
    [1, encode([1, header.number], [2, header.previousHash], [3, header.dataHash])],
    [2, encode(...repeated(1, block.envelopes))],
    [3, encode(...repeated(1, block.metadata))],
  );
}

export function decodeBlock(bytes: Uint8Array): StoredBlock {
  const block = new Message(bytes);
  const header = block.message(1);
  return {
    header: { number: header.number(1), previousHash: header.bytes(2), dataHash: header.bytes(3) },
    envelopes: block.message(2).list(1),
    metadata: block.message(3).list(1),
  };
}

/** The envelopes of a serialised block. */
export const envelopesOf = (block: Uint8Array): Buffer[] => new Message(block).message(2).list(1);

/** The validation code of each transaction of a serialised block. */
export const codesOf = (block: Uint8Array): Buffer =>
  new Message(block).message(3).list(1)[TRANSACTIONS_FILTER] ?? Buffer.alloc(0);

/** The block as a message object, around the same bytes. */
export function toMessage(block: StoredBlock): common.Block {
  const header = new common.BlockHeader();
  header.setNumber(block.header.number);
  header.setPreviousHash(block.header.previousHash);
  header.setDataHash(block.header.dataHash);
  const data = new common.BlockData();
  data.setDataList(block.envelopes);
  const metadata = new common.BlockMetadata();
  metadata.setMetadataList(block.metadata);
  const message = new common.Block();
  message.setHeader(header);
  message.setData(data);
  message.setMetadata(metadata);
  return message;
}

/** The 32 bytes in the COMMIT_HASH entry; undefined in block 0. */
export function commitHashOf(block: StoredBlock): Buffer | undefined {
  const entry = block.metadata[COMMIT_HASH];
  const hash = entry && new Message(entry).bytes(1);
  return hash && hash.length > 0 ? hash : undefined;
}
