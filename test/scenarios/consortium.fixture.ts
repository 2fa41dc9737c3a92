/**
 * One consortium on the embedded network, or on a Fabric network of its own where TEST_NETWORK is `fabric`, for all scenarios
 * of a run, and others for those that leave behind what would disturb the rest: started when first asked for, each in a
 * directory of its own, on ports of the system's choosing; closed and removed when the run ends.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_CONSORTIUM_FILE } from '@telemed-ledger/consortium/loader.ts';
import { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import { type RunningConsortium, startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';

export interface Scene extends RunningConsortium {
  dataDir: string;
  parties: Parties;
}

export const START_TIMEOUT_MS = 240_000;

const scenes = new Map<string, Promise<Scene>>();

/**
 * The consortium that all scenarios share, or another one of that name. Where nothing is said, it signs no trees, and its members are
 * those of the default definition. @param second name of a second payer
 */
export function consortium(name = 'shared', checkpointEveryMs = 0, second?: string): Promise<Scene> {
  const scene = scenes.get(name) ?? start(checkpointEveryMs, second);
  scenes.set(name, scene);
  return scene;
}

/** The default definition with a second payer. */
function definitionWith(second: string): string {
  const mspId = `${second.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}MSP`;
  const member = ['kind: payer', 'gatewayPort: 8087', 'peerPort: 7057'].map((line) => `\n    ${line}`).join('');
  const text = readFileSync(DEFAULT_CONSORTIUM_FILE, 'utf8');
  return text.replace('\norganisations:\n', `\norganisations:\n  - name: ${second}\n    mspId: ${mspId}${member}\n`);
}

async function start(checkpointEveryMs: number, second?: string): Promise<Scene> {
  const dataDir = mkdtempSync(join(tmpdir(), 'telemed-scenarios-'));
  const names = [
    'hospital',
    'clinic',
    'patients',
    'payer',
    'bank',
    'regulator',
    ...(second === undefined ? [] : [second]),
  ];
  const definition = second === undefined ? undefined : definitionWith(second);
  const consortiumFile = definition === undefined ? undefined : environmentOf(dataDir).CONSORTIUM;
  if (consortiumFile !== undefined) writeFileSync(consortiumFile, definition!);
  const ports = Object.fromEntries(names.map((name) => [name, 0]));
  const running = IS_FABRIC
    ? await startOnFabric(dataDir, ports, checkpointEveryMs, definition)
    : await startConsortium({ dataDir, ports, checkpointEveryMs, consortiumFile });
  return { ...running, dataDir, parties: new Parties({ dataDir, urls: running.urls }) };
}

const IS_FABRIC = process.env['TEST_NETWORK'] === 'fabric';
const environmentOf = (dataDir: string) => ({ DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') });

before(async function () {
  if (IS_FABRIC) await skipWithoutFabric(this);
});

async function startOnFabric(
  dataDir: string,
  ports: Record<string, number>,
  checkpointEveryMs: number,
  definition: string | undefined,
): Promise<RunningConsortium> {
  const environment = environmentOf(dataDir);
  await definitionOnFreePorts(environment.CONSORTIUM, definition);
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
