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

/**
 * Parses JSON without losing a digit. @throws SyntaxError
 *
 * A reviver sees the digits of every number, at five times the cost of parsing without one. So the numbers that need it are
 * made strings, which begin with a mark, and found again by it. Where such a number was part of a string, its quotes end
 * that string, so that the text is no JSON any more: then the reviver decides.
 */
export function parseExact(text: string): unknown {
  if (MARKED.test(text)) return parseByReviver(text);
  let isMarked = false;
  const marked = text.replace(VALUE, (found: string, before: string, number: string) => {
    if (isAsWritten(number)) return found;
    isMarked = true;
    return `${before}"${MARK}${number}"`;
  });
  if (isMarked) {
    try {
      return unmarked(JSON.parse(marked));
    } catch {
      return parseByReviver(text);
    }
  }
  const value: unknown = JSON.parse(text);
  return typeof value === 'number' ? parseByReviver(text) : value;
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
