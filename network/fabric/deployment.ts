/**
 * One chaincode deployment: package, install, approve by every organisation, readiness gate, commit. What is agreed on
 * the ledger decides what is left to do, so it may be interrupted and repeated.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { chaincodeEndorsementPolicy, collectionConfigsOf } from '../collections.ts';
import type { Binaries } from './binaries.ts';
import { type ChaincodePackage, chaincodePackage } from './chaincode-package.ts';
import { writeIfDifferent } from './files.ts';
import type { Layout, PeerLayout } from './layout.ts';
import { type Committed, type Definition, Lifecycle, LOST } from './lifecycle.ts';
import type { Material } from './material.ts';

export interface Chaincode {
  /** For instance `2.0`; another major number does not read what was written before. */
  version: string;
  /** Names sources and consortium: another fingerprint is another chaincode. */
  fingerprint: string;
}

export interface DeploymentOptions {
  /**
   * Starts the organisations' chaincode for a package beside the one that serves: it waits until that one has ended.
   * `version` is the definition's that it is for.
   */
  load: (packageId: string, version: string) => Promise<void>;
  /** Has the organisations' chaincode of a package serve: what is loaded, or else what is started now. */
  serve: (packageId: string) => Promise<void>;
  /** Told of every step. */
  report: (line: string) => void;
}

export interface Deployment {
  sequence: number;
  packageId: string;
  /** Whether anything had to be done. */
  changed: boolean;
}

/** @throws Error naming the organisations that have not approved. */
export async function deploy(
  consortium: ConsortiumDefinition,
  layout: Layout,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
  chaincode: Chaincode,
  { load, serve, report }: DeploymentOptions,
): Promise<Deployment> {
  const lifecycle = new Lifecycle(layout, consortium.channel, material, binaries);
  const built = packageOf(consortium, chaincode);
  writeIfDifferent(lifecycle.collectionsFile, JSON.stringify(collectionConfigsOf(consortium), null, 2));
  const packageFile = join(layout.chaincodeDirectory, `${built.label}.tar.gz`);
  writeIfDifferent(packageFile, built.bytes);

  const committed = await agreedOn(layout.peers, (peer) => lifecycle.committed(peer, consortium.chaincode));
  assertReadable(chaincode.version, committed?.version);
  const definition = definitionOf(consortium, chaincode, built, committed);
  const isCommitted = committed?.sequence === definition.sequence;
  // Nothing is served yet the first time, so nothing is interrupted by beginning early.
  const early = committed === undefined ? serve(built.id) : undefined;
  early?.catch(() => undefined);
  const installed = await install(layout, lifecycle, built.id, packageFile);
  if (installed > 0) report(`installed on peers: ${installed} (${built.id})`);
  const approvals = await approve(layout, lifecycle, definition, isCommitted);
  if (approvals > 0) report(`approved by organisations: ${approvals} (sequence ${definition.sequence})`);
  if (!isCommitted && early === undefined) {
    await load(built.id, definition.version);
    report("every organisation's next chaincode is loaded");
  }
  await early;
  if (!isCommitted) {
    await untilAgreed(layout, lifecycle, definition, report);
  }
  // Peers go on with the former one until they have the block; from then on they take no other than the next.
  await (early ?? serve(built.id));
  report("every organisation's chaincode listens");
  return {
    sequence: definition.sequence,
    packageId: built.id,
    changed: installed > 0 || approvals > 0 || !isCommitted,
  };
}

/** What the channel has agreed on, as the peers here know it. @throws Error naming those that do not come to it */
export const committedVersion = async (
  { channel, chaincode }: Pick<ConsortiumDefinition, 'channel' | 'chaincode'>,
  layout: Layout,
  material: Material,
  binaries: Pick<Binaries, 'peer'>,
): Promise<string | undefined> => {
  const lifecycle = new Lifecycle(layout, channel, material, binaries);
  return (await agreedOn(layout.peers, (peer) => lifecycle.committed(peer, chaincode)))?.version;
};

/** @throws Error where the ledger was written by a chaincode whose values `version` does not read. */
export function assertReadable(version: string, written: string | undefined): void {
  const majorOf = (one: string): string => one.split('.')[0] ?? '';
  if (written === undefined || majorOf(written) === majorOf(version)) return;
  throw new Error(
    `this channel was written by version ${written} of the chaincode, and version ${version} does not read it. Nothing ` +
      'was changed. Either begin anew (npm run network -- reset removes ledgers, channel and read models), set DATA_DIR ' +
      'to another directory, or go on with the release that wrote it.',
  );
}

const CATCH_UP_MS = 60_000;
const POLL_MS = 500;

/**
 * What the channel has agreed on, by the peer that has come farthest, once all of them know it: one that is only just catching
 * up would have approved again what was committed long ago.
 * @throws Error naming those that do not come to it within a minute
 */
export async function agreedOn<P extends Pick<PeerLayout, 'process'>>(
  peers: readonly P[],
  committed: (peer: P) => Promise<Committed | undefined>,
  patienceMs: number = CATCH_UP_MS,
): Promise<Committed | undefined> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const known = await Promise.all(peers.map(committed));
    const sequenceOf = (one: Committed | undefined): number => one?.sequence ?? 0;
    const newest = known.reduce((one, other) => (sequenceOf(other) > sequenceOf(one) ? other : one), undefined);
    const behind = peers.filter((_, index) => sequenceOf(known[index]) < sequenceOf(newest));
    if (behind.length === 0) return newest;
    if (Date.now() > deadline) {
      const names = behind.map(({ process }) => process).join(', ');
      throw new Error(`${names}: without the definition that the channel has agreed on (sequence ${newest?.sequence})`);
    }
    await delay(POLL_MS);
  }
}

const KNOWN_EVERYWHERE_MS = 20_000;
/** Operators of other hosts do their part in their own time. */
const OTHER_HOSTS_MS = 15 * 60_000;

/**
 * Waits until every peer here knows of every approval and commits: one that lacks the last block would endorse the commit
 * otherwise than the others. Where a part of the consortium runs elsewhere, whoever comes first commits.
 * @throws Error naming those whose approval some peer does not know
 */
async function untilAgreed(
  layout: Layout,
  lifecycle: Lifecycle,
  definition: Definition,
  report: (line: string) => void,
): Promise<void> {
  const isPart = layout.peers.length < layout.everywhere.peers.length;
  const deadline = Date.now() + (isPart ? OTHER_HOSTS_MS : KNOWN_EVERYWHERE_MS);
  const committed = `committed ${definition.name} ${definition.version} as sequence ${definition.sequence}`;
  for (let told = ''; ; await delay(POLL_MS)) {
    if (isPart && (await lifecycle.committed(layout.peers[0]!, definition.name))?.version === definition.version)
      return report(`${committed}, by others`);
    const names = await missingAnywhere(layout, lifecycle, definition).catch((error: Error) => {
      // Others have committed it, and this peer is about to know.
      if (isPart && /requested sequence is \d+, but new definition/.test(error.message)) return told;
      throw error;
    });
    if (names === '') {
      await lifecycle.commit(definition);
      return report(committed);
    }
    if (Date.now() > deadline) throw new Error(`not committed: ${names} did not approve the same definition`);
    if (isPart && names !== told) report(`waits for the approval of ${names} (ended here, deploy goes on with it)`);
    told = names;
  }
}

async function missingAnywhere({ peers }: Layout, lifecycle: Lifecycle, definition: Definition): Promise<string> {
  const missing = await Promise.all(peers.map((peer) => lifecycle.missingApprovals(peer, definition)));
  return [...new Set(missing.flat())].toSorted().join(', ');
}

/** Installs the deployed package again on a peer that has lost it. @throws Error where the package is not here any more */
export async function installAgain(
  layout: Layout,
  peer: PeerLayout,
  lifecycle: Lifecycle,
  packageId: string,
): Promise<void> {
  if (await lifecycle.isInstalled(peer, packageId)) return;
  const file = join(layout.chaincodeDirectory, `${packageId.split(':')[0]}.tar.gz`);
  const hash = existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : '';
  if (!packageId.endsWith(`:${hash}`)) throw new Error(`${file} is not what was deployed: npm run network -- deploy`);
  await lifecycle.install(peer, file);
}

export const packageOf = (consortium: ConsortiumDefinition, { version, fingerprint }: Chaincode): ChaincodePackage =>
  chaincodePackage(`${consortium.chaincode}_${version}`, fingerprint);

/**
 * The definition's version names its content: package, policy and collections. So the ledger itself says whether what
 * was committed is what is wanted now; when not, the next sequence is.
 */
export function definitionOf(
  consortium: ConsortiumDefinition,
  chaincode: Chaincode,
  built: ChaincodePackage,
  committed: Committed | undefined,
): Definition {
  const endorsementPolicy = chaincodeEndorsementPolicy(consortium);
  const content = JSON.stringify([built.id, endorsementPolicy, collectionConfigsOf(consortium)]);
  const version = `${chaincode.version}-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  const sequence = committed?.version === version ? committed.sequence : (committed?.sequence ?? 0) + 1;
  return { name: consortium.chaincode, version, sequence, packageId: built.id, endorsementPolicy };
}

async function install(layout: Layout, lifecycle: Lifecycle, packageId: string, file: string): Promise<number> {
  const outcomes = await Promise.all(
    layout.peers.map(async (peer) => {
      if (await lifecycle.isInstalled(peer, packageId)) return 0;
      await lifecycle.install(peer, file);
      return 1;
    }),
  );
  return outcomes.filter((outcome) => outcome === 1).length;
}

async function approve(
  layout: Layout,
  lifecycle: Lifecycle,
  definition: Definition,
  isCommitted: boolean,
): Promise<number> {
  const outcomes = await Promise.all(
    layout.peers.map(async (peer) => {
      const approved = await lifecycle.approved(peer, definition.name, definition.sequence);
      // What is committed had been approved; its version names the package.
      if (approved === definition.packageId || (approved === LOST && isCommitted)) return 0;
      await lifecycle.approve(peer, definition);
      return 1;
    }),
  );
  return outcomes.filter((outcome) => outcome === 1).length;
}
