/**
 * Claims that are submitted, screened or decided at the same time share transactions: what comes while one is under way is the next
 * group, and each claim succeeds or fails as it would alone.
 */
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import type { InputOf, OutputOf, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { GroupCommit, GroupCommitOptions } from '../../group-commit/group-commit.ts';
import { LARGE_BYTES, type OwnLimits, severalAtOnce } from '../../group-commit/several.ts';
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
  return { ...all, stop };
}

interface Together {
  ledger: Pick<LedgerClient, 'submit'>;
  claimGroups: Omit<ClaimGroups, 'stop'>;
}

/** Submits a claim, alone or with others of the same identity's to the same payer. @throws as GroupCommit.write */
export function sendSubmission({ ledger, claimGroups }: Together, item: Submission, sending: Sending): Promise<Done> {
  const { input, shown } = item;
  const bytes = bytesOf(shown);
  // What replaces another, or stands beside another payer's, rests on other claims.
  if (bytes > LARGE_BYTES || shown.replaced !== undefined) return ledger.submit('SubmitClaim', input, shown, sending);
  const targets = [input.id, ...patientOf(shown.claim.resource)];
  return claimGroups.submissions.write({ ...writeOf(sending, targets, bytes), items: [item], lane: input.payer });
}

/** Has a claim screened, alone or with others of the payer's. @throws as GroupCommit.write */
export function sendScreening({ ledger, claimGroups }: Together, item: Screened, sending: Sending): Promise<Done> {
  const { input, shown } = item;
  const bytes = bytesOf(shown);
  if (bytes > LARGE_BYTES) return ledger.submit('ScreenClaim', input, shown, sending);
  const targets = [input.id, ...patientOf((JSON.parse(shown.claim) as ClaimRecord).resource)];
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

/** Claims of one patient's go one after the other: of one day they rest on one another. */
const patientOf = ({ patient }: Record<string, unknown>): string[] => {
  const { reference } = (patient ?? {}) as { reference?: unknown };
  return typeof reference === 'string' ? [reference] : [];
};

const bytesOf = (shown: object): number => JSON.stringify(shown).length;
