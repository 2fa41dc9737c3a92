/**
 * Mends one organisation's peer of a Fabric network on this machine. One that does not answer is started (again): away is
 * not damaged. Where it does not start, or its ledger is damaged, the ledger is made anew from the orderers and from the
 * other members' peers, once enough of these have been found sound.
 */
import { existsSync } from 'node:fs';
import { collectionsOf } from '@telemed-ledger/consortium/collections.ts';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { type Binaries, requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { installAgain } from '@telemed-ledger/network/fabric/deployment.ts';
import { endOf, peerHeight } from '@telemed-ledger/network/fabric/health.ts';
import type { Layout, PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import { Lifecycle } from '@telemed-ledger/network/fabric/lifecycle.ts';
import type { Material } from '@telemed-ledger/network/fabric/material.ts';
import { alone, joinNetwork, restartNode } from '@telemed-ledger/network/fabric/network.ts';
import { prepareNetwork } from '@telemed-ledger/network/fabric/prepare.ts';
import { asideOf, ledgerOf, rebuildPeer, removeAside, untilHeight } from '@telemed-ledger/network/fabric/rebuild.ts';
import { serveOne } from '../network/chaincode.ts';
import { deployedPackage, type NetworkContext, networkContext } from '../network/context.ts';
import { untilEndorses } from '../network/endorsing.ts';
import { checkChannel, isKnown } from './channel/channel-check.ts';
import type { PeerReport } from './channel/peer-check.ts';
import { reachOf } from './channel/reach.ts';

export interface FabricRepair {
  /** What kept the peer from answering, where it was started (again); it answered then. */
  startedAfter?: string | undefined;
  /** Why it could not be started. */
  failure?: string | undefined;
  /** What was found of the new ledger; undefined where there was nothing to mend. */
  after?: PeerReport;
  /** Where the ledger is that the peer had before, as long as the new one lacks something. */
  aside?: string;
}

/** Reports of the chosen organisations' peers; one that has ended says so with its own last words. */
export async function checkAll(
  dataDir: string,
  consortium: ConsortiumDefinition,
  chosen: readonly string[],
): Promise<PeerReport[]> {
  const reaches = consortium.organisations.map(({ name }) => reachOf(dataDir, name));
  const { layout } = networkContext(undefined, dataDir);
  return (await checkChannel({ consortium, reaches, chosen })).map((report) => {
    const peer = layout.peers.find((each) => each.organisation.name === report.organisation);
    const end = report.away === undefined || peer === undefined ? undefined : endOf(layout, peer.process);
    return end === undefined ? report : { ...report, away: end };
  });
}

/** @throws Error where too few others are sound: this peer's copy may then be the only one */
export async function repairPeer(dataDir: string, organisation: string): Promise<FabricRepair> {
  const context = networkContext(undefined, dataDir);
  const peer = context.layout.peers.find((each) => each.organisation.name === organisation);
  if (peer === undefined) throw new Error(`there is no peer of ${organisation}`);
  const binaries = await requireBinaries(process.env);
  return alone(context.layout, async () => {
    const material = await prepareNetwork(context.consortium, context.layout);
    return new PeerRepair(context, peer, material, binaries).run();
  });
}

class PeerRepair {
  readonly #context: NetworkContext;
  readonly #layout: Layout;
  readonly #peer: PeerLayout;
  readonly #material: Material;
  readonly #binaries: Binaries;

  constructor(context: NetworkContext, peer: PeerLayout, material: Material, binaries: Binaries) {
    this.#context = context;
    this.#layout = context.layout;
    this.#peer = peer;
    this.#material = material;
    this.#binaries = binaries;
  }

  async run(): Promise<FabricRepair> {
    const outcome: FabricRepair = {};
    let { own, others } = await this.#look();
    if (own.away !== undefined) {
      const hadLedger = existsSync(ledgerOf(this.#peer));
      outcome.failure = await this.#start();
      if (outcome.failure === undefined) {
        outcome.startedAfter = own.away;
        await equip(this.#context, this.#peer, this.#material, this.#binaries);
        // Without a ledger of its own it has got everything from the others.
        if (!hadLedger) return { ...outcome, after: await untilWhole(this.#context, this.#peer) };
        ({ own, others } = await this.#look());
      }
    } else if (own.withoutChaincode !== undefined) {
      await equip(this.#context, this.#peer, this.#material, this.#binaries);
      ({ own, others } = await this.#look());
    }
    assertAsked(own, outcome.failure);
    if (isKnown(own) && own.findings.length === 0) return outcome;
    assertSound(this.#context.consortium, own.organisation, others);
    await this.#rebuild();
    const after = await untilWhole(this.#context, this.#peer);
    if (after.findings.length === 0) await removeAside(this.#peer);
    const aside = asideOf(this.#peer);
    return { ...outcome, after, ...(existsSync(aside) ? { aside } : {}) };
  }

  async #look(): Promise<{ own: PeerReport; others: PeerReport[] }> {
    const { consortium, layout } = this.#context;
    const name = this.#peer.organisation.name;
    const names = consortium.organisations.map((each) => each.name);
    const reports = await checkAll(layout.dataDir, consortium, names);
    const own = reports.find((report) => report.organisation === name);
    if (own === undefined) throw new Error(`nothing is known of ${name}'s peer`);
    return { own, others: reports.filter((report) => report !== own) };
  }

  /** Until it has what the others have. Answers why it does not come to that. */
  async #start(): Promise<string | undefined> {
    const { channel } = this.#context.consortium;
    try {
      await restartNode(this.#layout, this.#peer.process, channel, this.#material, this.#binaries);
      const only = { ...this.#layout, orderers: [], peers: [this.#peer] };
      await joinNetwork(only, channel, this.#material, this.#binaries);
      await untilHeight({ peer: this.#peer, channel, height: await othersHeight(this.#context, this.#peer) });
      return undefined;
    } catch (error) {
      // Its message alone: the remedy is under way.
      const { cause, message } = error as Error;
      return cause instanceof Error ? cause.message : message;
    }
  }

  async #rebuild(): Promise<void> {
    const [peer, material, binaries] = [this.#peer, this.#material, this.#binaries];
    const { channel } = this.#context.consortium;
    await rebuildPeer({
      layout: this.#layout,
      peer,
      channel,
      material,
      binaries,
      height: await othersHeight(this.#context, this.#peer),
    });
    await equip(this.#context, this.#peer, this.#material, this.#binaries);
  }
}

/** Until a peer's chaincode runs. */
export async function equip(context: NetworkContext, peer: PeerLayout, material: Material, binaries: Binaries) {
  const { consortium, layout } = context;
  const lifecycle = new Lifecycle(layout, consortium.channel, material, binaries);
  const packageId = deployedPackage(layout);
  if (packageId === undefined) return;
  await installAgain(layout, peer, lifecycle, packageId);
  await serveOne(layout, peer, packageId);
  await untilEndorses(context, material, peer);
}

/** What other peers could not send at once, Fabric's reconciler asks for every ten seconds. */
export async function untilWhole({ consortium, layout }: NetworkContext, peer: PeerLayout): Promise<PeerReport> {
  let [fewest, at] = [Number.POSITIVE_INFINITY, Date.now()];
  for (;;) {
    const [after] = await checkAll(layout.dataDir, consortium, [peer.organisation.name]);
    if (after === undefined) throw new Error(`nothing is known of ${peer.process}`);
    const isAsked = isKnown(after) && after.withoutChaincode === undefined;
    const left = isAsked ? after.findings.length : Number.POSITIVE_INFINITY;
    if (left < fewest) [fewest, at] = [left, Date.now()];
    if (left === 0) return after;
    if (Date.now() - at > STANDSTILL_MS) {
      assertAsked(after);
      return after;
    }
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
}

/** Blocks that any of the other peers has. */
export async function othersHeight({ consortium, layout }: NetworkContext, peer: PeerLayout): Promise<number> {
  const others = layout.peers.filter((each) => each !== peer);
  const heights = await Promise.all(others.map((other) => peerHeight(other, consortium.channel)));
  return Math.max(...heights.map((each) => each ?? 0));
}

/** What does not answer is not damaged: only of a peer that does not start it is known that its ledger is no use. */
function assertAsked({ organisation, away, refuses, withoutChaincode }: PeerReport, failure?: string): void {
  if (away !== undefined && failure === undefined) throw new Error(`${organisation}'s peer is away: ${away}`);
  if (refuses !== undefined) throw new Error(`${organisation}'s peer refuses: ${refuses}`);
  if (withoutChaincode !== undefined)
    throw new Error(`${organisation}'s chaincode does not answer: ${withoutChaincode}`);
}

const POLL_MS = 2_000;
/** Two rounds of the reconciler. */
const STANDSTILL_MS = 25_000;

/** Each collection of the organisation must be held by another peer that is sound, and the chain by any. */
function assertSound(consortium: ConsortiumDefinition, organisation: string, others: PeerReport[]): void {
  const sound = new Set(
    others.filter((each) => isKnown(each) && each.findings.length === 0).map((each) => each.organisation),
  );
  const holders = collectionsOf(consortium)
    .map(({ name, members }) => ({ name, names: members.map((member) => member.name) }))
    .filter(({ names }) => names.includes(organisation));
  const alone = holders.filter(({ names }) => !names.some((name) => sound.has(name)));
  if (alone.length === 0 && sound.size > 0) return;
  const bad = others
    .filter((each) => !sound.has(each.organisation))
    .map(
      ({ organisation: name, away, refuses }) =>
        `${name}'s peer ${away !== undefined ? 'is away (npm run network -- up)' : refuses !== undefined ? 'refuses' : `is damaged (npm run verify -- --org ${name})`}`,
    );
  const what = alone.length === 0 ? 'the chain' : alone.map(({ name }) => name).join(', ');
  throw new Error(
    `${organisation}'s ledger was left as it is: no other peer that is sound holds ${what}\n${bad.join('\n')}`,
  );
}
