/**
 * Access to records across organisations. A request and its decision are two transactions, because only the
 * custodian's client may make the holder's peer read content; the decision delivers copies as it is taken. Of either, one
 * transaction carries one or several.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { isMarkedErased } from '../ledger/marks.ts';
import { parseText } from '../ledger/parse.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { sha256Hex } from '../model/canonical.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import { type AccessState, accessStateSchema, NOT_PERMITTED } from '../model/values.ts';
import { consentsBehind, type PurgeReason, purgeReason } from '../rules/access.ts';
import { decideAccess, decideAccesses, evaluateAccess } from './access-decisions.ts';
import { presentedStep, putStep, REFUSED } from './access-steps.ts';
import { requestAccess, requestAccesses } from './asking.ts';
import { endOfConsent } from './consent-directory.ts';

export class Access extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('access');
    this.#consortium = consortium;
  }

  RequestAccess(ctx: Context, argument: string): Promise<string> {
    return run('RequestAccess', this.#consortium, ctx, argument, requestAccess);
  }

  RequestAccesses(ctx: Context, argument: string): Promise<string> {
    return run('RequestAccesses', this.#consortium, ctx, argument, requestAccesses);
  }

  DecideAccess(ctx: Context, argument: string): Promise<string> {
    return run('DecideAccess', this.#consortium, ctx, argument, decideAccess);
  }

  DecideAccesses(ctx: Context, argument: string): Promise<string> {
    return run('DecideAccesses', this.#consortium, ctx, argument, decideAccesses);
  }

  EvaluateAccess(ctx: Context, argument: string): Promise<string> {
    return run('EvaluateAccess', this.#consortium, ctx, argument, evaluateAccess);
  }

  RefuseAccess(ctx: Context, argument: string): Promise<string> {
    return run('RefuseAccess', this.#consortium, ctx, argument, refuseAccess);
  }

  PurgeCopies(ctx: Context, argument: string): Promise<string> {
    return run('PurgeCopies', this.#consortium, ctx, argument, purgeCopies);
  }

  ReportAccess(ctx: Context, argument: string): Promise<string> {
    return run('ReportAccess', this.#consortium, ctx, argument, reportAccess);
  }
}

type Done = OutputOf<'RefuseAccess'>;

/**
 * A refusal takes nothing from the holder and shows it nothing, so it waits for no particular second organisation. That it is
 * refused is the custodian's word: nobody else may see what it rests on, and by no refusal can anybody tell.
 */
async function refuseAccess(call: Call<'RefuseAccess'>): Promise<Done> {
  const { input, store } = call;
  const current = await presentedStep(call, input.requestor, 'requested');
  const salt = sha256Hex(`decided/${call.private.salt}`);
  const refused: AccessState = { ...current, ...REFUSED, decidedAt: store.time, salt };
  await putStep(store, collections.inbox(input.requestor), refused);
  store.emit(events.AccessDecided, { id: input.id });
  return { time: store.time };
}

/**
 * Takes away, which needs no proof: that a delivery is not what would be delivered now is the custodian's word, as it is of a
 * refusal, and so is that something of it may be shown still.
 */
async function purgeCopies(call: Call<'PurgeCopies'>): Promise<Done> {
  const { input, store } = call;
  const current = await presentedStep(call, input.requestor, 'granted');
  const { withdraw, goesOn } = call.private;
  const reason = (await reasonOfErasure(call)) ?? (await reasonOfEnd(call, current)) ?? withdraw;
  if (reason === undefined) throw new LedgerError('CONFLICT', 'the consent is in force', 'id');
  const inbox = collections.inbox(input.requestor);
  const key = privateKeys.copies(input.id);
  if ((await store.anchor(inbox, key)) === undefined) throw new LedgerError('NOT_FOUND', 'no such copies', 'id');
  store.purge(inbox, key);
  const salt = sha256Hex(`purged/${call.private.salt}`);
  const purged: AccessState = { ...current, status: 'purged', purgedAt: store.time, reason, salt };
  await putStep(store, inbox, goesOn === undefined ? purged : { ...purged, goesOn });
  store.emit(events.CopiesPurged, { id: input.id });
  return { time: store.time };
}

/** Why delivered copies go whatever their consents say: the custodian, who holds them too, names an erased record of theirs. */
async function reasonOfErasure({ store, private: { erased } }: Call<'PurgeCopies'>): Promise<PurgeReason | undefined> {
  return erased !== undefined && (await isMarkedErased(store, erased)) ? 'record-erased' : undefined;
}

async function reasonOfEnd({ store }: Call<'PurgeCopies'>, state: AccessState): Promise<PurgeReason | undefined> {
  const ends = await Promise.all(consentsBehind(state).map((consent) => endOfConsent(store, state.holder, consent)));
  return purgeReason(state, ends, store.time);
}

/** The holder's copy of a step is what the requestor's inbox holds, and with a refusal what that rests on. */
async function reportAccess(call: Call<'ReportAccess'>): Promise<Done> {
  const { input, store } = call;
  const { because } = call.private;
  const { status, reason } = parseText(accessStateSchema, call.private.state, 'private.state');
  if (status === 'requested')
    throw new LedgerError('INVALID', 'a request is reported once it is decided', 'private.state');
  if (because !== undefined && (status !== 'refused' || reason !== NOT_PERMITTED))
    throw new LedgerError('INVALID', 'is of a refusal that does not say it', 'private.because');
  const step = await presentedStep(call, input.requestor, status);
  await putStep(store, collections.care(input.holder), because === undefined ? step : { ...step, because });
  store.emit(events.AccessReported, { id: input.id });
  return { time: store.time };
}
