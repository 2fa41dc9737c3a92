/**
 * The typed client of the ledger's transaction table: endorse, sign, submit, wait for the outcome, and try again
 * where trying again is right. An unknown outcome is resolved with the same bytes, never guessed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Commit, Transaction as SdkTransaction } from '@hyperledger/fabric-gateway';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import {
  type InputOf,
  type OutputOf,
  type PrivateOf,
  qualifiedName,
  TRANSIENT_KEY,
  type TransactionName,
  transactions,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Consortium, Role } from '@telemed-ledger/consortium/members.ts';
import { organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import { FairSlots } from '../clients/fair-slots.ts';
import { outcomeUnknown, unavailable } from '../http/failures.ts';
import { heightOf } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { NotTogether } from './not-together.ts';
import type { Outcome, Outcomes, Waiting } from './outcomes.ts';
import { judge, refusedByOrderer, type Verdict } from './refusals.ts';

/** In whose name a transaction is sent. */
export interface Sender {
  role: Role;
  fhirUser?: string;
}

export interface Submitted<T> extends Outcome {
  result: T;
}

/** Called with the signed transaction before it is submitted; what it stores lets `resolve` finish the job. */
export type BeforeSubmit = (transactionId: string, signed: Uint8Array) => void | Promise<void>;

export interface SubmitOptions {
  as: Sender;
  /** Whose turn it takes among those who write; undefined for the gateway's own duties, which have turns of their own. */
  client?: string;
  beforeSubmit?: BeforeSubmit | undefined;
  /** Milliseconds since 1970; by default the budget from now on. */
  deadline?: number;
  /** Writes of several callers: what only one of them may be the reason of is not tried again here. */
  isShared?: boolean;
}

export interface LedgerClientOptions {
  connection: LedgerConnection;
  identityOf: (sender: Sender) => Promise<Enrolled>;
  consortium: Consortium;
  /** Name of this gateway's organisation. */
  organisation: string;
  outcomes: Outcomes;
  log: Logger;
  limits: LedgerLimits;
  /** Throws where nothing may be written now: what is written must be readable when it is answered. */
  mayWrite?: () => void;
  /** Called when the peer has committed what the feed has not brought: its stream may be dead without knowing it. */
  onFeedLate?: () => void;
  observe?: (transaction: string, outcome: string, milliseconds: number) => void;
}

export interface LedgerLimits {
  /** Callers' writes in flight; more wait for their turn. Fabric's own limit is 500 calls. */
  inFlightWrites: number;
  /** Of one client. */
  clientWrites: number;
  /** How long one write may take with all its retries. */
  budgetMs: number;
  /** How long the feed is waited for before the peer is asked for the commit status. */
  feedWaitMs: number;
}

/** A submit with the time that it has. */
type Timed = SubmitOptions & { deadline: number };

const OWN = 'duties';
/** In flight for the gateway's own duties, beside those of its callers: neither takes the other's. */
const OWN_WRITES = 20;
/** Of its budget a write may wait so much for its turn: what is left must be enough to learn an outcome. */
const WAITING_SHARE = 0.8;
const VALID = 0;
const ENDORSEMENT_POLICY_FAILURE = 10;
/** MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT. */
const CONFLICTS = new Set([11, 12]);
const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 1_000;
/** How long a refusal that not every peer shares is asked again: a peer that lags catches up meanwhile. */
const DISSENT_MS = 1_000;

const jittered = (milliseconds: number): number => milliseconds * (0.5 + Math.random());

export class LedgerClient {
  readonly #options: LedgerClientOptions;
  readonly #clients: FairSlots;
  readonly #own: FairSlots;

  constructor(options: LedgerClientOptions) {
    this.#options = options;
    const { inFlightWrites, clientWrites, budgetMs } = options.limits;
    const waitMs = budgetMs * WAITING_SHARE;
    this.#clients = new FairSlots({ all: inFlightWrites, client: clientWrites, waitMs });
    this.#own = new FairSlots({ all: OWN_WRITES, client: OWN_WRITES, waitMs });
  }

  get inFlight(): number {
    return this.#clients.taken + this.#own.taken;
  }

  /** Writes that wait until it is their client's turn. */
  get waiting(): number {
    return this.#clients.waiting + this.#own.waiting;
  }

  /**
   * Sends a transaction and answers when it is committed and the read model holds it.
   * @throws {LedgerError} what the chaincode refused. @throws {Failure} 429, 503 nothing was written, 504 unknown.
   * @throws {NotTogether} where `isShared`: instead of a LedgerError and of a second try.
   */
  async submit<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    privateInput: PrivateOf<N>,
    options: SubmitOptions,
  ): Promise<Submitted<OutputOf<N>>> {
    this.#options.mayWrite?.();
    const deadline = options.deadline ?? Date.now() + this.#options.limits.budgetMs;
    const turns = options.client === undefined ? this.#own : this.#clients;
    return turns.run(options.client ?? OWN, () => this.#observed(name, input, privateInput, { ...options, deadline }));
  }

  async #observed<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    privateInput: PrivateOf<N>,
    options: Timed,
  ): Promise<Submitted<OutputOf<N>>> {
    const started = performance.now();
    let outcome = 'failed';
    try {
      const submitted = await this.#submitUntilDone(name, input, privateInput, options);
      outcome = 'committed';
      return submitted;
    } catch (error) {
      if (error instanceof LedgerError) outcome = error.code;
      if (error instanceof NotTogether) outcome = error.refusal?.code ?? 'conflict';
      throw error;
    } finally {
      this.#options.observe?.(name, outcome, performance.now() - started);
    }
  }

  /** Asks a peer of this organisation (or of those named) without writing. */
  async evaluate<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    options: { as?: Sender; at?: string[] } = {},
  ): Promise<OutputOf<N>> {
    const identity = await this.#options.identityOf(options.as ?? { role: 'system' });
    const at = options.at ?? [this.#options.organisation];
    const request = {
      arguments: [JSON.stringify(input)],
      endorsingOrganizations: this.#mspIds(at),
    };
    try {
      const bytes = await this.#options.connection.contract(identity).evaluate(qualifiedName(name), request);
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as OutputOf<N>;
    } catch (error) {
      throw this.#explained(error, 1);
    }
  }

  /** Height of the chain as this organisation's peer has it. */
  async height(): Promise<number> {
    const identity = await this.#options.identityOf({ role: 'system' });
    const { settings } = this.#options.connection;
    const contract = this.#options.connection.network(identity).getContract('qscc');
    const request = { arguments: [settings.channel], endorsingOrganizations: [settings.mspId] };
    return heightOf(await contract.evaluate('GetChainInfo', request));
  }

  /**
   * Finishes what an earlier process submitted or was about to: sends the same bytes again, which is safe because a
   * transaction id commits once, and answers the outcome.
   */
  async resolve(signed: Uint8Array, as: Sender): Promise<Outcome> {
    const identity = await this.#options.identityOf(as);
    const transaction = this.#options.connection.gateway(identity).newTransaction(signed);
    return this.#submitAndWait(transaction, [], Date.now() + this.#options.limits.budgetMs);
  }

  async #submitUntilDone<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    privateInput: PrivateOf<N>,
    { as, beforeSubmit, deadline, isShared = false }: Timed,
  ): Promise<Submitted<OutputOf<N>>> {
    const identity = await this.#options.identityOf(as);
    const endorsers = this.#endorsersOf(name, input);
    const proposal: Proposed = {
      name: qualifiedName(name),
      argument: JSON.stringify(input),
      transient: privateInput === undefined ? undefined : JSON.stringify(privateInput),
      endorsers: this.#mspIds(endorsers),
      isShared,
    };
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
      const endorsed = await this.#endorse(identity, proposal, deadline);
      const transaction = beforeSubmit === undefined ? endorsed : await this.#signed(identity, endorsed, beforeSubmit);
      const outcome = await this.#submitAndWait(transaction, proposal.endorsers, deadline);
      if (outcome.code === VALID) {
        const result = JSON.parse(Buffer.from(transaction.getResult()).toString('utf8')) as OutputOf<N>;
        return { ...outcome, result };
      }
      const again = CONFLICTS.has(outcome.code) || outcome.code === ENDORSEMENT_POLICY_FAILURE;
      if (again && isShared) throw new NotTogether();
      const late = Date.now() + backoff > deadline;
      if (!again || late) throw this.#invalidated(name, outcome);
      await sleep(jittered(backoff));
    }
  }

  /** Endorses, again and again within the budget where peers lag or are away. */
  async #endorse(identity: Enrolled, proposed: Proposed, deadline: number): Promise<SdkTransaction> {
    const contract = this.#options.connection.contract(identity);
    const asked = proposed.endorsers.length;
    let patience = Number.POSITIVE_INFINITY;
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
      try {
        const proposal = contract.newProposal(proposed.name, {
          arguments: [proposed.argument],
          endorsingOrganizations: proposed.endorsers,
          ...(proposed.transient === undefined ? {} : { transientData: { [TRANSIENT_KEY]: proposed.transient } }),
        });
        return await proposal.endorse();
      } catch (error) {
        const verdict = judge(error, asked);
        if (proposed.isShared) refuseShared(verdict);
        const dissenting = verdict.kind === 'ledger' && !verdict.unanimous;
        if (dissenting) patience = Math.min(patience, Date.now() + DISSENT_MS);
        const until = dissenting ? Math.min(deadline, patience) : deadline;
        const again = (verdict.kind === 'retry' || dissenting) && Date.now() + backoff < until;
        if (!again) throw this.#explained(error, asked);
        await sleep(jittered(backoff));
      }
    }
  }

  /** Signs here instead of inside submit(), so that what is stored are the very bytes that are sent. */
  async #signed(identity: Enrolled, endorsed: SdkTransaction, beforeSubmit: BeforeSubmit): Promise<SdkTransaction> {
    const gateway = this.#options.connection.gateway(identity);
    const signature = await this.#options.connection.signer(identity)(endorsed.getDigest());
    const signed = gateway.newSignedTransaction(endorsed.getBytes(), signature);
    await beforeSubmit(signed.getTransactionId(), signed.getBytes());
    return signed;
  }

  async #submitAndWait(transaction: SdkTransaction, endorsers: string[], deadline: number): Promise<Outcome> {
    const waiting = this.#options.outcomes.wait(transaction.getTransactionId());
    try {
      const sent = await this.#send(transaction, waiting, deadline);
      return 'outcome' in sent ? sent.outcome : await this.#awaitOutcome(sent.commit, waiting, endorsers);
    } finally {
      waiting.cancel();
    }
  }

  /** Hands the bytes to the orderer until one accepts them or the outcome shows up, whichever is first. */
  async #send(
    transaction: SdkTransaction,
    waiting: Waiting,
    deadline: number,
  ): Promise<{ commit: Commit } | { outcome: Outcome }> {
    const transactionId = transaction.getTransactionId();
    let attempts = 0;
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS)) {
      try {
        return { commit: await transaction.submit() };
      } catch (error) {
        attempts += 1;
        if (attempts === 1 && refusedByOrderer(error)) {
          throw new Error(`the orderer refused transaction ${transactionId}: ${(error as Error).message}`);
        }
        if (Date.now() > deadline) throw outcomeUnknown(transactionId);
        this.#options.log.warn({ transactionId, attempts }, 'submit failed; the same bytes are sent again');
        const outcome = await within(waiting.outcome, jittered(backoff));
        if (outcome !== undefined) return { outcome };
      }
    }
  }

  /** From the feed; where the feed is late, from the peer, and then the feed is given a second chance to catch up. */
  async #awaitOutcome(commit: Commit, waiting: Waiting, endorsers: string[]): Promise<Outcome> {
    const { feedWaitMs } = this.#options.limits;
    const seen = await within(waiting.outcome, feedWaitMs);
    if (seen !== undefined) return seen;
    const transactionId = commit.getTransactionId();
    const status = await Promise.race([commit.getStatus().catch(() => undefined), waiting.outcome]);
    if (status === undefined) throw outcomeUnknown(transactionId);
    if (!('endorsers' in status)) this.#options.onFeedLate?.();
    const caughtUp = await within(waiting.outcome, feedWaitMs);
    if (caughtUp !== undefined) return caughtUp;
    if ('endorsers' in status) return status;
    const block = Number(status.blockNumber);
    return { transactionId, code: status.code, block, endorsers, time: new Date().toISOString() };
  }

  #endorsersOf<N extends TransactionName>(name: N, input: InputOf<N>): string[] {
    const { consortium, organisation } = this.#options;
    const endorsers = transactions[name].endorsers as (c: Consortium, caller: string, input: unknown) => string[];
    return endorsers(consortium, organisation, input);
  }

  #mspIds(names: string[]): string[] {
    return names.map((name) => {
      const organisation = organisationByName(this.#options.consortium, name);
      if (organisation === undefined) throw new LedgerError('INVALID', `there is no organisation ${name}`);
      return organisation.mspId;
    });
  }

  #explained(error: unknown, asked: number): unknown {
    const verdict = judge(error, asked);
    if (verdict.kind === 'ledger') return verdict.error;
    if (verdict.kind === 'busy') return unavailable('The peer takes no more calls at the moment.');
    if (verdict.kind === 'silent') return unavailable('The peers did not answer in time; nothing was written.');
    if (verdict.kind === 'retry') return unavailable('A peer that must endorse this is away; nothing was written.', 2);
    return error;
  }

  #invalidated(name: TransactionName, outcome: Outcome): Error {
    this.#options.log.warn({ transaction: name, transactionId: outcome.transactionId, code: outcome.code }, 'invalid');
    if (CONFLICTS.has(outcome.code)) {
      return new LedgerError('CONFLICT', 'what this transaction rests on kept changing under it');
    }
    return new Error(`transaction ${outcome.transactionId} was invalidated with code ${outcome.code}`);
  }
}

interface Proposed {
  name: string;
  argument: string;
  transient: string | undefined;
  /** MSP ids. */
  endorsers: string[];
  isShared: boolean;
}

/** @throws {NotTogether} what the content of a proposal may be the reason of, and so one member's. */
function refuseShared(verdict: Verdict): void {
  if (verdict.kind === 'ledger') throw new NotTogether(verdict.error, verdict.unanimous);
  if (verdict.kind === 'bug' || (verdict.kind === 'retry' && !verdict.away)) throw new NotTogether();
}

/** The promise's value, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
