import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { Contract } from '@hyperledger/fabric-gateway';
import { expect } from 'chai';
import { sha256 } from './fixtures/client.ts';
import { Fixture, failureOf } from './fixtures/network.ts';

const BOTH = ['AlphaMSP', 'BetaMSP'];
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

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

  const submit = (contract: Contract, name: string, ...args: string[]) =>
    contract.submit(name, { arguments: args, endorsingOrganizations: BOTH });

  it('commits a private write of two endorsers, which members read and others do not', async () => {
    await alpha.submit('putPrivate', {
      arguments: ['shared', 'k1'],
      transientData: { value: 'secret' },
      endorsingOrganizations: BOTH,
    });
    expect(text(await alpha.evaluateTransaction('getPrivate', 'shared', 'k1'))).to.equal('secret');
    const atBeta = { arguments: ['shared', 'k1'], endorsingOrganizations: ['BetaMSP'] };
    expect(text(await beta.evaluate('getPrivate', atBeta))).to.equal('secret');
    expect(text(await gamma.evaluateTransaction('hashPrivate', 'shared', 'k1'))).to.equal(
      sha256('secret').toString('hex'),
    );
    const refused = await failureOf(gamma.evaluateTransaction('getPrivate', 'shared', 'k1'));
    expect(refused.code).to.equal(status.UNKNOWN);
    expect(refused.cause.details).to.contain('tx creator does not have read access permission on privatedata');
    void delay;
  });

  it('reads what was committed before, not what the transaction itself writes', async () => {
    await submit(alpha, 'put', 'a', 'one');
    expect(text(await submit(alpha, 'putThenGet', 'a', 'two'))).to.equal('one');
    expect(text(await alpha.evaluateTransaction('get', 'a'))).to.equal('two');
  });
});
