/**
 * Makes everything that the network's programs read: keys, MSP directories, configuration files and the channel's
 * first block. Needs none of Fabric's programs and no running node. Safe to repeat and to interrupt; what an earlier
 * start made is kept where it is still right.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { common } from '@hyperledger/fabric-protos';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import type { KeyPair } from '../ca/authority.ts';
import { hereIn, ordererOf, publicParts } from '../ca/elsewhere.ts';
import { prepareNodes } from '../ca/nodes.ts';
import { prepareOrganisations } from '../ca/organisations.ts';
import { type ChannelMaterial, channelConfiguration, firstBlock } from './channel-config.ts';
import { writeIfDifferent, writeYaml } from './files.ts';
import { chaincodeAddressOf, hostsOf, type Layout, type NodeLayout } from './layout.ts';
import { administratorIn, authoritiesOf, type Material, ordererNode, organisationIn } from './material.ts';
import { writeMemberMsp } from './msp.ts';
import { ordererConfig } from './orderer-config.ts';
import { administratorConfig, peerConfig } from './peer-config.ts';

/**
 * Keys, made where they are missing, and everything made from them.
 * @throws UnusableCertificatesError; Error when the channel was made for other members, orderers or ordering.
 */
export async function prepareNetwork(consortium: ConsortiumDefinition, layout: Layout): Promise<Material> {
  refuseAnotherChannel(consortium, layout);
  const material = await materialOf(consortium, layout);
  writeNetwork(consortium, layout, material);
  return material;
}

/** Keys of everybody who is run from here, made where they are missing, and what is known of the others. @throws UnusableCertificatesError */
export async function materialOf(consortium: ConsortiumDefinition, { dataDir, place }: Layout): Promise<Material> {
  const [here, elsewhere] = [hereIn(dataDir, consortium), await publicParts(dataDir, consortium)];
  const hosts = hostsOf(place, consortium);
  const prepared = await prepareOrganisations(dataDir, here, hosts);
  return { consortium: prepared, nodes: await prepareNodes(dataDir, here, hosts), elsewhere };
}

/**
 * Configuration, MSP directories and the channel's first block, from keys that are there.
 * @throws Error when the channel was made for other members, orderers, hosts or ordering.
 */
export function writeNetwork(consortium: ConsortiumDefinition, layout: Layout, material: Material): void {
  refuseAnotherChannel(consortium, layout);
  writeNodes(layout, material);
  writeChannel(consortium, layout, material);
}

/** Every node's files and every administrator's, from keys that are there. */
export function writeNodes(layout: Layout, material: Material): void {
  writeAdministrators(layout, material);
  writePeers(layout, material);
  writeOrderers(layout, material);
}

/** What `peer` commands of the organisations' administrators read. */
export function writeAdministrators(layout: Layout, material: Material): void {
  for (const peer of layout.peers) {
    const organisation = organisationIn(material, peer.organisation.name);
    writeMemberMsp(peer.adminMsp, organisation, administratorIn(material, organisation.name).identity);
    writeYaml(join(peer.adminDirectory, 'core.yaml'), administratorConfig());
  }
}

function writePeers(layout: Layout, material: Material): void {
  for (const peer of layout.peers) {
    const organisation = organisationIn(material, peer.organisation.name);
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
  const organisations = [...new Set(layout.everywhere.orderers.map(({ organisation }) => organisation))];
  for (const orderer of layout.orderers) {
    const organisation = organisationIn(material, orderer.organisation);
    const node = ordererNode(material, orderer.process);
    writeMemberMsp(join(orderer.directory, 'msp'), organisation, node.identity);
    const tls = writeTls(orderer, node.tls, organisation.tlsCaCertificate);
    const roots = organisations.map((name) => {
      const file = join(orderer.directory, 'tls', 'orderers', `${name}.pem`);
      writeIfDifferent(file, authoritiesOf(material, name).tlsCaCertificate);
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

/** The block is written last: while it is not there, everything before it is made again. */
function writeChannel(consortium: ConsortiumDefinition, layout: Layout, material: Material): void {
  if (existsSync(layout.genesisBlock)) return;
  writeIfDifferent(foundationFile(layout), foundationOf(consortium, layout));
  const { channel, ordering } = consortium;
  writeIfDifferent(layout.genesisBlock, firstBlock(channel, layout, ordering.batch, certificatesIn(material)));
}

/** Of orderers those that they are to have. */
const certificatesIn = (material: Material): ChannelMaterial => ({
  mspOf: (organisation) => authoritiesOf(material, organisation),
  certificatesOf: ({ process, organisation }) => {
    const known = material.elsewhere?.find(({ name }) => name === organisation);
    if (known !== undefined) return ordererOf(known, process);
    const node = ordererNode(material, process);
    const { identity, tls } = node.next ?? node;
    return { identity: identity.certificate, tls: tls.certificate };
  },
});

/** What the channel's configuration is to be by the definition and the certificates on disk. */
export const wantedConfiguration = (
  { ordering }: ConsortiumDefinition,
  layout: Layout,
  material: Material,
): common.ConfigGroup => channelConfiguration(layout, ordering.batch, certificatesIn(material));

const foundationFile = (layout: Layout): string => join(layout.channelDirectory, 'made-for.json');

/** Who is in the channel and where they are: what only a configuration update changes, and nodes are started by. */
function foundationOf(consortium: ConsortiumDefinition, layout: Layout): string {
  const { channel, organisations } = consortium;
  const members = organisations.map(({ name, mspId, peerPort, host }) => ({ name, mspId, peerPort, host }));
  const orderers = layout.everywhere.orderers.map(({ process, mspId, port }) => ({
    ...{ name: process, mspId, port },
    host: consortium.ordering.orderers.find(({ name }) => name === process)?.host,
  }));
  const place = layout.place.name === 'native' ? {} : { place: layout.place.name };
  const foundation = { channel, ordering: layout.ordering, ...place, members, orderers };
  return JSON.stringify(foundation, null, 2);
}

/** The ordering that an existing network was made with. */
export function existingOrdering(layout: Layout): Layout['ordering'] | undefined {
  if (!existsSync(layout.genesisBlock)) return undefined;
  return (JSON.parse(readFileSync(foundationFile(layout), 'utf8')) as { ordering: Layout['ordering'] }).ordering;
}

/** Says that the channel has become what the definition wants. */
export const settleFoundation = (consortium: ConsortiumDefinition, layout: Layout): boolean =>
  writeIfDifferent(foundationFile(layout), foundationOf(consortium, layout));

/** @throws Error when the channel was made for, or became, another than the definition wants. */
export function refuseAnotherChannel(consortium: ConsortiumDefinition, layout: Layout): void {
  if (!existsSync(layout.genesisBlock)) return;
  // Earlier versions wrote batch settings too.
  const { batch: _, ...madeFor } = JSON.parse(readFileSync(foundationFile(layout), 'utf8')) as Record<string, unknown>;
  if (JSON.stringify(madeFor, null, 2) === foundationOf(consortium, layout)) return;
  throw new Error(
    `the channel in ${layout.root} was made for other members, orderers, ports or hosts than the consortium's
definition has now (compare ${foundationFile(layout)}): ${layout.place.changeIt}, restore the definition, or begin anew
with ${layout.place.beginAnew}`,
  );
}
