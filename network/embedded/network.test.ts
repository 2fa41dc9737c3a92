import { createServer } from 'node:net';
import type { Contract } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { sha256 } from './fixtures/client.ts';
import { BOTH, contractOf, Fixture, failureOf, text } from './fixtures/network.ts';
import { startNetwork } from './network.ts';

describe('The embedded network', () => {
  let fixture: Fixture;
  let alpha: Contract;
  let beta: Contract;
  let gamma: Contract;

  before(async () => {
    fixture = await Fixture.start();
    [alpha, beta, gamma] = await Promise.all([
      fixture.contract('alpha'),
      fixture.contract('beta'),
      fixture.contract('gamma'),
    ]);
  });
  after(() => fixture.close());

  const submit = (name: string, ...args: string[]) =>
    alpha.submit(name, { arguments: args, endorsingOrganizations: BOTH });
  const putPrivate = (collection: string, key: string, value: string) =>
    alpha.submit('putPrivate', {
      arguments: [collection, key],
      transientData: { value },
      endorsingOrganizations: BOTH,
    });
  const evaluate = async (contract: Contract, name: string, ...args: string[]) =>
    text(await contract.evaluateTransaction(name, ...args));

  it('commits a private write of two endorsers, which members read and others know by its hash', async () => {
    await putPrivate('shared', 'k1', 'secret');
    expect(await evaluate(alpha, 'getPrivate', 'shared', 'k1')).to.equal('secret');
    expect(await evaluate(beta, 'getPrivate', 'shared', 'k1')).to.equal('secret');
    expect(await evaluate(gamma, 'hashPrivate', 'shared', 'k1')).to.equal(sha256('secret').toString('hex'));
    expect(await evaluate(alpha, 'rangePrivate', 'shared', '', '')).to.equal('["k1"]');
  });

  it('refuses private data to clients that are no members, and to peers that do not hold it', async () => {
    await putPrivate('shared', 'k2', 'secret');
    await putPrivate('open', 'k2', 'less secret');
    const refused = await failureOf(gamma.evaluateTransaction('getPrivate', 'shared', 'k2'));
    expect(refused.cause.details).to.contain(
      'tx creator does not have read access permission on privatedata in chaincodeName:basic collectionName: shared',
    );
    const missing = await failureOf(gamma.evaluateTransaction('getPrivate', 'open', 'k2'));
    expect(missing.cause.details).to.contain('private data matching public hash version is not available');
    const written = await failureOf(
      gamma.submit('putPrivate', { arguments: ['shared', 'k2'], endorsingOrganizations: ['GammaMSP'] }),
    );
    expect(written.details[0]?.message).to.contain('tx creator does not have write access permission on privatedata');
  });

  it('purges value and hash', async () => {
    await putPrivate('shared', 'k3', 'gone soon');
    await submit('purge', 'shared', 'k3');
    expect(await evaluate(alpha, 'getPrivate', 'shared', 'k3')).to.equal('');
    expect(await evaluate(gamma, 'hashPrivate', 'shared', 'k3')).to.equal('');
  });

  it('reads what was committed before, not what the transaction itself writes', async () => {
    await submit('put', 'a', 'one');
    expect(text(await submit('putThenGet', 'a', 'two'))).to.equal('one');
    expect(await evaluate(alpha, 'get', 'a')).to.equal('two');
  });

  it('tells the history of a key, newest first', async () => {
    for (const step of [
      ['put', 'h', '1'],
      ['del', 'h'],
      ['put', 'h', '2'],
    ] as [string, string, string?][]) {
      await submit(step[0], ...(step.slice(1) as string[]));
    }
    const history = JSON.parse(await evaluate(alpha, 'history', 'h')) as { value: string; isDelete: boolean }[];
    expect(history.map(({ value, isDelete }) => (isDelete ? 'deleted' : value))).to.deep.equal(['2', 'deleted', '1']);
  });

  it('invalidates one of two transactions in flight that read what the other writes', async () => {
    await submit('put', 'counter', '0');
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => submit('increment', 'counter')));
    const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(failures.length).to.be.greaterThan(0);
    for (const failure of failures) expect(failure).to.include({ name: 'CommitError', code: 11 });
    expect(Number(await evaluate(alpha, 'get', 'counter'))).to.equal(4 - failures.length);
  });

  it('finds a phantom in a range that a transaction read', async () => {
    await submit('put', 'ph-1', 'x');
    const endorsed = await alpha
      .newProposal('rangeThenPut', {
        arguments: ['ph-', 'ph-~', 'ph-5'],
        endorsingOrganizations: BOTH,
      })
      .endorse();
    await submit('put', 'ph-6', 'x');
    const commit = await endorsed.submit();
    expect((await commit.getStatus()).code).to.equal(12);
  });

  it('serves 64 callers at once and loses nothing', async () => {
    await Promise.all(
      Array.from({ length: 64 }, async (_, caller) => {
        for (let round = 0; round < 3; round++) await putPrivate('shared', `many-${caller}-${round}`, 'v');
      }),
    );
    const keys = JSON.parse(await evaluate(alpha, 'rangePrivate', 'shared', 'many-', 'many-~')) as string[];
    expect(keys).to.have.length(64 * 3);
  });

  it('takes a transaction of 1,000 private writes', async () => {
    await alpha.submit('putManyPrivate', {
      arguments: ['shared', 'bulk-', '1000'],
      transientData: { value: 'v'.repeat(1000) },
      endorsingOrganizations: BOTH,
    });
    expect(JSON.parse(await evaluate(alpha, 'rangePrivate', 'shared', 'bulk-', 'bulk-~'))).to.have.length(1000);
  });

  it('keeps everything over a restart', async () => {
    await putPrivate('shared', 'kept', 'still here');
    await submit('put', 'kept', 'as well');
    await fixture.restart();
    alpha = await fixture.contract('alpha');
    beta = await fixture.contract('beta');
    gamma = await fixture.contract('gamma');
    expect(await evaluate(beta, 'getPrivate', 'shared', 'kept')).to.equal('still here');
    expect(await evaluate(gamma, 'get', 'kept')).to.equal('as well');
    expect(text(await submit('putThenGet', 'kept', 'changed'))).to.equal('as well');
  });

  it('updates a definition while it runs, which invalidates what was endorsed before', async () => {
    const endorsed = await alpha
      .newProposal('put', { arguments: ['in-flight', 'x'], endorsingOrganizations: BOTH })
      .endorse();
    const [chaincode] = fixture.config.chaincodes;
    if (!chaincode) throw new Error('the fixture has a chaincode');
    await fixture.network.define({ ...chaincode, version: '2.0' });
    expect((await (await endorsed.submit()).getStatus()).code).to.equal(11);
    await submit('put', 'in-flight', 'y');
    expect(await evaluate(alpha, 'get', 'in-flight')).to.equal('y');
    await fixture.network.define({ ...chaincode, version: '2.0' });
  });

  it('refuses a ledger of a layout that its chaincode does not read, and changes nothing', async () => {
    const chaincodes = fixture.config.chaincodes.map((chaincode) => ({ ...chaincode, version: '3.1', layout: 3 }));
    await fixture.network.close();
    const failure = await failureOf(startNetwork({ ...fixture.config, chaincodes }));
    expect(failure.message).to.match(/written by version 2\.0 of chaincode \w+, and version 3\.1 does not read it\./);
    expect(failure.message).to.contain('npm start -- --fresh');
    const before = chaincodes.map((chaincode) => ({ ...chaincode, version: '2.1', layout: 2 }));
    fixture.network = await startNetwork({ ...fixture.config, chaincodes: before });
    expect(await evaluate(contractOf(await fixture.client('alpha')), 'get', 'in-flight')).to.equal('y');
  });

  it('names a port that is taken and leaves the store to the next start', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port));
    });
    await fixture.network.close();
    const [first, ...others] = fixture.config.organisations;
    if (!first) throw new Error('the fixture has organisations');
    const organisations = [{ ...first, peer: { ...first.peer, port } }, ...others];
    const failure = await failureOf(startNetwork({ ...fixture.config, organisations }));
    expect(failure.message).to.contain(`port ${port} for the peer of alpha cannot be opened`);
    taken.close();
    fixture.network = await startNetwork(fixture.config);
    expect(await evaluate(contractOf(await fixture.client('alpha')), 'get', 'in-flight')).to.equal('y');
  });
});
