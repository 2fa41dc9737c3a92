/**
 * A whole consortium for tests: the embedded network and its fault injection in this process, the chaincode in worker
 * threads, and the gateways that a test asks for.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import type { Consortium as Members, Role } from '@telemed-ledger/consortium/members.ts';
import {
  enrolUser,
  type PreparedEmbedded,
  type PreparedOrganisation,
  prepareEmbedded,
} from '@telemed-ledger/network/ca/organisations.ts';
import type { NetworkConfig, RunningNetwork } from '@telemed-ledger/network/embedded/config.ts';
import { startNetwork } from '@telemed-ledger/network/embedded/network.ts';
import { networkConfigOf } from '@telemed-ledger/network/network-config.ts';
import { pino } from 'pino';
import { type RunningHost, startHost } from '../../chaincode/src/host.ts';
import { createGateway } from './app.ts';
import type { Identities } from './auth/identities.ts';
import { audienceOf, ensureIssuer, issuerOf, issueToken, type TokenRequest } from './auth/issuer.ts';
import { DEFAULTS, type GatewayConfig } from './config.ts';
import type { Gateway } from './gateway.ts';
import { type DatabaseKind, sqlite } from './index/databases.fixture.ts';
import type { StorePlace } from './index/stores.ts';

const PACKAGE_ID = `telemed:${'0'.repeat(64)}`;
const READY_MS = 20_000;
/** Short: most tests are about something else. */
const REFUSALS_EVERY_MS = 100;

let host: Promise<RunningHost> | undefined;

/** The chaincode of every consortium of a run: it keeps nothing, and to load it takes as long as a short test. */
function chaincodeOf(consortium: Members): Promise<RunningHost> {
  const organisations = consortium.organisations.map(({ name }) => name);
  host ??= startHost({ consortium, ccid: PACKAGE_ID, organisations });
  return host;
}

after('stop the chaincode', async () => (await host)?.close());

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  body: any;
}

export class FixtureConsortium {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'telemed-consortium-'));
  readonly consortium: ConsortiumDefinition = loadConsortium();
  readonly members: Members;
  network!: RunningNetwork;
  readonly urls = new Map<string, string>();
  readonly #gateways = new Map<string, Gateway>();
  readonly #kind: DatabaseKind;
  readonly #places = new Map<string, Awaited<ReturnType<DatabaseKind['place']>>>();
  #host!: RunningHost;
  #prepared!: PreparedEmbedded;
  #networkConfig!: NetworkConfig;

  private constructor(kind: DatabaseKind) {
    this.#kind = kind;
    const { channel, chaincode, organisations } = this.consortium;
    const members = organisations.map(({ name, mspId, kind }) => ({ name, mspId, kind }));
    this.members = { channel, chaincode, organisations: members };
  }

  /**
   * Starts the network, the chaincode and the gateways of these organisations, each with a database of this kind.
   * `prepare` comes before anybody's keys are made, for whoever has other authorities make them.
   */
  static async start(
    gateways: string[],
    kind: DatabaseKind = sqlite,
    prepare?: (dataDir: string, consortium: ConsortiumDefinition) => Promise<void>,
  ): Promise<FixtureConsortium> {
    const made = new FixtureConsortium(kind);
    await prepare?.(made.dataDir, made.consortium);
    made.#prepared = await prepareEmbedded(made.dataDir, made.consortium);
    made.#host = await chaincodeOf(made.members);
    const chaincode = { version: '1.0', packageId: PACKAGE_ID, addresses: made.#host.addresses };
    const config = networkConfigOf(join(made.dataDir, 'network'), made.consortium, made.#prepared, chaincode);
    made.#networkConfig = { ...config, durable: false };
    made.network = await startNetwork(made.#networkConfig);
    for (const name of gateways) await made.open(name);
    return made;
  }

  async config(name: string, more: Partial<GatewayConfig> = {}): Promise<GatewayConfig> {
    const { mspId, kind, directory, tlsCaCertificate } = this.#organisation(name);
    const { dataDir, database } = await this.place(name);
    const { channel, chaincode } = this.members;
    const endpoint = this.network.endpoints[name]!;
    return {
      ...DEFAULTS,
      organisation: { name, mspId, kind },
      connection: { endpoint, tlsRootCertificate: tlsCaCertificate, mspId, channel, chaincode },
      port: 0,
      refusalsEveryMs: REFUSALS_EVERY_MS,
      dataDir,
      witnessDir: join(directory, 'witness'),
      // Most tests count what they write.
      checkpointEveryMs: 0,
      logAnchorEveryMs: 0,
      remindHours: 0,
      ...(database === undefined ? {} : { database }),
      tokens: {
        issuer: issuerOf(name),
        audience: audienceOf(name),
        keys: await ensureIssuer(join(directory, 'issuer')),
        maxMinutes: 60,
      },
      ...more,
    };
  }

  /** PEM texts of a server's certificate of this organisation, of its authority, and of that of its people. */
  tlsFiles(name: string): { certificate: string; key: string; authority: string; clientAuthorities: string } {
    const { peer, tlsCaCertificate: authority, caCertificate: clientAuthorities } = this.#organisation(name);
    return { certificate: peer.tls.certificate, key: peer.tls.privateKey, authority, clientAuthorities };
  }

  /** Where a gateway's stores lie, the same each time it is opened. */
  async place(name: string): Promise<StorePlace> {
    const place = this.#places.get(name) ?? (await this.#kind.place());
    this.#places.set(name, place);
    return place;
  }

  identities(name: string): Identities {
    const { identities } = this.#organisation(name);
    return {
      of: async (role, fhirUser) => {
        const files = fhirUser === undefined ? identities[role]! : await enrolUser(this.dataDir, name, role, fhirUser);
        const certificate = readFileSync(files.certificate, 'utf8');
        return { name: files.certificate, certificate, privateKey: readFileSync(files.privateKey, 'utf8') };
      },
    };
  }

  /** Opens a gateway and waits until it is ready. */
  async open(name: string, more: Partial<GatewayConfig> = {}, log = newLog()): Promise<void> {
    const deps = { consortium: this.members, identities: this.identities(name), log };
    const gateway = await createGateway(await this.config(name, more), deps);
    this.urls.set(name, await gateway.listen());
    this.#gateways.set(name, gateway);
    await until(async () => (await gateway.readiness()).ready, READY_MS);
  }

  /** Has an organisation's peer use the chaincode that listens at `address` (host:port), or its own again. */
  async useChaincode(organisation: string, address = this.#host.addresses[organisation]!): Promise<void> {
    const [chaincode] = this.#networkConfig.chaincodes;
    const addresses = { ...this.#host.addresses, [organisation]: address };
    await this.network.define({ ...chaincode!, addresses });
  }

  async shut(name: string): Promise<void> {
    await this.#gateways.get(name)?.close();
    this.#gateways.delete(name);
  }

  gateway(name: string): Gateway {
    return this.#gateways.get(name)!;
  }

  async token(
    organisation: string,
    role: Role,
    fhirUser?: string,
    more: Pick<TokenRequest, 'scope' | 'patient'> = {},
  ): Promise<string> {
    const directory = join(this.#organisation(organisation).directory, 'issuer');
    return issueToken({ directory, organisation, role, ...(fhirUser === undefined ? {} : { fhirUser }), ...more });
  }

  /** A request as a caller of an organisation: `POST /fhir/R4/Patient`; a body that is no text is sent as JSON. */
  async send(as: string, request: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const [organisation = '', role = 'system', fhirUser] = as.split(' ');
    const [method = 'GET', path = '/'] = request.split(' ');
    const response = await fetch(this.urls.get(organisation) + path, {
      method,
      headers: {
        authorization: `Bearer ${await this.token(organisation, role as Role, fhirUser)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async restartNetwork(): Promise<void> {
    await this.network.close();
    const ports = this.network.endpoints;
    const organisations = this.#networkConfig.organisations.map((organisation) => {
      const port = Number(ports[organisation.name]?.split(':')[1]);
      return { ...organisation, peer: { ...organisation.peer, port } };
    });
    this.network = await startNetwork({ ...this.#networkConfig, organisations });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#gateways.values()].map((gateway) => gateway.close()));
    await this.network?.close();
    for (const place of this.#places.values()) place.remove();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #organisation(name: string): PreparedOrganisation {
    const found = this.#prepared.organisations.find((organisation) => organisation.name === name);
    if (found === undefined) throw new Error(`no organisation ${name}`);
    return found;
  }
}

const newLog = () => pino({ level: process.env['TEST_LOG'] ?? 'silent' });

/** Waits for a condition; fails when it does not come about in time. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 10_000,
  intervalMs = 20,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not come about');
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
