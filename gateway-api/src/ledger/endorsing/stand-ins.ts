/**
 * Organisations any one of which may endorse, asked in their order: the next when one fails, refuses, or takes so long
 * that another may well be quicker. Those that failed lately come last.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { type FailureKind, LedgerFailure } from '../ledger-failure.ts';
import { isOutdated } from '../outdated.ts';
import { Refused } from './dissent.ts';
import type { Endorsement } from './endorsement.ts';
import type { FailureMemory } from './failure-memory.ts';

/** Asks one organisation, by MSP id, until a deadline. @throws {LedgerError} @throws {LedgerFailure} */
export type Ask = (organisation: string, deadline: number) => Promise<Endorsement>;

export interface StandInOptions {
  ask: Ask;
  /** Milliseconds since 1970. */
  deadline: number;
  /** After how long without an answer the next one is asked as well. */
  hedgeMs: number;
  /** Kinds of failure after which the same peer is asked again, within the deadline. */
  retried: ReadonlySet<FailureKind>;
  /** Who failed lately. */
  memory: FailureMemory;
}

/** Before all are asked again. */
const PAUSE_MS = 250;
/** A peer is given up after so many times what makes the next one be asked. */
const GIVEN_UP_AFTER = 3;

export class StandIns {
  readonly #all: readonly string[];
  readonly #options: StandInOptions;
  #due: string[];
  #pending = 0;
  /** How many of them take longer than it takes to ask another. */
  #late = 0;
  #closed = false;
  readonly #answers: Endorsement[] = [];
  readonly #refusals = new Map<string, LedgerError>();
  readonly #failures = new Map<string, Error>();
  #wake: () => void = () => undefined;

  constructor(organisations: readonly string[], options: StandInOptions) {
    this.#all = organisations;
    this.#options = options;
    this.#due = options.memory.sorted(organisations);
  }

  /** The next answer; undefined when nobody is left: see `failure`. */
  async next(): Promise<Endorsement | undefined> {
    if (this.#answers.length === 0) this.#askNext();
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#isInVain()) return undefined;
      if (this.#pending === 0 && this.#due.length === 0 && !this.#beginAgain()) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#closed = true;
  }

  /** Why there was no answer: who refused, or how all of them failed. */
  failure(): Error {
    const [refusal] = this.#refusals.values();
    if (refusal !== undefined) return new Refused(refusal, [...this.#refusals.keys()], false);
    const failures = [...this.#failures.values()];
    const [first] = failures;
    const bug = failures.find((one) => !(one instanceof LedgerFailure));
    if (!(first instanceof LedgerFailure) || bug !== undefined) return bug ?? new Error('nobody may endorse this');
    const message = `None of ${this.#all.join(', ')} endorsed this. ${failures.map((one) => one.message).join(' ')}`;
    return new LedgerFailure(first.kind, message, [...this.#failures.keys()]);
  }

  /**
   * Whether one has found that the ledger holds something newer than was shown, and the others keep it waiting: what is sent
   * is better made anew than kept for them.
   */
  #isInVain(): boolean {
    return [...this.#refusals.values()].some(isOutdated) && this.#due.length === 0 && this.#pending === this.#late;
  }

  /** Asks those that may be well again, after a pause; whether there are any. Who was given up for another may be just slow. */
  #beginAgain(): boolean {
    const { retried, deadline } = this.#options;
    const isPassing = ({ kind }: LedgerFailure): boolean => retried.has(kind) || kind === 'slow';
    const passing = [...this.#failures].filter(([, one]) => one instanceof LedgerFailure && isPassing(one));
    if (passing.length === 0 || Date.now() + PAUSE_MS >= deadline) return false;
    this.#due = passing.map(([organisation]) => organisation);
    setTimeout(() => this.#askNext(), PAUSE_MS);
    return true;
  }

  #askNext(): void {
    const organisation = this.#closed ? undefined : this.#due.shift();
    if (organisation === undefined) return;
    this.#pending += 1;
    const { hedgeMs, memory } = this.#options;
    let isLate = false;
    const hedge = setTimeout(() => {
      isLate = true;
      this.#late += 1;
      memory.failed(organisation);
      this.#askNext();
      this.#wake();
    }, hedgeMs);
    void this.#ask(organisation).finally(() => {
      clearTimeout(hedge);
      this.#pending -= 1;
      if (isLate) this.#late -= 1;
      this.#wake();
    });
  }

  async #ask(organisation: string): Promise<void> {
    const { ask, memory, hedgeMs } = this.#options;
    const patience = this.#all.length > 1 ? Date.now() + hedgeMs * GIVEN_UP_AFTER : Number.POSITIVE_INFINITY;
    try {
      const answer = await ask(organisation, Math.min(this.#options.deadline, patience));
      memory.answered(organisation);
      this.#failures.delete(organisation);
      this.#answers.push(answer);
    } catch (error) {
      if (error instanceof LedgerError) this.#refusals.set(organisation, error);
      else this.#failures.set(organisation, error as Error);
      if (error instanceof LedgerFailure) memory.failed(organisation);
      this.#askNext();
    }
  }
}
