/**
 * The typed client of the ledger's transaction table: endorse, sign, submit, wait for the outcome, and try again where
 * trying again is right, all within the budget of one request. An unknown outcome is resolved with the same bytes, never
 * guessed.
 */
import type { Transaction as SdkTransaction } from '@hyperledger/fabric-gateway';
import type { Decoy } from '@telemed-ledger/chaincode/model/decoys.ts';
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
import type { Endorsers } from '@telemed-ledger/consortium/endorsers.ts';
import type { Consortium, Role } from '@telemed-ledger/consortium/members.ts';
import { organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import { FairSlots } from '../clients/fair-slots.ts';
import { Failure } from '../http/failures.ts';
import { heightOf } from './block.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import type { Plan } from './endorsing/collect.ts';
import { Endorser } from './endorsing/endorser.ts';
import { LedgerFailure } from './ledger-failure.ts';
import { NotTogether } from './not-together.ts';
import type { Outcome, Outcomes, Renamed } from './outcomes.ts';
import { persist } from './persist.ts';
import type { Proposed } from './proposing.ts';
import { deadlineWithin } from './request-deadline.ts';
import { Submissions } from './submissions.ts';
import { verdictOf } from './verdict.ts';

/** In whose name a transaction is sent. */
export interface Sender {
  role: Role;
  fhirUser?: string;
}

export interface Submitted<T> extends Outcome {
  result: T;
}

/** Called with the signed transaction before it is submitted; what it stores lets `resolve` finish the job. */
export type BeforeSubmit = (transactionId: string, signed: Uint8Array, renamed?: Renamed) => void | Promise<void>;

export interface SubmitOptions {
  as: Sender;
  /** Whose turn it takes among those who write; undefined for the gateway's own duties, which have turns of their own. */
  client?: string;
  beforeSubmit?: BeforeSubmit | undefined;
  /** Milliseconds since 1970; by default the end of the request's budget. */
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
  /** Number of the last block that this gateway has seen. */
  known?: () => number;
  /** Throws where nothing may be written now: what is written must be readable when it is answered. */
  mayWrite?: () => void;
  /** Called when the peer has committed what the feed has not brought: its stream may be dead without knowing it. */
  onFeedLate?: () => void;
  /** Called with the MSP ids of organisations that computed different results. */
  onDisagreement?: (organisations: readonly string[]) => void;
  observe?: (transaction: string, outcome: string, milliseconds: number) => void;
  /** The keys that a transaction is to read beside those that its input rests on. */
  decoys?: (name: TransactionName, input: unknown, privateInput: unknown) => Promise<Decoy[]>;
}

export interface LedgerLimits {
  /** Callers' writes in flight; more wait for their turn. Fabric's own limit is 500 calls. */
  inFlightWrites: number;
  /** Of one client. */
  clientWrites: number;
  /** How long one request may take with all its retries. */
  budgetMs: number;
  /** How long the feed is waited for before the peer is asked for the commit status. */
  feedWaitMs: number;
  /** After how long without an answer another organisation is asked, where the transaction table names another. */
  hedgeMs?: number;
}

/** A submit with the time that it has. */
type Timed = SubmitOptions & { deadline: number };

const OWN = 'duties';
/**
 * In flight for the gateway's own duties, beside those of its callers: neither takes the other's. Enough for some that wait
 * for organisations that are away (duties/worker.ts says how many) and for all others.
 */
const OWN_WRITES = 100;
/** Of its budget a write may wait so much for its turn: what is left must be enough to learn an outcome. */
const WAITING_SHARE = 0.8;
const HEDGE_MS = 2_000;
const VALID = 0;
const ENDORSEMENT_POLICY_FAILURE = 10;
/** MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT. */
const CONFLICTS = new Set([11, 12]);
/** What is left of a budget for ordering and commit: endorsing ends this much sooner. */
const COMMIT_SHARE = 0.2;
const COMMIT_MS = 1_000;
/** How long a peer is waited for that is asked for the height of its chain. */
const HEIGHT_MS = 2_000;

export class LedgerClient {
  readonly #options: LedgerClientOptions;
  readonly #clients: FairSlots;
  readonly #own: FairSlots;
  readonly #endorser: Endorser;
  readonly #submissions: Submissions;
  #lastWritten = -1;

  constructor(options: LedgerClientOptions) {
    const { connection, outcomes, log, limits, known, onDisagreement } = options;
    this.#options = options;
    const { inFlightWrites, clientWrites, budgetMs } = limits;
    const waitMs = budgetMs * WAITING_SHARE;
    this.#clients = new FairSlots({ all: inFlightWrites, client: clientWrites, waitMs });
    this.#own = new FairSlots({ all: OWN_WRITES, client: OWN_WRITES, waitMs });
    this.#endorser = new Endorser({
      connection,
      log,
      hedgeMs: this.hedgeMs,
      chain: { heightAt: (mspId) => this.heightAt(mspId), known: () => known?.() ?? -1 },
      onDisagreement: (organisations) => onDisagreement?.(organisations),
    });
    const { submitMs } = connection.timeouts;
    this.#submissions = new Submissions({ ...limits, outcomes, log, submitMs, onFeedLate: options.onFeedLate });
  }

  get inFlight(): number {
    return this.#clients.taken + this.#own.taken;
  }

  /** Writes that wait until it is their client's turn. */
  get waiting(): number {
    return this.#clients.waiting + this.#own.waiting;
  }

  /** How long one organisation has before another is asked, where another may do. */
  get hedgeMs(): number {
    return this.#options.limits.hedgeMs ?? HEDGE_MS;
  }

  /** Number of the last block that holds a transaction of this gateway; −1 before the first. */
  get lastWritten(): number {
    return this.#lastWritten;
  }

  /** Ids of transactions that were sent and whose outcome is not known yet. */
  get unresolved(): string[] {
    return this.#submissions.unresolved;
  }

  /**
   * Sends a transaction and answers when it is committed and the read model holds it.
   * @throws {LedgerError} what the chaincode refused. @throws {LedgerFailure} nothing was written. @throws {Failure} 429,
   * 504 unknown. @throws {NotTogether} where `isShared`: instead of a LedgerError and of a second try.
   */
  async submit<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    privateInput: PrivateOf<N>,
    options: SubmitOptions,
  ): Promise<Submitted<OutputOf<N>>> {
    this.#options.mayWrite?.();
    const deadline = options.deadline ?? deadlineWithin(this.#options.limits.budgetMs);
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
    let outcome = 'committed';
    try {
      return await this.#submitUntilDone(name, input, privateInput, options);
    } catch (error) {
      outcome = labelOf(error);
      throw error instanceof LedgerFailure ? this.#nothingWritten(name, error) : error;
    } finally {
      this.#options.observe?.(name, outcome, performance.now() - started);
    }
  }

  /** Asks a peer of this organisation (or of the one named) without writing. @throws {LedgerError} {LedgerFailure} */
  async evaluate<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    options: { as?: Sender; at?: string; private?: PrivateOf<N> } = {},
  ): Promise<OutputOf<N>> {
    const { connection, organisation, limits } = this.#options;
    const identity = await this.#options.identityOf(options.as ?? { role: 'system' });
    const asked = this.#mspId(options.at ?? organisation);
    const deadline = Math.min(Date.now() + connection.timeouts.evaluateMs, deadlineWithin(limits.budgetMs));
    const transient = transientOf(options.private);
    const request = { arguments: [JSON.stringify(input)], endorsingOrganizations: [asked], ...transient };
    try {
      const proposal = connection.contract(identity).newProposal(qualifiedName(name), request);
      const bytes = await proposal.evaluate({ deadline });
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as OutputOf<N>;
    } catch (error) {
      throw verdictOf(error, { organisation: asked, own: connection.settings.mspId });
    }
  }

  /** Whether this organisation's peer, by name, has failed or kept a transaction waiting within the last seconds. */
  failedLately(organisation: string): boolean {
    return this.#endorser.failedLately(this.#mspId(organisation));
  }

  /** Height of the chain as this organisation's peer has it. @throws {LedgerFailure} */
  height(): Promise<number> {
    return this.heightAt(this.#options.connection.settings.mspId);
  }

  /**
   * Finishes what an earlier process submitted or was about to: sends the same bytes again, which is safe because a
   * transaction id commits once, and answers the outcome.
   */
  async resolve(signed: Uint8Array, as: Sender): Promise<Outcome> {
    const identity = await this.#options.identityOf(as);
    const transaction = this.#options.connection.gateway(identity).newTransaction(signed);
    return this.#settled(transaction, [], deadlineWithin(this.#options.limits.budgetMs));
  }

  async #submitUntilDone<N extends TransactionName>(
    name: N,
    input: InputOf<N>,
    privateInput: PrivateOf<N>,
    options: Timed,
  ): Promise<Submitted<OutputOf<N>>> {
    const { deadline } = options;
    const identity = await this.#options.identityOf(options.as);
    const plan = this.#planOf(name, input);
    const proposed: Proposed = {
      name: qualifiedName(name),
      argument: JSON.stringify(input),
      transient: privateInput === undefined ? undefined : JSON.stringify(privateInput),
      decoys: (await this.#options.decoys?.(name, input, privateInput)) ?? [],
    };
    const again = (error: Error): boolean => error instanceof Invalidated && error.isPassing && !options.isShared;
    try {
      return await persist(() => this.#submitOnce(identity, proposed, { ...options, plan, deadline }), {
        deadline,
        again,
      });
    } catch (error) {
      if (!(error instanceof Invalidated)) throw error;
      if (options.isShared && error.isPassing) throw new NotTogether();
      throw this.#explained(name, error);
    }
  }

  /** @throws {Invalidated} where the transaction was ordered and found invalid */
  async #submitOnce<T>(
    identity: Enrolled,
    proposed: Proposed,
    { plan, deadline, beforeSubmit, isShared = false }: SubmitOptions & { plan: Plan; deadline: number },
  ): Promise<Submitted<T>> {
    const endorseBy = deadline - Math.min(COMMIT_MS, this.#options.limits.budgetMs * COMMIT_SHARE);
    if (Date.now() >= endorseBy) throw new LedgerFailure('slow', 'The time for this request is used up.');
    const endorsed = await this.#endorser.endorse(identity, proposed, { plan, deadline: endorseBy, isShared });
    const { endorsers } = endorsed;
    const transaction =
      beforeSubmit === undefined
        ? endorsed.transaction
        : await this.#signed(identity, endorsed.transaction, beforeSubmit);
    const outcome = await this.#settled(transaction, endorsers, deadline);
    if (outcome.code !== VALID) throw new Invalidated(outcome);
    return { ...outcome, result: JSON.parse(Buffer.from(transaction.getResult()).toString('utf8')) as T };
  }

  async #settled(transaction: SdkTransaction, endorsers: string[], deadline: number): Promise<Outcome> {
    const outcome = await this.#submissions.submit(transaction, endorsers, deadline);
    this.#lastWritten = Math.max(this.#lastWritten, outcome.block);
    return outcome;
  }

  /** Signs here instead of inside submit(), so that what is stored are the very bytes that are sent. */
  async #signed(identity: Enrolled, endorsed: SdkTransaction, beforeSubmit: BeforeSubmit): Promise<SdkTransaction> {
    const gateway = this.#options.connection.gateway(identity);
    const signature = await this.#options.connection.signer(identity)(endorsed.getDigest());
    const signed = gateway.newSignedTransaction(endorsed.getBytes(), signature);
    await beforeSubmit(signed.getTransactionId(), signed.getBytes());
    return signed;
  }

  /** Blocks of an organisation's peer. @throws {LedgerFailure} where it does not answer */
  async heightAt(mspId: string): Promise<number> {
    const { connection } = this.#options;
    const identity = await this.#options.identityOf({ role: 'system' });
    const request = { arguments: [connection.settings.channel], endorsingOrganizations: [mspId] };
    try {
      const proposal = connection.network(identity).getContract('qscc').newProposal('GetChainInfo', request);
      return heightOf(await proposal.evaluate({ deadline: Date.now() + HEIGHT_MS }));
    } catch (error) {
      throw verdictOf(error, { organisation: mspId, own: connection.settings.mspId });
    }
  }

  #planOf<N extends TransactionName>(name: N, input: InputOf<N>): Plan {
    const { consortium, organisation } = this.#options;
    const endorsers = transactions[name].endorsers as (c: Consortium, caller: string, input: unknown) => Endorsers;
    const { must, oneOf } = endorsers(consortium, organisation, input);
    const mspIds = (names: readonly string[]) => names.map((one) => this.#mspId(one));
    return { must: mspIds(must), oneOf: mspIds(oneOf) };
  }

  #mspId(name: string): string {
    const organisation = organisationByName(this.#options.consortium, name);
    if (organisation === undefined) throw new LedgerError('INVALID', `there is no organisation ${name}`);
    return organisation.mspId;
  }

  #nothingWritten(transaction: TransactionName, failure: LedgerFailure): LedgerFailure {
    const { kind, organisations, message, level } = failure;
    this.#options.log[level]({ transaction, kind, organisations, reason: message }, 'nothing was written');
    return new LedgerFailure(kind, `${message} Nothing was written.`, organisations);
  }

  #explained(transaction: TransactionName, { outcome: { transactionId, code } }: Invalidated): Error {
    this.#options.log.warn({ transaction, transactionId, code }, 'invalid');
    return CONFLICTS.has(code)
      ? new LedgerError('CONFLICT', 'what this transaction rests on kept changing under it')
      : new Error(`transaction ${transactionId} was invalidated with code ${code}`);
  }
}

const transientOf = (privateInput: unknown) =>
  privateInput === undefined ? {} : { transientData: { [TRANSIENT_KEY]: JSON.stringify(privateInput) } };

/** The transaction stands in a block, and did nothing. */
class Invalidated extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(`transaction ${outcome.transactionId} was invalidated`);
    this.outcome = outcome;
  }

  /** Whether the same, endorsed anew, may well be valid. */
  get isPassing(): boolean {
    return CONFLICTS.has(this.outcome.code) || this.outcome.code === ENDORSEMENT_POLICY_FAILURE;
  }
}

/** How a transaction ended, as a metric's label: a LedgerError's code, a failure's kind, or `unknown`. */
function labelOf(error: unknown): string {
  if (error instanceof LedgerError) return error.code;
  if (error instanceof LedgerFailure) return error.kind;
  if (error instanceof NotTogether) return error.refusal?.code ?? 'conflict';
  return error instanceof Failure && error.status === 504 ? 'unknown' : 'failed';
}
