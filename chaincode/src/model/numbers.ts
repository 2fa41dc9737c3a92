/**
 * JSON numbers as they were sent. FHIR's decimals are as precise as they are written
 * (hl7.org/fhir/R4/datatypes.html#decimal): 1.50 is not 1.5. A number that JavaScript would write with other digits is an
 * ExactNumber, which JSON.stringify and canonicalJson write as it came; any other is a plain number.
 */

/** The text of a JSON number, in an object that only `parseExact` makes. */
export interface ExactNumber {
  readonly rawJSON: string;
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
/** ECMAScript's source text access (tc39.es/proposal-json-parse-with-source), which TypeScript does not describe yet. */
interface SourceJson {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as SourceJson;

export const isExactNumber = isRawJSON;

/** Whether a value of a parsed text is a JSON number. */
export const isNumber = (value: unknown): value is number | ExactNumber =>
  typeof value === 'number' || isExactNumber(value);

/** The digits of a number: those that were sent. */
export const textOfNumber = (value: number | ExactNumber): string =>
  typeof value === 'number' ? String(value) : value.rawJSON;

/** The nearest double; of a number that is too small for one, the smallest with its sign. To compare, never to compute. */
export function numberOf(value: number | ExactNumber): number {
  if (typeof value === 'number') return value;
  const nearest = Number(value.rawJSON);
  if (nearest !== 0 || !/[1-9]/.test(value.rawJSON.replace(/e.*/i, ''))) return nearest;
  return value.rawJSON.startsWith('-') ? -Number.MIN_VALUE : Number.MIN_VALUE;
}

const isAsWritten = (text: string): boolean => String(Number(text)) === text;

/** Stands before the digits of a number while the text around it is parsed. */
const MARK = '\u{E000}';
const MARK_CODE = 0xe000;
const MARKED = /\u{E000}|\\ue000/iu;
/** A number where JSON has a value, or something in a string that looks like it. */
const VALUE = /([:,[][ \t\n\r]*)(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[ \t\n\r]*[,}\]])/g;
/** Texts beyond this, in UTF-16 code units, have few values for their length, or so many that it makes no difference. */
const LONG = 1024 * 1024;
/** Beyond this they are likely to stand in a string, where all of it would be in vain. */
const MOST_VALUES = 10_000;

/**
 * Parses JSON without losing a digit. @throws SyntaxError
 *
 * A reviver sees the digits of every number, and costs five times as much as parsing. So numbers that need it are made
 * strings that begin with a mark, and found again by it. Where what looked like a number was part of a string, the quotes
 * end that string and the text is no JSON any more: then the reviver decides, as it does about marks that were sent.
 */
export function parseExact(text: string): unknown {
  if (text.length > LONG || MARKED.test(text)) return parseByReviver(text);
  const marked = withMarks(text);
  if (marked === undefined) return parseByReviver(text);
  if (marked !== text) {
    try {
      return unmarked(JSON.parse(marked));
    } catch {
      return parseByReviver(text);
    }
  }
  const value: unknown = JSON.parse(text);
  return typeof value === 'number' ? parseByReviver(text) : value;
}

/** Undefined for a text of too many numbers. */
function withMarks(text: string): string | undefined {
  let marked = '';
  let from = 0;
  let left = MOST_VALUES;
  VALUE.lastIndex = 0;
  for (let found = VALUE.exec(text); found !== null; found = VALUE.exec(text)) {
    const [all, before = '', number = ''] = found;
    if (!isAsWritten(number)) {
      marked += `${text.slice(from, found.index + before.length)}"${MARK}${number}"`;
      from = found.index + all.length;
    }
    left -= 1;
    if (left === 0) return undefined;
  }
  return from === 0 ? text : marked + text.slice(from);
}

const parseByReviver = (text: string): unknown =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isAsWritten(source) ? rawJSON(source) : value,
  );

/** Replaces the marked strings in a value that was just parsed. */
function unmarked(value: unknown): unknown {
  if (typeof value === 'string') return value.charCodeAt(0) === MARK_CODE ? rawJSON(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) for (let index = 0; index < value.length; index += 1) unmarkIn(value, index);
  else for (const key in value) unmarkIn(value as Record<string, unknown>, key);
  return value;
}

function unmarkIn<K extends string | number>(holder: Record<K, unknown>, key: K): void {
  const member = holder[key];
  const replaced = unmarked(member);
  if (replaced !== member) holder[key] = replaced;
}
