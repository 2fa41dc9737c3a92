/**
 * Loads files of Bundles through one organisation's gateway: looks at all of them, sends them in the order of what
 * they refer to, some at once, and keeps account of every entry.
 */
import { createHash } from 'node:crypto';
import type { HttpClient } from '../http.ts';
import { type Bundle, type Entry, isLines, readBundle, typeOf, UnreadableFile } from './bundle.ts';
import type { LoadJournal } from './journal.ts';
import { withLinks } from './links.ts';
import { dependencies, inOrder, type Summary, summarise } from './order.ts';
import { type Limits, partsOf, TooLarge } from './parts.ts';
import { type EntryOutcome, GaveUp, type SenderOptions, sendPart } from './sender.ts';
import { Tally } from './tally.ts';

export interface LoadOptions extends Omit<SenderOptions, 'signal'> {
  limits: Limits;
  /** Bundles in flight. */
  concurrency: number;
  journal: LoadJournal;
  /** Ends the run after what is in flight. */
  signal: AbortSignal;
}

export class Loader {
  readonly tally = new Tally();
  /** Files that could not be read as Bundles, one message each. */
  readonly unreadable: string[] = [];
  /** Entries in all readable files. */
  total = 0;
  readonly #options: LoadOptions;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Resolves when everything was sent, refused or given up; `tally` and `unreadable` hold the result. */
  async load(files: readonly string[]): Promise<void> {
    const summaries = await this.#look(files);
    const { concurrency, signal } = this.#options;
    const stopped = () => signal.aborted;
    await inOrder(dependencies(summaries), concurrency, (index) => this.#send(summaries[index] as Summary), stopped);
  }

  /** Whether every entry of every file is in the ledger now. */
  get complete(): boolean {
    return this.unreadable.length === 0 && this.tally.total.refused === 0 && this.tally.done === this.total;
  }

  /** One after the other, so that only one file is in memory; those of lines are one, because they refer to each other. */
  async #look(files: readonly string[]): Promise<Summary[]> {
    const summaries: Summary[] = [];
    const lines = files.filter(isLines);
    const sources = [
      ...files.filter((file) => !isLines(file)).map((file) => [file]),
      ...(lines.length > 0 ? [lines] : []),
    ];
    for (const source of sources) {
      const found = await this.#read(source);
      if (found !== undefined) summaries.push(summarise(source, found.hash, found.bundle));
    }
    this.total = summaries.reduce((sum, { entries }) => sum + entries, 0);
    return summaries;
  }

  async #read(files: readonly string[]) {
    try {
      return await readBundle(files);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      this.unreadable.push(error.message);
      return undefined;
    }
  }

  async #send(summary: Summary): Promise<void> {
    const found = await this.#read(summary.files);
    const name = summary.files.join(', ');
    if (found === undefined || found.hash !== summary.hash) {
      for (const [type, count] of summary.types) this.tally.refuse(name, type, 'the file changed', count);
      return;
    }
    const file = new SendFile(this.#options, this.tally, name, found.bundle, found.hash);
    await file.send();
  }
}

/** One file on its way. */
class SendFile {
  readonly #options: LoadOptions;
  readonly #tally: Tally;
  readonly #file: string;
  readonly #bundle: Bundle;
  readonly #hash: string;
  /** What became of a `urn:uuid:` of this Bundle, for its later parts. */
  readonly #references = new Map<string, string>();

  constructor(options: LoadOptions, tally: Tally, file: string, bundle: Bundle, hash: string) {
    this.#options = options;
    this.#tally = tally;
    this.#file = file;
    this.#bundle = bundle;
    this.#hash = hash;
  }

  async send(): Promise<void> {
    const entries = this.#bundle.entry;
    let parts: number[][];
    try {
      parts = partsOf(this.#bundle, this.#options.limits);
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      const place = `Bundle.entry[${error.indexes[0]}]`;
      for (const entry of entries) this.#refuse(entry, `${place} ${error.message}; nothing of this Bundle was sent`);
      return;
    }
    for (const [number, part] of parts.entries()) {
      if (this.#options.signal.aborted) return;
      const sent = await this.#sendPart(part, parts.length > 1 ? `${number + 1} of ${parts.length}` : undefined);
      if (sent || this.#bundle.type === 'batch') continue;
      const rest = parts.slice(number + 1).flat();
      for (const index of rest) this.#refuse(entries[index], 'an earlier part of its Bundle was not loaded');
      return;
    }
  }

  /** Whether all of it is in the ledger. */
  async #sendPart(part: readonly number[], number: string | undefined): Promise<boolean> {
    const entries = part.map((index) => this.#bundle.entry[index] as Entry);
    const key = createHash('sha256')
      .update(JSON.stringify([this.#hash, part]))
      .digest('hex');
    const outcomes = (await this.#earlier(key, entries.length)) ?? (await this.#now(key, entries, number));
    if (outcomes === undefined) return false;
    outcomes.forEach(({ status, location, reason }, index) => {
      const entry = entries[index] as Entry;
      if (status === 'refused') this.#refuse(entry, reason ?? '');
      else this.#tally.add(typeOf(entry), status);
      if (location !== undefined && entry.fullUrl !== undefined) this.#references.set(entry.fullUrl, location);
    });
    return outcomes.every(({ status }) => status !== 'refused');
  }

  /** What an earlier run was answered, if the gateway still has it: the journal may be of an earlier ledger. */
  async #earlier(key: string, count: number): Promise<EntryOutcome[] | undefined> {
    const written = this.#options.journal.find(key);
    const [first] = written?.locations ?? [];
    if (written === undefined || first === undefined || written.locations.length !== count) return undefined;
    if (!(await exists(this.#options, first))) return undefined;
    return written.locations.map((location) => ({ status: 'there', location }));
  }

  async #now(key: string, entries: readonly Entry[], number: string | undefined): Promise<EntryOutcome[] | undefined> {
    const follow = (link: string) => this.#references.get(link) ?? link;
    const resolved = entries.map((one) =>
      one.resource === undefined ? one : { ...one, resource: withLinks(one.resource, follow) },
    );
    try {
      const outcomes = await sendPart(this.#options, this.#bundle.type, resolved, key);
      const locations = outcomes.flatMap(({ location }) => location ?? []);
      const whole = outcomes.every(({ status }) => status !== 'refused') && locations.length === outcomes.length;
      if (whole) await this.#options.journal.add({ key, locations });
      return outcomes;
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      const part = number === undefined ? '' : `part ${number}: `;
      for (const entry of entries) this.#refuse(entry, `${part}given up: ${error.message}`);
      return undefined;
    }
  }

  #refuse(entry: Entry | undefined, reason: string): void {
    this.#tally.refuse(this.#file, typeOf(entry ?? {}), reason);
  }
}

/** Whether a resource can be read; where the gateway does not answer, the part is sent, which is safe. */
async function exists({ http, token }: { http: HttpClient; token: () => Promise<string> }, location: string) {
  const headers = { authorization: `Bearer ${await token()}` };
  const answer = await http.send({ path: `/fhir/R4/${location}`, headers }).catch(() => undefined);
  return answer?.status === 200;
}
