/**
 * How a duty finds its work: page by page from an index, each item read for itself. One that is no state of its kind is
 * reported once and passed over, whatever it is that two organisations put there.
 */
import type { z } from 'zod';
import { DatabaseLost } from '../index/health.ts';
import type { StatesTable } from '../index/schema.ts';
import type { Services } from '../subjects/services.ts';

/** What of the gateway finding work needs. */
export type Finding = Pick<Services, 'index' | 'broken'>;

const PAGE = 100;

/** All of what a query returns page by page; each row says where the page after it begins. */
export async function* paged<Row extends { next: string }>(
  query: (page: { count: number; after: string | undefined }) => Promise<Row[]>,
): AsyncGenerator<Row> {
  let after: string | undefined;
  for (;;) {
    const rows = await query({ count: PAGE, after });
    yield* rows;
    after = rows.at(-1)?.next;
    if (rows.length < PAGE) return;
  }
}

/** The states of a kind in one of these statuses that name this organisation, oldest first. */
export async function* ownStates<State extends { id: string }>(
  finding: Finding,
  kind: string,
  schema: z.ZodType<State>,
  statuses: readonly string[],
): AsyncGenerator<State> {
  for (const status of statuses) {
    let after: string | undefined;
    do {
      const { rows, next } = await finding.index.own.page(kind, { status, count: PAGE, after });
      for (const row of rows) {
        const state = await stateIn(finding, kind, row.id, schema, async () => row.read());
        if (state !== undefined) yield state;
      }
      after = next;
    } while (after !== undefined);
  }
}

/** The state of an id; undefined where there is none that can be read. */
export async function ownState<State extends { id: string }>(
  finding: Finding,
  kind: string,
  schema: z.ZodType<State>,
  id: string,
): Promise<State | undefined> {
  return stateIn(finding, kind, id, schema, () => finding.index.state(kind, id));
}

async function stateIn<State extends { id: string }>(
  { broken }: Finding,
  kind: string,
  id: string,
  schema: z.ZodType<State>,
  read: () => Promise<StatesTable | undefined>,
): Promise<State | undefined> {
  try {
    const row = await read();
    if (row === undefined) return undefined;
    const state = schema.parse(JSON.parse(row.value));
    if (state.id === id) return state;
    throw new Error('a state under the id of another');
  } catch (error) {
    if (error instanceof DatabaseLost) throw error;
    broken.report(kind, id, error);
    return undefined;
  }
}
