import { ledger as ledgerProtos } from '@hyperledger/fabric-protos';
import { decodePrivateSet } from '@telemed-ledger/formats/blocks/rwset.ts';
import { expect } from 'chai';
import type { Simulator } from '../../seams.ts';
import { parseTransaction } from '../blocks/transaction.ts';
import type { Name } from '../ledger.fixture.ts';
import { CHAINCODE, COLLECTIONS, collectionOf, LedgerFixture } from '../ledger.fixture.ts';

const bytes = (text: string) => Buffer.from(text);
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

describe('Private data', () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const commit = async (...bodies: ((s: Simulator) => void)[]) => {
    const envelopes: Buffer[] = [];
    for (const body of bodies) envelopes.push(await fixture.transact(['alpha', 'beta'], body));
    return fixture.commit(...envelopes);
  };
  const put =
    (key: string, value: string, collection = 'shared') =>
    (s: Simulator) =>
      s.putState(CHAINCODE, collection, key, bytes(value));
  const get = (name: Name, key: string, collection = 'shared') =>
    fixture.read(name, (s) => text(s.getState(CHAINCODE, collection, key)));
  const hash = (key: string, collection = 'shared') =>
    fixture.read('gamma', (s) => s.getPrivateDataHash(CHAINCODE, collection, key));

  /** Keys and values that a peer delivers of a block, by transaction index. */
  const delivered = (name: Name, block: number) =>
    [...fixture.ledger.privateData(name, block)].map(([tx, set]) => {
      const message = ledgerProtos.rwset.TxPvtReadWriteSet.deserializeBinary(set);
      const sets = message.getNsPvtRwsetList().flatMap((each) => each.getCollectionPvtRwsetList());
      return [
        tx,
        sets.map((each) => {
          const { writes } = decodePrivateSet(each.getRwset_asU8());
          return [each.getCollectionName(), ...writes.map(({ key, value }) => `${key}=${value}`)].join(' ');
        }),
      ];
    });

  it('is stored by the members of its collection and delivered by them alone', async () => {
    await commit(put('k', 'one'), (s) => {
      put('a', 'two')(s);
      put('b', 'three', 'strict')(s);
    });
    expect(await get('beta', 'k')).to.equal('one');
    expect(delivered('alpha', 2)).to.deep.equal([
      [0, ['shared k=one']],
      [1, ['shared a=two', 'strict b=three']],
    ]);
    expect(delivered('beta', 2)).to.deep.equal(delivered('alpha', 2));
    expect(delivered('gamma', 2)).to.deep.equal([]);
  });

  it('is updated and deleted with its hash', async () => {
    await commit(put('k', 'one'));
    await commit(put('k', 'two'));
    expect(await get('alpha', 'k')).to.equal('two');
    await commit((s) => s.deleteState(CHAINCODE, 'shared', 'k'));
    expect(await get('alpha', 'k')).to.equal(undefined);
    expect(await hash('k')).to.equal(undefined);
    expect(delivered('alpha', 2), 'a delete leaves what was stored').to.deep.equal([[0, ['shared k=one']]]);
  });

  it('of a transaction that turns out invalid is delivered, but is not state', async () => {
    const update = (s: Simulator) => {
      s.getPrivateDataHash(CHAINCODE, 'shared', 'k');
      s.putState(CHAINCODE, 'shared', 'k', bytes(`of ${s.getState(CHAINCODE, '', 'x') ?? 'first'}`));
    };
    expect(await commit(put('k', 'one'), update)).to.deep.equal([0, 11]);
    expect(await get('alpha', 'k')).to.equal('one');
    expect(delivered('alpha', 2)).to.have.length(2);
  });

  it('survives a write of metadata alone, which raises its version', async () => {
    await commit(put('k', 'one'));
    const policy = fixture.channel.policies.parseText("OR('AlphaMSP.peer')");
    await commit((s) => s.putMetadata(CHAINCODE, 'shared', 'k', 'VALIDATION_PARAMETER', policy));
    expect(await get('alpha', 'k')).to.equal('one');
    const metadata = await fixture.read('alpha', (s) => s.getMetadata(CHAINCODE, 'shared', 'k'));
    expect(metadata.get('VALIDATION_PARAMETER')).to.deep.equal(Buffer.from(policy));
  });

  it('is missing where no peer had it, and said to be', async () => {
    const envelope = await fixture.transact(['alpha'], put('k', 'one'));
    const other = await LedgerFixture.open();
    try {
      // The same public write without its private part: the transient store of this ledger never saw it.
      const { publicRwset } = await other.read('alpha', (s) => {
        s.putState(CHAINCODE, 'shared', 'unseen', bytes('x'));
        return s.result();
      });
      const unseen = await fixture.transact(['alpha'], (s) => void s.readDefinition(CHAINCODE, true), {
        results: () => publicRwset,
      });
      expect(await fixture.commit(envelope, unseen)).to.deep.equal([0, 0]);
    } finally {
      await other.close();
    }
    expect(await get('alpha', 'k')).to.equal('one');
    expect(await get('alpha', 'unseen').catch((error: Error) => error.message)).to.match(
      /^private data matching public hash version is not available/,
    );
  });

  it('is kept for a transaction that is submitted after a restart', async () => {
    const envelope = await fixture.transact(['alpha'], put('k', 'one'));
    await fixture.reopen();
    expect(await fixture.commit(envelope)).to.deep.equal([0]);
    expect(await get('beta', 'k')).to.equal('one');
  });

  describe('when purged', () => {
    const purge =
      (...keys: string[]) =>
      (s: Simulator) =>
        keys.forEach((key) => {
          s.purgePrivateData(CHAINCODE, 'shared', key);
        });

    it('is gone as value, as hash and from every stored set, and nothing else is', async () => {
      await commit((s) => {
        put('k', 'one')(s);
        put('other', 'kept')(s);
      });
      await commit(put('k', 'two'));
      expect(await commit(purge('k'))).to.deep.equal([0]);
      expect(await get('alpha', 'k')).to.equal(undefined);
      expect(await hash('k')).to.equal(undefined);
      expect(await get('beta', 'other')).to.equal('kept');
      expect([2, 3, 4].map((block) => delivered('beta', block))).to.deep.equal([
        [[0, ['shared other=kept']]],
        [[0, ['shared']]],
        [[0, ['shared']]],
      ]);
    });

    it('is marked in the block by hash, as a delete and a purge', async () => {
      await commit(put('k', 'one'));
      const envelope = await fixture.transact(['alpha'], purge('k'));
      const set = parseTransaction(envelope).rwset.find(({ namespace }) => namespace === CHAINCODE);
      const [write] = set!.collections[0]!.writes;
      expect(write).to.include({ isDelete: true, isPurge: true });
    });

    it('takes with it what was written earlier in the same block, and not what comes later', async () => {
      expect(await commit(put('k', 'one'), purge('k'), put('m', 'kept'))).to.deep.equal([0, 0, 0]);
      expect(await get('alpha', 'k')).to.equal(undefined);
      expect(delivered('alpha', 2)).to.deep.equal([
        [0, ['shared']],
        [1, ['shared']],
        [2, ['shared m=kept']],
      ]);
      expect(await commit(purge('m'), put('m', 'anew'))).to.deep.equal([0, 0]);
      expect(await get('beta', 'm')).to.equal('anew');
    });

    it('holds on disk for many keys of one set', async () => {
      const keys = Array.from({ length: 50 }, (_, at) => `k${at}`);
      await commit((s) => {
        for (const key of [...keys, 'kept']) put(key, 'value')(s);
      });
      await commit(purge(...keys));
      await fixture.reopen();
      expect(delivered('alpha', 2)).to.deep.equal([[0, ['shared kept=value']]]);
      expect(
        await fixture.read('alpha', async (s) => (await s.range(CHAINCODE, 'shared', '', '').next())?.key),
      ).to.equal('kept');
    });

    it('is not purged by a transaction that is invalid', async () => {
      await commit(put('k', 'one'));
      const both = (s: Simulator) => {
        s.getPrivateDataHash(CHAINCODE, 'shared', 'k');
        purge('k')(s);
      };
      expect(await commit(put('k', 'two'), both)).to.deep.equal([0, 11]);
      expect(await get('alpha', 'k')).to.equal('two');
      expect(delivered('alpha', 2)).to.deep.equal([[0, ['shared k=one']]]);
    });
  });

  describe('with a block to live of 2', () => {
    const other = (s: Simulator) => s.putState(CHAINCODE, '', 'public', bytes('x'));

    it('is there for two more blocks and gone, value and hash, with the third', async () => {
      await commit(put('k', 'one', 'short'));
      for (let block = 0; block < 2; block++) {
        await commit(other);
        expect(await get('alpha', 'k', 'short')).to.equal('one');
        expect(delivered('alpha', 2)).to.have.length(1);
      }
      await commit(other);
      expect(await get('alpha', 'k', 'short')).to.equal(undefined);
      expect(await hash('k', 'short')).to.equal(undefined);
      expect(delivered('alpha', 2)).to.deep.equal([]);
    });

    it('begins to live anew when written again', async () => {
      await commit(put('k', 'one', 'short'));
      await commit(put('k', 'two', 'short'));
      await commit(other);
      await commit(other);
      expect(await get('beta', 'k', 'short')).to.equal('two');
      await commit(other);
      expect(await get('beta', 'k', 'short')).to.equal(undefined);
    });

    it('stays when it is written in the very block in which it would go', async () => {
      await commit(put('k', 'one', 'short'));
      await commit(other);
      await commit(other);
      await commit(put('k', 'two', 'short'));
      expect(await get('beta', 'k', 'short')).to.equal('two');
    });
  });

  it('is filtered by the collection as it was below the block', async () => {
    const open = collectionOf('shared', "OR('AlphaMSP.member')", { memberOnlyRead: false });
    await fixture.define([open, ...COLLECTIONS.slice(1)]);
    const config = (below: number) => fixture.ledger.collectionConfig(CHAINCODE, 'shared', below);
    expect(config(1)).to.equal(undefined);
    expect(config(2)).to.include({ memberOnlyRead: true, policy: "OR('AlphaMSP.member','BetaMSP.member')" });
    expect(config(3)).to.include({ memberOnlyRead: false, policy: "OR('AlphaMSP.member')" });
    await fixture.reopen();
    expect(config(2)).to.include({ memberOnlyRead: true });
    expect(config(3)).to.include({ memberOnlyRead: false });
  });
});
