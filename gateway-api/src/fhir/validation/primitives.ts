/**
 * The form of R4's primitive types (hl7.org/fhir/R4/datatypes.html#primitive) in JSON. Values are only tested here,
 * never changed or repeated in a message.
 */
import { isExactNumber, isNumber } from '@telemed-ledger/chaincode/model/numbers.ts';

const MAX_STRING = 1024 * 1024;
const DATE = '(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)';
const DAY = '(?:0[1-9]|1[0-2])-(?:0[1-9]|[1-2][0-9]|3[0-1])';
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?';
const ZONE = '(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))';

const date = new RegExp(`^${DATE}(?:-(?:${DAY}|(?:0[1-9]|1[0-2])))?$`);
const dateTime = new RegExp(`^${DATE}(?:-(?:${DAY}(?:T${TIME}${ZONE})?|(?:0[1-9]|1[0-2])))?$`);
const instant = new RegExp(`^${DATE}-${DAY}T${TIME}${ZONE}$`);
const time = new RegExp(`^${TIME}$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: FHIR forbids them but for tab, return and line feed.
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** The day exists in its month; for what matched one of the patterns above. */
function isCalendarDay(text: string): boolean {
  if (text.length < 10) return true;
  const day = Number(text.slice(8, 10));
  return day <= 28 || day <= new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
}

type Test = (value: unknown) => boolean;

/** Half of a surrogate pair is no character: no UTF-8 holds it. */
const text: Test = (value) =>
  typeof value === 'string' &&
  value.length <= MAX_STRING &&
  value.trim() !== '' &&
  !controls.test(value) &&
  value.isWellFormed();
const matching =
  (pattern: RegExp): Test =>
  (value) =>
    typeof value === 'string' && value.length <= MAX_STRING && pattern.test(value) && value.isWellFormed();
const day =
  (pattern: RegExp): Test =>
  (value) =>
    typeof value === 'string' && pattern.test(value) && isCalendarDay(value);
/**
 * By R4's regex an integer has neither point nor exponent: JavaScript writes such a number with the same digits, so none of
 * them is an ExactNumber but -0, which is no unsigned one.
 */
const integer =
  (least: number): Test =>
  (value) =>
    isExactNumber(value)
      ? value.rawJSON === '-0' && least < 0
      : typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 2_147_483_647;

/** In groups of four characters, with white space between groups, as MIME and PEM break lines. */
const base64: Test = (value) => {
  if (typeof value !== 'string') return false;
  const lines = value.split(/[ \t\r\n]+/).filter((line) => line !== '');
  const last = lines.pop();
  return (
    last !== undefined &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(last) &&
    [...lines, last].every((line) => line.length % 4 === 0) &&
    lines.every((line) => /^[A-Za-z0-9+/]+$/.test(line))
  );
};

const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A uri that says that it is an OID or a UUID is one (hl7.org/fhir/R4/datatypes.html#uri). */
const uri: Test = (value) =>
  matching(/^\S+$/)(value) &&
  (!String(value).startsWith('urn:oid:') || OID.test(String(value))) &&
  (!String(value).startsWith('urn:uuid:') || UUID.test(String(value)));

const TESTS: Record<string, Test> = {
  boolean: (value) => typeof value === 'boolean',
  integer: integer(-2_147_483_648),
  unsignedInt: integer(0),
  positiveInt: integer(1),
  // R4's regex is JSON's grammar of a number: any precision, any exponent.
  decimal: isNumber,
  string: text,
  markdown: text,
  xhtml: text,
  code: matching(/^[^\s]+(?: [^\s]+)*$/),
  id: matching(/^[A-Za-z0-9.-]{1,64}$/),
  uri,
  url: uri,
  canonical: matching(/^\S+$/),
  oid: matching(OID),
  uuid: matching(UUID),
  date: day(date),
  dateTime: day(dateTime),
  instant: day(instant),
  time: matching(time),
  base64Binary: base64,
};

/**
 * Whether R4 permits a string that is refused here: it advises against white space alone and control characters
 * (hl7.org/fhir/R4/datatypes.html#string), and does not forbid them.
 */
export const isInadvisable = (type: string, value: unknown): boolean =>
  (type === 'string' || type === 'markdown') &&
  typeof value === 'string' &&
  value !== '' &&
  value.length <= MAX_STRING &&
  value.isWellFormed();

export const isPrimitive = (type: string): boolean => Object.hasOwn(TESTS, type);

/** Whether a JSON value is one of this primitive type; a type that is none of R4's is never met. */
export const isOfPrimitive = (type: string, value: unknown): boolean => TESTS[type]!(value);
