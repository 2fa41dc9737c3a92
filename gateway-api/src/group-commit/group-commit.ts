/**
 * Group commit: writes that wait for the same signing identity travel in one ledger transaction. The first goes at once;
 * what arrives while others are under way is the next group. Each write keeps its own answer: a group that the ledger does
 * not take is sent again apart, until each write has the outcome it would have had alone.
 *
 * What a write holds and how it lies on the ledger is not known here: a group is the items of its members, in order.
 */
import type { ErrorCode, LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { throttled, unavailable } from '../http/failures.ts';
import { Turns } from '../idempotency/turns.ts';
import type { BeforeSubmit, Sender } from '../ledger/client.ts';
import { LedgerFailure } from '../ledger/ledger-failure.ts';
import { NotTogether } from '../ledger/not-together.ts';
import type { Outcome } from '../ledger/outcomes.ts';
import { deadlineWithin } from '../ledger/request-deadline.ts';
import { FairQueue } from './fair-queue.ts';
import { GroupSize, type SlowTimes } from './group-size.ts';
import { Pace, type PaceSettings } from './pace.ts';
import { itemsOf, partsOf } from './parts.ts';

/** One caller's write, all or nothing: its items are never split. */
export interface GroupWrite<Item> {
  /** In whose name it is signed. Only writes of one role and fhirUser share a transaction. */
  as: Sender;
  /** What else writes must have in common to share a transaction, such as who must endorse it. Default: nothing. */
  lane?: string;
  /** Whose turn it takes: the subject of the caller's token. */
  caller: string;
  items: readonly Item[];
  /** Length of the items in the transaction, bytes. */
  bytes: number;
  /** What the items replace or create. No two writes with a common target are under way at the same time. */
  targets: readonly string[];
  beforeSubmit: BeforeSubmit | undefined;
}

export interface Sending {
  beforeSubmit: BeforeSubmit | undefined;
  /** Until when the ledger is asked again, milliseconds since 1970. */
  deadline: number;
  /** Writes of others wait for this one: what a second try of it alone could cure is thrown as NotTogether. */
  isShared: boolean;
}

export interface GroupLimits extends PaceSettings {
  /** Transactions under way for one identity; what arrives meanwhile gathers. */
  inFlight: number;
  /** What waits is spread over the transactions that may depart, in groups of no fewer writes than this. */
  spread: number;
  /** A group's items and bytes; a larger write travels alone. */
  items: number;
  bytes: number;
  /** Writes that wait or are under way, beyond which `write` answers 429 to those who have their share of them. */
  writes: number;
  /** How long a write may take with all its tries. */
  budgetMs: number;
  /** After a group that took longer the next ones hold fewer writes, until one does not; default: whatever they took. */
  slow?: SlowTimes;
}

export interface GroupCommitOptions<Item, Sent extends Outcome = Outcome> {
  /** Sends one transaction and answers when it is committed. @throws {NotTogether} see Sending.isShared */
  send: (as: Sender, items: Item[], sending: Sending) => Promise<Sent>;
  /** Index of the item that a refusal names; undefined where it names none. */
  itemAtFault: (refusal: LedgerError, items: readonly Item[]) => number | undefined;
  limits: GroupLimits;
  /** Called for each transaction that is sent, with the number of writes and of items in it. */
  onGroup?: (writes: number, items: number) => void;
  /** Called for each group of several that is sent again apart: with what one of them was refused for, where one was. */
  onApart?: (refusal: ErrorCode | undefined) => void;
}

/** A write that waits or is under way. */
export interface Member<Item, Sent extends Outcome = Outcome> extends GroupWrite<Item> {
  deadline: number;
  resolve: (outcome: Sent) => void;
  reject: (error: unknown) => void;
}

/** What is waiting for one signing identity. */
interface Lane<Item, Sent extends Outcome> {
  queue: FairQueue<Member<Item, Sent>>;
  inFlight: number;
  pace: Pace;
  size: GroupSize;
  /** Set while a group waits for company. */
  gathering: NodeJS.Timeout | undefined;
}

/** A write that waited for so much of its budget is answered 503: what is left is too short to learn an outcome. */
const WAITING_SHARE = 0.8;

const KEPT_LANES = 256;

export class GroupCommit<Item, Sent extends Outcome = Outcome> {
  readonly #options: GroupCommitOptions<Item, Sent>;
  readonly #lanes = new Map<string, Lane<Item, Sent>>();
  readonly #targets = new Turns();
  #writes = 0;
  /** Writes that wait or are under way, by caller. */
  readonly #byCaller = new Map<string, number>();
  #stopped = false;

  constructor(options: GroupCommitOptions<Item, Sent>) {
    this.#options = options;
  }

  /** Writes that wait or are under way. */
  get writes(): number {
    return this.#writes;
  }

  /**
   * Writes all items in one transaction, alone or with others, and answers its outcome.
   * @throws {LedgerError} what the chaincode refused of these items. @throws {Failure} 429, 503 nothing was written, 504
   * unknown.
   */
  async write(write: GroupWrite<Item>): Promise<Sent> {
    const { writes, budgetMs } = this.#options.limits;
    if (this.#stopped) throw stopping();
    if (this.#writes >= writes && this.#ownOf(write.caller) >= this.#share()) {
      throw throttled('This client has its part of the writes in flight here.');
    }
    this.#count(write.caller, 1);
    const deadline = deadlineWithin(budgetMs);
    try {
      // Who had to wait for a write of the same target is most often refused afterwards: it must not hold up a group.
      const isSecond = this.#targets.areHeld(write.targets);
      return await this.#targets.hold(write.targets, async () => {
        if (this.#isLate(deadline)) throw tooLate();
        return isSecond ? this.#alone({ ...write, deadline }) : this.#grouped({ ...write, deadline });
      });
    } finally {
      this.#count(write.caller, -1);
    }
  }

  #ownOf(caller: string): number {
    return this.#byCaller.get(caller) ?? 0;
  }

  /** What each caller may have when there are too many: who has less is taken in nevertheless, and the others wait. */
  #share(): number {
    return this.#options.limits.writes / (this.#byCaller.size + 1);
  }

  #count(caller: string, change: 1 | -1): void {
    this.#writes += change;
    const own = this.#ownOf(caller) + change;
    if (own > 0) this.#byCaller.set(caller, own);
    else this.#byCaller.delete(caller);
  }

  /** Refuses what has not been sent yet with 503; what is under way goes on to its end. */
  stop(): void {
    this.#stopped = true;
    for (const { queue } of this.#lanes.values()) for (const { reject } of queue.take(() => true)) reject(stopping());
  }

  #grouped(write: Omit<Member<Item, Sent>, 'resolve' | 'reject'>): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const { as, lane: shared = '' } = write;
      const name = JSON.stringify([as.role, as.fhirUser ?? '', shared, this.#isLarge(write)]);
      const lane = this.#lanes.get(name) ?? this.#newLane();
      this.#lanes.set(name, lane);
      lane.queue.add({ ...write, resolve, reject });
      this.#gather(lane);
    });
  }

  /** Who writes that much travels alone, for seconds; those with little do not wait for it. */
  #isLarge({ items, bytes }: GroupWrite<Item>): boolean {
    const { limits } = this.#options;
    return items.length > limits.items || bytes > limits.bytes;
  }

  /** A group departs at once where its identity is idle; else it waits a moment for company. */
  #gather(lane: Lane<Item, Sent>): void {
    if (lane.gathering !== undefined || !this.#isFree(lane)) return;
    const waitMs = lane.pace.waitMs(lane.inFlight, performance.now());
    const depart = () => {
      lane.gathering = undefined;
      this.#depart(lane);
    };
    if (waitMs === 0) depart();
    else lane.gathering = setTimeout(depart, waitMs);
  }

  /** Idle lanes are kept for their pace, but not without end: there may be one for each practitioner. */
  #newLane(): Lane<Item, Sent> {
    if (this.#lanes.size >= KEPT_LANES) {
      for (const [name, { queue, inFlight }] of this.#lanes) {
        if (queue.size === 0 && inFlight === 0) this.#lanes.delete(name);
      }
    }
    const { limits } = this.#options;
    const size = new GroupSize(limits.slow);
    return { queue: new FairQueue(), inFlight: 0, pace: new Pace(limits), size, gathering: undefined };
  }

  readonly #isFree = ({ inFlight }: Lane<Item, Sent>): boolean => inFlight < this.#options.limits.inFlight;

  #depart(lane: Lane<Item, Sent>): void {
    while (lane.queue.size > 0 && this.#isFree(lane)) {
      const group = this.#next(lane);
      if (group.length > 0) void this.#travel(lane, group);
    }
  }

  async #travel(lane: Lane<Item, Sent>, group: readonly Member<Item, Sent>[]): Promise<void> {
    const departed = performance.now();
    lane.inFlight += 1;
    await this.#attempt(group);
    lane.inFlight -= 1;
    const now = performance.now();
    lane.pace.ended(group.length, now - departed, now);
    lane.size.ended(group.length, now - departed);
    if (lane.gathering === undefined) this.#depart(lane);
  }

  /** The next group: in turn from each caller, up to its share and the limits, without what waited too long. */
  #next({ queue, inFlight, size }: Lane<Item, Sent>): Member<Item, Sent>[] {
    const { limits } = this.#options;
    const share = Math.max(limits.spread, Math.ceil(queue.size / (limits.inFlight - inFlight)));
    let writes = 0;
    let items = 0;
    let bytes = 0;
    const group = queue.take((member) => {
      writes += 1;
      items += member.items.length;
      bytes += member.bytes;
      return writes <= Math.min(share, size.most) && items <= limits.items && bytes <= limits.bytes;
    });
    const late = new Set(group.filter(({ deadline }) => this.#isLate(deadline)));
    for (const { reject } of late) reject(tooLate());
    return group.filter((member) => !late.has(member));
  }

  #isLate(deadline: number): boolean {
    return deadline - Date.now() < this.#options.limits.budgetMs * (1 - WAITING_SHARE);
  }

  /** Sends a group once; is done when that is, while what has to be sent again still goes on. */
  async #attempt(group: readonly Member<Item, Sent>[], isFirst = true): Promise<void> {
    try {
      const outcome = await this.#send(group);
      for (const { resolve } of group) resolve(outcome);
    } catch (error) {
      if (error instanceof NotTogether) void this.#apart(group, error, isFirst);
      else for (const { reject } of group) reject(error);
    }
  }

  async #apart(
    group: readonly Member<Item, Sent>[],
    { refusal, isFinal }: NotTogether,
    isFirst: boolean,
  ): Promise<void> {
    const [only, ...others] = group;
    if (only === undefined) return;
    if (others.length === 0) {
      if (refusal !== undefined && isFinal) only.reject(refusal);
      else await this.#alone(only).then(only.resolve, only.reject);
      return;
    }
    this.#options.onApart?.(refusal?.code);
    const item = refusal && this.#options.itemAtFault(refusal, itemsOf(group));
    const parts = partsOf(group, item, isFirst);
    await Promise.all(parts.map((part) => this.#attempt(part, false)));
  }

  /** In the shared way, so that nobody waits for what only one member needs; see Sending. */
  async #send(group: readonly Member<Item, Sent>[]): Promise<Sent> {
    const [first] = group as [Member<Item, Sent>];
    const items = itemsOf(group);
    const beforeSubmit = beforeSubmitOf(group);
    const deadline = Math.min(...group.map((member) => member.deadline));
    this.#options.onGroup?.(group.length, items.length);
    return this.#options.send(first.as, items, { beforeSubmit, deadline, isShared: true });
  }

  async #alone({ as, items, beforeSubmit, deadline }: Omit<Member<Item, Sent>, 'resolve' | 'reject'>): Promise<Sent> {
    this.#options.onGroup?.(1, items.length);
    return this.#options.send(as, [...items], { beforeSubmit, deadline, isShared: false });
  }
}

/** Stores the signed transaction for every member that asks for it, before it is submitted. */
function beforeSubmitOf(group: readonly Pick<Member<unknown>, 'beforeSubmit'>[]): BeforeSubmit | undefined {
  const asked = group.flatMap(({ beforeSubmit }) => beforeSubmit ?? []);
  if (asked.length === 0) return undefined;
  return async (transactionId, signed, renamed) => {
    await Promise.all(asked.map((store) => store(transactionId, signed, renamed)));
  };
}

const tooLate = () =>
  new LedgerFailure('slow', 'The ledger is slow and this write waited too long. Nothing was written.');
const stopping = () => unavailable('This gateway is stopping; nothing was written.');
