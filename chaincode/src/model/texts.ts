/**
 * The texts and numbers that the ledger takes, each with its length, range and character set. The transaction table is
 * built from these alone, so that nothing reaches an endorser which another reader of the ledger could not store.
 */
import { z } from 'zod';
import { isExactNumber } from './numbers.ts';

/** No control character, no lone surrogate, no noncharacter: one printable line. */
const LINE = /^[^\p{Cc}\p{Cs}\u{2028}\u{2029}\u{FFFE}\u{FFFF}]*$/u;
/**
 * What FHIR's string type does not hold (hl7.org/fhir/R4/datatypes.html#string: nothing below U+0020 but tab, line feed and
 * return). Searched for: a pattern over the whole of a long text would exhaust the stack.
 */
const NOT_TEXT = /[[\p{Cc}\p{Cs}\u{FFFE}\u{FFFF}]--[\t\n\r\u{7F}-\u{9F}]]/v;
const isText = (text: string): boolean => !NOT_TEXT.test(text);
/** hl7.org/fhir/R4/datatypes.html#uri: no white space. */
const URI = /^[^\s\p{Cc}\p{Cs}\u{FFFE}\u{FFFF}]*$/u;

/** One line of at most `longest` UTF-16 code units, not empty. */
export const line = (longest: number) => z.string().min(1).max(longest).regex(LINE);
/** An identifier's value, a name: one line. */
export const LONGEST_LINE = 1_024;
/** A URI of at most 2,048 UTF-16 code units, not empty. */
export const uri = z.string().min(1).max(2_048).regex(URI);
/** The exact text of a value that is anchored: JSON, of at most `longest` UTF-16 code units. */
export const anchoredText = (longest: number) =>
  z.string().max(longest).refine(isText, 'holds a character that no text may hold').meta({ characters: 'text' });

/**
 * What a person writes down, as R4's string holds it (hl7.org/fhir/R4/datatypes.html#string): at most `longest` characters,
 * and not white space alone. A character may be two UTF-16 code units.
 */
export const written = (longest: number) =>
  z
    .string()
    .min(1)
    .max(2 * longest)
    .refine(isText, 'holds a character that no text may hold')
    .refine((text) => [...text].length <= longest, `has more than ${longest} characters`)
    .refine((text) => /\S/.test(text), 'is blank')
    .meta({ characters: 'text' });

/** `Type/id` (hl7.org/fhir/R4/references.html#literal), or `sha256:` and its hash, as certificates name their user. */
export const userSchema = z
  .string()
  .max(128)
  .regex(/^(?:[A-Z][A-Za-z]{1,63}\/[A-Za-z0-9.-]{1,64}|sha256:[0-9a-f]{64})$/);
/** `Practitioner/<id>`, as an organisation certifies its own. */
export const practitionerSchema = z
  .string()
  .max(128)
  .regex(/^Practitioner\/[A-Za-z0-9.-]{1,64}$/);
export const resourceTypeSchema = z
  .string()
  .max(64)
  .regex(/^[A-Z][A-Za-z]+$/);
/** hl7.org/fhir/R4/datatypes.html#id: of a record or a patient a UUID, or what its author calls it. */
export const fhirIdSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9.-]+$/);
/** A random UUID in lower case. */
export const idSchema = z
  .string()
  .max(36)
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a random UUID in lower case');
/** 32 random bytes as hex: keeps anybody from confirming a guess at a value by its hash. */
export const saltSchema = z
  .string()
  .max(64)
  .regex(/^[0-9a-f]{64}$/, '32 random bytes as hex');
/** A version number of a resource, from 1 (hl7.org/fhir/R4/resource.html#Meta.versionId). */
export const versionSchema = z.int().min(1).max(999_999_999);
/** ISO 8601 with its offset. */
export const instantSchema = z.iso.datetime({ offset: true }).max(40);
/** YYYY-MM-DD */
export const daySchema = z.iso.date().max(10);
/** A name of a rule, a reason or a status: never a fact. */
export const codeSchema = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9-]*$/);

/** At most `most` members; `maxProperties` is JSON Schema's word for it. */
export const table = <K extends z.core.$ZodRecordKey, V extends z.ZodType>(key: K, value: V, most: number) =>
  z
    .record(key, value)
    .refine((members) => Object.keys(members).length <= most, 'has too many members')
    .meta({ maxProperties: most });
/** National practitioner number (for instance a US NPI): public registry data. */
export const licenceNumberSchema = z
  .string()
  .max(32)
  .regex(/^[A-Za-z0-9-]+$/);
export const collectionNameSchema = z
  .string()
  .max(128)
  .regex(/^[a-z0-9_-]+$/);
/** ISO 4217 */
export const currencySchema = z
  .string()
  .max(3)
  .regex(/^[A-Z]{3}$/);
/** SHA-256 as hex. */
export const hashSchema = z
  .string()
  .max(64)
  .regex(/^[0-9a-f]{64}$/);
/** SHA-256 as hex, or nothing. */
export const optionalHashSchema = z
  .string()
  .max(64)
  .regex(/^(?:[0-9a-f]{64})?$/);
/** SHA-256 as hex, nothing, or that a peer cannot give what was asked for. */
export const heldHashSchema = z
  .string()
  .max(64)
  .regex(/^(?:[0-9a-f]{64}|unavailable)?$/);
/** Money in minor units of its currency. */
export const minorUnitsSchema = z.int().min(0).max(999_999_999_999);

/** How deep a resource may nest, and how long one string of it may be (FHIR: 1 MiB; attachments are longer). */
const DEEPEST = 64;

/** Where a value holds what no resource may hold, and why; undefined where it holds nothing of the kind. */
export function faultIn(value: unknown): { path: (string | number)[]; reason: string } | undefined {
  return faultAt(value, [], 0);
}

function faultAt(
  value: unknown,
  path: (string | number)[],
  depth: number,
): { path: (string | number)[]; reason: string } | undefined {
  if (typeof value === 'string')
    return isText(value) ? undefined : { path, reason: 'holds a character that no text may hold' };
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { path, reason: 'is no finite number' };
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return undefined;
  if (depth >= DEEPEST) return { path, reason: 'nests too deep' };
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  for (const [key, member] of entries) {
    if (typeof key === 'string' && (key.length > 256 || !LINE.test(key)))
      return { path, reason: 'has a member whose name no element has' };
    const found = faultAt(member, [...path, key], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
