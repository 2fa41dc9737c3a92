/**
 * The claim edits: what a submitted claim must stand up to. A claim that fails one is denied with the edit's
 * name; a claim is never thrown out. To add an edit, write it beside the others and enter it in the table.
 */
import type { Bill } from '../model/bill.ts';
import { billedItems } from '../model/claim-practitioners.ts';
import type { Finding } from '../model/claims.ts';
import { arithmetic, oneCurrency } from './claim-edits/amounts.ts';
import { coverageInForce, coverageOfPatient } from './claim-edits/coverage.ts';
import { notBilledBefore } from './claim-edits/duplicates.ts';
import { patientShown, withinLifetime } from './claim-edits/patient.ts';
import { possibleDay, practitionerLicensed } from './claim-edits/practitioners.ts';
import { evidenceCurrent, serviceShown } from './claim-edits/service.ts';
import type { ClaimEdit, ClaimFacts } from './claim-facts.ts';

/** In order: the first that denies gives the claim its public reason. */
export const CLAIM_EDITS: readonly ClaimEdit[] = [
  patientShown,
  evidenceCurrent,
  oneCurrency,
  arithmetic,
  coverageOfPatient,
  coverageInForce,
  withinLifetime,
  serviceShown,
  practitionerLicensed,
  possibleDay,
  notBilledBefore,
];

/**
 * What each edit says of the facts, in the table's order. Where it denies lines there is a finding for each; a line is denied once, by
 * the first edit that does.
 */
export function judgeClaim(facts: ClaimFacts, edits: readonly ClaimEdit[] = CLAIM_EDITS): Finding[] {
  const findings: Finding[] = [];
  const failed = new Set<string>();
  const lines = new Set<number>();
  for (const { name, version, after, judge } of edits) {
    const finding = { edit: name, version } as const;
    if (after.some((other) => failed.has(other))) {
      // Nor does anything that waits for an edit that was not evaluated mean anything.
      failed.add(name);
      findings.push({ ...finding, outcome: 'not-evaluated' });
      continue;
    }
    const denials = judge(facts).filter(({ item }) => typeof item !== 'number' || !lines.has(item));
    for (const { item } of denials) typeof item === 'number' ? lines.add(item) : failed.add(name);
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
}

export function verdictOf(findings: readonly Finding[], bill: Bill): Verdict {
  const denials = findings.filter(({ outcome }) => outcome === 'deny');
  const lines = new Map<number, Finding>();
  for (const finding of denials) {
    const item = finding.facts?.['item'];
    if (typeof item === 'number') lines.set(item, finding);
  }
  const isWhole = denials.some(({ facts }) => typeof facts?.['item'] !== 'number');
  const isAll = billedItems(bill).every(({ sequence }) => lines.has(sequence));
  const claim = isWhole
    ? denials.find(({ facts }) => typeof facts?.['item'] !== 'number')
    : isAll
      ? denials[0]
      : undefined;
  return { claim, lines };
}

/** Sequences of the lines that stand. */
export const standing = ({ items }: Bill, { claim, lines }: Verdict): Set<number> =>
  new Set(claim === undefined ? items.map(({ sequence }) => sequence).filter((one) => !lines.has(one)) : []);
