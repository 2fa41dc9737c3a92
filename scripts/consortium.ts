/**
 * The whole consortium on this machine: identities, the network and the chaincode in processes of their own,
 * and one gateway per organisation in this one. `npm start` and the end-to-end tests use the same function.
 */
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LEDGER_LAYOUT } from '@telemed-ledger/chaincode/model/values.ts';
import { type ConsortiumDefinition, membersOf } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { type Consortium as Members, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { type PortOwner, portVariable } from '@telemed-ledger/consortium/variables.ts';
import { createGateway } from '@telemed-ledger/gateway-api/app.ts';
import { audienceOf, ensureIssuer, issuerOf, LONGEST_MINUTES } from '@telemed-ledger/gateway-api/auth/issuer.ts';
import { DEFAULTS, type GatewayConfig } from '@telemed-ledger/gateway-api/config.ts';
import type { Gateway, Unfinished } from '@telemed-ledger/gateway-api/gateway.ts';
import { newLog } from '@telemed-ledger/gateway-api/operations/log.ts';
import { hereIn } from '@telemed-ledger/network/ca/elsewhere.ts';
import { organisationDirectory, type PreparedOrganisation } from '@telemed-ledger/network/ca/organisations.ts';
import pRetry, { AbortError } from 'p-retry';
import { assertRestored } from './backup/contents.ts';
import { holdDataDirectory } from './consortium/data-directory.ts';
import { joinFabric, startEmbedded } from './consortium/ledgers.ts';
import { madeUpParties } from './consortium/parties.ts';
import { takenPorts } from './consortium/ports.ts';
import { reachOf } from './consortium/profile.ts';
import { gatewayDirectory, type NetworkKind } from './consortium/read-models.ts';

export const CHAINCODE_VERSION = `${LEDGER_LAYOUT}.0`;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
/** How long the network of a consortium that was killed may take to commit what it has and end. */
const PREDECESSOR_MS = 5_000;

export interface ConsortiumOptions {
  dataDir: string;
  /** The embedded network, unless a Fabric network runs on this data directory and is asked for. */
  network?: NetworkKind | undefined;
  /** By default network/consortium.yaml. */
  consortiumFile?: string | undefined;
  /** Ports of gateways by organisation name, over those of the file; 0 lets the system choose. */
  ports?: Record<string, number>;
  /**
   * Likewise of the embedded network's peers. One that is not named is the file's, or any where the system chooses the
   * gateway's.
   */
  peerPorts?: Record<string, number>;
  /** Removes what an earlier start left in dataDir. */
  fresh?: boolean;
  /** Called once when a part ends by itself; what is left can only be closed. */
  onFailure?: (reason: string) => void;
  /** How long the gateways may take to catch up with the chain; a minute unless stated. */
  readyTimeoutMs?: number;
  /** How long the gateways may take to answer what is under way when they are closed. */
  drainMs?: number | undefined;
  /** How long something stands on the ledger until its members sign it; 0: never. */
  checkpointEveryMs?: number | undefined;
  logAnchorEveryMs?: number | undefined;
  /** What endpoints of Subscriptions may be called, and how soon again. */
  subscriptionHosts?: readonly string[] | undefined;
  subscriptionRetryMs?: number | undefined;
  /** What X12 files say of members; unless stated, what is made up. */
  x12Parties?: GatewayConfig['x12Parties'] | undefined;
  /** Which ids of new resources clients may choose. */
  clientIds?: GatewayConfig['clientIds'] | undefined;
  /** Origins whose pages may call the gateways from a browser. */
  browserOrigins?: readonly string[] | undefined;
  /** Proxies whose X-Forwarded headers are believed. */
  trustedProxies?: readonly string[] | undefined;
  /** Where clients find a gateway, by organisation. */
  publicUrls?: Record<string, string> | undefined;
  /** An organisation that is being restored: only that restore starts its gateway, where no client reaches it. */
  restoring?: string | undefined;
}

export interface RunningConsortium {
  consortium: ConsortiumDefinition;
  /** Base URL by organisation name. */
  urls: Record<string, string>;
  /** Of the network's and the chaincode's processes, by what they run. */
  pids: Record<string, number>;
  gateways: readonly Pick<Gateway, 'organisation' | 'readiness'>[];
  /**
   * Answers what the gateways left unfinished, by organisation; those that left nothing are not named. `drainMs` instead
   * of the one of the options.
   */
  close(drainMs?: number): Promise<Record<string, Unfinished>>;
}

/**
 * Answers when every gateway is ready to submit and has caught up; closes all of them where one does not become so in
 * time. For commands and tests: `npm start` keeps those that serve, see `openConsortium`.
 * @throws as openConsortium, and an Error that says which gateway is not ready and why
 */
export async function startConsortium(options: ConsortiumOptions): Promise<RunningConsortium> {
  const running = await openConsortium(options);
  try {
    const timeoutMs = options.readyTimeoutMs ?? READY_TIMEOUT_MS;
    await Promise.all(running.gateways.map((gateway) => untilReady(gateway, timeoutMs)));
    return running;
  } catch (error) {
    await running.close();
    throw error;
  }
}

/**
 * Answers when every gateway listens; whether each is ready is asked of it.
 * @throws ConsortiumError, UnusableCertificatesError, or an Error that names every port that is taken or that no
 * organisation has, or that the data directory is in use.
 */
export async function openConsortium(options: ConsortiumOptions): Promise<RunningConsortium> {
  const dataDir = resolve(options.dataDir);
  const consortium = loadConsortium(options.consortiumFile);
  const network = options.network ?? 'embedded';
  const here = hereIn(dataDir, consortium);
  const ports = portsOf(consortium, here, 'gateway', options.ports ?? {});
  const peerPorts = portsOf(consortium, here, 'peer', { ...chosenBySystem(ports), ...options.peerPorts });
  const taken = [
    ...(await takenPorts(ports)),
    ...(network === 'embedded' ? await takenPorts(peerPorts, 'peer', PREDECESSOR_MS) : []),
  ];
  if (taken.length > 0) throw new Error(taken.join('\n'));
  const restored = here.organisations.filter(({ name }) => name !== options.restoring);
  assertRestored(restored.map(({ name }) => organisationDirectory(dataDir, name)));
  const letGo = holdDataDirectory(dataDir);
  const closers: (() => Promise<void>)[] = [async () => letGo()];
  const opened: Gateway[] = [];
  const close = async (drainMs?: number): Promise<Record<string, Unfinished>> => {
    // All at once: each may take its time to answer what is under way.
    const unfinished = await closeAll(opened.splice(0), drainMs);
    for (const closer of closers.splice(0).reverse()) await closer();
    return unfinished;
  };
  try {
    if (options.fresh === true) removeData(dataDir, network);
    mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
    const members = membersOf(consortium);
    const ledger =
      network === 'fabric'
        ? await joinFabric(dataDir, consortium, CHAINCODE_VERSION)
        : await startEmbedded(dataDir, consortium, members, { version: CHAINCODE_VERSION, peerPorts });
    closers.push(() => ledger.stop());
    const gateways = await Promise.all(
      ledger.organisations.map((organisation) =>
        gatewayOf(
          {
            dataDir,
            consortium,
            members,
            network,
            drainMs: options.drainMs,
            checkpointEveryMs: options.checkpointEveryMs,
            logAnchorEveryMs: options.logAnchorEveryMs,
            subscriptionHosts: options.subscriptionHosts,
            subscriptionRetryMs: options.subscriptionRetryMs,
            browserOrigins: options.browserOrigins,
            clientIds: options.clientIds,
            trustedProxies: options.trustedProxies,
            publicUrls: options.publicUrls,
            x12Parties: options.x12Parties ?? madeUpParties(consortium),
          },
          organisation,
          ledger.endpoints[organisation.name]!,
          ports[organisation.name]!,
        ),
      ),
    );
    opened.push(...gateways);
    const urls = await Promise.all(gateways.map((gateway) => gateway.listen()));
    ledger.onUnexpectedEnd((reason) => options.onFailure?.(reason));
    return {
      consortium,
      gateways,
      urls: Object.fromEntries(gateways.map(({ organisation }, at) => [organisation, urls[at]!])),
      pids: ledger.pids,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeAll(
  gateways: readonly Gateway[],
  drainMs: number | undefined,
): Promise<Record<string, Unfinished>> {
  const closed = await Promise.all(
    gateways.map(async (gateway) => [gateway.organisation, await gateway.close(drainMs)] as const),
  );
  return Object.fromEntries(closed.filter(([, left]) => left.requests > 0 || left.transactions.length > 0));
}

interface Surroundings {
  dataDir: string;
  consortium: ConsortiumDefinition;
  members: Members;
  network: NetworkKind;
  drainMs: number | undefined;
  checkpointEveryMs: number | undefined;
  logAnchorEveryMs: number | undefined;
  subscriptionHosts: readonly string[] | undefined;
  subscriptionRetryMs: number | undefined;
  browserOrigins: readonly string[] | undefined;
  clientIds: GatewayConfig['clientIds'] | undefined;
  trustedProxies: readonly string[] | undefined;
  publicUrls: Record<string, string> | undefined;
  x12Parties: GatewayConfig['x12Parties'];
}

async function gatewayOf(
  { dataDir, consortium, members, network, drainMs, checkpointEveryMs, logAnchorEveryMs, ...more }: Surroundings,
  organisation: PreparedOrganisation,
  endpoint: string,
  port: number,
): Promise<Gateway> {
  const { name, mspId, kind, directory } = organisation;
  const { connection, identities } = reachOf(dataDir, consortium, organisation, endpoint);
  const issuerDir = join(directory, 'issuer');
  const keys = await ensureIssuer(issuerDir);
  const publicUrl = more.publicUrls?.[name];
  const config = {
    ...DEFAULTS,
    organisation: { name, mspId, kind },
    connection,
    port,
    dataDir: gatewayDirectory(directory, network),
    witnessDir: join(directory, 'witness'),
    ...(checkpointEveryMs === undefined ? {} : { checkpointEveryMs }),
    ...(logAnchorEveryMs === undefined ? {} : { logAnchorEveryMs }),
    ...(drainMs === undefined ? {} : { drainMs }),
    ...(more.subscriptionHosts === undefined ? {} : { subscriptionHosts: more.subscriptionHosts }),
    ...(more.browserOrigins === undefined ? {} : { browserOrigins: more.browserOrigins }),
    ...(more.clientIds === undefined ? {} : { clientIds: more.clientIds }),
    ...(more.trustedProxies === undefined ? {} : { trustedProxies: more.trustedProxies }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    issuerDir,
    profilesDir: join(directory, 'profiles'),
    ...(more.subscriptionRetryMs === undefined ? {} : { subscriptionRetryMs: more.subscriptionRetryMs }),
    x12Parties: more.x12Parties,
    // Where nobody says otherwise, links that lead nowhere.
    video: Object.fromEntries(organisationsOfKind(members, 'provider').map((one) => [one.name, { adapter: 'none' }])),
    tokens: { issuer: issuerOf(name), audience: audienceOf(name), keys, maxMinutes: LONGEST_MINUTES },
  };
  const logFile = createWriteStream(join(dataDir, 'logs', `gateway-${name}.log`), { flags: 'a', mode: 0o600 });
  return createGateway(config, { consortium: members, identities, log: newLog(name, 'info', logFile) });
}

async function untilReady(gateway: RunningConsortium['gateways'][number], timeoutMs: number): Promise<void> {
  const attempt = async (): Promise<void> => {
    const { ready, reasons, hopeless } = await gateway.readiness();
    if (ready) return;
    const failure = new Error(`${gateway.organisation}'s gateway is not ready: ${reasons.join('; ')}`);
    throw hopeless === true ? new AbortError(failure) : failure;
  };
  await pRetry(attempt, {
    ...{ retries: Number.POSITIVE_INFINITY, maxRetryTime: timeoutMs, minTimeout: READY_POLL_MS, factor: 1 },
  });
}

/** Of those who are run from here; others may be named. */
function portsOf(
  consortium: ConsortiumDefinition,
  here: ConsortiumDefinition,
  owner: PortOwner,
  chosen: Record<string, number>,
): Record<string, number> {
  const names = consortium.organisations.map(({ name }) => name);
  const unknown = Object.keys(chosen).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const lines = unknown.map((name) => `${portVariable(name, owner)}: there is no organisation ${name}`);
    throw new Error([...lines, `the organisations are ${names.join(', ')}`].join('\n'));
  }
  return Object.fromEntries(
    here.organisations.map(({ name, gatewayPort, peerPort }) => [
      name,
      chosen[name] ?? (owner === 'gateway' ? gatewayPort : peerPort),
    ]),
  );
}

/** Those organisations whose port is any. */
const chosenBySystem = (ports: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(ports).filter(([, port]) => port === 0));

/** What `npm start` makes under DATA_DIR. Nothing else is ever removed. */
const OURS = ['network', 'organisations', 'logs', 'load'];

/** @throws Error where a Fabric network's keys would be lost with it. */
function removeData(dataDir: string, network: NetworkKind): void {
  if (network === 'fabric')
    throw new Error('--fresh is for the embedded network; npm run network -- reset begins anew');
  if (existsSync(join(dataDir, 'fabric')))
    throw new Error(`${dataDir} also holds a Fabric network with the same keys: npm run network -- reset first`);
  if (!existsSync(dataDir)) return;
  for (const entry of readdirSync(dataDir)) {
    if (OURS.includes(entry)) rmSync(join(dataDir, entry), { recursive: true, force: true });
  }
}
