/**
 * GS1 element strings, as the DataMatrix on a package of medicine holds them: product, expiry, lot and serial number by their application
 * identifiers, with FNC1 between them or in the printed form with parentheses.
 * @see https://ref.gs1.org/standards/genspecs/ (sections 3 and 7.8)
 */

/** What a package says. */
export interface Scan {
  /** 14 digits. */
  gtin: string;
  /** YYYY-MM-DD; of a month alone its last day. */
  expiry?: string;
  lot?: string;
  serial?: string;
}

/** Why a text is no element string, and the character at fault, from 0. */
export interface ScanFault {
  fault: string;
  at: number;
}

interface Form {
  /** Exactly so many characters, or up to so many that end with FNC1. */
  length: number;
  isFixed: boolean;
  isNumeric: boolean;
}

const fixed = (length: number): Form => ({ length, isFixed: true, isNumeric: true });
const upTo = (length: number): Form => ({ length, isFixed: false, isNumeric: false });
const digitsUpTo = (length: number): Form => ({ length, isFixed: false, isNumeric: true });

/** The application identifiers that packages of medicine carry; the longest that fits counts. */
const FORMS = new Map<string, Form>([
  ['00', fixed(18)],
  ['01', fixed(14)],
  ['02', fixed(14)],
  ['10', upTo(20)],
  ...['11', '12', '13', '15', '16', '17'].map((ai): [string, Form] => [ai, fixed(6)]),
  ['20', fixed(2)],
  ['21', upTo(20)],
  ['22', upTo(20)],
  ['30', digitsUpTo(8)],
  ['37', digitsUpTo(8)],
  ['240', upTo(30)],
  ['241', upTo(30)],
  ['250', upTo(30)],
  ...['710', '711', '712', '713', '714', '715', '716'].map((ai): [string, Form] => [ai, upTo(20)]),
  ['7003', digitsUpTo(10)],
  ...Array.from({ length: 10 }, (_, digit): [string, Form] => [`9${digit}`, upTo(90)]),
]);

/** FNC1 as scanners send it, and as a text can hold it, in which no control character stands. */
const FNC1 = '\u001D';
const SIGNS = ['\u241D', '<GS>', '{GS}'];
const SYMBOLOGY = /^\](?:d2|C1|Q3|e0)/;
/** GS1's character set 82. */
const CHARACTERS = /^[!"%-?A-Z_a-z]+$/;

interface Element {
  ai: string;
  value: string;
  at: number;
}

/** @param today YYYY-MM-DD; tells in which century an expiry is */
export function readScan(text: string, today: string): Scan | ScanFault {
  const elements = /^\(\d{2,4}\)/.test(text) ? printed(text) : scanned(text);
  if ('fault' in elements) return elements;
  const seen = new Map<string, Element>();
  for (const element of elements) {
    if (seen.has(element.ai)) return { fault: `(${element.ai}) stands twice`, at: element.at };
    const fault = faultOf(element);
    if (fault !== undefined) return { fault, at: element.at };
    seen.set(element.ai, element);
  }
  const [product, expires] = [seen.get('01'), seen.get('17')];
  if (product === undefined) return { fault: 'there is no product, (01)', at: 0 };
  if (checkDigit(product.value) !== product.value.at(-1))
    return { fault: 'the check digit of the product, (01), is wrong', at: product.at };
  const expiry = expires && expiryOf(expires.value, today);
  if (expires !== undefined && expiry === undefined) return { fault: 'the expiry, (17), is no day', at: expires.at };
  const [lot, serial] = [seen.get('10')?.value, seen.get('21')?.value];
  return {
    gtin: product.value,
    ...(expiry === undefined ? {} : { expiry }),
    ...(lot === undefined ? {} : { lot }),
    ...(serial === undefined ? {} : { serial }),
  };
}

/** `(01)09506000134352(17)270131(10)ABC`: an identifier that is known begins an element wherever it stands. */
function printed(text: string): Element[] | ScanFault {
  const elements: Element[] = [];
  for (const match of text.matchAll(/\((\d{2,4})\)/g)) {
    const [whole, ai = ''] = match;
    const at = match.index;
    if (FORMS.has(ai)) elements.push({ ai, value: '', at: at + whole.length });
    else if (elements.length === 0) return { fault: `(${ai}) is not known`, at };
  }
  return elements.map((element, index) => {
    const next = elements[index + 1];
    const end = next === undefined ? text.length : next.at - next.ai.length - 2;
    return { ...element, value: text.slice(element.at, end) };
  });
}

function scanned(text: string): Element[] | ScanFault {
  const marked = SIGNS.reduce((one, sign) => one.replaceAll(sign, FNC1), text.replace(SYMBOLOGY, ''));
  const elements: Element[] = [];
  let at = marked.startsWith(FNC1) ? 1 : 0;
  while (at < marked.length) {
    const ai = [4, 3, 2].map((length) => marked.slice(at, at + length)).find((one) => FORMS.has(one));
    if (ai === undefined) return { fault: 'no application identifier that is known begins here', at };
    const from = at + ai.length;
    const { length, isFixed } = FORMS.get(ai)!;
    const mark = marked.indexOf(FNC1, from);
    const end = isFixed ? from + length : mark === -1 ? marked.length : mark;
    elements.push({ ai, value: marked.slice(from, end), at: from });
    at = marked[end] === FNC1 ? end + 1 : end;
  }
  return elements;
}

function faultOf({ ai, value }: Element): string | undefined {
  const { length, isFixed, isNumeric } = FORMS.get(ai)!;
  if (isFixed ? value.length !== length : value.length === 0 || value.length > length)
    return `(${ai}) has ${isFixed ? '' : 'up to '}${length} characters`;
  if (isNumeric && !/^\d+$/.test(value)) return `(${ai}) has digits alone`;
  return CHARACTERS.test(value) ? undefined : `(${ai}) has a character that is none of GS1's`;
}

/** GS1's check digit over all but the last digit of a GTIN of 14. */
function checkDigit(gtin: string): string {
  const sum = [...gtin.slice(0, -1)].reduce(
    (total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1),
    0,
  );
  return String((10 - (sum % 10)) % 10);
}

/** Whether these are the digits of a GTIN: 8, 12, 13 or 14 with their check digit. */
export const isGtin = (digits: string): boolean =>
  /^(?:\d{8}|\d{12,14})$/.test(digits) && checkDigit(digits.padStart(14, '0')) === digits.at(-1);

/** YYMMDD as a day; 00 is the last one of its month. The century is the one that leaves it fewer than fifty years from now. */
function expiryOf(digits: string, today: string): string | undefined {
  const [year = 0, month = 0, day = 0] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)));
  const current = Number(today.slice(0, 4));
  const ahead = year - (current % 100);
  const century = current - (current % 100) + (ahead >= 51 ? -100 : ahead <= -50 ? 100 : 0);
  if (month < 1 || month > 12) return undefined;
  const last = new Date(Date.UTC(century + year, month, 0)).getUTCDate();
  if (day > last) return undefined;
  return new Date(Date.UTC(century + year, month - 1, day === 0 ? last : day)).toISOString().slice(0, 10);
}
