/**
 * Goes through the bytes of a JSON text as they come, before it is parsed: counts its values, and finds where the
 * elements of one array lie, so that a long text can be parsed piece by piece. It checks no syntax; the parser does.
 */

/** Part of a text, in bytes from its beginning. */
export interface Span {
  start: number;
  end: number;
  /** Commas and opening brackets in it. */
  marks: number;
}

/** Members of the root whose elements are taken apart: `entry` of a Bundle. */
const PIECES = 'entry';
const KEY_BYTES = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

export class JsonScan {
  /** Elements of the root's `entry`, in their order. */
  readonly pieces: Span[] = [];
  /** All that is no piece. */
  readonly frame: Span = { start: 0, end: 0, marks: 0 };
  /** Deepest nesting of brackets so far. */
  deepest = 0;
  /** The root has `entry` more than once. */
  repeated = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inPieces = false;
  #sawPieces = false;
  #piece: Span | undefined;
  #key = '';
  /** The last string at depth 1, until its value begins. */
  #named: string | undefined;

  /** Marks of the whole text: each value but the first has at least one before it. */
  marks = 0;
  /** Members of all objects, those that stand twice included. */
  members = 0;
  /** Most marks of one piece, or of the frame. */
  mostAtOnce = 0;

  /** Bytes passed so far. */
  get bytes(): number {
    return this.frame.end;
  }

  push(chunk: Uint8Array): void {
    const base = this.frame.end;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index]!;
      if (this.#inString) this.#inText(byte);
      else if (byte > SPACE) this.#outside(byte, base + index);
    }
    this.frame.end = base + chunk.length;
  }

  /** To be called after the last byte: what was not closed ends here. */
  finish(): void {
    this.#endPiece(this.frame.end);
  }

  #inText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#depth === 1) this.#named = this.#key;
      return;
    }
    if (this.#depth === 1 && this.#key.length < KEY_BYTES) this.#key += String.fromCharCode(byte);
  }

  #outside(byte: number, at: number): void {
    switch (byte) {
      case QUOTE:
        this.#begin(at);
        this.#inString = true;
        this.#key = '';
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        this.#begin(at);
        this.#open(byte);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        this.#close(at);
        break;
      case COMMA:
        this.#comma(at);
        break;
      case COLON:
        this.members += 1;
        this.#colon();
        break;
      default:
        this.#begin(at);
    }
  }

  #begin(at: number): void {
    if (this.#inPieces && this.#depth === 2 && this.#piece === undefined) {
      this.#piece = { start: at, end: at, marks: 0 };
    }
  }

  #open(byte: number): void {
    this.#mark();
    if (byte === OPEN_ARRAY && this.#depth === 1 && this.#named === PIECES && !this.repeated) this.#inPieces = true;
    this.#named = undefined;
    this.#depth += 1;
    this.deepest = Math.max(this.deepest, this.#depth);
  }

  #close(at: number): void {
    if (this.#inPieces && this.#depth === 2) {
      this.#endPiece(at);
      this.#inPieces = false;
    }
    this.#depth -= 1;
  }

  #colon(): void {
    if (this.#depth !== 1 || this.#named !== PIECES) return;
    this.repeated = this.#sawPieces;
    this.#sawPieces = true;
  }

  #comma(at: number): void {
    if (this.#inPieces && this.#depth === 2) this.#endPiece(at);
    if (this.#depth === 1) this.#named = undefined;
    this.#mark();
  }

  #endPiece(at: number): void {
    if (this.#piece === undefined) return;
    this.#piece.end = at;
    this.pieces.push(this.#piece);
    this.#piece = undefined;
  }

  #mark(): void {
    this.marks += 1;
    const span = this.#piece ?? this.frame;
    span.marks += 1;
    if (span.marks > this.mostAtOnce) this.mostAtOnce = span.marks;
  }
}
