/** A patient's appeal against a decision about a claim: sent by her custodian, decided by a person at the payer who has not decided before. */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { readBill } from '../model/bill.ts';
import { sha256Hex } from '../model/canonical.ts';
import { type ClaimTask, claimResponseRecordSchema } from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { KeyOwner } from '../model/key-marks.ts';
import { privateKeys } from '../model/keys.ts';
import { keyNow } from '../model/patient-keys.ts';
import { signerOf, statementText } from '../model/patient-statements.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type ClaimTaskFacts, claimTaskOf } from '../rules/claim-tasks.ts';
import { appealed, checkClaim } from './claim-corrections.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';
import { keysOf } from './key-marks.ts';

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
  const signature = await checkSigned(call, { provider, patient });
  const facts = {
    taskId,
    kind: 'appeal',
    claimId: id,
    provider,
    payer,
    reason,
    patient,
    signature,
    now: store.time,
  } as const;
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

/**
 * Her signature, where she has a key in force: of this reason, against this decision. It counts once, as the decision is the claim's once.
 * @throws LedgerError FORBIDDEN where it is lacking, or not hers; INVALID where she has no key
 */
async function checkSigned(
  { store, private: { response, reason, signed } }: Call<'AppealClaim'>,
  owner: KeyOwner,
): Promise<ClaimTaskFacts['signature']> {
  const ring = (await keysOf(store, owner)) ?? [];
  const { resource } = parseText(claimResponseRecordSchema, response, 'response');
  const statement = { ...owner, act: 'appeal', about: `ClaimResponse/${resource.id}`, reason } as const;
  const key = keyNow(ring, store.time);
  if (key === undefined) {
    if (signed === undefined) return undefined;
    throw new LedgerError('INVALID', 'she has no key in force', 'private.signed');
  }
  if (signed !== undefined && signerOf(statement, signed, ring, store.time) === key)
    return { when: signed.when, jws: statementText(statement, signed, key) };
  throw new LedgerError('FORBIDDEN', 'is not signed by the key in force of the patient', 'private.signed');
}
