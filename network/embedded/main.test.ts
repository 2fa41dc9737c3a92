import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ChaincodeConfig, NetworkConfig } from './config.ts';
import { startChaincode } from './fixtures/chaincode.ts';
import { openClient } from './fixtures/client.ts';
import { CHAINCODE, CHANNEL, text } from './fixtures/network.ts';
import { type FixtureOrganisation, fixtureNetwork } from './identity/authority.fixture.ts';
import type { NetworkMessage } from './main.ts';

const PACKAGE_ID = `basic:${'1'.repeat(64)}`;

describe('The network as a child process', () => {
  const children: ChildProcess[] = [];
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'embedded-main-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (config: NetworkConfig): Promise<{ child: ChildProcess; answer: NetworkMessage }> => {
    const child = fork(new URL('./main.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    return { child, answer: await ask(child, config) };
  };
  const ask = async (child: ChildProcess, message: object): Promise<NetworkMessage> => {
    const answer = once(child, 'message');
    child.send(message);
    return (await answer)[0];
  };
  const exitCode = async (child: ChildProcess) =>
    child.exitCode === null ? (await once(child, 'exit'))[0] : child.exitCode;

  it('answers with its endpoints, takes definitions and keeps what it accepted when it is told to stop', async () => {
    const { config, organisations } = await fixtureNetwork(dataDir, 'alpha');
    const { child, answer } = await start({ ...config, batch: { ...config.batch, timeoutMs: 5000 } });
    if (!('ready' in answer)) throw new Error(JSON.stringify(answer));
    expect(answer.endpoints['alpha']).to.match(/^127\.0\.0\.1:\d+$/);
    const chaincode = await startChaincode(PACKAGE_ID);
    const defined = await ask(child, { define: definition(chaincode.address) });
    expect(defined).to.deep.equal({ defined: CHAINCODE });
    expect(
      await ask(child, { define: { ...definition(chaincode.address), endorsementPolicy: 'nonsense(' } }),
    ).to.have.property('failed');

    const alpha = organisations.get('alpha');
    if (!alpha) throw new Error('no alpha');
    const { mspId, ca } = alpha;
    const identity = await ca.issue();
    const connect = (endpoint = '') => openClient({ endpoint, tlsRoot: ca.certificate, mspId, identity });
    const first = connect(answer.endpoints['alpha']);
    const contract = first.gateway.getNetwork(CHANNEL).getContract(CHAINCODE);
    await contract.submitAsync('put', { arguments: ['pending', 'kept'], endorsingOrganizations: [mspId] });
    child.kill('SIGTERM');
    expect(await exitCode(child)).to.equal(0);
    first.close();

    const again = await start({ ...config, chaincodes: [definition(chaincode.address)] });
    if (!('ready' in again.answer)) throw new Error(JSON.stringify(again.answer));
    const second = connect(again.answer.endpoints['alpha']);
    const reopened = second.gateway.getNetwork(CHANNEL).getContract(CHAINCODE);
    expect(text(await reopened.evaluateTransaction('get', 'pending'))).to.equal('kept');
    second.close();
    chaincode.stop();
    again.child.disconnect();
    expect(await exitCode(again.child)).to.equal(0);
  });

  it('loses nothing that it acknowledged when it is killed under load', async () => {
    const { config, organisations } = await fixtureNetwork(dataDir, 'alpha');
    const chaincode = await startChaincode(PACKAGE_ID);
    config.chaincodes = [definition(chaincode.address)];
    const { mspId, ca } = organisations.get('alpha') as FixtureOrganisation;
    const identity = await ca.issue();
    const open = (answer: NetworkMessage) => {
      const endpoint = 'ready' in answer ? (answer.endpoints['alpha'] ?? '') : '';
      const client = openClient({ endpoint, tlsRoot: ca.certificate, mspId, identity });
      return { client, contract: client.gateway.getNetwork(CHANNEL).getContract(CHAINCODE) };
    };
    const { child, answer } = await start(config);
    const before = open(answer);
    const acknowledged: string[] = [];
    const write = async (key: string) => {
      await before.contract.submit('put', { arguments: [key, 'x'], endorsingOrganizations: [mspId] });
      acknowledged.push(key);
      if (acknowledged.length === 100) child.kill('SIGKILL');
    };
    const callers = Array.from({ length: 16 }, async (_, caller) => {
      for (let round = 0; child.exitCode === null && child.signalCode === null; round++)
        await write(`${caller}-${round}`);
    });
    await Promise.allSettled(callers);
    before.client.close();

    const after = open((await start(config)).answer);
    const found = new Set(JSON.parse(text(await after.contract.evaluateTransaction('range', '', ''))) as string[]);
    expect(acknowledged.length).to.be.at.least(100);
    expect(acknowledged.filter((key) => !found.has(key))).to.deep.equal([]);
    after.client.close();
    chaincode.stop();
  });

  it('says why it cannot start and leaves', async () => {
    const { config } = await fixtureNetwork(dataDir, 'alpha');
    const { child } = await start(config);
    const other = await start(config);
    expect(other.answer).to.have.property('failed');
    expect(JSON.stringify(other.answer)).to.contain('cannot be opened');
    expect(await exitCode(other.child)).to.equal(1);
    expect(child.exitCode).to.equal(null);
  });
});

function definition(address: string): ChaincodeConfig {
  return {
    name: CHAINCODE,
    version: '1.0',
    packageId: PACKAGE_ID,
    endorsementPolicy: "OR('AlphaMSP.peer')",
    collections: [],
    addresses: { alpha: address },
  };
}
