import { ledger } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { sha256 } from '../hash.ts';
import {
  decodeHashedWrites,
  decodeMetadata,
  decodePrivateSet,
  decodeRwset,
  decodeWrites,
  encodeMetadata,
  readNamespaces,
  withoutKeys,
} from './rwset.ts';

const { rwset } = ledger;
const { kvrwset } = rwset;

function publicWrite(key: string, value: string, isDelete = false) {
  const write = new kvrwset.KVWrite();
  write.setKey(key);
  write.setValue(Buffer.from(value));
  write.setIsDelete(isDelete);
  return write;
}

function hashedWrite(key: string, value: Uint8Array, { isDelete = false, isPurge = false } = {}) {
  const write = new kvrwset.KVWriteHash();
  write.setKeyHash(sha256(Buffer.from(key)));
  write.setValueHash(value);
  write.setIsDelete(isDelete);
  write.setIsPurge(isPurge);
  return write;
}

function read(key: string, version?: [block: number, tx: number]) {
  const message = new kvrwset.KVRead();
  message.setKey(key);
  if (version === undefined) return message;
  const at = new kvrwset.Version();
  at.setBlockNum(version[0]);
  at.setTxNum(version[1]);
  message.setVersion(at);
  return message;
}

function publicSet(): Uint8Array {
  const set = new kvrwset.KVRWSet();
  set.setReadsList([read('a', [3, 1]), read('b'), read('c', [0, 0])]);
  set.setWritesList([publicWrite('a', 'value'), publicWrite('b', '', true), publicWrite('c', '')]);
  return set.serializeBinary();
}

function hashedSet(): Uint8Array {
  const set = new kvrwset.HashedRWSet();
  set.setHashedWritesList([
    hashedWrite('a', sha256(Buffer.from('value'))),
    hashedWrite('b', Buffer.alloc(0), { isDelete: true, isPurge: true }),
    hashedWrite('c', sha256(Buffer.alloc(0))),
  ]);
  return set.serializeBinary();
}

function results(): Uint8Array {
  const collection = new rwset.CollectionHashedReadWriteSet();
  collection.setCollectionName('care');
  collection.setHashedRwset(hashedSet());
  collection.setPvtRwsetHash(Buffer.from('private'));
  const namespace = new rwset.NsReadWriteSet();
  namespace.setNamespace('telemed');
  namespace.setRwset(publicSet());
  namespace.setCollectionHashedRwsetList([collection]);
  const other = new rwset.NsReadWriteSet();
  other.setNamespace('_lifecycle');
  const message = new rwset.TxReadWriteSet();
  message.setNsRwsetList([other, namespace]);
  return message.serializeBinary();
}

describe('A read/write set', () => {
  it('is read by namespace and collection, without looking into the sets', () => {
    const [lifecycle, ours] = readNamespaces(results());
    expect([lifecycle?.namespace, ours?.namespace]).to.deep.equal(['_lifecycle', 'telemed']);
    expect(ours?.publicSet).to.deep.equal(Buffer.from(publicSet()));
    expect(ours?.collections).to.deep.equal([
      { collection: 'care', hashedSet: Buffer.from(hashedSet()), privateHash: Buffer.from('private') },
    ]);
  });

  it('tells a key that was never there from one that block 0 wrote', () => {
    const reads = decodeRwset(results())[1]?.reads.map(({ key, version }) => [key.toString(), version]);
    expect(reads).to.deep.equal([
      ['a', { block: 3, tx: 1 }],
      ['b', undefined],
      ['c', { block: 0, tx: 0 }],
    ]);
  });

  it('takes an empty value for a delete, in public and hashed', () => {
    expect(decodeWrites(publicSet()).map(({ isDelete }) => isDelete)).to.deep.equal([false, true, true]);
    const hashed = decodeHashedWrites(hashedSet());
    expect(hashed.map(({ isDelete, isPurge }) => [isDelete, isPurge])).to.deep.equal([
      [false, false],
      [true, true],
      [true, false],
    ]);
    expect(hashed[0]?.key).to.deep.equal(sha256(Buffer.from('a')));
  });

  it('loses keys from a private set and keeps the bytes where none is lost', () => {
    const set = publicSet();
    expect(withoutKeys(set, () => false)).to.equal(set);
    const { writes } = decodePrivateSet(withoutKeys(set, (key) => key.toString() === 'a'));
    expect(writes.map(({ key }) => key.toString())).to.deep.equal(['b', 'c']);
  });

  it('holds metadata by name, in one order', () => {
    const metadata = new Map([
      ['b', Buffer.from('2')],
      ['a', Buffer.from('1')],
    ]);
    const entries = encodeMetadata(metadata);
    expect([...decodeMetadata(entries).keys()]).to.deep.equal(['a', 'b']);
    expect(decodeMetadata(entries)).to.deep.equal(metadata);
  });
});
