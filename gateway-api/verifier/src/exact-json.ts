/**
 * JSON by its digits: FHIR's decimals are as precise as they are written, so two texts are the same only where their numbers
 * are written alike. Where the engine does not show the digits (ECMAScript's source text access), numbers are compared as such.
 */

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** A parsed text whose numbers keep their digits; to be compared, not to be computed with. @throws SyntaxError */
export function parseExact(text: string): unknown {
  const digits: Reviver = (_key, value, context) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value;
  return JSON.parse(text, digits as (this: unknown, key: string, value: unknown) => unknown);
}

/** RFC 8785's order and strings, the digits as they were written. */
export function exactText(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => exactText(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${exactText(member)}`).join(',')}}`;
}
