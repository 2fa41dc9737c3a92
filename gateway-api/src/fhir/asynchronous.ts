/**
 * Requests whose client does not wait for the answer (hl7.org/fhir/R4/async.html): what of them is asked for later, and how what
 * they are answered becomes files of resources, one a line.
 */
import type { Request, Response } from 'express';
import type { Caller } from '../auth/caller.ts';
import { Failure } from '../http/failures.ts';
import { inStretches } from '../http/pauses.ts';
import { type Answer, entryOf } from './answers.ts';

/** Most that is kept of one answer, bytes. */
const LARGEST = 16 * 1024 * 1024;
const PREFERENCE = /(?:^|[,\s])respond-async\b(?:\s*;\s*result\s*=\s*"?(\w+))?/i;

/** Files by the type of their resources: a resource a line. */
export type Files = ReadonlyMap<string, { text: Buffer; count: number }>;

/** What became of a request. */
export interface Made {
  files: Files;
  /** The same without what records hold. */
  bare?: Files;
}

/** How far one is, and whether anybody still wants it. */
export interface Progress {
  say(progress: string): void;
  readonly isGone: boolean;
}

export interface AsyncWork {
  caller: Caller;
  /** The URL that asked for it; what was posted is not in it. */
  request: string;
  /** It changes something: it is done once. */
  isWrite: boolean;
  /** It is answered by a Bundle in the place of a manifest. */
  isBundle: boolean;
  run(progress: Progress): Promise<Made>;
}

/** Takes requests on. */
export interface Later {
  /** @returns where to ask for it, behind the base URL. @throws {Failure} 429, 503 */
  begin(work: AsyncWork): Promise<string>;
}

/** Whether a request's client would rather ask for the answer later, and in which form. */
export function laterOf(request: Request): { isBundle: boolean } | undefined {
  const found = request.method === 'HEAD' ? null : PREFERENCE.exec(request.get('prefer') ?? '');
  return found === null ? undefined : { isBundle: found[1]?.toLowerCase() === 'bundle' };
}

interface Accepting {
  later: Later;
  caller: Caller;
  baseUrl: string;
  isWrite: boolean;
  handle: (request: Request) => Answer | Promise<Answer>;
}

/** Answers 202 with the place where the answer can be asked for. @throws {Failure} 429, 503 */
export async function accept(
  request: Request,
  response: Response,
  { isBundle }: { isBundle: boolean },
  { later, caller, baseUrl, isWrite, handle }: Accepting,
): Promise<void> {
  const url = `${baseUrl}${request.originalUrl.slice(request.baseUrl.length)}`;
  const run = async (progress: Progress): Promise<Made> => {
    const gathered = await gather(request, handle, progress, !isWrite && !isBundle);
    return isBundle ? asBundle(gathered, isWrite) : asFiles(gathered, isWrite);
  };
  const place = await later.begin({ caller, request: url, isWrite, isBundle, run });
  const applied = isBundle ? 'respond-async; result=bundle' : 'respond-async';
  response
    .status(202)
    .set({ 'Content-Location': `${baseUrl}/${place}`, 'Preference-Applied': applied })
    .end();
}

interface BundleOfPages {
  resourceType?: string;
  type?: string;
  entry?: { resource?: { resourceType: string } }[];
  link?: { relation: string; url: string }[];
}

/** An answer with all its pages. */
interface Gathered {
  answer: Answer;
  /** Of a Bundle, but for its entries. */
  head: BundleOfPages;
  /** Entries of a Bundle or, apart, their resources; as texts. */
  texts: { type: string; text: string }[];
  isApart: boolean;
}

/** @param apart whether a search's resources are wanted without their Bundle. @throws {Failure} 413 */
async function gather(
  request: Request,
  handle: Accepting['handle'],
  progress: Progress,
  apart: boolean,
): Promise<Gathered> {
  const answer = await handle(request);
  const { entry: _, link = [], ...rest } = (answer.resource ?? {}) as BundleOfPages;
  const head = link.length === 0 ? rest : { ...rest, link: link.filter(({ relation }) => relation === 'self') };
  const gathered: Gathered = { answer, head, texts: [], isApart: apart && head.type === 'searchset' };
  let bytes = 0;
  for (let page = answer.resource as BundleOfPages | undefined, pages = 1; page !== undefined; pages += 1) {
    await inStretches(page.entry ?? [], (one) => {
      const { resourceType = '' } = one.resource ?? {};
      if (gathered.isApart && one.resource === undefined) return;
      const text = JSON.stringify(gathered.isApart ? one.resource : one);
      gathered.texts.push({ type: resourceType, text });
      bytes += text.length;
      if (bytes > LARGEST) throw tooLarge();
    });
    progress.say(pages === 1 ? '1 page' : `${pages} pages`);
    const next = page.link?.find(({ relation }) => relation === 'next')?.url;
    page =
      next === undefined || progress.isGone ? undefined : ((await handle(pageOf(request, next))).resource as object);
  }
  return gathered;
}

const tooLarge = (): Failure =>
  new Failure(413, 'too-costly', 'The answer is larger than is kept here: ask for it in pages, or for an export.', {
    expression: 'Prefer',
  });

/** The same request for a further page, as its link says. */
function pageOf(request: Request, url: string): Request {
  const { pathname, search } = new URL(url);
  return Object.create(request, {
    originalUrl: { value: `${pathname}${search}` },
    method: { value: 'GET' },
    body: { value: undefined },
  }) as Request;
}

/** A whole resource; of a Bundle with all entries or, without content, with what became of each. */
function wholeOf({ answer, head, texts }: Gathered, isBare: boolean): string {
  if (isBare && head.resourceType !== 'Bundle') return JSON.stringify({ resourceType: head.resourceType });
  if (texts.length === 0) return JSON.stringify(answer.resource);
  const entries = isBare ? texts.map(({ text }) => bareOf(text)) : texts.map(({ text }) => text);
  return `${JSON.stringify(head).slice(0, -1)},"entry":[${entries.join(',')}]}`;
}

const bareOf = (text: string): string => {
  const { response } = JSON.parse(text) as { response?: object };
  return JSON.stringify({ response });
};

function fileOf(texts: readonly string[]): { text: Buffer; count: number } {
  const text = Buffer.from(texts.map((one) => `${one}\n`).join(''));
  if (text.length > LARGEST) throw tooLarge();
  return { text, count: texts.length };
}

function asFiles(gathered: Gathered, isWrite: boolean): Made {
  const { answer, head, texts, isApart } = gathered;
  if (answer.resource === undefined) return { files: new Map() };
  const type = head.resourceType ?? '';
  if (isApart) {
    const types = [...new Set(texts.map((one) => one.type))];
    const of = (wanted: string) => texts.flatMap((one) => (one.type === wanted ? [one.text] : []));
    return { files: new Map(types.map((one) => [one, fileOf(of(one))])) };
  }
  const files = (isBare: boolean): Files => new Map([[type, fileOf([wholeOf(gathered, isBare)])]]);
  return { files: files(false), ...(isWrite ? { bare: files(true) } : {}) };
}

/** hl7.org/fhir/R5/async-bundle.html: a batch-response of one entry, what was asked being its resource. */
function asBundle(gathered: Gathered, isWrite: boolean): Made {
  const { resource, ...answer } = gathered.answer;
  const files = (isBare: boolean): Files => {
    const entry = JSON.stringify(entryOf(answer)).slice(0, -1);
    const whole = resource === undefined ? '' : `,"resource":${wholeOf(gathered, isBare)}`;
    return new Map([
      ['Bundle', fileOf([`{"resourceType":"Bundle","type":"batch-response","entry":[${entry}${whole}}]}`])],
    ]);
  };
  return { files: files(false), ...(isWrite ? { bare: files(true) } : {}) };
}
