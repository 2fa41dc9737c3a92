/** Brings orderers and peers into the channel by its first block, each by its own administrator; joining twice does no harm. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import type { Binaries } from './binaries.ts';
import { CommandError, run } from './command.ts';
import { ordererHeight, peerHeight } from './health.ts';
import { addressOf, type Layout, type OrdererLayout, type PeerLayout } from './layout.ts';
import { authoritiesOf, type Material, ordererNode, organisationIn } from './material.ts';
import { type Answer, ask, type ClientTls, formWithFile, whileRefused } from './requests.ts';

/** How an orderer's administrator presents itself: with the node's own certificate, which its TLS authority knows. */
export function administratorOf(material: Material, orderer: OrdererLayout): ClientTls {
  const { tls } = ordererNode(material, orderer.process);
  return { ...tls, rootCertificate: organisationIn(material, orderer.organisation).tlsCaCertificate };
}

const JOIN_TIMEOUT_MS = 30_000;

/**
 * Through the channel participation API. See
 * https://hyperledger-fabric.readthedocs.io/en/release-3.1/create_channel/create_channel_participation.html
 * @throws Error with what the orderer answered.
 */
export async function joinOrderer(
  { genesisBlock }: Pick<Layout, 'genesisBlock'>,
  orderer: OrdererLayout,
  channel: string,
  tls: ClientTls,
): Promise<void> {
  if ((await ordererHeight(orderer, channel, tls)) !== undefined) return;
  const question = {
    host: orderer.ownHost,
    port: orderer.adminPort,
    path: '/participation/v1/channels',
    secure: { ...tls, serverName: orderer.serverName },
    body: formWithFile('config-block', readFileSync(genesisBlock)),
    timeoutMs: JOIN_TIMEOUT_MS,
  };
  const answer = await whileRefused(() => ask(question)).catch((error: Error) => {
    throw new Error(`${orderer.process} did not join the channel: ${error.message}`);
  });
  if (answer.status === CREATED) return;
  // An earlier attempt that was given no answer had got this far.
  if (answer.status === NOT_ALLOWED && (await ordererHeight(orderer, channel, tls)) !== undefined) return;
  throw new Error(`${orderer.process} did not join the channel: ${reasonOf(answer)}`);
}

const CREATED = 201;
const NOT_ALLOWED = 405;
const WHAT_IT_MEANS: Record<number, string> = {
  400: 'it does not take the block',
  405: 'it says that the channel exists, and does not serve it',
  409: 'it is removing the channel; try again when that is done',
};

function reasonOf({ status, body }: Answer): string {
  const meaning = WHAT_IT_MEANS[status];
  return `${meaning === undefined ? '' : `${meaning}: `}${errorIn(body)} (${status})`;
}

function errorIn(body: string): string {
  try {
    return (JSON.parse(body) as { error?: string }).error ?? body.trim();
  } catch {
    return body.trim();
  }
}

/** Through `peer channel join`. `tlsRootCertificateFile`: of the peer's organisation. */
export async function joinPeer(
  { genesisBlock }: Pick<Layout, 'genesisBlock'>,
  peer: PeerLayout,
  channel: string,
  tlsRootCertificateFile: string,
  binaries: Pick<Binaries, 'peer'>,
): Promise<void> {
  if ((await peerHeight(peer, channel)) !== undefined) return;
  const environment = asAdministrator(peer, tlsRootCertificateFile);
  const joining = () => run(binaries.peer, ['channel', 'join', '-b', genesisBlock], environment);
  // A peer says that it is healthy a little before it listens.
  await whileRefused(joining, isUnreachable).catch((error) => {
    if (!(error instanceof CommandError) || !/already exists/.test(error.output)) throw error;
  });
}

const isUnreachable = (error: Error): boolean =>
  error instanceof CommandError && /failed to connect to|connection refused|no such host/.test(error.output);

/**
 * A block as the organisation's administrator is given it, by its own peer or `through` an orderer.
 * @throws CommandError
 */
export async function fetchBlock(
  which: 'config' | 'newest',
  peer: PeerLayout,
  channel: string,
  tlsRootCertificateFile: string,
  binaries: Pick<Binaries, 'peer'>,
  through: readonly string[] = [],
): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'block-'));
  try {
    const file = join(directory, 'block');
    const args = ['channel', 'fetch', which, file, '-c', channel, ...through];
    await run(binaries.peer, args, asAdministrator(peer, tlsRootCertificateFile));
    return readFileSync(file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What `peer` commands need to send something to an orderer. `tlsRootCertificateFile`: of the orderer's organisation. */
export const throughOrderer = (orderer: OrdererLayout, tlsRootCertificateFile: string): string[] => [
  ...['-o', addressOf(orderer), '--tls', '--cafile', tlsRootCertificateFile],
];

/**
 * Blocks that the channel has, by the orderer that has most of those that answer a peer's administrator.
 * @throws Error with what the last one said where none answers
 */
export async function heightOfChannel(
  layout: Pick<Layout, 'everywhere'>,
  peer: PeerLayout,
  channel: string,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
): Promise<number> {
  const own = organisationIn(material, peer.organisation.name).tlsCaCertificateFile;
  const asked = await Promise.allSettled(
    layout.everywhere.orderers.map(async (orderer) => {
      const through = throughOrderer(orderer, authoritiesOf(material, orderer.organisation).tlsCaCertificateFile);
      const block = common.Block.deserializeBinary(await fetchBlock('newest', peer, channel, own, binaries, through));
      return (block.getHeader()?.getNumber() ?? 0) + 1;
    }),
  );
  const heights = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (heights.length > 0) return Math.max(...heights);
  const failed = asked.find((one) => one.status === 'rejected');
  throw new Error(`no orderer is reached: ${(failed?.reason as Error | undefined)?.message ?? 'there is none'}`);
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
