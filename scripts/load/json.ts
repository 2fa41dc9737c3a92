/**
 * Reads JSON and names the place where it is broken. The runtime's own message quotes the text around the fault, which in
 * a medical record must not reach a terminal or a log; this one names line and column only.
 */
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';

/** The text is not JSON; line and column count from 1. */
export class BrokenJson extends Error {
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number, what: string) {
    super(`line ${line}, column ${column}: ${what}`);
    this.line = line;
    this.column = column;
  }
}

/** Numbers keep the digits of the text. Throws BrokenJson. A byte order mark at the start is accepted. */
export function parseJson(text: string): unknown {
  const clean = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return parseExact(clean);
  } catch {
    const offset = findFault(clean);
    const before = clean.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    throw new BrokenJson(line, column, offset >= clean.length ? 'the text ends too early' : 'this is not JSON');
  }
}

const SPACE = /[ \t\n\r]*/y;
/** A string (every character from the space on but quote and backslash, and escapes), a number or a word. */
const SCALAR =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Offset of the first character that cannot stand where it stands; the length where the text ends too early. */
function findFault(text: string): number {
  let at = 0;
  const open: ('object' | 'array')[] = [];
  const skipSpace = () => {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    at = SPACE.lastIndex;
  };
  const take = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  const scalar = (): boolean => {
    skipSpace();
    SCALAR.lastIndex = at;
    const found = SCALAR.exec(text);
    if (found !== null) at = SCALAR.lastIndex;
    return found !== null;
  };
  const key = (): boolean => {
    skipSpace();
    return text[at] === '"' && scalar() && take(':');
  };
  for (;;) {
    // A value is due here.
    if (take('{')) {
      if (!take('}')) {
        open.push('object');
        if (!key()) return at;
        continue;
      }
    } else if (take('[')) {
      if (!take(']')) {
        open.push('array');
        continue;
      }
    } else if (!scalar()) return at;
    // A value has ended: close what ends with it, then go on after a comma.
    while (open.length > 0 && take(open.at(-1) === 'object' ? '}' : ']')) open.pop();
    skipSpace();
    if (open.length === 0 || !take(',')) return at;
    if (open.at(-1) === 'object' && !key()) return at;
  }
}
