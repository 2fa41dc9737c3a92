/**
 * Hashes and encodings of blocks that must be Fabric's to the byte: header, data, and the parts of the commit hash.
 * Checked against output of Fabric's own code in block.test.ts.
 */
import { hash } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { bufferOf } from '../identity/bytes.ts';
import { TAG, writeElement, writeUnsigned } from '../identity/der.ts';

const OCTET_STRING = 0x04;

/** ASN.1 DER of SEQUENCE { number INTEGER, previous_hash OCTET STRING, data_hash OCTET STRING }. */
export function blockHeaderDer(number: number, previousHash: Uint8Array, dataHash: Uint8Array): Buffer {
  const content = [
    writeUnsigned(bigEndian(number)),
    writeElement(OCTET_STRING, previousHash),
    writeElement(OCTET_STRING, dataHash),
  ];
  return writeElement(TAG.sequence, Buffer.concat(content));
}

/** SHA-256 of the header's DER: the next block's previous_hash. */
export function blockHeaderHash(header: common.BlockHeader): Buffer {
  return sha256(blockHeaderDer(header.getNumber(), header.getPreviousHash_asU8(), header.getDataHash_asU8()));
}

/** SHA-256 of the concatenated entries of a block's data. */
export function blockDataHash(entries: readonly Uint8Array[]): Buffer {
  return sha256(Buffer.concat(entries));
}

/** A block with header and data and its five metadata entries still empty. */
export function newBlock(number: number, previousHash: Uint8Array, entries: readonly Uint8Array[]): common.Block {
  const header = new common.BlockHeader();
  header.setNumber(number);
  header.setPreviousHash(previousHash);
  header.setDataHash(blockDataHash(entries));
  const data = new common.BlockData();
  data.setDataList([...entries]);
  const metadata = new common.BlockMetadata();
  metadata.setMetadataList(Array.from({ length: METADATA_ENTRIES }, () => new Uint8Array()));
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(metadata);
  return block;
}

const METADATA_ENTRIES = Object.keys(common.BlockMetadataIndex).length;

/** Base-128 varint, least significant group first (protobuf's and Go's binary.PutUvarint). */
export function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A version as in the commit hash: block, then transaction, each as a length byte and big-endian bytes without leading zeros. */
export function versionBytes(block: number, transaction: number): Buffer {
  return Buffer.concat([orderPreserving(block), orderPreserving(transaction)]);
}

export function sha256(bytes: Uint8Array): Buffer {
  return bufferOf(hash('sha256', bytes, 'buffer'));
}

function orderPreserving(value: number): Buffer {
  const bytes = bigEndian(value);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Big-endian without leading zeros; nothing for zero. */
function bigEndian(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 0x100)) bytes.unshift(rest % 0x100);
  return Buffer.from(bytes);
}
