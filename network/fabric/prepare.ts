/**
 * Makes everything that the network's programs read: keys, MSP directories, configuration files and the channel's
 * first block. Safe to repeat and to interrupt; what an earlier start made is kept where it is still right.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPair } from '../ca/authority.ts';
import { type PreparedNode, type PreparedNodes, prepareNodes } from '../ca/nodes.ts';
import { type PreparedConsortium, type PreparedOrganisation, prepareOrganisations } from '../ca/organisations.ts';
import type { Consortium } from '../consortium.ts';
import type { Binaries } from './binaries.ts';
import { channelConfig, channelMspDirectory, PROFILE } from './channel-config.ts';
import { run } from './command.ts';
import { writeIfDifferent, writeYaml } from './files.ts';
import { chaincodeAddressOf, type Layout, type NodeLayout, type OrdererLayout } from './layout.ts';
import { writeMemberMsp, writeOrganisationMsp } from './msp.ts';
import { ordererConfig } from './orderer-config.ts';
import { administratorConfig, peerConfig } from './peer-config.ts';

export interface Material {
  consortium: PreparedConsortium;
  nodes: PreparedNodes;
}

/**
 * @throws UnusableCertificatesError; Error when the channel was made for other members, orderers or ordering.
 */
export async function prepareNetwork(consortium: Consortium, layout: Layout, binaries: Binaries): Promise<Material> {
  refuseAnotherChannel(consortium, layout);
  const prepared = await prepareOrganisations(layout.dataDir, consortium);
  const material = { consortium: prepared, nodes: await prepareNodes(layout.dataDir, consortium) };
  writePeers(layout, material);
  writeOrderers(layout, material);
  await writeChannel(consortium, layout, material, binaries);
  return material;
}

export function organisationIn(material: Material, name: string): PreparedOrganisation {
  const organisation = material.consortium.organisations.find((candidate) => candidate.name === name);
  if (organisation === undefined) throw new Error(`there is no organisation ${name}`);
  return organisation;
}

export function ordererNode(material: Material, name: string): PreparedNode {
  const node = material.nodes.orderers[name];
  if (node === undefined) throw new Error(`there is no orderer ${name}`);
  return node;
}

function writePeers(layout: Layout, material: Material): void {
  for (const peer of layout.peers) {
    const organisation = organisationIn(material, peer.organisation.name);
    const administrator = material.nodes.administrators[organisation.name];
    if (administrator === undefined) throw new Error(`${organisation.name} has no administrator`);
    writeMemberMsp(peer.adminMsp, organisation, administrator.identity);
    writeYaml(join(peer.adminDirectory, 'core.yaml'), administratorConfig());
    // Where earlier versions kept the administrator's key.
    rmSync(join(peer.directory, 'admin'), { recursive: true, force: true });
    writeMemberMsp(join(peer.directory, 'msp'), organisation, organisation.peer.identity);
    const { path, environmentOf } = layout.place.builder;
    const builder = { path, propagateEnvironment: Object.keys(environmentOf(chaincodeAddressOf(peer))) };
    const tls = writeTls(peer, organisation.peer.tls, organisation.tlsCaCertificate);
    writeYaml(join(peer.directory, 'core.yaml'), peerConfig(peer, { builder, tls }));
  }
}

function writeOrderers(layout: Layout, material: Material): void {
  const organisations = [...new Set(layout.orderers.map(({ organisation }) => organisation))];
  for (const orderer of layout.orderers) {
    const organisation = organisationIn(material, orderer.organisation);
    const node = ordererNode(material, orderer.process);
    writeMemberMsp(join(orderer.directory, 'msp'), organisation, node.identity);
    const tls = writeTls(orderer, node.tls, organisation.tlsCaCertificate);
    const roots = organisations.map((name) => {
      const file = join(orderer.directory, 'tls', 'orderers', `${name}.pem`);
      writeIfDifferent(file, organisationIn(material, name).tlsCaCertificate);
      return file;
    });
    writeYaml(join(orderer.directory, 'orderer.yaml'), ordererConfig(orderer, { tls, ordererRootCertificates: roots }));
  }
}

/** A node's own copy: it may run where nobody else's files are. */
function writeTls({ directory }: NodeLayout, pair: KeyPair, rootCertificate: string) {
  const files = {
    certificate: join(directory, 'tls', 'cert.pem'),
    privateKey: join(directory, 'tls', 'key.pem'),
    rootCertificate: join(directory, 'tls', 'ca.pem'),
  };
  writeIfDifferent(files.certificate, pair.certificate);
  writeIfDifferent(files.privateKey, pair.privateKey);
  writeIfDifferent(files.rootCertificate, rootCertificate);
  return files;
}

async function writeChannel(
  consortium: Consortium,
  layout: Layout,
  material: Material,
  binaries: Binaries,
): Promise<void> {
  if (existsSync(layout.genesisBlock)) return;
  for (const organisation of material.consortium.organisations) {
    writeOrganisationMsp(channelMspDirectory(layout, organisation.name), organisation);
  }
  const certificatesOf = ({ process }: OrdererLayout) => {
    const { directory } = ordererNode(material, process);
    return { identity: join(directory, 'cert.pem'), tls: join(directory, 'tls.pem') };
  };
  writeYaml(join(layout.channelDirectory, 'configtx.yaml'), channelConfig(consortium, layout, certificatesOf));
  writeIfDifferent(foundationFile(layout), foundationOf(consortium, layout));
  const unfinished = `${layout.genesisBlock}.new`;
  mkdirSync(layout.channelDirectory, { recursive: true });
  rmSync(unfinished, { force: true });
  const args = ['-profile', PROFILE, '-channelID', consortium.channel, '-outputBlock', unfinished];
  await run(binaries.configtxgen, [...args, '-configPath', layout.channelDirectory]);
  renameSync(unfinished, layout.genesisBlock);
}

const foundationFile = (layout: Layout): string => join(layout.channelDirectory, 'made-for.json');

/** What block 0 fixes for good, here. Batch settings too: this runner makes no configuration updates. */
function foundationOf(consortium: Consortium, layout: Layout): string {
  const { channel, organisations, ordering } = consortium;
  const members = organisations.map(({ name, mspId, peerPort }) => ({ name, mspId, peerPort }));
  const orderers = layout.orderers.map(({ process, mspId, port }) => ({ name: process, mspId, port }));
  const place = layout.place.name === 'native' ? {} : { place: layout.place.name };
  const foundation = { channel, ordering: layout.ordering, ...place, members, orderers, batch: ordering.batch };
  return JSON.stringify(foundation, null, 2);
}

/** The ordering that an existing network was made with. */
export function existingOrdering(layout: Layout): Layout['ordering'] | undefined {
  if (!existsSync(layout.genesisBlock)) return undefined;
  return (JSON.parse(readFileSync(foundationFile(layout), 'utf8')) as { ordering: Layout['ordering'] }).ordering;
}

function refuseAnotherChannel(consortium: Consortium, layout: Layout): void {
  if (!existsSync(layout.genesisBlock)) return;
  if (readFileSync(foundationFile(layout), 'utf8') === foundationOf(consortium, layout)) return;
  throw new Error(
    `the channel in ${layout.root} was made for other members, orderers, ports, hosts or batch settings than the consortium's
definition has now (compare ${foundationFile(layout)}): restore the definition, or begin anew with
npm run network -- reset`,
  );
}
