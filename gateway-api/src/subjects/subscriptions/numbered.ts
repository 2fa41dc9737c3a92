/**
 * Subscriptions that are told of each event: what there is gets its number on the disk before anything is sent, and is sent in its
 * order until the endpoint has taken it. What is sent is what the subscription's owner may read at that moment, and is logged so.
 */
import type { Caller } from '../../auth/caller.ts';
import type { Search, StoredResource } from '../../fhir/repository.ts';
import type { Subscription, SubscriptionEvent, SubscriptionJournal } from '../../idempotency/subscriptions.ts';
import type { Content } from './backport.ts';
import { type AllowedHosts, notified, type Sent } from './hook.ts';
import { notificationOf, type ShownEvent } from './notifications.ts';
import type { Asked } from './subscription.ts';

/** Updates that are sent one by one, of those that were found together. */
const AT_ONCE = 20;

/** What a subscription's owner may be sent at the moment. */
export interface Sendable {
  /** Reads a record as a caller, and logs that; undefined for what he may not see, or what is gone. */
  read: (caller: Caller, type: string, id: string) => Promise<StoredResource | undefined>;
  /** Whether there would be something to read, for whoever is told no more than that. */
  isThere: (caller: Caller, type: string, id: string) => Promise<boolean>;
  /** Why he may be told nothing any more, as a sentence; undefined where he may. */
  endedFor: (row: Pick<Subscription, 'caller' | 'owner' | 'patient'>) => Promise<string | undefined>;
}

export interface NumberedOptions {
  journal: Pick<SubscriptionJournal, 'collect' | 'events' | 'took' | 'find'>;
  hosts: AllowedHosts;
  found: (
    search: Search,
    of: { since: number; until: number; keys?: readonly string[] },
  ) => Promise<{ records: { type: string; id: string }[]; upTo: number }>;
}

/** Who made it, and what the gateway is called there. */
export interface MadeBy {
  caller: Caller;
  baseUrl: string;
}

export const madeByOf = ({ caller }: Pick<Subscription, 'caller'>): MadeBy => JSON.parse(caller ?? '') as MadeBy;

/** Each event with what its subscription's owner may read of it now. */
export const shownTo = (
  { caller }: MadeBy,
  events: readonly SubscriptionEvent[],
  content: Content,
  { read, isThere }: Omit<Sendable, 'endedFor'>,
): Promise<ShownEvent[]> =>
  Promise.all(
    events.map(async (event) => {
      if (content === 'empty') return { event, found: undefined, isThere: await isThere(caller, event.type, event.id) };
      const found = await read(caller, event.type, event.id);
      return { event, found, isThere: found !== undefined };
    }),
  );

export class Numbered {
  readonly #options: NumberedOptions;

  constructor(options: NumberedOptions) {
    this.#options = options;
  }

  /** Numbers what there is up to a block, and of these keys (hashes) whose values came late. */
  async collect(row: Subscription, search: Search, until: number, keys: readonly string[]): Promise<void> {
    const { journal, found } = this.#options;
    let late = keys;
    for (let since = Number(row.told); since < until || late.length > 0; ) {
      const { records, upTo } = await found(search, { since, until: Math.max(since, until), keys: late });
      await journal.collect(row.id, records, upTo);
      since = upTo;
      late = [];
    }
  }

  /** Sends what the endpoint has not taken. @returns what went wrong, in a word */
  async send(id: string, asked: Asked, sendable: Sendable, now: () => Date): Promise<string | undefined> {
    const { journal } = this.#options;
    for (;;) {
      const row = await journal.find(id);
      if (row === undefined || Number(row.sent) >= Number(row.events)) return undefined;
      const count = typeof asked.told === 'object' ? asked.told.count : AT_ONCE;
      const events = await journal.events(id, Number(row.sent) + 1, count);
      if (events.length === 0) return undefined;
      const fault = await (typeof asked.told === 'object'
        ? this.#notify(row, asked, events, sendable)
        : this.#update(row, asked, events, sendable));
      if (fault !== undefined) return fault;
      await journal.took(id, Number(events.at(-1)!.number), now().toISOString());
    }
  }

  /** A first notification, or one that says that all is well. */
  async greet(row: Subscription, asked: Asked, type: 'handshake' | 'heartbeat'): Promise<string | undefined> {
    if (typeof asked.told !== 'object') return notified(asked.endpoint, asked.headers, this.#options.hosts);
    const status = type === 'handshake' ? 'requested' : row.status;
    const { baseUrl } = madeByOf(row);
    return this.#post(asked, notificationOf({ row: { ...row, status }, type, baseUrl }));
  }

  async #notify(
    row: Subscription,
    asked: Asked,
    events: readonly SubscriptionEvent[],
    sendable: Sendable,
  ): Promise<string | undefined> {
    const { content } = asked.told as Exclude<Asked['told'], string>;
    const madeBy = madeByOf(row);
    // Of the others he finds the numbers in `$events`, and nothing more.
    const shown = (await shownTo(madeBy, events, content, sendable)).filter(({ isThere }) => isThere);
    if (shown.length === 0) return undefined;
    const { baseUrl } = madeBy;
    return this.#post(asked, notificationOf({ row, type: 'event-notification', baseUrl, content, events: shown }));
  }

  /** An update of each record, at its place below the endpoint (hl7.org/fhir/R4/subscription.html#2.46.7.1). */
  async #update(
    row: Subscription,
    asked: Asked,
    events: readonly SubscriptionEvent[],
    sendable: Sendable,
  ): Promise<string | undefined> {
    const { endpoint, headers } = asked;
    for (const { event, found } of await shownTo(madeByOf(row), events, 'full-resource', sendable)) {
      if (found === undefined) continue;
      const url = new URL(endpoint);
      url.pathname = `${url.pathname.replace(/\/$/, '')}/${event.type}/${event.id}`;
      const sent: Sent = { method: 'PUT', body: JSON.stringify(found.resource) };
      const fault = await notified(url, headers, this.#options.hosts, sent);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #post({ endpoint, headers }: Asked, bundle: object): Promise<string | undefined> {
    return notified(endpoint, headers, this.#options.hosts, { method: 'POST', body: JSON.stringify(bundle) });
  }
}
