/**
 * Which subscriptions are to be told something: found by the accesses that blocks name, and after a start by the order of the
 * ledger. What happened while nobody could be told is told once, by the next notification.
 */

import type { Search } from '../../fhir/repository.ts';
import type { Subscription, SubscriptionJournal } from '../../idempotency/subscriptions.ts';
import type { ParsedBlock } from '../../ledger/block.ts';
import { accessIn, claimIn } from '../access/access-events.ts';
import type { Disclosure } from '../access/disclosure.ts';
import { RECORDED } from './backport.ts';
import { type AllowedHosts, notified } from './hook.ts';
import { madeByOf, Numbered, type NumberedOptions, type Sendable } from './numbered.ts';
import { type Asked, askedIn, topicOf } from './subscription.ts';

/** Tries in a row after which it is given up. */
const TRIES = 5;
/** Accesses that are remembered by their block. */
const MOST_RECENT = 10_000;

export interface SubscriptionsOptions {
  journal: SubscriptionJournal;
  hosts: AllowedHosts;
  /** Before the second try; each further one waits twice as long. */
  retryMs: number;
  /** The last block that the read model holds. */
  position: () => number;
  /** Name of this organisation. */
  organisation: string;
  find: (access: string) => Promise<Disclosure | undefined>;
  /** A patient's accesses that changed from a block on. */
  of: (patient: string, since: number) => AsyncIterable<Disclosure>;
  /** Whether an access of this organisation's own requests changed behind a block. */
  isOwnSince: (block: number) => Promise<boolean>;
  /** Whether a claim, or a request for authorization, is this organisation's; and whether one of its own changed behind a block. */
  isOwnClaim: (id: string) => Promise<boolean>;
  isOwnClaimSince: (block: number) => Promise<boolean>;
  /** Whether a record that a search finds is of one of these keys (hashes), or of a block behind this one. */
  isRecordSince: (search: Search, since: number | readonly string[]) => Promise<boolean>;
  /** Those records. */
  recordsSince: NumberedOptions['found'];
  /** Whether a claim is for a patient; and whether one for her changed behind a block. */
  isClaimFor: (patient: string, id: string) => Promise<boolean>;
  isClaimForSince: (patient: string, block: number) => Promise<boolean>;
}

/** One that is to be told now. */
export interface Due {
  row: Subscription;
  /** The block up to which it is told by this. */
  head: number;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  /** What blocks named since this process began, the newest last. */
  #recent: { block: number; access: string; claim: string; keyHash: string }[] = [];
  /** From which block on that is all. */
  #from: number | undefined;
  #head = 0;
  /** The block up to which there was nothing to tell, by subscription. */
  readonly #looked = new Map<string, number>();
  readonly #numbered: Numbered;
  /** Keys (hashes) whose values came later than their blocks, the newest last, and how many of them were forgotten. */
  readonly #late: string[] = [];
  #lateForgotten = 0;
  /** How many of them were looked at, by subscription. */
  readonly #lateLooked = new Map<string, number>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    const { journal, hosts, recordsSince: found } = options;
    this.#numbered = new Numbered({ journal, hosts, found });
  }

  get journal(): SubscriptionJournal {
    return this.#options.journal;
  }

  get hosts(): AllowedHosts {
    return this.#options.hosts;
  }

  /** The block up to which all is seen. */
  get head(): number {
    return Math.max(this.#head, this.#options.position());
  }

  /** Call it with each block that the read model holds. */
  sees({ number, transactions }: Pick<ParsedBlock, 'number' | 'transactions'>): void {
    this.#from ??= number;
    this.#head = Math.max(this.#head, number);
    for (const access of new Set(transactions.flatMap(({ event }) => accessIn(event))))
      this.#recent.push({ block: number, access, claim: '', keyHash: '' });
    for (const claim of new Set(transactions.flatMap(({ event }) => claimIn(event))))
      this.#recent.push({ block: number, access: '', claim, keyHash: '' });
    for (const keyHash of transactions.flatMap(({ privateWrites = [] }) => privateWrites.map((one) => one.keyHash)))
      this.#recent.push({ block: number, access: '', claim: '', keyHash });
    const dropped = this.#recent.splice(0, Math.max(0, this.#recent.length - MOST_RECENT)).at(-1);
    if (dropped !== undefined) this.#from = dropped.block + 1;
  }

  /** Call it with each block of which values arrived later. */
  seesLate({ transactions }: Pick<ParsedBlock, 'transactions'>): void {
    this.#late.push(...transactions.flatMap(({ privateWrites = [] }) => privateWrites.map((one) => one.keyHash)));
    this.#lateForgotten += this.#late.splice(0, Math.max(0, this.#late.length - MOST_RECENT)).length;
  }

  async *due(now: string): AsyncGenerator<Due> {
    for (const row of await this.#options.journal.live()) {
      const { head } = this;
      if (row.due_at !== null && row.due_at > now) continue;
      const isOpen = row.status === 'requested' || row.failures > 0 || Number(row.sent) < Number(row.events);
      const isDue = isOpen || this.#lateOf(row).length > 0 || (heartbeatOf(row) ?? Infinity) <= Date.parse(now);
      if (isDue || (await this.#isMore(row))) yield { row, head };
      else this.#looked.set(row.id, head);
    }
  }

  async soonest(): Promise<number | undefined> {
    const times = (await this.#options.journal.live()).flatMap((row) =>
      row.due_at === null ? (heartbeatOf(row) ?? []) : [Date.parse(row.due_at)],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Tells one, and notes what came of it. */
  async tell({ row, head }: Due, now: Date, sendable: Sendable): Promise<void> {
    const { id, version, resource, patient, failures } = row;
    const asked = endedIn(JSON.parse(resource) as Record<string, unknown>, patient);
    const { endpoint, headers, end, told } = asked;
    const { journal, hosts, retryMs } = this.#options;
    const updated = { updated_at: now.toISOString() };
    if (end !== undefined && end <= now.toISOString())
      return journal.change(id, version, { status: 'off', due_at: null, ...updated });
    const ended = await sendable.endedFor(row);
    if (ended !== undefined)
      return journal.change(id, version, { status: 'error', due_at: null, error: ended, ...updated });
    const isNumbered = told !== 'call';
    const fault = isNumbered
      ? await this.#tellEach(row, asked, { head, now, sendable })
      : await this.#call(row, asked, { head, sendable }, () => notified(endpoint, headers, hosts));
    if (fault === undefined) {
      this.#looked.delete(id);
      const well = { status: 'active', failures: 0, due_at: null, error: null } as const;
      const upTo = isNumbered ? {} : { told: head };
      // What did not change is not of another time: a heartbeat leaves it as it is.
      const isSame = row.status === 'active' && Number(failures) === 0;
      return journal.change(id, version, { ...well, ...upTo, ...(isNumbered && isSame ? {} : updated) });
    }
    const tries = Number(failures) + 1;
    const again = new Date(now.getTime() + retryMs * 2 ** Number(failures)).toISOString();
    if (tries < TRIES) return journal.change(id, version, { failures: tries, due_at: again });
    const error = `The endpoint did not take ${TRIES} notifications in a row: ${fault}.`;
    await journal.change(id, version, { status: 'error', failures: tries, due_at: null, error, ...updated });
  }

  /** Calls an endpoint; of records where there is one that the owner may read. @returns what went wrong, in a word */
  async #call(
    row: Subscription,
    { search }: Asked,
    { head, sendable }: { head: number; sendable: Sendable },
    call: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    if (search === undefined || row.status === 'requested') return call();
    const keys = this.#lateOf(row);
    const looked = this.#lateForgotten + this.#late.length;
    const isAny = await this.#isAnyThere(row, search, { head, keys, sendable });
    const fault = isAny ? await call() : undefined;
    if (fault === undefined) this.#lateLooked.set(row.id, looked);
    return fault;
  }

  async #isAnyThere(
    row: Subscription,
    search: Search,
    { head, keys, sendable }: { head: number; keys: readonly string[]; sendable: Sendable },
  ): Promise<boolean> {
    const owner = row.caller === null ? undefined : madeByOf(row).caller;
    let late = keys;
    for (let since = Number(row.told); since < head || late.length > 0; ) {
      const { records, upTo } = await this.#options.recordsSince(search, {
        since,
        until: Math.max(since, head),
        keys: late,
      });
      // Of before it was kept who made one: it is told as then.
      if (owner === undefined && records.length > 0) return true;
      for (const { type, id } of records)
        if (owner !== undefined && (await sendable.isThere(owner, type, id))) return true;
      [since, late] = [upTo, []];
    }
    return false;
  }

  /** @returns what went wrong, in a word */
  async #tellEach(
    row: Subscription,
    asked: Asked,
    { head, now, sendable }: { head: number; now: Date; sendable: Sendable },
  ): Promise<string | undefined> {
    const { journal } = this.#options;
    const current = await journal.find(row.id);
    if (current === undefined || current.version !== row.version || asked.search === undefined) return undefined;
    const late = this.#lateOf(row);
    const looked = this.#lateForgotten + this.#late.length;
    await this.#numbered.collect(current, asked.search, head, late);
    this.#lateLooked.set(row.id, looked);
    if (current.status === 'requested') {
      const fault = await this.#numbered.greet(current, asked, 'handshake');
      if (fault !== undefined) return fault;
      await journal.took(row.id, Number(current.sent), now.toISOString());
    }
    const fault = await this.#numbered.send(row.id, asked, sendable, () => new Date());
    const beat = heartbeatOf((await journal.find(row.id)) ?? current);
    if (fault !== undefined || beat === undefined || beat > now.getTime()) return fault;
    const unheard = await this.#numbered.greet(current, asked, 'heartbeat');
    if (unheard === undefined) await journal.took(row.id, Number(current.sent), now.toISOString());
    return unheard;
  }

  /** Keys of late values that one was not told of; those of before it was made, or before this process, are none. */
  #lateOf({ id, resource }: Subscription): string[] {
    const said = JSON.parse(resource) as Record<string, unknown>;
    if (topicOf(said) !== 'records') return [];
    const all = this.#lateForgotten + this.#late.length;
    const looked = this.#lateLooked.get(id);
    if (looked === undefined) this.#lateLooked.set(id, all);
    return this.#late.slice(Math.max(0, (looked ?? all) - this.#lateForgotten));
  }

  async #isMore({ id, patient, told, resource }: Subscription): Promise<boolean> {
    const since = Math.max(Number(told), this.#looked.get(id) ?? 0);
    if (since >= this.head) return false;
    const isAll = this.#from !== undefined && since + 1 >= this.#from;
    const recent = this.#recent.filter(({ block }) => block > since);
    const said = JSON.parse(resource) as Record<string, unknown>;
    const topic = topicOf(said);
    if (topic === 'records') return this.#isRecord(said, isAll ? recent.map(({ keyHash }) => keyHash) : since);
    if (topic !== 'AuditEvent') {
      const claims = isAll ? recent.map(({ claim }) => claim).filter((claim) => claim !== '') : undefined;
      return this.#isMoreOfClaims(patient, since, claims);
    }
    if (!isAll) return this.#isMoreOnLedger(patient, since);
    for (const { access } of recent.filter((one) => one.access !== '')) {
      const found = await this.#options.find(access);
      if (found !== undefined && this.#isAbout(found, patient)) return true;
    }
    return false;
  }

  async #isRecord(said: Record<string, unknown>, since: number | readonly string[]): Promise<boolean> {
    const { search } = endedIn(said, null);
    const keys = typeof since === 'number' ? since : since.filter((one) => one !== '');
    if (search === undefined || (typeof keys !== 'number' && keys.length === 0)) return false;
    return this.#options.isRecordSince(search, keys);
  }

  /** @param claims those that blocks named; undefined where it is to be looked for on the ledger */
  async #isMoreOfClaims(
    patient: string | null,
    since: number,
    claims: readonly string[] | undefined,
  ): Promise<boolean> {
    const { isOwnClaim, isOwnClaimSince, isClaimFor, isClaimForSince } = this.#options;
    if (claims === undefined) return patient === null ? isOwnClaimSince(since) : isClaimForSince(patient, since);
    for (const claim of claims)
      if (await (patient === null ? isOwnClaim(claim) : isClaimFor(patient, claim))) return true;
    return false;
  }

  async #isMoreOnLedger(patient: string | null, since: number): Promise<boolean> {
    if (patient === null) return this.#options.isOwnSince(since);
    for await (const _ of this.#options.of(patient, since + 1)) return true;
    return false;
  }

  #isAbout({ patient, state }: Disclosure, wanted: string | null): boolean {
    return wanted === null ? state.requestor === this.#options.organisation : patient === wanted;
  }
}

/** When its owner is to be told that all is well, milliseconds since 1970; undefined: never. */
function heartbeatOf({
  resource,
  patient,
  sent_at: at,
  status,
  failures,
  due_at: due,
}: Subscription): number | undefined {
  if (at === null || status !== 'active' || Number(failures) > 0 || due !== null) return undefined;
  const said = JSON.parse(resource) as Record<string, unknown>;
  if (said['criteria'] !== RECORDED) return undefined;
  const { told } = endedIn(said, patient);
  const { heartbeatMs } = typeof told === 'object' ? told : {};
  return heartbeatMs === undefined ? undefined : Date.parse(at) + heartbeatMs;
}

/** As it was when it was taken: its end may be over by now. */
function endedIn({ end, ...resource }: Record<string, unknown>, patient: string | null) {
  const asked = askedIn({ ...resource, status: 'requested' }, patient === null ? undefined : [patient]);
  return { ...asked, end: typeof end === 'string' ? new Date(end).toISOString() : undefined };
}
