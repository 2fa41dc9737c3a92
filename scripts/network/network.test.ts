import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@telemed-ledger/network/ca/authority.ts';
import { DEFAULT_CONSORTIUM_FILE, loadConsortium } from '@telemed-ledger/network/consortium.ts';
import { binaryProblems } from '@telemed-ledger/network/fabric/binaries.ts';
import { layoutOf, portsOf } from '@telemed-ledger/network/fabric/layout.ts';
import { takenPorts } from '@telemed-ledger/network/fabric/ports.ts';
import { expect } from 'chai';
import { certificateProblems, portCollisions } from './check.ts';

const SCRIPT = new URL('../network.ts', import.meta.url).pathname;

interface Outcome {
  code: number | null;
  out: string;
  error: string;
}

function network(args: string[], environment: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SCRIPT, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { out: '', error: '' };
    child.stdout.on('data', (chunk) => {
      texts.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      texts.error += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
}

/** The default definition with other peers' and orderers' ports, all of them free. */
async function definitionOnFreePorts(file: string): Promise<void> {
  const text = readFileSync(DEFAULT_CONSORTIUM_FILE, 'utf8');
  for (;;) {
    const base = 10_000 + Math.floor(Math.random() * 400) * 50;
    writeFileSync(
      file,
      text.replaceAll(/(peerPort|port): 7(0|1)5(\d)/g, (_, key: string, kind: string, digit: string) => {
        return `${key}: ${base + Number(kind) * 10 + Number(digit)}`;
      }),
    );
    const layout = layoutOf('/', loadConsortium(file), 'bft');
    if ((await takenPorts(portsOf(layout))).length === 0) return;
  }
}

describe('npm run network', function () {
  this.timeout(120_000);
  let dataDir: string;
  let environment: Record<string, string>;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'network-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
  });
  after(() => rmSync(dataDir, { recursive: true }));

  describe('without what it needs', () => {
    it('names the programs that are missing and where they come from', async () => {
      const { code, error } = await network(['up'], { ...environment, FABRIC_BIN: join(dataDir, 'nothing') });
      expect(code).to.equal(1);
      for (const program of ['peer', 'orderer', 'configtxgen', 'osnadmin'])
        expect(error).to.contain(`Fabric's ${program} is not in FABRIC_BIN`);
      expect(error).to.contain('https://github.com/hyperledger/fabric/releases').and.not.to.contain('    at ');
      expect(existsSync(join(dataDir, 'fabric'))).to.equal(false);
    });

    it('says how it is called', async () => {
      for (const args of [[], ['dance'], ['logs'], ['restart', 'nobody'], ['up', '--ordering', 'solo']]) {
        const { code, error } = await network(args, environment);
        expect(code, args.join(' ')).to.equal(2);
        expect(error).to.match(/usage|name one of|there is no nobody|--ordering takes/);
      }
    });

    it('has nothing to take down, to remove or to look at', async () => {
      expect((await network(['down'], environment)).out).to.contain('nothing was running');
      rmSync(join(dataDir, 'fabric'), { recursive: true });
      expect((await network(['reset'], environment)).out).to.contain('there is no network');
      const status = await network(['status'], environment);
      expect([status.code, status.out.match(/down/g)?.length]).to.deep.equal([1, 16]);
    });

    it('names everything at once when asked to check', async () => {
      const taken = loadConsortium(environment['CONSORTIUM']!).organisations[2]!.peerPort;
      const server = await listenOn(taken);
      try {
        const { code, out, error } = await network(['check'], { ...environment, FABRIC_BIN: '/nothing' });
        expect(code).to.equal(1);
        expect(error).to.contain(`port ${taken} (peer-patients, peer) is taken by another program`);
        expect(error).to.contain("Fabric's orderer is not in FABRIC_BIN (/nothing)");
        expect(out).to.contain('https://github.com/hyperledger/fabric/releases');
      } finally {
        server.close();
      }
    });
  });

  describe("on Fabric's own programs", () => {
    before(async function () {
      const problems = await binaryProblems(process.env);
      if (problems.length === 0) return;
      console.log(`skipped: ${problems.join('; ')}`);
      this.skip();
    });
    after(async () => {
      await network(['reset', '--yes'], environment);
    });

    const succeed = async (args: string[]): Promise<string> => {
      const { code, out, error } = await network(args, environment);
      expect(code, `${args.join(' ')}: ${out}${error}`).to.equal(0);
      return out;
    };
    const heights = async (): Promise<number[]> =>
      [...(await network(['status'], environment)).out.matchAll(/^peer-.*\d +(\d+)$/gm)].map(([, height]) =>
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
      const status = await network(['status'], environment);
      expect([status.code, status.out.match(/running/g)]).to.deep.equal([1, null]);
      expect(await succeed(['up'])).to.contain('next: npm start -- --network fabric');
      expect(await heights()).to.deep.equal(before);
    });

    it('starts one process again and shows its log', async () => {
      const pid = /number|process (\d+)/.exec(await succeed(['restart', 'orderer-payer']))?.[1];
      expect(await succeed(['status'])).to.match(new RegExp(`orderer-payer +running +\\d+ +${pid} `));
      expect(await succeed(['logs', 'orderer-payer', '--lines', '5'])).to.match(/INFO \[.*\]/);
    });

    it('removes nothing unless it is told yes', async () => {
      const { code, error } = await network(['reset'], environment);
      expect([code, error.includes('nothing was removed')]).to.deep.equal([1, true]);
      expect(await heights()).to.have.length(6);
      await succeed(['reset', '--yes']);
      expect(existsSync(join(dataDir, 'fabric'))).to.equal(false);
    });
  });
});

describe('The preflight', () => {
  const layout = layoutOf('/data', loadConsortium(), 'bft');

  it('finds ports that are used twice once others are derived from them, and ports that do not exist', () => {
    expect(portCollisions(layout, { hospital: 8081 })).to.deep.equal([]);
    expect(portCollisions(layout, { hospital: 8051 })).to.deep.equal([
      "port 8051 is both chaincode-hospital's (chaincode) and gateway-hospital's (gateway): change one of them",
    ]);
    const high = structuredClone(layout);
    high.peers[0]!.operationsPort = 66_000;
    expect(portCollisions(high, {})[0]).to.contain('port 66000 (peer-hospital, operations) does not exist');
  });

  it('names certificates that have expired, and those that soon will', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
    const { certificate } = await createAuthority('ca.bank', 'bank', 10);
    mkdirSync(join(directory, 'bank', 'ca'), { recursive: true });
    const path = join(directory, 'bank', 'ca', 'ca.pem');
    writeFileSync(path, certificate);
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
    expect(certificateProblems(directory, inDays(-30))).to.deep.equal({ problems: [], remarks: [] });
    expect(certificateProblems(directory, inDays(1)).remarks[0]).to.contain(`${path} expires on`);
    expect(certificateProblems(directory, inDays(11)).problems[0]).to.contain(`${path} expired on`);
    writeFileSync(path, 'nonsense');
    expect(certificateProblems(directory, inDays(1)).problems[0]).to.contain('cannot be read as a certificate');
    rmSync(directory, { recursive: true });
  });
});

const listenOn = (port: number): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
