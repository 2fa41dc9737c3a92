/** What a 270 (005010X279A1) asks: whether a member is covered on a day, and what of it she pays. */
import { dayIn, fault, type Served, servedIn } from './elements.ts';
import { demandFew, type Level, levelsOf, nearest, segmentIn } from './levels.ts';
import { demandKind, elementOf, type TransactionSet } from './segments.ts';
import { type NotMapped, nameOf, noteUnread } from './unread.ts';

export interface EligibilityQuestion {
  level: Level;
  /** TRN of the asker, given back. */
  traces: string[][];
  member: string;
  /** NM1*PR 09 */
  payer: string;
  served: Served | undefined;
}

export interface Asked270 {
  levels: Level[];
  /** By the ids of their levels: subscribers, or their dependents where these are asked for. */
  questions: Map<string, EligibilityQuestion>;
  /** BHT03 */
  reference: string;
}

const VERSION = '005010X279A1';
const CODES = ['20', '21', '22', '23'];
const READ: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 3, 4, 5],
  HL: [1, 2, 3, 4],
  TRN: [1, 2, 3, 4],
  'NM1*PR': [2, 3, 8, 9],
  'NM1*1P': [2, 3, 4, 5, 7, 8, 9],
  'NM1*IL': [2, 3, 4, 5, 7, 8, 9],
  'NM1*03': [2, 3, 4, 5, 7],
  'DTP*291': [2, 3],
};
/** EQ01: of the plan as a whole, which is answered with all its kinds of services. */
const WHOLE_PLAN = '30';

/** @throws LedgerError INVALID with the segment and the element at fault */
export function read270(set: TransactionSet, notMapped: NotMapped): Asked270 {
  const [bht] = set.segments;
  demandKind(set, '270', [VERSION]);
  if (bht?.id !== 'BHT' || dayIn(elementOf(bht, 4)) === undefined)
    return fault('begins with a BHT with its day', 'BHT');
  const levels = levelsOf(set, CODES);
  const asking = levels.filter(({ segments }) => segments.some(({ id }) => id === 'EQ'));
  const questions = new Map(asking.map((level) => [level.id, questionOf(level)]));
  demandFew(questions.size);
  for (const segment of set.segments) {
    // Another service than the whole plan is answered with the whole plan.
    const isWhole = segment.id === 'EQ' && elementOf(segment, 1) === WHOLE_PLAN;
    noteUnread(segment, isWhole ? [1] : (READ[nameOf(segment)] ?? []), notMapped);
  }
  return { levels, questions, reference: elementOf(bht, 3) };
}

function questionOf(level: Level): EligibilityQuestion {
  const subscriber = nearest(level, '22');
  const [name, payer] = [segmentIn(subscriber, 'NM1', 'IL'), segmentIn(nearest(level, '20'), 'NM1', 'PR')];
  const days = segmentIn(level, 'DTP', '291');
  return {
    ...{ level, member: name === undefined ? '' : elementOf(name, 9) },
    payer: payer === undefined ? '' : elementOf(payer, 9),
    traces: level.segments.filter(({ id }) => id === 'TRN').map(({ elements }) => [...elements]),
    served: days && servedIn(days),
  };
}
