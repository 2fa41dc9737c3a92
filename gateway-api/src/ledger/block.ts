/**
 * Reads a block with private data once, into what the read model needs: who wrote what, with which outcome. It
 * knows Fabric's protocol buffers and nothing of what the keys mean.
 */
import { createHash } from 'node:crypto';
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';

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
const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
  data: Uint8Array;
}

function readHeader(envelope: Uint8Array, index: number, code: number): ReadHeader | undefined {
  const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope).getPayload_asU8());
  const header = payload.getHeader();
  if (header === undefined) return undefined;
  const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  if (channelHeader.getType() !== common.HeaderType.ENDORSER_TRANSACTION) return undefined;
  const creator = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()).getCreator_asU8();
  const parsed: ParsedTransaction = {
    transactionId: channelHeader.getTxId(),
    index,
    code,
    creator: mspIdOf(creator),
    endorsers: [],
    time: timeOf(channelHeader),
    publicWrites: [],
    privateWrites: [],
  };
  return { parsed, data: payload.getData_asU8() };
}

function withAction(
  { parsed, data }: ReadHeader,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): ParsedTransaction {
  const transaction = { ...parsed, publicWrites: [], privateWrites: [] };
  const [action] = peer.Transaction.deserializeBinary(data).getActionsList();
  if (action !== undefined) readAction(action, transaction, scope, privateSet);
  return transaction;
}

function readAction(
  action: peer.TransactionAction,
  transaction: ParsedTransaction,
  scope: BlockScope,
  privateSet: ledger.rwset.TxPvtReadWriteSet | undefined,
): void {
  const endorsed = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8()).getAction();
  if (endorsed === undefined) return;
  const endorsers = endorsed.getEndorsementsList().map((endorsement) => mspIdOf(endorsement.getEndorser_asU8()));
  transaction.endorsers = [...new Set(endorsers)];
  if (transaction.code !== VALID) return;
  const response = peer.ProposalResponsePayload.deserializeBinary(endorsed.getProposalResponsePayload_asU8());
  const chaincodeAction = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
  readEvent(chaincodeAction, transaction);
  const writes = ledger.rwset.TxReadWriteSet.deserializeBinary(chaincodeAction.getResults_asU8());
  const ours = writes.getNsRwsetList().find((set) => set.getNamespace() === scope.chaincode);
  if (ours === undefined) return;
  for (const write of ledger.rwset.kvrwset.KVRWSet.deserializeBinary(ours.getRwset_asU8()).getWritesList()) {
    const value = write.getIsDelete() ? undefined : text(write.getValue_asU8());
    transaction.publicWrites.push({ key: write.getKey(), value });
  }
  for (const hashed of ours.getCollectionHashedRwsetList()) {
    const collection = hashed.getCollectionName();
    if (!scope.collections.has(collection)) continue;
    const plain = plainWrites(privateSet, scope.chaincode, collection);
    transaction.privateWrites.push(...hashedWrites(hashed.getHashedRwset_asU8(), collection, plain));
  }
}

function readEvent(action: peer.ChaincodeAction, transaction: ParsedTransaction): void {
  const bytes = action.getEvents_asU8();
  if (bytes.length === 0) return;
  const event = peer.ChaincodeEvent.deserializeBinary(bytes);
  if (event.getEventName() !== '') {
    transaction.event = { name: event.getEventName(), payload: text(event.getPayload_asU8()) };
  }
}

type Plain = { key: string; value: Uint8Array; deleted: boolean };

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
      for (const write of ledger.rwset.kvrwset.KVRWSet.deserializeBinary(one.getRwset_asU8()).getWritesList()) {
        const key = write.getKey();
        const plain = { key, value: write.getValue_asU8(), deleted: write.getIsDelete() };
        found.set(digest(Buffer.from(key)), plain);
      }
    }
  }
  return found;
}

function hashedWrites(bytes: Uint8Array, collection: string, plain: Map<string, Plain>): PrivateWrite[] {
  return ledger.rwset.kvrwset.HashedRWSet.deserializeBinary(bytes)
    .getHashedWritesList()
    .map((write) => {
      const keyHash = hex(write.getKeyHash_asU8());
      const found = plain.get(keyHash);
      if (write.getIsDelete()) {
        const deletedKey = found?.deleted === true ? { deletedKey: found.key } : {};
        return { collection, keyHash, anchor: undefined, purged: write.getIsPurge(), ...deletedKey };
      }
      const anchor = hex(write.getValueHash_asU8());
      if (found === undefined || found.deleted) return { collection, keyHash, anchor, purged: false };
      const matches = digest(found.value) === anchor;
      return {
        collection,
        keyHash,
        anchor,
        purged: false,
        plain: { key: found.key, value: text(found.value), matches },
      };
    });
}

/** Serialised identities repeat in every transaction: their MSP id is looked up by their bytes. */
const mspIds = new Map<string, string>();
const MSP_IDS_KEPT = 2000;

function mspIdOf(creator: Uint8Array): string {
  const key = Buffer.from(creator.buffer, creator.byteOffset, creator.length).toString('latin1');
  const known = mspIds.get(key);
  if (known !== undefined) return known;
  const mspId = msp.SerializedIdentity.deserializeBinary(creator).getMspid();
  if (mspIds.size >= MSP_IDS_KEPT) mspIds.clear();
  mspIds.set(key, mspId);
  return mspId;
}

const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Clients state what they like; what no four-digit year holds is moved to the nearest time that one does. */
function timeOf(header: common.ChannelHeader): string {
  const stamp = header.getTimestamp();
  const milliseconds = (stamp?.getSeconds() ?? 0) * 1000 + Math.floor((stamp?.getNanos() ?? 0) / 1e6);
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
