import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { loadConsortium } from '../consortium.ts';
import { chaincodePackage } from './chaincode-package.ts';
import { channelConfig, PROFILE } from './channel-config.ts';
import { definitionOf } from './deployment.ts';
import { writeYaml } from './files.ts';
import { layoutOf, type OrdererLayout, portsOf } from './layout.ts';
import { writeMemberMsp } from './msp.ts';
import { ordererConfig } from './orderer-config.ts';
import { peerConfig } from './peer-config.ts';

const consortium = loadConsortium();
const layout = layoutOf('/data', consortium, 'bft');
const raft = layoutOf('/data', consortium, 'raft');
const certificatesOf = ({ process }: OrdererLayout) => ({ identity: `/id/${process}`, tls: `/tls/${process}` });
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
const profileOf = (of: typeof layout): Profile =>
  asRead<{ Profiles: Record<string, Profile> }>(channelConfig(consortium, of, certificatesOf)).Profiles[PROFILE]!;

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
  });

  it('orders by every orderer of the definition, each of its own organisation, faults tolerated', () => {
    const { Orderer: ordering, Capabilities: capabilities, Application: application } = profileOf(layout);
    expect([ordering.OrdererType, capabilities, application.Capabilities]).to.deep.equal([
      'BFT',
      { V3_0: true },
      { V2_5: true },
    ]);
    expect(ordering.ConsenterMapping).to.deep.equal([
      consenter(1, 'orderer-hospital', 'HospitalMSP', 7151),
      consenter(2, 'orderer-patients', 'PatientsMSP', 7152),
      consenter(3, 'orderer-payer', 'PayerMSP', 7153),
      consenter(4, 'orderer-regulator', 'RegulatorMSP', 7154),
    ]);
    const names = ordering.Organizations.map((one) => one.ID);
    expect(names).to.deep.equal(['HospitalMSP', 'PatientsMSP', 'PayerMSP', 'RegulatorMSP']);
    expect(ordering.Organizations[2]?.OrdererEndpoints).to.deep.equal(['127.0.0.1:7153']);
  });

  const consenter = (ID: number, name: string, MSPID: string, Port: number) => ({
    ...{ ID, Host: '127.0.0.1', Port, MSPID, Identity: `/id/${name}` },
    ...{ ClientTLSCert: `/tls/${name}`, ServerTLSCert: `/tls/${name}` },
  });

  it('cuts blocks as the definition says, where byzantine ordering looks for it', () => {
    const { SmartBFT: byzantine, BatchSize: size } = profileOf(layout).Orderer;
    const { timeoutMs, maxMessageCount, absoluteMaxBytes } = consortium.ordering.batch;
    expect(byzantine['RequestBatchMaxInterval']).to.equal(`${timeoutMs}ms`);
    expect([byzantine['RequestBatchMaxCount'], size.MaxMessageCount]).to.deep.equal([maxMessageCount, maxMessageCount]);
    expect([byzantine['RequestBatchMaxBytes'], size.AbsoluteMaxBytes]).to.deep.equal([
      absoluteMaxBytes,
      absoluteMaxBytes,
    ]);
  });

  it('names no option of byzantine ordering that would outlast another', () => {
    const seconds = (text: string): number => Number.parseFloat(text) * (text.endsWith('ms') ? 0.001 : 1);
    const { SmartBFT: options } = profileOf(layout).Orderer;
    const order = ['RequestForwardTimeout', 'RequestComplainTimeout', 'RequestAutoRemoveTimeout'];
    const values = order.map((name) => seconds(options[name]!));
    expect(values).to.deep.equal(values.toSorted((a, b) => a - b));
    expect(seconds(options['ViewChangeResendInterval']!)).to.be.at.most(seconds(options['ViewChangeTimeout']!));
  });

  it('has one Raft node where that is asked for', () => {
    const { Orderer: ordering } = profileOf(raft);
    expect([ordering.OrdererType, ordering.EtcdRaft.Consenters.length]).to.deep.equal(['etcdraft', 1]);
    expect(ordering.SmartBFT).to.equal(undefined);
    expect(portsOf(raft)).to.have.length(3 + 6 * 3);
  });

  it('makes every organisation a member with an anchor peer and its own administrators', () => {
    const { Application: application } = profileOf(layout);
    expect(application.Organizations).to.have.length(consortium.organisations.length);
    for (const [index, { mspId, peerPort }] of consortium.organisations.entries()) {
      const organisation = application.Organizations[index]!;
      expect(organisation.AnchorPeers).to.deep.equal([{ Host: '127.0.0.1', Port: peerPort }]);
      expect(organisation.Policies.Admins.Rule).to.equal(`OR('${mspId}.admin')`);
    }
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

interface Profile {
  Capabilities: object;
  Application: {
    Capabilities: object;
    Organizations: { AnchorPeers: object[]; Policies: { Admins: { Rule: string } } }[];
  };
  Orderer: {
    OrdererType: string;
    ConsenterMapping: object[];
    Organizations: { ID: string; OrdererEndpoints: string[] }[];
    SmartBFT: Record<string, string>;
    BatchSize: { MaxMessageCount: number; AbsoluteMaxBytes: number };
    EtcdRaft: { Consenters: object[] };
  };
}

interface Core {
  peer: {
    listenAddress: string;
    fileSystemPath: string;
    gossip: { pvtData: { pullRetryThreshold: string; skipPullingInvalidTransactionsDuringCommit: boolean } };
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
});
