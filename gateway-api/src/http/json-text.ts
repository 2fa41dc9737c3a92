/**
 * Parses a JSON text that a JsonScan went through: the elements of a Bundle one by one, so that a long one does not hold
 * up everybody else. What comes out is what JSON.parse makes of the whole.
 */
import { isUtf8 } from 'node:buffer';
import { changedNumbers, MOST_PLACES, rootOf } from '../fhir/validation/decimals.ts';
import type { JsonScan, Span } from './json-scan.ts';
import { inTurn } from './pauses.ts';

export interface ParsedText {
  value: unknown;
  /** FHIRPaths of numbers that parsing has changed. */
  inexact: string[];
}

/** A text that is no JSON; `message` names the place and quotes nothing. */
export class JsonSyntaxError extends Error {
  /** Of Express's parser, which answered before: the table of failures knows it by this name. */
  readonly type = 'entity.parse.failed';
  readonly status = 400;
}

const FEW_BYTES = 64 * 1024;
/** A byte order mark may be ignored (RFC 8259 section 8.1), and some clients send one. */
const MARK = Buffer.from('\u{feff}');

/** @throws {JsonSyntaxError} */
export async function parseText(bytes: Buffer, scan: JsonScan): Promise<ParsedText> {
  if (!isUtf8(bytes)) throw new JsonSyntaxError('the text is not UTF-8');
  if (scan.repeated) throw new JsonSyntaxError('a member stands twice in the object');
  const from = bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
  const pieces = bytes.length > FEW_BYTES ? scan.pieces : [];
  return pieces.length === 0 ? inTurn(() => parseWhole(bytes, from, scan)) : parsePieces(bytes, from, scan);
}

function parseWhole(bytes: Buffer, from: number, scan: JsonScan): ParsedText {
  const text = bytes.subarray(from);
  const value = parseAt(bytes, text, (offset) => from + offset);
  const longNumber = scan.frame.longNumber || scan.pieces.some((piece) => piece.longNumber);
  return { value, inexact: longNumber ? changedNumbers(text) : [] };
}

async function parsePieces(bytes: Buffer, from: number, scan: JsonScan): Promise<ParsedText> {
  const { pieces } = scan;
  const frameText = frameOf(bytes, from, pieces);
  const frame = parseAt(bytes, frameText, (offset) => offsetOf(from + offset, pieces)) as { entry?: unknown };
  const inexact = scan.frame.longNumber ? changedNumbers(frameText) : [];
  if (!isReplaced(frame.entry, pieces.length)) throw new JsonSyntaxError('a member stands twice in the object');
  const elements: unknown[] = [];
  for (const [index, { start, end, longNumber }] of pieces.entries()) {
    const piece = bytes.subarray(start, end);
    await inTurn(() => {
      elements.push(parsed(bytes, piece, (offset) => start + offset));
      if (longNumber) inexact.push(...changedNumbers(piece, `${rootOf(frame)}.entry[${index}]`));
    });
  }
  frame.entry = elements;
  return { value: frame, inexact: inexact.slice(0, MOST_PLACES) };
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
  if (typeof value !== 'object' || value === null) throw new JsonSyntaxError(placeOf(bytes, 0));
  return value;
}

function parsed(bytes: Buffer, part: Buffer, offsetIn: (offset: number) => number): unknown {
  const text = part.toString('utf8');
  try {
    return JSON.parse(text);
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
