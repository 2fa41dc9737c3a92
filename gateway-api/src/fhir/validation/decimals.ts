/**
 * Numbers of a JSON body that a binary number cannot hold (hl7.org/fhir/R4/datatypes.html#decimal asks for their
 * precision). JSON.parse would change such a value in silence, so it is found in the text before.
 */

/** A number, not in a string, that is long enough to lose digits: 16 characters or more. */
const LONG_NUMBER = /[:,[]\s*-?(?=[\d.eE+-]{16})\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*[,}\]]/;
/** What prints a double prints at most as many significant digits: those stand for the same double again. */
const DIGITS_OF_A_DOUBLE = 17;

interface Decimal {
  /** Significant digits, without zeros at either end. */
  digits: string;
  exponent: number;
}

function decimalOf(text: string): Decimal {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return { digits, exponent: digits === '' ? 0 : Number(exponent) - fraction.length + all.length - digits.length };
}

/** Whether a number written so becomes another one when it is parsed. */
export function losesDigits(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  const written = decimalOf(text);
  const kept = decimalOf(String(value));
  if (written.digits === kept.digits && written.exponent === kept.exponent) return false;
  return written.exponent >= 0 || written.digits.length > DIGITS_OF_A_DOUBLE;
}

type Reviver = (this: object, key: string, value: unknown, context: { source?: string }) => unknown;
/** With the third argument that ES2026 gives a reviver: the text of a primitive value. */
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** As many as are named in one answer. */
export const MOST_PLACES = 10;

/**
 * FHIRPaths of the numbers that parsing would change, at most ten; none for text that is not JSON. They begin with
 * `path`, without one with the type of the resource.
 */
export function changedNumbers(body: Buffer, path?: string): string[] {
  if (!LONG_NUMBER.test(body.toString('latin1'))) return [];
  const changed = new Map<object, string[]>();
  try {
    const root = parseWithSource(body.toString('utf8'), function (key, value, { source }) {
      if (typeof value === 'number' && source !== undefined && losesDigits(source)) {
        changed.set(this, [...(changed.get(this) ?? []), key]);
      }
      return value;
    });
    return changed.size === 0 ? [] : [...pathsIn(root, changed, path ?? rootOf(root))].slice(0, MOST_PLACES);
  } catch {
    return [];
  }
}

/** How a path in this body begins. */
export function rootOf(root: unknown): string {
  const { resourceType } = (root ?? {}) as { resourceType?: unknown };
  return typeof resourceType === 'string' && /^[A-Z][A-Za-z]{0,63}$/.test(resourceType) ? resourceType : 'body';
}

function* pathsIn(value: unknown, changed: ReadonlyMap<object, string[]>, path: string): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  const step = (key: string): string => (Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
  for (const key of changed.get(value) ?? []) yield step(key);
  for (const [key, inner] of Object.entries(value)) yield* pathsIn(inner, changed, step(key));
}
