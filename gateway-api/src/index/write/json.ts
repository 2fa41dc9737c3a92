/** Texts of the ledger that may be anything. */
import { isText } from '../storable.ts';

/** The object of a JSON text; undefined for anything else. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  if (!isText(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
