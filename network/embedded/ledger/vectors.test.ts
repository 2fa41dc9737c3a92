import { headerDer, headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { encodeHeight, encodeUpdates } from '@telemed-ledger/formats/blocks/commit-hash.ts';
import type { Version } from '@telemed-ledger/formats/blocks/rwset.ts';
import { encodeRead } from '@telemed-ledger/formats/blocks/rwset.ts';
import { expect } from 'chai';
import { RwsetBuilder } from './simulation/rwset-builder.ts';
import { encodeRangeInfo, RangeSummary } from './state/range-summary.ts';
import { VECTORS } from './vectors.fixture.ts';

const header = (number: number) => ({ number, previousHash: Buffer.from([1, 2]), dataHash: Buffer.from([3]) });

describe('What the ledger writes equals what Fabric writes', () => {
  it('in the DER of block headers and their hashes', () => {
    expect(headerDer({ ...header(0), previousHash: Buffer.alloc(0) }).toString('hex')).to.equal(VECTORS.header_der_n0);
    expect(headerDer(header(300)).toString('hex')).to.equal(VECTORS.header_der_n300);
    expect(headerHash(header(300)).toString('hex')).to.equal(VECTORS.header_hash_n300);
  });

  it('in the state updates that the commit hash covers, whatever order they come in', () => {
    const update = (
      namespace: string,
      collection: string,
      key: string,
      value: string | undefined,
      version: Version,
    ) => ({
      namespace,
      collection,
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
      version,
    });
    const at = (block: number, tx: number): Version => ({ block, tx });
    const updates = [
      update('only', 'c', 'hk', undefined, at(300, 3)),
      update('basic', 'collB', 'hash-key', 'hash-val', at(7, 300)),
      update('basic', 'collA', 'hk2', 'hv2', at(7, 3)),
      update('basic', 'collA', 'hk1', 'hv1', at(7, 3)),
      update('', '', 'configuration', 'left out', at(7, 0)),
      update('basic', '', 'k3', undefined, at(7, 2)),
      update('basic', '', 'k1', 'v1', at(7, 0)),
      update('basic', '', 'k2', 'v2', at(7, 1)),
    ];
    expect(encodeUpdates(updates).toString('hex')).to.equal(VECTORS.commit_updates);
    expect(encodeHeight(at(0, 0)).toString('hex')).to.equal(VECTORS.version_0_0);
    expect(encodeHeight(at(7, 300)).toString('hex')).to.equal(VECTORS.version_7_300);
  });

  it('in a read/write set with private data, metadata, a purge and keys beyond U+FFFF', () => {
    const builder = new RwsetBuilder();
    const v = Buffer.from('v');
    builder.write('basic', '\u{1f600}', v);
    builder.write('basic', '\ufffd', v);
    builder.write('basic', 'a', undefined);
    builder.writeMetadata('basic', 'a', new Map([['VALIDATION_PARAMETER', Buffer.from('p')]]));
    builder.read('basic', 'k2', undefined);
    builder.read('basic', 'k1', { block: 7, tx: 300 });
    builder.read('basic', 'k0', { block: 0, tx: 0 });
    builder.read('_lifecycle', 'namespaces/fields/basic/Sequence', { block: 4, tx: 0 });
    builder.purge('basic', 'coll', 'zz');
    builder.writePrivate('basic', 'coll', 'pk', Buffer.from('secret'));
    builder.writePrivate('basic', 'coll', 'aa', Buffer.from('secret2'));
    builder.readHashed('basic', 'coll', 'pk', { block: 5, tx: 1 });
    const { publicRwset, privateRwset } = builder.build();
    expect(publicRwset.toString('hex')).to.equal(VECTORS.rwset_public);
    expect(Buffer.from(privateRwset!.serializeBinary()).toString('hex')).to.equal(VECTORS.rwset_private);
  });

  for (const count of [0, 1, 50, 51, 100, 101, 102, 250, 2652]) {
    it(`in the range information of ${count} results`, () => {
      const summary = new RangeSummary();
      for (let at = 0; at < count; at++) {
        const key = Buffer.from(`key${String(at).padStart(5, '0')}`);
        summary.add(encodeRead(key, { block: 1 + Math.floor(at / 10), tx: at % 10 }));
      }
      const info = { start: 'key', end: 'kez', exhausted: true, summary };
      expect(encodeRangeInfo(info).toString('hex')).to.equal(VECTORS[`range_${count}` as keyof typeof VECTORS]);
    });
  }
});
