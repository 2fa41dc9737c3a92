/** Claims that go on as the ledger has them, for tests of what their providers are told: a small ledger with the same arithmetic. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { toMoney } from '@telemed-ledger/chaincode/model/money.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { type DecidedClaim, decidedClaim } from './decided-lines.ts';
import type { History } from './remittance-reports.ts';
import { CONTROL_NUMBERS, CPT, ITEM_TRACE_NUMBER, LINE_NUMBERS } from './terms.ts';

const currency = 'USD';
const DAY = '2026-01-05T10:00:00.000Z';
const category = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code }],
});
const reason = (group: string, code: string) => ({
  coding: [
    { system: 'https://x12.org/codes/claim-adjustment-group-codes', code: group },
    { system: 'https://x12.org/codes/claim-adjustment-reason-codes', code },
  ],
});

/** A claim of one line, billed and paid in cents; the rest is half the patient's. */
function exampleDecision(id: string, charge: number, paid: number): DecidedClaim {
  const share = Math.floor((charge - paid) / 2);
  const rest = charge - paid - share;
  const amount = (units: number) => ({ amount: toMoney({ units, currency }) });
  const claim = {
    resourceType: 'Claim',
    id,
    identifier: [{ system: CONTROL_NUMBERS, value: `ACC-${id}` }],
    patient: { reference: 'Patient/p' },
    item: [
      {
        extension: [{ url: ITEM_TRACE_NUMBER, valueIdentifier: { system: LINE_NUMBERS, value: `LINE-${id}` } }],
        ...{ sequence: 1, productOrService: { coding: [{ system: CPT, code: '99213' }] } },
        ...{ servicedDate: '2026-01-02', quantity: { value: 1 }, net: toMoney({ units: charge, currency }) },
      },
    ],
  };
  const adjudication = [
    { category: category('submitted'), ...amount(charge) },
    { category: category('eligible'), ...amount(paid + share) },
    { category: category('copay'), ...amount(share) },
    { category: category('benefit'), ...amount(paid) },
    ...(rest === 0 ? [] : [{ reason: reason('CO', '45'), ...amount(rest) }]),
    ...(share === 0 ? [] : [{ reason: reason('PR', '3'), ...amount(share) }]),
  ];
  const response = { resourceType: 'ClaimResponse', id: `r-${id}`, item: [{ itemSequence: 1, adjudication }] };
  const resources = { claim: claim as unknown as Resource, response: response as unknown as Resource };
  return decidedClaim({ id, ...resources, submittedAt: DAY, member: 'M-1' });
}

type Mutable<T> = T extends ReadonlyMap<infer K, infer V> ? Map<K, V> : T extends readonly (infer I)[] ? I[] : T;
type Open = { [K in keyof History]: Mutable<History[K]> };

/** One claim: each method is a step of the table of claims, and does what the contract does to what is owed and paid. */
export class ExampleClaim {
  readonly id: string;
  readonly charge: number;
  readonly history: Open;
  /** What each transfer came to, by its number; zero once it came back. */
  readonly transfers = new Map<string, number>();
  status: ClaimState['status'] = 'submitted';
  owed = 0;
  paid = 0;
  #payments = 0;
  #beforeTransfer = 0;

  constructor(id: string, charge: number, replaced?: ExampleClaim) {
    this.id = id;
    this.charge = charge;
    this.paid = replaced?.paid ?? 0;
    this.history = {
      ...{ states: [], decisions: new Map(), debts: new Map(), taken: new Map(), payments: new Map() },
      replaced: replaced?.history,
    };
    this.#step('submitted');
  }

  #step(status: ClaimState['status'], payment?: string): number {
    this.status = status;
    const step = this.history.states.length + 1;
    const state = { id: this.id, step, status, updatedAt: DAY, ...(payment === undefined ? {} : { payment }) };
    this.history.states.push(state as ClaimState);
    return step;
  }

  decide(benefit: number): void {
    const due = Math.max(0, benefit - this.paid);
    const back = Math.max(0, this.paid - benefit);
    const step = this.#step(due > 0 ? 'approved' : benefit > 0 ? 'satisfied' : 'denied');
    this.history.decisions.set(step, exampleDecision(this.id, this.charge, benefit));
    if (back > 0) this.history.debts.set(step, back);
    this.owed = due;
    this.paid -= back;
  }

  /** Less than all that is owed, or all. */
  offset(units: number): void {
    const part = Math.min(units, this.owed);
    const step = this.#step(part === this.owed ? 'satisfied' : 'approved');
    this.history.taken.set(step, [{ claimId: 'other', units: part }]);
    this.owed -= part;
    this.paid += part;
  }

  pay(): void {
    this.#payments += 1;
    const payment = `${this.id}-pay-${this.#payments}`;
    this.transfers.set(payment, this.owed);
    this.#beforeTransfer = this.paid;
    this.paid += this.owed;
    this.#step('remitted', payment);
  }

  comesBack(): void {
    this.paid = this.#beforeTransfer;
    this.#step('returned');
  }

  fails(): void {
    this.#step('failed');
  }

  appeal(): void {
    this.#step('appealed');
  }

  takeBack(status: 'voided' | 'cancelled'): void {
    const step = this.#step(status);
    if (this.paid > 0) this.history.debts.set(step, this.paid);
    this.paid = 0;
  }

  replacedBy(id: string, charge: number): ExampleClaim {
    const other = new ExampleClaim(id, charge, this);
    this.paid = 0;
    this.#step('replaced');
    return other;
  }
}
