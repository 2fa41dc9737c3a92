/**
 * What the rows of one resource say together: which of them is the newest, and by which values it is found. Both
 * follow from the rows alone, so a value that arrives late leaves what it would have left in time.
 */
import type { VersionsTable } from '../schema.ts';

type Row = Pick<VersionsTable, 'type' | 'id' | 'collection' | 'key' | 'version' | 'sequence'>;

/**
 * A record or a copy is what lies in its own collection, so that nobody else's record of the same id can take its place;
 * anything else may lie in several (a Coverage shown to two providers).
 */
export const resourceOf = ({ type, id, collection, key }: Row): string =>
  /^(record|copy)\//.test(key) ? `${type}/${id} ${collection}` : `${type}/${id}`;

/** Newest first: by version, and of equal ones the last that was written. */
export const byAge = (a: Row, b: Row): number => b.version - a.version || b.sequence - a.sequence;

/** The rows of each resource, newest first. */
export function byResource<T extends Row>(rows: readonly T[]): T[][] {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const name = resourceOf(row);
    const known = found.get(name);
    if (known === undefined) found.set(name, [row]);
    else known.push(row);
  }
  return [...found.values()].map((all) => all.sort(byAge));
}
