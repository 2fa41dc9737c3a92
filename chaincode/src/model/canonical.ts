/**
 * Canonical JSON (RFC 8785): the one byte form in which a value is anchored, so that two endorsers write the
 * same bytes and anyone can recompute the hash. Numbers keep the sender's digits, which RFC 8785 would not: FHIR's
 * decimals are as precise as they are written (hl7.org/fhir/R4/datatypes.html#decimal).
 */
import { createHash } from 'node:crypto';

/** ECMAScript's source text access (tc39.es/proposal-json-parse-with-source), which TypeScript does not describe yet. */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { rawJSON: string };
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as SourceJson;

/** Canonical JSON that stands in a value as it is, without being read again. */
export class CanonicalText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** RFC 8785: object members in UTF-16 code unit order, undefined members left out, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isRawJSON(value)) return value.rawJSON;
  if (value instanceof CanonicalText) return value.text;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * Parses JSON without losing a digit: a number whose digits JavaScript would write otherwise becomes an object that
 * JSON.stringify and canonicalJson write as it came. @throws SyntaxError
 */
export const parseExact = (text: string): unknown =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );

/** The canonical form of a JSON text, every digit kept. @throws SyntaxError */
export const canonicalText = (text: string): string => canonicalJson(parseExact(text));

export const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const sha256Hex = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
