/**
 * Reads a block with private data once, into what the read model needs: who wrote what, with which outcome. It
 * knows Fabric's protocol buffers and nothing of what the keys mean. What lies inside an envelope is read from its
 * bytes, field by field: every gateway reads every block, and decoding all of it took longer than storing it.
 */
import { hash } from 'node:crypto';
import { common, type ledger, peer } from '@hyperledger/fabric-protos';
import { WireReader } from '@telemed-ledger/formats/protobuf/reader.ts';

export interface PublicWrite {
  key: string;
  /** undefined: deleted. */
  value: string | undefined;
}

export interface PrivateWrite {
  collection: string;
  /** SHA-256 of the key, hex. */
  keyHash: string;
  /** SHA-256 of the value as the block holds it, hex; undefined: deleted. */
  anchor: string | undefined;
  purged: boolean;
  /** The plain key of a delete, when this peer delivered it. */
  deletedKey?: string;
  /** Present when this peer delivered the plain value. */
  plain?: { key: string; value: string; matches: boolean };
}

/** Whether a write takes the value away: deleted or purged. */
export const isRemoval = ({ anchor }: PrivateWrite): boolean => anchor === undefined;

export interface ParsedTransaction {
  transactionId: string;
  index: number;
  /** peer.TxValidationCode; 0 is VALID. */
  code: number;
  /** MSP id. */
  creator: string;
  /** MSP ids, without repetition. */
  endorsers: string[];
  /** The client's timestamp, ISO 8601 UTC. */
  time: string;
  event?: { name: string; payload: string };
  publicWrites: PublicWrite[];
  /** Only of the collections asked for. */
  privateWrites: PrivateWrite[];
  /** True where the peer found it valid and it cannot be read here: none of its writes are above. */
  unreadable?: boolean;
}

export interface ParsedBlock {
  number: number;
  /** Hash of the header, hex; the next block's `previousHash`. */
  hash: string;
  previousHash: string;
  transactions: ParsedTransaction[];
}

/** The chaincode whose writes are read, and of which collections this organisation is a member. */
export interface BlockScope {
  chaincode: string;
  collections: ReadonlySet<string>;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
const digest = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

const { BAD_COMMON_HEADER, BAD_CREATOR_SIGNATURE, BAD_PAYLOAD, BAD_PROPOSAL_TXID, NIL_ENVELOPE, VALID } =
  peer.TxValidationCode;
/** Found before the transaction id was held against its creator: it may be the id of somebody else's transaction. */
const OF_UNPROVEN_ID: readonly number[] = [
  ...[NIL_ENVELOPE, BAD_PAYLOAD, BAD_COMMON_HEADER, BAD_CREATOR_SIGNATURE, BAD_PROPOSAL_TXID],
];

/**
 * Parses what `getBlockAndPrivateDataEvents` delivers. Config transactions are skipped, and so is what is no
 * transaction at all: every member can have anything ordered, and none of it may stop the feed.
 */
export function parseBlock(delivered: peer.BlockAndPrivateData, scope: BlockScope): ParsedBlock {
  const block = delivered.getBlock();
  const header = block?.getHeader();
  if (block === undefined || header === undefined) throw new Error('a block without a header was delivered');
  const codes = block.getMetadata()?.getMetadataList_asU8()[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
  const privateSets = delivered.getPrivateDataMapMap();
  const transactions: ParsedTransaction[] = [];
  for (const [index, envelope] of (block.getData()?.getDataList_asU8() ?? []).entries()) {
    const code = codes?.[index] ?? peer.TxValidationCode.NOT_VALIDATED;
    if (OF_UNPROVEN_ID.includes(code)) continue;
    const transaction = attempt(() => readHeader(envelope, index, code));
    if (transaction === undefined) continue;
    const read = attempt(() => withAction(transaction, scope, privateSets.get(index)));
    transactions.push(read ?? (code === VALID ? { ...transaction.parsed, unreadable: true } : transaction.parsed));
  }
  return {
    number: header.getNumber(),
    hash: headerHash(header),
    previousHash: hex(header.getPreviousHash_asU8()),
    transactions,
  };
}

/** The height of the chain from what qscc's GetChainInfo answers. */
export const heightOf = (blockchainInfo: Uint8Array): number =>
  common.BlockchainInfo.deserializeBinary(blockchainInfo).getHeight();

/** The result, or undefined where the bytes are not what they should be. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

interface ReadHeader {
  parsed: ParsedTransaction;
  /** Serialised peer.Transaction. */
  data: WireReader;
}

/** A message without fields, for one that is absent. */
const empty = (): WireReader => new WireReader(NOTHING);
const NOTHING = Buffer.alloc(0);

/** The last occurrence of a bytes or message field. */
function inside(message: WireReader, field: number): WireReader {
  let found: WireReader | undefined;
  while (message.next()) if (message.field === field && message.isBytes) found = message.message;
  return found ?? empty();
}

/**
 * A field that is a message itself: several occurrences are one message, as peers read them, or else a member could
 * have a valid transaction pass unseen.
 */
function merged(fields: WireReader[]): WireReader | undefined {
  return fields.length > 1 ? new WireReader(Buffer.concat(fields.map((field) => field.all))) : fields[0];
}

/** common.Envelope → Payload → Header; undefined for what is no transaction of a chaincode. */
function readHeader(envelope: Uint8Array, index: number, code: number): ReadHeader | undefined {
  const payload = inside(new WireReader(envelope), 1);
  const headers: WireReader[] = [];
  let data = empty();
  while (payload.next()) {
    if (payload.field === 1 && payload.isBytes) headers.push(payload.message);
    else if (payload.field === 2 && payload.isBytes) data = payload.message;
  }
  const header = merged(headers);
  if (header === undefined) return undefined;
  let channelHeader = empty();
  let signatureHeader = empty();
  while (header.next()) {
    if (header.field === 1 && header.isBytes) channelHeader = header.message;
    else if (header.field === 2 && header.isBytes) signatureHeader = header.message;
  }
  const { type, transactionId, time } = readChannelHeader(channelHeader);
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) return undefined;
  const creator = mspIdOf(inside(signatureHeader, 1));
  const nothing = { endorsers: [], publicWrites: [], privateWrites: [] };
  return { parsed: { transactionId, index, code, creator, time, ...nothing }, data };
}

function readChannelHeader(header: WireReader): { type: number; transactionId: string; time: string } {
  let type = 0;
  let transactionId = '';
  let stamp = empty();
  while (header.next()) {
    if (header.field === 1 && header.isNumber) type = header.int32;
    else if (header.field === 3 && header.isBytes) stamp = header.message;
    else if (header.field === 5 && header.isBytes) transactionId = header.text;
  }
  return { type, transactionId, time: timeOf(stamp) };
}

function withAction(
  { parsed, data }: ReadHeader,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): ParsedTransaction {
  const transaction = { ...parsed, endorsers: [], publicWrites: [], privateWrites: [] };
  let action: WireReader | undefined;
  while (data.next()) if (data.field === 1 && data.isBytes) action ??= data.message;
  if (action !== undefined) readAction(action, transaction, scope, privateSet);
  return transaction;
}

/** peer.TransactionAction → ChaincodeActionPayload → ChaincodeEndorsedAction. */
function readAction(
  action: WireReader,
  transaction: ParsedTransaction,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): void {
  const payload = inside(action, 2);
  const parts: WireReader[] = [];
  while (payload.next()) if (payload.field === 2 && payload.isBytes) parts.push(payload.message);
  const endorsed = merged(parts) ?? empty();
  let response = empty();
  while (endorsed.next()) {
    if (endorsed.field === 1 && endorsed.isBytes) response = endorsed.message;
    else if (endorsed.field === 2 && endorsed.isBytes) {
      const endorser = mspIdOf(inside(endorsed.message, 1));
      if (!transaction.endorsers.includes(endorser)) transaction.endorsers.push(endorser);
    }
  }
  if (transaction.code !== VALID) return;
  let results = empty();
  let event = empty();
  const chaincodeAction = inside(response, 2);
  while (chaincodeAction.next()) {
    if (chaincodeAction.field === 1 && chaincodeAction.isBytes) results = chaincodeAction.message;
    else if (chaincodeAction.field === 2 && chaincodeAction.isBytes) event = chaincodeAction.message;
  }
  readEvent(event, transaction);
  readResults(results, transaction, scope, privateSet);
}

function readEvent(event: WireReader, transaction: ParsedTransaction): void {
  let name = '';
  let payload = '';
  while (event.next()) {
    if (event.field === 3 && event.isBytes) name = event.text;
    else if (event.field === 4 && event.isBytes) payload = event.text;
  }
  if (name !== '') transaction.event = { name, payload };
}

/** rwset.TxReadWriteSet: the first set of our chaincode's namespace. */
function readResults(
  results: WireReader,
  transaction: ParsedTransaction,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): void {
  while (results.next()) {
    if (results.field !== 2 || !results.isBytes) continue;
    let namespace = '';
    let publicSet = empty();
    const hashedSets: WireReader[] = [];
    const set = results.message;
    while (set.next()) {
      if (set.field === 1 && set.isBytes) namespace = set.text;
      else if (set.field === 2 && set.isBytes) publicSet = set.message;
      else if (set.field === 3 && set.isBytes) hashedSets.push(set.message);
    }
    if (namespace !== scope.chaincode) continue;
    for (const { key, value, deleted } of writesOf(publicSet)) {
      transaction.publicWrites.push({ key, value: deleted ? undefined : value.toString('utf8') });
    }
    for (const hashed of hashedSets) readHashedSet(hashed, transaction, scope, privateSet);
    return;
  }
}

/** rwset.CollectionHashedReadWriteSet, where this organisation is a member of the collection. */
function readHashedSet(
  set: WireReader,
  transaction: ParsedTransaction,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): void {
  let collection = '';
  let hashed = empty();
  while (set.next()) {
    if (set.field === 1 && set.isBytes) collection = set.text;
    else if (set.field === 2 && set.isBytes) hashed = set.message;
  }
  if (!scope.collections.has(collection)) return;
  const plain = plainWrites(privateSet, scope.chaincode, collection);
  while (hashed.next()) {
    if (hashed.field !== 2 || !hashed.isBytes) continue;
    transaction.privateWrites.push(hashedWrite(hashed.message, collection, plain));
  }
}

interface Plain {
  key: string;
  value: Buffer;
  deleted: boolean;
}

/** Of a kvrwset.KVRWSet. */
function writesOf(set: WireReader): Plain[] {
  const writes: Plain[] = [];
  while (set.next()) {
    if (set.field !== 3 || !set.isBytes) continue;
    const write = set.message;
    const found: Plain = { key: '', value: NOTHING, deleted: false };
    while (write.next()) {
      if (write.field === 1 && write.isBytes) found.key = write.text;
      else if (write.field === 2 && write.isNumber) found.deleted = write.flag;
      else if (write.field === 3 && write.isBytes) found.value = write.bytes;
    }
    writes.push(found);
  }
  return writes;
}

/** The plain writes of a collection by the SHA-256 of their key. */
function plainWrites(
  set: ledger.rwset.TxPvtReadWriteSet | undefined,
  chaincode: string,
  collection: string,
): Map<string, Plain> {
  const found = new Map<string, Plain>();
  for (const namespace of set?.getNsPvtRwsetList() ?? []) {
    if (namespace.getNamespace() !== chaincode) continue;
    for (const one of namespace.getCollectionPvtRwsetList()) {
      if (one.getCollectionName() !== collection) continue;
      for (const write of writesOf(new WireReader(one.getRwset_asU8()))) found.set(digest(write.key), write);
    }
  }
  return found;
}

/** kvrwset.KVWriteHash */
function hashedWrite(write: WireReader, collection: string, plain: Map<string, Plain>): PrivateWrite {
  let keyHash = '';
  let anchor = '';
  let deleted = false;
  let purged = false;
  while (write.next()) {
    if (write.field === 1 && write.isBytes) keyHash = write.hex;
    else if (write.field === 2 && write.isNumber) deleted = write.flag;
    else if (write.field === 3 && write.isBytes) anchor = write.hex;
    else if (write.field === 4 && write.isNumber) purged = write.flag;
  }
  const found = plain.get(keyHash);
  if (deleted) {
    const deletedKey = found?.deleted === true ? { deletedKey: found.key } : {};
    return { collection, keyHash, anchor: undefined, purged, ...deletedKey };
  }
  if (found === undefined || found.deleted) return { collection, keyHash, anchor, purged: false };
  const matches = digest(found.value) === anchor;
  const value = found.value.toString('utf8');
  return { collection, keyHash, anchor, purged: false, plain: { key: found.key, value, matches } };
}

/** msp.SerializedIdentity */
function mspIdOf(identity: WireReader): string {
  let mspId = '';
  while (identity.next()) if (identity.field === 1 && identity.isBytes) mspId = identity.text;
  return mspId;
}

const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Clients state what they like; what no four-digit year holds is moved to the nearest time that one does. */
function timeOf(stamp: WireReader): string {
  let seconds = 0;
  let nanos = 0;
  while (stamp.next()) {
    if (stamp.field === 1 && stamp.isNumber) seconds = stamp.int64;
    else if (stamp.field === 2 && stamp.isNumber) nanos = stamp.int32;
  }
  const milliseconds = seconds * 1000 + Math.floor(nanos / 1e6);
  return new Date(Math.max(0, Math.min(LATEST_MS, milliseconds))).toISOString();
}

/** SHA-256 of the ASN.1 DER SEQUENCE {INTEGER number, OCTET STRING previous, OCTET STRING data}. */
function headerHash(header: common.BlockHeader): string {
  let digits = header.getNumber().toString(16);
  if (digits.length % 2 === 1) digits = `0${digits}`;
  let number: Buffer = Buffer.from(digits, 'hex');
  if ((number[0] ?? 0) & 0x80) number = Buffer.concat([Buffer.from([0]), number]);
  const parts = Buffer.concat([
    derValue(0x02, number),
    derValue(0x04, header.getPreviousHash_asU8()),
    derValue(0x04, header.getDataHash_asU8()),
  ]);
  return digest(derValue(0x30, parts));
}

/** Tag, length below 128, content: a block header never needs more. */
const derValue = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag, content.length]), content]);
