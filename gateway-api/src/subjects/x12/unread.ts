/** What of a file is not read: counted by its place, `REF*EI 02`, never by what it says. */
import { elementOf, type Segment } from './segments.ts';

/** Places of elements that are not empty and have no meaning here, with how often. */
export type NotMapped = Map<string, number>;

/** Segments whose first element says what they are; of the others it is content. */
const QUALIFIED = new Set(['AMT', 'DMG', 'DTP', 'NM1', 'PER', 'PRV', 'REF', 'SBR']);

/** What a segment is, as tables of what is read have it: `REF*G1`, `CLM`. */
export const nameOf = (segment: Segment): string =>
  QUALIFIED.has(segment.id) ? `${segment.id}*${elementOf(segment, 1)}` : segment.id;

export function noteElement(name: string, element: number, notMapped: NotMapped): void {
  const said = `${name} ${String(element).padStart(2, '0')}`;
  notMapped.set(said, (notMapped.get(said) ?? 0) + 1);
}

/** Notes the elements of a segment that are not among those that are read, counted from 1. */
export function noteUnread(segment: Segment, read: readonly number[], notMapped: NotMapped): void {
  const name = nameOf(segment);
  const first = name === segment.id ? 0 : 1;
  for (const [at, element] of segment.elements.entries())
    if (at >= first && element !== '' && !read.includes(at + 1)) noteElement(name, at + 1, notMapped);
}
