/**
 * Starts the embedded network: one channel with its ledger and orderer, and one peer per organisation, each on a TLS
 * port of its own. It speaks Fabric's gRPC services and knows nothing of what the chaincodes are for.
 */
import type { Server } from '@grpc/grpc-js';
import { ChaincodeRuntime } from './chaincode/runtime.ts';
import { createChannel } from './channel/channel.ts';
import type { ChaincodeConfig, NetworkConfig, OrganisationConfig, RunningNetwork } from './config.ts';
import { Blocks } from './deliver/blocks.ts';
import { Endorser } from './endorser/endorser.ts';
import { createSigner } from './identity/signer.ts';
import { BlockFiles } from './ledger/blocks/block-files.ts';
import { writeDefinition } from './ledger/definitions/writer.ts';
import { ordererDirectory, storeDirectory } from './ledger/directories.ts';
import { openLedger, readGenesis } from './ledger/ledger.ts';
import { assertSound } from './ledger/verification/start-check.ts';
import { Verifications } from './operations/verifications.ts';
import { createOrderer } from './orderer/orderer.ts';
import type { Channel, Ledger } from './seams.ts';
import { createServer, listen } from './server/listen.ts';
import { Pause, type Peer } from './server/peer.ts';
import { addServices } from './server/services.ts';
import { systemChaincodes } from './system/system.ts';

const EXECUTE_TIMEOUT_MS = 30_000;
/** The longest time that a timer can be set for. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * @throws Error that names what is wrong: a taken port, a store that is damaged, that another process holds or that
 * belongs to another network.
 */
export async function startNetwork(config: NetworkConfig): Promise<RunningNetwork> {
  const { ledger, channel, copy } = await openChannel(config);
  const orderer = createOrderer({ channel, ledger, batch: config.batch });
  const peers = config.organisations.map((organisation) => createPeer(organisation, config, channel, ledger));
  const verifications = new Verifications(config);
  const parts = { channel, ledger, orderer, blocks: new Blocks(ledger), peers, verifications };
  const servers: Server[] = [];
  const close = async () => {
    for (const server of servers) server.forceShutdown();
    await verifications.close();
    await orderer.close();
    for (const peer of peers) peer.runtime.close();
    await ledger.close();
    await copy.close();
  };
  const define = async (chaincode: ChaincodeConfig) => {
    assertReadable(chaincode, ledger.definition(chaincode.name)?.version);
    await writeDefinition({ ledger, channel, peers, chaincode });
    install(chaincode, peers);
  };
  try {
    for (const chaincode of config.chaincodes) await define(chaincode);
    for (const [index, organisation] of config.organisations.entries()) {
      const local = peers[index] as Peer;
      const server = createServer();
      servers.push(server);
      addServices(server, { ...parts, local });
      local.address = await listen(server, organisation);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const peerOf = (organisation: string) => findPeer(peers, organisation);
  return {
    endpoints: Object.fromEntries(peers.map(({ organisation, address }) => [organisation, address])),
    define,
    lag: (organisation, ms) => ledger.lag(peerOf(organisation).organisation, ms),
    withhold: (organisation, withheld) => ledger.withhold(peerOf(organisation).organisation, withheld),
    drop: (organisation, dropped) => drop(peerOf(organisation), dropped),
    pause: (organisation, paused) => pause(peerOf(organisation), paused, ledger),
    stopOrderer: (stopped) => orderer.stop(stopped),
    close,
  };
}

/** The channel as the existing ledger knows it, or a new one. */
async function openChannel(config: NetworkConfig): Promise<{ channel: Channel; ledger: Ledger; copy: BlockFiles }> {
  const { organisations, orderer, durable = true } = config;
  const dir = storeDirectory(config.dataDir);
  await assertSound(config);
  const genesis = await readGenesis(dir);
  const channel = createChannel(config, genesis);
  const signer = createSigner(orderer.mspId, orderer.identity);
  const copy = await BlockFiles.open(ordererDirectory(config.dataDir));
  return { channel, ledger: await openLedger({ dir, channel, organisations, signer, durable, orderer: copy }), copy };
}

function createPeer(organisation: OrganisationConfig, config: NetworkConfig, channel: Channel, ledger: Ledger): Peer {
  const { name, mspId } = organisation;
  const signer = createSigner(mspId, organisation.peer.identity);
  const runtime = new ChaincodeRuntime(channel, config.executeTimeoutMs ?? EXECUTE_TIMEOUT_MS);
  const system = systemChaincodes({ organisation: name, mspId, channel, ledger, runtime });
  const endorser = new Endorser({ organisation: name, mspId, signer, channel, ledger, runtime, system });
  return {
    organisation: name,
    mspId,
    address: '',
    signer,
    runtime,
    endorser,
    reach: new AbortController(),
    pause: new Pause(),
  };
}

/** @throws Error where the ledger was written by a chaincode whose values this one does not read. */
function assertReadable({ name, version, layout }: ChaincodeConfig, written: string | undefined): void {
  if (layout === undefined || written === undefined || Number(written.split('.')[0]) === layout) return;
  throw new Error(
    `the ledger here was written by version ${written} of chaincode ${name}, and version ${version} does not read it. ` +
      'Nothing was changed. Either begin anew (npm start -- --fresh removes the ledger, the identities and the read ' +
      'models), set DATA_DIR to another directory, or go on with the release that wrote it.',
  );
}

/** Every peer that has an address for the chaincode runs it. */
function install({ name, packageId, addresses }: ChaincodeConfig, peers: Peer[]): void {
  for (const { organisation, runtime } of peers) {
    const address = addresses[organisation];
    if (address !== undefined) runtime.install(name, { packageId, address });
  }
}

function findPeer(peers: Peer[], organisation: string): Peer {
  const peer = peers.find((each) => each.organisation === organisation);
  if (peer) return peer;
  throw new Error(`there is no organisation ${organisation}`);
}

/** As SIGSTOP does it: calls wait, and blocks pile up until it goes on. */
function pause(peer: Peer, paused: boolean, ledger: Ledger): void {
  peer.pause.set(paused);
  ledger.lag(peer.organisation, paused ? FOREVER_MS : 0);
}

function drop(peer: Peer, dropped: boolean): void {
  if (dropped) peer.reach.abort();
  else if (peer.reach.signal.aborted) peer.reach = new AbortController();
}
