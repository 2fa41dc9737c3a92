import { status } from '@grpc/grpc-js';
import type { Contract } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { startChaincode } from '../fixtures/chaincode.ts';
import { BOTH, Fixture, failureOf, text } from '../fixtures/network.ts';

describe('A chaincode of the unmodified shim', () => {
  let fixture: Fixture;
  let alpha: Contract;

  before(async () => {
    fixture = await Fixture.start({ config: { executeTimeoutMs: 1500 } });
    alpha = await fixture.contract('alpha');
    await submit('putMany', 'r', '251');
    await submit('putMany', 'p', '25');
  });
  after(() => fixture.close());

  const submit = (name: string, ...args: string[]) =>
    alpha.submit(name, { arguments: args, endorsingOrganizations: BOTH });
  const evaluate = async (name: string, ...args: string[]) => text(await alpha.evaluateTransaction(name, ...args));
  const failure = async (name: string, ...args: string[]) =>
    (await failureOf(alpha.evaluateTransaction(name, ...args))).cause.details;

  for (const count of [0, 1, 99, 100, 101, 200, 201, 251]) {
    it(`iterates over ${count} results`, async () => {
      const keys = JSON.parse(await evaluate('range', 'r', `r${String(count).padStart(4, '0')}`)) as string[];
      expect(keys).to.have.length(count);
      expect(keys).to.deep.equal([...keys].sort());
    });
  }

  it('orders keys by their UTF-8 bytes', async () => {
    for (const key of ['emoji\u{1F600}', 'emoji�', 'emojia']) await submit('put', key, 'x');
    expect(JSON.parse(await evaluate('range', 'emoji', 'emoji\u{10FFFF}'))).to.deep.equal([
      'emojia',
      'emoji�',
      'emoji\u{1F600}',
    ]);
  });

  it('pages through public keys with a bookmark', async () => {
    const counts: number[] = [];
    let bookmark = '';
    do {
      const page = JSON.parse(await evaluate('page', 'p', 'q', '10', bookmark));
      counts.push(page.fetchedRecordsCount);
      expect(page.keys).to.have.length(page.fetchedRecordsCount);
      bookmark = page.bookmark;
    } while (bookmark !== '');
    expect(counts).to.deep.equal([10, 10, 5]);
  });

  it('may not write after a page, and has no rich queries', async () => {
    expect(await failure('pageThenPut', 'p', 'q')).to.contain('a paginated query');
    expect(await failure('query')).to.contain('ExecuteQuery not supported for leveldb');
  });

  it('deletes with an empty value', async () => {
    await submit('put', 'emptied', 'x');
    await submit('put', 'emptied', '');
    const history = JSON.parse(await evaluate('history', 'emptied'));
    expect(history.map(({ isDelete }: { isDelete: boolean }) => isDelete)).to.deep.equal([true, false]);
  });

  it('may write and read a value of 5 MB', async () => {
    await submit('putLarge', 'large', String(5_000_000));
    expect(await alpha.evaluateTransaction('get', 'large')).to.have.length(5_000_000);
  });

  it('calls another chaincode and hears why it cannot', async () => {
    expect(await failure('invoke', 'basic', '', 'get', 'a')).to.match(
      /INVOKE_CHAINCODE failed: transaction ID: \w+: execute failed: error sending: txid: \w+\(testing\) exists/,
    );
    expect(await failure('invoke', 'absent', '', 'get', 'a')).to.contain('chaincode absent not found');
    expect(await evaluate('invoke', 'qscc', '', 'GetChainInfo', 'testing')).to.contain('"called":500');
  });

  it('is given up after the time limit, and serves the next transaction', async () => {
    const failed = await failureOf(
      alpha.evaluate('sleep', { arguments: ['4000'], endorsingOrganizations: ['AlphaMSP'] }),
    );
    expect(failed.code).to.equal(status.ABORTED);
    expect(failed.details[0]?.message).to.match(
      /^error in simulation: failed to execute transaction \w+: error sending: timeout expired while executing transaction$/,
    );
    expect(await evaluate('get', 'r0000')).to.equal('r0000');
  });

  it('that ends in the middle of a transaction fails it, and is dialled again when it is back', async () => {
    const server = fixture.chaincode(0);
    const running = failureOf(alpha.evaluate('sleep', { arguments: ['1000'], endorsingOrganizations: ['AlphaMSP'] }));
    await evaluate('get', 'a');
    server.stop();
    expect((await running).details[0]?.message).to.contain('chaincode stream terminated');
    const [chaincode] = fixture.config.chaincodes;
    const port = Number(server.address.split(':')[1]);
    const again = startChaincode(chaincode?.packageId ?? '', {}, port);
    expect(await evaluate('get', 'r0000')).to.equal('r0000');
    (await again).stop();
    const [gone, other] = await Promise.all([
      failureOf(alpha.evaluate('get', { arguments: ['a'], endorsingOrganizations: ['AlphaMSP'] })),
      evaluate('get', 'r0000'),
    ]);
    expect(gone.details[0]?.message).to.contain(`could not launch chaincode ${chaincode?.packageId}`);
    expect(other, 'another peer answers').to.equal('r0000');
  });
});
