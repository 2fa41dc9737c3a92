/** What concurrent transactions do to each other, in a block and across blocks (spec 4.2, stage 2). */
import { expect } from 'chai';
import type { Simulator } from '../../seams.ts';
import { CHAINCODE, LedgerFixture } from '../ledger.fixture.ts';

type Body = (simulator: Simulator) => void | Promise<void>;
const value = Buffer.from('v');
const put =
  (key: string): Body =>
  (s) =>
    s.putState(CHAINCODE, '', key, value);
const remove =
  (key: string): Body =>
  (s) =>
    s.deleteState(CHAINCODE, '', key);
const update =
  (key: string): Body =>
  (s) => {
    s.getState(CHAINCODE, '', key);
    s.putState(CHAINCODE, '', key, value);
  };
const scan =
  (start: string, end: string, take = Number.POSITIVE_INFINITY): Body =>
  async (s) => {
    const iterator = s.range(CHAINCODE, '', start, end);
    for (let at = 0; at < take && (await iterator.next()); at++);
    s.putState(CHAINCODE, '', 'result', value);
  };
const hashRead =
  (key: string): Body =>
  (s) => {
    s.getPrivateDataHash(CHAINCODE, 'shared', key);
    s.putState(CHAINCODE, 'shared', key, value);
  };

describe('Conflicts', () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const transactions = async (...bodies: Body[]) => {
    const envelopes: Buffer[] = [];
    for (const body of bodies) envelopes.push(await fixture.transact(['alpha'], body));
    return envelopes;
  };
  const commit = async (...bodies: Body[]) => fixture.commit(...(await transactions(...bodies)));
  const many: Body = (s) => {
    for (let at = 0; at < 120; at++) s.putState(CHAINCODE, '', `many${String(at).padStart(3, '0')}`, value);
  };

  const table: [title: string, before: Body[], block: Body[], codes: number[]][] = [
    ['two updates of one key', [put('k')], [update('k'), update('k')], [0, 11]],
    ['two creations of one key', [], [update('k'), update('k')], [0, 11]],
    ['two blind writes of one key', [], [put('k'), put('k')], [0, 0]],
    ['a delete of a key that a later one read', [put('k')], [remove('k'), update('k')], [0, 11]],
    ['a delete of a missing key that a later one read', [], [remove('k'), update('k')], [0, 11]],
    ['updates of different keys', [put('a'), put('b')], [update('a'), update('b')], [0, 0]],
    ['a third update after an invalid one', [], [update('k'), update('k'), put('k')], [0, 11, 0]],
    ['an insert into a range', [put('a1')], [put('a2'), scan('a', 'b')], [0, 12]],
    ['an insert into an empty range', [], [put('a2'), scan('a', 'b')], [0, 12]],
    ['an insert at the end of a range, which is not in it', [put('a1')], [put('b'), scan('a', 'b')], [0, 0]],
    ['a delete in a range', [put('a1'), put('a2')], [remove('a1'), scan('a', 'b')], [0, 12]],
    ['a change in a range', [put('a1')], [put('a1'), scan('a', 'b')], [0, 12]],
    ['an insert behind what a range fetched', [put('a1'), put('a5')], [put('a7'), scan('a', 'b', 2)], [0, 0]],
    ['an insert before what a range fetched', [put('a1'), put('a5')], [put('a3'), scan('a', 'b', 2)], [0, 12]],
    ['an insert anywhere after an open end', [put('a1')], [put('zz'), scan('a', '')], [0, 12]],
    ['an unchanged range of 120, summarised', [many], [put('other'), scan('many', 'n')], [0, 0]],
    ['an insert into a range of 120, summarised', [many], [put('many0505'), scan('many', 'n')], [0, 12]],
    ['a change in a range of 120, summarised', [many], [put('many119'), scan('many', 'n')], [0, 12]],
    ['a delete in a range of 120, summarised', [many], [remove('many119'), scan('many', 'n')], [0, 12]],
    ['two creations of one private key checked by hash', [], [hashRead('k'), hashRead('k')], [0, 11]],
    ['private keys of different names', [], [hashRead('a'), hashRead('b')], [0, 0]],
  ];
  for (const [title, before, block, codes] of table) {
    it(`${title} in one block: ${codes.join(', ')}`, async () => {
      for (const body of before) expect(await commit(body)).to.deep.equal([0]);
      expect(await commit(...block)).to.deep.equal(codes);
    });
    it(`${title} in blocks of their own: ${codes.join(', ')}`, async () => {
      for (const body of before) expect(await commit(body)).to.deep.equal([0]);
      const found: number[] = [];
      for (const envelope of await transactions(...block)) found.push(...(await fixture.commit(envelope)));
      const isNoOp = title === 'a delete of a missing key that a later one read';
      expect(found).to.deep.equal(isNoOp ? [0, 0] : codes);
    });
  }

  it('a private read conflicts by the version of its hash', async () => {
    await commit(hashRead('k'));
    const [read, write] = await transactions(
      (s) => {
        s.getState(CHAINCODE, 'shared', 'k');
        s.putState(CHAINCODE, '', 'copy', value);
      },
      (s) => s.putState(CHAINCODE, 'shared', 'k', value),
    );
    expect(await fixture.commit(write!, read!)).to.deep.equal([0, 11]);
  });

  it('a new definition invalidates what was endorsed under the old one', async () => {
    const [inFlight] = await transactions(put('k'));
    await fixture.define(undefined, undefined, '2.0');
    expect(await fixture.commit(inFlight!)).to.deep.equal([11]);
  });

  it('leaves the last of two blind writes', async () => {
    const first = await fixture.transact(['alpha'], (s) => s.putState(CHAINCODE, '', 'k', Buffer.from('first')));
    const last = await fixture.transact(['beta'], (s) => s.putState(CHAINCODE, '', 'k', Buffer.from('last')));
    expect(await fixture.commit(first, last)).to.deep.equal([0, 0]);
    const found = await fixture.read('gamma', (s) => s.getState(CHAINCODE, '', 'k'));
    expect(String(found)).to.equal('last');
  });
});
