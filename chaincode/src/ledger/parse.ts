/**
 * Text to typed values: JSON and zod, with failures turned into LedgerErrors that name the place and never
 * the value.
 */
import type { z } from 'zod';
import { LedgerError } from '../model/errors.ts';
import { parseExact } from '../model/numbers.ts';

/** Members that we name ourselves are letters only; anything else may be content and is masked. */
const segment = (part: PropertyKey): string =>
  typeof part === 'number' ? `[${part}]` : `.${/^[A-Za-z]{1,40}$/.test(String(part)) ? String(part) : '*'}`;

/** A zod path such as `records[3].resource.id`. */
const expressionOf = (path: readonly PropertyKey[]): string => path.map(segment).join('').replace(/^\./, '');

function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  if (issue.code === 'unrecognized_keys') return 'has a member that is not known';
  if (issue.code === 'invalid_value') return 'is none of the values allowed';
  if (issue.code === 'custom') return issue.message;
  return issue.code.replaceAll('_', ' ');
}

/**
 * Parses a value by a schema.
 * @throws LedgerError INVALID whose expression is the path below `root`.
 */
export function parseValue<S extends z.ZodType>(schema: S, value: unknown, root = ''): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = expressionOf(issue.path);
  throw new LedgerError('INVALID', reasonOf(issue), [root, path].filter((part) => part !== '').join('.') || undefined);
}

/** Parses JSON text by a schema, every digit of its numbers kept. @throws LedgerError INVALID, as {@link parseValue} */
export function parseText<S extends z.ZodType>(schema: S, text: string, root = ''): z.output<S> {
  let value: unknown;
  try {
    value = parseExact(text);
  } catch {
    // The parser's own message quotes the text.
    throw new LedgerError('INVALID', 'is not JSON', root || undefined);
  }
  return parseValue(schema, value, root);
}
