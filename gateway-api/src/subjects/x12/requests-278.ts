/**
 * Requests for authorization in a 278 (005010X217): of which member, for what. What is read stands in one table; everything else is named by its
 * place.
 */
import { dayIn, decimalIn, fault, type Served, servedIn } from './elements.ts';
import { demandFew, type Level, levelsOf, nearest, segmentIn } from './levels.ts';
import { demandKind, elementOf, placeOf, type Segment, type TransactionSet } from './segments.ts';
import { type NotMapped, nameOf, noteElement, noteUnread } from './unread.ts';

/** A service that is asked for; without a code the kind of services alone. */
export interface AskedService {
  /** What the provider calls it (TRN02). */
  trace: string | undefined;
  /** It is taken back, of a request that goes on (UM02). */
  isCancelled: boolean;
  /** HCPCS or CPT. */
  code: string | undefined;
  modifiers: string[];
  /** X12's service type (UM03). */
  kind: string | undefined;
  /** Code of the place (UM04-1). */
  place: string | undefined;
  quantity: unknown;
  served: Served | undefined;
  level: Level;
}

/** A first request; one that amends what was asked (extension, renewal, revision); one that takes it back. */
export type Step278 = 'ask' | 'amend' | 'cancel';

/** A patient event: what is asked for at once. */
export interface Asked278 {
  step: Step278;
  /** What it amends or takes back: the payer's number (REF*BB), or what an answer called it (REF*NT). */
  before: string[];
  /** What the provider calls it (TRN02). */
  trace: string;
  member: string;
  /** NM1*X3 09 */
  payer: string;
  isInstitutional: boolean;
  isUrgent: boolean;
  created: string;
  served: Served | undefined;
  /** ICD-10-CM, in their order. */
  diagnoses: string[];
  services: AskedService[];
  level: Level;
  segment: Segment;
}

export interface Read278 {
  levels: Level[];
  requests: Asked278[];
  /** BHT03 */
  reference: string;
  /** Between the parts of an element. */
  component: string;
}

const VERSION = '005010X217';
const CODES = ['20', '21', '22', '23', 'EV', 'SS'];
const READ: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 3, 4, 5],
  HL: [1, 2, 3, 4],
  TRN: [1, 2],
  UM: [1, 2, 3, 4, 6],
  'REF*BB': [2],
  'REF*NT': [2],
  'NM1*X3': [2, 3, 8, 9],
  'NM1*1P': [2, 3, 4, 5, 8, 9],
  'NM1*IL': [2, 3, 4, 5, 8, 9],
  HI: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  SV1: [1, 3, 4],
  SV2: [2, 4, 5],
  'DTP*472': [2, 3],
  'DTP*AAH': [2, 3],
};
/** UM02: initial, extension, renewal, revised, cancel. Appeals (1, 2) have no place here: a denial is asked for anew. */
const STEPS: Readonly<Record<string, Step278>> = { I: 'ask', 4: 'amend', R: 'amend', S: 'amend', 3: 'cancel' };
/** Qualifiers of diagnoses in HI. */
const DIAGNOSES = /^(ABK|ABF|ABJ)$/;
const MOST_MODIFIERS = 4;
/** UM06: urgent, emergency. */
const URGENT = ['U', '03'];

/** @throws LedgerError INVALID with the segment and the element at fault */
export function read278(set: TransactionSet, notMapped: NotMapped): Read278 {
  const [bht] = set.segments;
  demandKind(set, '278', [VERSION]);
  if (bht?.id !== 'BHT' || dayIn(elementOf(bht, 4)) === undefined)
    return fault('begins with a BHT with its day', 'BHT');
  if (elementOf(bht, 2) !== '13') fault('is no request (13)', placeOf(bht, 2));
  const levels = levelsOf(set, CODES);
  const events = levels.filter(({ code }) => code === 'EV');
  demandFew(events.length);
  const [created, component] = [dayIn(elementOf(bht, 4))!, set.component];
  const requests = events.map((level) => requestOf(level, levels, { created, component }));
  for (const segment of set.segments) {
    noteUnread(segment, READ[nameOf(segment)] ?? [], notMapped);
    noteParts(segment, component, notMapped);
  }
  return { levels, requests, reference: elementOf(bht, 3), component };
}

/** What is not read of elements that are: other kinds of codes, more of a service than code and modifiers, amounts that are no units. */
function noteParts(segment: Segment, component: string, notMapped: NotMapped): void {
  const { id, elements } = segment;
  if (id === 'HI')
    for (const [at, element] of elements.entries())
      if (element !== '' && !DIAGNOSES.test(element.split(component)[0]!))
        noteElement(`HI*${element.split(component)[0]}`, at + 1, notMapped);
  if (id !== 'SV1' && id !== 'SV2') return;
  const shift = id === 'SV2' ? 1 : 0;
  const [, , ...modifiers] = elementOf(segment, 1 + shift).split(component);
  if (modifiers.slice(MOST_MODIFIERS).some(Boolean)) noteElement(id, 1 + shift, notMapped);
  if (elementOf(segment, 3 + shift) !== 'UN' && elementOf(segment, 4 + shift) !== '')
    noteElement(id, 4 + shift, notMapped);
}

interface Context {
  created: string;
  /** Between the parts of an element. */
  component: string;
}

function requestOf(level: Level, levels: readonly Level[], { created, component }: Context): Asked278 {
  const um = first(level, 'UM') ?? fault('has no review information (UM)', placeOf(level.hl));
  const step = STEPS[elementOf(um, 2)] ?? fault('is none of I, 3, 4, R and S', placeOf(um, 2));
  const subscriber = segmentIn(nearest(level, '22'), 'NM1', 'IL');
  const [member, trace] = [subscriber && elementOf(subscriber, 9), first(level, 'TRN')];
  if (trace === undefined) fault('has no number of its own (TRN)', placeOf(level.hl));
  const payer = segmentIn(nearest(level, '20'), 'NM1', 'X3');
  const below = levels.filter(({ parent, code }) => parent === level && code === 'SS');
  return {
    ...{
      step,
      before: numbersAt(level),
      trace: elementOf(trace!, 2),
      member: member ?? '',
      payer: payer === undefined ? '' : elementOf(payer, 9),
    },
    ...{ isInstitutional: elementOf(um, 1) === 'AR', isUrgent: URGENT.includes(elementOf(um, 6)), created },
    ...{ served: servedAt(level), diagnoses: diagnosesOf(level, component), level, segment: um },
    // What is taken back is as it was asked for.
    services:
      step === 'cancel' ? [] : (below.length === 0 ? [level] : below).map((one) => serviceOf(one, um, component)),
  };
}

const numbersAt = (level: Level): string[] =>
  ['BB', 'NT'].flatMap((qualifier) => {
    const segment = segmentIn(level, 'REF', qualifier);
    return segment === undefined || elementOf(segment, 2) === '' ? [] : [elementOf(segment, 2)];
  });

export const first = ({ segments }: Level, id: string): Segment | undefined => segments.find((one) => one.id === id);

export function servedAt(level: Level): Served | undefined {
  const segment = segmentIn(level, 'DTP', '472') ?? segmentIn(level, 'DTP', 'AAH');
  return segment && servedIn(segment);
}

const diagnosesOf = (level: Level, component: string): string[] =>
  level.segments
    .filter(({ id }) => id === 'HI')
    .flatMap(({ elements }) => elements.map((element) => element.split(component)))
    .flatMap(([qualifier = '', code = '']) => (DIAGNOSES.test(qualifier) ? [code] : []));

/** What a level says of a service; what it does not say is as its event has it. */
function serviceOf(level: Level, event: Segment, component: string): AskedService {
  const um = first(level, 'UM');
  const [kind, place] = [3, 4].map((at) => (um && elementOf(um, at)) || elementOf(event, at));
  const trace = level.code === 'SS' ? first(level, 'TRN') : undefined;
  const line = first(level, 'SV1') ?? first(level, 'SV2');
  const shift = line?.id === 'SV2' ? 1 : 0;
  const [qualifier = '', code = '', ...modifiers] =
    line === undefined ? [] : elementOf(line, 1 + shift).split(component);
  if (line !== undefined && code !== '' && qualifier !== 'HC') fault('is no HCPCS code (HC)', placeOf(line, 1 + shift));
  if (code === '' && kind === '') fault('asks for no service (SV1, UM03)', placeOf(line ?? level.hl));
  const isCounted = line !== undefined && elementOf(line, 3 + shift) === 'UN';
  return {
    ...{
      trace: trace && elementOf(trace, 2),
      isCancelled: level.code === 'SS' && um !== undefined && STEPS[elementOf(um, 2)] === 'cancel',
      code: code === '' ? undefined : code,
      modifiers: modifiers.slice(0, MOST_MODIFIERS).filter(Boolean),
    },
    ...{ kind: kind === '' ? undefined : kind, place: place?.split(component)[0] || undefined },
    ...{ quantity: isCounted ? decimalIn(line, 4 + shift) : undefined, served: servedAt(level), level },
  };
}
