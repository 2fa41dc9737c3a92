/** The duties of one organisation by its kind, and the events of the ledger that call for each of them. */
import { type EventName, events } from '@telemed-ledger/chaincode/model/events.ts';
import type { AccessState, ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import type { ParsedBlock } from '../ledger/block.ts';
import { decideAccess, purgeCopies } from '../subjects/access/duties.ts';
import { instructPayment, type PayerDutyOptions, remitPayment } from '../subjects/payments/duties.ts';
import { DutyWorker } from './worker.ts';

export interface DutiesOptions extends PayerDutyOptions {
  log: Logger;
  intervalMs: number;
}

interface Assigned {
  worker: DutyWorker<AccessState> | DutyWorker<ClaimState>;
  /** Events after which there may be work. */
  on: readonly EventName[];
}

export class Duties {
  readonly #assigned: Assigned[];

  constructor(options: DutiesOptions) {
    this.#assigned = assign(options.organisation.kind, options);
  }

  start(): void {
    for (const { worker } of this.#assigned) worker.start();
  }

  /** To be told of each block that the read model holds. */
  sees(block: ParsedBlock): void {
    const seen = new Set(block.transactions.map((transaction) => transaction.event?.name));
    for (const { worker, on } of this.#assigned) if (on.some((name) => seen.has(name))) worker.nudge();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#assigned.map(({ worker }) => worker.stop()));
  }
}

function assign(kind: Organisation['kind'], options: DutiesOptions): Assigned[] {
  const { log, intervalMs } = options;
  if (kind === 'custodian') {
    return [
      { worker: new DutyWorker(decideAccess(options), log, intervalMs), on: [events.AccessRequested] },
      {
        worker: new DutyWorker(purgeCopies(options), log, intervalMs),
        on: [events.ConsentRevoked, events.ConsentAmended, events.AccessDecided],
      },
    ];
  }
  if (kind === 'payer') {
    return [
      { worker: new DutyWorker(instructPayment(options), log, intervalMs), on: [events.ClaimAdjudicated] },
      { worker: new DutyWorker(remitPayment(options), log, intervalMs), on: [events.PaymentSettled] },
    ];
  }
  return [];
}
