import { expect } from 'chai';
import { type FixtureTransaction, fixtureBlock, newTransactionId, sha256 } from './block.fixture.ts';
import { parseBlock } from './block.ts';

const scope = { chaincode: 'telemed', collections: new Set(['care_hospital']) };

describe('parsing a block with private data', () => {
  it('tells who wrote, who endorsed, when, and with which outcome', () => {
    const transactionId = newTransactionId();
    const endorsers = ['HospitalMSP', 'PatientsMSP', 'HospitalMSP'];
    const time = '2026-03-01T10:00:00.123Z';
    const block = parseBlock(fixtureBlock(3, [{ transactionId, endorsers, time }, { code: 11 }]), scope);
    expect(block.number).to.equal(3);
    expect(block.transactions[0]).to.deep.include({ transactionId, code: 0, creator: 'HospitalMSP', time, index: 0 });
    expect(block.transactions[0]?.endorsers).to.deep.equal(['HospitalMSP', 'PatientsMSP']);
    expect(block.transactions[1]?.code).to.equal(11);
  });

  it('joins a private value to the hashes the block anchors', () => {
    const write = { collection: 'care_hospital', key: 'record/a/1', value: '{"é":1}' };
    const [transaction] = parseBlock(fixtureBlock(1, [{ privateWrites: [write] }]), scope).transactions;
    expect(transaction?.privateWrites).to.deep.equal([
      {
        collection: 'care_hospital',
        keyHash: sha256('record/a/1').toString('hex'),
        anchor: sha256('{"é":1}').toString('hex'),
        purged: false,
        plain: { key: 'record/a/1', value: '{"é":1}', matches: true },
      },
    ]);
  });

  it('notices a delivered value that is not the one anchored, and one that was not delivered', () => {
    const privateWrites = [
      { collection: 'care_hospital', key: 'record/a/1', value: 'true', instead: 'false' },
      { collection: 'care_hospital', key: 'record/b/1', value: 'true', delivered: false },
    ];
    const [transaction] = parseBlock(fixtureBlock(1, [{ privateWrites }]), scope).transactions;
    expect(transaction?.privateWrites[0]?.plain?.matches).to.equal(false);
    expect(transaction?.privateWrites[1]).to.not.have.property('plain');
  });

  it('reads purges, with the key where it was delivered', () => {
    const privateWrites = [
      { collection: 'care_hospital', key: 'copy/a/1', purge: true },
      { collection: 'care_hospital', key: 'copy/b/1', purge: true, delivered: false },
    ];
    const [transaction] = parseBlock(fixtureBlock(1, [{ privateWrites }]), scope).transactions;
    expect(transaction?.privateWrites[0]).to.include({ purged: true, deletedKey: 'copy/a/1', anchor: undefined });
    expect(transaction?.privateWrites[1]).to.not.have.property('deletedKey');
  });

  it('reads of other collections what the hashes say, whatever is delivered of them', () => {
    const writes = [
      { collection: 'care_clinic', key: 'sheet/a', value: '{}' },
      { collection: 'marks', key: 'revoked/a', purge: true },
      { collection: 'marks', key: 'revoked/b' },
      { collection: 'marks', key: 'revoked/c', value: '' },
    ];
    const own = { collection: 'care_hospital', key: 'sheet/b', value: '1' };
    const block = fixtureBlock(1, [{ privateWrites: [...writes, own] }, { code: 11, privateWrites: writes }]);
    const [first, second] = parseBlock(block, scope).transactions;
    const hashed = (collection: string, key: string, value?: string) => ({
      ...{ collection, keyHash: sha256(key).toString('hex') },
      anchor: value === undefined ? undefined : sha256(value).toString('hex'),
    });
    expect(first?.elsewhere).to.deep.equal([
      hashed('care_clinic', 'sheet/a', '{}'),
      hashed('marks', 'revoked/a'),
      hashed('marks', 'revoked/b'),
      // Peers take an empty value for a deletion.
      hashed('marks', 'revoked/c'),
    ]);
    expect(first?.privateWrites.map(({ collection }) => collection)).to.deep.equal(['care_hospital']);
    expect(second?.elsewhere).to.deep.equal([]);
  });

  it('joins each of several writes of one key to its own value', () => {
    const one = { collection: 'care_hospital', key: 'sheet/a' };
    const privateWrites = [
      { ...one, value: '1' },
      { ...one, purge: true },
      { ...one, value: '2' },
    ];
    const [transaction] = parseBlock(fixtureBlock(1, [{ privateWrites }]), scope).transactions;
    expect(transaction?.privateWrites.map(({ plain, deletedKey }) => plain ?? deletedKey)).to.deep.equal([
      { key: 'sheet/a', value: '1', matches: true },
      'sheet/a',
      { key: 'sheet/a', value: '2', matches: true },
    ]);
  });

  it('reads nothing of an invalid transaction, another chaincode or a collection it was not asked for', () => {
    const privateWrites = [{ collection: 'care_hospital', key: 'k', value: '1' }];
    const publicWrites = [{ key: 'claim/1', value: '{}' }];
    const elsewhere = [{ collection: 'care_clinic', key: 'k', value: '1' }];
    const block = fixtureBlock(1, [
      { code: 11, privateWrites, publicWrites },
      { chaincode: 'other', privateWrites, publicWrites },
      { privateWrites: elsewhere },
    ]);
    for (const transaction of parseBlock(block, scope).transactions) {
      expect(transaction.privateWrites).to.deep.equal([]);
      expect(transaction.publicWrites).to.deep.equal([]);
    }
    expect(parseBlock(block, scope).transactions.map(({ elsewhere: others }) => others.length)).to.deep.equal([
      0, 0, 1,
    ]);
  });

  it('reads public writes, deletes and the event', () => {
    const publicWrites = [{ key: 'claim/1', value: '{"status":"submitted"}' }, { key: 'claim/2' }];
    const event = { name: 'ClaimSubmitted', payload: '{}' };
    const [transaction] = parseBlock(fixtureBlock(1, [{ publicWrites, event }]), scope).transactions;
    expect(transaction?.publicWrites).to.deep.equal([publicWrites[0], { key: 'claim/2', value: undefined }]);
    expect(transaction?.event).to.deep.equal(event);
  });

  describe('with what a member had ordered to stop the feed', () => {
    const garbage = Uint8Array.of(0xff, 0xff, 0xff);
    const good = { publicWrites: [{ key: 'claim/1', value: '{}' }] };
    const parsed = (bad: FixtureTransaction) => parseBlock(fixtureBlock(1, [bad, good]), scope).transactions;

    it('reads an invalid transaction of garbage as one that wrote nothing', () => {
      const transactionId = newTransactionId();
      const [first, second] = parsed({ transactionId, code: 5, data: garbage });
      expect(first).to.deep.include({ transactionId, code: 5, endorsers: [], publicWrites: [], privateWrites: [] });
      expect(first).to.not.have.property('unreadable');
      expect(second?.publicWrites).to.have.length(1);
    });

    it('marks a valid transaction that it cannot read', () => {
      const [first, second] = parsed({ data: garbage });
      expect(first).to.deep.include({ unreadable: true, publicWrites: [], privateWrites: [] });
      expect(second?.publicWrites).to.have.length(1);
    });

    it('takes a time beyond all calendars for the last of ours', () => {
      const [first] = parsed({ time: '+275760-09-13T00:00:00.000Z', code: 10 });
      expect(first?.time).to.equal('9999-12-31T23:59:59.999Z');
    });

    it('sees a transaction whose header comes in two parts', () => {
      const transactionId = newTransactionId();
      const [first] = parsed({ ...good, transactionId, splitHeader: true });
      expect(first).to.deep.include({ transactionId, creator: 'HospitalMSP', publicWrites: good.publicWrites });
    });

    it("takes no notice of an id that is not proven to be the transaction's own", () => {
      for (const code of [1, 2, 3, 4, 8]) expect(parsed({ code }), `code ${code}`).to.have.length(1);
    });
  });

  it('chains: the hash of a block is what its successor names as the previous one', () => {
    const first = fixtureBlock(0, [{}]);
    const second = fixtureBlock(1, [{}], first);
    expect(parseBlock(second, scope).previousHash).to.equal(parseBlock(first, scope).hash);
  });
});
