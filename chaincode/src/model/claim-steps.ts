/**
 * The states of a claim and the steps between them: one table, which the contracts hold every step to, the read model holds
 * every signer to, and docs/claims.md is made of. A step that is not here cannot be taken.
 */

/** The statuses that a claim can stand in, and what each means. */
export const CLAIM_STATES = {
  submitted: 'The payer has it and is to decide it.',
  denied: 'Nothing of it is owed.',
  'patient-responsibility': 'The patient owes what is allowed; the payer nothing.',
  partial: 'The payer owes less than what was billed, and is to pay it.',
  approved: 'The payer owes all but the patient’s share, and is to pay it.',
  instructed: 'The bank is to pay it.',
  settled: 'The bank has paid it.',
  remitted: 'The provider has its remittance.',
} as const;
export type ClaimStatus = keyof typeof CLAIM_STATES;
export const CLAIM_STATUSES = Object.keys(CLAIM_STATES) as [ClaimStatus, ...ClaimStatus[]];

/** Of a claim: its provider, its payer, or the bank that its state names. */
export type Party = 'provider' | 'payer' | 'bank';

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
    from: ['submitted'],
    by: 'payer',
    to: ['approved', 'partial', 'patient-responsibility', 'denied'],
    takes: 'the claim, and what the payer judges it by as that stands now',
  },
  instruct: {
    from: ['approved', 'partial'],
    by: 'payer',
    to: ['instructed'],
    takes: 'the decision, which says how much',
  },
  settle: { from: ['instructed'], by: 'bank', to: ['settled'], takes: 'the transfer’s reference and day' },
  remit: {
    from: ['settled'],
    by: 'payer',
    to: ['remitted'],
    takes: 'the bank’s notice, of the amount that was decided',
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
