/**
 * A patient's record as a page to be read: no script, nothing that is fetched, every text of a record escaped. It holds the
 * records as they are; what counts are the records and their receipts beside it.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isNumber, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { lineOf } from '../../fhir/summary-sections.ts';
import { inTurn } from '../../http/pauses.ts';

export interface PageVersion {
  /** `Type/id/_history/version` */
  name: string;
  resource: Resource;
  author: string;
  /** Paths of the files that it carries. */
  attachments: readonly string[];
  /** Path of its receipt; undefined where there is none. */
  receipt: string | undefined;
}

export interface Page {
  patient: string;
  made: string;
  organisation: string;
  /** The newest version of each record. */
  versions: readonly PageVersion[];
  leftOut: readonly { of: string; reason: string }[];
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** A text where HTML has text or the value of an attribute. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ESCAPES[one]!);

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE = `body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h2{border-bottom:1px solid #999;margin-top:2rem}article{margin:1rem 0;break-inside:avoid}
dl{display:grid;grid-template-columns:minmax(8rem,16rem) 1fr;gap:.1rem 1rem;margin:.2rem 0}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
footer,small{color:#555}`;

/** The parts of the page, in their order. */
export async function* pageOf({ patient, made, organisation, versions, leftOut }: Page): AsyncGenerator<string> {
  yield `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}">`;
  yield `<title>Record of ${escaped(patient)}</title><style>${STYLE}</style></head><body>`;
  yield `<h1>Record of ${escaped(patient)}</h1><p>Exported by ${escaped(organisation)} at ${escaped(made)}. `;
  yield 'How it is checked: <code>npm run verify -- FILE ROOTS</code>.</p>\n';
  const byType = Map.groupBy(versions, ({ resource }) => resource.resourceType);
  for (const [type, all] of byType) {
    yield `<section><h2>${escaped(wordsOf(type))} (${all.length})</h2>\n`;
    for (const version of all) yield await inTurn(() => articleOf(version));
    yield '</section>\n';
  }
  if (leftOut.length > 0) {
    yield '<section><h2>Not in this export</h2><ul>';
    for (const { of, reason } of leftOut) yield `<li>${escaped(of)}: ${escaped(reason)}</li>`;
    yield '</ul></section>\n';
  }
  yield '</body></html>\n';
}

function articleOf({ name, resource, author, attachments, receipt }: PageVersion): string {
  const { resourceType: _type, id: _id, meta, text, ...rest } = resource as Resource & { text?: { div?: unknown } };
  const told = text === undefined ? {} : { text: plainOf(text.div) };
  const time = (meta as { lastUpdated?: string } | undefined)?.lastUpdated ?? '';
  const files = attachments.map((path) => `<a href="${escaped(path)}">${escaped(path)}</a>`);
  const proof = receipt === undefined ? 'no receipt' : `receipt <a href="${escaped(receipt)}">${escaped(receipt)}</a>`;
  return [
    `<article><h3>${escaped(lineOf(resource))}</h3>`,
    listOf({ ...told, ...rest }),
    files.length === 0 ? '' : `<p>Attached: ${files.join(', ')}</p>`,
    `<small>${escaped(name)}, recorded by ${escaped(author)} at ${escaped(time)}; ${proof}</small></article>\n`,
  ].join('');
}

/** What a narrative says, without its marks. */
export const plainOf = (div: unknown): string =>
  String(div ?? '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(lt|gt|amp|quot|#39);/g, (_all, name: string) => NAMED[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" };

/** `birthDate` as words. */
export const wordsOf = (name: string): string =>
  name.replace(/([a-z])([A-Z])/g, (_all, end: string, begin: string) => `${end} ${begin.toLowerCase()}`);

function listOf(members: object): string {
  const rows = Object.entries(members).map(
    ([name, value]) => `<dt>${escaped(wordsOf(name))}</dt><dd>${shownValue(name, value)}</dd>`,
  );
  return rows.length === 0 ? '' : `<dl>${rows.join('')}</dl>`;
}

function shownValue(name: string, value: unknown): string {
  if (isNumber(value)) return escaped(textOfNumber(value));
  if (Array.isArray(value)) return value.map((one) => shownValue(name, one)).join('<br>');
  if (typeof value === 'object' && value !== null) return listOf(value);
  // What is attached stands in a file of its own.
  if (name === 'data') return 'attached';
  return escaped(String(value));
}
