/**
 * Makes one peer's ledger anew from the others': its process ends, what it had is put aside, and it joins the channel
 * again, gets every block from the orderers and its private data from the other members' peers. Installed chaincodes and
 * keys stay. It may be killed at any moment and repeated.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { peerHeight } from './health.ts';
import type { Layout, PeerLayout } from './layout.ts';
import type { Material } from './material.ts';
import { joinNetwork, restartNode } from './network.ts';
import { stopProcess } from './processes.ts';

export interface RebuildOptions {
  layout: Layout;
  peer: PeerLayout;
  channel: string;
  material: Material;
  binaries: Binaries;
  /** Blocks that the peer must have in the end. */
  height: number;
  /** Called while the peer catches up. */
  onHeight?: (height: number) => void;
}

const POLL_MS = 500;
/** Without a further block for so long, something keeps the peer from getting them. */
const STANDSTILL_MS = 120_000;

/** @throws Error where the peer does not start or stops getting blocks; what it had stays aside then. */
export async function rebuildPeer(options: RebuildOptions): Promise<void> {
  const { layout, peer, channel, material, binaries } = options;
  const ledger = join(peer.directory, 'data', 'ledgersData');
  const aside = `${ledger}.damaged`;
  await stopProcess(layout, peer.process);
  // What an earlier attempt put aside is what the peer had before it.
  if (existsSync(aside)) await rm(ledger, { recursive: true, force: true });
  else if (existsSync(ledger)) await rename(ledger, aside);
  await restartNode(layout, peer.process, channel, material, binaries);
  await joinNetwork({ ...layout, orderers: [], peers: [peer] }, channel, material, binaries);
  await untilHeight(options);
  // It may hold private values that are purged later.
  await rm(aside, { recursive: true, force: true });
}

async function untilHeight({ peer, channel, height, onHeight }: RebuildOptions): Promise<void> {
  let [reached, at] = [0, Date.now()];
  for (;;) {
    const now = (await peerHeight(peer, channel)) ?? 0;
    if (now > reached) [reached, at] = [now, Date.now()];
    onHeight?.(now);
    if (now >= height) return;
    if (Date.now() - at > STANDSTILL_MS) throw new Error(`${peer.process} stands still at block ${reached - 1}`);
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
}
