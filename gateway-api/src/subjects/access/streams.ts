/**
 * Streams of server-sent events (html.spec.whatwg.org, 9.2) to patients: what waits for them, and what became of it. An event's
 * id is the block at which the access stands so; who resumes from one is sent everything since, that block's again.
 */
import type { ServerResponse } from 'node:http';
import { Failure } from '../../http/failures.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { ParsedBlock } from '../../ledger/block.ts';
import type { KeyNotices } from '../patient-keys/notices.ts';
import { accessIn } from './access-events.ts';
import type { Disclosure } from './disclosure.ts';

export interface StreamsOptions {
  /** An access with its patient; undefined where there is none here, or not yet. */
  find: (access: string) => Promise<Disclosure | undefined>;
  /** A patient's accesses: those that are not decided, or with a block all that changed from it on. */
  of: (patient: string, since: number | undefined) => AsyncIterable<Disclosure>;
  shown: (disclosure: Disclosure) => object;
  /** What patients are told of their own keys; absent: nothing. */
  keys?: KeyNotices;
  /** Streams of one client and of all. */
  limits?: { client: number; all: number; heartbeatMs: number };
}

const LIMITS = { client: 4, all: 1_000, heartbeatMs: 15_000 };
/** What a client may leave unread before it is let go, bytes. It resumes. */
const MOST_UNREAD = 1024 * 1024;
/** After which a client that was let go comes again. */
const RETRY_MS = 2_000;

interface Stream {
  client: string;
  patient: string;
  response: ServerResponse;
  /** Events that come while the first are being gathered; undefined after that. */
  held: Disclosure[] | undefined;
  /** Whether who listens may still: asked before every event and with every beat. Absent: until its time is over. */
  mayGoOn?: (() => Promise<boolean>) | undefined;
  /** Whether it is the patient herself. */
  isHers: boolean;
}

export class AccessStreams {
  readonly #options: StreamsOptions;
  readonly #limits: NonNullable<StreamsOptions['limits']>;
  readonly #streams = new Set<Stream>();
  #heartbeat: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** How many are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** @throws {Failure} 429 where a client, or all together, have as many open as they may; 503 at the end */
  demandRoom(client: string): void {
    if (this.#isEnding)
      throw new Failure(503, 'transient', 'This gateway is stopping.', { headers: { 'Retry-After': '5' } });
    const own = [...this.#streams].filter((stream) => stream.client === client).length;
    const { client: ofOne, all } = this.#limits;
    const message =
      own >= ofOne
        ? `This client has ${ofOne} streams open.`
        : `This gateway has ${all} streams open: ask again later.`;
    if (own >= ofOne || this.open >= all)
      throw new Failure(429, 'throttled', message, { headers: { 'Retry-After': '5' } });
  }

  /**
   * Sends a patient's events on an answer whose head is written, until it is closed or its time is over.
   * @param since the block to resume from @param endsAt milliseconds since 1970
   */
  async add(
    { client, patient, response, mayGoOn, isHers }: Omit<Stream, 'held'>,
    { since, endsAt }: { since: number | undefined; endsAt: number },
  ): Promise<void> {
    const stream: Stream = { client, patient, response, held: [], mayGoOn, isHers };
    this.#streams.add(stream);
    const over = setTimeout(() => response.end(), Math.max(0, endsAt - Date.now()));
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#limits.heartbeatMs);
    response.once('close', () => {
      clearTimeout(over);
      this.#streams.delete(stream);
      if (this.#streams.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    try {
      await this.#tellPending(stream);
      for await (const event of this.#options.of(patient, since)) this.#write(stream, event);
      for (const event of stream.held ?? []) this.#write(stream, event);
      stream.held = undefined;
    } catch {
      // What could not be gathered is gathered when it resumes.
      response.end();
    }
  }

  /** Call it with each block that the read model holds. */
  sees(block: Pick<ParsedBlock, 'transactions'>): void {
    if (this.#streams.size === 0) return;
    const found = new Set(block.transactions.flatMap(({ event }) => accessIn(event)));
    for (const access of found) void this.#tell(access);
    for (const { event } of block.transactions) void this.#tellKeys(event).catch(() => undefined);
  }

  /** Ends all of them. */
  end(): void {
    this.#isEnding = true;
    for (const { response } of this.#streams) response.end();
  }

  async #tell(access: string): Promise<void> {
    try {
      const event = await this.#options.find(access);
      for (const stream of this.#streams) {
        if (event?.patient !== stream.patient || !(await isListening(stream))) continue;
        if (stream.held === undefined) this.#write(stream, event);
        else stream.held.push(event);
      }
    } catch (error) {
      // Where the database is gone, or something has not arrived, nobody is told: who resumes is.
      if (error instanceof DatabaseLost) this.#letAllGo();
    }
  }

  /** How her keys stand once something of them was changed. A caretaker is told nothing of them. */
  async #tellKeys(event: ParsedBlock['transactions'][number]['event']): Promise<void> {
    const { keys } = this.#options;
    const patient = await keys?.patientIn(event);
    const streams = [...this.#streams].filter((one) => one.patient === patient && one.isHers);
    if (keys === undefined || patient === undefined || streams.length === 0) return;
    const standing = await keys.standing(patient);
    for (const stream of streams)
      if (await isListening(stream))
        this.#send(stream.response, `event: patient-key\ndata: ${JSON.stringify(standing)}\n\n`);
  }

  /** To whoever comes: a key that a code has brought, and that the one in force may still end. */
  async #tellPending({ patient, response, isHers }: Stream): Promise<void> {
    if (!isHers) return;
    const standing = await this.#options.keys?.standing(patient).catch(() => undefined);
    if (standing?.pending !== undefined)
      this.#send(response, `event: patient-key\ndata: ${JSON.stringify(standing)}\n\n`);
  }

  #letAllGo(): void {
    for (const { response } of this.#streams) response.end();
  }

  #write({ response }: Stream, disclosure: Disclosure): void {
    const { block } = disclosure;
    const name = disclosure.state.status === 'requested' ? 'requested' : 'decided';
    this.#send(response, `id: ${block}\nevent: ${name}\ndata: ${JSON.stringify(this.#options.shown(disclosure))}\n\n`);
  }

  #send(response: ServerResponse, text: string): void {
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (response.writableLength > MOST_UNREAD) response.destroy();
  }

  #beat(): void {
    for (const stream of this.#streams) {
      const { response } = stream;
      void isListening(stream);
      if (response.writableLength > MOST_UNREAD) response.destroy();
      else if (!response.writableEnded) response.write(':\n\n');
    }
  }
}

/** Ends a stream whose listener may not go on, or of whom that cannot be found out. */
async function isListening({ mayGoOn, response }: Stream): Promise<boolean> {
  const goesOn = mayGoOn === undefined || (await mayGoOn().catch(() => false));
  if (!goesOn) response.end();
  return goesOn;
}
