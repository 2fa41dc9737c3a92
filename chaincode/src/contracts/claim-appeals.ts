/** A patient's appeal against a decision about a claim: sent by her custodian, decided by a person at the payer who has not decided before. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { ClaimTask } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { claimTaskOf } from '../rules/claim-tasks.ts';
import { appealed, checkClaim } from './claim-corrections.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';

export class ClaimAppeals extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('claim-appeals');
    this.#consortium = consortium;
  }

  AppealClaim(ctx: Context, argument: string): Promise<string> {
    return run('AppealClaim', this.#consortium, ctx, argument, appealClaim);
  }
}

async function appealClaim(call: Call<'AppealClaim'>): Promise<OutputOf<'AppealClaim'>> {
  const { input, caller, consortium, store } = call;
  const { claim, state: text, response, patient, reason, salt, taskId } = call.private;
  const payer = memberOfKind(consortium, input.payer, 'payer', 'payer').name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'appeal-by-patient', caller });
  const { resource } = await checkClaim(store, state, claim);
  if (readBill(resource).patient !== `Patient/${patient}`)
    throw new LedgerError('FORBIDDEN', 'is another patient’s claim', 'patient');
  const next = nextState(call, 'appeal-by-patient', state, await appealed(store, state, response));
  const { id, step, provider } = next;
  const facts = { taskId, kind: 'appeal', claimId: id, provider, payer, reason, patient, now: store.time } as const;
  const value: ClaimTask = {
    ...{ schema: 1, claimId: id, payer, salt: sha256Hex(`claim-task/${salt}`) },
    resource: claimTaskOf(facts),
  };
  await takeStep(store, {
    state: next,
    event: events.ClaimAppealed,
    values: [{ key: privateKeys.claimTask(id, step), value, copies: [provider] }],
    concerned: [provider],
  });
  return { time: store.time };
}
