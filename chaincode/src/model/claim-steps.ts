/**
 * The states of a claim and the steps between them: one table, which the contracts hold every step to, the read model holds
 * every signer to, and docs/claims.md is made of. A step that is not here cannot be taken.
 */

/** The statuses that a claim can stand in, and what each means. */
export const CLAIM_STATES = {
  submitted: 'The payer has it and is to decide it.',
  pended: 'Something is missing, or looks unusual: the provider is asked (Task), or a person at the payer decides.',
  queued: 'It waits for a person at the payer, who signs.',
  countersign: 'One person has signed it; it waits for another one.',
  denied: 'Nothing of it is owed.',
  'patient-responsibility': 'The patient owes what is allowed; the payer nothing.',
  partial: 'The payer owes less than what was billed, and is to pay it.',
  approved: 'The payer owes all but the patient’s share, and is to pay it.',
  satisfied: 'What the payer owes of it was paid before; what was paid beyond that is owed back.',
  instructed: 'The bank is to pay it, by the payment that the state names.',
  settled: 'The bank has paid it (of payments that were instructed before payments had states of their own).',
  remitted: 'The bank has paid it, and the provider has its remittance.',
  rejected: 'Its bank did not execute the payment: it is unpaid.',
  failed: 'The payment was tried and was not made: it is unpaid.',
  stopped: 'The payment was stopped: it is unpaid.',
  returned: 'The money of the payment came back: it is unpaid.',
  appealed: 'The provider or the patient has appealed; a person who has not decided it before decides it anew.',
  cancelled: 'The provider took it back before it was decided.',
  voided: 'The provider took it back after it was decided; what was paid is owed back.',
  replaced: 'Another claim of the provider’s took its place, with its services and what was paid for them.',
} as const;
export type ClaimStatus = keyof typeof CLAIM_STATES;
export const CLAIM_STATUSES = Object.keys(CLAIM_STATES) as [ClaimStatus, ...ClaimStatus[]];

/** Of a claim: its provider, its payer, or the bank that its state names; or its patient, for whom the custodian sends. */
export type Party = 'provider' | 'payer' | 'bank' | 'patient';

/** Decisions against which an appeal can be made. */
const APPEALABLE = ['denied', 'patient-responsibility', 'satisfied', 'remitted'] as const;

export interface ClaimStep {
  /** The statuses that it is taken from; none: it is a claim's first. */
  from: readonly ClaimStatus[];
  by: Party;
  to: readonly ClaimStatus[];
  /** What it takes, in a sentence. */
  takes: string;
}

/** The steps by name. Each is one transaction, written once: of two that are taken from one state, one is refused. */
export const CLAIM_STEPS = {
  submit: {
    from: [],
    by: 'provider',
    to: ['submitted', 'denied'],
    takes: 'a Claim that a registered Coverage covers; the edits judge it at once',
  },
  adjudicate: {
    from: ['submitted', 'pended', 'queued', 'countersign', 'appealed'],
    by: 'payer',
    to: ['approved', 'partial', 'patient-responsibility', 'denied', 'satisfied', 'pended', 'queued', 'countersign'],
    takes:
      'the claim, and what the payer judges it by as that stands now; from all but `submitted` a person’s decision',
  },
  supplement: {
    from: ['pended'],
    by: 'provider',
    to: ['submitted', 'appealed'],
    takes: 'an answer, and the records that were missing; what is billed stays as it is',
  },
  appeal: {
    from: APPEALABLE,
    by: 'provider',
    to: ['appealed'],
    takes: 'a reason, and new records, within the appeal period that the decision names',
  },
  'appeal-by-patient': {
    from: APPEALABLE,
    by: 'patient',
    to: ['appealed'],
    takes: 'a reason, within the same period; what is billed, and its records, stay as they are',
  },
  cancel: {
    from: ['submitted', 'pended', 'queued', 'countersign'],
    by: 'provider',
    to: ['cancelled'],
    takes: 'a reason; its services are free again',
  },
  void: {
    from: [
      ...(['approved', 'partial', 'patient-responsibility', 'satisfied', 'remitted'] as const),
      ...(['rejected', 'failed', 'stopped', 'returned'] as const),
    ],
    by: 'provider',
    to: ['voided'],
    takes: 'a Claim with frequency code 8 that names it; its services are free again',
  },
  replace: {
    from: [
      ...(['submitted', 'pended', 'queued', 'countersign'] as const),
      ...(['approved', 'partial', 'patient-responsibility', 'denied', 'satisfied', 'remitted'] as const),
      ...(['rejected', 'failed', 'stopped', 'returned'] as const),
    ],
    by: 'provider',
    to: ['replaced'],
    takes: 'a Claim with frequency code 7 that names it and that no edit denies',
  },
  offset: {
    from: ['approved', 'partial'],
    by: 'payer',
    to: ['approved', 'partial', 'satisfied'],
    takes: 'debts of the provider’s, of which it takes what is owed at most; what is left is paid by the bank',
  },
  instruct: {
    from: ['approved', 'partial', 'rejected', 'failed', 'stopped', 'returned'],
    by: 'payer',
    to: ['instructed'],
    takes: 'what is owed by the decision; one payment may be for many claims',
  },
  settle: { from: ['instructed'], by: 'bank', to: ['settled'], takes: 'nothing any more: it is not taken now' },
  remit: {
    from: ['instructed', 'settled'],
    by: 'payer',
    to: ['remitted'],
    takes: 'the payment as its bank has settled it, of the amount that was owed',
  },
  unpay: {
    from: ['instructed', 'settled', 'remitted'],
    by: 'payer',
    to: ['rejected', 'failed', 'stopped', 'returned'],
    takes: 'the payment as its bank has reported that it ended, with ISO 20022’s reason',
  },
} as const satisfies Record<string, ClaimStep>;
export type ClaimStepName = keyof typeof CLAIM_STEPS;

/** The most steps that a claim takes. */
export const MAX_CLAIM_STEPS = 64;

const TABLE: readonly ClaimStep[] = Object.values(CLAIM_STEPS);

/** Who may have a claim stand in a status by its n-th step, from 1 on. */
export function takersOf(status: ClaimStatus, step: number): readonly Party[] {
  const isFirst = step === 1;
  return TABLE.filter(({ from, to }) => to.includes(status) && (from.length === 0) === isFirst).map(({ by }) => by);
}

/** Whether a step leads from one status to another; `undefined` is from none. */
export function leadsTo(name: ClaimStepName, from: ClaimStatus | undefined, to: ClaimStatus): boolean {
  const step: ClaimStep = CLAIM_STEPS[name];
  const isFrom = from === undefined ? step.from.length === 0 : step.from.includes(from);
  return isFrom && step.to.includes(to);
}
