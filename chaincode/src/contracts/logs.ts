/** Anchors of the organisations' logs of reads, one after the other, in marks that only all members together could change. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, custodianOf } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { putMark } from '../ledger/marks.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { privateKeys } from '../model/keys.ts';
import {
  checkBatch,
  type LogBatch,
  type LogMark,
  logMarkSchema,
  MAX_PURGED,
  readsOverAt,
  statementHash,
} from '../model/log-anchors.ts';
import type { OutputOf } from '../model/transactions.ts';

export class Logs extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('logs');
    this.#consortium = consortium;
  }

  AnchorLog(ctx: Context, argument: string): Promise<string> {
    return run('AnchorLog', this.#consortium, ctx, argument, anchorLog);
  }

  PurgeReads(ctx: Context, argument: string): Promise<string> {
    return run('PurgeReads', this.#consortium, ctx, argument, purgeReads);
  }
}

async function anchorLog(call: Call<'AnchorLog'>): Promise<OutputOf<'AnchorLog'>> {
  const { input, caller, consortium, store, private: shown } = call;
  const { statement, restarted, carried } = shown;
  const { name: organisation, kind } = caller.organisation;
  if (statement.organisation !== organisation || statement.n !== input.n)
    throw new LedgerError('INVALID', 'the statement is of another log or anchor', 'statement');
  if ((kind === 'custodian') !== (carried === undefined))
    throw new LedgerError('INVALID', 'the rows go to the custodian, and its own to nobody', 'carried');
  const before = await markBefore(call);
  if (carried !== undefined) checkBatch({ statement, ...carried });
  const mark: LogMark = {
    ...{ schema: 1, organisation, n: input.n, at: store.time, root: statement.root },
    statement: statementHash(statement),
    ...(before === undefined ? {} : { previous: sha256Hex(canonicalJson(before)) }),
    ...(restarted === true ? { restarted } : {}),
  };
  await putMark(store, consortium, privateKeys.log(organisation, input.n), mark, 'n');
  if (carried !== undefined) {
    const batch: LogBatch = { schema: 1, statement, ...carried };
    const expression = 'n';
    await store.putOnce(collections.inbox(organisation), privateKeys.reads(organisation, input.n), batch, {
      expression,
    });
  }
  return { time: store.time };
}

/** A second mark of a number would fork the log, one that is left out would hide a stretch of it. */
async function markBefore({
  input: { n },
  caller,
  store,
  private: shown,
}: Call<'AnchorLog'>): Promise<LogMark | undefined> {
  const { statement, previous, restarted } = shown;
  if (n === 1) {
    if (previous !== undefined || restarted !== undefined)
      throw new LedgerError('INVALID', 'there is none before the first', 'previous');
    return undefined;
  }
  const key = privateKeys.log(caller.organisation.name, n - 1);
  const mark = await store.getPrivate(collections.marks, key, logMarkSchema);
  if (mark === undefined) throw new LedgerError('CONFLICT', 'the anchor before is not there', 'n');
  if (restarted === true) return mark;
  if (previous === undefined || statementHash(previous) !== mark.statement)
    throw new LedgerError('INVALID', 'this is not what the anchor before states', 'previous');
  if (canonicalJson(previous.to) !== canonicalJson(statement.from))
    throw new LedgerError('INVALID', 'the log does not go on from the anchor before', 'statement.from');
  return mark;
}

async function purgeReads({ input, caller, consortium, store }: Call<'PurgeReads'>): Promise<OutputOf<'PurgeReads'>> {
  const { organisation, from, to } = input;
  const { name, kind } = caller.organisation;
  const isOthers = organisation !== name && kind !== 'custodian';
  if (isOthers || organisation === custodianOf(consortium).name)
    throw new LedgerError('FORBIDDEN', 'the rows are another organisation’s, or stand on no ledger', 'organisation');
  if (to < from || to - from >= MAX_PURGED)
    throw new LedgerError('INVALID', `takes 1 to ${MAX_PURGED} anchors, the older first`, 'to');
  // Anchors follow each other, and no row is younger than its anchor.
  const last = await store.getPrivate(collections.marks, privateKeys.log(organisation, to), logMarkSchema);
  if (last === undefined || Date.parse(store.time) < readsOverAt(last.at))
    throw new LedgerError('CONFLICT', 'there is no such anchor, or its rows are to be kept still', 'to');
  const inbox = collections.inbox(organisation);
  let purged = 0;
  for (let n = from; n <= to; n += 1) {
    const key = privateKeys.reads(organisation, n);
    if ((await store.anchor(inbox, key)) === undefined) continue;
    store.purge(inbox, key);
    purged += 1;
  }
  if (purged === 0) throw new LedgerError('CONFLICT', 'these rows are purged already', 'from');
  return { time: store.time };
}
