/**
 * One peer's stream to one chaincode process: the registration, the transactions that run over it and their
 * requests. KEEPALIVE is never sent, because fabric-shim exits on it.
 */
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { Iterators } from './iterators.ts';
import { type ChaincodeMessage, decodeMessage, encodeMessage, MessageType, messageTypeName } from './messages.ts';
import { answerRequest, type RequestContext } from './requests.ts';
import { type MessageStream, openStream } from './stream.ts';

const EMPTY = new Uint8Array();
/** ChaincodeAdditionalParams as Fabric's sample configuration has them, but that keys are read one by one. */
const TAKEN = encode([1, true], [2, 1_000]);

/** What a chaincode needs to run: its namespace and simulator, and how it calls other chaincodes. */
export interface Execution extends Omit<RequestContext, 'iterators'> {
  channel: string;
  txId: string;
  /** Serialised ChaincodeInput. */
  input: Uint8Array;
  /** Serialised SignedProposal. */
  proposal: Uint8Array;
  /** Runs the ChaincodeSpec for the calling chaincode; resolves to a serialised COMPLETED message. */
  invoke(spec: Uint8Array): Promise<Uint8Array>;
}

interface Running extends RequestContext {
  execution: Execution;
  /** A request is being answered: one more is dropped, as Fabric drops it. */
  busy: boolean;
  settle(outcome: ChaincodeMessage | Error): void;
}

export class ChaincodeConnection {
  readonly ccid: string;
  readonly #stream: MessageStream;
  /** Called when an open connection is lost. */
  readonly #ended: () => void;
  readonly #running = new Map<string, Running>();
  #state: 'created' | 'ready' | 'closed' = 'created';
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(address: string, ccid: string, ended: () => void) {
    this.ccid = ccid;
    this.#ended = ended;
    this.#stream = openStream(address, {
      opened: () => {},
      message: (bytes) => this.#receiveBytes(bytes),
      closed: (reason) => this.#closed(reason),
    });
  }

  /**
   * Dials a chaincode server and waits for its registration. `ended` is called when the connection is lost later.
   * @throws Error where nothing answers or something else registers.
   */
  static async dial(address: string, ccid: string, timeoutMs: number, ended: () => void) {
    const connection = new ChaincodeConnection(address, ccid, ended);
    const timer = setTimeout(() => connection.#closed('context deadline exceeded'), timeoutMs);
    try {
      await connection.#ready.promise;
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Runs one transaction; resolves to COMPLETED or ERROR.
   * @throws Error `txid: … exists`, `timeout expired while executing transaction` or `chaincode stream terminated`.
   */
  async execute(execution: Execution, timeoutMs: number): Promise<ChaincodeMessage> {
    const id = execution.channel + execution.txId;
    if (this.#state !== 'ready') throw new Error('chaincode stream terminated');
    if (this.#running.has(id)) throw new Error(`txid: ${execution.txId}(${execution.channel}) exists`);
    const iterators = new Iterators();
    const { promise, resolve, reject } = Promise.withResolvers<ChaincodeMessage>();
    const timer = setTimeout(
      () => this.#settle(id, new Error('timeout expired while executing transaction')),
      timeoutMs,
    );
    this.#running.set(id, {
      namespace: execution.namespace,
      simulator: execution.simulator,
      iterators,
      execution,
      busy: false,
      settle: (outcome) => {
        clearTimeout(timer);
        iterators.closeAll();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      },
    });
    const { txId, channel, input, proposal } = execution;
    this.#stream.send(encodeMessage({ type: MessageType.TRANSACTION, payload: input, txId, channel, proposal }));
    return promise;
  }

  close(): void {
    this.#closed('closed');
  }

  #settle(id: string, outcome: ChaincodeMessage | Error): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.settle(outcome);
  }

  #closed(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'ready') this.#ended();
    this.#state = 'closed';
    this.#stream?.close();
    this.#ready.reject(new Error(reason));
    for (const id of [...this.#running.keys()]) this.#settle(id, new Error('chaincode stream terminated'));
  }

  /** A process that sends what is no message is not a chaincode. */
  #receiveBytes(bytes: Buffer): void {
    let message: ChaincodeMessage;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      this.#closed((error as Error).message);
      return;
    }
    this.#receive(message);
  }

  #receive(message: ChaincodeMessage): void {
    if (this.#state === 'ready') this.#handle(message);
    else if (this.#state === 'created') this.#register(message);
  }

  #register(message: ChaincodeMessage): void {
    const name = message.type === MessageType.REGISTER ? new Message(message.payload).text(2) : undefined;
    if (name !== this.ccid) {
      this.#closed(`chaincode registered as ${name ?? messageTypeName(message.type)}, expected ${this.ccid}`);
      return;
    }
    const { REGISTERED, READY } = MessageType;
    this.#stream.send(encodeMessage({ type: REGISTERED, payload: EMPTY, txId: '', channel: '' }));
    this.#stream.send(encodeMessage({ type: READY, payload: TAKEN, txId: '', channel: '' }));
    this.#state = 'ready';
    this.#ready.resolve();
  }

  #handle(message: ChaincodeMessage): void {
    const id = message.channel + message.txId;
    if (message.type === MessageType.COMPLETED || message.type === MessageType.ERROR) {
      this.#settle(id, message);
      return;
    }
    const running = this.#running.get(id);
    if (running?.busy) return;
    try {
      if (!running) throw new Error('no ledger context');
      const answer =
        message.type === MessageType.INVOKE_CHAINCODE
          ? running.execution.invoke(message.payload)
          : answerRequest(running, message.type, message.payload);
      if (answer instanceof Promise) this.#replyLater(running, message, answer);
      else this.#reply(message, answer ?? EMPTY);
    } catch (error) {
      this.#refuse(message, error);
    }
  }

  /** What walks over keys or runs another chaincode takes its time. */
  async #replyLater(running: Running, message: ChaincodeMessage, answer: Promise<Uint8Array | undefined>) {
    running.busy = true;
    try {
      const payload = await answer;
      running.busy = false;
      this.#reply(message, payload ?? EMPTY);
    } catch (error) {
      running.busy = false;
      this.#refuse(message, error);
    }
  }

  #reply({ txId, channel }: ChaincodeMessage, payload: Uint8Array): void {
    this.#stream.send(encodeMessage({ type: MessageType.RESPONSE, payload, txId, channel }));
  }

  #refuse({ type, txId, channel }: ChaincodeMessage, error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    const text = `${messageTypeName(type)} failed: transaction ID: ${txId}: ${cause}`;
    this.#stream.send(encodeMessage({ type: MessageType.ERROR, payload: Buffer.from(text), txId, channel }));
  }
}
