import { decodeRwset } from '@telemed-ledger/formats/blocks/rwset.ts';
import { expect } from 'chai';
import type { KeyValue, Simulator } from '../../seams.ts';
import { CHAINCODE, collectionOf, LedgerFixture } from '../ledger.fixture.ts';

const bytes = (text: string) => Buffer.from(text);
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

async function keys(simulator: Simulator, collection: string, start: string, end: string): Promise<string[]> {
  const iterator = simulator.range(CHAINCODE, collection, start, end);
  const found: string[] = [];
  for (let each: KeyValue | undefined = await iterator.next(); each; each = await iterator.next()) found.push(each.key);
  return found;
}

describe('A simulation', () => {
  let fixture: LedgerFixture;
  before(async () => {
    fixture = await LedgerFixture.open();
    const envelope = await fixture.transact(['alpha'], (s) => {
      for (const key of ['a', 'b', 'c', '\ufffd', '\u{1f600}'])
        s.putState(CHAINCODE, '', key, bytes(`value of ${key}`));
      s.putState(CHAINCODE, 'shared', 'secret', bytes('hidden'));
      s.putState(CHAINCODE, 'gammas', 'theirs', bytes('gamma only'));
    });
    expect(await fixture.commit(envelope)).to.deep.equal([0]);
  });
  after(() => fixture.close());

  const refusal = async (body: (simulator: Simulator) => unknown, client?: 'alpha' | 'gamma') => {
    const simulator = fixture.simulate('alpha', client, 'tx1');
    try {
      await body(simulator);
      return 'nothing';
    } catch (error) {
      return (error as Error).message;
    } finally {
      simulator.close();
    }
  };

  it('reads what was committed and not what it writes itself', async () => {
    await fixture.read('beta', async (s) => {
      s.putState(CHAINCODE, '', 'a', bytes('new'));
      s.putState(CHAINCODE, '', 'aa', bytes('new'));
      expect(text(s.getState(CHAINCODE, '', 'a'))).to.equal('value of a');
      expect(s.getState(CHAINCODE, '', 'aa')).to.equal(undefined);
      expect(await keys(s, '', 'a', 'c')).to.deep.equal(['a', 'b']);
    });
  });

  it('keeps seeing one state while blocks are committed', async () => {
    const simulator = fixture.simulate('alpha');
    await fixture.commit(await fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', 'later', bytes('1'))));
    expect(simulator.getState(CHAINCODE, '', 'later')).to.equal(undefined);
    expect(await keys(simulator, '', 'l', 'm')).to.deep.equal([]);
    simulator.close();
  });

  it('orders keys by their UTF-8 bytes', async () => {
    const found = await fixture.read('alpha', (s) => keys(s, '', 'c', ''));
    expect(found.filter((key) => key !== 'later')).to.deep.equal(['c', '\ufffd', '\u{1f600}']);
  });

  it('takes an empty value for a delete, and the last write of a key', async () => {
    const rwset = await fixture.read('alpha', (s) => {
      s.putState(CHAINCODE, '', 'a', bytes(''));
      s.deleteState(CHAINCODE, '', 'b');
      s.putState(CHAINCODE, '', 'b', bytes('again'));
      return decodeRwset(s.result().publicRwset);
    });
    const writes = rwset[0]!.writes.map(({ key, isDelete, value }) => [String(key), isDelete, String(value)]);
    expect(writes).to.deep.equal([
      ['a', true, ''],
      ['b', false, 'again'],
    ]);
  });

  it('puts the definition into the read set where private data is used, and its sequence always', async () => {
    const reads = async (body: (s: Simulator) => void) =>
      fixture.read('alpha', (s) => {
        s.readDefinition(CHAINCODE, false);
        body(s);
        const [lifecycle] = decodeRwset(s.result().publicRwset);
        return lifecycle!.reads.map(({ key, version }) => [String(key), version]);
      });
    const written = { block: 1, tx: 0 };
    expect(await reads(() => undefined)).to.deep.equal([[`namespaces/fields/${CHAINCODE}/Sequence`, written]]);
    expect(await reads((s) => s.getPrivateDataHash(CHAINCODE, 'shared', 'x'))).to.deep.equal(
      ['Collections', 'EndorsementInfo', 'Sequence', 'ValidationInfo']
        .map((field) => [`namespaces/fields/${CHAINCODE}/${field}`, written])
        .concat([[`namespaces/metadata/${CHAINCODE}`, written]]),
    );
  });

  it('gives private data to members, its hash to everybody', async () => {
    for (const name of ['alpha', 'beta'] as const) {
      expect(text(await fixture.read(name, (s) => s.getState(CHAINCODE, 'shared', 'secret')))).to.equal('hidden');
    }
    const hashes = ['alpha', 'gamma'].map((name) =>
      fixture.read(name as 'alpha', (s) => s.getPrivateDataHash(CHAINCODE, 'shared', 'secret')),
    );
    const [member, other] = await Promise.all(hashes);
    expect(member).to.have.length(32).and.to.deep.equal(other);
  });

  it("refuses a client that is no member of a members-only collection, in Fabric's words", async () => {
    const words = (access: string) =>
      `tx creator does not have ${access} access permission on privatedata in chaincodeName:basic collectionName: shared`;
    expect(await refusal((s) => s.getState(CHAINCODE, 'shared', 'secret'), 'gamma')).to.equal(words('read'));
    expect(await refusal((s) => s.range(CHAINCODE, 'shared', '', ''), 'gamma')).to.equal(words('read'));
    expect(await refusal((s) => s.getMetadata(CHAINCODE, 'shared', 'secret'), 'gamma')).to.equal(words('read'));
    expect(await refusal((s) => s.putState(CHAINCODE, 'shared', 'k', bytes('v')), 'gamma')).to.equal(words('write'));
    expect(await refusal((s) => s.deleteState(CHAINCODE, 'shared', 'k'), 'gamma')).to.equal(words('write'));
    expect(await refusal((s) => s.purgePrivateData(CHAINCODE, 'shared', 'k'), 'gamma')).to.equal(words('write'));
    expect(await refusal((s) => s.putState(CHAINCODE, '_implicit_org_GammaMSP', 'k', bytes('v')))).to.equal('nothing');
  });

  it('says on a peer without the data that hash and private version differ', async () => {
    expect(await refusal((s) => s.getState(CHAINCODE, 'gammas', 'theirs'))).to.equal(
      'private data matching public hash version is not available. ' +
        'Public hash version = {BlockNum: 2, TxNum: 0}, Private data version = <nil>',
    );
    expect(await refusal((s) => s.getState(CHAINCODE, 'gammas', 'absent'))).to.equal('nothing');
  });

  it('names collections that do not exist', async () => {
    expect(await refusal((s) => s.getState(CHAINCODE, 'none', 'k'))).to.equal(
      'collection testing/basic/none could not be found',
    );
    expect(await refusal((s) => s.getPrivateDataHash(CHAINCODE, 'none', 'k'))).to.equal(
      'collection [none] not defined in the collection config for chaincode [basic]',
    );
    expect(await refusal((s) => s.purgePrivateData(CHAINCODE, '', 'k'))).to.equal('only applicable for private data');
  });

  it('keeps private ranges and pages to transactions that only read', async () => {
    const words = (rest: string) => `txid [tx1]: unsuppored transaction. ${rest}`;
    const put = (s: Simulator) => s.putState(CHAINCODE, '', 'k', bytes('v'));
    const table: [(s: Simulator) => unknown, string][] = [
      [
        (s) => [put(s), s.range(CHAINCODE, 'shared', '', '')],
        'Queries on pvt data is supported only in a read-only transaction',
      ],
      [
        (s) => [s.range(CHAINCODE, 'shared', '', ''), put(s)],
        'Transaction has already performed queries on pvt data. Writes are not allowed',
      ],
      [
        (s) => [put(s), s.page(CHAINCODE, '', '', 1, '')],
        'Paginated queries are supported only in a read-only transaction',
      ],
      [
        (s) => [s.page(CHAINCODE, '', '', 1, ''), put(s)],
        'Transaction has already performed a paginated query. Writes are not allowed',
      ],
      [
        (s) => [s.putMetadata(CHAINCODE, '', 'k', 'm', bytes('v')), s.page(CHAINCODE, '', '', 1, '')],
        'Paginated queries are supported only in a read-only transaction',
      ],
    ];
    for (const [body, expected] of table) expect(await refusal(body)).to.equal(words(expected));
  });

  it('walks over private data and over pages', async () => {
    expect(await fixture.read('beta', (s) => keys(s, 'shared', '', ''))).to.deep.equal(['secret']);
    const pages = await fixture.read('alpha', async (s) => {
      const first = await s.page(CHAINCODE, '', 'd', 2, '');
      return [first, await s.page(CHAINCODE, '', 'd', 2, first.bookmark)];
    });
    expect(pages.map(({ results, bookmark }) => [results.map(({ key }) => key), bookmark])).to.deep.equal([
      [['a', 'b'], 'c'],
      [['c'], ''],
    ]);
  });

  it('answers the history of a key newest first, deletes included', async () => {
    for (const value of ['1', '', '3']) {
      await fixture.commit(await fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', 'h', bytes(value))));
    }
    const flip = (signature: Uint8Array) => Buffer.from(signature).fill(0, 8);
    const put = (s: Simulator) => s.putState(CHAINCODE, '', 'h', bytes('invalid'));
    expect(await fixture.commit(await fixture.transact(['alpha'], put, { endorsement: flip }))).to.deep.equal([10]);
    const history = await fixture.read('gamma', (s) => Array.fromAsync(s.history(CHAINCODE, 'h')));
    expect(history.map(({ value, isDelete }) => [text(value), isDelete])).to.deep.equal([
      ['3', false],
      ['', true],
      ['1', false],
    ]);
    expect(history[0]!.timestamp).to.deep.equal({ seconds: 1_700_000_000, nanos: 5 });
    expect(history[0]!.txId).to.have.length(64);
  });

  it('fails a set that too few other peers may hold', async () => {
    const { privateRwset } = await fixture.read('alpha', (s) => {
      s.putState(CHAINCODE, 'shared', 'k', bytes('v'));
      return s.result();
    });
    await fixture.define([collectionOf('shared', "OR('AlphaMSP.member','BetaMSP.member')", { requiredPeerCount: 2 })]);
    let message = '';
    await fixture.ledger.storeTransient('alpha', 'tx1', 5, privateRwset!).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal(
      'failed to distribute private collection, txID tx1, channel testing: could not build private data ' +
        'dissemination plan for chaincode basic and collection shared: required to disseminate to at least 2 peers, ' +
        'but know of only 1 eligible peers',
    );
  });
});
