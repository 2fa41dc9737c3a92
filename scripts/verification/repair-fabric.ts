/**
 * Mends one organisation's peer of a Fabric network on this machine: its ledger is made anew from the orderers and from
 * the other members' peers, after these have been found sound.
 */
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { peerHeight } from '@telemed-ledger/network/fabric/health.ts';
import { alone } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf } from '@telemed-ledger/network/fabric/prepare.ts';
import { rebuildPeer } from '@telemed-ledger/network/fabric/rebuild.ts';
import { networkContext } from '../network/context.ts';
import { untilAllEndorse } from '../network/endorsing.ts';
import { checkChannel } from './channel/channel-check.ts';
import type { PeerReport } from './channel/peer-check.ts';
import { reachOf } from './channel/reach.ts';

export interface FabricRepair {
  before: PeerReport | undefined;
  after: PeerReport | undefined;
}

export const checkAll = (
  dataDir: string,
  consortium: ConsortiumDefinition,
  chosen: readonly string[],
): Promise<PeerReport[]> => {
  const reaches = consortium.organisations.map(({ name }) => reachOf(dataDir, name));
  return checkChannel({ consortium, reaches, chosen });
};

/**
 * `after` is undefined where nothing was to be mended.
 * @throws Error where another organisation's peer is away or damaged: then this peer's copy may be the only one
 */
export async function repairPeer(dataDir: string, organisation: string): Promise<FabricRepair> {
  const context = networkContext(undefined, dataDir);
  const { consortium, layout } = context;
  const names = consortium.organisations.map(({ name }) => name);
  const reports = await checkAll(dataDir, consortium, names);
  const before = reports.find((report) => report.organisation === organisation);
  if (before?.away === undefined && before?.findings.length === 0) return { before, after: undefined };
  assertSound(reports.filter((report) => report !== before));
  const peer = layout.peers.find((each) => each.organisation.name === organisation);
  if (peer === undefined) throw new Error(`there is no peer of ${organisation}`);
  const binaries = await requireBinaries(process.env);
  await alone(layout, async () => {
    const material = await materialOf(consortium, layout);
    const { channel } = consortium;
    const others = layout.peers.filter((each) => each !== peer);
    const heights = await Promise.all(others.map((other) => peerHeight(other, channel)));
    const height = Math.max(...heights.map((each) => each ?? 0));
    await rebuildPeer({ layout, peer, channel, material, binaries, height });
    await untilAllEndorse(context, material);
  });
  const [after] = await checkAll(dataDir, consortium, [organisation]);
  return { before, after };
}

function assertSound(others: PeerReport[]): void {
  const bad = others.flatMap(({ organisation, away, findings }) => {
    if (away !== undefined) return [`${organisation}'s peer is away`];
    return findings.length > 0 ? [`${organisation}'s peer is damaged (npm run verify -- --org ${organisation})`] : [];
  });
  if (bad.length === 0) return;
  throw new Error(`a peer's ledger is made anew from the others', which must be sound for that:\n${bad.join('\n')}`);
}
