/** Brings orderers and peers into the channel by its first block, each by its own administrator; joining twice does no harm. */
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { CommandError, run } from './command.ts';
import { type ClientTls, ordererHeight, peerHeight } from './health.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from './layout.ts';
import { type Material, ordererNode, organisationIn } from './prepare.ts';

/** How an orderer's administrator presents itself: with the node's own certificate, which its TLS authority knows. */
export function administratorOf(material: Material, orderer: OrdererLayout): ClientTls {
  const { tls } = ordererNode(material, orderer.process);
  return { ...tls, rootCertificate: organisationIn(material, orderer.organisation).tlsCaCertificate };
}

export async function joinOrderer(
  layout: Layout,
  orderer: OrdererLayout,
  channel: string,
  material: Material,
  binaries: Binaries,
): Promise<void> {
  if ((await ordererHeight(orderer, channel, administratorOf(material, orderer))) !== undefined) return;
  const { directory } = ordererNode(material, orderer.process);
  const { tlsCaCertificateFile } = organisationIn(material, orderer.organisation);
  const { stdout } = await run(binaries.osnadmin, [
    'channel',
    'join',
    `--channelID=${channel}`,
    `--config-block=${layout.genesisBlock}`,
    `--orderer-address=${orderer.host}:${orderer.adminPort}`,
    `--ca-file=${tlsCaCertificateFile}`,
    `--client-cert=${join(directory, 'tls.pem')}`,
    `--client-key=${join(directory, 'tls.key')}`,
  ]);
  // osnadmin ends well whatever the orderer answered.
  if (!/Status: 201/.test(stdout)) throw new Error(`${orderer.process} did not join the channel: ${stdout.trim()}`);
}

export async function joinPeer(
  layout: Layout,
  peer: PeerLayout,
  channel: string,
  material: Material,
  binaries: Binaries,
): Promise<void> {
  if ((await peerHeight(peer, channel)) !== undefined) return;
  try {
    await run(
      binaries.peer,
      ['channel', 'join', '-b', layout.genesisBlock],
      asAdministrator(peer, organisationIn(material, peer.organisation.name).tlsCaCertificateFile),
    );
  } catch (error) {
    if (!(error instanceof CommandError) || !/already exists/.test(error.output)) throw error;
  }
}

/** The environment of a `peer` command: the organisation's administrator, speaking to its own peer. */
export function asAdministrator(peer: PeerLayout, tlsRootCertificateFile: string): Record<string, string> {
  return {
    FABRIC_CFG_PATH: peer.adminDirectory,
    FABRIC_LOGGING_SPEC: 'ERROR',
    CORE_PEER_LOCALMSPID: peer.mspId,
    CORE_PEER_MSPCONFIGPATH: peer.adminMsp,
    CORE_PEER_ADDRESS: addressOf(peer),
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: tlsRootCertificateFile,
  };
}
