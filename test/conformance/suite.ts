/** What the cases work with: clients of every organisation and the few steps that most cases consist of. */
import type {
  CloseableAsyncIterable,
  Contract,
  ProposalOptions,
  SubmittedTransaction,
  Transaction,
} from '@hyperledger/fabric-gateway';
import { common, gateway } from '@hyperledger/fabric-protos';
import { expect } from 'chai';
import { Client } from './client.ts';
import { ORGANISATIONS, type OrganisationName } from './material.ts';
import { type Taken, takeApart } from './messages.ts';
import { CHANNEL, type ConformanceNetwork } from './network.ts';

export type ChaincodeName = 'either' | 'both' | 'solo' | 'callee';

export interface CallOptions {
  chaincode?: ChaincodeName;
  by?: OrganisationName;
  endorsers?: string[];
  transient?: Record<string, string>;
}

/** A refused call as the SDK and the protobuf clients raise it. */
export interface Failure extends Error {
  code: number;
  details: { address: string; mspId: string; message: string }[];
  cause: { details: string; code: number };
}

export interface Outcome {
  txId: string;
  code: number;
  block: number;
}

const BLOCK_ATTEMPTS = 6;
/** CANCELLED and DEADLINE_EXCEEDED: which one depends on who notices first. */
const DEADLINES = [1, 4];

/** The suite whose case runs. */
let current: Suite | undefined;

/** Without transaction ids and other hex, addresses, times and block numbers. */
function masked(text: string): string {
  return text
    .replace(/[0-9a-f]{64,}/g, '<hex>')
    .replace(/(127\.0\.0\.1|localhost):\d+/g, '<address>')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+( ?[+-]\d{4})?( ?UTC|Z)?( m=\S+)?/g, '<time>')
    .replace(/payload is \d+ bytes/g, 'payload is <number> bytes')
    .replace(/BlockNum: \d+/g, 'BlockNum: <number>');
}

export class Suite {
  readonly network: ConformanceNetwork;
  /** What a case observed, by case, for comparison between networks. */
  readonly observed = new Map<string, string>();
  readonly #clients = new Map<string, Client>();
  #case = '';
  #failures = 0;
  #names = 0;

  constructor(network: ConformanceNetwork) {
    this.network = network;
  }

  /** Tells which case runs; its names depend on it and on nothing that another case did. */
  begin(title: string): void {
    this.#case = /^[A-Z]?\d+/.exec(title)?.[0] ?? '';
    this.#names = 0;
    this.#failures = 0;
    current = this;
  }

  /** A key that no other case uses, the same in every run. */
  name(prefix: string): string {
    this.#names++;
    return `${prefix}-${this.#case}.${this.#names}`;
  }

  /** An identity of the ordering organisation: known to the channel, and no reader or writer of the application. */
  bystander(): Client {
    const known = this.#clients.get('bystander');
    if (known) return known;
    const { orderer, organisations } = this.network.material;
    const client = new Client({
      endpoint: this.network.endpoints.org1,
      tlsRoot: organisations.org1.ca.certificate,
      mspId: orderer.mspId,
      identity: orderer.admin,
    });
    this.#clients.set('bystander', client);
    return client;
  }

  client(
    name: OrganisationName = 'org1',
    kind: 'client' | 'admin' | 'peer' | 'expired' | 'revoked' | 'foreign' = 'client',
  ) {
    const known = this.#clients.get(`${name}/${kind}`);
    if (known) return known;
    const { organisations, foreign } = this.network.material;
    const organisation = organisations[name];
    const client = new Client({
      endpoint: this.network.endpoints[name],
      tlsRoot: organisation.ca.certificate,
      mspId: organisation.mspId,
      identity: kind === 'foreign' ? foreign : organisation[kind],
    });
    this.#clients.set(`${name}/${kind}`, client);
    return client;
  }

  /** A client of one organisation that dials another organisation's peer. */
  visitor(of: OrganisationName, at: OrganisationName): Client {
    const known = this.#clients.get(`${of}@${at}`);
    if (known) return known;
    const { organisations } = this.network.material;
    const client = new Client({
      endpoint: this.network.endpoints[at],
      tlsRoot: organisations[at].ca.certificate,
      mspId: organisations[of].mspId,
      identity: organisations[of].client,
    });
    this.#clients.set(`${of}@${at}`, client);
    return client;
  }

  contract(chaincode: string = 'either', by: OrganisationName = 'org1'): Contract {
    return this.client(by).network.getContract(chaincode);
  }

  async evaluate(options: CallOptions, fn: string, ...args: string[]): Promise<string> {
    const contract = this.contract(options.chaincode, options.by);
    return Buffer.from(await contract.evaluate(fn, proposalOptions(options, args))).toString();
  }

  get(key: string, by: OrganisationName = 'org1'): Promise<string> {
    return this.evaluate({ by }, 'get', key);
  }

  endorse(options: CallOptions, fn: string, ...args: string[]): Promise<Transaction> {
    const contract = this.contract(options.chaincode, options.by);
    return contract.newProposal(fn, proposalOptions(options, args)).endorse();
  }

  async submit(options: CallOptions, fn: string, ...args: string[]): Promise<Outcome> {
    return this.commit(await this.endorse(options, fn, ...args));
  }

  /** Submits and waits until every peer has the block, because the next step may ask any of them. */
  async commit(transaction: Transaction): Promise<Outcome> {
    const outcome = await outcomeOf(await transaction.submit());
    await this.#settle(outcome.block);
    return outcome;
  }

  async #settle(block: number): Promise<void> {
    await Promise.all(ORGANISATIONS.map((name) => this.untilHeight(name, block + 1)));
  }

  /** As `submit`, for writes that must be there for what follows. */
  async write(options: CallOptions, fn: string, ...args: string[]): Promise<Outcome> {
    const outcome = await this.submit(options, fn, ...args);
    expect(outcome.code, `${fn}(${args.join(', ').slice(0, 80)}) commits`).to.equal(0);
    return outcome;
  }

  put(key: string, value: string): Promise<Outcome> {
    return this.write({}, 'put', key, value);
  }

  /** Submits in the order given and tries again with new transactions until one block holds them all. */
  async inOneBlock(prepare: () => Promise<Transaction[]>): Promise<Outcome[]> {
    for (let attempt = 0; attempt < BLOCK_ATTEMPTS; attempt++) {
      const transactions = await prepare();
      const submitted: SubmittedTransaction[] = [];
      for (const transaction of transactions) submitted.push(await transaction.submit());
      const outcomes = await Promise.all(submitted.map(outcomeOf));
      await this.#settle(Math.max(...outcomes.map(({ block }) => block)));
      if (new Set(outcomes.map(({ block }) => block)).size === 1) return outcomes;
    }
    throw new Error('the orderer never put the transactions into one block');
  }

  async height(by: OrganisationName = 'org1'): Promise<number> {
    const info = await this.contract('qscc', by).evaluateTransaction('GetChainInfo', CHANNEL);
    return common.BlockchainInfo.deserializeBinary(info).getHeight();
  }

  /** Waits until a peer has so many blocks; another one may have them earlier. */
  async untilHeight(by: OrganisationName, height: number): Promise<void> {
    const deadline = Date.now() + 10_000;
    while ((await this.height(by)) < height) {
      if (Date.now() > deadline) throw new Error(`the peer of ${by} does not reach height ${height}`);
    }
  }

  async block(number: number, by: OrganisationName = 'org1'): Promise<common.Block> {
    const bytes = await this.contract('qscc', by).evaluateTransaction('GetBlockByNumber', CHANNEL, String(number));
    return common.Block.deserializeBinary(bytes);
  }

  /** Keeps one of many answers of a case, but for what differs from run to run. */
  observeText(text: string): void {
    this.#failures++;
    this.observe(`${this.#case} answer ${this.#failures}`, masked(text));
  }

  /** Keeps a refusal with everything it says, but for what differs from run to run. */
  observeFailure(failure: Failure): void {
    const { name, code } = failure;
    if (DEADLINES.includes(code)) return;
    const details = (Array.isArray(failure.details) ? failure.details : []).map(({ mspId, message }) => [
      mspId,
      message,
    ]);
    const said = JSON.stringify({ name, code, text: textOf(failure), details: details.sort() });
    this.#failures++;
    this.observe(`${this.#case} failure ${this.#failures}`, masked(said));
  }

  /** Keeps what a case saw, so that two networks can be compared byte for byte. */
  observe(label: string, value: Uint8Array | string | object): void {
    const text =
      value instanceof Uint8Array
        ? Buffer.from(value).toString('hex')
        : typeof value === 'string'
          ? value
          : JSON.stringify(value);
    this.observed.set(label, text);
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

function proposalOptions({ endorsers, transient }: CallOptions, args: string[]): ProposalOptions {
  return {
    arguments: args,
    ...(endorsers ? { endorsingOrganizations: endorsers } : {}),
    ...(transient ? { transientData: transient } : {}),
  };
}

export async function outcomeOf(submitted: SubmittedTransaction): Promise<Outcome> {
  const { code, blockNumber, transactionId } = await submitted.getStatus();
  return { txId: transactionId, code, block: Number(blockNumber) };
}

/** The unsigned envelope of an endorsed transaction. */
export function envelopeOf(transaction: Transaction): common.Envelope {
  return gateway.PreparedTransaction.deserializeBinary(transaction.getBytes()).getEnvelope()!;
}

export function contentOf(transaction: Transaction): Taken {
  return takeApart(envelopeOf(transaction));
}

/** What a call fails with; fails itself where it does not. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    current?.observeFailure(error as Failure);
    return error as Failure;
  }
  throw new Error('the call succeeded');
}

/** The text a peer gave: of the SDK's cause where there is one, else of the gRPC error itself. */
export function textOf(failure: Failure): string {
  const { details } = failure.cause ?? (failure as unknown as { details?: string });
  return details ?? failure.message;
}

/** Everything a refused call says: its own text and that of every peer. */
export function allTexts(failure: Failure): string {
  const details = Array.isArray(failure.details) ? failure.details : [];
  return [textOf(failure), ...details.map(({ message }) => message)].join('\n');
}

/** Takes from a stream until `isEnough`, or what came before the time was over. */
export async function take<T>(
  events: CloseableAsyncIterable<T>,
  isEnough: (taken: T[]) => boolean,
  timeoutMs = 5000,
): Promise<T[]> {
  const taken: T[] = [];
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    events.close();
  }, timeoutMs);
  try {
    for await (const event of events) {
      taken.push(event);
      if (isEnough(taken)) break;
    }
  } catch (error) {
    if (!isOver) throw error;
  } finally {
    clearTimeout(timer);
    events.close();
  }
  return taken;
}
