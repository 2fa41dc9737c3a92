import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { parse } from 'yaml';
import { chaincodePackage } from './chaincode-package.ts';
import { agreedOn, definitionOf } from './deployment.ts';
import { writeYaml } from './files.ts';
import { addressOf, hostsOf, layoutOf, portsOf } from './layout.ts';
import { writeMemberMsp } from './msp.ts';
import { ordererConfig } from './orderer-config.ts';
import { peerConfig } from './peer-config.ts';
import { CONTAINERS, NATIVE } from './place.ts';

const consortium = loadConsortium();
const layout = layoutOf('/data', consortium, 'bft');
const builder = { path: '/b', propagateEnvironment: ['WHERE'] };
const tls = { certificate: '/c', privateKey: '/k', rootCertificate: '/r' };

/** As Fabric's programs read it: through YAML. */
function asRead<T>(value: object): T {
  const directory = mkdtempSync(join(tmpdir(), 'configuration-'));
  try {
    writeYaml(join(directory, 'file.yaml'), value);
    return parse(readFileSync(join(directory, 'file.yaml'), 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("A native network's configuration", () => {
  it('uses every port once, on this machine only', () => {
    const ports = portsOf(layout).map(({ port }) => port);
    expect(new Set(ports).size).to.equal(ports.length);
    expect(ports).to.have.length(4 * 3 + 6 * 3);
    const texts = [
      ...layout.peers.map((peer) => JSON.stringify(peerConfig(peer, { builder, tls }))),
      ...layout.orderers.map((one) => JSON.stringify(ordererConfig(one, { tls, ordererRootCertificates: [] }))),
    ];
    for (const text of texts) expect(text).not.to.match(/0\.0\.0\.0|localhost|"":/);
    expect(portsOf(layoutOf('/data', consortium, 'raft'))).to.have.length(3 + 6 * 3);
  });

  it('differs in containers by the names that nodes are called by, by what they listen on and by the builder', () => {
    const contained = layoutOf('/data', consortium, 'bft', CONTAINERS);
    expect(portsOf(contained)).to.deep.equal(portsOf(layout));
    const own = { tls, ordererRootCertificates: [] };
    for (const [index, peer] of contained.peers.entries()) {
      const native = JSON.stringify(peerConfig(layout.peers[index]!, { builder, tls }));
      const expected = native
        .replaceAll(`"listenAddress":"127.0.0.1:`, `"listenAddress":"0.0.0.0:`)
        .replaceAll(addressOf(layout.peers[index]!), `peer-${peer.organisation.name}:${peer.port}`)
        .replaceAll(`0.0.0.0:0"`, `127.0.0.1:0"`);
      expect(JSON.stringify(peerConfig(peer, { builder, tls }))).to.equal(expected);
      expect(peer.serverName).to.equal(peer.host);
    }
    for (const [index, orderer] of contained.orderers.entries()) {
      const native = JSON.stringify(ordererConfig(layout.orderers[index]!, own));
      expect(JSON.stringify(ordererConfig(orderer, own))).to.equal(native.replaceAll('127.0.0.1', '0.0.0.0'));
      expect([orderer.host, orderer.serverName]).to.deep.equal([orderer.process, orderer.process]);
    }
  });

  it('where hosts are given, is reached by them, and by its own host alone for operations, administration and chaincode', () => {
    const [first, second] = ['ledger.hospital.example', '10.1.2.3'];
    const spread = structuredClone(consortium);
    Object.assign(spread.organisations[0]!, { host: first });
    Object.assign(spread.ordering.orderers[0]!, { host: second });
    const { peers, orderers } = layoutOf('/data', spread, 'bft');
    const { peer, operations } = asRead<Core>(peerConfig(peers[0]!, { builder, tls }));
    expect([peer.listenAddress, peer.address, peer.gossip.externalEndpoint]).to.deep.equal([
      `0.0.0.0:${peers[0]!.port}`,
      `${first}:${peers[0]!.port}`,
      `${first}:${peers[0]!.port}`,
    ]);
    expect([operations.listenAddress.split(':')[0], peers[0]!.chaincodeHost]).to.deep.equal(['127.0.0.1', '127.0.0.1']);
    const general = asRead<
      { General: { ListenAddress: string } } & Record<'Operations' | 'Admin', { ListenAddress: string }>
    >(ordererConfig(orderers[0]!, { tls, ordererRootCertificates: [] }));
    expect(general.General.ListenAddress).to.equal(second);
    for (const part of ['Operations', 'Admin'] as const) expect(general[part].ListenAddress).to.match(/^127\.0\.0\.1:/);
    const hosts = hostsOf(NATIVE, spread);
    expect(hosts('peer-hospital')).to.include.members(['localhost', first]);
    expect(hosts('orderer-hospital')).to.include.members(['localhost', second]);
    expect(hosts('peer-clinic')).to.deep.equal(NATIVE.hostsOf('peer-clinic'));
  });

  it('gives each peer its own data, and the settings that keep one member from stopping another', () => {
    const places = layout.peers.map((peer) => {
      const { peer: core, ledger, operations } = asRead<Core>(peerConfig(peer, { builder, tls }));
      expect(core.gossip.pvtData.pullRetryThreshold).to.equal('2s');
      expect(core.gossip.pvtData.skipPullingInvalidTransactionsDuringCommit).to.equal(true);
      return [core.fileSystemPath, ledger.snapshots.rootDir, operations.listenAddress, core.listenAddress];
    });
    expect(new Set(places.flat()).size).to.equal(4 * layout.peers.length);
  });

  it("writes a member's MSP with keys for the owner alone", () => {
    const directory = mkdtempSync(join(tmpdir(), 'msp-'));
    const authorities = { caCertificate: 'CA', tlsCaCertificate: 'TLSCA', revocationLists: ['CRL'] };
    writeMemberMsp(directory, authorities, { certificate: 'CERT', privateKey: 'KEY' });
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.'));
    expect(files).to.have.members([
      ...['cacerts/ca.pem', 'tlscacerts/tlsca.pem', 'crls/crl-0.pem', 'config.yaml'],
      ...['signcerts/cert.pem', 'keystore/key.pem'],
    ]);
    const { NodeOUs: units } = parse(readFileSync(join(directory, 'config.yaml'), 'utf8'));
    expect(units.Enable).to.equal(true);
    expect(units.OrdererOUIdentifier.OrganizationalUnitIdentifier).to.equal('orderer');
    rmSync(directory, { recursive: true });
  });
});

interface Core {
  peer: {
    listenAddress: string;
    address: string;
    fileSystemPath: string;
    gossip: {
      externalEndpoint: string;
      pvtData: { pullRetryThreshold: string; skipPullingInvalidTransactionsDuringCommit: boolean };
    };
  };
  ledger: { snapshots: { rootDir: string } };
  operations: { listenAddress: string };
}

describe('What is to be deployed', () => {
  const chaincode = { version: '1.0', fingerprint: 'a' };
  const built = chaincodePackage('telemed_1.0', 'a');
  const first = definitionOf(consortium, chaincode, built, undefined);

  it('is the first sequence on a new channel', () => {
    expect(first.sequence).to.equal(1);
    expect(first.endorsementPolicy).to.match(/^OutOf\(2, 'HospitalMSP\.peer'/);
  });

  it('is what is committed when nothing changed', () => {
    expect(definitionOf(consortium, chaincode, built, { sequence: 4, version: first.version })).to.deep.equal({
      ...first,
      sequence: 4,
    });
  });

  it('goes up one sequence for another chaincode, other collections or another policy', () => {
    const committed = { sequence: 4, version: first.version };
    const changed = chaincodePackage('telemed_1.0', 'b');
    const larger = structuredClone(consortium);
    larger.organisations.push({ name: 'lab', mspId: 'LabMSP', kind: 'provider', gatewayPort: 9, peerPort: 10 });
    const stricter = structuredClone(consortium);
    stricter.policies.endorsement.any = 3;
    const definitions = [
      definitionOf(consortium, chaincode, changed, committed),
      definitionOf(larger, chaincode, built, committed),
      definitionOf(stricter, chaincode, built, committed),
    ];
    expect(definitions.map(({ sequence }) => sequence)).to.deep.equal([5, 5, 5]);
    expect(new Set(definitions.map(({ version }) => version)).size).to.equal(3);
  });

  it('is held against what the channel has agreed on, by the peer that has come farthest, once all know it', async () => {
    const committed = (sequence: number) => ({ sequence, version: String(sequence) });
    const peers = ['peer-a', 'peer-b', 'peer-c'].map((process) => ({ process }));
    let asked = 0;
    const catchingUp = async ({ process }: { process: string }) =>
      process === 'peer-a' && asked++ === 0 ? undefined : committed(2);
    expect(await agreedOn(peers, catchingUp)).to.deep.equal(committed(2));
    expect(await agreedOn(peers, async () => undefined)).to.equal(undefined);
    const behind = async ({ process }: { process: string }) => committed(process === 'peer-b' ? 1 : 2);
    const failure = await agreedOn(peers, behind, 0).catch((error: Error) => error.message);
    expect(failure).to.equal('peer-b: without the definition that the channel has agreed on (sequence 2)');
  });
});
