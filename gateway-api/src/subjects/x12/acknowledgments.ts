/**
 * That an interchange was received: a 999 (005010X231A1) of each of its groups, which takes them or names the segment and the element at
 * fault, and where its envelope is at fault a TA1. Of what stands there nothing is said again. Pure.
 */
import type { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { elementOf, type Segment, segmentsIn } from './segments.ts';
import { type Written, writeTa1, writeX12 } from './writing.ts';

const VERSION = '005010X231A1';
/** Where something stands: its position in the file, its segment, and where it is one its element. */
const PLACE = /^segment (\d+)(?: \(([A-Z][A-Z0-9]{1,2}?)(\d{2})?\))?$/;

interface Fault {
  position: number;
  segment: string;
  element: number | undefined;
  reason: string;
}

interface SetReceived {
  st: Segment;
  last: number;
}
interface Group {
  gs: Segment;
  ge: Segment | undefined;
  sets: SetReceived[];
}
interface Received {
  isa: Segment;
  /** Position of its last segment. */
  last: number;
  groups: Group[];
}

export interface Acknowledging {
  /** Why the file was refused as a whole; undefined: it was taken. */
  fault: LedgerError | undefined;
  /** ISO 8601 UTC. */
  now: string;
  /** ISA13. */
  control: number;
}

/** What is answered to a file; undefined where there is no interchange that could be acknowledged. */
export function acknowledgmentOf(text: string, { fault, ...answered }: Acknowledging): string | undefined {
  const received = receivedIn(segmentsIn(text));
  const at = fault && faultOf(fault);
  if (received.length === 0) return undefined;
  return received.map((one) => answerTo(one, at, { isTaken: fault === undefined, ...answered })).join('');
}

function faultOf({ expression = '', reason }: LedgerError): Fault | undefined {
  const [, position, segment = '', element] = PLACE.exec(expression) ?? [];
  if (position === undefined) return undefined;
  return { position: Number(position), segment, element: element === undefined ? undefined : Number(element), reason };
}

/** By envelopes, as far as there are any: what is cut has no end. */
function receivedIn(segments: readonly Segment[]): Received[] {
  const all: Received[] = [];
  for (const segment of segments) {
    if (segment.id === 'ISA') all.push({ isa: segment, last: segment.position, groups: [] });
    const interchange = all.at(-1);
    if (interchange === undefined) continue;
    interchange.last = segment.position;
    if (segment.id === 'GS') interchange.groups.push({ gs: segment, ge: undefined, sets: [] });
    const group = interchange.groups.at(-1);
    if (group === undefined) continue;
    if (segment.id === 'ST') group.sets.push({ st: segment, last: segment.position });
    if (segment.id === 'GE') group.ge = segment;
    const set = group.sets.at(-1);
    if (set !== undefined && group.ge === undefined) set.last = segment.position;
  }
  return all;
}

type Answered = Omit<Acknowledging, 'fault'> & { isTaken: boolean };

function answerTo(
  { isa, last, groups }: Received,
  fault: Fault | undefined,
  { isTaken, now, control }: Answered,
): string {
  const parties = { sender: elementOf(isa, 8), receiver: elementOf(isa, 6), at: now, control, isEcho: true };
  const isHere = fault !== undefined && fault.position >= isa.position && fault.position <= last + 1;
  const inGroup = groups.some(
    ({ gs, ge }) => fault !== undefined && gs.position < fault.position && fault.position <= (ge?.position ?? 0),
  );
  if (groups.length === 0 || (isHere && !inGroup)) {
    const code = isTaken ? '000' : codeOfEnvelope(fault);
    const named = [elementOf(isa, 13), elementOf(isa, 9), elementOf(isa, 10)];
    return writeTa1(['TA1', ...named, isTaken ? 'A' : 'R', code], parties);
  }
  const sets = groups.map((group) => groupSegments(group, isHere ? fault : undefined, isTaken));
  return writeX12(sets, { ...parties, group: 'FA', type: '999', version: VERSION });
}

/** TA105: other numbers or counts at the end, no end, or else what it holds. */
function codeOfEnvelope(fault: Fault | undefined): string {
  if (fault?.segment === 'IEA') return fault.element === 2 ? '001' : '021';
  return fault === undefined || /no end/.test(fault.reason) ? '023' : '024';
}

function groupSegments({ gs, ge, sets }: Group, fault: Fault | undefined, isTaken: boolean): Written[] {
  const word = isTaken ? 'A' : 'R';
  const counted = ge === undefined ? String(sets.length) : elementOf(ge, 1);
  // 4: another number at its end, 5: another count.
  const isOfGroup = fault?.segment === 'GE';
  const code = isOfGroup ? [fault.element === 2 ? '4' : '5'] : [];
  return [
    ['AK1', elementOf(gs, 1), elementOf(gs, 6), elementOf(gs, 8)],
    ...sets.flatMap((set) => setSegments(set, fault, { word, version: elementOf(gs, 8) })),
    ['AK9', word, counted, String(sets.length), isTaken ? String(sets.length) : '0', ...code],
  ];
}

function setSegments(
  { st, last }: SetReceived,
  fault: Fault | undefined,
  { word, version }: { word: string; version: string },
): Written[] {
  const named: Written = ['AK2', elementOf(st, 1), elementOf(st, 2), elementOf(st, 3) || version];
  const isHere = fault !== undefined && fault.position >= st.position && fault.position <= last;
  if (!isHere) return [named, ['IK5', word]];
  // 1: another kind of set, I6: another guide.
  if (fault.segment === 'ST') return [named, ['IK5', word, fault.element === 1 ? '1' : 'I6']];
  // 3: another number at its end, 4: another count.
  if (fault.segment === 'SE') return [named, ['IK5', word, fault.element === 2 ? '3' : '4']];
  const at = String(fault.position - st.position + 1);
  const kind = /does not belong/.test(fault.reason) ? '2' : '8';
  const element: Written[] =
    fault.element === undefined ? [] : [['IK4', [String(fault.element)], '', codeOfElement(fault)]];
  return [named, ['IK3', fault.segment, at, '', kind], ...element, ['IK5', word, '5']];
}

/** IK403: it is missing, a character that it cannot have, no day, or else a code that it cannot be. */
function codeOfElement({ reason }: Fault): string {
  if (/is empty/.test(reason)) return '1';
  return /no amount/.test(reason) ? '6' : /no day/.test(reason) ? '8' : '7';
}
