/**
 * The backup of one organisation while the consortium runs: its keys and configuration, its gateway's databases, and what
 * its peer holds. On Fabric that one peer is away while the last files of its ledger are copied.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { organisationDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { peerHeight } from '@telemed-ledger/network/fabric/health.ts';
import type { PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { alone, restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf } from '@telemed-ledger/network/fabric/prepare.ts';
import { stopProcess } from '@telemed-ledger/network/fabric/processes.ts';
import { untilHeight } from '@telemed-ledger/network/fabric/rebuild.ts';
import { networkInUse } from '../consortium/read-models.ts';
import { networkContext } from '../network/context.ts';
import { type DeliveredBlock, deliver } from '../verification/channel/deliver.ts';
import { type Reach, reachOf } from '../verification/channel/reach.ts';
import { type Manifest, writeArchive } from './archive.ts';
import { DATABASES, definitionText, IN_ARCHIVE, isLeftOut, isLeftOutOfPeer, peerData } from './contents.ts';
import { copyDatabase, TreeCopy } from './copying.ts';
import { writePrivateValues } from './private-values.ts';

export interface Backup {
  manifest: Manifest;
  /** How long the organisation's peer did not answer; 0 on the embedded network. */
  awayMs: number;
}

type Held = Pick<Manifest, 'height' | 'lastBlock'> & { awayMs: number };

/**
 * @param recipients of age; without any the archive is not encrypted
 * @throws Error where the file is there, the organisation was never started, or its peer does not answer
 */
export async function backUp(
  dataDir: string,
  organisation: string,
  to: string,
  recipients: readonly string[],
): Promise<Backup> {
  const file = resolve(to);
  if (existsSync(file)) throw new Error(`${file} is there already: it was not overwritten`);
  const network = networkInUse(dataDir);
  const reach = reachOf(dataDir, organisation);
  const genesis = await blockOf(reach, 0);
  const staging = await mkdtemp(join(dataDir, `backup-${organisation}-`));
  try {
    const { awayMs, ...ledger } = await (network === 'fabric'
      ? copyFabric(dataDir, organisation, staging, reach)
      : copyEmbedded(staging, reach));
    await copyOrganisation(organisationDirectory(dataDir, organisation), staging);
    const { channel } = reach.connection;
    const about = { organisation, network, channel, genesis: hashOf(genesis), ...ledger };
    await mkdir(dirname(file), { recursive: true });
    const manifest = await writeArchive(staging, { ...about, madeAt: new Date().toISOString() }, file, recipients);
    return { manifest, awayMs };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const hashOf = ({ header }: DeliveredBlock['block']): string => headerHash(header).toString('hex');

/** @throws PeerAway, PeerRefuses, PeerFault */
async function blockOf(reach: Reach, number: number): Promise<DeliveredBlock['block']> {
  for await (const { block } of deliver(reach, { from: number, to: number, withPrivateData: false })) return block;
  throw new Error(`${reach.organisation}'s peer delivered no block ${number}`);
}

async function copyOrganisation(directory: string, staging: string): Promise<void> {
  await new TreeCopy(directory, join(staging, IN_ARCHIVE.organisation), isLeftOut).pass();
  const gateway = join(directory, 'gateway');
  for (const name of DATABASES) {
    const file = join(gateway, name);
    if (existsSync(file)) await copyDatabase(file, join(staging, IN_ARCHIVE.gateway, name));
  }
  const mark = join(gateway, 'network');
  if (existsSync(mark)) await copyFile(mark, join(staging, IN_ARCHIVE.gateway, 'network'));
  await mkdir(join(staging, dirname(IN_ARCHIVE.definition)));
  await writeFile(join(staging, IN_ARCHIVE.definition), definitionText(), { mode: 0o600 });
}

async function copyEmbedded(staging: string, reach: Reach): Promise<Held> {
  const last = await writePrivateValues(reach, join(staging, IN_ARCHIVE.privateValues));
  return { height: last.header.number + 1, lastBlock: hashOf(last), awayMs: 0 };
}

async function copyFabric(dataDir: string, organisation: string, staging: string, reach: Reach): Promise<Held> {
  const context = networkContext(undefined, dataDir);
  const { layout, consortium } = context;
  const peer = layout.peers.find((one) => one.organisation.name === organisation)!;
  const binaries = await requireBinaries(process.env);
  const material = await materialOf(consortium, layout);
  for (const [from, to] of [
    [layout.channelDirectory, IN_ARCHIVE.channel],
    [layout.chaincodeDirectory, IN_ARCHIVE.chaincode],
  ] as const)
    await new TreeCopy(from, join(staging, to)).pass();
  const copy = new TreeCopy(peerData(peer), join(staging, IN_ARCHIVE.peer), isLeftOutOfPeer);
  // Most of it while the peer runs; what has changed then, while it does not.
  for (let turn = 0; turn < PASSES_WHILE_RUNNING; turn += 1) await copy.pass();
  return alone(layout, async () => {
    const height = await heightOf(peer, consortium.channel);
    const began = performance.now();
    await stopProcess(layout, peer.process);
    try {
      await copy.pass();
    } finally {
      await restartNode(layout, peer.process, consortium.channel, material, binaries);
    }
    const awayMs = performance.now() - began;
    await untilHeight({ peer, channel: consortium.channel, height });
    return { height, lastBlock: hashOf(await blockOf(reach, height - 1)), awayMs };
  });
}

const PASSES_WHILE_RUNNING = 2;

async function heightOf(peer: PeerLayout, channel: string): Promise<number> {
  const height = await peerHeight(peer, channel);
  if (height === undefined) throw new Error(`${peer.process} does not answer: npm run network -- up`);
  return height;
}
