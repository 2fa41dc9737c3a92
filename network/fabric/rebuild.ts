/**
 * Makes one peer's ledger anew from the others': its process ends, what it had is put aside, and it joins the channel
 * again, gets every block from the orderers and its private data from the other members' peers. Installed chaincodes and
 * keys stay. It may be killed at any moment and repeated. What was put aside is removed by whoever has found the new ledger
 * whole: until then it may be the only copy of a value.
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

/** What makes up a peer's ledgers. */
export const ledgerOf = ({ directory }: PeerLayout): string => join(directory, 'data', 'ledgersData');

/** Where the ledger that a peer had before is put. */
export const asideOf = (peer: PeerLayout): string => `${ledgerOf(peer)}.damaged`;

/** It may hold private values that are purged later. */
export const removeAside = (peer: PeerLayout): Promise<void> => rm(asideOf(peer), { recursive: true, force: true });

/** @throws Error where the peer does not start or stops getting blocks. */
export async function rebuildPeer(options: RebuildOptions): Promise<void> {
  const { layout, peer, channel, material, binaries } = options;
  const [ledger, aside] = [ledgerOf(peer), asideOf(peer)];
  await stopProcess(layout, peer.process);
  // What an earlier attempt put aside is what the peer had before it.
  if (existsSync(aside)) await rm(ledger, { recursive: true, force: true });
  else if (existsSync(ledger)) await rename(ledger, aside);
  await restartNode(layout, peer.process, channel, material, binaries);
  await joinNetwork({ ...layout, orderers: [], peers: [peer] }, channel, material, binaries);
  await untilHeight(options);
}

/** @throws Error where the peer gets no further block for two minutes */
export async function untilHeight({
  peer,
  channel,
  height,
  onHeight,
}: Pick<RebuildOptions, 'peer' | 'channel' | 'height' | 'onHeight'>): Promise<void> {
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
