/**
 * One consortium on the embedded network, or on a Fabric network of its own where TEST_NETWORK is `fabric`, for all scenarios
 * of a run, and others for those that leave behind what would disturb the rest: started when first asked for, each in a
 * directory of its own, on ports of the system's choosing; closed and removed when the run ends.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import { type RunningConsortium, startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { whyNoFabric } from '../conformance/fabric-at-hand.ts';

export interface Scene extends RunningConsortium {
  dataDir: string;
  parties: Parties;
}

export const START_TIMEOUT_MS = 90_000;

const scenes = new Map<string, Promise<Scene>>();

/** The consortium that all scenarios share, or another one of that name. Where nothing is said, it signs no trees. */
export function consortium(name = 'shared', checkpointEveryMs = 0): Promise<Scene> {
  const scene = scenes.get(name) ?? start(checkpointEveryMs);
  scenes.set(name, scene);
  return scene;
}

async function start(checkpointEveryMs: number): Promise<Scene> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemed-scenarios-'));
  const names = ['hospital', 'clinic', 'patients', 'payer', 'bank', 'regulator'];
  const ports = Object.fromEntries(names.map((name) => [name, 0]));
  const running = IS_FABRIC
    ? await startOnFabric(dataDir, ports, checkpointEveryMs)
    : await startConsortium({ dataDir, ports, checkpointEveryMs });
  return { ...running, dataDir, parties: new Parties({ dataDir, urls: running.urls }) };
}

const IS_FABRIC = process.env['TEST_NETWORK'] === 'fabric';
const environmentOf = (dataDir: string) => ({ DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') });

before(async function () {
  const reason = IS_FABRIC ? await whyNoFabric() : undefined;
  if (reason === undefined) return;
  console.log(`skipped: ${reason}`);
  this.skip();
});

async function startOnFabric(
  dataDir: string,
  ports: Record<string, number>,
  checkpointEveryMs: number,
): Promise<RunningConsortium> {
  const environment = environmentOf(dataDir);
  await definitionOnFreePorts(environment.CONSORTIUM);
  for (const command of ['up', 'deploy']) {
    const { code, error } = await runNetwork([command], environment);
    if (code !== 0) throw new Error(error);
  }
  return startConsortium({
    dataDir,
    ports,
    network: 'fabric',
    consortiumFile: environment.CONSORTIUM,
    checkpointEveryMs,
  });
}

after(async function () {
  this.timeout(90_000);
  for (const scene of scenes.values()) {
    const opened = await scene.catch(() => undefined);
    opened?.parties.close();
    await opened?.close();
    if (opened !== undefined && IS_FABRIC) await runNetwork(['down'], environmentOf(opened.dataDir));
    if (opened !== undefined) rmSync(opened.dataDir, { recursive: true, force: true });
  }
});

const TIMEOUTS = { evaluateMs: 10_000, endorseMs: 10_000, submitMs: 10_000, commitStatusMs: 10_000 };

/** An organisation's own view of the channel, by the SDK and not by its gateway. */
export class Member {
  readonly #connection: LedgerConnection;
  readonly #identity: { name: string; certificate: string; privateKey: string };

  constructor(dataDir: string, organisation: string) {
    const file = join(dataDir, 'organisations', organisation, 'connection.json');
    const { tlsRootCertificate, identities, ...reach } = JSON.parse(readFileSync(file, 'utf8'));
    const read = (path: string): string => readFileSync(path, 'utf8');
    const { certificate, privateKey } = identities.system;
    this.#connection = new LedgerConnection({ ...reach, tlsRootCertificate: read(tlsRootCertificate) }, TIMEOUTS);
    this.#identity = { name: 'system', certificate: read(certificate), privateKey: read(privateKey) };
  }

  get network() {
    return this.#connection.network(this.#identity);
  }

  /** fabric.BlockchainInfo as bytes: height and hashes. Equal bytes: nothing was written in between. */
  async chainInfo(): Promise<string> {
    const { channel, mspId } = this.#connection.settings;
    const request = { arguments: [channel], endorsingOrganizations: [mspId] };
    return Buffer.from(await this.network.getContract('qscc').evaluate('GetChainInfo', request)).toString('hex');
  }

  close(): void {
    this.#connection.close();
  }
}
