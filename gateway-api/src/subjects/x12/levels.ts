/** The levels (HL) of a question and its answer: who is asked, who asks, whom it is about. An answer has the levels of its question. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { fault } from './elements.ts';
import { elementOf, placeOf, type Segment, type TransactionSet } from './segments.ts';
import type { Written } from './writing.ts';

export interface Level {
  /** HL01 */
  id: string;
  parent: Level | undefined;
  /** HL03: 20 who is asked, 21 who asks, 19 a provider, 22 a subscriber, 23 a dependent. */
  code: string;
  hasChildren: boolean;
  /** From the one behind HL on. */
  segments: Segment[];
  hl: Segment;
}

/** @param codes those that there may be, each below one before it @throws LedgerError INVALID with the segment at fault */
export function levelsOf({ segments }: TransactionSet, codes: readonly string[]): Level[] {
  const levels = new Map<string, Level>();
  let level: Level | undefined;
  for (const segment of segments)
    if (segment.id === 'HL') {
      level = levelOf(segment, levels, codes);
      levels.set(level.id, level);
    } else level?.segments.push(segment);
  if (levels.size === 0) throw new LedgerError('INVALID', 'has no levels (HL)', 'HL');
  return [...levels.values()];
}

function levelOf(hl: Segment, levels: ReadonlyMap<string, Level>, codes: readonly string[]): Level {
  const [id, above, code] = [elementOf(hl, 1), elementOf(hl, 2), elementOf(hl, 3)];
  const parent = levels.get(above);
  if (id === '' || levels.has(id)) fault('is no number of its own', placeOf(hl, 1));
  if (above !== '' && parent === undefined) fault('names no level before it', placeOf(hl, 2));
  if (!codes.includes(code)) fault('is none of the levels here', placeOf(hl, 3));
  if (parent !== undefined && codes.indexOf(parent.code) >= codes.indexOf(code))
    fault('does not belong below that level', placeOf(hl, 2));
  if (parent !== undefined) parent.hasChildren = true;
  return { id, parent, code, hasChildren: false, segments: [], hl };
}

/** Questions of one set: each is looked for in the read model. */
const MOST = 1_000;

/** @throws LedgerError INVALID */
export function demandFew(questions: number): void {
  if (questions > MOST) fault(`asks more than ${MOST} questions`, 'HL');
}

/** A level or the nearest above it that has a code. */
export function nearest(level: Level | undefined, code: string): Level | undefined {
  for (let at = level; at !== undefined; at = at.parent) if (at.code === code) return at;
  return undefined;
}

/** The first segment of a level with that id and qualifier. */
export const segmentIn = (level: Level | undefined, id: string, qualifier: string): Segment | undefined =>
  level?.segments.find((one) => one.id === id && elementOf(one, 1) === qualifier);

/** The HL of an answer, with whether there are levels below it. */
export const answeredLevel = ({ id, parent, code, hasChildren }: Level): Written => {
  const below = hasChildren ? '1' : '0';
  return ['HL', id, parent?.id ?? '', code, below];
};

/** A segment said again, some of its elements (from 1) alone. */
export function saidAgain(segment: Segment, places: readonly number[]): Written {
  const most = Math.max(...places);
  const elements = Array.from({ length: most }, (_, at) => (places.includes(at + 1) ? elementOf(segment, at + 1) : ''));
  return [segment.id, ...elements];
}
