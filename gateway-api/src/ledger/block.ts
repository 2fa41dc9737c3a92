/**
 * Reads a block with private data once, into what the read model needs: who wrote what, with which outcome. It
 * knows Fabric's formats and nothing of what the keys mean. What lies inside an envelope is read from its bytes, as
 * far as it is wanted: every gateway reads every block, and decoding all of it took longer than storing it.
 */
import { hash } from 'node:crypto';
import { common, type ledger, type peer } from '@hyperledger/fabric-protos';
import { leafHash, rootOf } from '@telemed-ledger/chaincode/model/merkle.ts';
import { headerHash, SIGNATURES, TRANSACTIONS_FILTER } from '@telemed-ledger/formats/blocks/block.ts';
import { decodeHashedWrites, decodeWrites, readNamespaces, type Write } from '@telemed-ledger/formats/blocks/rwset.ts';
import {
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
} from '@telemed-ledger/formats/blocks/transaction.ts';
import * as codes from '@telemed-ledger/formats/blocks/validation-codes.ts';
import { bufferOf } from '@telemed-ledger/formats/bytes.ts';
import { certificateOf, mspIdOf } from '@telemed-ledger/formats/identity.ts';
import { type Entry, type HashedKey, writeText } from '@telemed-ledger/verifier/entry.ts';
import type { Evidence } from '@telemed-ledger/verifier/evidence.ts';

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

/** A plain key, whose value stands in no state. */
export interface RefusedKey {
  collection: string;
  key: string;
  /** SHA-256 of the key, hex. */
  keyHash: string;
}

/** What a write says in its block, whoever holds the value. */
export type HashedWrite = Pick<PrivateWrite, 'collection' | 'keyHash' | 'anchor'>;

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
  /** Of all other collections. */
  elsewhere: HashedWrite[];
  /** Where the peer found it invalid: the keys under which its values lie in this peer's private store all the same. */
  refused?: RefusedKey[];
  /** Where it has an event: the certificate that sent it, PEM. */
  identity?: string;
  /** True where the peer found it valid and it cannot be read here: none of its writes are above. */
  unreadable?: boolean;
}

/** With every private write in the order of the envelope, whoever holds its collection. */
interface Read extends ParsedTransaction {
  hashed?: HashedKey[];
}

export interface ParsedBlock {
  number: number;
  /** Hash of the header, hex; the next block's `previousHash`. */
  hash: string;
  previousHash: string;
  transactions: ParsedTransaction[];
  /** One for every envelope, also for those that are no transaction: what the ledger's tree has as leaves. */
  entries: Entry[];
}

/** The chaincode whose writes are read, and of which collections this organisation is a member. */
export interface BlockScope {
  chaincode: string;
  collections: ReadonlySet<string>;
}

const digest = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** Found before the transaction id was held against its creator: it may be the id of somebody else's transaction. */
const OF_UNPROVEN_ID: readonly number[] = [
  codes.NIL_ENVELOPE,
  codes.BAD_PAYLOAD,
  codes.BAD_COMMON_HEADER,
  codes.BAD_CREATOR_SIGNATURE,
  codes.BAD_PROPOSAL_TXID,
];

/**
 * Parses what `getBlockAndPrivateDataEvents` delivers. Config transactions are skipped, and so is what is no
 * transaction at all: every member can have anything ordered, and none of it may stop the feed.
 */
export function parseBlock(delivered: peer.BlockAndPrivateData, scope: BlockScope): ParsedBlock {
  const block = delivered.getBlock();
  const header = block?.getHeader();
  if (block === undefined || header === undefined) throw new Error('a block without a header was delivered');
  const filter = block.getMetadata()?.getMetadataList_asU8()[TRANSACTIONS_FILTER];
  const privateSets = delivered.getPrivateDataMapMap();
  const place = { block: header.getNumber(), header: hashOf(header) };
  const transactions: ParsedTransaction[] = [];
  const entries: Entry[] = [];
  for (const [position, envelope] of (block.getData()?.getDataList_asU8() ?? []).entries()) {
    const code = filter?.[position] ?? codes.NOT_VALIDATED;
    const { hashed, ...read }: Partial<Read> =
      readAny(envelope, position, code, scope, privateSets.get(position)) ?? {};
    if (isRead(read)) transactions.push(read);
    const { transactionId } = read;
    entries.push({
      ...{ ...place, position, code, envelope: digest(envelope) },
      transactionId: transactionId !== undefined && HEX.test(transactionId) ? transactionId : undefined,
      writes: writesOf(hashed),
    });
  }
  return {
    number: place.block,
    hash: place.header,
    previousHash: bufferOf(header.getPreviousHash_asU8()).toString('hex'),
    transactions,
    entries,
  };
}

const HEX = /^[0-9a-f]{64}$/;
const isRead = (read: Partial<ParsedTransaction>): read is ParsedTransaction => read.transactionId !== undefined;

/** Undefined for what is no transaction, or of an id that it does not prove to have. */
function readAny(
  envelope: Uint8Array,
  index: number,
  code: number,
  scope: BlockScope,
  privateSet: PrivateSet,
): Read | undefined {
  if (OF_UNPROVEN_ID.includes(code)) return undefined;
  const transaction = attempt(() => readTransaction(envelope, index, code));
  if (transaction === undefined) return undefined;
  const read = attempt(() => withAction(transaction, scope, privateSet));
  return read ?? (code === codes.VALID ? { ...transaction.parsed, unreadable: true } : transaction.parsed);
}

/** The tree over what a transaction wrote, the same whichever member reads it. */
function writesOf(hashed: readonly HashedKey[] = []): Entry['writes'] {
  if (hashed.length === 0) return undefined;
  return { count: hashed.length, root: rootOf(hashed.map((write) => leafHash(writeText(write)))) };
}

const hashOf = (header: common.BlockHeader): string =>
  headerHash({
    number: header.getNumber(),
    previousHash: bufferOf(header.getPreviousHash_asU8()),
    dataHash: bufferOf(header.getDataHash_asU8()),
  }).toString('hex');

/** The private writes of one envelope of a block, in its order, whoever holds their collections. */
export function hashedWritesIn(block: common.Block, position: number, scope: BlockScope): HashedKey[] {
  const envelope = block.getData()?.getDataList_asU8()[position];
  const code = block.getMetadata()?.getMetadataList_asU8()[TRANSACTIONS_FILTER]?.[position] ?? codes.NOT_VALIDATED;
  return (envelope && readAny(envelope, position, code, scope, undefined)?.hashed) ?? [];
}

/** One envelope of a block as it stands there, and what its header holds; undefined where there is none. */
export function evidenceIn(block: common.Block, position: number): Evidence | undefined {
  const envelope = block.getData()?.getDataList_asU8()[position];
  const header = block.getHeader();
  if (envelope === undefined || header === undefined) return undefined;
  const signatures = block.getMetadata()?.getMetadataList_asU8()[SIGNATURES] ?? new Uint8Array();
  return {
    envelope: Uint8Array.from(envelope),
    previousHash: bufferOf(header.getPreviousHash_asU8()).toString('hex'),
    dataHash: bufferOf(header.getDataHash_asU8()).toString('hex'),
    // Nobody signs the first block.
    ...(signatures.length === 0 ? {} : { blockSignatures: Uint8Array.from(signatures) }),
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
  data: Buffer;
  /** Serialised msp.SerializedIdentity. */
  sender: Buffer;
}

/** Undefined for what is no transaction of a chaincode. */
function readTransaction(envelope: Uint8Array, index: number, code: number): ReadHeader | undefined {
  const { header, data } = readPayload(readEnvelope(envelope).payload);
  if (header === undefined) return undefined;
  const { channelHeader, signatureHeader } = readHeader(header);
  const { type, txId: transactionId, timestamp } = readChannelHeader(channelHeader);
  if (type !== ENDORSER_TRANSACTION) return undefined;
  const { creator: sender } = readSignatureHeader(signatureHeader);
  const creator = mspIdOf(sender);
  const nothing = { endorsers: [], publicWrites: [], privateWrites: [], elsewhere: [] };
  const parsed = { transactionId, index, code, creator, time: timeOf(timestamp), ...nothing };
  return { parsed, data, sender };
}

function withAction({ parsed, data, sender }: ReadHeader, scope: BlockScope, privateSet: PrivateSet): Read {
  const transaction: Read = {
    ...parsed,
    endorsers: [],
    publicWrites: [],
    privateWrites: [],
    elsewhere: [],
  };
  const [action] = readActions(data);
  if (action === undefined) return transaction;
  const { endorsements, responsePayload } = readActionPayload(action.payload);
  transaction.endorsers = [...new Set(endorsements.map(({ endorser }) => mspIdOf(endorser)))];
  if (transaction.code !== codes.VALID) {
    const refused = refusedKeys(privateSet, scope);
    return refused.length === 0 ? transaction : { ...transaction, refused };
  }
  const { event, results } = readChaincodeAction(readResponsePayload(responsePayload).chaincodeAction);
  readEvent(event, transaction);
  if (transaction.event !== undefined) transaction.identity = certificateOf(sender);
  readResults(results, transaction, scope, privateSet);
  return transaction;
}

function readEvent(event: Buffer | undefined, transaction: ParsedTransaction): void {
  if (event === undefined) return;
  const { name, payload } = readChaincodeEvent(event);
  if (name !== '') transaction.event = { name, payload: payload.toString('utf8') };
}

type PrivateSet = ledger.rwset.TxPvtReadWriteSet | undefined;

/** The first set of our chaincode's namespace. */
function readResults(results: Buffer, transaction: Read, scope: BlockScope, privateSet: PrivateSet): void {
  const ours = readNamespaces(results).find(({ namespace }) => namespace === scope.chaincode);
  if (ours === undefined) return;
  transaction.publicWrites = decodeWrites(ours.publicSet).map(({ key, value, isDelete }) => ({
    key: key.toString('utf8'),
    value: isDelete ? undefined : value.toString('utf8'),
  }));
  const hashed: HashedKey[] = [];
  for (const { collection, hashedSet } of ours.collections) {
    const writes = decodeHashedWrites(hashedSet);
    const all = writes.map((write) => withoutPlain(write, collection));
    for (const { anchor: valueHash, keyHash } of all) hashed.push({ collection, keyHash, valueHash });
    if (!scope.collections.has(collection)) {
      transaction.elsewhere.push(...all);
      continue;
    }
    const plain = plainWrites(privateSet, scope.chaincode, collection);
    for (const write of writes) transaction.privateWrites.push(hashedWrite(write, collection, plain));
  }
  transaction.hashed = hashed;
}

const withoutPlain = ({ key, value, isDelete }: Write, collection: string): HashedWrite => ({
  ...{ collection, keyHash: key.toString('hex') },
  anchor: isDelete ? undefined : value.toString('hex'),
});

/** The plain writes of a collection by the SHA-256 of their key, hex. What was put together by hand may have several. */
function plainWrites(set: PrivateSet, chaincode: string, collection: string): Map<string, Write[]> {
  const found = new Map<string, Write[]>();
  for (const namespace of set?.getNsPvtRwsetList() ?? []) {
    if (namespace.getNamespace() !== chaincode) continue;
    for (const one of namespace.getCollectionPvtRwsetList()) {
      if (one.getCollectionName() !== collection) continue;
      for (const write of decodeWrites(one.getRwset_asU8())) {
        const keyHash = digest(write.key);
        found.set(keyHash, [...(found.get(keyHash) ?? []), write]);
      }
    }
  }
  return found;
}

/** The keys that an invalid transaction would have written, as far as text names them: those of our chaincode are all text. */
const refusedKeys = (set: PrivateSet, { chaincode, collections }: BlockScope): RefusedKey[] =>
  [...collections].flatMap((collection) =>
    [...plainWrites(set, chaincode, collection)].flatMap(([keyHash, writes]) => {
      const key = writes[0]?.key.toString('utf8') ?? '';
      const isNamed = digest(key) === keyHash && writes.some(({ isDelete }) => !isDelete);
      return isNamed ? [{ collection, key, keyHash }] : [];
    }),
  );

function hashedWrite(
  { key, value, isDelete, isPurge }: Write,
  collection: string,
  plain: Map<string, Write[]>,
): PrivateWrite {
  const keyHash = key.toString('hex');
  const all = plain.get(keyHash) ?? [];
  const found =
    all.find((one) => one.isDelete === isDelete && (isDelete || digest(one.value) === value.toString('hex'))) ?? all[0];
  if (isDelete) {
    const deletedKey = found?.isDelete === true ? { deletedKey: found.key.toString('utf8') } : {};
    return { collection, keyHash, anchor: undefined, purged: isPurge, ...deletedKey };
  }
  const anchored = { collection, keyHash, anchor: value.toString('hex'), purged: false };
  if (found === undefined || found.isDelete) return anchored;
  const matches = digest(found.value) === anchored.anchor;
  return { ...anchored, plain: { key: found.key.toString('utf8'), value: found.value.toString('utf8'), matches } };
}

const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Clients state what they like; what no four-digit year holds is moved to the nearest time that one does. */
function timeOf({ seconds, nanos }: { seconds: number; nanos: number } = { seconds: 0, nanos: 0 }): string {
  const milliseconds = seconds * 1000 + Math.floor(nanos / 1e6);
  return new Date(Math.max(0, Math.min(LATEST_MS, milliseconds))).toISOString();
}
