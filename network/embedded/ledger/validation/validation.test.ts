/** Which validation code each kind of transaction gets (spec 4.2). */
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { expect } from 'chai';
import type { Deviations } from '../ledger.fixture.ts';
import { CHAINCODE, LedgerFixture } from '../ledger.fixture.ts';

const value = Buffer.from('v');

describe('Validation of a transaction by itself', () => {
  let fixture: LedgerFixture;
  before(async () => {
    fixture = await LedgerFixture.open();
  });
  after(() => fixture.close());

  const write = (deviations: Deviations = {}) =>
    fixture.transact(['alpha', 'beta'], (simulator) => simulator.putState(CHAINCODE, '', 'k', value), deviations);
  const flip = (bytes: Uint8Array) => Buffer.from(bytes).fill(bytes.at(-1)! ^ 1, bytes.length - 1);
  const garbage = Buffer.from('ff', 'hex');
  const chaincode = (name: string, version = '1.0') => encode([2, name], [3, version]);

  const cases: [title: string, code: number, envelope: () => Promise<Uint8Array> | Uint8Array][] = [
    ['a proper transaction', 0, () => write()],
    ['bytes that are no envelope', 255, () => garbage],
    ['an empty envelope', 3, () => Buffer.alloc(0)],
    ['a payload that cannot be read', 2, () => encode([1, garbage])],
    ['a header that cannot be read', 3, () => encode([1, encode([1, garbage])])],
    ['an unknown type', 3, () => write({ type: 6 })],
    ['an epoch', 3, () => write({ epoch: 1 })],
    ['an empty nonce', 3, () => write({ nonce: Buffer.alloc(0) })],
    ["a creator's signature that is wrong", 4, () => write({ signature: flip })],
    [
      'a creator that cannot be parsed',
      4,
      () => write({ creator: { ...fixture.clients.get('alpha')!, creator: Buffer.from('nobody') } }),
    ],
    [
      'metadata that cannot be read',
      22,
      () =>
        write({ results: () => encode([2, encode([1, CHAINCODE], [2, encode([4, encode([1, 'k'], [2, garbage])])])]) }),
    ],
    ['a configuration transaction', 6, () => write({ type: 1 })],
    ['a configuration update', 7, () => write({ type: 2 })],
    ['a transaction id that is not the hash of nonce and creator', 8, () => write({ txId: 'ab'.repeat(32) })],
    ['no action', 5, () => write({ actions: () => [] })],
    ['two actions', 5, () => write({ actions: (only) => [only, only] })],
    ['another proposal hash', 5, () => write({ proposalHash: flip })],
    ['another channel', 14, () => write({ channel: 'elsewhere' })],
    ['an extension that cannot be read', 19, () => write({ extension: garbage })],
    ['a response payload that cannot be read', 21, () => write({ chaincodeAction: () => garbage })],
    ['a read/write set that cannot be read', 22, () => write({ results: () => garbage })],
    ['a namespace that occurs twice', 23, () => write({ results: (set) => Buffer.concat([set, set]) })],
    ['a header that names no chaincode', 255, () => write({ extension: Buffer.alloc(0) })],
    ['an event of another chaincode', 255, () => write({ event: encode([1, 'other']) })],
    ['a chaincode that differs from the header', 25, () => write({ chaincodeId: chaincode('other') })],
    ['an empty chaincode version', 25, () => write({ chaincodeId: chaincode(CHAINCODE, '') })],
    [
      'a chaincode that is not defined',
      25,
      () => write({ extension: encode([2, encode([2, 'other'])]), chaincodeId: chaincode('other') }),
    ],
    [
      'a write to a chaincode that is not defined',
      25,
      () => fixture.transact(['alpha'], (simulator) => simulator.putState('other', '', 'k', value)),
    ],
    ['endorsements that are wrong', 10, () => write({ endorsement: flip })],
    [
      'an endorsement by a client where the policy wants peers',
      10,
      async () => {
        const { signers, clients } = fixture;
        const swapped = Object.assign(Object.create(fixture), {
          signers: new Map([...signers, ['alpha', clients.get('alpha')]]),
        });
        return LedgerFixture.prototype.transact.call(swapped, ['alpha'], (s) => s.putState(CHAINCODE, '', 'k', value));
      },
    ],
    [
      'a creator of an organisation that the channel does not know',
      4,
      () => {
        const known = fixture.clients.get('alpha')!;
        const pem = new Message(known.creator).bytes(2);
        return write({ creator: { ...known, creator: encode([1, 'OtherMSP'], [2, pem]), sign: known.sign } });
      },
    ],
    [
      "a write to a collection that the chaincode's definition does not name",
      10,
      () =>
        write({
          results: () =>
            encode([
              2,
              encode(
                [1, CHAINCODE],
                [3, encode([1, 'none'], [2, encode([2, encode([1, Buffer.alloc(32, 1)], [3, Buffer.alloc(32, 2)])])])],
              ),
            ]),
        }),
    ],
  ];
  for (const [title, code, envelope] of cases) {
    it(`gives ${code} to ${title}`, async () => {
      expect(await fixture.commit(await envelope())).to.deep.equal([code]);
    });
  }

  it('gives 9 to a transaction id that is in the ledger, valid or not, and the index keeps the first', async () => {
    const first = await write({ nonce: Buffer.alloc(24, 7) });
    const txId = (await fixture.ledger.commit([first])).transactions[0]!.txId;
    const block = fixture.ledger.height() - 1;
    expect(await fixture.commit(Buffer.from(first))).to.deep.equal([9]);
    expect(fixture.ledger.transaction(txId)).to.deep.equal({ txId, code: 0, block, index: 0 });
    expect(await fixture.commit(await write({ nonce: Buffer.alloc(24, 7) }))).to.deep.equal([9]);
  });

  it('gives 9 to the second of two with one id in a block, unless the first failed stage 1', async () => {
    const nonce = () => Buffer.alloc(24, fixture.ledger.height());
    const right = await write({ nonce: nonce() });
    expect(await fixture.commit(right, Buffer.from(right))).to.deep.equal([0, 9]);
    const same = nonce();
    const wrong = await write({ nonce: same, endorsement: flip });
    expect(await fixture.commit(wrong, await write({ nonce: same }))).to.deep.equal([10, 0]);
  });

  it('judges a private write by the policy of its collection', async () => {
    const strict = (...endorsers: ('alpha' | 'beta')[]) =>
      fixture.transact(endorsers, (simulator) => simulator.putState(CHAINCODE, 'strict', 'k', value));
    expect(await fixture.commit(await strict('alpha'))).to.deep.equal([10]);
    expect(await fixture.commit(await strict('alpha', 'beta'))).to.deep.equal([0]);
  });
});

describe("Validation by a key's own policy", () => {
  let fixture: LedgerFixture;
  beforeEach(async () => {
    fixture = await LedgerFixture.open();
  });
  afterEach(() => fixture.close());

  const policy = (text: string) => fixture.channel.policies.parseText(text);
  const setPolicy = (text: string, collection = '') =>
    fixture.transact(['alpha'], (simulator) => {
      simulator.putState(CHAINCODE, collection, 'k', value);
      simulator.putMetadata(CHAINCODE, collection, 'k', 'VALIDATION_PARAMETER', policy(text));
    });
  const put = (endorsers: ('alpha' | 'beta' | 'gamma')[], collection = '') =>
    fixture.transact(endorsers, (simulator) => simulator.putState(CHAINCODE, collection, 'k', value));

  for (const collection of ['', 'shared']) {
    const where = collection === '' ? 'public' : 'private';
    it(`holds for writes of a ${where} key instead of the chaincode's policy`, async () => {
      expect(await fixture.commit(await setPolicy("AND('AlphaMSP.peer','BetaMSP.peer')", collection))).to.deep.equal([
        0,
      ]);
      expect(await fixture.commit(await put(['alpha'], collection))).to.deep.equal([10]);
      expect(await fixture.commit(await put(['alpha', 'beta'], collection))).to.deep.equal([0]);
      expect(await fixture.commit(await put(['alpha'], collection)), 'a value keeps the policy').to.deep.equal([10]);
    });
  }

  it('holds for changes of the policy itself', async () => {
    expect(await fixture.commit(await setPolicy("OR('BetaMSP.peer')"))).to.deep.equal([0]);
    expect(await fixture.commit(await setPolicy("OR('AlphaMSP.peer')"))).to.deep.equal([10]);
  });

  it('refuses a write after a change of the policy in the same block, whoever endorsed it', async () => {
    const both = ['alpha', 'beta'] as const;
    const codes = await fixture.commit(
      await setPolicy("OR('AlphaMSP.peer')"),
      await put([...both]),
      await fixture.transact(['alpha'], (simulator) => simulator.putState(CHAINCODE, '', 'other', value)),
    );
    expect(codes).to.deep.equal([0, 10, 0]);
  });

  it('does not refuse it where the transaction that changes the policy is invalid itself', async () => {
    const flip = (bytes: Uint8Array) => Buffer.from(bytes).fill(bytes.at(-1)! ^ 1, bytes.length - 1);
    const invalid = await fixture.transact(
      ['alpha'],
      (simulator) => simulator.putMetadata(CHAINCODE, '', 'k', 'VALIDATION_PARAMETER', policy("OR('AlphaMSP.peer')")),
      { endorsement: flip },
    );
    expect(await fixture.commit(invalid, await put(['beta']))).to.deep.equal([10, 0]);
  });

  it('goes with the key', async () => {
    await fixture.commit(await setPolicy("AND('AlphaMSP.peer','BetaMSP.peer')"));
    const remove = await fixture.transact(['alpha', 'beta'], (simulator) => simulator.deleteState(CHAINCODE, '', 'k'));
    expect(await fixture.commit(remove)).to.deep.equal([0]);
    expect(await fixture.commit(await put(['gamma']))).to.deep.equal([0]);
  });

  it('leaves no state where only metadata of a missing key was written', async () => {
    const metadata = await fixture.transact(['alpha'], (simulator) =>
      simulator.putMetadata(CHAINCODE, '', 'k', 'VALIDATION_PARAMETER', policy("OR('BetaMSP.peer')")),
    );
    expect(await fixture.commit(metadata)).to.deep.equal([0]);
    expect(await fixture.commit(await put(['alpha']))).to.deep.equal([0]);
  });

  it('is what an endorsement plan is told to satisfy', async () => {
    await fixture.commit(await setPolicy("OR('BetaMSP.peer')"));
    const interest = await fixture.read('alpha', (simulator) => {
      simulator.putState(CHAINCODE, '', 'k', value);
      simulator.putState(CHAINCODE, 'shared', 'k', value);
      simulator.getState(CHAINCODE, 'short', 'k');
      simulator.getPrivateDataHash(CHAINCODE, 'strict', 'k');
      return simulator.result().interest;
    });
    expect(interest).to.deep.equal([
      {
        namespace: CHAINCODE,
        keyPolicies: [Buffer.from(policy("OR('BetaMSP.peer')"))],
        namespacePolicyRequired: false,
        collectionsWritten: ['shared'],
        collectionsRead: ['short'],
      },
    ]);
  });
});
