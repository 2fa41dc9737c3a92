/**
 * The duties of one organisation: those of its kind, each run by a worker of its own and woken by the ledger's events.
 * Each subject brings its duties (subjects/table.ts lists them); nothing here knows what they do.
 */

import type { EventName } from '@telemed-ledger/chaincode/model/events.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import type { ParsedBlock } from '../ledger/block.ts';
import { SYSTEM } from '../ledger/sender.ts';
import type { Services } from '../subjects/services.ts';
import { DutyWorker } from './worker.ts';

/** What an organisation's gateway does unasked. */
export interface Duty<T = unknown> {
  name: string;
  /** Whose duty it is. */
  kind: Kind;
  /** Events after which there may be work. */
  on: readonly EventName[] | 'every block';
  /** What is to be done now, read from the ledger's states. */
  find(services: Services): AsyncIterable<T>;
  /** When there will be work without an event, milliseconds since 1970; undefined where that is not known. */
  soonest?(services: Services): Promise<number | undefined>;
  /** A name for the log: an id of the ledger, never of a patient. */
  idOf(item: T): string;
  /** Name of the organisation that it cannot be done without: while that one is away, it keeps nothing else waiting. */
  waitsFor?(item: T): string;
  /** How many that wait for one organisation are done at once. */
  atOnce?: number;
  /** Does it; the ledger must refuse doing it twice. */
  perform(item: T, services: Services): Promise<void>;
}

/** In whose name duties send their transactions. */
export const AS_SYSTEM = { as: SYSTEM } as const;

export interface DutiesOptions {
  duties: readonly Duty[];
  services: Services;
  log: Logger;
  /** How often to look for work without an event. */
  intervalMs: number;
}

export class Duties {
  readonly #assigned: readonly { name: string; worker: DutyWorker<unknown>; on: Duty['on'] }[];

  constructor({ duties, services, log, intervalMs }: DutiesOptions) {
    this.#assigned = duties
      .filter(({ kind }) => kind === services.organisation.kind)
      .map((duty) => ({
        name: duty.name,
        worker: new DutyWorker(workOf(duty, services), log, intervalMs),
        on: duty.on,
      }));
  }

  /** How many items have failed and are to be tried again. */
  get failing(): number {
    return this.#assigned.reduce((sum, { worker }) => sum + worker.failing, 0);
  }

  /** Has a duty look for work without an event. */
  nudge(wanted: string): void {
    for (const { name, worker } of this.#assigned) if (name === wanted) worker.nudge();
  }

  start(): void {
    for (const { worker } of this.#assigned) worker.start();
  }

  /** Call it with each block that the read model holds. */
  sees(block: ParsedBlock): void {
    const seen = new Set(block.transactions.map((transaction) => transaction.event?.name));
    for (const { worker, on } of this.#assigned)
      if (on === 'every block' || on.some((name) => seen.has(name))) worker.nudge();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#assigned.map(({ worker }) => worker.stop()));
  }
}

const workOf = (duty: Duty, services: Services) => ({
  name: duty.name,
  ...(duty.atOnce === undefined ? {} : { atOnce: duty.atOnce }),
  find: () => duty.find(services),
  soonest: async () => duty.soonest?.(services),
  idOf: (item: unknown) => duty.idOf(item),
  laneOf: (item: unknown) => duty.waitsFor?.(item) ?? '',
  perform: (item: unknown) => duty.perform(item, services),
});
