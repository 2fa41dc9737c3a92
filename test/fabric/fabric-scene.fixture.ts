/** A consortium on real Fabric in a directory of its own, and ways to have one organisation of it fail. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { isListening } from '@telemed-ledger/network/fabric/health.ts';
import { chaincodeProcess, layoutOf, peerProcess } from '@telemed-ledger/network/fabric/layout.ts';
import { runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { type RunningConsortium, startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import {
  definitionOnFreePorts,
  type Outcome,
  type Running,
  runNetwork,
} from '@telemed-ledger/scripts/network/native.fixture.ts';
import { type RunningServer, serve } from '../../chaincode/src/server.ts';
import { until } from '../../gateway-api/src/consortium.fixture.ts';

const WAIT_MS = 60_000;

export class FabricScene {
  parties: Parties;
  members: Consortium;
  readonly #environment: { DATA_DIR: string; CONSORTIUM: string };
  #running: RunningConsortium;

  private constructor(environment: { DATA_DIR: string; CONSORTIUM: string }, running: RunningConsortium) {
    this.#environment = environment;
    this.#running = running;
    this.parties = new Parties({ dataDir: environment.DATA_DIR, urls: running.urls });
    this.members = membersOf(loadConsortium(environment.CONSORTIUM));
  }

  static async start(): Promise<FabricScene> {
    const dataDir = mkdtempSync(join(tmpdir(), 'fabric-scene-'));
    const environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment.CONSORTIUM);
    for (const command of ['up', 'deploy']) await commanded(environment, command);
    return new FabricScene(environment, await gatewaysOf(environment));
  }

  /** Ends the gateways and starts those of the definition as it is now. */
  gatewaysAnew(): Promise<void> {
    return this.withoutGateways(async () => undefined);
  }

  /** While no gateway runs; then those of the definition as it is are started. */
  async withoutGateways(run: () => Promise<unknown>): Promise<void> {
    this.parties.close();
    await this.#running.close();
    await run();
    this.#running = await gatewaysOf(this.#environment);
    this.parties = new Parties({ dataDir: this.#environment.DATA_DIR, urls: this.#running.urls });
    this.members = membersOf(loadConsortium(this.#environment.CONSORTIUM));
  }

  async close(): Promise<void> {
    for (const { name } of this.members.organisations) this.#signal(peerProcess(name), 'SIGCONT');
    this.parties.close();
    await this.#running.close();
    await runNetwork(['reset', '--yes'], this.#environment);
    rmSync(this.#environment.DATA_DIR, { recursive: true, force: true });
  }

  /** An organisation's host is gone: its processes, keys, read model, and what its peer and orderers hold. */
  async lose(organisation: string): Promise<void> {
    const { dataDir, peers, orderers } = this.#layout();
    const peer = peers.find((one) => one.organisation.name === organisation)!;
    const own = orderers.filter((one) => one.organisation === organisation);
    for (const { process: name } of [peer, ...own]) await this.#kill(name);
    await this.#kill(chaincodeProcess(organisation));
    for (const { directory } of [peer, ...own]) rmSync(directory, { recursive: true });
    rmSync(join(dataDir, 'organisations', organisation), { recursive: true });
  }

  /** While an organisation's peer is stopped (SIGSTOP). */
  async whilePaused(organisation: string, run: () => Promise<unknown>): Promise<void> {
    this.#signal(peerProcess(organisation), 'SIGSTOP');
    try {
      await run();
    } finally {
      this.#signal(peerProcess(organisation), 'SIGCONT');
      await this.untilReady();
    }
  }

  /** While an organisation's peer is killed (SIGKILL); then it is started again. */
  async whileKilled(organisation: string, run: () => Promise<unknown>): Promise<void> {
    await this.#kill(peerProcess(organisation));
    try {
      await run();
    } finally {
      // It waits until every peer can endorse with every other.
      await commanded(this.#environment, 'up');
      await this.untilReady();
    }
  }

  /** While an organisation's chaincode is what this thread serves, instead of its own. */
  async whileServedHere(organisation: string, run: () => Promise<unknown>): Promise<void> {
    const { peers, chaincodeDirectory } = this.#layout();
    const peer = peers.find((one) => one.organisation.name === organisation)!;
    const ccid = readFileSync(join(chaincodeDirectory, 'package-id'), 'utf8').trim();
    await this.#kill(chaincodeProcess(organisation));
    // A process that is killed listens until it has gone.
    await until(async () => !(await isListening(peer.chaincodeHost, peer.chaincodePort)), WAIT_MS);
    let server: RunningServer | undefined;
    try {
      const address = `${peer.chaincodeHost}:${peer.chaincodePort}`;
      server = await serve({ consortium: this.members, ccid, address });
      await this.untilReady();
      await run();
    } finally {
      server?.close();
      await commanded(this.#environment, 'restart', chaincodeProcess(organisation));
      await this.untilReady();
    }
  }

  /** One of `npm run network`'s on this network. @returns what it printed. @throws Error with that where it fails */
  command(...args: string[]): Promise<string> {
    return commanded(this.#environment, ...args);
  }

  /** The same, of another release or killed on its way. */
  outcomeOf(args: string[], running: Running): Promise<Outcome> {
    return runNetwork(args, this.#environment, running);
  }

  get definitionFile(): string {
    return this.#environment.CONSORTIUM;
  }

  async untilReady(): Promise<void> {
    const { gateways } = this.#running;
    const areReady = async () =>
      (await Promise.all(gateways.map((one) => one.readiness()))).every(({ ready }) => ready);
    await until(areReady, WAIT_MS);
  }

  #layout() {
    const { DATA_DIR, CONSORTIUM } = this.#environment;
    return layoutOf(DATA_DIR, loadConsortium(CONSORTIUM), 'bft');
  }

  #signal(named: string, name: NodeJS.Signals): void {
    const pid = runningPid(this.#layout(), named);
    if (pid !== undefined) process.kill(pid, name);
  }

  async #kill(named: string): Promise<void> {
    this.#signal(named, 'SIGKILL');
    await until(async () => runningPid(this.#layout(), named) === undefined, WAIT_MS);
  }
}

function gatewaysOf({ DATA_DIR, CONSORTIUM }: { DATA_DIR: string; CONSORTIUM: string }): Promise<RunningConsortium> {
  const ports = Object.fromEntries(loadConsortium(CONSORTIUM).organisations.map(({ name }) => [name, 0]));
  return startConsortium({ dataDir: DATA_DIR, network: 'fabric', consortiumFile: CONSORTIUM, ports });
}

async function commanded(environment: Record<string, string>, ...args: string[]): Promise<string> {
  const { code, out, error } = await runNetwork(args, environment);
  if (code !== 0) throw new Error(`npm run network -- ${args.join(' ')}: ${out}${error}`);
  return out;
}
