/** What a statement may be given, the same on every database: nothing a caller sends may break a connection. */
import { Failure } from '../http/failures.ts';

/** SQLite takes 32,766 in a statement, PostgreSQL 65,535. */
const MOST_PARAMETERS = 32_000;

export const tooMany = (): Failure => new Failure(400, 'too-costly', 'This asks for too many values at once.');

/** @throws {Failure} 400 for a text with U+0000, which no text of PostgreSQL holds, and for too many values. */
export function checkParameters(parameters: readonly unknown[]): void {
  if (parameters.length > MOST_PARAMETERS) throw tooMany();
  for (const one of parameters) {
    if (typeof one === 'string' && one.includes('\0')) {
      throw new Failure(400, 'invalid', 'The character U+0000 is not allowed in a text.');
    }
  }
}
