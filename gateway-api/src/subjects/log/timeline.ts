/** Several lists of events as one, newest first: each is walked as far as the page needs, and says where the next page goes on. */
import type { StoredResource } from '../../fhir/repository.ts';

/** Something that happened, before it is read whole. */
export interface Happening {
  /** ISO 8601 UTC. */
  at: string;
  /** Of the access that it is; undefined of anything else. */
  id?: string;
  /** Where its list goes on behind it; JSON. */
  position: unknown;
  /** Undefined where it is not what is looked for after all. */
  read(): Promise<StoredResource | undefined>;
}

/** A list of events, newest first, from behind a position on. */
export type Source = (behind: unknown) => AsyncGenerator<Happening>;

export interface TimelineOptions {
  count: number;
  /** `next` of the page before. */
  after?: string | undefined;
  /** Whether something of that time may be wanted; what may not is not read. */
  isAt(at: string): boolean;
  /** Nothing older is wanted. */
  since?: string | undefined;
  isWanted(resource: StoredResource): boolean;
  /** Called with what an event cannot be read of. @returns whether the rest goes on */
  onBroken(error: unknown, id: string | undefined): boolean;
}

export interface TimelinePage {
  matches: StoredResource[];
  next?: string;
  broken: number;
}

/** Events that one page looks at: a page may have fewer than it could, and a next one all the same. */
const MOST_SEEN = 2_000;

/** A page of all sources together. @throws what `onBroken` does not take */
export async function pageOf(
  sources: Readonly<Record<string, Source>>,
  options: TimelineOptions,
): Promise<TimelinePage> {
  const { count, after, isAt, since = '', isWanted, onBroken } = options;
  const positions = positionsIn(after);
  const lists = Object.entries(sources).map(([name, source]) => new List(name, source(positions[name])));
  await Promise.all(lists.map((list) => list.advance()));
  const page: TimelinePage = { matches: [], broken: 0 };
  const take = async (head: Happening): Promise<void> => {
    try {
      const found = await head.read();
      if (found !== undefined && isWanted(found)) page.matches.push(found);
    } catch (error) {
      if (!onBroken(error, head.id)) throw error;
      page.broken += 1;
    }
  };
  for (let seen = 0; seen < MOST_SEEN && page.matches.length < count; ) {
    const list = newestOf(lists);
    if (list?.head === undefined || list.head.at < since) return page;
    const { head } = list;
    if (isAt(head.at)) {
      seen += 1;
      await take(head);
    }
    positions[list.name] = head.position;
    await list.advance();
  }
  return lists.every(({ head }) => head === undefined) ? page : { ...page, next: JSON.stringify(positions) };
}

class List {
  readonly name: string;
  head: Happening | undefined;
  readonly #all: AsyncGenerator<Happening>;

  constructor(name: string, all: AsyncGenerator<Happening>) {
    this.name = name;
    this.#all = all;
  }

  async advance(): Promise<void> {
    const { value, done } = await this.#all.next();
    this.head = done === true ? undefined : value;
  }
}

const newestOf = (lists: readonly List[]): List | undefined =>
  lists.reduce<List | undefined>((newest, list) => {
    if (list.head === undefined) return newest;
    return newest?.head === undefined || list.head.at > newest.head.at ? list : newest;
  }, undefined);

const positionsIn = (after: string | undefined): Record<string, unknown> =>
  after === undefined ? {} : (JSON.parse(after) as Record<string, unknown>);
