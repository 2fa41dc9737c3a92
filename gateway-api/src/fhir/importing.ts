/**
 * `$import`: resources of others, one a line (hl7.org/fhir/uv/bulkdata, NDJSON) or listed by a Bundle. Each is created under an id of
 * this server; what refers to another of them follows it. What is wrong with one keeps only those out that refer to it: the rest
 * goes in transactions of many.
 */
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { Failure } from '../http/failures.ts';
import { parsedJson } from '../http/json-text.ts';
import { inStretches } from '../http/pauses.ts';
import type { IdempotentRequest } from '../idempotency/request.ts';
import { type Answer, entryOf } from './answers.ts';
import { errorIssue, type Failed, failureOf, outcomeOf, Refusal, refuse, UNPROCESSABLE } from './outcomes.ts';

const LINE_TYPES = ['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson'];
const MOST_LINES = 10_000;
/** Of one transaction. */
const MOST_TOGETHER = 500;
/** Bundles that list resources; of what a batch asks for, resources that are posted. */
const LISTING = ['collection', 'document', 'searchset', 'batch'];
/** Of ids that have no base: it leads nowhere (RFC 6761). */
const HERE = 'https://file.invalid/';
const RESTFUL = /^(https?:\/\/.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;
/** Nothing is wrong with the resources: they may be sent again. */
const LATER = [429, 500, 502, 503, 504];

/** What was posted as lines. */
class Lines {
  readonly texts: readonly Buffer[];
  constructor(texts: readonly Buffer[]) {
    this.texts = texts;
  }
}

export const isLines = (request: Request): boolean => typeof request.is(LINE_TYPES) === 'string';

/** @throws {Failure} 413 */
export function linesOf(_request: Request, bytes: Buffer): object {
  const texts: Buffer[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    texts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  const filled = texts.filter((text) => !isBlank(text)).length;
  if (filled > MOST_LINES)
    throw new Failure(413, 'too-costly', `At most ${MOST_LINES} lines: send several files.`, { expression: 'body' });
  return new Lines(texts);
}

const isBlank = (text: Buffer): boolean => text.every((byte) => byte <= 0x20);

interface Item {
  /** In words: `line 3`, `entry 2`. */
  place: string;
  text: Buffer;
  /** By what others refer to it. */
  fullUrl: string;
  type: string;
  references: readonly string[];
}

/** Sends a transaction Bundle. */
type SendTogether = (bundle: object, idempotency: IdempotentRequest | undefined) => Promise<Answer>;

class Import {
  /** In the order in which they were posted. */
  readonly answers: Answer[] = [];
  readonly #items: (Item & { index: number })[] = [];
  /** fullUrl → `Type/id` of what was written. */
  readonly #written = new Map<string, string>();
  readonly #seen = new Set<string>();
  readonly #send: SendTogether;
  readonly #idempotency: IdempotentRequest | undefined;
  readonly transactions = new Set<string>();
  #stopped: Failed | undefined;

  constructor(send: SendTogether, idempotency: IdempotentRequest | undefined) {
    this.#send = send;
    this.#idempotency = idempotency;
  }

  /** Takes one; what cannot be read is answered. */
  add(place: string, text: Buffer, fullUrl?: string): void {
    const index = this.answers.length;
    this.answers.push({ status: 500 });
    try {
      const resource = parsedJson(text) as { resourceType?: unknown; id?: unknown };
      const { resourceType: type, id } = resource;
      if (typeof type !== 'string' || !/^[A-Z][A-Za-z]{1,63}$/.test(type))
        throw new Refusal(UNPROCESSABLE, errorIssue('structure', 'is no resource of FHIR.', 'resourceType'));
      const url = fullUrl ?? `${HERE}${type}/${typeof id === 'string' ? id : `without-id.${index}`}`;
      if (this.#seen.has(url))
        throw new Refusal(UNPROCESSABLE, errorIssue('invariant', 'is there already, with the same id.', `${type}.id`));
      this.#seen.add(url);
      this.#items.push({ place, index, text, fullUrl: url, type, references: [...referencesIn(resource)] });
    } catch (error) {
      const failed = failureOf(error);
      if (failed === undefined) throw error;
      this.#fail({ place, index }, failed);
    }
  }

  async record(): Promise<void> {
    const ordered = inOrder(this.#items);
    for (let start = 0; start < ordered.length; start += MOST_TOGETHER)
      await this.#together(ordered.slice(start, start + MOST_TOGETHER));
  }

  async #together(items: (Item & { index: number })[]): Promise<void> {
    for (let open = items; open.length > 0; ) {
      const failed = this.#stopped ?? (await this.#attempt(open));
      if (failed === undefined) return;
      if (LATER.includes(failed.status)) this.#stopped = failed;
      const faults = this.#stopped === undefined ? faultsIn(failed, open) : new Map<Item, Failed>();
      for (const item of open) {
        const own = faults.get(item);
        if (own !== undefined || this.#stopped !== undefined || open.length === 1) this.#fail(item, own ?? failed);
      }
      if (this.#stopped !== undefined || open.length === 1) return;
      if (faults.size === 0) {
        const half = Math.ceil(open.length / 2);
        await this.#together(open.slice(0, half));
        return this.#together(open.slice(half));
      }
      open = open.filter((item) => !faults.has(item));
    }
  }

  /** @returns why nothing of it was written; undefined where all was */
  async #attempt(items: readonly (Item & { index: number })[]): Promise<Failed | undefined> {
    const entry: object[] = [];
    // What is sent is changed while it is written, so each attempt has its own.
    await inStretches(items, ({ text, fullUrl, type }) => {
      const resource = this.#followed(parsedJson(text), RESTFUL.exec(fullUrl)?.[1] ?? HERE);
      entry.push({ fullUrl, resource, request: { method: 'POST', url: type } });
    });
    try {
      const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
      const answer = await this.#send(bundle, this.#keyOf(items));
      for (const one of answer.transactions ?? []) this.transactions.add(one);
      const { entry: answers = [] } = answer.resource as { entry?: { response: Response }[] };
      for (const [at, item] of items.entries()) this.#wrote(item, answers[at]?.response ?? { status: '500' });
      return undefined;
    } catch (error) {
      const failed = failureOf(error);
      if (failed === undefined) throw error;
      return failed;
    }
  }

  #wrote({ index, fullUrl }: Item & { index: number }, { status, location, lastModified }: Response): void {
    const version = Number(/\/_history\/(\d+)$/.exec(location ?? '')?.[1]);
    this.answers[index] = {
      status: Number.parseInt(status, 10),
      ...(location === undefined ? {} : { location }),
      ...(Number.isNaN(version) ? {} : { version }),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
    const [written] = /^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+/.exec(location ?? '') ?? [];
    if (written !== undefined) this.#written.set(fullUrl, written);
  }

  #fail({ place, index }: Pick<Item, 'place'> & { index: number }, { status, issues }: Failed): void {
    const told = issues.map((issue) => ({ ...issue, diagnostics: `${place}: ${issue.diagnostics}` }));
    this.answers[index] = { status, resource: outcomeOf(told) };
  }

  /** References to what an earlier transaction has written. */
  #followed(value: object, base: string): object {
    for (const holder of holdersIn(value)) {
      const written = this.#written.get(holder.reference) ?? this.#written.get(base + holder.reference);
      if (written !== undefined) holder.reference = written;
    }
    return value;
  }

  /** The same lines under the same key are one write. */
  #keyOf(items: readonly { index: number }[]): IdempotentRequest | undefined {
    if (this.#idempotency === undefined) return undefined;
    const which = items.map(({ index }) => index).join(',');
    const part = createHash('sha256').update(which).digest('hex').slice(0, 11);
    return { ...this.#idempotency, key: `${this.#idempotency.key}/${part}` };
  }
}

interface Response {
  status: string;
  location?: string;
  lastModified?: string;
}

const ENTRY = /^Bundle\.entry\[(\d+)\](?:\.resource\b)?/;

/** Which of several are at fault, each with its own issues. */
function faultsIn({ status, issues, headers }: Failed, items: readonly Item[]): Map<Item, Failed> {
  const found = new Map<Item, Failed>();
  for (const issue of issues) {
    const [place = ''] = issue.expression ?? [];
    const [all, index] = ENTRY.exec(place) ?? [];
    const item = items[Number(index ?? Number.NaN)];
    if (item === undefined || all === undefined) continue;
    const own = found.get(item) ?? { status, issues: [], headers };
    own.issues.push({ ...issue, expression: [`${item.type}${place.slice(all.length)}`] });
    found.set(item, own);
  }
  return found;
}

interface Holder {
  reference: string;
}

/** Whatever has a `reference`. */
function* holdersIn(value: unknown): Generator<Holder> {
  if (typeof value !== 'object' || value === null) return;
  if (typeof (value as Partial<Holder>).reference === 'string') yield value as Holder;
  for (const member of Object.values(value)) yield* holdersIn(member);
}

function* referencesIn(resource: object): Generator<string> {
  for (const { reference } of holdersIn(resource)) yield reference;
}

/** What is referred to first; where they refer to each other in a circle, as they came. */
function inOrder<T extends Item>(items: readonly T[]): T[] {
  const byUrl = new Map(items.map((item) => [item.fullUrl, item]));
  const entered = new Set<T>();
  const ordered: T[] = [];
  for (const first of items) {
    const path = entered.has(first) ? [] : [{ item: first, next: 0 }];
    entered.add(first);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const { item } = step;
      const reference = item.references[step.next];
      step.next += 1;
      if (reference === undefined) {
        ordered.push(item);
        path.pop();
        continue;
      }
      const base = RESTFUL.exec(item.fullUrl)?.[1] ?? HERE;
      const target = byUrl.get(reference) ?? byUrl.get(base + reference);
      if (target === undefined || entered.has(target)) continue;
      entered.add(target);
      path.push({ item: target, next: 0 });
    }
  }
  return ordered;
}

interface Listed {
  resourceType?: unknown;
  type?: unknown;
  entry?: { fullUrl?: unknown; resource?: unknown; request?: { method?: unknown } }[];
}

/** Entries of a Bundle that lists resources. @throws {Refusal} 400 */
async function addEntries(body: unknown, into: Import): Promise<void> {
  const { resourceType, type, entry = [] } = (body ?? {}) as Listed;
  if (resourceType !== 'Bundle' || !LISTING.includes(String(type)))
    refuse(400, 'not-supported', `Expected lines, or a Bundle of the types ${LISTING.join(', ')}.`, 'Bundle.type');
  if (!Array.isArray(entry)) return refuse(400, 'structure', 'Bundle.entry is an array.', 'Bundle.entry');
  const other = entry.findIndex((one) => type === 'batch' && one?.request?.method !== 'POST');
  if (other >= 0) refuse(400, 'not-supported', 'What is imported is created.', `Bundle.entry[${other}].request.method`);
  await inStretches(entry.entries(), ([index, one]) => {
    const { fullUrl, resource } = one ?? {};
    const text = Buffer.from(JSON.stringify(resource ?? null));
    into.add(`Entry ${index + 1}`, text, typeof fullUrl === 'string' ? fullUrl : undefined);
  });
}

/** Records what was posted, and answers of each what became of it: a batch-response in the order of the lines or entries. */
export async function imported(
  body: unknown,
  send: SendTogether,
  idempotency: IdempotentRequest | undefined,
): Promise<Answer> {
  const all = new Import(send, idempotency);
  if (body instanceof Lines)
    await inStretches(body.texts.entries(), ([index, text]) => {
      if (!isBlank(text)) all.add(`Line ${index + 1}`, text);
    });
  else await addEntries(body, all);
  await all.record();
  const entry = all.answers.map(entryOf);
  const resource = { resourceType: 'Bundle', type: 'batch-response', ...(entry.length === 0 ? {} : { entry }) };
  return { status: 200, resource, transactions: [...all.transactions] };
}
