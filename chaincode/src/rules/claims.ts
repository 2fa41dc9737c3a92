/**
 * The claim edits: what a submitted claim must stand up to. A claim that fails one is denied with the edit's
 * name; a claim is never thrown out. To add an edit, write it beside the others and enter it in the table.
 */
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

/** What each edit says of the facts, in the table's order. */
export function judgeClaim(facts: ClaimFacts, edits: readonly ClaimEdit[] = CLAIM_EDITS): Finding[] {
  const findings: Finding[] = [];
  const failed = new Set<string>();
  for (const { name, version, after, judge } of edits) {
    if (after.some((other) => failed.has(other))) {
      // Nor does anything that waits for an edit that was not evaluated mean anything.
      failed.add(name);
      findings.push({ edit: name, version, outcome: 'not-evaluated' });
      continue;
    }
    const denial = judge(facts);
    if (denial !== undefined) failed.add(name);
    findings.push(denial === undefined ? { edit: name, version, outcome: 'pass' } : deny(name, version, denial));
  }
  return findings;
}

const deny = (edit: string, version: string, facts: NonNullable<Finding['facts']>): Finding => ({
  edit,
  version,
  outcome: 'deny',
  facts,
});

/** The first denial; undefined where the claim stands. */
export const denialOf = (findings: readonly Finding[]): Finding | undefined =>
  findings.find((finding) => finding.outcome === 'deny');
