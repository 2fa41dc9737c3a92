/**
 * Parses a JSON text that a JsonScan went through: the elements of a Bundle one by one, so that a long one does not hold
 * up everybody else. What comes out is what parseExact makes of the whole: numbers keep the digits that were sent.
 */
import { isUtf8 } from 'node:buffer';
import { isExactNumber, parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { Failure } from './failures.ts';
import { membersIn, repeatedMember } from './json-members.ts';
import { JsonScan, type Span } from './json-scan.ts';
import { inTurn } from './pauses.ts';

/** A text that is no JSON; `message` names the place and quotes nothing. */
export class JsonSyntaxError extends Error {
  /** Of Express's parser, which answered before: the table of failures knows it by this name. */
  readonly type = 'entity.parse.failed';
  readonly status = 400;
}

const FEW_BYTES = 64 * 1024;
/** A byte order mark may be ignored (RFC 8259 section 8.1), and some clients send one. */
const MARK = Buffer.from('\u{feff}');

/** The object or array of a text, in which numbers may be ExactNumbers. @throws {JsonSyntaxError} */
export async function parseText(bytes: Buffer, scan: JsonScan): Promise<object> {
  if (!isUtf8(bytes)) throw new JsonSyntaxError('the text is not UTF-8');
  if (scan.repeated) throw standsTwice(bytes);
  const from = bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
  const pieces = bytes.length > FEW_BYTES ? scan.pieces : [];
  if (pieces.length > 0) return parsePieces(bytes, from, { pieces, members: scan.members });
  const value = await inTurn(() => parseAt(bytes, bytes.subarray(from), (offset) => from + offset));
  if (membersIn(value) < scan.members) throw standsTwice(bytes);
  return value;
}

/** The same of a short text that lies in another. @throws {JsonSyntaxError} */
export function parsedJson(bytes: Buffer): object {
  if (!isUtf8(bytes)) throw new JsonSyntaxError('the text is not UTF-8');
  const scan = new JsonScan();
  scan.push(bytes);
  const value = parseAt(bytes, bytes, (offset) => offset);
  if (membersIn(value) < scan.members) throw standsTwice(bytes);
  return value;
}

/** 400: what a member said before would be lost. */
function standsTwice(bytes: Buffer): Failure {
  const text = bytes.toString('utf8');
  const place = repeatedMember(text);
  const where = place === undefined ? '' : `, ${placeOf(bytes, Buffer.byteLength(text.slice(0, place)))}`;
  return new Failure(400, 'structure', `A member stands twice in one object${where}.`, { expression: 'body' });
}

async function parsePieces(
  bytes: Buffer,
  from: number,
  { pieces, members }: Pick<JsonScan, 'pieces' | 'members'>,
): Promise<object> {
  const frameText = frameOf(bytes, from, pieces);
  const frame = parseAt(bytes, frameText, (offset) => offsetOf(from + offset, pieces)) as { entry?: unknown };
  if (!isReplaced(frame.entry, pieces.length)) throw standsTwice(bytes);
  const elements: unknown[] = [];
  let found = membersIn(frame);
  for (const { start, end } of pieces) {
    await inTurn(() => {
      const element = parsed(bytes, bytes.subarray(start, end), (offset) => start + offset);
      found += membersIn(element);
      elements.push(element);
    });
  }
  if (found < members) throw standsTwice(bytes);
  frame.entry = elements;
  return frame;
}

/** The parser does not say where an unexpected character stands, nor where a text should have gone on. */
const NO_PLACE = 'somewhere';

/** Stands in the frame for an element that was taken out. */
const PLACEHOLDER = Buffer.from('0');

const isReplaced = (value: unknown, count: number): boolean =>
  Array.isArray(value) && value.length === count && value.every((one) => one === 0);

/** The text without its pieces. */
function frameOf(bytes: Buffer, begin: number, pieces: readonly Span[]): Buffer {
  const parts: Buffer[] = [];
  let from = begin;
  for (const { start, end } of pieces) {
    parts.push(bytes.subarray(from, start), PLACEHOLDER);
    from = end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/** Where a byte of the frame stands in the whole text. */
function offsetOf(offset: number, pieces: readonly Span[]): number {
  let found = offset;
  for (const { start, end } of pieces) {
    if (found <= start) break;
    found += end - start - PLACEHOLDER.length;
  }
  return found;
}

/** An object or an array; FHIR has no other bodies. */
function parseAt(bytes: Buffer, part: Buffer, offsetIn: (offset: number) => number): object {
  const value = parsed(bytes, part, offsetIn);
  if (typeof value !== 'object' || value === null || isExactNumber(value)) throw new JsonSyntaxError(placeOf(bytes, 0));
  return value;
}

function parsed(bytes: Buffer, part: Buffer, offsetIn: (offset: number) => number): unknown {
  const text = part.toString('utf8');
  try {
    return parseExact(text);
  } catch (error) {
    const position = /at position (\d+)/.exec((error as Error).message)?.[1];
    if (position === undefined) throw new JsonSyntaxError(NO_PLACE);
    throw new JsonSyntaxError(placeOf(bytes, offsetIn(Buffer.byteLength(text.slice(0, Number(position))))));
  }
}

/** In JSON.parse's words, for the whole text. */
function placeOf(bytes: Buffer, offset: number): string {
  const before = bytes.subarray(0, offset).toString('utf8');
  const line = before.split('\n').length;
  return `at position ${before.length} (line ${line} column ${before.length - before.lastIndexOf('\n')})`;
}
