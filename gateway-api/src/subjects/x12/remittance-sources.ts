/** What remittances are made of, as this member holds it: how claims went on, what was written by each step, and payments. */
import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import { type ClaimRecord, debtSchema } from '@telemed-ledger/chaincode/model/claims.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsePrivateKey, privateKeys, USUAL_STEPS } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { parseExact, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { claimsOf, debtsOf, detailsOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { MAX_PAYMENT_STEPS, type PaymentState, paymentStateSchema } from '@telemed-ledger/chaincode/model/payments.ts';
import { type Anchored, type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { billedOf, claimState, textOf } from '../claims/claims.ts';
import type { Services } from '../services.ts';
import { type Decided, type DecidedClaim, decidedClaim } from './decided-lines.ts';
import { memberOf } from './members.ts';
import { personsOf } from './persons.ts';
import type { History, Repayment } from './remittance-reports.ts';

const DECIDED = new Set<string>(['approved', 'partial', 'patient-responsibility', 'denied', 'satisfied']);

/** A transfer that its provider was told of. */
export interface Remittance {
  payment: string;
  provider: string;
  payer: string;
  /** PaymentReconciliation, of the provider's claims alone. */
  resource: Resource;
  claims: readonly string[];
}

export class RemittanceSources {
  readonly #index: ReadModel;
  readonly #own: string;
  /** A payer tells no names: it knows its members by their numbers. */
  readonly #namesPersons: boolean;
  readonly #histories = new Map<string, Promise<History>>();

  constructor({ index, organisation }: Pick<Services, 'index' | 'organisation'>) {
    this.#index = index;
    this.#own = collections.billing(organisation.name);
    this.#namesPersons = organisation.kind === 'provider';
  }

  /** @throws {LedgerError} NOT_FOUND */
  history(id: string): Promise<History> {
    const known = this.#histories.get(id) ?? this.#load(id);
    this.#histories.set(id, known);
    return known;
  }

  async #load(id: string): Promise<History> {
    const { step: newest } = await claimState(this.#index, id);
    const states: ClaimState[] = [];
    const history = { states, decisions: new Map(), debts: new Map(), taken: new Map(), payments: new Map() };
    const steps = Array.from({ length: newest }, (_, at) => privateKeys.claimState(id, at + 1));
    const texts = await this.#index.evidence.texts(this.#own, steps);
    for (const text of texts) {
      if (text === undefined) continue;
      const state = claimStateSchema.parse(JSON.parse(text));
      states.push(state);
      await this.#addStep(state, history);
    }
    const replaces = states.find((state) => state.replaces !== undefined)?.replaces;
    return { ...history, replaced: replaces === undefined ? undefined : await this.history(replaces) };
  }

  async #addStep(
    state: ClaimState,
    { decisions, debts, taken, payments }: Record<'decisions' | 'debts' | 'taken' | 'payments', Map<number, unknown>>,
  ): Promise<void> {
    const { id, step, status } = state;
    const { evidence } = this.#index;
    const decided = (state.response ?? USUAL_STEPS.response) === step && DECIDED.has(status);
    const decision = decided ? await this.#decision(state) : undefined;
    if (decision !== undefined) decisions.set(step, decision);
    const [debt, offset] = await evidence.texts(this.#own, [
      privateKeys.debt(id, step, 1),
      privateKeys.offset(id, step),
    ]);
    if (debt !== undefined) debts.set(step, debtSchema.parse(JSON.parse(debt)).left.units);
    if (offset !== undefined) taken.set(step, takenIn(offset));
    if (status !== 'remitted' || state.payment !== undefined) return;
    const told = await this.#index.rowAt(this.#own, privateKeys.remittance(id, step), 'PaymentReconciliation');
    if (told !== undefined) payments.set(step, told.id);
  }

  /** Undefined for one that upholds an earlier one, which goes on to count. */
  async #decision(state: ClaimState): Promise<DecidedClaim | undefined> {
    const keys = keysOfClaim(state);
    const { resource: response } = await this.#value<{ resource: Resource }>(keys.response);
    if (String(response['disposition']).startsWith('upheld')) return undefined;
    const billed = await this.billed(state);
    const persons = this.#namesPersons ? await personsOf(billed.claim, this.#index) : undefined;
    return decidedClaim({ ...billed, response, persons });
  }

  /** A claim as it is billed in a state of it, and whose it is. @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
  async billed(state: ClaimState): Promise<Omit<Decided, 'response'>> {
    const text = await billedOf(this.#index, this.#own, state);
    const { resource: claim, submittedAt, coverage } = parseExact(text) as ClaimRecord;
    const { resource: cover } = await this.#value<Anchored>(privateKeys.coverage(coverage.id, coverage.version));
    return { id: state.id, claim, submittedAt, member: memberOf(cover) };
  }

  /** @throws {LedgerError} NOT_FOUND, {Failure} 503 while it is on its way */
  async #value<T>(key: string): Promise<T> {
    return parseExact(await textOf(this.#index, this.#own, key)) as T;
  }

  /** How a payment back went on, as far as it is here. */
  async repayment({ id }: Pick<PaymentState, 'id'>): Promise<Repayment> {
    const orders = Array.from({ length: MAX_PAYMENT_STEPS }, (_, at) => privateKeys.order(id, at + 1));
    const texts = await this.#index.evidence.texts(this.#own, orders);
    const states = texts.flatMap((text) => (text === undefined ? [] : [paymentStateSchema.parse(JSON.parse(text))]));
    const { resource } = await this.#value<{ resource: Resource }>(privateKeys.reconciliation(id, 1));
    return { states, parts: debtsOf(resource) };
  }

  /** What a provider was told of a payment that was made; undefined where it was not. */
  async remittance(payment: string, provider: string): Promise<Remittance | undefined> {
    for (let step = MAX_PAYMENT_STEPS; step > 1; step -= 1) {
      const key = privateKeys.remitted(payment, provider, step);
      const row = await this.#index.rowAt(this.#own, key, 'PaymentReconciliation');
      if (row === undefined) continue;
      const { resource } = this.#index.stored(row);
      if (resource['outcome'] === 'complete') return remittanceIn(payment, provider, resource);
    }
    // Those of earlier chaincode lie with their claim.
    const row = await this.#index.newestRow('PaymentReconciliation', payment);
    if (row === undefined || parsePrivateKey(row.key).kind !== 'remittance') return undefined;
    return remittanceIn(payment, provider, this.#index.stored(row).resource);
  }
}

function remittanceIn(payment: string, provider: string, resource: Resource): Remittance {
  const payer = (resource['paymentIssuer'] as { identifier?: { value?: string } }).identifier?.value ?? '';
  return { payment, provider, payer, resource, claims: [...claimsOf(resource).keys()] };
}

/** By the claims that it was owed for: the details behind the first, with a minus. */
function takenIn(text: string): { claimId: string; units: number }[] {
  const { resource } = parseExact(text) as { resource: Resource };
  return detailsOf(resource)
    .slice(1)
    .map(({ request, amount }) => ({ claimId: request.reference.replace(/^Claim\//, ''), units: unitsTaken(amount) }));
}

function unitsTaken(amount: unknown): number {
  const { value, currency } = amount as { value: number; currency: string };
  const positive = parseExact(textOfNumber(value).replace(/^-/, ''));
  return parseMoney({ value: positive, currency }, 'PaymentReconciliation.detail.amount').units;
}
