/**
 * X12's syntax as it is written: one interchange with one group of transaction sets. What would end an element or a segment, and what is
 * beyond ASCII, is refused where it stands in data, and left out of names and of what is said again in an acknowledgment. What a segment means is not known here.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

/** An element, or the parts of one that is composed. */
export type Element = string | readonly string[];
/** Its id and its elements. */
export type Written = readonly [id: string, ...elements: Element[]];

interface Parties {
  /** ISA06 and GS02; ISA08 and GS03. */
  sender: string;
  receiver: string;
  /** ISO 8601 UTC. */
  at: string;
  /** ISA13 and GS06: one to nine digits. */
  control: number;
  /** It says again what was received: what X12 cannot carry is left out, and holds no acknowledgment up. */
  isEcho?: boolean;
}

export interface Envelope extends Parties {
  /** GS01, of the set: `HP` of an 835. */
  group: string;
  /** ST01 */
  type: string;
  /** GS08, and ST03 where the guide has it. */
  version: string;
}

/** What stands between elements, their repetitions, their parts and segments. */
const [ELEMENT, REPETITION, COMPONENT, END] = ['*', '^', ':', '~'] as const;
/** X12's extended character set, without these. */
const WRITABLE = /^[ -~]*$/;
const SEPARATORS = /[*^:~]/;
const UNWRITABLE = /[^ -~]|[*^:~]/g;
/** Guides whose ST has no third element. */
const WITHOUT_VERSION = new Set(['835']);

/** A name as it can be written: accents, separators and all beyond ASCII are left out. @param most characters */
export const plainName = (text: string, most: number): string =>
  text.normalize('NFD').replaceAll(UNWRITABLE, '').trim().slice(0, most).trim();

/** `20260102` of a day or an instant. */
export const compactDay = (at: string): string => at.slice(0, 10).replaceAll('-', '');

/**
 * One interchange. @param sets each from the segment behind ST to the one before SE
 * @throws LedgerError INVALID at the element, `CLP01`, whose data X12 cannot carry
 */
export function writeX12(sets: readonly (readonly Written[])[], envelope: Envelope): string {
  const { sender, receiver, at, control, group, type, version } = envelope;
  const transactions = sets.flatMap((set, index): Written[] => {
    const own = String(index + 1).padStart(4, '0');
    const start: Written = WITHOUT_VERSION.has(type) ? ['ST', type, own] : ['ST', type, own, version];
    return [start, ...set, ['SE', String(set.length + 2), own]];
  });
  const [from, to] = [plainName(sender, 15), plainName(receiver, 15)];
  const all: Written[] = [
    ['GS', group, from, to, compactDay(at), timeOf(at), String(control), 'X', version],
    ...transactions,
    ['GE', String(sets.length), String(control)],
  ];
  return interchangeOf(all, 1, envelope);
}

/** An interchange that acknowledges another one and holds nothing else. @throws LedgerError INVALID as writeX12 */
export const writeTa1 = (ta1: Written, parties: Parties): string => interchangeOf([ta1], 0, parties);

const timeOf = (at: string): string => at.slice(11, 16).replace(':', '');

function interchangeOf(
  segments: readonly Written[],
  groups: number,
  { sender, receiver, at, control, isEcho = false }: Parties,
): string {
  const number = String(control % 1_000_000_000).padStart(9, '0');
  const [from, to] = [plainName(sender, 15), plainName(receiver, 15)];
  const isa = ['ISA', '00', ' '.repeat(10), '00', ' '.repeat(10), 'ZZ', from.padEnd(15), 'ZZ', to.padEnd(15)];
  const times = [compactDay(at).slice(2), timeOf(at)];
  const head = [...isa, ...times, REPETITION, '00501', number, '0', 'P', COMPONENT].join(ELEMENT);
  const all: Written[] = [...segments, ['IEA', String(groups), number]];
  return [head, ...all.map((one) => textOf(one, isEcho))].map((one) => `${one}${END}\n`).join('');
}

function textOf([id, ...elements]: Written, isEcho: boolean): string {
  const texts = elements.map((element, index) => {
    const parts = [element].flat().map((part) => (isEcho ? part.replaceAll(UNWRITABLE, '') : part));
    if (parts.every((part) => WRITABLE.test(part) && !SEPARATORS.test(part)))
      return parts.join(COMPONENT).replace(/:+$/, '');
    const place = `${id}${String(index + 1).padStart(2, '0')}`;
    throw new LedgerError('INVALID', 'holds a character that separates in X12, or is beyond ASCII', place);
  });
  return [id, ...texts].join(ELEMENT).replace(/\*+$/, '');
}
