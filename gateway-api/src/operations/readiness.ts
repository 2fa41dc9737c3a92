/**
 * Whether this gateway can really submit: its own peer and the custodian's answer through the chaincode, and the read
 * model holds what the chain held when it was first compared. From then on a lag under load is no reason to stop serving:
 * it is told (`behind`), and only a read model that stands still while the chain goes on makes the gateway unready.
 */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { custodianOf } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import type { StoreHealth } from '../index/health.ts';
import type { LedgerClient } from '../ledger/client.ts';
import { type Feed, ForeignLedger } from '../ledger/feed.ts';
import { LedgerFailure } from '../ledger/ledger-failure.ts';
import { loggable } from './log.ts';

export interface Readiness {
  ready: boolean;
  /** What is wrong, in words for an operator. */
  reasons: string[];
  block: number;
  /** Blocks that the peer holds and the read model does not yet; undefined where the peer does not tell. */
  behind?: number;
  /** Private values that this organisation's peer has not delivered yet. They come by themselves: no reason to be unready. */
  valuesMissing: number;
  /** There where waiting does not help: somebody has to do what the reasons say. */
  hopeless?: true;
}

/** How long the read model may hold the same block while the chain goes on. */
const STILL_MS = 15_000;
/** Anybody may ask: the peers are asked at most this often. */
const KEPT_MS = 500;
/** How reasons end that only this ends: those of ForeignLedger, and of a chain that is shorter than the read model. */
const REMEDY = 'run reindex';
/** Who asks gives up early; a peer under load may yet take a second or two. */
const PATIENCE_MS = 3_000;

export class ReadinessCheck {
  readonly #ledger: LedgerClient;
  readonly #feed: Feed;
  readonly #valuesMissing: () => number;
  /** What is wrong with whoever issues tokens. */
  readonly #issuer: () => Promise<string | undefined>;
  readonly #stores: StoreHealth;
  readonly #log: Logger;
  readonly #asked: string[];
  /** What the chain held when it was first compared. */
  #target: number | undefined;
  #caughtUp = false;
  #isStopping = false;
  /** Since when the read model stands at this block with others to come. */
  #still: { block: number; since: number } | undefined;
  #behind: number | undefined;
  #last: { at: number; answer: Promise<Readiness> } | undefined;

  constructor(
    ledger: LedgerClient,
    feed: Feed,
    stores: StoreHealth,
    consortium: Consortium,
    organisation: string,
    log: Logger,
    valuesMissing: () => number = () => 0,
    issuer: () => Promise<string | undefined> = async () => undefined,
  ) {
    this.#issuer = issuer;
    this.#log = log;
    this.#stores = stores;
    this.#ledger = ledger;
    this.#feed = feed;
    this.#valuesMissing = valuesMissing;
    this.#asked = [...new Set([organisation, custodianOf(consortium).name])];
  }

  /** From now on the gateway is not ready: it takes no new requests. */
  stop(): void {
    this.#isStopping = true;
    this.#last = undefined;
  }

  check(): Promise<Readiness> {
    if (this.#last === undefined || Date.now() - this.#last.at > KEPT_MS) {
      this.#last = { at: Date.now(), answer: this.#check() };
    }
    return this.#last.answer;
  }

  async #check(): Promise<Readiness> {
    const [database, peers, height, issuer] = [[], [], [], []] as [string[], string[], string[], string[]];
    const { failure } = this.#feed.status();
    await Promise.all([
      this.#askDatabase(database),
      ...this.#asked.map((name) => this.#askPeer(name, peers)),
      this.#compareHeight(height),
      this.#askIssuer(issuer),
    ]);
    const stopping = this.#isStopping ? ['the gateway is stopping'] : [];
    // Causes before what follows from them: without its database the stream is down, too.
    const reasons = [...stopping, ...database, ...streamReasons(failure), ...peers, ...height, ...issuer];
    const [block, valuesMissing] = [this.#feed.position(), this.#valuesMissing()];
    const behind = this.#behind === undefined ? {} : { behind: this.#behind };
    const answer = { ready: reasons.length === 0, reasons, block, ...behind, valuesMissing };
    return reasons.some((reason) => reason.endsWith(REMEDY)) ? { ...answer, hopeless: true } : answer;
  }

  async #askIssuer(reasons: string[]): Promise<void> {
    const problem = await inTime(this.#issuer()).catch(() => 'the token issuer does not answer');
    if (problem !== undefined) reasons.push(problem);
  }

  async #askDatabase(reasons: string[]): Promise<void> {
    try {
      await inTime(this.#stores.ask());
    } catch {
      reasons.push(this.#stores.failure() ?? 'the database does not answer');
    }
  }

  async #askPeer(name: string, reasons: string[]): Promise<void> {
    try {
      await inTime(this.#ledger.evaluate('ListOrganisations', {}, { at: name }));
    } catch (error) {
      this.#log.debug({ peer: name, ...loggable(error) }, 'not ready');
      const isKnown = error instanceof LedgerFailure;
      reasons.push(isKnown ? error.message : `the peer or the chaincode of ${name} does not answer`);
    }
  }

  async #compareHeight(reasons: string[]): Promise<void> {
    this.#behind = undefined;
    try {
      const position = this.#feed.position();
      const last = (await inTime(this.#ledger.height())) - 1;
      if (position > last)
        reasons.push(`the read model is ahead of the chain: it was filled from another ledger, ${REMEDY}`);
      this.#behind = Math.max(0, last - position);
      this.#target ??= last;
      if (position >= this.#target) this.#caughtUp = true;
      if (!this.#caughtUp) reasons.push(`the read model is ${last - position} blocks behind`);
      else if (this.#standsStill(position, last))
        reasons.push(`the read model stands still at block ${position} while the chain goes on to block ${last}`);
    } catch {
      reasons.push('the peer does not tell the height of its chain');
    }
  }

  #standsStill(position: number, last: number): boolean {
    if (position >= last) this.#still = undefined;
    else if (this.#still?.block !== position) this.#still = { block: position, since: Date.now() };
    return this.#still !== undefined && Date.now() - this.#still.since > STILL_MS;
  }
}

const streamReasons = (failure: Error | undefined): string[] =>
  failure === undefined ? [] : [failure instanceof ForeignLedger ? failure.message : 'the event stream is down'];

/** The answer, or a rejection when it takes too long; what was asked goes on and its end is nobody's concern. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
