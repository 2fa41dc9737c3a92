/**
 * What the rows of one resource say together: which of them is the newest, how many there are, and by which values it
 * is found. All of it follows from the rows alone, so a value that arrives late leaves what it would have left in time.
 */
import { CURRENT, isDeletion, NEWEST_OF_ALL } from '../current.ts';
import { COLUMNS, type IndexTables, type VersionsTable } from '../schema.ts';
import type { Seals } from '../seals.ts';

type Row = Pick<VersionsTable, 'type' | 'id' | 'collection' | 'key' | 'version' | 'sequence' | 'audience'>;

/** A stored version without its text. */
export type Standing = Omit<IndexTables['versions'], 'value'>;
export const STANDING = [...COLUMNS.versions, 'seal' as const].filter((column) => column !== 'value');

/**
 * A record or a copy is what lies in its own collection, so that nobody else's record of the same id can take its place;
 * anything else may lie in several (a Coverage shown to two providers). What was delivered for one person is apart from what
 * was delivered for another.
 */
export const resourceOf = ({ type, id, collection, key, audience }: Row): string =>
  /^(content|copies)\//.test(key) ? `${type}/${id} ${collection} ${audience ?? 'all'}` : `${type}/${id}`;

/** Newest first: by version, and of equal ones the last that was written. */
export const byAge = (a: Row, b: Row): number => b.version - a.version || b.sequence - a.sequence;

/** The rows of each resource, newest first. */
function byResource<T extends Row>(rows: readonly T[]): T[][] {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const name = resourceOf(row);
    const known = found.get(name);
    if (known === undefined) found.set(name, [row]);
    else known.push(row);
  }
  return [...found.values()].map((all) => all.sort(byAge));
}

/** The newest row of each resource. */
export const newestOf = <T extends Row>(rows: readonly T[]): T[] =>
  byResource(rows).flatMap(([newest]) => newest ?? []);

/** The newest row says how many rows its resource has: that one was taken away must show. */
const UNSURE = 0;

interface Settled {
  cleared: readonly Standing[];
  added: ReadonlySet<number>;
  /** Whether a row is of a record that is marked as erased. */
  isErased: (row: Standing) => boolean;
}

/**
 * The rows whose `current`, `held` or `erased` must change, as they are to be.
 *
 * @param rows all rows of some resources, after `cleared` went and `added` (by sequence) came
 *
 * The count goes on from the one that is sealed, and a row that fails its check is not sealed anew: what was done to the
 * rows behind the gateway's back stays visible.
 */
export function settled(rows: readonly Standing[], { cleared, added, isErased }: Settled, seals: Seals): Standing[] {
  const isIntact = (row: Standing): boolean => seals.isOn('versions', row as IndexTables['versions']);
  return byResource(rows).flatMap((all) => {
    const resource = resourceOf(all[0]!);
    const gone = cleared.filter((row) => resourceOf(row) === resource);
    const before = [...all.filter(({ sequence }) => !added.has(sequence)), ...gone];
    const last = before.find((row) => isNewest(row) && isIntact(row));
    const known = before.length === 0 ? 0 : last?.held;
    const held = known === undefined ? UNSURE : known - gone.length + all.length - (before.length - gone.length);
    return all.flatMap((row, age) => {
      const wanted = { current: currentOf(row, age), held: age === 0 ? held : 0, erased: isErased(row) ? 1 : 0 };
      if (row.current === wanted.current && row.held === wanted.held && row.erased === wanted.erased) return [];
      const changed = { ...row, ...wanted };
      return [
        { ...changed, seal: isIntact(row) ? seals.of('versions', changed as IndexTables['versions']) : row.seal },
      ];
    });
  });
}

/** Whether nothing of its resource is newer. */
export const isNewest = ({ current }: Pick<Standing, 'current'>): boolean =>
  NEWEST_OF_ALL.some((one) => one === current);

function currentOf(row: Standing, age: number): number {
  if (isDeletion(row)) return age === 0 ? CURRENT.deletion : CURRENT.olderDeletion;
  return age === 0 ? CURRENT.newest : CURRENT.older;
}
