import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { EXPECTED } from './config.ts';
import { ExamplePeer, SYSTEM_CERTIFICATE } from './example-peer.fixture.ts';
import { exampleConsortium } from './ledger/example-consortium.fixture.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const listing = {
  name: 'registry:ListOrganisations',
  arguments: ['{}'],
  mspId: 'HospitalMSP',
  certificate: SYSTEM_CERTIFICATE,
};

describe('the chaincode under a parent', () => {
  let child: ChildProcess;
  let addresses: Record<string, string>;
  before(async () => {
    child = fork(MAIN, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    child.send({ consortium: exampleConsortium, ccid: 'telemed:1', organisations: ['hospital', 'patients'] });
    const [answer] = (await once(child, 'message')) as [{ ready: boolean; addresses: Record<string, string> }];
    expect(answer.ready).to.equal(true);
    addresses = answer.addresses;
  });
  after(() => child.kill('SIGKILL'));

  it('serves each organisation on a port of its own', async () => {
    expect(Object.keys(addresses)).to.deep.equal(['hospital', 'patients']);
    expect(new Set(Object.values(addresses)).size).to.equal(2);
    for (const address of Object.values(addresses)) {
      const { peer } = await ExamplePeer.connect(address);
      expect((await peer.invoke(listing)).status).to.equal(200);
      peer.close();
    }
  });

  it('starts a worker that died again on its port, and leaves the others alone', async () => {
    const { peer: other } = await ExamplePeer.connect(addresses['patients']!);
    const { peer } = await ExamplePeer.connect(addresses['hospital']!);
    const reported = once(child.stderr!, 'data');
    peer.crash();
    expect(String((await reported)[0])).to.contain('is started again');
    const { peer: again } = await reconnect(addresses['hospital']!);
    expect((await again.invoke(listing)).status).to.equal(200);
    expect((await other.invoke(listing)).status).to.equal(200);
    for (const one of [peer, other, again]) one.close();
  });

  it('goes on after ctrl-C and ends with its parent', async () => {
    child.kill('SIGINT');
    const { peer } = await ExamplePeer.connect(addresses['hospital']!);
    expect((await peer.invoke(listing)).status).to.equal(200);
    peer.close();
    const ended = once(child, 'exit');
    child.disconnect();
    expect(await ended).to.deep.equal([0, null]);
  });

  it('says what is wrong with a first message that is, and ends', async () => {
    const other = fork(MAIN, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const ended = once(other, 'exit');
    other.send({ consortium: {}, ccid: 'telemed:1', organisations: ['hospital'] });
    const [answer] = (await once(other, 'message')) as [{ ready: boolean; error: string }];
    expect(answer.ready).to.equal(false);
    expect(answer.error).to.contain('consortium');
    expect(await ended).to.deep.equal([1, null]);
  });
});

/** Connects as soon as somebody listens again; refused connections come back at once. */
async function reconnect(address: string): ReturnType<typeof ExamplePeer.connect> {
  for (;;) {
    const connected = await ExamplePeer.connect(address).catch(() => undefined);
    if (connected !== undefined) return connected;
  }
}

describe('the chaincode by itself', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'chaincode-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const start = (environment: Record<string, string>): ChildProcess =>
    spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });

  it('serves one organisation as its environment says', async () => {
    const consortium = join(directory, 'consortium.json');
    const id = join(directory, 'package-id');
    writeFileSync(consortium, JSON.stringify(exampleConsortium));
    writeFileSync(id, 'telemed:2\n');
    const child = start({
      CHAINCODE_SERVER_ADDRESS: '127.0.0.1:0',
      CHAINCODE_ID_FILE: id,
      CHAINCODE_CONSORTIUM: consortium,
    });
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const { peer, ccid } = await ExamplePeer.connect(/127\.0\.0\.1:\d+/.exec(line.toString())![0]);
    expect(ccid).to.equal('telemed:2');
    peer.close();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
  });

  it('names every mistake in its environment and ends before it listens', async () => {
    const consortium = join(directory, 'consortium.json');
    writeFileSync(consortium, '{"organisations": []}');
    const child = start({
      CHAINCODE_SERVER_ADDRESS: 'here',
      CHAINCODE_CONSORTIUM: consortium,
      CHAINCODE_TLS_CERT: join(directory, 'missing.pem'),
    });
    let text = '';
    child.stderr!.on('data', (part: Buffer) => {
      text += part.toString();
    });
    expect(await once(child, 'close')).to.deep.equal([1, null]);
    expect(text).to.contain('CHAINCODE_SERVER_ADDRESS: is no host:port');
    expect(text).to.contain('CHAINCODE_ID: ');
    expect(text).to.contain('CHAINCODE_CONSORTIUM: is no description of a consortium');
    expect(text).to.contain('CHAINCODE_TLS_CERT: cannot be read');
    expect(text).to.contain(EXPECTED);
  });
});
