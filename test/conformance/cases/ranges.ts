/** Section 8, chaincode API: reads, ranges, pages, keys and history (cases 51 to 62). */
import { ledger } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { numbered } from '../chaincode.ts';
import { outcomesOf, sha256 } from '../messages.ts';
import { contentOf, failureOf, type Suite, textOf } from '../suite.ts';

const { kvrwset } = ledger.rwset;
type Version = ledger.rwset.kvrwset.Version;

/** Merkle summaries have this degree; a leaf covers one read more. */
const DEGREE = 50;

/** The RangeQueryInfo of a range whose keys one transaction wrote, computed at once instead of while reading. */
function expectedRange(keys: string[], version: Version, start: string, end: string, exhausted: boolean): Uint8Array {
  const readsOf = (some: string[]) => {
    const reads = new kvrwset.QueryReads();
    for (const key of some) {
      const read = new kvrwset.KVRead();
      read.setKey(key);
      read.setVersion(version);
      reads.addKvReads(read);
    }
    return reads;
  };
  const info = new kvrwset.RangeQueryInfo();
  info.setStartKey(start);
  info.setEndKey(exhausted ? end : keys.at(-1)!);
  info.setItrExhausted(exhausted);
  if (keys.length > DEGREE) {
    const summary = new kvrwset.QueryReadsMerkleSummary();
    summary.setMaxDegree(DEGREE);
    summary.setMaxLevel(1);
    for (let at = 0; at < keys.length; at += DEGREE + 1) {
      summary.addMaxLevelHashes(sha256(readsOf(keys.slice(at, at + DEGREE + 1)).serializeBinary()));
    }
    info.setReadsMerkleHashes(summary);
  } else if (keys.length > 0) info.setRawReads(readsOf(keys));
  return info.serializeBinary();
}

export function rangeCases(suite: () => Suite): void {
  describe('Chaincode API: reads and ranges', () => {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const refusalOf = async (fn: string, ...args: string[]) =>
      textOf(await failureOf(suite().evaluate({}, fn, ...args)));

    /** Keys `<prefix>0000` and on, written by one transaction; answers the version they have. */
    const fill = async (prefix: string, count: number): Promise<{ keys: string[]; version: Version }> => {
      const { block, txId } = await suite().write({}, 'putMany', prefix, String(count));
      const version = new kvrwset.Version();
      version.setBlockNum(block);
      version.setTxNum(outcomesOf(await suite().block(block)).findIndex((each) => each.txId === txId));
      return { keys: Array.from({ length: count }, (_, index) => numbered(prefix, index)), version };
    };

    const rangeInfoOf = async (fn: string, ...args: string[]) => {
      const transaction = await suite().endorse({}, fn, ...args);
      const infos = contentOf(transaction).rwset.get('either')!.getRangeQueriesInfoList();
      expect(infos).to.have.length(1);
      return infos[0]!;
    };

    it('51 put then get in one transaction → old value', async () => {
      const key = suite().name('old');
      await suite().put(key, 'old');
      const transaction = await suite().endorse({}, 'putThenGet', key, 'new');
      expect(Buffer.from(transaction.getResult()).toString()).to.equal('old');
      await suite().commit(transaction);
      expect(await suite().get(key)).to.equal('new');
    });

    it('52 put empty value → key absent, is_delete (B)', async () => {
      const key = suite().name('empty');
      await suite().put(key, 'something');
      const transaction = await suite().endorse({}, 'put', key, '');
      const set = contentOf(transaction).rwset.get('either')!;
      expect(set.getWritesList().map((each) => each.toObject())).to.deep.equal([{ key, isDelete: true, value: '' }]);
      suite().observe('52 write set', set.serializeBinary());
      expect((await suite().commit(transaction)).code).to.equal(0);
      expect(await suite().evaluate({}, 'range', key, `${key}~`)).to.equal('[]');
    });

    it('53 Range, 0/1/50/51/100/101/250 results → values and RangeQueryInfo (B)', async () => {
      for (const count of [0, 1, 50, 51, 100, 101, 250]) {
        const prefix = `${suite().name('range')}-`;
        const { keys, version } = await fill(prefix, count);
        expect(JSON.parse(await suite().evaluate({}, 'range', prefix, `${prefix}~`)), `${count} keys`).to.deep.equal(
          keys,
        );
        const info = await rangeInfoOf('rangeThenPut', prefix, `${prefix}~`, suite().name('after'));
        const expected = expectedRange(keys, version, prefix, `${prefix}~`, true);
        expect(hex(info.serializeBinary()), `${count} results`).to.equal(hex(expected));
      }
    });

    it('54 Iterator closed after first of 250 → RangeQueryInfo (B)', async () => {
      const prefix = `${suite().name('closed')}-`;
      const { keys, version } = await fill(prefix, 250);
      const info = await rangeInfoOf('firstOfRange', prefix, `${prefix}~`);
      const fetched = keys.slice(0, 101);
      expect(hex(info.serializeBinary())).to.equal(hex(expectedRange(fetched, version, prefix, '', false)));
      suite().observe('54 end', info.getEndKey());
    });

    it('55 Pages of 10 over 25 → counts 10/10/5, bookmarks (B)', async () => {
      const prefix = `${suite().name('page')}-`;
      const { keys } = await fill(prefix, 25);
      const pages = [];
      for (let bookmark = '', first = true; first || bookmark !== ''; first = false) {
        const page = JSON.parse(await suite().evaluate({}, 'page', prefix, `${prefix}~`, '10', bookmark));
        pages.push(page);
        bookmark = page.bookmark;
      }
      expect(pages.map(({ count }) => count)).to.deep.equal([10, 10, 5]);
      expect(pages.map(({ bookmark }) => bookmark)).to.deep.equal([keys[10], keys[20], '']);
      expect(pages.flatMap((page) => page.keys)).to.deep.equal(keys);
      suite().observe('55 pages', pages);
    });

    it('56 Paginated query then put → error text', async () => {
      const prefix = suite().name('page');
      expect(await refusalOf('pageThenPut', prefix, `${prefix}~`)).to.match(
        /PUT_STATE failed: transaction ID: (\w{64}): txid \[\1\]: unsuppored transaction\. Transaction has already performed a paginated query\. Writes are not allowed$/,
      );
      expect(await refusalOf('putThenPage', prefix, `${prefix}~`)).to.match(
        /GET_STATE_BY_RANGE failed: transaction ID: (\w{64}): txid \[\1\]: unsuppored transaction\. Paginated queries are supported only in a read-only transaction$/,
      );
    });

    it('57 Private range after put → error text', async () => {
      expect(await refusalOf('putThenRangePrivate', 'open', suite().name('x'))).to.match(
        /GET_STATE_BY_RANGE failed: transaction ID: (\w{64}): txid \[\1\]: unsuppored transaction\. Queries on pvt data is supported only in a read-only transaction$/,
      );
    });

    it('58 Rich query → error text', async () => {
      expect(await refusalOf('query')).to.match(
        /GET_QUERY_RESULT failed: transaction ID: \w{64}: ExecuteQuery not supported for leveldb$/,
      );
    });

    it('59 Composite keys: partial key; full range excludes them', async () => {
      const type = suite().name('type');
      for (const parts of [
        ['a', '1'],
        ['a', '2'],
        ['b', '1'],
      ])
        await suite().write({}, 'putComposite', type, ...parts);
      const composite = (...parts: string[]) => `\u0000${[type, ...parts].map((part) => `${part}\u0000`).join('')}`;
      expect(JSON.parse(await suite().evaluate({}, 'partial', type, 'a'))).to.deep.equal([
        composite('a', '1'),
        composite('a', '2'),
      ]);
      const all = JSON.parse(await suite().evaluate({}, 'range', '', '')) as string[];
      expect(all.length).to.be.greaterThan(0);
      expect(all.filter((key) => key.startsWith('\u0000'))).to.deep.equal([]);
    });

    it('60 Keys with emoji and U+FFFD → order (B)', async () => {
      const prefix = `${suite().name('unicode')}-`;
      const ordered = ['z', 'é', '\uFFFD', '😀'].map((each) => prefix + each);
      const transaction = await suite().endorse({}, 'putKeys', JSON.stringify([...ordered].reverse()));
      const set = contentOf(transaction).rwset.get('either')!;
      expect(set.getWritesList().map((each) => each.getKey())).to.deep.equal(ordered);
      suite().observe('60 write set', set.serializeBinary());
      expect((await suite().commit(transaction)).code).to.equal(0);
      const end = `${prefix}\u{10FFFF}`;
      expect(JSON.parse(await suite().evaluate({}, 'range', prefix, end))).to.deep.equal(ordered);
    });

    it('61 History over put, delete, put → newest first, flags, timestamps (B)', async () => {
      const key = suite().name('history');
      const expected: object[] = [];
      for (const step of [
        ['put', key, 'one'],
        ['del', key],
        ['put', key, 'two'],
      ] as [string, ...string[]][]) {
        const transaction = await suite().endorse({}, ...step);
        const at = contentOf(transaction).channelHeader.getTimestamp()!;
        const { code } = await suite().commit(transaction);
        expect(code).to.equal(0);
        expected.unshift({
          txId: transaction.getTransactionId(),
          isDelete: step[0] === 'del',
          value: step[2] ?? '',
          at: [at.getSeconds(), at.getNanos()],
        });
      }
      expect(JSON.parse(await suite().evaluate({}, 'history', key))).to.deep.equal(expected);
    });

    it('62 150 history entries → complete', async () => {
      const key = suite().name('long');
      const rounds = Array.from({ length: 150 }, (_, round) => String(round));
      const written: string[] = [];
      for (let at = 0; at < rounds.length; at += 30) {
        const some = await Promise.all(rounds.slice(at, at + 30).map((round) => suite().write({}, 'put', key, round)));
        written.push(...some.map(({ txId }) => txId));
      }
      const history = JSON.parse(await suite().evaluate({}, 'history', key)) as { txId: string; value: string }[];
      expect(history.map(({ txId }) => txId)).to.have.members(written);
      expect(history.map(({ value }) => value)).to.have.members(rounds);
      expect(history[0]!.value).to.equal(await suite().get(key));
    });
  });
}
