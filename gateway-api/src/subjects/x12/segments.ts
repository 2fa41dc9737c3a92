/**
 * X12's syntax (https://x12.org/products/transaction-sets) as it is read: interchanges, groups and transaction sets in segments of
 * elements, as strictly as counts and control numbers allow. A file that was cut or put together is refused as a whole. What a segment
 * means is not known here.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';

/** RFC 1767. */
export const EDI_X12 = 'application/EDI-X12';
/** ISA is as long as this in every interchange: its separators stand at fixed places. */
const ISA_LENGTH = 106;
const MOST_SEGMENTS = 200_000;

export interface Segment {
  id: string;
  /** Its elements, the first at 0. */
  elements: readonly string[];
  /** In the file, from 1. */
  position: number;
}

/** From ST to SE, without these. */
export interface TransactionSet {
  /** ST01: `837` */
  type: string;
  /** ST03, or GS08: `005010X222A1` */
  version: string;
  segments: readonly Segment[];
  /** Between the parts of an element. */
  component: string;
  /** ISA06 and ISA08. */
  sender: string;
  receiver: string;
}

const broken = (reason: string, expression: string): never => {
  throw new LedgerError('INVALID', reason, expression);
};

/** An element by its place as X12 counts, from 1; empty where it is left out. */
export const elementOf = ({ elements }: Pick<Segment, 'elements'>, place: number): string => elements[place - 1] ?? '';

/** `segment 12 (CLM02)`: where something stands, without what. */
export const placeOf = ({ id, position }: Segment, element?: number): string =>
  `segment ${position} (${id}${element === undefined ? '' : String(element).padStart(2, '0')})`;

/** That a set is of a kind that is read here. @throws LedgerError INVALID at its ST */
export function demandKind(
  { type, version, segments }: TransactionSet,
  wanted: string,
  versions: readonly string[],
): void {
  if (type === wanted && versions.includes(version)) return;
  const st: Segment = { id: 'ST', elements: [], position: (segments[0]?.position ?? 2) - 1 };
  broken(`only ${wanted} of ${versions.join(', ')} is read`, placeOf(st, type === wanted ? 3 : 1));
}

/** All transaction sets of a file. @throws LedgerError INVALID with the segment at fault */
export function readX12(text: string): TransactionSet[] {
  const sets: TransactionSet[] = [];
  let rest = text.replace(/^\uFEFF/, '').trimStart();
  let read = 0;
  if (rest === '') broken('the file is empty', 'ISA');
  while (rest !== '') {
    const interchange = readInterchange(rest, read);
    sets.push(...interchange.sets);
    read += interchange.segments;
    rest = interchange.rest;
  }
  return sets;
}

/** All segments of a file, as far as it can be taken apart, whatever they count: to name what was received. */
export function segmentsIn(text: string): Segment[] {
  const all: Segment[] = [];
  let rest = text.replace(/^\uFEFF/, '').trimStart();
  while (rest.startsWith('ISA') && rest.length >= ISA_LENGTH) {
    const [element, end] = [rest[3]!, rest[ISA_LENGTH - 1]!];
    let segment: Segment | undefined;
    let from = 0;
    for (let to = rest.indexOf(end); to !== -1 && segment?.id !== 'IEA'; to = rest.indexOf(end, from)) {
      segment = segmentOf(rest.slice(from, to), element, all.length + 1);
      all.push(segment);
      from = to + 1;
    }
    rest = segment?.id === 'IEA' ? rest.slice(from).trimStart() : '';
  }
  return all;
}

function segmentOf(text: string, element: string, position: number): Segment {
  const [id = '', ...elements] = text.trimStart().split(element);
  return { id, elements, position };
}

interface Interchange {
  sets: TransactionSet[];
  segments: number;
  rest: string;
}

function readInterchange(text: string, before: number): Interchange {
  if (!text.startsWith('ISA') || text.length < ISA_LENGTH)
    broken('an interchange begins with ISA', `segment ${before + 1}`);
  const [element, component, end] = [text[3]!, text[ISA_LENGTH - 2]!, text[ISA_LENGTH - 1]!];
  if (new Set([element, component, end]).size < 3 || /[A-Za-z0-9 ]/.test(element + component + end))
    broken('its separators are no separators', `segment ${before + 1} (ISA)`);
  const segments: Segment[] = [];
  let from = 0;
  for (;;) {
    const to = text.indexOf(end, from);
    if (to === -1) return broken('the interchange has no end (IEA)', `segment ${before + segments.length + 1}`);
    const segment = segmentOf(text.slice(from, to), element, before + segments.length + 1);
    const { id } = segment;
    segments.push(segment);
    if (segments.length > MOST_SEGMENTS) broken(`there are more than ${MOST_SEGMENTS} segments`, id);
    from = to + 1;
    if (id === 'IEA') break;
  }
  return { sets: setsIn(segments, component), segments: segments.length, rest: text.slice(from).trimStart() };
}

/** Envelopes within each other: what ends one states how many were in it, and its number. */
class Envelope {
  readonly #start: Segment;
  readonly #number: number;
  count = 0;

  constructor(start: Segment, number: number) {
    this.#start = start;
    this.#number = number;
  }

  end(last: Segment, count: number): void {
    if (Number(elementOf(last, 1)) !== count) broken(`counts ${count} otherwise`, placeOf(last, 1));
    if (elementOf(last, 2).trim() !== elementOf(this.#start, this.#number).trim())
      broken(`is not the number of its ${this.#start.id}`, placeOf(last, 2));
  }
}

function setsIn(segments: readonly Segment[], component: string): TransactionSet[] {
  const sets: TransactionSet[] = [];
  const [isa] = segments;
  const parties = { sender: elementOf(isa!, 6).trim(), receiver: elementOf(isa!, 8).trim() };
  const interchange = new Envelope(isa!, 13);
  let group: { envelope: Envelope; version: string } | undefined;
  let open: { envelope: Envelope; st: Segment; segments: Segment[] } | undefined;
  for (const segment of segments.slice(1)) {
    if (segment.id === 'GS' && group === undefined)
      group = { envelope: new Envelope(segment, 6), version: elementOf(segment, 8) };
    else if (segment.id === 'ST' && group !== undefined && open === undefined)
      open = { envelope: new Envelope(segment, 2), st: segment, segments: [] };
    else if (segment.id === 'SE' && open !== undefined && group !== undefined) {
      open.envelope.end(segment, open.segments.length + 2);
      const version = elementOf(open.st, 3) || group.version;
      sets.push({ type: elementOf(open.st, 1), version, segments: open.segments, component, ...parties });
      group.envelope.count += 1;
      open = undefined;
    } else if (segment.id === 'GE' && group !== undefined && open === undefined) {
      group.envelope.end(segment, group.envelope.count);
      interchange.count += 1;
      group = undefined;
    } else if (segment.id === 'IEA' && group === undefined) interchange.end(segment, interchange.count);
    else if (open !== undefined && !['ISA', 'IEA', 'GS', 'GE', 'ST'].includes(segment.id)) open.segments.push(segment);
    else broken('does not belong here', placeOf(segment));
  }
  return sets;
}
