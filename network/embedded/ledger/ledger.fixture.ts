/** A ledger of three organisations for tests, with transactions endorsed as peers endorse them, or wrongly on purpose. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CollectionConfig } from '@telemed-ledger/formats/channel/collection-config.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import type { Field } from '@telemed-ledger/formats/protobuf/encode.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { createChannel } from '../channel/channel.ts';
import type { KeyPair, NetworkConfig } from '../config.ts';
import { type FixtureAuthority, fixtureNetwork } from '../identity/authority.fixture.ts';
import { createSigner } from '../identity/signer.ts';
import type { Channel, Identity, Ledger, Signer, Simulator } from '../seams.ts';
import { BlockFiles, BlockReader } from './blocks/block-files.ts';
import { writeDefinition } from './definitions/writer.ts';
import { ordererDirectory } from './directories.ts';
import { openLedger, readGenesis } from './ledger.ts';

export const CHAINCODE = 'basic';
const NAMES = ['alpha', 'beta', 'gamma'] as const;
export type Name = (typeof NAMES)[number];

export function collectionOf(name: string, members: string, more: Partial<CollectionConfig> = {}): CollectionConfig {
  const counts = { requiredPeerCount: 0, maxPeerCount: 3, blockToLive: 0 };
  return { name, policy: members, ...counts, memberOnlyRead: true, memberOnlyWrite: true, ...more };
}

const BOTH = "OR('AlphaMSP.member','BetaMSP.member')";
export const COLLECTIONS = [
  collectionOf('shared', BOTH),
  collectionOf('short', BOTH, { blockToLive: 2 }),
  collectionOf('gammas', "OR('GammaMSP.member')", { memberOnlyRead: false, memberOnlyWrite: false }),
  collectionOf('strict', BOTH, {
    endorsementPolicy: { signaturePolicy: "AND('AlphaMSP.peer','BetaMSP.peer')" },
  }),
];
export const POLICY = "OR('AlphaMSP.peer','BetaMSP.peer','GammaMSP.peer')";

/** What a test may get wrong. Functions take the right value and answer the one to use. */
export interface Deviations {
  channel?: string;
  type?: number;
  epoch?: number;
  nonce?: Buffer;
  /** Repeats a transaction: the same nonce gives the same id. */
  txId?: string;
  signature?: (right: Uint8Array) => Uint8Array;
  proposalHash?: (right: Buffer) => Buffer;
  extension?: Uint8Array;
  chaincodeId?: Uint8Array;
  event?: Uint8Array;
  results?: (right: Uint8Array) => Uint8Array;
  chaincodeAction?: (right: Buffer) => Buffer;
  actions?: (right: Buffer) => Buffer[];
  endorsement?: (right: Uint8Array) => Uint8Array;
  creator?: Signer;
}

/** What another process needs to open the same ledger. */
export interface SavedFixture {
  dir: string;
  config: NetworkConfig;
  clients: [Name, KeyPair][];
}

export class LedgerFixture {
  readonly dir: string;
  readonly config: NetworkConfig;
  readonly clientKeys: [Name, KeyPair][];
  readonly signers: ReadonlyMap<Name, Signer>;
  readonly clients: ReadonlyMap<Name, Signer>;
  readonly orderer: Signer;
  /** Of a fixture that was opened, not restored. */
  readonly authorities = new Map<Name, FixtureAuthority>();
  channel!: Channel;
  ledger!: Ledger;
  #copy: BlockFiles | undefined;

  private constructor({ dir, config, clients }: SavedFixture) {
    this.dir = dir;
    this.config = config;
    this.clientKeys = clients;
    const mspIdOf = (name: Name) => config.organisations.find((each) => each.name === name)!.mspId;
    this.clients = new Map(clients.map(([name, keys]) => [name, createSigner(mspIdOf(name), keys)]));
    const peers = config.organisations.map(
      ({ name, mspId, peer }) => [name, createSigner(mspId, peer.identity)] as const,
    );
    this.signers = new Map(peers as [Name, Signer][]);
    this.orderer = createSigner(config.orderer.mspId, config.orderer.identity);
  }

  /** With the chaincode defined in block 1. */
  static async open(): Promise<LedgerFixture> {
    const dir = await mkdtemp(join(tmpdir(), 'embedded-ledger-'));
    const { config, organisations } = await fixtureNetwork(dir, ...NAMES);
    const clients: [Name, KeyPair][] = [];
    for (const name of NAMES) clients.push([name, await organisations.get(name)!.ca.issue({ commonName: 'client' })]);
    const fixture = new LedgerFixture({ dir, config, clients });
    for (const name of NAMES) fixture.authorities.set(name, organisations.get(name)!.ca);
    await fixture.reopen();
    await fixture.define();
    return fixture;
  }

  /** Opens what `save` of a closed ledger described. */
  static async restore(saved: SavedFixture): Promise<LedgerFixture> {
    const fixture = new LedgerFixture(saved);
    await fixture.reopen();
    return fixture;
  }

  save(): SavedFixture {
    return { dir: this.dir, config: this.config, clients: this.clientKeys };
  }

  get ledgerDir(): string {
    return join(this.dir, 'ledger');
  }

  get organisations(): NetworkConfig['organisations'] {
    return this.config.organisations;
  }

  async reopen(): Promise<void> {
    await this.ledger?.close();
    this.channel = createChannel(this.config, await readGenesis(this.ledgerDir));
    const { channel, organisations, orderer: signer, ledgerDir: dir } = this;
    await this.#copy?.close();
    this.#copy = await BlockFiles.open(ordererDirectory(this.dir));
    this.ledger = await openLedger({ dir, channel, organisations, signer, durable: false, orderer: this.#copy });
  }

  /** The blocks that the orderer keeps, as they are now. */
  orderersCopy(): BlockReader {
    return new BlockReader(ordererDirectory(this.dir));
  }

  async define(collections = COLLECTIONS, endorsementPolicy = POLICY, version = '1.0'): Promise<void> {
    const peers = NAMES.map((organisation) => ({ organisation, signer: this.signers.get(organisation)! }));
    const chaincode = { name: CHAINCODE, version, endorsementPolicy, collections };
    await writeDefinition({ ledger: this.ledger, channel: this.channel, peers, chaincode });
  }

  identity(name: Name): Identity {
    return this.channel.identities.parse(this.clients.get(name)!.creator)!;
  }

  simulate(name: Name, client: Name = name, txId = 'a test'): Simulator {
    return this.ledger.simulate(name, { txId, creator: this.identity(client) });
  }

  /** Simulates `body` on the first organisation's peer and lets all of them endorse it. */
  async transact(
    endorsers: Name[],
    body: (simulator: Simulator) => void | Promise<void>,
    deviations: Deviations = {},
  ): Promise<Buffer> {
    const client = deviations.creator ?? this.clients.get(endorsers[0]!)!;
    const nonce = deviations.nonce ?? randomBytes(24);
    const txId = deviations.txId ?? sha256(nonce, client.creator).toString('hex');
    const simulator = this.simulate(endorsers[0]!, endorsers[0]!, txId);
    simulator.readDefinition(CHAINCODE, false);
    await body(simulator);
    const { publicRwset, privateRwset } = simulator.result();
    simulator.close();
    if (privateRwset) await this.ledger.storeTransient(endorsers[0]!, txId, this.ledger.height(), privateRwset);
    const signers = endorsers.map((name) => this.signers.get(name)!);
    return buildEnvelope({ channel: this.channel.name, txId, nonce, client, signers, publicRwset }, deviations);
  }

  /** Commits the envelopes in one block and answers their codes. */
  async commit(...envelopes: Uint8Array[]): Promise<number[]> {
    const { transactions } = await this.ledger.commit(envelopes);
    return transactions.map(({ code }) => code);
  }

  /** What a read-only simulation answers. */
  async read<T>(name: Name, query: (simulator: Simulator) => T | Promise<T>): Promise<T> {
    const simulator = this.simulate(name);
    try {
      return await query(simulator);
    } finally {
      simulator.close();
    }
  }

  async close(): Promise<void> {
    await this.ledger.close();
    await this.#copy?.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

interface EnvelopeParts {
  channel: string;
  txId: string;
  nonce: Buffer;
  client: Signer;
  signers: Signer[];
  publicRwset: Uint8Array;
}

function buildEnvelope(parts: EnvelopeParts, deviations: Deviations): Buffer {
  const { client, nonce, txId, signers } = parts;
  const signatureHeader = encode([1, client.creator], [2, nonce]);
  const extension = deviations.extension ?? encode([2, encode([2, CHAINCODE])]);
  const channelHeader = encode(
    [1, deviations.type ?? 3],
    [3, encode([1, 1_700_000_000], [2, 5])],
    [4, deviations.channel ?? parts.channel],
    [5, txId],
    [6, deviations.epoch ?? 0],
    [7, extension],
  );
  const input = encode([1, encode([1, encode([1, 1])])]);
  const results = deviations.results?.(parts.publicRwset as Buffer) ?? parts.publicRwset;
  const chaincodeId = deviations.chaincodeId ?? encode([2, CHAINCODE], [3, '1.0']);
  const fields: Field[] = [
    [1, results],
    [2, deviations.event],
    [3, encode([1, 200])],
    [4, chaincodeId],
  ];
  const action = deviations.chaincodeAction?.(encode(...fields)) ?? encode(...fields);
  const hash = sha256(channelHeader, signatureHeader, input);
  const payload = encode([1, deviations.proposalHash?.(hash) ?? hash], [2, action]);
  const endorsements = signers.map((signer) => {
    const signature = signer.sign(Buffer.concat([payload, signer.creator]));
    return encode([1, signer.creator], [2, deviations.endorsement?.(signature) ?? signature]);
  });
  const endorsed = encode([1, payload], ...repeated(2, endorsements));
  const only = encode([1, signatureHeader], [2, encode([1, input], [2, endorsed])]);
  const transaction = encode(...repeated(1, deviations.actions?.(only) ?? [only]));
  const body = encode([1, encode([1, channelHeader], [2, signatureHeader])], [2, transaction]);
  const signature = client.sign(body);
  return encode([1, body], [2, deviations.signature?.(signature) ?? signature]);
}
