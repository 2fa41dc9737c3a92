/** The commands of `npm run network`, by name. Each answers the exit code. */
import { chmodSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { type Binaries, requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { heightOfChannel } from '@telemed-ledger/network/fabric/channel.ts';
import { composeFile } from '@telemed-ledger/network/fabric/compose/compose-file.ts';
import { prometheusFile } from '@telemed-ledger/network/fabric/compose/monitoring.ts';
import { committedVersion, deploy, packageOf } from '@telemed-ledger/network/fabric/deployment.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { forgetPurged } from '@telemed-ledger/network/fabric/forgetting.ts';
import { heal } from '@telemed-ledger/network/fabric/healing.ts';
import { chaincodeProcess, type PeerLayout } from '@telemed-ledger/network/fabric/layout.ts';
import type { Material } from '@telemed-ledger/network/fabric/material.ts';
import { alone, bringUp, removeNetwork, restartNode, takeDown } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf, prepareNetwork } from '@telemed-ledger/network/fabric/prepare.ts';
import { lastLines, logFile, runningPid, stopProcess } from '@telemed-ledger/network/fabric/processes.ts';
import { untilHeight } from '@telemed-ledger/network/fabric/rebuild.ts';
import { positive, UsageError } from '../command-line.ts';
import { holdDataDirectory } from '../consortium/data-directory.ts';
import { dropReadModels } from '../consortium/read-models.ts';
import { backup, restore } from './backup.ts';
import { certs } from './certificates.ts';
import {
  chaincodeOf,
  deployedFor,
  loadChaincode,
  type Next,
  nextChaincode,
  serveChaincode,
  serveOne,
} from './chaincode.ts';
import { applyChanges, plan, renewCertificates, sign } from './changes.ts';
import { containerPreflight, preflight } from './check.ts';
import { deployedPackage, type NetworkContext, NO_NETWORK, networkContext } from './context.ts';
import { untilAllEndorse } from './endorsing.ts';
import { nodesOf } from './healing.ts';
import { exportPart, introduce, take } from './part.ts';
import { revokeCertificates } from './revoking.ts';
import { preparedMaterial, printState, status } from './status.ts';

export interface Arguments {
  names: string[];
  ordering?: string | undefined;
  lines?: string | undefined;
  org?: string | undefined;
  to?: string | undefined;
  recipient?: string[] | undefined;
  identity?: string[] | undefined;
  unencrypted: boolean;
  yes: boolean;
  containers: boolean;
}

export const COMMANDS: Record<string, (given: Arguments) => Promise<number>> = {
  up,
  deploy: deployChaincode,
  status,
  plan,
  apply: applyChanges,
  sign,
  renew: renewCertificates,
  certs,
  revoke: revokeCertificates,
  down,
  restart,
  forget,
  backup,
  restore,
  logs,
  reset,
  check,
  compose,
  introduce,
  take,
  export: exportPart,
};

async function up({ ordering }: Arguments): Promise<number> {
  const began = Date.now();
  const context = networkContext(ordering);
  const { consortium, layout } = context;
  const binaries = await requireBinaries(process.env);
  const isWell = await alone(layout, async () => {
    const [served, next] = [deployedPackage(layout), nextChaincode(layout)];
    if (existsSync(layout.genesisBlock)) {
      const nodes = nodesOf(context, await materialOf(consortium, layout), async () => binaries);
      await heal(nodes, console.log, { onlySilent: true });
    }
    // Which of two is to serve, the one before or the next, the channel says.
    const early = next === undefined && served !== undefined ? serveChaincode(deployedFor(context), served) : undefined;
    const [material] = await Promise.all([bringUp(consortium, layout, binaries), early]);
    await untilWithOthers(context, material, binaries);
    if (next !== undefined) await serveAgreed(context, material, binaries, served, next);
    if (deployedPackage(layout) !== undefined) await untilAllEndorse(deployedFor(context), material);
    return heal(
      nodesOf(context, material, async () => binaries),
      console.log,
    );
  });
  await printState(context);
  if (!isWell) {
    console.error('not every node has what the others have; see above');
    return 1;
  }
  console.log(`up after ${seconds(began)}, ordering by ${layout.ordering}`);
  const deployed = deployedPackage(layout);
  if (deployed === undefined) console.log('next: npm run network -- deploy');
  else if (deployed !== packageOf(consortium, chaincodeOf(consortium)).id)
    console.log('the chaincode has changed since it was deployed: npm run network -- deploy');
  else console.log('next: npm start -- --network fabric');
  return 0;
}

/** A deployment was ended before its chaincode served: that does where it is committed, and the one before otherwise. */
async function serveAgreed(
  context: NetworkContext,
  material: Material,
  binaries: Binaries,
  served: string | undefined,
  next: Next,
): Promise<void> {
  const committed = await committedVersion(context.consortium, context.layout, material, binaries);
  if (committed === next.version) return serveChaincode(context, next.packageId);
  if (served !== undefined) await serveChaincode(deployedFor(context), served);
}

async function deployChaincode(): Promise<number> {
  const began = Date.now();
  const context = networkContext();
  const { consortium, layout } = context;
  const binaries = await requireBinaries(process.env);
  if (!existsSync(layout.genesisBlock)) throw new Error(NO_NETWORK);
  const material = await prepareNetwork(consortium, layout);
  const down = layout.peers.filter(({ process }) => runningPid(layout, process) === undefined);
  if (down.length > 0)
    throw new Error(`${down.map(({ process }) => process).join(', ')} not running: npm run network -- up`);
  const deployment = await alone(layout, async () => {
    await untilWithOthers(context, material, binaries);
    const outcome = await deploy(consortium, layout, material, binaries, chaincodeOf(consortium), {
      load: (packageId, version) => loadChaincode(context, packageId, version),
      serve: (packageId) => serveChaincode(context, packageId),
      report: (line) => console.log(`${seconds(began)}  ${line}`),
    });
    await untilAllEndorse(context, material);
    return outcome;
  });
  const what = deployment.changed ? 'deployed' : 'nothing to do';
  console.log(`${what}: sequence ${deployment.sequence}, every organisation endorses with every other`);
  console.log(`after ${seconds(began)}`);
  return 0;
}

async function down(): Promise<number> {
  const { layout } = networkContext();
  const stopped = await alone(layout, () => takeDown(layout));
  console.log(stopped.length === 0 ? 'nothing was running' : `ended ${stopped.join(', ')}; the ledgers stay`);
  return 0;
}

async function restart({ names }: Arguments): Promise<number> {
  const context = networkContext();
  const { layout } = context;
  const name = processNamed(context, names);
  const chaincode = layout.peers.find(({ organisation }) => chaincodeProcess(organisation.name) === name);
  await alone(layout, async () => {
    if (chaincode === undefined) {
      const binaries = await requireBinaries(process.env);
      return restartNode(layout, name, context.consortium.channel, await preparedMaterial(context), binaries);
    }
    const packageId = deployedPackage(layout);
    if (packageId === undefined) throw new Error('no chaincode is deployed yet: npm run network -- deploy');
    await stopProcess(layout, name);
    return serveOne(layout, chaincode, packageId);
  });
  console.log(`${name} runs as process ${runningPid(layout, name)}`);
  return 0;
}

async function forget({ names }: Arguments): Promise<number> {
  const context = networkContext();
  const { consortium, layout } = context;
  const peers = names.length === 0 ? layout.peers : names.map((name) => peerOf(layout, name));
  const material = await preparedMaterial(context);
  const binaries = await requireBinaries(process.env);
  await alone(layout, async () => {
    for (const peer of peers) {
      const [began, wasRunning] = [Date.now(), await stopProcess(layout, peer.process)];
      try {
        await forgetPurged(peer);
      } finally {
        if (wasRunning) await restartNode(layout, peer.process, consortium.channel, material, binaries);
      }
      console.log(`${peer.process} keeps nothing of what was purged, after ${seconds(began)}`);
    }
  });
  return 0;
}

async function logs({ names, lines }: Arguments): Promise<number> {
  const context = networkContext();
  const name = processNamed(context, names);
  const file = logFile(context.layout, name);
  if (!existsSync(file)) throw new Error(`${name} has no log yet (${file})`);
  console.log(lastLines(context.layout, name, positive('--lines', lines ?? '40')));
  console.log(`(${file})`);
  return 0;
}

async function reset({ yes }: Arguments): Promise<number> {
  const { layout } = networkContext();
  if (!existsSync(layout.root)) {
    console.log('there is no network to remove');
    return 0;
  }
  if (!yes && !(await agreed(`This removes every ledger in ${layout.root}. Type yes to go on: `))) {
    console.error('nothing was removed; --yes answers for you');
    return 1;
  }
  const letGo = holdDataDirectory(layout.dataDir);
  await alone(layout, () => removeNetwork(layout));
  dropReadModels(layout.dataDir, 'fabric');
  letGo();
  console.log(`removed ${layout.root} and the read models filled from it; the keys stay`);
  return 0;
}

async function check({ containers }: Arguments): Promise<number> {
  const { problems, remarks } = await (containers ? containerPreflight(process.env) : preflight(process.env));
  for (const problem of problems) console.error(problem);
  for (const remark of remarks) console.log(remark);
  console.log(problems.length === 0 ? 'nothing keeps the network from running' : `to mend: ${problems.length}`);
  return problems.length === 0 ? 0 : 1;
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(question);
  prompt.close();
  return answer.trim() === 'yes';
}

function processNamed({ layout }: NetworkContext, [name]: string[]): string {
  const all = [
    ...layout.orderers.map(({ process }) => process),
    ...layout.peers.map(({ process }) => process),
    ...layout.peers.map(({ organisation }) => chaincodeProcess(organisation.name)),
  ];
  if (name !== undefined && all.includes(name)) return name;
  throw new UsageError(`${name === undefined ? 'name one of' : `there is no ${name}:`} ${all.join(', ')}`);
}

function peerOf({ peers }: NetworkContext['layout'], organisation: string): PeerLayout {
  const peer = peers.find((one) => one.organisation.name === organisation);
  if (peer !== undefined) return peer;
  const all = peers.map((one) => one.organisation.name);
  throw new UsageError(`there is no organisation ${organisation}: ${all.join(', ')}`);
}

/** Where others run their parts elsewhere, the peers here have what the channel has. @throws Error where no orderer answers */
async function untilWithOthers({ consortium, layout }: NetworkContext, material: Material, binaries: Binaries) {
  const { channel } = consortium;
  const [first] = layout.peers;
  if (first === undefined || layout.peers.length === layout.everywhere.peers.length) return;
  const height = await heightOfChannel(layout, first, channel, material, binaries);
  await Promise.all(layout.peers.map((peer) => untilHeight({ peer, channel, height })));
}

const seconds = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`;

/** Writes docker-compose.yaml beside the packages, whole, and what Prometheus asks. */
async function compose(): Promise<number> {
  const { consortium } = networkContext();
  const files = {
    'docker-compose.yaml': composeFile(consortium),
    'network/fabric/compose/monitoring/prometheus.yaml': prometheusFile(consortium),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = new URL(`../../${name}`, import.meta.url).pathname;
    const changed = writeIfDifferent(path, text);
    if (changed) chmodSync(path, 0o644);
    console.log(`${name} ${changed ? 'is new: docker compose up --build -d' : 'is as it was'}`);
  }
  return 0;
}
