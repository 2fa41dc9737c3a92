/**
 * What a billed line is for, as the records it points to say: a visit, a procedure, an observation or a medicine, of a person,
 * at a time. Each is told by several factors, any one of which gives a second bill for the same service away.
 */
import type { BillItem } from '../../model/bill.ts';
import { objectsOf } from '../../model/claim-evidence.ts';
import { daysFrom, firstDay } from '../../model/days.ts';
import type { Resource } from '../../model/fhir.ts';
import { type ClaimBasis, patientOf } from '../claim-facts.ts';
import { isStay, type Span, spanOf } from './when.ts';

/**
 * What a factor does to other claims. `sole`: no other may have it. `shared`: others may, and it is found by those who ask
 * for it. `asked`: no other may have it, and this one does not take it.
 */
export type Use = 'sole' | 'shared' | 'asked';

export interface Factor {
  use: Use;
  parts: readonly string[];
}

/** The one evaluation that a visit has, in office, hospital, emergency room or by telephone; not prevention. */
const EVALUATION = /^(9920[2-9]|9921[1-5]|9924[1-5]|9928[1-5]|9942[1-3]|9944[1-3]|9896[6-8])$/;
/** Sides, eyelids, fingers and toes: each is a service of its own. */
const SIDE = /^(RT|LT|E[1-4]|FA|F[1-9]|TA|T[1-9])$/;
/** No visit is told apart by its minutes where it lasts longer. */
const LONGEST_MS = 86_400_000;
const MINUTE_MS = 60_000;
const GRID = 15;

/** In capitals: systems and the case of letters tell no services apart. */
export const codesOf = (item: BillItem): string[] => [...new Set(item.codes.map(({ code }) => code.toUpperCase()))];

/** The parts of the body that an item's modifiers name; `whole` where they name none. */
export const sideOf = ({ modifiers }: BillItem): string => {
  const sides = [...new Set(modifiers.filter((modifier) => SIDE.test(modifier)))].sort();
  return sides.length === 0 ? 'whole' : sides.join('+');
};

/** The codes that an Encounter says it is: billing one of them bills the visit itself. */
const typesOf = (encounter: Resource | undefined): string[] =>
  objectsOf(encounter?.['type']).flatMap(({ coding }) =>
    objectsOf(coding).map(({ code }) => String(code).toUpperCase()),
  );

/** All names that the patient goes by. The coverage is one: a second Patient record of the insured person has it too. */
export function namesOf(basis: ClaimBasis): string[] {
  const identifiers = objectsOf(patientOf(basis)?.['identifier']).filter(({ value }) => value !== undefined);
  return [
    basis.bill.patient,
    basis.bill.coverage,
    ...identifiers.map(({ system = '', value }) => `${system}|${value}`),
  ];
}

const minutesOf = (text: string): number =>
  text.includes('T') ? Math.floor(Date.parse(text) / MINUTE_MS) : Number.NaN;

/** The minute of its beginning, and each quarter of an hour in it: two that overlap for that long share one. */
function pointsOf({ start, end }: Span): number[] | undefined {
  const [from, to] = [minutesOf(start), minutesOf(end)];
  if (!(to >= from) || (to - from) * MINUTE_MS > LONGEST_MS) return undefined;
  const points = [from];
  for (let point = (Math.floor(from / GRID) + 1) * GRID; point < to; point += GRID) points.push(point);
  return points;
}

type Named = (use: Use, ...when: string[]) => Factor[];

/** That any of these names had this. */
const namedFor =
  (names: readonly string[], ...what: string[]): Named =>
  (use, ...when) =>
    names.map((name) => ({ use, parts: [name, ...what, ...when] }));

const onDays = (named: Named, { first, last }: BillItem): Factor[] =>
  daysFrom(first, last).flatMap((day) => named('sole', 'day', day));

/** That a person had this beginning at this minute, or on this day where no hour is known. */
function begunAt(named: Named, span: Span | undefined, item: BillItem): Factor[] {
  const [point] = (span === undefined ? undefined : pointsOf(span)) ?? [];
  return point === undefined ? onDays(named, item) : named('sole', 'at', String(point));
}

/** That a person was there all this time; what has no hours may be at any of its days'. */
function during(named: Named, span: Span | undefined, item: BillItem): Factor[] {
  const points = span === undefined ? undefined : pointsOf(span);
  if (points === undefined || span === undefined) {
    const hours = daysFrom(item.first, item.last).flatMap((day) => named('asked', 'hours', day));
    return [...onDays(named, item), ...hours];
  }
  const day = firstDay(span.start);
  const sole = points.flatMap((point) => named('sole', 'at', String(point)));
  return [...sole, ...named('shared', 'hours', day), ...named('asked', 'day', day)];
}

/** A record is billed once: as a whole, or in its parts. */
function recordFactors(reference: string, item: BillItem): Factor[] {
  const side = sideOf(item);
  const of = (use: Use, part: string): Factor => ({ use, parts: [reference, part] });
  if (side === 'whole') return [of('sole', 'whole'), of('asked', 'part')];
  return [...side.split('+').map((one) => of('sole', one)), of('shared', 'part'), of('asked', 'whole')];
}

interface Line {
  basis: ClaimBasis;
  item: BillItem;
  names: readonly string[];
}

const spanIn = ({ evidence }: ClaimBasis, reference: string): Span | undefined =>
  spanOf(evidence.get(reference)?.resource);

const ofProcedure = ({ basis, item, names }: Line, reference: string): Factor[] => [
  ...recordFactors(reference, item),
  ...codesOf(item).flatMap((code) =>
    begunAt(namedFor(names, 'procedure', code, sideOf(item)), spanIn(basis, reference), item),
  ),
];

/** One observation may bear out several services, each under its code. */
const ofObservation = ({ basis, item, names }: Line, reference: string): Factor[] =>
  codesOf(item).flatMap((code): Factor[] => [
    { use: 'sole', parts: [reference, code] },
    ...begunAt(namedFor(names, 'observation', code), spanIn(basis, reference), item),
  ]);

/** A stay is billed by its days. */
const ofStay = ({ item, names, basis: { bill } }: Line, reference: string): Factor[] =>
  codesOf(item).flatMap((code) => [
    ...onDays(namedFor([reference, ...names], 'stay', bill.type, code), item),
    ...(EVALUATION.test(code) ? onDays(namedFor([reference], 'evaluation'), item) : []),
  ]);

/** A visit is billed once for what it was, whatever code and day it is billed under. */
function ofVisit(line: Line, reference: string): Factor[] {
  const { basis, item, names } = line;
  const { type } = basis.bill;
  const span = spanIn(basis, reference);
  const own: Factor[] = [{ use: 'sole', parts: [reference, 'visit', type] }];
  if (isEvaluation(line, [reference]))
    return [
      ...own,
      { use: 'sole', parts: [reference, 'evaluation'] },
      ...during(namedFor(names, 'evaluation'), span, item),
    ];
  return [...own, ...codesOf(item).flatMap((code) => begunAt(namedFor(names, 'visit', type, code), span, item))];
}

/** Whether an item bills the visit itself: by a code of one, or by what an Encounter says it is. */
const isEvaluation = ({ basis: { evidence }, item }: Line, encounters: readonly string[]): boolean =>
  codesOf(item).some(
    (code) => EVALUATION.test(code) || encounters.some((one) => typesOf(evidence.get(one)?.resource).includes(code)),
  );

/** Medicines are billed next to the visit that they were prescribed at. */
const ofMedicine = ({ item, names }: Line, reference: string): Factor[] =>
  codesOf(item).flatMap((code): Factor[] => [
    { use: 'sole', parts: [reference, 'medicine', code] },
    ...onDays(namedFor(names, 'medicine', code), item),
  ]);

/** A procedure is what it says, also where its visit is named; an evaluation is its visit. */
function ofServices(line: Line): Factor[] {
  const of = (type: string): string[] => line.item.services.filter((service) => service.startsWith(`${type}/`));
  const [encounters, procedures, observations] = [of('Encounter'), of('Procedure'), of('Observation')];
  const ofVisits = (): Factor[] =>
    encounters.flatMap((one) => (isStay(line.basis.evidence.get(one)?.resource) ? ofStay : ofVisit)(line, one));
  if (encounters.length > 0 && isEvaluation(line, encounters)) return ofVisits();
  if (line.basis.bill.type === 'pharmacy') return encounters.flatMap((reference) => ofMedicine(line, reference));
  const shown = [
    ...procedures.flatMap((reference) => ofProcedure(line, reference)),
    ...observations.flatMap((reference) => ofObservation(line, reference)),
  ];
  return shown.length > 0 ? shown : ofVisits();
}

/** The factors of one billed item; of what points to no record that is known here, its names, codes and days. */
export function factorsOf(basis: ClaimBasis, item: BillItem): Factor[] {
  const line: Line = { basis, item, names: namesOf(basis) };
  const found = ofServices(line);
  if (found.length > 0) return found;
  return codesOf(item).flatMap((code) => onDays(namedFor(line.names, 'other', code), item));
}
