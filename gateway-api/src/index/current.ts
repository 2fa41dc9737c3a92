/** The column `current` of a version: whether it is the newest of its resource, and whether it says that the resource is deleted. */
import type { VersionsTable } from './schema.ts';

/**
 * Of a version: the newest of its resource in its collection, or an older one; and each of them where it says that the resource is
 * deleted. What is searched, listed or delivered asks for `newest`, so that what is deleted is in none of it.
 */
export const CURRENT = { older: 0, newest: 1, deletion: 2, olderDeletion: 3 } as const;
export const isDeletion = ({ current }: Pick<VersionsTable, 'current'>): boolean => current >= CURRENT.deletion;
/** There is something of the resource, deleted or not. */
export const NEWEST_OF_ALL = [CURRENT.newest, CURRENT.deletion];
