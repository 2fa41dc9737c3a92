/**
 * The chaincodes of one organisation's peer: finds the process by the committed definition, keeps one stream per
 * package, runs transactions and lets one chaincode call another (spec 3.1, 3.2, 3.4).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Channel, SignedData, Simulator } from '../seams.ts';
import { ChaincodeConnection } from './connection.ts';
import { type ChaincodeResponse, decodeResponse, encodeMessage, MessageType } from './messages.ts';

const DIAL_TIMEOUT_MS = 3000;
const DIAL_INTERVAL_MS = 50;
const SYSTEM_CHAINCODES = new Set(['qscc', 'cscc', '_lifecycle', 'lscc']);

export interface Package {
  packageId: string;
  /** `host:port` of the chaincode server. */
  address: string;
}

/** A transaction proposal as the chaincode sees it. */
export interface Invocation {
  channel: string;
  txId: string;
  /** Serialised SignedProposal, and its parts for the access check of chaincode to chaincode calls. */
  proposal: Uint8Array;
  signed: SignedData;
  simulator: Simulator;
}

export interface ExecutionResult {
  response: ChaincodeResponse;
  /** Serialised ChaincodeEvent as the chaincode sent it. */
  event?: Uint8Array;
}

export class ChaincodeRuntime {
  readonly #channel: Channel;
  readonly #timeoutMs: number;
  readonly #packages = new Map<string, Package>();
  readonly #connections = new Map<string, Promise<ChaincodeConnection>>();
  #isClosed = false;

  constructor(channel: Channel, timeoutMs: number) {
    this.#channel = channel;
    this.#timeoutMs = timeoutMs;
  }

  /** Makes a chaincode runnable on this peer and dials it ahead of its first transaction. */
  install(chaincode: string, installed: Package): void {
    const before = this.#packages.get(chaincode);
    this.#packages.set(chaincode, installed);
    if (before && before.address !== installed.address) this.#disconnect(before.packageId);
    this.#connect(installed).catch(() => {});
  }

  has(chaincode: string): boolean {
    return this.#packages.has(chaincode);
  }

  /** The package of each chaincode that this peer runs, by the chaincode's name. */
  packageIds(): Map<string, string> {
    return new Map([...this.#packages].map(([name, { packageId }]) => [name, packageId]));
  }

  /**
   * Runs a chaincode for a proposal; `input` is a serialised ChaincodeInput.
   * @throws Error with the text Fabric gives after `error in simulation: `.
   */
  async execute(chaincode: string, input: Uint8Array, invocation: Invocation): Promise<ExecutionResult> {
    const completed = await this.#run(chaincode, input, invocation).catch((error: Error) => {
      throw new Error(`failed to execute transaction ${invocation.txId}: ${error.message}`);
    });
    if (completed.type === MessageType.ERROR) {
      throw new Error(`transaction returned with failure: ${Buffer.from(completed.payload).toString('utf8')}`);
    }
    const response = decodeResponse(completed.payload);
    return completed.event ? { response, event: completed.event } : { response };
  }

  close(): void {
    this.#isClosed = true;
    for (const packageId of [...this.#connections.keys()]) this.#disconnect(packageId);
  }

  #disconnect(packageId: string): void {
    const connection = this.#connections.get(packageId);
    this.#connections.delete(packageId);
    connection?.then((open) => open.close()).catch(() => {});
  }

  async #run(chaincode: string, input: Uint8Array, invocation: Invocation) {
    const installed = this.#packages.get(chaincode);
    if (!installed) {
      const cause = `[channel ${invocation.channel}] failed to get chaincode container info for ${chaincode}`;
      throw new Error(`invalid invocation: ${cause}: chaincode ${chaincode} not found`);
    }
    const connection = await this.#connect(installed);
    const { channel, txId, proposal, simulator } = invocation;
    const invoke = (spec: Uint8Array) => this.#invoke(chaincode, spec, invocation);
    return connection
      .execute({ namespace: chaincode, simulator, channel, txId, input, proposal, invoke }, this.#timeoutMs)
      .catch((error: Error) => {
        throw new Error(`error sending: ${error.message}`);
      });
  }

  /** One chaincode calls another in the same transaction; answers the serialised COMPLETED message. */
  async #invoke(caller: string, spec: Uint8Array, invocation: Invocation): Promise<Uint8Array> {
    const fields = new Message(spec);
    const [name = '', channel = invocation.channel] = fields.message(2).text(2).split('/');
    const chaincode = name.split(':')[0] as string;
    const { txId } = invocation;
    if (SYSTEM_CHAINCODES.has(chaincode)) {
      const message = `Rejecting invoke of ${chaincode.toUpperCase()} from another chaincode, original invocation for '${caller}'`;
      return completedMessage(encode([1, 500], [2, message]), channel, txId);
    }
    if (channel !== this.#channel.name) throw new Error(`Failed to get policy manager for channel [${channel}]`);
    const denied = await this.#channel.checkAcl('propose', invocation.signed);
    if (denied) throw new Error(denied);
    invocation.simulator.readDefinition(chaincode, false);
    const completed = await this.#run(chaincode, fields.bytes(3), invocation).catch((error: Error) => {
      throw new Error(`execute failed: ${error.message}`);
    });
    return encodeMessage({ type: completed.type, payload: completed.payload, txId, channel });
  }

  #connect(installed: Package): Promise<ChaincodeConnection> {
    const known = this.#connections.get(installed.packageId);
    if (known) return known;
    const dialled = this.#dial(installed, () => {
      if (this.#connections.get(installed.packageId) === dialled) this.#connections.delete(installed.packageId);
    });
    this.#connections.set(installed.packageId, dialled);
    return dialled;
  }

  /** Tries for as long as Fabric's dial timeout, so that a chaincode that is just starting is waited for. */
  async #dial({ packageId, address }: Package, forget: () => void): Promise<ChaincodeConnection> {
    const deadline = Date.now() + DIAL_TIMEOUT_MS;
    for (;;) {
      try {
        return await ChaincodeConnection.dial(address, packageId, Math.max(deadline - Date.now(), 1), forget);
      } catch {
        if (Date.now() + DIAL_INTERVAL_MS < deadline && !this.#isClosed) {
          await delay(DIAL_INTERVAL_MS);
          continue;
        }
        forget();
        throw new Error(
          `could not launch chaincode ${packageId}: connection to ${packageId} failed: error cannot create connection ` +
            `for ${packageId}: error creating grpc connection to ${address}: failed to create new connection: ` +
            'context deadline exceeded',
        );
      }
    }
  }
}

function completedMessage(payload: Uint8Array, channel: string, txId: string): Buffer {
  return encodeMessage({ type: MessageType.COMPLETED, payload, txId, channel });
}
