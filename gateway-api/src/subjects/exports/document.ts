/** A patient's record as a PDF, to be printed: the same as the page, record by record, each member of it with its value. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { isNumber, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { lineOf } from '../../fhir/summary-sections.ts';
import { type PdfBlock, pdfOf } from '../../pdf/pdf.ts';
import { type Page, type PageVersion, plainOf, wordsOf } from './page.ts';

type Fact = readonly [name: string, value: string];

export const documentOf = (page: Page): Promise<Buffer> =>
  pdfOf({ title: `Record of ${page.patient}`, language: 'en', madeAt: new Date(page.made) }, blocksOf(page));

function* blocksOf({ patient, made, organisation, versions, leftOut }: Page): Generator<PdfBlock> {
  yield { kind: 'paragraph', text: `${patient}, exported by ${organisation} at ${made}.` };
  for (const [type, all] of Map.groupBy(versions, ({ resource }) => resource.resourceType)) {
    yield { kind: 'heading', text: `${wordsOf(type)} (${all.length})` };
    for (const version of all) yield* recordIn(version);
  }
  if (leftOut.length === 0) return;
  yield { kind: 'heading', text: 'Not in this export' };
  yield { kind: 'facts', facts: leftOut.map(({ of, reason }): Fact => [of, reason]) };
}

function* recordIn({ name, resource, author, attachments, receipt }: PageVersion): Generator<PdfBlock> {
  const {
    resourceType: _type,
    id: _id,
    meta: _meta,
    text,
    ...rest
  } = resource as Resource & {
    text?: { div?: unknown };
  };
  yield { kind: 'paragraph', text: lineOf(resource) };
  const told: Fact[] = text === undefined ? [] : [['text', shortened(plainOf(text.div))]];
  const place: Fact[] = [
    ...attachments.map((path): Fact => ['attached', path]),
    ['record', `${name}, recorded by ${author}`],
    ['receipt', receipt ?? 'none'],
  ];
  yield { kind: 'facts', facts: [...told, ...factsIn('', rest), ...place] };
}

/** Characters of a value that are printed: pages are laid out while others wait. */
const LONGEST = 10_000;
const shortened = (text: string): string =>
  text.length <= LONGEST
    ? text
    : `${text.slice(0, LONGEST).toWellFormed()} … (${text.length - LONGEST} more characters: record.html has them)`;

/** Each value by the way to it: `code, coding, display`. */
function* factsIn(way: string, value: unknown): Generator<Fact> {
  if (isNumber(value)) yield [way, textOfNumber(value)];
  else if (Array.isArray(value)) for (const one of value) yield* factsIn(way, one);
  else if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) {
      // What is attached stands in a file of its own.
      if (name !== 'data') yield* factsIn(way === '' ? wordsOf(name) : `${way}, ${wordsOf(name)}`, member);
    }
  else yield [way, shortened(String(value))];
}
