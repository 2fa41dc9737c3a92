/**
 * Settlements: the payer instructs its bank, the bank reports what becomes of the payment, the payer posts that to the claims and
 * tells their providers. A payment has a series of states of its own; each of its claims takes its steps once, by one payment at a
 * time. Each step checks by hash what it cannot read, and takes the amount from there.
 */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Context } from 'fabric-contract-api';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { type Call, LedgerContract, run } from '../ledger/transaction.ts';
import { canonicalJson } from '../model/canonical.ts';
import { keysOfClaim } from '../model/claim-places.ts';
import { CLAIM_STEPS, type ClaimStep, type ClaimStepName } from '../model/claim-steps.ts';
import { claimResponseRecordSchema } from '../model/claims.ts';
import { lastDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import { events } from '../model/events.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import { claimsOf, payableOf } from '../model/payment-details.ts';
import {
  isEnded,
  mayFollow,
  type PaymentState,
  type PaymentValue,
  type TransferMark,
  transferHash,
} from '../model/payments.ts';
import type { OutputOf } from '../model/transactions.ts';
import type { ClaimState, Owed } from '../model/values.ts';
import {
  type Due,
  instructionOf,
  isPlausibleDay,
  noticeFor,
  noticeOf,
  paysWhatIsOwed,
  remittanceOf,
  reportedPaymentOf,
  sumOf,
} from '../rules/payments.ts';
import { checkPaymentTerms } from './accounts.ts';
import { checkState, isTheirs, memberOfKind, nextState, putState, putWithCopies } from './claim-states.ts';
import { checkStanding, loadNotice, loadPayment, loadStates, type Payment } from './payment-loading.ts';
import { concernedBy, putPayment, saltOf } from './payment-states.ts';

export class Settlements extends LedgerContract {
  readonly #consortium: Consortium;

  constructor(consortium: Consortium) {
    super('settlements');
    this.#consortium = consortium;
  }

  InstructPayment(ctx: Context, argument: string): Promise<string> {
    return run('InstructPayment', this.#consortium, ctx, argument, instructPayment);
  }

  ReportPayment(ctx: Context, argument: string): Promise<string> {
    return run('ReportPayment', this.#consortium, ctx, argument, reportPayment);
  }

  RemitPayment(ctx: Context, argument: string): Promise<string> {
    return run('RemitPayment', this.#consortium, ctx, argument, remitPayment);
  }
}

type Done = OutputOf<'InstructPayment'>;

async function instructPayment(call: Call<'InstructPayment'>): Promise<Done> {
  const { input, caller, consortium, store } = call;
  const { salt, claims } = call.private;
  const payer = caller.organisation.name;
  const bank = memberOfKind(consortium, input.bank, 'bank', 'bank').name;
  if (new Set(claims.map(({ id }) => id)).size < claims.length)
    throw new LedgerError('INVALID', 'a claim is named twice', 'claims');
  const due = await Promise.all(claims.map((claim, index) => loadDue(call, claim, index)));
  const amount = sumOf(due.map(({ owed }) => owed));
  if (amount === undefined) throw new LedgerError('INVALID', 'one payment is in one currency', 'claims');
  const providers = [...new Set(due.map(({ state }) => state.provider))].sort();
  const { payee, ...accounts } = await loadPayee(call, providers);
  const resource = instructionOf({
    ...{ paymentId: input.id, payer, payee, now: store.time },
    due: due.map(({ state: { id, provider }, owed }): Due => ({ claimId: id, provider, owed })),
  });
  const order: PaymentState = {
    ...{ schema: 1, id: input.id, step: 1, payer, bank, payee, status: 'instructed', ...amount, claims: due.length },
    ...{ ...accounts, providers },
    ...{ day: lastDay(store.time), instructedAt: store.time, updatedAt: store.time, salt: saltOf(salt, 'order') },
  };
  await askAhead(
    store,
    payer,
    due.map(({ state }) => state),
    [],
  );
  await putPayment(store, order, resource, salt);
  const change = { bank, payment: input.id, status: 'instructed' } as const;
  for (const { state, owed } of due) {
    const salted = { store, private: { salt: saltOf(salt, state.id) } };
    await putState(store, nextState(salted, 'instruct', state, { ...change, owed }), []);
  }
  store.emit(events.PaymentInstructed, { id: input.id });
  return { time: store.time };
}

type Paid = Pick<PaymentState, 'payee' | 'payerAccount' | 'payeeAccount'>;

/**
 * To whom and from where claims of these providers are paid together: by the terms that are agreed on, else to the provider.
 * @throws LedgerError INVALID where that is not one payee with one account, CONFLICT where the terms are others
 */
async function loadPayee(
  { input: { bank }, caller, private: { terms: shown = [] }, store }: Call<'InstructPayment'>,
  providers: readonly string[],
): Promise<Paid> {
  const payer = caller.organisation.name;
  const all: Paid[] = [];
  for (const provider of providers) {
    const own = shown.find((one) => one.provider === provider);
    const terms = await checkPaymentTerms(store, { payer, provider }, own);
    if (terms !== undefined && terms.bank !== bank)
      throw new LedgerError('INVALID', 'the terms of payment name another bank', 'bank');
    all.push({
      payee: terms?.payee ?? provider,
      ...(terms?.payerAccount === undefined ? {} : { payerAccount: terms.payerAccount.id }),
      ...(terms?.payeeAccount === undefined ? {} : { payeeAccount: terms.payeeAccount.id }),
    });
  }
  const [first] = all;
  if (all.every((one) => canonicalJson(one) === canonicalJson(first))) return first!;
  throw new LedgerError('INVALID', 'one payment is to one payee', 'claims');
}

type ShownClaim = Call<'InstructPayment'>['private']['claims'][number];

/** A claim that is to be paid and what it is owed. @throws LedgerError as checkState, at `claims[i]` */
async function loadDue(
  { caller, store }: Call<'InstructPayment'>,
  { id, state: text, response }: ShownClaim,
  index: number,
): Promise<{ state: ClaimState; owed: Owed }> {
  const payer = caller.organisation.name;
  const expression = `claims[${index}]`;
  const state = await checkState(store, { id, payer, text, step: 'instruct', caller }, expression);
  if (state.owed !== undefined) return { state, owed: state.owed };
  if (response === undefined) throw new LedgerError('INVALID', 'does not say what is owed', `${expression}.response`);
  const at = keysOfClaim(state).response;
  const { resource } = await checkPresented(
    ...([store, collections.billing(payer), at, response, claimResponseRecordSchema] as const),
    `${expression}.response`,
  );
  return { state, owed: { ...payableOf(resource), response: resource.id } };
}

/** Asks for everything at once that the steps of many claims ask for one after the other. */
async function askAhead(store: Store, payer: string, claims: readonly ClaimState[], copies: string[]): Promise<void> {
  const places = [payer, ...copies].map(collections.billing);
  const keys = claims.map(({ id, step }) => privateKeys.claimState(id, step + 1));
  await Promise.all(places.flatMap((place) => keys.map((key) => store.anchor(place, key))));
}

async function reportPayment(call: Call<'ReportPayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { salt, status, reason, reference, day } = call.private;
  const bank = caller.organisation.name;
  const payment = await loadPayment(store, input, call.private);
  const { state } = payment;
  if (state.bank !== bank) throw new LedgerError('FORBIDDEN', "another bank's payment", 'id');
  if (!mayFollow(state.status, status)) throw new LedgerError('CONFLICT', `the payment is ${state.status}`, 'id');
  checkReport(call, state);
  const reported: PaymentState = {
    ...state,
    ...{ step: state.step + 1, status, day, updatedAt: store.time, salt: saltOf(salt, 'order') },
    ...(reason === undefined ? {} : { reason }),
    ...(reference === undefined ? {} : { reference }),
  };
  await putPayment(store, reported, reportedPaymentOf(payment.resource, reported), salt);
  if (status === 'settled') await putTransfer(call, payment);
  store.emit(events.PaymentReported, { id: input.id });
  return { time: store.time };
}

/** That a report says what its status asks for, and nothing else. @throws LedgerError INVALID */
function checkReport({ private: report, store }: Call<'ReportPayment'>, { instructedAt }: PaymentState): void {
  const isTransfer = report.status === 'settled';
  const demand = (isAsked: boolean, value: unknown, at: string): void => {
    if (isAsked !== (value !== undefined))
      throw new LedgerError('INVALID', isAsked ? 'is needed' : `a payment that is ${report.status} has none`, at);
  };
  demand(isTransfer, report.reference, 'reference');
  demand(isTransfer, report.noticeId, 'noticeId');
  demand(isEnded(report.status), report.reason, 'reason');
  if (!isPlausibleDay(report.day, instructedAt, store.time))
    throw new LedgerError('INVALID', 'not between the instruction and today', isTransfer ? 'paidOn' : 'day');
}

/** The reference is this payment's from now on, and there is a notice. @throws LedgerError CONFLICT where it is another's */
async function putTransfer({ private: report, store }: Call<'ReportPayment'>, payment: Payment): Promise<void> {
  const { id, payer, bank } = payment.state;
  const { salt, day } = report;
  const [reference, noticeId] = [report.reference!, report.noticeId!];
  const key = privateKeys.transfer(transferHash(bank, reference));
  const mark: TransferMark = { schema: 1, paymentId: id, salt: saltOf(salt, 'transfer') };
  await store.putOnce(collections.billing(bank), key, mark, { expression: 'reference' });
  await store.putOnce(collections.billing(payer), key, mark, { expression: 'reference' });
  const resource = noticeOf(noticeId, payment.resource, payer, { bank, reference, day }, store.time);
  const notice: PaymentValue = { schema: 1, paymentId: id, salt: saltOf(salt, 'notice'), resource };
  await putWithCopies(store, payer, { key: privateKeys.notice(id), value: notice, copies: concernedBy(payment.state) });
}

async function remitPayment(call: Call<'RemitPayment'>): Promise<Done> {
  const { input, caller, store } = call;
  const { provider } = input;
  const payer = caller.organisation.name;
  const payment = await loadPayment(store, { id: input.id, payer }, call.private);
  const { status, debtor } = payment.state;
  if (debtor !== undefined) throw new LedgerError('INVALID', 'pays no claims', 'id');
  // A provider is told all that happened, in its order: of a transfer too that has come back since.
  if (status !== 'settled') await checkStanding(store, payment);
  if (status === 'returned') await checkSettlementTold(store, payment.state, provider);
  if (status === 'instructed' || status === 'accepted')
    throw new LedgerError('CONFLICT', `the payment is ${status}`, 'id');
  const name: ClaimStepName = status === 'settled' ? 'remit' : 'unpay';
  const taking = await loadTaking(call, payment, name);
  const notice = status === 'settled' ? await loadNotice(store, payment, call.private.notice ?? '') : undefined;
  const owed = new Map(taking.flatMap(({ id, owed }) => (owed === undefined ? [] : [[id, owed] as const])));
  if (!paysWhatIsOwed(payment.resource, notice, owed))
    throw new LedgerError('CONFLICT', 'what was settled is not what was adjudicated', 'reconciliation');
  await askAhead(store, payer, taking, [provider]);
  await putRemittance(call, payment, notice);
  const change = status === 'settled' ? ({ status: 'remitted' } as const) : { status };
  for (const state of taking) {
    const salted = { store, private: { salt: saltOf(call.private.salt, state.id) } };
    await putState(store, nextState(salted, name, state, { ...change, ...paidAfter(state, name) }), [provider]);
  }
  store.emit(events.PaymentRemitted, { id: input.id });
  return { time: store.time };
}

/** That a provider knows of the transfer whose money came back. @throws LedgerError CONFLICT */
async function checkSettlementTold(store: Store, { id, payer, step }: PaymentState, provider: string): Promise<void> {
  const isAnchored = async (key: string): Promise<boolean> =>
    (await store.anchor(collections.billing(payer), key)) !== undefined;
  if (!(await isAnchored(privateKeys.notice(id)))) return;
  if (!(await isAnchored(privateKeys.remitted(id, provider, step - 1))))
    throw new LedgerError('CONFLICT', 'the provider has not been told of the transfer yet', 'provider');
}

/** What has been paid for a claim in all, once its payment is remitted, or has come back after that. */
function paidAfter({ status, paid, owed }: ClaimState, name: ClaimStepName): Pick<ClaimState, 'paid'> {
  if (owed === undefined || (name !== 'remit' && (status !== 'remitted' || paid === undefined))) return {};
  const units = (paid?.units ?? 0) + (name === 'remit' ? owed.units : -owed.units);
  return { paid: units === 0 ? undefined : { units, currency: owed.currency } };
}

/**
 * The claims of the provider that take a step by what became of their payment; those that others have been taken from since stay
 * as they are. @throws LedgerError INVALID where the states are not those of all its claims, CONFLICT where none takes a step
 */
async function loadTaking(
  { input: { id, provider }, caller, private: { states }, store }: Call<'RemitPayment'>,
  { state: { payer }, resource }: Payment,
  name: ClaimStepName,
): Promise<ClaimState[]> {
  const own = [...claimsOf(resource)].filter(([, claim]) => claim.provider === provider).map(([claim]) => claim);
  if (own.length === 0) throw new LedgerError('INVALID', "another provider's claims", 'provider');
  const shown = await loadStates(store, payer, states);
  const named = new Set(shown.map((state) => state.id));
  if (shown.length !== own.length || own.some((claim) => !named.has(claim)))
    throw new LedgerError('INVALID', 'not the claims of that provider which the payment is for', 'states');
  const { from, by }: ClaimStep = CLAIM_STEPS[name];
  const taking = shown.filter(({ status, payment = id }) => payment === id && from.includes(status));
  if (taking.some((state) => !isTheirs(state, by, caller)))
    throw new LedgerError('FORBIDDEN', `another ${by}'s claim`, 'states');
  if (taking.length === 0) throw new LedgerError('CONFLICT', 'its claims have been told', 'id');
  return taking;
}

/** What a provider is told of a payment. @throws LedgerError CONFLICT where it was told */
async function putRemittance(
  { input: { id, provider }, private: { salt }, store }: Call<'RemitPayment'>,
  { state: { payer, step }, resource: payment }: Payment,
  notice: Resource | undefined,
): Promise<void> {
  const resource = remittanceOf(payment, provider, store.time);
  const put = (key: string, told: Resource): Promise<void> => {
    const value: PaymentValue = { schema: 1, paymentId: id, salt: saltOf(salt, key), resource: told };
    return putWithCopies(store, payer, { key, value, copies: [provider] });
  };
  await put(privateKeys.remitted(id, provider, step), resource);
  if (notice !== undefined)
    await put(privateKeys.remittedNotice(id, provider), noticeFor(notice, payment, resource, provider));
}
