/** The conformance suite's network, embedded in this process, on ports of the system's choice. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaincodeConfig, NetworkConfig } from '@telemed-ledger/network/embedded/config.ts';
import { BlockReader } from '@telemed-ledger/network/embedded/ledger/blocks/block-files.ts';
import { ordererDirectory } from '@telemed-ledger/network/embedded/ledger/directories.ts';
import { describeDamage } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import { verifyLedger } from '@telemed-ledger/network/embedded/ledger/verification/verify.ts';
import type { NetworkMessage } from '@telemed-ledger/network/embedded/main.ts';
import { startNetwork } from '@telemed-ledger/network/embedded/network.ts';
import { ChaincodeHost, type PackageId } from './chaincode.ts';
import { createMaterial, type Material, ORGANISATIONS, type OrganisationName } from './material.ts';
import {
  BATCH,
  CHANNEL,
  type ChaincodeDefinition,
  type ConformanceNetwork,
  type CrashableNetwork,
  DEFINITIONS,
  EXECUTE_TIMEOUT_MS,
} from './network.ts';

const packageId: PackageId = (name) => `${name}:${(name === 'main' ? '0' : '1').repeat(64)}`;

export async function startEmbedded(material?: Material): Promise<ConformanceNetwork> {
  const given = material ?? (await createMaterial());
  const dataDir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const chaincodes = await ChaincodeHost.start(packageId);
  const config = embeddedConfig(
    given,
    dataDir,
    Object.values(DEFINITIONS).map((each) => chaincodeConfig(each, chaincodes)),
  );
  const network = await startNetwork(config);
  return {
    name: 'the embedded network',
    material: given,
    endpoints: network.endpoints as Endpoints,
    chaincodes,
    define: (definition) => network.define(chaincodeConfig(definition, chaincodes)),
    async close() {
      await network.close();
      chaincodes.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The same network as a process of its own. */
export async function startEmbeddedProcess(): Promise<CrashableNetwork> {
  const material = await createMaterial();
  const dataDir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const chaincodes = await ChaincodeHost.start(packageId);
  const definitions = Object.values(DEFINITIONS).map((each) => chaincodeConfig(each, chaincodes));
  const config = embeddedConfig(material, dataDir, definitions);
  let { child, endpoints } = await launch(config);
  const kill = async () => {
    const exited = once(child, 'exit');
    if (child.kill('SIGKILL')) await exited;
  };
  return {
    name: 'the embedded network',
    material,
    get endpoints() {
      return endpoints;
    },
    chaincodes,
    define: () => Promise.reject(new Error('definitions are given at the start')),
    kill,
    async restart() {
      ({ child, endpoints } = await launch(config));
    },
    async replay() {
      await kill();
      const dir = join(dataDir, 'ledger');
      const { damages } = await verifyLedger({ dir, config, orderer: new BlockReader(ordererDirectory(dataDir)) });
      return damages.map((damage) => `${damage.place}: ${describeDamage(damage)}`);
    },
    async close() {
      await kill();
      chaincodes.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function launch(config: NetworkConfig): Promise<{ child: ChildProcess; endpoints: Endpoints }> {
  const child = fork(new URL(import.meta.resolve('@telemed-ledger/network/embedded/main.ts')), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send(config);
  const [message] = (await once(child, 'message')) as [NetworkMessage];
  if ('ready' in message) return { child, endpoints: message.endpoints as Endpoints };
  throw new Error(`the network did not start: ${JSON.stringify(message)}`);
}

type Endpoints = Record<OrganisationName, string>;

function embeddedConfig(material: Material, dataDir: string, chaincodes: ChaincodeConfig[]): NetworkConfig {
  const { orderer, organisations } = material;
  return {
    dataDir,
    channel: CHANNEL,
    organisations: ORGANISATIONS.map((name) => {
      const { mspId, ca, peer, peerTls, revocationList } = organisations[name];
      return {
        name,
        mspId,
        caCertificate: ca.certificate,
        tlsCaCertificate: ca.certificate,
        revocationLists: [revocationList],
        peer: { identity: peer, tls: peerTls, port: 0 },
      };
    }),
    orderer: {
      mspId: orderer.mspId,
      caCertificate: orderer.ca.certificate,
      tlsCaCertificate: orderer.ca.certificate,
      identity: orderer.node,
    },
    batch: BATCH,
    chaincodes,
    executeTimeoutMs: EXECUTE_TIMEOUT_MS,
  };
}

function chaincodeConfig(definition: ChaincodeDefinition, chaincodes: ChaincodeHost): ChaincodeConfig {
  const { name, version, policy, collections, runs } = definition;
  return {
    name,
    version,
    packageId: packageId(definition.package, 'org1'),
    endorsementPolicy: policy,
    collections,
    addresses: Object.fromEntries(runs.map((each) => [each, chaincodes.address(definition.package, each)])),
  };
}
