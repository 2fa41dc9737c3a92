/** Witnesses: each member signs the tree over the channel as its own peer has it. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { events } from '../model/events.ts';
import type { OutputOf } from '../model/transactions.ts';

export class Witnesses extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('witnesses');
    this.#consortium = consortium;
  }

  CosignCheckpoint(ctx: Context, argument: string): Promise<string> {
    return run('CosignCheckpoint', this.#consortium, ctx, argument, cosignCheckpoint);
  }
}

/** Whose it is, the certificate of the caller says; every gateway checks the signatures. */
function cosignCheckpoint({ input, store }: Call<'CosignCheckpoint'>): OutputOf<'CosignCheckpoint'> {
  store.emit(events.CheckpointCosigned, input);
  return { time: store.time };
}
