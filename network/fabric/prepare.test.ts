import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { type Layout, layoutOf } from './layout.ts';
import { CONTAINERS, type Place } from './place.ts';
import { existingOrdering, materialOf, prepareNetwork, writeNetwork } from './prepare.ts';

const consortium = loadConsortium();

describe('What the network is prepared with', function () {
  this.timeout(20_000);
  let dataDir: string;
  let layout: Layout;
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'prepare-'));
    layout = layoutOf(dataDir, consortium, 'bft');
    await prepareNetwork(consortium, layout);
  });
  after(() => rmSync(dataDir, { recursive: true }));

  const filesIn = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const pathsIn = (file: string): string[] =>
    [...readFileSync(file, 'utf8').matchAll(/\/\S+/g)].map(([path]) => path).filter((path) => path.startsWith(dataDir));

  it("lies, all that a node's configuration names, in the node's own directory", () => {
    const own = [
      ...layout.peers.map(({ directory }) => ({ directory, file: join(directory, 'core.yaml') })),
      ...layout.orderers.map(({ directory }) => ({ directory, file: join(directory, 'orderer.yaml') })),
    ];
    for (const { directory, file } of own) {
      const paths = pathsIn(file);
      expect(paths).to.have.length.greaterThan(5);
      for (const path of paths) {
        expect(path.startsWith(`${directory}/`), `${file} names ${path}`).to.equal(true);
        const isMadeByTheNode = /\/(data|snapshots|consensus\/(wal|snapshot))$/.test(path);
        expect(existsSync(path), path).to.equal(!isMadeByTheNode);
      }
    }
  });

  it("keeps keys for their owner alone, and an administrator's apart from the peer's", () => {
    const keys = filesIn(dataDir).filter((file) => readFileSync(file, 'utf8').includes('PRIVATE KEY'));
    for (const key of keys) expect(statSync(key).mode & 0o077, key).to.equal(0);
    for (const peer of layout.peers) {
      const administrator = readFileSync(join(peer.adminMsp, 'keystore', 'key.pem'), 'utf8');
      const inPeer = filesIn(peer.directory).map((file) => readFileSync(file, 'utf8'));
      expect(inPeer.filter((text) => text.includes('PRIVATE KEY'))).to.have.length(2);
      expect(inPeer).not.to.include(administrator);
      expect(pathsIn(join(peer.adminDirectory, 'core.yaml'))).to.deep.equal([]);
    }
  });

  it('stays as it is when it is prepared again, block 0 above all', async () => {
    const before = filesIn(dataDir).map((file) => [file, readFileSync(file, 'latin1')]);
    await prepareNetwork(consortium, layout);
    expect(filesIn(dataDir).map((file) => [file, readFileSync(file, 'latin1')])).to.deep.equal(before);
    expect(existingOrdering(layout)).to.equal('bft');
  });

  it('takes over a network that was made when nodes shared files, and keeps its ledgers', async () => {
    const peer = layout.peers[2]!;
    const block = readFileSync(layout.genesisBlock);
    const old: Record<string, string> = {
      [join(peer.directory, 'admin', 'keystore', 'key.pem')]: 'the key of its administrator',
      [join(peer.directory, 'core.yaml')]: `peer: { mspConfigPath: ${join(dataDir, 'organisations/patients/peer')} }`,
      [join(peer.directory, 'data', 'ledgersData', 'block')]: 'a ledger',
    };
    for (const [path, text] of Object.entries(old)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    rmSync(join(peer.directory, 'tls'), { recursive: true });
    rmSync(peer.adminMsp, { recursive: true });
    await prepareNetwork(consortium, layout);
    expect(existsSync(join(peer.directory, 'admin'))).to.equal(false);
    expect(readFileSync(join(peer.directory, 'data', 'ledgersData', 'block'), 'utf8')).to.equal('a ledger');
    expect(existsSync(join(peer.directory, 'tls', 'key.pem'))).to.equal(true);
    expect(existsSync(join(peer.adminMsp, 'keystore', 'key.pem'))).to.equal(true);
    for (const path of pathsIn(join(peer.directory, 'core.yaml'))) expect(path).to.contain('/fabric/peers/patients/');
    expect(readFileSync(layout.genesisBlock).equals(block)).to.equal(true);
  });

  it('is refused where the channel was made for other nodes, orderings or places', async () => {
    const material = await materialOf(consortium, layout);
    const refusal = (of: Layout, changed = consortium): string => {
      try {
        writeNetwork(changed, of, material);
        return 'not refused';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const moved = structuredClone(consortium);
    moved.organisations[0]!.peerPort = 9_999;
    expect(refusal(layoutOf(dataDir, moved, 'bft'), moved)).to.contain('was made for other members');
    expect(refusal(layoutOf(dataDir, consortium, 'raft'))).to.contain('was made for other members');
    expect(refusal(layoutOf(dataDir, consortium, 'bft', CONTAINERS))).to.contain('hosts');
  });

  it('is begun anew where nothing was finished, for another definition too', async () => {
    rmSync(layout.genesisBlock);
    const place: Place = { ...CONTAINERS, hostsOf: layout.place.hostsOf };
    const contained = layoutOf(dataDir, consortium, 'bft', place);
    writeNetwork(consortium, contained, await materialOf(consortium, layout));
    const core = readFileSync(join(contained.peers[0]!.directory, 'core.yaml'), 'utf8');
    expect(core).to.contain('path: /opt/hyperledger/ccaas_builder').and.to.contain('peer-hospital:7051');
    expect(core).to.contain('- CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG');
    expect(readFileSync(contained.genesisBlock, 'latin1')).to.contain('orderer-regulator:7154');
  });
});
