/** One transaction for several things of a kind: each is as it would be alone, and a refusal names which of them it is of. */
import { LedgerError } from '../model/errors.ts';

/** How errors name places: where the list stands in the input, and what stands before the places within one item by itself. */
export interface Listed {
  list: string;
  item: string;
}

/**
 * Does it for each, side by side, and ends when all have ended.
 * @throws what the first of them in their order ended with; a LedgerError at its place in the list
 */
export async function forEachOf<T>(
  items: readonly T[],
  listed: Listed,
  perform: (item: T) => Promise<void>,
): Promise<void> {
  const ended = await Promise.allSettled(items.map(perform));
  for (const [index, one] of ended.entries()) if (one.status === 'rejected') throw placed(one.reason, index, listed);
}

/**
 * Does it for each, one after the other, where one may rest on what another writes: then it is refused. The peer is asked one thing at
 * a time either way. @throws as {@link forEachOf}, of the first that fails
 */
export async function forEachInTurn<T>(
  items: readonly T[],
  listed: Listed,
  { nextPart, perform }: { nextPart: () => void; perform: (item: T) => Promise<unknown> },
): Promise<void> {
  for (const [index, item] of items.entries()) {
    nextPart();
    try {
      await perform(item);
    } catch (error) {
      throw placed(error, index, listed);
    }
  }
}

/** @throws LedgerError INVALID where an id is there twice */
export function checkDistinct(ids: readonly string[], { list }: Pick<Listed, 'list'>): void {
  const index = ids.findIndex((id, place) => ids.indexOf(id) < place);
  if (index >= 0) throw new LedgerError('INVALID', 'is there twice', `${list}[${index}].id`);
}

function placed(error: unknown, index: number, { list, item }: Listed): unknown {
  if (!(error instanceof LedgerError)) return error;
  const { code, reason, expression } = error;
  const place = `${list}[${index}]`;
  if (expression === undefined) return new LedgerError(code, reason, place);
  const within = expression.startsWith(`${item}.`) ? expression.slice(item.length + 1) : expression;
  return new LedgerError(code, reason, within === item ? place : `${place}.${within}`);
}
