/** What a 276 (005010X212) asks: of which claim, of whose, how it stands. */
import { dayIn, decimalIn, fault, type Served, servedIn } from './elements.ts';
import { demandFew, type Level, levelsOf, nearest, segmentIn } from './levels.ts';
import { demandKind, elementOf, placeOf, type Segment, type TransactionSet } from './segments.ts';
import { type NotMapped, nameOf, noteUnread } from './unread.ts';

export interface StatusQuestion {
  /** TRN02, given back. */
  trace: string;
  member: string;
  /** NM1*PR 09 */
  payer: string;
  /** NM1*1P 09 */
  provider: string;
  /** What the payer calls the claim (REF*1K), and the provider (REF*EJ). */
  claim: string | undefined;
  account: string | undefined;
  charge: unknown;
  served: Served | undefined;
}

export interface Asked276 {
  levels: Level[];
  /** By the ids of their levels. */
  questions: Map<string, StatusQuestion[]>;
  /** BHT03 */
  reference: string;
}

const VERSION = '005010X212';
const CODES = ['20', '21', '19', '22', '23'];
const READ: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 3, 4, 5],
  HL: [1, 2, 3, 4],
  TRN: [1, 2],
  'NM1*PR': [2, 3, 8, 9],
  'NM1*41': [2, 3, 4, 5, 8, 9],
  'NM1*1P': [2, 3, 4, 5, 7, 8, 9],
  'NM1*IL': [2, 3, 4, 5, 7, 8, 9],
  'NM1*QC': [2, 3, 4, 5, 7],
  'REF*1K': [2],
  'REF*EJ': [2],
  'AMT*T3': [2],
  'DTP*472': [2, 3],
};

/** @throws LedgerError INVALID with the segment and the element at fault */
export function read276(set: TransactionSet, notMapped: NotMapped): Asked276 {
  const [bht] = set.segments;
  demandKind(set, '276', [VERSION]);
  if (bht?.id !== 'BHT' || dayIn(elementOf(bht, 4)) === undefined)
    return fault('begins with a BHT with its day', 'BHT');
  const levels = levelsOf(set, CODES);
  const questions = new Map(levels.map((level) => [level.id, questionsOf(level)]));
  demandFew([...questions.values()].reduce((sum, own) => sum + own.length, 0));
  noteAll(set, notMapped);
  return { levels, questions, reference: elementOf(bht, 3) };
}

/** Lines are not asked for one by one: what stands behind an SVC, up to the next claim, is read of none. */
function noteAll({ segments }: TransactionSet, notMapped: NotMapped): void {
  let isOfLine = false;
  for (const segment of segments) {
    isOfLine = segment.id === 'SVC' || (isOfLine && segment.id !== 'TRN' && segment.id !== 'HL');
    noteUnread(segment, isOfLine ? [] : (READ[nameOf(segment)] ?? []), notMapped);
  }
}

function questionsOf(level: Level): StatusQuestion[] {
  const traces = level.segments.flatMap((one, at) => (one.id === 'TRN' ? [at] : []));
  return traces.map((from, at) => questionOf(level, level.segments.slice(from, traces[at + 1])));
}

function questionOf(level: Level, segments: readonly Segment[]): StatusQuestion {
  const lines = segments.findIndex(({ id }) => id === 'SVC');
  const own = lines < 0 ? segments : segments.slice(0, lines);
  const found = (id: string, qualifier: string) => own.find((one) => one.id === id && elementOf(one, 1) === qualifier);
  const text = (id: string, qualifier: string): string | undefined => {
    const segment = found(id, qualifier);
    return segment && elementOf(segment, 2);
  };
  const name = (code: string, qualifier: string): string => {
    const segment = segmentIn(nearest(level, code), 'NM1', qualifier);
    return segment === undefined ? '' : elementOf(segment, 9);
  };
  const member = name('22', 'IL');
  if (member === '') fault('has no subscriber with a number above it (NM1*IL 09)', placeOf(own[0]!));
  const [amount, days] = [found('AMT', 'T3'), found('DTP', '472')];
  return {
    ...{ trace: elementOf(own[0]!, 2), member, payer: name('20', 'PR'), provider: name('19', '1P') },
    ...{ claim: text('REF', '1K'), account: text('REF', 'EJ') },
    charge: amount && decimalIn(amount, 2),
    served: days && servedIn(days),
  };
}
