/**
 * Which subscriptions are to be told something: found by the accesses that blocks name, and after a start by the order of the
 * ledger. What happened while nobody could be told is told once, by the next notification.
 */

import type { Search } from '../../fhir/repository.ts';
import type { Subscription, SubscriptionJournal } from '../../idempotency/subscriptions.ts';
import type { ParsedBlock } from '../../ledger/block.ts';
import { accessIn, claimIn } from '../access/access-events.ts';
import type { Disclosure } from '../access/disclosure.ts';
import { type AllowedHosts, notified } from './hook.ts';
import { askedIn, topicOf } from './subscription.ts';

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

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
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

  async *due(now: string): AsyncGenerator<Due> {
    for (const row of await this.#options.journal.live()) {
      const { head } = this;
      if (row.due_at !== null && row.due_at > now) continue;
      if (row.status === 'requested' || row.failures > 0 || (await this.#isMore(row))) yield { row, head };
      else this.#looked.set(row.id, head);
    }
  }

  async soonest(): Promise<number | undefined> {
    const times = (await this.#options.journal.live()).flatMap(({ due_at: due }) =>
      due === null ? [] : [Date.parse(due)],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Tells one, and notes what came of it. */
  async tell({ row, head }: Due, now: Date): Promise<void> {
    const { id, version, resource, patient, failures } = row;
    const { endpoint, headers, end } = endedIn(JSON.parse(resource) as Record<string, unknown>, patient);
    const { journal, hosts, retryMs } = this.#options;
    const updated = { updated_at: now.toISOString() };
    if (end !== undefined && end <= now.toISOString())
      return journal.change(id, version, { status: 'off', due_at: null, ...updated });
    const fault = await notified(endpoint, headers, hosts);
    if (fault === undefined) {
      this.#looked.delete(id);
      const told = { status: 'active', failures: 0, due_at: null, error: null, told: head } as const;
      return journal.change(id, version, { ...told, ...updated });
    }
    const tries = Number(failures) + 1;
    const again = new Date(now.getTime() + retryMs * 2 ** Number(failures)).toISOString();
    if (tries < TRIES) return journal.change(id, version, { failures: tries, due_at: again });
    const error = `The endpoint did not take ${TRIES} notifications in a row: ${fault}.`;
    await journal.change(id, version, { status: 'error', failures: tries, due_at: null, error, ...updated });
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

/** As it was when it was taken: its end may be over by now. */
function endedIn({ end, ...resource }: Record<string, unknown>, patient: string | null) {
  const asked = askedIn({ ...resource, status: 'requested' }, patient === null ? undefined : [patient]);
  return { ...asked, end: typeof end === 'string' ? new Date(end).toISOString() : undefined };
}
