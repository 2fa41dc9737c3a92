/** An organisation restored on Fabric: its peer starts with the ledger of the backup, and gets the rest from the others. */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeBlock, headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { organisationDirectory } from '@telemed-ledger/network/ca/organisations.ts';
import { requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { forgetPurged } from '@telemed-ledger/network/fabric/forgetting.ts';
import {
  chaincodeProcess,
  type Layout,
  type OrdererLayout,
  type PeerLayout,
} from '@telemed-ledger/network/fabric/layout.ts';
import { alone, joinNetwork, restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { prepareNetwork } from '@telemed-ledger/network/fabric/prepare.ts';
import { runningPid, stopProcess } from '@telemed-ledger/network/fabric/processes.ts';
import { untilHeight } from '@telemed-ledger/network/fabric/rebuild.ts';
import { type NetworkContext, networkContext } from '../network/context.ts';
import { preparedMaterial } from '../network/status.ts';
import type { PeerReport } from '../verification/channel/peer-check.ts';
import { peerLines } from '../verification/channel/report.ts';
import { equip, othersHeight, untilWhole } from '../verification/repair-fabric.ts';
import type { Finding } from '../verification/report.ts';
import { IN_ARCHIVE, peerData } from './contents.ts';
import type { Place } from './place.ts';

export class FabricPlace implements Place {
  readonly #context: NetworkContext;
  readonly #layout: Layout;
  readonly #peer: PeerLayout;
  #report: PeerReport | undefined;

  constructor(dataDir: string, organisation: string) {
    this.#context = networkContext(undefined, dataDir);
    this.#layout = this.#context.layout;
    this.#peer = this.#layout.peers.find((each) => each.organisation.name === organisation)!;
  }

  /** Of the first block alone: whether the rest is the others' is found when the peer has caught up. */
  async hashOf(block: number): Promise<string | undefined> {
    const { genesisBlock } = this.#layout;
    if (block > 0 || !existsSync(genesisBlock)) return undefined;
    return headerHash(decodeBlock(readFileSync(genesisBlock)).header).toString('hex');
  }

  targets(): string[] {
    return [peerData(this.#peer)];
  }

  async stop(): Promise<void> {
    await alone(this.#layout, async () => {
      for (const name of this.#processes) await stopProcess(this.#layout, name);
    });
  }

  async assertReady(): Promise<void> {
    const running = this.#processes.filter((name) => runningPid(this.#layout, name) !== undefined);
    if (running.length > 0) throw new Error(`${running.join(', ')} runs: nothing is restored under it`);
    const unknown = this.#layout.peers
      .filter((peer) => peer !== this.#peer)
      .map(({ organisation }) => organisation.name)
      .filter((name) => !existsSync(join(organisationDirectory(this.#layout.dataDir, name), 'ca')));
    if (unknown.length > 0)
      throw new Error(`the authorities of ${unknown.join(', ')} are not in ${this.#layout.dataDir}: nobody is known`);
  }

  /** Of what the organisations share, what is missing. */
  async put(staging: string): Promise<void> {
    for (const [from, to] of [
      [IN_ARCHIVE.channel, this.#layout.channelDirectory],
      [IN_ARCHIVE.chaincode, this.#layout.chaincodeDirectory],
    ] as const)
      if (!existsSync(to)) await cp(join(staging, from), to, { recursive: true });
    const data = peerData(this.#peer);
    await mkdir(dirname(data), { recursive: true, mode: 0o700 });
    await rm(data, { recursive: true, force: true });
    await rename(join(staging, IN_ARCHIVE.peer), data);
  }

  async catchUp(): Promise<string[]> {
    const { channel } = this.#context.consortium;
    const height = await othersHeight(this.#context, this.#peer);
    await alone(this.#layout, async () => {
      const [material, binaries] = [
        await prepareNetwork(this.#context.consortium, this.#layout),
        await requireBinaries(process.env),
      ];
      const nodes = { ...this.#layout, orderers: this.#orderers, peers: [this.#peer] };
      for (const { process: name } of [...nodes.orderers, this.#peer])
        await restartNode(this.#layout, name, channel, material, binaries);
      await joinNetwork(nodes, channel, material, binaries);
      await untilHeight({ peer: this.#peer, channel, height });
      await equip(this.#context, this.#peer, material, binaries);
    });
    this.#report = await untilWhole(this.#context, this.#peer);
    const { blocks, values } = this.#report;
    return [`the peer has ${blocks} blocks and ${values} private values, each as its hash on the ledger says`];
  }

  /** The peer's files hold what it has purged while it caught up. */
  async finish(): Promise<Finding[]> {
    const [material, binaries] = [await preparedMaterial(this.#context), await requireBinaries(process.env)];
    const { channel } = this.#context.consortium;
    await alone(this.#layout, async () => {
      await stopProcess(this.#layout, this.#peer.process);
      await forgetPurged(this.#peer);
      await restartNode(this.#layout, this.#peer.process, channel, material, binaries);
      await equip(this.#context, this.#peer, material, binaries);
    });
    return this.#report === undefined ? [] : peerLines(this.#report);
  }

  get #orderers(): OrdererLayout[] {
    return this.#layout.orderers.filter(({ organisation }) => organisation === this.#peer.organisation.name);
  }

  get #processes(): string[] {
    const { process: name, organisation } = this.#peer;
    return [chaincodeProcess(organisation.name), name, ...this.#orderers.map((orderer) => orderer.process)];
  }
}
