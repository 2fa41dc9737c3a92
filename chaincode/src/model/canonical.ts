/**
 * Canonical JSON (RFC 8785): the one byte form in which a value is anchored, so that two endorsers write the
 * same bytes and anyone can recompute the hash. Numbers keep the sender's digits, which RFC 8785 would not: FHIR's
 * decimals are as precise as they are written (hl7.org/fhir/R4/datatypes.html#decimal).
 */
import { hash } from 'node:crypto';
import { isExactNumber, parseExact } from './numbers.ts';

/** Canonical JSON that stands in a value as it is, without being read again. */
export class CanonicalText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** RFC 8785: object members in UTF-16 code unit order, undefined members left out, no white space. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  // Built up by appending, which takes half as long as lists of parts: a claim of 500 lines is written several times over.
  let inside = '';
  if (Array.isArray(value)) {
    for (const item of value) inside += `${inside === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${inside}]`;
  }
  if (isExactNumber(value)) return value.rawJSON;
  if (value instanceof CanonicalText) return value.text;
  for (const key of inOrder(Object.keys(value))) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) inside += `${inside === '' ? '' : ','}${nameOf(key)}${canonicalJson(member)}`;
  }
  return `{${inside}}`;
}

/** What was canonical before is in order already. */
function inOrder(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index += 1) if (keys[index - 1]! > keys[index]!) return keys.sort();
  return keys;
}

/** Names of members as they are written, of the first that came: those of FHIR's elements are few. */
const NAMES = new Map<string, string>();
const MOST_NAMES = 2_000;

function nameOf(key: string): string {
  const known = NAMES.get(key);
  if (known !== undefined) return known;
  const written = `${JSON.stringify(key)}:`;
  if (NAMES.size < MOST_NAMES) NAMES.set(key, written);
  return written;
}

/** The canonical form of a JSON text, every digit kept. @throws SyntaxError */
export const canonicalText = (text: string): string => canonicalJson(parseExact(text));

export const sha256 = (bytes: string | Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
export const sha256Hex = (bytes: string | Uint8Array): string => hash('sha256', bytes);

/** A UUID (RFC 9562, version 8) that follows from a text, and from no other. */
export function uuidFrom(text: string): string {
  const digest = sha256(text);
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
