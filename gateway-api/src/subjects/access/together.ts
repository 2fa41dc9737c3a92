/**
 * Requests for access, and decisions that deliver, several in one transaction: what comes while one is under way is the next
 * group. One that is alone goes as the transaction for one, which every gateway and every chaincode knows.
 */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { AccessRequest, OutputOf, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { GroupCommit, type GroupCommitOptions, type GroupLimits } from '../../group-commit/group-commit.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { LedgerClient, Submitted } from '../../ledger/client.ts';
import { SYSTEM } from '../../ledger/sender.ts';

const KIB = 1024;

/** A decision that delivers, with what it shows. */
export interface Decision {
  id: string;
  holder: string;
  shown: PrivateOf<'DecideAccess'>;
}

type Asked = Submitted<OutputOf<'RequestAccess'>>;
type Decided = Submitted<OutputOf<'DecideAccess'>>;

export interface AccessGroups {
  requests: GroupCommit<AccessRequest, Asked>;
  decisions: GroupCommit<Decision, Decided>;
  stop: () => void;
}

/** Nobody is waited for: a group is what has come while the one before it was under way. */
const LIMITS = { inFlight: 1, spread: 32, items: 32, bytes: 1024 * KIB, gatherShare: 0, gatherMs: 0 } as const;
/** Of the time that a write has: a group that took more was too large. */
const SLOW_SHARE = 1 / 6;
/**
 * What each record or consent of a decision counts for at least: its decoys are as many however short it is, and those of a
 * whole group must have room in one transaction (model/decoys.ts).
 */
const GROUND_BYTES = 8 * KIB;
/** More than this travels alone, as it does without groups: a group is as slow as the largest in it. */
const LARGE_BYTES = 128 * KIB;

/** The chaincode names an access by its place in the private input. */
const PLACE = /^private\.(?:requests|decisions)\[(\d+)\]/;

function accessAtFault({ expression }: Pick<LedgerError, 'expression'>): number | undefined {
  const [, place] = PLACE.exec(expression ?? '') ?? [];
  return place === undefined ? undefined : Number(place);
}

/** @param limits what of the gateway's own limits holds for these too */
export function accessGroups(
  ledger: Pick<LedgerClient, 'submit'>,
  limits: Pick<GroupLimits, 'writes' | 'budgetMs'>,
  observed: {
    /** Called for each transaction that is sent, with the number of accesses in it. */
    onGroup: (transaction: 'request' | 'decision', accesses: number) => void;
    onApart: NonNullable<GroupCommitOptions<unknown>['onApart']>;
  },
): AccessGroups {
  const { onApart } = observed;
  const slowMs = limits.budgetMs * SLOW_SHARE;
  const shared = { itemAtFault: accessAtFault, limits: { ...LIMITS, ...limits, slowMs }, onApart };
  const requests = new GroupCommit<AccessRequest, Asked>({
    ...shared,
    onGroup: (count) => observed.onGroup('request', count),
    send: (as, items, sending) => {
      const [request, ...more] = items as [AccessRequest, ...AccessRequest[]];
      if (more.length > 0) return ledger.submit('RequestAccesses', {}, { requests: items }, { as, ...sending });
      return ledger.submit('RequestAccess', { id: request.id }, { request }, { as, ...sending });
    },
  });
  const decisions = new GroupCommit<Decision, Decided>({
    ...shared,
    onGroup: (count) => observed.onGroup('decision', count),
    send: (as, items, sending) => {
      const [{ id, holder, shown }, ...more] = items as [Decision, ...Decision[]];
      if (more.length === 0) return ledger.submit('DecideAccess', { id, holder }, shown, { as, ...sending });
      const all = items.map((item) => ({ id: item.id, ...item.shown }));
      return ledger.submit('DecideAccesses', { holder }, { decisions: all }, { as, ...sending });
    },
  });
  const stop = (): void => {
    requests.stop();
    decisions.stop();
  };
  return { requests, decisions, stop };
}

/** Sends a request, alone or with others of the same identity's. @throws as GroupCommit.write */
export const sendRequest = (
  { requests }: Pick<AccessGroups, 'requests'>,
  request: AccessRequest,
  { as, client, beforeSubmit }: Sending,
): Promise<Asked> =>
  requests.write({
    ...{ as, caller: client ?? '', items: [request], targets: [request.id], beforeSubmit },
    bytes: JSON.stringify(request).length,
  });

interface Deciding {
  ledger: Pick<LedgerClient, 'submit'>;
  accessGroups: Pick<AccessGroups, 'decisions'>;
}

/** Sends a decision, alone or with others that the same holder endorses; requestors take turns. @throws as GroupCommit.write */
export function sendDecision({ ledger, accessGroups: { decisions } }: Deciding, decision: Decision): Promise<Decided> {
  const { id, holder, shown } = decision;
  if (isLarge(decision)) return ledger.submit('DecideAccess', { id, holder }, shown, { as: SYSTEM });
  return decisions.write({
    ...{ as: SYSTEM, lane: holder, caller: shown.requestor, items: [decision], targets: [id] },
    ...{ bytes: bytesOf(decision), beforeSubmit: undefined },
  });
}

/** Whether a decision shows so much that it shares no transaction. */
export const isLarge = (decision: Pick<Decision, 'shown'>): boolean => bytesOf(decision) > LARGE_BYTES;

/** What it takes of a group, about. */
function bytesOf({ shown }: Pick<Decision, 'shown'>): number {
  const evidence = [...shown.records, ...(shown.companions ?? []), ...(shown.context ?? [])];
  const lengths = evidence.map(({ text, tree }) => Math.max(GROUND_BYTES, text.length + tree.length));
  return lengths.reduce((sum, length) => sum + length, GROUND_BYTES * (1 + shown.consents.length));
}
