/** How claims stand, as a 277 (005010X212). Pure. */

import { amountText, controlNumberOf, daysOf, lineNumberOf, serviceDates, serviceOf } from './claim-elements.ts';
import { CLAIM_STATUS_CODES, NOT_FOUND, NOT_SEARCHED } from './claim-statuses.ts';
import type { DecidedLine } from './decided-lines.ts';
import { answeredLevel, type Level, saidAgain, segmentIn } from './levels.ts';
import type { MeantClaim } from './meant-claims.ts';
import type { Asked276, StatusQuestion } from './questions-276.ts';
import { compactDay, type Written } from './writing.ts';

/** The most characters of STC09. */
const LONGEST_TRACE = 16;
/** Of each level the name that is said again, and which of its elements. */
const NAMES: Readonly<Record<string, readonly [string, readonly number[]]>> = {
  '20': ['PR', [1, 2, 3, 8, 9]],
  '21': ['41', [1, 2, 3, 4, 5, 8, 9]],
  '19': ['1P', [1, 2, 3, 4, 5, 7, 8, 9]],
  '22': ['IL', [1, 2, 3, 4, 5, 7, 8, 9]],
  '23': ['QC', [1, 2, 3, 4, 5, 7]],
};
const PAID = new Set<string>(['remitted', 'settled', 'satisfied']);

/** A claim, and of what transfer it was paid. */
export interface Standing extends MeantClaim {
  transfer: { trace: string; day: string } | undefined;
}

/** The segments between ST and SE. @param found undefined of a question that was not looked for @param now ISO 8601 UTC */
export function answer277(
  { levels, questions, reference }: Asked276,
  found: ReadonlyMap<StatusQuestion, readonly Standing[] | undefined>,
  now: string,
): Written[] {
  const time = now.slice(11, 16).replace(':', '');
  return [
    ['BHT', '0010', '08', reference, compactDay(now), time, 'DG'],
    ...levels.flatMap((level) => [
      // A 277 says it of no dependent, below whom there can be nobody.
      level.code === '23' ? (answeredLevel(level).slice(0, 4) as unknown as Written) : answeredLevel(level),
      ...named(level),
      ...(questions.get(level.id) ?? []).flatMap((question) => answered(question, found.get(question), now)),
    ]),
  ];
}

function named(level: Level): Written[] {
  const [qualifier = '', places = []] = NAMES[level.code] ?? [];
  const segment = segmentIn(level, 'NM1', qualifier);
  return segment === undefined ? [] : [saidAgain(segment, places)];
}

function answered(question: StatusQuestion, found: readonly Standing[] | undefined, now: string): Written[] {
  const trace: Written = ['TRN', '2', question.trace];
  if (found !== undefined && found.length > 0) return found.flatMap((one) => [trace, ...standing(one)]);
  const { claim, account } = question;
  return [
    trace,
    ['STC', found === undefined ? NOT_SEARCHED : NOT_FOUND, compactDay(now)],
    ...(claim === undefined ? [] : [['REF', '1K', claim] as const]),
    ...(account === undefined ? [] : [['REF', 'EJ', account] as const]),
  ];
}

function standing({ state, claim, charge, currency, first, last, decided, transfer }: Standing): Written[] {
  const { id, status, updatedAt } = state;
  const isPaid = PAID.has(status);
  const paid = isPaid && decided !== undefined ? decided.paid : 0;
  const decidedOn = decided === undefined ? '' : compactDay(String(decided.response['created']));
  const isShort = transfer !== undefined && transfer.trace.length <= LONGEST_TRACE;
  const ofTransfer = transfer === undefined ? [] : [compactDay(transfer.day), ...(isShort ? [transfer.trace] : [])];
  const amounts = [amountText(charge, currency), amountText(paid, currency)];
  return [
    ['STC', CLAIM_STATUS_CODES[status], compactDay(updatedAt), '', ...amounts, decidedOn, '', ...ofTransfer],
    ['REF', '1K', id],
    ['REF', 'EJ', controlNumberOf({ id, claim })],
    serviceDates({ first, last }),
    ...(isPaid ? (decided?.lines ?? []) : []).flatMap((line) => lineSegments(line, { currency, at: updatedAt })),
  ];
}

/** Of a line of a claim that is paid. */
function lineSegments(line: DecidedLine, { currency, at }: { currency: string; at: string }): Written[] {
  const service = serviceOf(line);
  const days = daysOf(line);
  if (service === undefined || days.first === '') return [];
  const isShare = line.adjustments.some(({ group }) => group === 'PR');
  const status = line.paid > 0 ? 'remitted' : isShare ? 'patient-responsibility' : 'denied';
  const amounts = [amountText(line.charge, currency), amountText(line.paid, currency)];
  return [
    ['SVC', service.code, ...amounts, service.revenue, '', '', service.units === '' ? '1' : service.units],
    ['STC', CLAIM_STATUS_CODES[status], compactDay(at)],
    ['REF', 'FJ', lineNumberOf(line)],
    serviceDates(days),
  ];
}
