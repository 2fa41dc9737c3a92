import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_CONSORTIUM_FILE, loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { createAuthority } from '@telemed-ledger/network/ca/authority.ts';
import { layoutOf } from '@telemed-ledger/network/fabric/layout.ts';
import { expect } from 'chai';
import { certificateProblems, portCollisions } from './check.ts';
import { definitionOnFreePorts, runNetwork } from './native.fixture.ts';

describe('npm run network without what it needs', function () {
  this.timeout(60_000);
  let dataDir: string;
  let environment: Record<string, string>;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'network-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
  });
  after(() => rmSync(dataDir, { recursive: true }));

  it('names the programs that are missing and where they come from', async () => {
    const { code, error } = await runNetwork(['up'], { ...environment, FABRIC_BIN: join(dataDir, 'nothing') });
    expect(code).to.equal(1);
    for (const program of ['peer', 'orderer']) expect(error).to.contain(`Fabric's ${program} is not in FABRIC_BIN`);
    expect(error).to.contain('https://github.com/hyperledger/fabric/releases').and.not.to.contain('    at ');
    expect(existsSync(join(dataDir, 'fabric'))).to.equal(false);
  });

  it('says how it is called', async () => {
    for (const args of [[], ['dance'], ['logs'], ['restart', 'nobody'], ['up', '--ordering', 'solo']]) {
      const { code, error } = await runNetwork(args, environment);
      expect(code, args.join(' ')).to.equal(2);
      expect(error).to.match(/usage|name one of|there is no nobody|--ordering takes/);
    }
  });

  it('has nothing to take down, to remove or to look at', async () => {
    expect((await runNetwork(['down'], environment)).out).to.contain('nothing was running');
    rmSync(join(dataDir, 'fabric'), { recursive: true });
    expect((await runNetwork(['reset'], environment)).out).to.contain('there is no network');
    const status = await runNetwork(['status'], environment);
    expect([status.code, status.out.match(/down/g)?.length]).to.deep.equal([1, 16]);
  });

  it('names everything at once when asked to check', async () => {
    const taken = loadConsortium(environment['CONSORTIUM']!).organisations[2]!.peerPort;
    const server = await listenOn(taken);
    try {
      const { code, out, error } = await runNetwork(['check'], { ...environment, FABRIC_BIN: '/nothing' });
      expect(code).to.equal(1);
      expect(error).to.contain(`port ${taken} (peer-patients, peer) is taken by another program`);
      expect(error).to.contain("Fabric's orderer is not in FABRIC_BIN (/nothing)");
      expect(out).to.contain('https://github.com/hyperledger/fabric/releases');
    } finally {
      server.close();
    }
  });
});

describe('npm run network -- check --containers', function () {
  this.timeout(20_000);

  it('asks for an engine and for the ports that are published, not for programs of this machine', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'network-'));
    const file = join(directory, 'consortium.yaml');
    const server = await listenOn(0);
    const { port } = server.address() as { port: number };
    const text = readFileSync(DEFAULT_CONSORTIUM_FILE, 'utf8');
    writeFileSync(file, text.replace('gatewayPort: 8084', `gatewayPort: ${port}`));
    const environment = { DATA_DIR: directory, FABRIC_BIN: '/nothing', DOCKER_HOST: 'unix:///nowhere/docker.sock' };
    try {
      const { code, error } = await runNetwork(['check', '--containers'], { ...environment, CONSORTIUM: file });
      expect(code).to.equal(1);
      expect(error).to.match(/^no container engine answers: /);
      expect(error).to.contain(`port ${port} of payer's gateway is taken by another program`);
      expect(error).not.to.contain("Fabric's");
    } finally {
      server.close();
      rmSync(directory, { recursive: true });
    }
  });
});

describe('The preflight', () => {
  const layout = layoutOf('/data', loadConsortium(), 'bft');

  it('finds ports that are used twice once others are derived from them, and ports that do not exist', () => {
    expect(portCollisions(layout, { hospital: 8081 })).to.deep.equal([]);
    expect(portCollisions(layout, { hospital: 8051 })).to.deep.equal([
      "port 8051 is both chaincode-hospital's (chaincode) and gateway-hospital's (gateway): change one of them",
    ]);
    const high = { ...layout, peers: structuredClone(layout.peers) };
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
