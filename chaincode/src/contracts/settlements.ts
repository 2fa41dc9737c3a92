/**
 * Settlements: the payer instructs its bank, the bank settles, the payer remits to the provider. Each step checks by
 * hash what it cannot read, and takes the amount from there.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import {
  type ClaimResponseRecord,
  claimResponseRecordSchema,
  type PaymentRecord,
  paymentRecordSchema,
  type RemittanceRecord,
} from '../model/claims.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import { privateKeys } from '../model/keys.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { ClaimState } from '../model/values.ts';
import {
  instructionOf,
  isPlausibleDay,
  noticeOf,
  paysResponse,
  remittanceOf,
  settledPaymentOf,
} from '../rules/payments.ts';
import { checkState, memberOfKind, nextState, takeStep } from './claim-states.ts';

export class Settlements extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('settlements');
    this.#consortium = consortium;
  }

  InstructPayment(ctx: Context, argument: string): Promise<string> {
    return run('InstructPayment', this.#consortium, ctx, argument, instructPayment);
  }

  SettlePayment(ctx: Context, argument: string): Promise<string> {
    return run('SettlePayment', this.#consortium, ctx, argument, settlePayment);
  }

  RemitPayment(ctx: Context, argument: string): Promise<string> {
    return run('RemitPayment', this.#consortium, ctx, argument, remitPayment);
  }
}

type Done = OutputOf<'InstructPayment'>;

async function instructPayment(call: Call<'InstructPayment'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { paymentId, salt, state: text, response } = call.private;
  const payer = caller.organisation.name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'instruct', caller });
  const { resource } = await checkResponse(store, state, response);
  const payment: PaymentRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resource: instructionOf({
      ...{ paymentId, claimId: input.id, response: resource },
      ...{ provider: state.provider, payer, now: store.time },
    }),
  };
  const next = nextState(call, 'instruct', state, { bank, status: 'instructed', writes: ['instruction'] });
  await takeStep(store, {
    state: next,
    event: events.PaymentInstructed,
    values: [{ key: keysOfClaim(next).instructed, value: payment, copies: [bank] }],
    concerned: [bank],
  });
  return { time: store.time };
}

/** The adjudication as the payer holds it. */
const checkResponse = (store: Store, state: ClaimState, text: string): Promise<ClaimResponseRecord> =>
  checkPresented(
    ...([store, collections.billing(state.payer), keysOfClaim(state).response, text] as const),
    ...([claimResponseRecordSchema, 'response'] as const),
  );

async function settlePayment(call: Call<'SettlePayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { noticeId, salt, reference, paidOn, state: text } = call.private;
  const bank = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer: input.payer, text, step: 'settle', caller });
  const payment = await checkPayment(
    store,
    state.payer,
    keysOfClaim(state).instructed,
    call.private.payment,
    'payment',
  );
  if (!isPlausibleDay(paidOn, payment.resource, store.time)) {
    throw new LedgerError('INVALID', 'not between the instruction and today', 'paidOn');
  }
  const transfer = { bank, reference, paidOn };
  const settled: PaymentRecord = { ...payment, resource: settledPaymentOf(payment.resource, transfer) };
  const notice: PaymentRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resource: noticeOf(noticeId, payment.resource, state.payer, transfer, store.time),
  };
  const next = nextState(call, 'settle', state, { status: 'settled', writes: ['settlement'] });
  await takeStep(store, {
    state: next,
    event: events.PaymentSettled,
    values: [
      { key: keysOfClaim(next).settled, value: settled, copies: [bank] },
      { key: keysOfClaim(next).settlement, value: notice, copies: [bank] },
    ],
    concerned: [bank],
  });
  return { time: store.time };
}

const checkPayment = (store: Store, payer: string, key: string, text: string, expression: string) =>
  checkPresented(store, collections.billing(payer), key, text, paymentRecordSchema, expression);

async function remitPayment(call: Call<'RemitPayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { reconciliationId, salt, state: text } = call.private;
  const payer = caller.organisation.name;
  const state = await checkState(store, { id: input.id, payer, text, step: 'remit', caller });
  if (state.provider !== input.provider) throw new LedgerError('INVALID', "another provider's claim", 'provider');
  const keys = keysOfClaim(state);
  const payment = await checkPayment(store, payer, keys.settled, call.private.payment, 'payment');
  const notice = await checkPayment(store, payer, keys.settlement, call.private.settlement, 'settlement');
  const response = await checkResponse(store, state, call.private.response);
  if (!paysResponse(payment.resource, notice.resource, response.resource)) {
    throw new LedgerError('CONFLICT', 'what was settled is not what was adjudicated', 'payment');
  }
  const remittance: RemittanceRecord = {
    ...{ schema: 1, claimId: input.id, salt },
    resources: [remittanceOf(reconciliationId, payment.resource, store.time), notice.resource],
  };
  await takeStep(store, {
    state: nextState(call, 'remit', state, { status: 'remitted' }),
    event: events.PaymentRemitted,
    values: [{ key: privateKeys.remittance(input.id, state.step + 1), value: remittance, copies: [state.provider] }],
    concerned: [state.provider],
  });
  return { time: store.time };
}
