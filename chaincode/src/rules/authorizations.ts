/**
 * What a request for authorization is and what becomes of it: its clock, whether it can be taken at all, and what a decision comes
 * to line by line. A request has no service yet, so it needs no evidence; the claim for what was done will.
 */
import { z } from 'zod';
import {
  type AuthorizationDecision,
  type AuthorizationStatus,
  type AuthorizationStep,
  DECISION_HOURS,
  type DecisionReason,
  isCancelledItem,
  type Urgency,
} from '../model/authorizations.ts';
import { expressionOf } from '../model/bill.ts';
import { objectsOf, targetOf } from '../model/claim-evidence.ts';
import type { Cover } from '../model/coverage.ts';
import { covers, FHIR_DATE_TIME, firstDay } from '../model/days.ts';
import { LedgerError } from '../model/errors.ts';
import type { Resource } from '../model/fhir.ts';
import { isBeneficiary } from './claim-edits/coverage.ts';

const dateTime = z.string().regex(FHIR_DATE_TIME);
const sequence = z.int().min(1);
const claimSchema = z.looseObject({
  status: z.enum(['active', 'cancelled']),
  use: z.enum(['preauthorization', 'predetermination']),
  patient: z.looseObject({}),
  provider: z.looseObject({}),
  priority: z.looseObject({ coding: z.array(z.looseObject({ code: z.string().optional() })).optional() }),
  created: dateTime,
  insurance: z
    .array(z.looseObject({ focal: z.boolean(), coverage: z.looseObject({}) }))
    .min(1)
    .max(50),
  item: z
    .array(
      z.looseObject({
        sequence,
        productOrService: z.looseObject({}),
        servicedDate: dateTime.optional(),
        servicedPeriod: z.looseObject({ start: dateTime.optional() }).optional(),
      }),
    )
    .min(1)
    .max(500),
});

/** One line that is asked for. */
export interface AskedItem {
  sequence: number;
  /** It is asked for no more. */
  isCancelled: boolean;
  element: Record<string, unknown>;
}

export interface Asked {
  /** `Coverage/<id>` of the focal insurance. */
  coverage: string | undefined;
  urgency: Urgency;
  items: AskedItem[];
  /** The first day that is asked for, where one is. */
  day: string | undefined;
  /** The whole is taken back. */
  isCancelled: boolean;
  /** It amends another one. */
  isAmendment: boolean;
}

/**
 * Reads a Claim that asks for authorization.
 * @throws LedgerError INVALID with the element at fault
 */
export function readAsked(claim: Resource): Asked {
  const parsed = claimSchema.safeParse(claim);
  if (!parsed.success) {
    const at = expressionOf('Claim', parsed.error.issues[0]?.path ?? []);
    throw new LedgerError('INVALID', 'missing, malformed or not supported', at);
  }
  const { status, priority, insurance, item: items } = parsed.data;
  const focal = insurance.filter((one) => one.focal);
  if (focal.length !== 1) throw new LedgerError('INVALID', 'needs one focal insurance', 'Claim.insurance');
  if (new Set(items.map((item) => item.sequence)).size < items.length)
    throw new LedgerError('INVALID', 'two items have the same sequence', 'Claim.item.sequence');
  const asked = items.map((element) => ({
    ...{ sequence: element.sequence, element, isCancelled: isCancelledItem(element) },
  }));
  const days = items.flatMap(({ servicedDate, servicedPeriod }) => servicedDate ?? servicedPeriod?.start ?? []);
  const related = objectsOf(claim['related']);
  return {
    coverage: targetOf(focal[0]?.coverage),
    urgency: (priority.coding ?? []).some(({ code }) => code === 'stat') ? 'expedited' : 'standard',
    items: asked,
    day: days.map(firstDay).sort()[0],
    isCancelled: status === 'cancelled' || asked.every((one) => one.isCancelled),
    isAmendment: related.length > 0,
  };
}

/** When a payer must have decided what it received. */
export const dueAt = (receivedAt: string, urgency: Urgency): string =>
  new Date(Date.parse(receivedAt) + DECISION_HOURS[urgency] * 3_600_000).toISOString();

/** Why a request is denied on receipt: the name of the rule; undefined where it is to be looked at. */
export function objectionTo(asked: Asked, cover: Cover, patient: Resource, receivedAt: string): string | undefined {
  if (!isBeneficiary(cover, patient)) return 'coverage-not-of-patient';
  const day = asked.day ?? firstDay(receivedAt);
  return cover.status === 'active' && covers(cover.days, day, day) ? undefined : 'coverage-not-in-force';
}

/** Which step somebody takes who asks. */
export function stepOf({ isCancelled }: Asked, isFirst: boolean): AuthorizationStep {
  if (isFirst) return 'request';
  return isCancelled ? 'cancel' : 'revise';
}

/** What becomes of a line. */
export interface DecidedItem {
  sequence: number;
  outcome: 'approve' | 'modify' | 'deny' | 'pend';
  reason: DecisionReason | undefined;
  quantity: number | undefined;
}

/**
 * What a decision comes to.
 * @throws LedgerError INVALID where it names a line that is not there, or denies without a reason that says why
 */
export function decided(
  asked: Asked,
  decision: AuthorizationDecision,
): { status: AuthorizationStatus; items: DecidedItem[] } {
  const lines = asked.items.filter(({ isCancelled }) => !isCancelled);
  const said = new Map((decision.items ?? []).map((one) => [one.sequence, one]));
  for (const number of said.keys())
    if (!lines.some((line) => line.sequence === number))
      throw new LedgerError('INVALID', 'there is no such line', 'decision.items');
  const items = lines.map(({ sequence: number }): DecidedItem => {
    const own = said.get(number);
    const { outcome, reason } = own ?? decision;
    return { sequence: number, outcome, reason: reason ?? decision.reason, quantity: own?.quantity };
  });
  for (const { outcome, reason, quantity } of items) checkReason(outcome, reason, quantity);
  if (decision.period !== undefined && decision.period.end < decision.period.start)
    throw new LedgerError('INVALID', 'ends before it starts', 'decision.period');
  return { status: statusOf(items.map(({ outcome }) => outcome)), items };
}

/** Whoever asks is told why (CMS-0057-F: the specific reason of a denial). */
function checkReason(
  outcome: DecidedItem['outcome'],
  reason: DecisionReason | undefined,
  quantity: number | undefined,
): void {
  if (outcome === 'approve') return;
  if (reason?.code === undefined && reason?.text === undefined)
    throw new LedgerError('INVALID', `to ${outcome} takes a reason that says why`, 'decision.reason');
  if (outcome === 'modify' && quantity === undefined)
    throw new LedgerError('INVALID', 'to modify a line says how much of it is authorized', 'decision.items');
}

function statusOf(outcomes: readonly DecidedItem['outcome'][]): AuthorizationStatus {
  if (outcomes.includes('pend')) return 'pended';
  if (outcomes.every((one) => one === 'approve')) return 'approved';
  return outcomes.every((one) => one === 'deny') ? 'denied' : 'partial';
}
