/** Builds blocks with private data as a peer delivers them, for tests: real protocol buffers, unsigned. */
import { createHash, randomBytes } from 'node:crypto';
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';

export interface FixtureWrite {
  collection: string;
  key: string;
  /** undefined deletes. */
  value?: string;
  purge?: boolean;
  /** False: the peer has the hash only. */
  delivered?: boolean;
  /** What the peer delivers instead of the value. */
  instead?: string;
  /** What the block says in place of the hashes of key and value. */
  hashes?: { key?: Uint8Array; value?: Uint8Array };
}

export interface FixtureTransaction {
  transactionId?: string;
  code?: number;
  creator?: string;
  endorsers?: string[];
  time?: string;
  event?: { name: string; payload: string };
  publicWrites?: { key: string; value?: string }[];
  privateWrites?: FixtureWrite[];
  chaincode?: string;
  /** Splits the header over two occurrences of its field. */
  splitHeader?: boolean;
  /** Serialised peer.Transaction in place of the one that follows from the rest. */
  data?: Uint8Array;
}

const { rwset } = ledger;
const { kvrwset } = rwset;

export const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const newTransactionId = (): string => randomBytes(32).toString('hex');

const identity = (mspId: string): Uint8Array => {
  const message = new msp.SerializedIdentity();
  message.setMspid(mspId);
  message.setIdBytes(Buffer.from(`certificate of ${mspId}`));
  return message.serializeBinary();
};

/** A block of these transactions on top of another (or the first). */
export function fixtureBlock(
  number: number,
  transactions: FixtureTransaction[],
  previous?: peer.BlockAndPrivateData,
): peer.BlockAndPrivateData {
  const data = new common.BlockData();
  data.setDataList(transactions.map(envelope));
  const header = new common.BlockHeader();
  header.setNumber(number);
  header.setPreviousHash(previous === undefined ? new Uint8Array(0) : headerHash(previous));
  header.setDataHash(sha256(Buffer.concat(data.getDataList_asU8())));
  const metadata = new common.BlockMetadata();
  const codes = Uint8Array.from(transactions.map(({ code = 0 }) => code));
  metadata.setMetadataList([new Uint8Array(0), new Uint8Array(0), codes]);
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(metadata);
  const delivered = new peer.BlockAndPrivateData();
  delivered.setBlock(block);
  transactions.forEach((transaction, index) => {
    const set = privateSet(transaction);
    if (set !== undefined) delivered.getPrivateDataMapMap().set(index, set);
  });
  return peer.BlockAndPrivateData.deserializeBinary(delivered.serializeBinary());
}

/** The same block as a peer delivers it that lacks the private data of some transactions' collections. */
export function withheld(
  delivered: peer.BlockAndPrivateData,
  isWithheld: (transaction: number, collection: string) => boolean,
): peer.BlockAndPrivateData {
  const copy = peer.BlockAndPrivateData.deserializeBinary(delivered.serializeBinary());
  copy.getPrivateDataMapMap().forEach((set, transaction) => {
    for (const namespace of set.getNsPvtRwsetList()) {
      const kept = namespace
        .getCollectionPvtRwsetList()
        .filter((one) => !isWithheld(transaction, one.getCollectionName()));
      namespace.setCollectionPvtRwsetList(kept);
    }
  });
  return copy;
}

/** The same block as a peer delivers it that lacks the values of some keys. */
export function withheldKeys(
  delivered: peer.BlockAndPrivateData,
  isWithheld: (key: string) => boolean,
): peer.BlockAndPrivateData {
  const copy = peer.BlockAndPrivateData.deserializeBinary(delivered.serializeBinary());
  copy.getPrivateDataMapMap().forEach((set) => {
    for (const one of set.getNsPvtRwsetList().flatMap((namespace) => namespace.getCollectionPvtRwsetList())) {
      const writes = kvrwset.KVRWSet.deserializeBinary(one.getRwset_asU8());
      writes.setWritesList(writes.getWritesList().filter((write) => !isWithheld(write.getKey())));
      one.setRwset(writes.serializeBinary());
    }
  });
  return copy;
}

function headerHash(delivered: peer.BlockAndPrivateData): Uint8Array {
  const header = delivered.getBlock()?.getHeader();
  if (header === undefined) throw new Error('no header');
  const der = (tag: number, bytes: Uint8Array) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const number = Buffer.from([header.getNumber()]);
  if (header.getNumber() > 127) throw new Error('this fixture numbers blocks up to 127');
  const parts = [der(2, number), der(4, header.getPreviousHash_asU8()), der(4, header.getDataHash_asU8())];
  return sha256(der(0x30, Buffer.concat(parts)));
}

function envelope(transaction: FixtureTransaction): Uint8Array {
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId('telemed');
  channelHeader.setTxId(transaction.transactionId ?? newTransactionId());
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(identity(transaction.creator ?? 'HospitalMSP'));
  signatureHeader.setNonce(randomBytes(24));
  const header = new common.Header();
  const stamp = timestampField(transaction.time ?? '2026-03-01T10:00:00.000Z');
  header.setChannelHeader(Buffer.concat([channelHeader.serializeBinary(), stamp]));
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.data ?? transactionBytes(transaction));
  const message = new common.Envelope();
  message.setPayload(transaction.splitHeader === true ? splitHeader(payload) : payload.serializeBinary());
  return message.serializeBinary();
}

/** The same message to every reader of Protocol Buffers, and not the same bytes. */
function splitHeader(payload: common.Payload): Uint8Array {
  const [first, second, data] = [new common.Payload(), new common.Payload(), new common.Payload()];
  const [one, other] = [new common.Header(), new common.Header()];
  one.setChannelHeader(payload.getHeader()?.getChannelHeader_asU8() ?? '');
  other.setSignatureHeader(payload.getHeader()?.getSignatureHeader_asU8() ?? '');
  first.setHeader(one);
  second.setHeader(other);
  data.setData(payload.getData_asU8());
  return Buffer.concat([first, second, data].map((part) => part.serializeBinary()));
}

function transactionBytes(transaction: FixtureTransaction): Uint8Array {
  const chaincodeAction = new peer.ChaincodeAction();
  chaincodeAction.setResults(results(transaction));
  if (transaction.event !== undefined) {
    const event = new peer.ChaincodeEvent();
    event.setEventName(transaction.event.name);
    event.setPayload(Buffer.from(transaction.event.payload));
    chaincodeAction.setEvents(event.serializeBinary());
  }
  const response = new peer.ProposalResponsePayload();
  response.setExtension$(chaincodeAction.serializeBinary());
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(response.serializeBinary());
  endorsed.setEndorsementsList(
    (transaction.endorsers ?? ['HospitalMSP', 'PatientsMSP']).map((mspId) => {
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(identity(mspId));
      return endorsement;
    }),
  );
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setAction(endorsed);
  const action = new peer.TransactionAction();
  action.setPayload(actionPayload.serializeBinary());
  const message = new peer.Transaction();
  message.setActionsList([action]);
  return message.serializeBinary();
}

function results({ publicWrites = [], privateWrites = [], chaincode = 'telemed' }: FixtureTransaction): Uint8Array {
  const set = new kvrwset.KVRWSet();
  set.setWritesList(publicWrites.map(({ key, value }) => plainWrite(key, value)));
  const namespace = new rwset.NsReadWriteSet();
  namespace.setNamespace(chaincode);
  namespace.setRwset(set.serializeBinary());
  namespace.setCollectionHashedRwsetList(
    byCollection(privateWrites).map(([collection, writes]) => {
      const hashed = new kvrwset.HashedRWSet();
      hashed.setHashedWritesList(writes.map(hashedWrite));
      const one = new rwset.CollectionHashedReadWriteSet();
      one.setCollectionName(collection);
      one.setHashedRwset(hashed.serializeBinary());
      return one;
    }),
  );
  const message = new rwset.TxReadWriteSet();
  message.setNsRwsetList([namespace]);
  return message.serializeBinary();
}

function hashedWrite({ key, value, purge = false, hashes = {} }: FixtureWrite) {
  const write = new kvrwset.KVWriteHash();
  write.setKeyHash(hashes.key ?? sha256(key));
  if (value === undefined) write.setIsDelete(true);
  else write.setValueHash(hashes.value ?? sha256(value));
  write.setIsPurge(purge);
  return write;
}

function plainWrite(key: string, value: string | undefined) {
  const write = new kvrwset.KVWrite();
  write.setKey(key);
  if (value === undefined) write.setIsDelete(true);
  else write.setValue(Buffer.from(value));
  return write;
}

function privateSet({ privateWrites = [], chaincode = 'telemed' }: FixtureTransaction) {
  const delivered = privateWrites.filter((write) => write.delivered !== false);
  if (delivered.length === 0) return undefined;
  const namespace = new rwset.NsPvtReadWriteSet();
  namespace.setNamespace(chaincode);
  namespace.setCollectionPvtRwsetList(
    byCollection(delivered).map(([collection, writes]) => {
      const set = new kvrwset.KVRWSet();
      set.setWritesList(writes.map(({ key, value, instead }) => plainWrite(key, instead ?? value)));
      const one = new rwset.CollectionPvtReadWriteSet();
      one.setCollectionName(collection);
      one.setRwset(set.serializeBinary());
      return one;
    }),
  );
  const message = new rwset.TxPvtReadWriteSet();
  message.setNsPvtRwsetList([namespace]);
  return message;
}

const byCollection = (writes: FixtureWrite[]): [string, FixtureWrite[]][] =>
  [...new Set(writes.map(({ collection }) => collection))].map((name) => [
    name,
    writes.filter(({ collection }) => collection === name),
  ]);

/** ChannelHeader.timestamp (field 3) as bytes: google.protobuf.Timestamp{seconds = 1, nanos = 2}. */
function timestampField(time: string): Buffer {
  const milliseconds = Date.parse(time);
  const seconds = [0x08, ...varint(Math.floor(milliseconds / 1000))];
  const nanos = [0x10, ...varint((milliseconds % 1000) * 1_000_000)];
  return Buffer.from([0x1a, seconds.length + nanos.length, ...seconds, ...nanos]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
