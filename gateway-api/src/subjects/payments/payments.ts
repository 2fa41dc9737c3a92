/**
 * Payments of claims: the payer instructs its bank, the bank reports what becomes of a payment, the payer posts that to the claims
 * and tells their providers. Each step gathers what its transaction needs from the read model; the chaincode decides whether it may
 * happen.
 */
import { randomUUID } from 'node:crypto';
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey, privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { claimsOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { isEnded, type PaymentReport, type PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { notHereYet } from '../../http/failures.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { claimState, textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { type Agreed, agreedTerms, type TermServices } from './terms.ts';

type PaymentServices = Pick<Services, 'index' | 'ledger' | 'organisation'>;

/** A payment that a bank is to make: at the bank, to the payee and from the account that the terms of payment name. */
export interface Wanted {
  /** Id of the payment, new. */
  id: string;
  /** To one payee, in one currency. */
  claims: readonly ClaimState[];
}

/** Has a bank pay what is owed of claims. @throws {LedgerError} CONFLICT where one of them has taken another step */
export async function instruct(services: TermServices, { id, claims }: Wanted, sending: Sending): Promise<Outcome> {
  const { index, ledger, organisation } = services;
  const own = collections.billing(organisation.name);
  return upToDate(async () => {
    const shown = [];
    for (const claim of claims) {
      const state = await textOf(index, own, privateKeys.claimState(claim.id, claim.step));
      // Claims that were decided before their states said what is owed show the decision itself.
      const response =
        claim.owed === undefined ? { response: await textOf(index, own, keysOfClaim(claim).response) } : {};
      shown.push({ id: claim.id, state, ...response });
    }
    const agreed = await agreedWith(services, new Set(claims.map(({ provider }) => provider)));
    const { bank } = agreed[0] ?? {};
    if (bank === undefined) throw new LedgerError('NOT_FOUND', 'there is no bank in this consortium');
    const terms = agreed.flatMap((one) => one.shown ?? []);
    const instruction = { salt: newSalt(), claims: shown, ...(terms.length === 0 ? {} : { terms }) };
    return ledger.submit('InstructPayment', { id, bank }, instruction, sending);
  });
}

async function agreedWith(services: TermServices, providers: ReadonlySet<string>): Promise<Agreed[]> {
  const agreed: Agreed[] = [];
  for (const provider of providers) agreed.push(await agreedTerms(services, provider));
  return agreed;
}

/** What a bank reports of a payment. */
export interface Report {
  status: PaymentReport;
  /** YYYY-MM-DD. */
  day: string;
  /** Of a payment that ended: a code of ISO 20022's. */
  reason?: string | undefined;
  /** Of a transfer: the bank's own reference. */
  reference?: string | undefined;
}

/** Reports what became of a payment. @throws {LedgerError} NOT_FOUND, CONFLICT where it does not follow */
export async function report(
  { index, ledger, organisation }: PaymentServices,
  id: string,
  reported: Report,
  sending: Sending,
): Promise<Outcome> {
  return upToDate(async () => {
    const { payer, shown } = await standing(index, collections.billing(organisation.name), id);
    const notice = reported.status === 'settled' ? { noticeId: randomUUID() } : {};
    return ledger.submit(
      'ReportPayment',
      { id, payer },
      { salt: newSalt(), ...shown, ...reported, ...notice },
      sending,
    );
  });
}

/** Posts what was reported of a payment to the claims of a provider, and tells it: step by step, in their order. */
export async function remit(services: PaymentServices, told: Told, sending: Sending): Promise<void> {
  while (await remitNext(services, told, sending));
}

interface Told {
  /** Of the payment. */
  id: string;
  provider: string;
}

/** @returns whether more is to be told */
async function remitNext(
  { index, ledger, organisation }: PaymentServices,
  { id, provider }: Told,
  sending: Sending,
): Promise<boolean> {
  return upToDate(async () => {
    const own = collections.billing(organisation.name);
    const settled = await untoldTransfer(index, own, { id, provider });
    const { shown, resource, noticeKey } =
      settled === undefined ? await standing(index, own, id) : await current(index, own, settled);
    const claims = [...claimsOf(resource)].filter(([, claim]) => claim.provider === provider);
    const states: string[] = [];
    for (const [claim] of claims) {
      const { step } = await claimState(index, claim);
      states.push(await textOf(index, own, privateKeys.claimState(claim, step)));
    }
    const notice = resource['outcome'] === 'complete' ? { notice: await textOf(index, own, noticeKey) } : {};
    await ledger.submit('RemitPayment', { id, provider }, { salt: newSalt(), ...shown, ...notice, states }, sending);
    return settled !== undefined;
  });
}

/** The payment as it stood when its transfer was made, where the money came back before the provider was told of either. */
async function untoldTransfer(
  index: ReadModel,
  own: string,
  { id, provider }: Told,
): Promise<Pick<PaymentState, 'id' | 'step' | 'payer'> | undefined> {
  const state = await paymentState(index, id);
  if (state?.status !== 'returned') return undefined;
  const step = state.step - 1;
  const isTold = (of: number) => index.evidence.isWritten(own, privateKeys.remitted(id, provider, of));
  const isMade = await index.evidence.isWritten(own, privateKeys.notice(id));
  return isMade && !(await isTold(step)) && !(await isTold(state.step)) ? { ...state, step } : undefined;
}

interface Standing {
  payer: string;
  /** As the contract takes them. */
  shown: { order: string; reconciliation: string };
  resource: Resource;
  noticeKey: string;
}

/** How a payment stands at this organisation. @throws {LedgerError} NOT_FOUND */
export async function standing(index: ReadModel, own: string, id: string): Promise<Standing> {
  const state = await paymentState(index, id);
  return state === undefined ? earlier(index, own, id) : current(index, own, state);
}

async function current(
  index: ReadModel,
  own: string,
  { id, step, payer }: Pick<PaymentState, 'id' | 'step' | 'payer'>,
): Promise<Standing> {
  const order = await textOf(index, own, privateKeys.order(id, step));
  const key = privateKeys.reconciliation(id, step);
  const reconciliation = await textOf(index, own, key);
  const row = await index.rowAt(own, key, 'PaymentReconciliation');
  if (row === undefined) throw notHereYet(1);
  const { resource } = index.stored(row);
  return { payer, shown: { order, reconciliation }, resource, noticeKey: privateKeys.notice(id) };
}

/** One that was instructed before payments had states of their own: it stands with its claim. */
async function earlier(index: ReadModel, own: string, id: string): Promise<Standing> {
  const row = await index.newestRow('PaymentReconciliation', id);
  const claim = row === undefined ? undefined : claimOfEarlier(row.key);
  if (row === undefined || claim === undefined)
    throw new LedgerError('NOT_FOUND', 'there is no such payment instruction here');
  const state = await claimState(index, claim);
  const order = await textOf(index, own, privateKeys.claimState(claim, state.step));
  const { resource } = index.stored(row);
  return {
    ...{ payer: state.payer, shown: { order, reconciliation: row.value }, resource },
    noticeKey: keysOfClaim(state).settlement,
  };
}

function claimOfEarlier(key: string): string | undefined {
  const { kind, segments } = parsePrivateKey(key);
  return kind === 'payment' ? segments[0] : undefined;
}

/** How a payment stands by its own states; undefined where it has none here. */
export async function paymentState(index: ReadModel, id: string): Promise<PaymentState | undefined> {
  const row = await index.state('payment', id);
  return row === undefined ? undefined : (JSON.parse(row.value) as PaymentState);
}

/** The claims that a payment is for and that are unpaid now that it has ended. @throws {LedgerError} NOT_FOUND, CONFLICT */
export async function unpaidOf(index: ReadModel, own: string, id: string): Promise<ClaimState[]> {
  const { resource } = await standing(index, own, id);
  const unpaid: ClaimState[] = [];
  for (const claim of claimsOf(resource).keys()) {
    const state = claimStateSchema.parse(await claimState(index, claim));
    if ((state.payment ?? id) === id && isEnded(state.status)) unpaid.push(state);
  }
  if (unpaid.length === 0) throw new LedgerError('CONFLICT', 'no claim of this payment is unpaid by it', 'id');
  return unpaid;
}

/** The PaymentReconciliation of a payment as it stands at this organisation, and its notice once there is one. */
export const paymentResources = async (index: ReadModel, own: string, id: string) => {
  const { resource, noticeKey } = await standing(index, own, id);
  const row = await index.rowAt(own, noticeKey, 'PaymentNotice');
  return { reconciliation: resource, notice: row && index.stored(row).resource };
};
