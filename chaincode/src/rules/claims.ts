/**
 * The claim edits: what a submitted claim must stand up to. A claim that fails one is denied with the edit's
 * name; a claim is never thrown out. To add an edit, write it beside the others and enter it in the table.
 */
import { type Bill, type BillPart, isInParts } from '../model/bill.ts';
import { billedItems } from '../model/claim-practitioners.ts';
import type { Finding } from '../model/claims.ts';
import { arithmetic, oneCurrency } from './claim-edits/amounts.ts';
import { paidInOrder } from './claim-edits/coordination.ts';
import { coverageInForce, coverageOfPatient } from './claim-edits/coverage.ts';
import { notBilledBefore } from './claim-edits/duplicates.ts';
import type { Place } from './claim-edits/leaves.ts';
import { patientShown, withinLifetime } from './claim-edits/patient.ts';
import { paidToProvider } from './claim-edits/payee.ts';
import { longEnough, ofThatAge, ofThatSex, pairsApart, unitsWithin } from './claim-edits/payer-tables.ts';
import { modifiersAgree, placeOfVisit } from './claim-edits/places.ts';
import { possibleDay, practitionerLicensed } from './claim-edits/practitioners.ts';
import { codeOfRecord, medicineGiven } from './claim-edits/record-codes.ts';
import { evidenceCurrent, serviceShown } from './claim-edits/service.ts';
import type { ClaimEdit, ClaimFacts } from './claim-facts.ts';

/** In order: the first that denies gives the claim its public reason. */
export const CLAIM_EDITS: readonly ClaimEdit[] = [
  patientShown,
  evidenceCurrent,
  oneCurrency,
  arithmetic,
  paidToProvider,
  coverageOfPatient,
  coverageInForce,
  paidInOrder,
  withinLifetime,
  serviceShown,
  codeOfRecord,
  medicineGiven,
  longEnough,
  unitsWithin,
  pairsApart,
  ofThatAge,
  ofThatSex,
  placeOfVisit,
  modifiersAgree,
  practitionerLicensed,
  possibleDay,
  notBilledBefore,
];

/** Where in a claim a denial is: `2`, `2.1` and `2.1.3` for an item, its detail and what is in that; undefined for the whole. */
function placeOf(facts: Finding['facts']): string | undefined {
  const [item, detail, subDetail] = [facts?.['item'], facts?.['detail'], facts?.['subDetail']];
  if (typeof item !== 'number') return undefined;
  const deeper = typeof detail === 'number' ? (typeof subDetail === 'number' ? [detail, subDetail] : [detail]) : [];
  return [item, ...deeper].join('.');
}

/** Whether a place, or what it lies in, is among some. */
const isIn = (places: ReadonlySet<string>, place: string): boolean =>
  place.split('.').some((_, index, all) => places.has(all.slice(0, index + 1).join('.')));

/**
 * What each edit says of the facts, in the table's order. Where it denies lines there is a finding for each; a line is denied once, by
 * the first edit that does, and so is a part of it.
 */
export function judgeClaim(facts: ClaimFacts, edits: readonly ClaimEdit[] = CLAIM_EDITS): Finding[] {
  const findings: Finding[] = [];
  const failed = new Set<string>();
  const places = new Set<string>();
  for (const { name, version, after, judge } of edits) {
    const finding = { edit: name, version } as const;
    if (after.some((other) => failed.has(other))) {
      // Nor does anything that waits for an edit that was not evaluated mean anything.
      failed.add(name);
      findings.push({ ...finding, outcome: 'not-evaluated' });
      continue;
    }
    const denials = judge(facts).filter((denial) => {
      const place = placeOf(denial);
      return place === undefined || !isIn(places, place);
    });
    for (const denial of denials) {
      const place = placeOf(denial);
      place === undefined ? failed.add(name) : places.add(place);
    }
    if (denials.length === 0) findings.push({ ...finding, outcome: 'pass' });
    else findings.push(...denials.map((reasons): Finding => ({ ...finding, outcome: 'deny', facts: reasons })));
  }
  return findings;
}

/** What the findings come to. */
export interface Verdict {
  /** Why nothing of the claim stands: the first denial of the whole, or of all its lines; undefined where something stands. */
  claim: Finding | undefined;
  /** Why a line does not stand, by its sequence; of the whole the same for all. */
  lines: ReadonlyMap<number, Finding>;
  /** Why a part of a line does not stand, by its place. */
  parts?: ReadonlyMap<string, Finding>;
}

/** Whether nothing of what asks for money in a part stands. */
const isDenied = (part: BillPart, place: string, denied: ReadonlyMap<string, unknown>): boolean =>
  denied.has(place) ||
  (isInParts(part) &&
    part.parts.every((inner) => inner.billed === 0 || isDenied(inner, `${place}.${inner.sequence}`, denied)));

export function verdictOf(findings: readonly Finding[], bill: Bill): Verdict {
  const denials = findings.filter(({ outcome }) => outcome === 'deny');
  const lines = new Map<number, Finding>();
  const parts = new Map<string, Finding>();
  for (const finding of denials) {
    const place = placeOf(finding.facts);
    if (place?.includes('.')) parts.set(place, finding);
    else if (place !== undefined) lines.set(Number(place), finding);
  }
  const first = new Map([...parts].reverse().map(([place, finding]) => [Number.parseInt(place, 10), finding]));
  for (const item of billedItems(bill)) {
    const within = first.get(item.sequence);
    if (within !== undefined && isDenied(item, String(item.sequence), parts)) lines.set(item.sequence, within);
  }
  const whole = denials.find(({ facts }) => placeOf(facts) === undefined);
  const isAll = billedItems(bill).every(({ sequence }) => lines.has(sequence));
  return { claim: whole ?? (isAll ? denials[0] : undefined), lines, parts };
}

/** Sequences of the lines that stand. */
export const standing = ({ items }: Bill, { claim, lines }: Verdict): Set<number> =>
  new Set(claim === undefined ? items.map(({ sequence }) => sequence).filter((one) => !lines.has(one)) : []);

/** Whether a part of a bill stands, by its place. */
export const standingParts =
  ({ claim, lines, parts = new Map() }: Verdict): ((place: Place) => boolean) =>
  ({ item, detail, subDetail }) => {
    const deeper = [detail, subDetail].filter((one) => one !== undefined);
    const places = [item, ...deeper].map((_, index, all) => all.slice(0, index + 1).join('.'));
    return claim === undefined && !lines.has(item) && !places.some((one) => parts.has(one));
  };
