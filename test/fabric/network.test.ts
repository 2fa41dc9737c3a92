import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSdk } from '@telemed-ledger/scripts/bench/sdk.ts';
import { definitionOnFreePorts, runNetwork, SCRIPT } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';

describe("npm run network, on Fabric's own programs", function () {
  this.timeout(120_000);
  let dataDir: string;
  let environment: Record<string, string>;

  before(async function () {
    await skipWithoutFabric(this);
    dataDir = mkdtempSync(join(tmpdir(), 'network-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
  });
  after(async () => {
    if (dataDir === undefined) return;
    await runNetwork(['reset', '--yes'], environment);
    rmSync(dataDir, { recursive: true });
  });

  const succeed = async (args: string[]): Promise<string> => {
    const { code, out, error } = await runNetwork(args, environment);
    expect(code, `${args.join(' ')}: ${out}${error}`).to.equal(0);
    return out;
  };
  const heights = async (): Promise<number[]> =>
    [...(await runNetwork(['status'], environment)).out.matchAll(/^peer-.*\d +(\d+)$/gm)].map(([, height]) =>
      Number(height),
    );

  it('finishes what an interrupted start began', async () => {
    const child = spawn(process.execPath, [SCRIPT, 'up'], {
      env: { ...process.env, ...environment },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const isBegun = () => existsSync(join(dataDir, 'fabric', 'run', 'peer-bank.json'));
    while (!isBegun() && child.exitCode === null) await new Promise((next) => setTimeout(next, 10));
    child.kill('SIGKILL');
    await ended;
    expect(await succeed(['up'])).to.contain('next: npm run network -- deploy');
    expect(await heights()).to.deep.equal([1, 1, 1, 1, 1, 1]);
  });

  it('deploys until every organisation endorses with every other, and then has nothing to do', async () => {
    expect(await succeed(['deploy'])).to.contain('deployed: sequence 1');
    const before = await heights();
    expect(await succeed(['deploy'])).to.contain('nothing to do: sequence 1');
    expect(await heights()).to.deep.equal(before);
  });

  it('goes up one sequence when what was agreed on changes', async () => {
    const file = environment['CONSORTIUM']!;
    writeFileSync(file, readFileSync(file, 'utf8').replace('any: 2', 'any: 3'));
    expect(await succeed(['deploy'])).to.contain('deployed: sequence 2');
  });

  it('keeps the ledgers when it is taken down, and goes on where it was', async () => {
    const before = await heights();
    await succeed(['down']);
    const status = await runNetwork(['status'], environment);
    expect([status.code, status.out.match(/running/g)]).to.deep.equal([1, null]);
    expect(await succeed(['up'])).to.match(/^up after .* s, ordering by bft$/m);
    expect(await heights()).to.deep.equal(before);
  });

  it('starts one process again and shows its log', async () => {
    const pid = /number|process (\d+)/.exec(await succeed(['restart', 'orderer-payer']))?.[1];
    expect(await succeed(['status'])).to.match(new RegExp(`orderer-payer +running +\\d+ +${pid} `));
    expect(await succeed(['logs', 'orderer-payer', '--lines', '5'])).to.match(/INFO \[.*\]/);
  });

  it('says which nodes say nothing, starts them again one at a time, and waits until they have caught up', async () => {
    const frozen = ['orderer-payer', 'peer-bank'];
    const state = await succeed(['status']);
    const pidOf = (name: string) => Number(new RegExp(`^${name} +running +\\d+ +(\\d+)`, 'm').exec(state)?.[1]);
    for (const name of frozen) process.kill(pidOf(name), 'SIGSTOP');
    const status = await runNetwork(['status'], environment);
    expect(status.code, status.out).to.equal(1);
    for (const name of frozen) expect(status.out).to.contain(`${name} runs and gives no answer`);
    expect(status.out).to.contain('npm run network -- up starts them again, one at a time');
    const out = await succeed(['up']);
    for (const name of frozen) expect(out).to.match(new RegExp(`${name} was started again: it has all \\d+ blocks`));
    expect(out.indexOf('orderer-payer was started')).to.be.below(out.indexOf('peer-bank was started'));
    expect(await succeed(['status'])).not.to.match(/no answer|behind/);
  });

  it('has ordered by those that are left while one stands still, and brings it up to them', async () => {
    const pid = Number(/^orderer-payer +running +\d+ +(\d+)/m.exec(await succeed(['status']))?.[1]);
    process.kill(pid, 'SIGSTOP');
    const profile = join(dataDir, 'organisations', 'hospital', 'connection.json');
    const sdk = openSdk(profile, randomUUID(), ['HospitalMSP', 'PatientsMSP']);
    try {
      // It may have been the leader: then the others first agree on another one.
      const submit = () => sdk.create();
      await submit().catch(submit).catch(submit);
    } finally {
      sdk.close();
    }
    expect(await succeed(['up'])).to.match(/orderer-payer was started again: it has all \d+ blocks/);
    const state = await succeed(['status']);
    const all = [...state.matchAll(/^(?:orderer|peer)-.*\d +(\d+)$/gm)].map(([, height]) => height);
    expect([all.length, new Set(all).size]).to.deep.equal([10, 1]);
  });

  it('removes nothing unless it is told yes', async () => {
    const { code, error } = await runNetwork(['reset'], environment);
    expect([code, error.includes('nothing was removed')]).to.deep.equal([1, true]);
    expect(await heights()).to.have.length(6);
    await succeed(['reset', '--yes']);
    expect(existsSync(join(dataDir, 'fabric'))).to.equal(false);
  });
});
