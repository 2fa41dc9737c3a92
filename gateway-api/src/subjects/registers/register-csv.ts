/** Lists for the register as CSV (RFC 4180): rows by the names of their columns, which are read without regard to case. */
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { Failure } from '../../http/failures.ts';

/** The rows beyond which a list is to be sent in parts. */
const MOST_ROWS = 200_000;

export type Row = Record<string, string | undefined>;

/** @throws {Failure} 400 for text that is no such list, with the line at fault; 413 for one that is too long */
export function rowsOf(text: string, required: readonly string[]): { record: Row; info: { lines: number } }[] {
  let rows: { record: Row; info: { lines: number } }[];
  try {
    rows = parse(text, {
      columns: (head: string[]) => head.map((name) => name.trim().toUpperCase()),
      ...{ bom: true, info: true, trim: true, skip_empty_lines: true, to: MOST_ROWS + 1 },
    }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const at = typeof error['lines'] === 'number' ? ` (line ${error['lines']})` : '';
    throw new Failure(400, 'structure', `The body is not CSV${at}.`, { expression: 'body' });
  }
  if (rows.length > MOST_ROWS)
    throw new Failure(413, 'too-costly', `A list may have ${MOST_ROWS} rows: send it in parts.`, {
      expression: 'body',
    });
  const head = rows[0]?.record ?? {};
  for (const name of required)
    if (!Object.hasOwn(head, name))
      throw new Failure(400, 'structure', `The list has no rows, or no column ${name}.`, { expression: 'body' });
  return rows;
}

/** What every route has that takes such a list. */
export const takingList = {
  method: 'post',
  text: 'text/csv',
  large: true,
  transaction: 'SetLicences',
  query: z.object({
    preview: z
      .enum(['true', 'false'])
      .default('false')
      .meta({ description: 'Whether it is only told what it changes.' }),
  }),
  body: z.string(),
} as const;
