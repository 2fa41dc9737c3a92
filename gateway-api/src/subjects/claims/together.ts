/**
 * Claims that are submitted, screened or decided at the same time share transactions: what comes while one is under way is the next
 * group, and each claim succeeds or fails as it would alone.
 */
import { readBill } from '@telemed-ledger/chaincode/model/bill.ts';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { addDays, countDays, daysFrom } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { InputOf, OutputOf, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { GroupCommit, GroupCommitOptions } from '../../group-commit/group-commit.ts';
import { LARGE_BYTES, type OwnLimits, severalAtOnce } from '../../group-commit/several.ts';
import { Turns } from '../../idempotency/turns.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { LedgerClient, Submitted } from '../../ledger/client.ts';

interface Submission {
  input: InputOf<'SubmitClaim'>;
  shown: PrivateOf<'SubmitClaim'>;
}
interface Screened {
  input: InputOf<'ScreenClaim'>;
  shown: PrivateOf<'ScreenClaim'>;
}
interface Decision {
  input: InputOf<'AdjudicateClaim'>;
  shown: PrivateOf<'AdjudicateClaim'>;
}

type Done = Submitted<OutputOf<'SubmitClaim'>>;

export interface ClaimGroups {
  submissions: GroupCommit<Submission, Done>;
  screenings: GroupCommit<Screened, Done>;
  decisions: GroupCommit<Decision, Done>;
  /**
   * By the days of a patient: what is gathered for a claim holds until another of these is committed, so that each is gathered in its turn.
   * Without, every one that waits would be refused, and gathered again, once for each that goes before it.
   */
  submitting: Turns;
  screening: Turns;
  stop: () => void;
}

/** The chaincode names a claim by its place. */
const PLACE = /^private\.claims\[(\d+)\]/;

/** @param limits what of the gateway's own limits holds for these too */
export function claimGroups(
  ledger: Pick<LedgerClient, 'submit'>,
  limits: OwnLimits,
  observed: {
    /** Called for each transaction that is sent, with the number of claims in it. */
    onGroup: (transaction: 'submission' | 'screening' | 'adjudication', claims: number) => void;
    onApart: NonNullable<GroupCommitOptions<unknown>['onApart']>;
  },
): ClaimGroups {
  const { onGroup, onApart } = observed;
  const shared = { place: PLACE, limits, onApart };
  const submissions = severalAtOnce<Submission, Done>({
    ...shared,
    onGroup: (count) => onGroup('submission', count),
    one: ({ input, shown }, sending) => ledger.submit('SubmitClaim', input, shown, sending),
    several: (items, sending) => {
      const { payer } = items[0]!.input;
      return ledger.submit('SubmitClaims', { payer }, { claims: items.map(({ shown }) => shown) }, sending);
    },
  });
  const screenings = severalAtOnce<Screened, Done>({
    ...shared,
    onGroup: (count) => onGroup('screening', count),
    one: ({ input, shown }, sending) => ledger.submit('ScreenClaim', input, shown, sending),
    several: (items, sending) => {
      const claims = items.map(({ input: { id, provider }, shown }) => ({ id, provider, ...shown }));
      return ledger.submit('ScreenClaims', {}, { claims }, sending);
    },
  });
  const decisions = severalAtOnce<Decision, Done>({
    ...shared,
    onGroup: (count) => onGroup('adjudication', count),
    one: ({ input, shown }, sending) => ledger.submit('AdjudicateClaim', input, shown, sending),
    several: (items, sending) => {
      const { provider } = items[0]!.input;
      const claims = items.map(({ input: { id }, shown }) => ({ id, ...shown }));
      return ledger.submit('AdjudicateClaims', { provider }, { claims }, sending);
    },
  });
  const all = { submissions, screenings, decisions };
  const stop = (): void => {
    for (const group of Object.values(all)) group.stop();
  };
  return { ...all, submitting: new Turns(), screening: new Turns(), stop };
}

interface Together {
  ledger: Pick<LedgerClient, 'submit'>;
  claimGroups: Omit<ClaimGroups, 'stop' | 'submitting' | 'screening'>;
}

/** Submits a claim, alone or with others of the same identity's to the same payer. @throws as GroupCommit.write */
export function sendSubmission({ ledger, claimGroups }: Together, item: Submission, sending: Sending): Promise<Done> {
  const { input, shown } = item;
  const bytes = bytesOf(shown);
  // What replaces another, or stands beside another payer's, rests on other claims.
  if (bytes > LARGE_BYTES || shown.replaced !== undefined) return ledger.submit('SubmitClaim', input, shown, sending);
  const targets = [input.id, ...daysOf(shown.claim.resource)];
  return claimGroups.submissions.write({ ...writeOf(sending, targets, bytes), items: [item], lane: input.payer });
}

/** Has a claim screened, alone or with others of the payer's. @throws as GroupCommit.write */
export function sendScreening({ ledger, claimGroups }: Together, item: Screened, sending: Sending): Promise<Done> {
  const { input, shown } = item;
  const bytes = bytesOf(shown);
  if (bytes > LARGE_BYTES) return ledger.submit('ScreenClaim', input, shown, sending);
  const targets = [input.id, ...daysOf((parseExact(shown.claim) as ClaimRecord).resource)];
  return claimGroups.screenings.write({ ...writeOf(sending, targets, bytes), items: [item] });
}

/** Decides a claim, alone or with others of the same provider's by the same identity. @throws as GroupCommit.write */
export function sendDecision({ ledger, claimGroups }: Together, item: Decision, sending: Sending): Promise<Done> {
  const { input, shown } = item;
  const bytes = bytesOf(shown);
  if (bytes > LARGE_BYTES || input.beyond === true || shown.decision !== undefined)
    return ledger.submit('AdjudicateClaim', input, shown, sending);
  return claimGroups.decisions.write({ ...writeOf(sending, [input.id], bytes), items: [item], lane: input.provider });
}

const writeOf = ({ as, client, beforeSubmit }: Sending, targets: string[], bytes: number) => ({
  ...{ as, caller: client ?? '', targets, beforeSubmit, bytes },
});

/** A claim of more days is looked for by the month or so: it waits for the patient's others of that kind. */
const MOST_DAYS = 10;

/**
 * Claims of one day of a patient's go one after the other: they rest on one another (chaincode 0141). Those of other days share transactions.
 * The day after counts too, which an evening may be in by UTC; what is missed so is refused together, and sent again apart.
 */
export function daysOf(claim: Resource): string[] {
  const { reference } = (claim['patient'] ?? {}) as { reference?: unknown };
  if (typeof reference !== 'string') return [];
  const spans = spansOf(claim);
  if (spans.length === 0 || spans.some(({ first, last }) => !(countDays(first, last) <= MOST_DAYS))) return [reference];
  const days = spans.flatMap(({ first, last }) => daysFrom(first, addDays(last, 1)));
  return [...new Set(days)].map((day) => `${reference} ${day}`);
}

/** Of one that cannot be read nothing: the endorsers say why. */
function spansOf(claim: Resource): { first: string; last: string }[] {
  try {
    return readBill(claim).items;
  } catch (error) {
    if (error instanceof LedgerError) return [];
    throw error;
  }
}

const bytesOf = (shown: object): number => JSON.stringify(shown).length;
