/** Reads as events, each with what it was under and the name of who read, as far as they are known here. */
import { rowIn } from '@telemed-ledger/chaincode/model/log-anchors.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { ReadLog, Wanted } from '../reads/read-log.ts';
import { readEvent, type Terms } from './read-event.ts';
import { type ReadAt, type ReadsOptions, type ReadsPlace, readsFrom } from './reads.ts';
import type { Source } from './timeline.ts';

export interface ReadEventsOptions extends ReadsOptions {
  readLog: Pick<ReadLog, 'page' | 'row'>;
  index: Pick<ReadModel, 'carriedReads' | 'newest'>;
  termsOf(access: string): Promise<Terms>;
  /** What an organisation may read for at all, where that is one purpose. */
  purposeAt(organisation: string): string | undefined;
}

/** What is in the log so that it is known who did it: the act has an event of its own. */
const ACTS = new Set(['grant', 'amend', 'revoke', 'restrict', 'lift-restriction']);
/** Names that are remembered. */
const MOST_NAMES = 1_000;

export class ReadEvents {
  readonly #options: ReadEventsOptions;
  readonly #names = new Map<string, string | undefined>();

  constructor(options: ReadEventsOptions) {
    this.#options = options;
  }

  source(wanted: Wanted): Source {
    const options = this.#options;
    const event = (one: Pick<ReadAt, 'organisation' | 'read'>) => this.#event(one);
    return async function* (behind) {
      for await (const one of readsFrom(wanted, options, (behind as ReadsPlace | undefined) ?? {}))
        if (!ACTS.has(one.read.interaction)) yield { at: one.read.at, position: one.behind, read: () => event(one) };
    };
  }

  async find({
    organisation,
    sequence,
  }: {
    organisation: string;
    sequence: number;
  }): Promise<StoredResource | undefined> {
    const { readLog, index } = this.#options;
    if (organisation === this.#options.organisation) {
      const row = await readLog.row(sequence);
      if (row === undefined || row.outcome === 'pruned' || ACTS.has(row.interaction)) return undefined;
      return this.#event({ organisation, read: { ...row, sequence } });
    }
    const carried = await index.carriedReads.find(organisation, sequence);
    return carried && this.#event({ organisation, read: rowIn(carried.text) });
  }

  async #event({ organisation, read }: Pick<ReadAt, 'organisation' | 'read'>): Promise<StoredResource> {
    const purpose = this.#options.purposeAt(organisation);
    const own: Terms = purpose === undefined ? {} : { purpose };
    const terms = read.access === null ? own : await this.#options.termsOf(read.access);
    const name = read.fhir_user === null ? undefined : await this.#nameOf(read.fhir_user);
    return readEvent({ organisation, read, terms, name });
  }

  /** Of a practitioner whose record is here. */
  async #nameOf(user: string): Promise<string | undefined> {
    const [type = '', id = ''] = user.split('/');
    if (type !== 'Practitioner') return undefined;
    if (this.#names.has(user)) return this.#names.get(user);
    const found = await this.#options.index.newest(type, id).catch(() => undefined);
    const name = textOf((found?.resource['name'] as HumanName[] | undefined)?.[0]);
    if (this.#names.size < MOST_NAMES) this.#names.set(user, name);
    return name;
  }
}

interface HumanName {
  text?: string;
  prefix?: string[];
  given?: string[];
  family?: string;
}

function textOf(name: HumanName | undefined): string | undefined {
  if (name === undefined) return undefined;
  const { text, prefix = [], given = [], family } = name;
  return text ?? ([...prefix, ...given, family].filter((part) => part !== undefined).join(' ') || undefined);
}
