/**
 * Requests for access, and decisions that deliver, several in one transaction: what comes while one is under way is the next
 * group. One that is alone goes as the transaction for one, which every gateway and every chaincode knows.
 */
import type { AccessRequest, OutputOf, PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { GroupCommit, GroupCommitOptions } from '../../group-commit/group-commit.ts';
import { LARGE_BYTES, type OwnLimits, severalAtOnce } from '../../group-commit/several.ts';
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

/**
 * What each record or consent of a decision counts for at least: its decoys are as many however short it is, and those of a
 * whole group must have room in one transaction (model/decoys.ts).
 */
const GROUND_BYTES = 8 * KIB;
/** The chaincode names an access by its place in the private input. */
const PLACE = /^private\.(?:requests|decisions)\[(\d+)\]/;

/** @param limits what of the gateway's own limits holds for these too */
export function accessGroups(
  ledger: Pick<LedgerClient, 'submit'>,
  limits: OwnLimits,
  observed: {
    /** Called for each transaction that is sent, with the number of accesses in it. */
    onGroup: (transaction: 'request' | 'decision', accesses: number) => void;
    onApart: NonNullable<GroupCommitOptions<unknown>['onApart']>;
  },
): AccessGroups {
  const { onApart, onGroup } = observed;
  const shared = { place: PLACE, limits, onApart };
  const requests = severalAtOnce<AccessRequest, Asked>({
    ...shared,
    onGroup: (count) => onGroup('request', count),
    one: (request, sending) => ledger.submit('RequestAccess', { id: request.id }, { request }, sending),
    several: (items, sending) => ledger.submit('RequestAccesses', {}, { requests: items }, sending),
  });
  const decisions = severalAtOnce<Decision, Decided>({
    ...shared,
    onGroup: (count) => onGroup('decision', count),
    one: ({ id, holder, shown }, sending) => ledger.submit('DecideAccess', { id, holder }, shown, sending),
    several: (items, sending) => {
      const [{ holder }] = items as [Decision, ...Decision[]];
      const all = items.map(({ id, shown }) => ({ id, ...shown }));
      return ledger.submit('DecideAccesses', { holder }, { decisions: all }, sending);
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
