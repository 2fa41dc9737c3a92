/** How requests for authorization stand, as a 278 asks for it (005010X215): of which member, by a number, for what, of which days. */
import { fault, type Served } from './elements.ts';
import { demandFew, type Level, levelsOf, nearest, segmentIn } from './levels.ts';
import { first, servedAt } from './requests-278.ts';
import { demandKind, elementOf, placeOf, type TransactionSet } from './segments.ts';
import { type NotMapped, nameOf, noteUnread } from './unread.ts';

/** What narrows an inquiry; all of it must hold. */
export interface Inquiry278 {
  member: string;
  /** NM1*X3 09 */
  payer: string;
  /** The payer's number (REF*BB), or what an answer called the request (REF*NT). */
  numbers: string[];
  /** HCPCS or CPT, any of them. */
  codes: string[];
  served: Served | undefined;
  /** Its own number (TRN02). */
  trace: string;
  level: Level;
}

export interface ReadInquiry278 {
  levels: Level[];
  inquiries: Inquiry278[];
  /** BHT03 */
  reference: string;
  component: string;
}

const VERSION = '005010X215';
const CODES = ['20', '21', '22', '23', 'EV', 'SS'];
const READ: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 3],
  HL: [1, 2, 3, 4],
  TRN: [1, 2],
  UM: [2],
  'NM1*X3': [2, 3, 8, 9],
  'NM1*1P': [2, 3, 4, 5, 8, 9],
  'NM1*IL': [2, 3, 4, 5, 8, 9],
  'REF*BB': [2],
  'REF*NT': [2],
  SV1: [1],
  SV2: [2],
  'DTP*472': [2, 3],
  'DTP*AAH': [2, 3],
};

/** @throws LedgerError INVALID with the segment and the element at fault */
export function readInquiry278(set: TransactionSet, notMapped: NotMapped): ReadInquiry278 {
  const [bht] = set.segments;
  demandKind(set, '278', [VERSION]);
  if (bht?.id !== 'BHT') return fault('begins with a BHT', 'BHT');
  if (elementOf(bht, 2) !== '28') fault('is no inquiry (28)', placeOf(bht, 2));
  const levels = levelsOf(set, CODES);
  const events = levels.filter(({ code }) => code === 'EV');
  if (events.length === 0) fault('asks about no event (EV)', 'HL');
  demandFew(events.length);
  const inquiries = events.map((level) => inquiryOf(level, levels, set.component));
  for (const segment of set.segments) noteUnread(segment, READ[nameOf(segment)] ?? [], notMapped);
  return { levels, inquiries, reference: elementOf(bht, 3), component: set.component };
}

function inquiryOf(level: Level, levels: readonly Level[], component: string): Inquiry278 {
  const said = (code: string, qualifier: string): string => {
    const segment = segmentIn(nearest(level, code), 'NM1', qualifier);
    return segment === undefined ? '' : elementOf(segment, 9);
  };
  const own = [level, ...levels.filter(({ parent }) => parent === level)];
  const numbers = own.flatMap((one) =>
    ['BB', 'NT'].flatMap((qualifier) => {
      const segment = segmentIn(one, 'REF', qualifier);
      return segment === undefined ? [] : [elementOf(segment, 2)];
    }),
  );
  const trn = first(level, 'TRN');
  return {
    ...{
      member: said('22', 'IL'),
      payer: said('20', 'X3'),
      numbers,
      codes: own.flatMap((one) => codesAt(one, component)),
    },
    ...{ served: servedAt(level), trace: trn === undefined ? '' : elementOf(trn, 2), level },
  };
}

function codesAt(level: Level, component: string): string[] {
  const line = first(level, 'SV1') ?? first(level, 'SV2');
  if (line === undefined) return [];
  const place = line.id === 'SV2' ? 2 : 1;
  const [qualifier, code = ''] = elementOf(line, place).split(component);
  if (qualifier !== 'HC') fault('is no HCPCS code (HC)', placeOf(line, place));
  return [code];
}
