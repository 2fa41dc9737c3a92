/** A native network as `apply` works on it: by `peer`, by the orderers' participation API, and as processes. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { common } from '@hyperledger/fabric-protos';
import { takeRenewed } from '../../ca/renewals.ts';
import type { Binaries } from '../binaries.ts';
import { asAdministrator, throughOrderer } from '../channel.ts';
import { run } from '../command.ts';
import { isLeader } from '../health.ts';
import { addressOf, type NodeLayout, type OrdererLayout } from '../layout.ts';
import { authoritiesOf, type Material, ordererNode, organisationIn } from '../material.ts';
import { readNodes, restartNode } from '../network.ts';
import { materialOf, wantedConfiguration, writeNodes } from '../prepare.ts';
import { runningPid, stopProcess } from '../processes.ts';
import type { Operator } from './apply.ts';
import { type Changed, namesIn, runningConfiguration } from './configuration.ts';
import { consentersOf, type Plan, planOf } from './steps.ts';
import { encodeUpdate, type SignedUpdate } from './update-file.ts';

/** @param untilEndorsed answers when every peer endorses with every other, where a chaincode is deployed */
export function nativeOperator(
  changed: Changed,
  binaries: Binaries,
  untilEndorsed: (material: Material) => Promise<void>,
): Operator {
  const { consortium, layout } = changed;
  const { channel } = consortium;
  let { material } = changed;
  const current = (): Changed => ({ consortium, layout, material });
  return {
    configuration: () => runningConfiguration(current(), binaries),
    plan: (group) => plannedFor(current(), group),
    untilEndorsed: () => untilEndorsed(material),
    broadcast: (update, except) => broadcast(current(), binaries, update, except),
    nodes: () => readNodes(layout, channel, material),
    async takeRenewed(group) {
      const ready = layout.orderers.filter((orderer) => {
        const { next } = ordererNode(material, orderer.process);
        return next !== undefined && identityIn(group, orderer) === next.identity.certificate;
      });
      for (const { process } of ready) await takeRenewed(ordererNode(material, process).directory);
      material = await materialOf(consortium, layout);
      return ready.map(({ process }) => process);
    },
    outdated: (group) => outdated(current(), group),
    async stop(name) {
      await stopProcess(layout, name);
    },
    async restart(name) {
      writeNodes(layout, material);
      await restartNode(layout, name, channel, material, binaries);
    },
    delay: (ms) => delay(ms),
    now: () => new Date(),
  };
}

/** Orderers that do not run, and nodes that run with another certificate than the one on disk, of orderers those that the channel knows by that one. */
export async function outdated({ layout, material }: Changed, group: common.ConfigGroup): Promise<string[]> {
  const orderers = layout.orderers
    .filter((orderer) => identityIn(group, orderer) === ordererNode(material, orderer.process).identity.certificate)
    .map((node) => ({ node, certificate: ordererNode(material, node.process).tls.certificate }));
  const peers = layout.peers.map((node) => ({
    node,
    certificate: organisationIn(material, node.organisation.name).peer.tls.certificate,
  }));
  const found = await Promise.all(
    [...orderers, ...peers].map(async ({ node, certificate }) => {
      const served = await servedCertificate(node);
      const isOther = served !== undefined && served !== new X509Certificate(certificate).fingerprint256;
      const isStopped = layout.orderers.some((one) => one === node) && runningPid(layout, node.process) === undefined;
      return isOther || isStopped ? node.process : undefined;
    }),
  );
  return found.flatMap((name) => name ?? []);
}

/** For an operator: nodes whose certificates are not those of the channel or of the disk, and what mends it. */
export async function certificateFindings(changed: Changed, group: common.ConfigGroup): Promise<string[]> {
  const { layout, material } = changed;
  const unknown = layout.orderers.flatMap((orderer) => {
    const { identity, next } = ordererNode(material, orderer.process);
    const known = identityIn(group, orderer);
    if (next !== undefined && known === next.identity.certificate)
      return [`${orderer.process}: its new certificates are not in use yet`];
    if (known === identity.certificate) return [];
    return [
      `${orderer.process}: the channel knows it by another certificate than the one on disk, by which it is only a follower`,
    ];
  });
  const others = (await outdated(changed, group)).map((name) => `${name}: does not run with the certificates on disk`);
  return [...unknown, ...others].map((line) => `${line}; npm run network -- apply mends it`);
}

/** From a configuration to the one that definition and disk want. */
export async function plannedFor({ consortium, layout, material }: Changed, group: common.ConfigGroup): Promise<Plan> {
  const { channel, ordering } = consortium;
  const leads = await Promise.all(layout.orderers.map((orderer) => isLeader(orderer, channel)));
  const plan = planOf(
    channel,
    group,
    wantedConfiguration(consortium, layout, material),
    namesIn(layout),
    layout.ordering === 'raft' ? 0 : ordering.toleratedFaults,
    layout.orderers[leads.indexOf(true)]?.process,
  );
  // Whether the others order, which must be known before, is said by their administration, and that to their own host alone.
  const renewed = plan.steps.flatMap(({ orderer }) => orderer ?? []);
  if (renewed.length === 0 || layout.orderers.length === layout.everywhere.orderers.length) return plan;
  const refusal = `${renewed.join(', ')}: orderers are not renewed while others run elsewhere, here yet`;
  return { ...plan, refusals: [...plan.refusals, refusal] };
}

/** An orderer's certificate as the channel knows it. */
export function identityIn(group: common.ConfigGroup, orderer: OrdererLayout): string | undefined {
  const consenter = consentersOf(group).find((one) => `${one.getHost()}:${one.getPort()}` === addressOf(orderer));
  return consenter === undefined ? undefined : Buffer.from(consenter.getIdentity_asU8()).toString('utf8');
}

const TIMEOUT_MS = 3_000;

/** The SHA-256 fingerprint of the TLS certificate that a node runs with; undefined where nobody answers. */
function servedCertificate({ host, port, serverName }: NodeLayout): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { host, port, servername: serverName, rejectUnauthorized: false, timeout: TIMEOUT_MS };
    const socket = connect(options, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256);
      socket.destroy();
    });
    const silent = (): void => {
      resolve(undefined);
      socket.destroy();
    };
    socket.once('error', silent).once('timeout', silent);
  });
}

/** Through the first orderer that takes it; one that is about to be renewed comes last. */
async function broadcast(
  { consortium, layout, material }: Changed,
  binaries: Pick<Binaries, 'peer'>,
  update: SignedUpdate,
  except: string | undefined,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'update-'));
  const file = join(directory, 'update.pb');
  writeFileSync(file, encodeUpdate(consortium.channel, update));
  const orderers = layout.everywhere.orderers.toSorted(
    (one, other) => Number(one.process === except) - Number(other.process === except),
  );
  const [peer] = layout.peers;
  const environment = asAdministrator(peer!, organisationIn(material, peer!.organisation.name).tlsCaCertificateFile);
  try {
    for (const [index, orderer] of orderers.entries()) {
      const through = throughOrderer(orderer, authoritiesOf(material, orderer.organisation).tlsCaCertificateFile);
      try {
        await run(binaries.peer, ['channel', 'update', '-c', consortium.channel, '-f', file, ...through], environment);
        return;
      } catch (error) {
        const isLast = index === orderers.length - 1;
        if (
          isLast ||
          !/failed to create deliver client|connection refused|deadline exceeded|SERVICE_UNAVAILABLE/i.test(
            (error as Error).message,
          )
        )
          throw error;
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
