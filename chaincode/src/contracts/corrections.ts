/**
 * Corrections and restrictions. What is asked and answered is written once, between holder and custodian; a restriction is a mark
 * that every endorser of a delivery looks at.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkRecord } from '../ledger/evidence.ts';
import { newestRestriction, putMark } from '../ledger/marks.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import {
  CORRECTION_STEPS,
  type CorrectionAnswered,
  type CorrectionAsked,
  correctionAskedSchema,
  type Restriction,
} from '../model/corrections.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';

export class Corrections extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('corrections');
    this.#consortium = consortium;
  }

  AskCorrection(ctx: Context, argument: string): Promise<string> {
    return run('AskCorrection', this.#consortium, ctx, argument, askCorrection);
  }

  AnswerCorrection(ctx: Context, argument: string): Promise<string> {
    return run('AnswerCorrection', this.#consortium, ctx, argument, answerCorrection);
  }

  RestrictRecord(ctx: Context, argument: string): Promise<string> {
    return run('RestrictRecord', this.#consortium, ctx, argument, restrictRecord);
  }
}

function checkProvider(consortium: Consortium, provider: string): void {
  if (organisationByName(consortium, provider)?.kind !== 'provider')
    throw new LedgerError('INVALID', 'is no provider of the consortium', 'provider');
}

async function askCorrection(call: Call<'AskCorrection'>): Promise<OutputOf<'AskCorrection'>> {
  const { input, consortium, store, private: asked } = call;
  checkProvider(consortium, input.provider);
  const value: CorrectionAsked = { schema: 1, provider: input.provider, ...asked, at: store.time };
  const key = privateKeys.correction(asked.id, CORRECTION_STEPS.asked);
  await store.putOnce(collections.care(input.provider), key, value, { expression: 'private.id' });
  store.emit(events.CorrectionAsked, {});
  return { time: store.time };
}

async function answerCorrection(call: Call<'AnswerCorrection'>): Promise<OutputOf<'AnswerCorrection'>> {
  const { caller, store, private: answer } = call;
  const { id, corrected, reason, salt } = answer;
  const collection = collections.care(caller.organisation.name);
  const asked = await store.getPrivate(
    collection,
    privateKeys.correction(id, CORRECTION_STEPS.asked),
    correctionAskedSchema,
  );
  if (asked === undefined) throw new LedgerError('NOT_FOUND', 'no such correction was asked for', 'private.id');
  if (corrected === undefined && reason === undefined)
    throw new LedgerError('INVALID', 'a refusal says why', 'private.reason');
  if (corrected !== undefined) await checkCorrects(call, asked);
  const value: CorrectionAnswered = {
    ...{ schema: 1, id, outcome: corrected === undefined ? 'refused' : 'accepted', at: store.time, salt },
    ...(corrected === undefined ? {} : { version: corrected.version }),
    ...(reason === undefined ? {} : { reason }),
  };
  await store.putOnce(collection, privateKeys.correction(id, CORRECTION_STEPS.answered), value, {
    expression: 'private.id',
  });
  store.emit(events.CorrectionAnswered, {});
  return { time: store.time };
}

/** A later version of the same record, which is the current one. @throws LedgerError INVALID, NOT_FOUND, CONFLICT */
async function checkCorrects(
  { caller, store, private: { corrected } }: Call<'AnswerCorrection'>,
  { record, version }: CorrectionAsked,
): Promise<void> {
  if (corrected === undefined) return;
  if (corrected.id !== record || corrected.version <= version)
    throw new LedgerError('INVALID', 'is no later version of what was disputed', 'private.corrected');
  await checkRecord(store, caller.organisation.name, corrected, 'private.corrected');
}

async function restrictRecord(call: Call<'RestrictRecord'>): Promise<OutputOf<'RestrictRecord'>> {
  const { input, consortium, store, private: restriction } = call;
  const { handle, n, salt } = restriction;
  checkProvider(consortium, input.provider);
  if (n !== (await newestRestriction(store, handle)) + 1)
    throw new LedgerError('CONFLICT', 'is not the next of its series', 'private.n');
  const mark: Restriction = { schema: 1, at: store.time, salt };
  await putMark(store, consortium, privateKeys.restricted(handle, n), mark, 'private.n');
  store.emit(events.RecordRestricted, {});
  return { time: store.time };
}
