/** What a verification found, as text: a table for each organisation, then each damage with its place and remedy. */
import {
  type Damage,
  describeDamage,
  PARTS,
  type Part,
  partOf,
  remedyOf,
} from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import type { Verification } from '@telemed-ledger/network/embedded/ledger/verification/verify.ts';
import { table } from '../table.ts';

/** One line of an organisation's table. */
export interface Row {
  what: string;
  checked: number | undefined;
  damaged: number;
}

/** A line below the tables. */
export interface Finding {
  place: string;
  what: string;
  remedy: string;
}

/** So many of one kind are printed; the table has their number. */
const PRINTED = 20;

/** The rows of one organisation's peer. */
export function ledgerRows(organisation: string, verification: Verification): Row[] {
  const { files, replayed, publicKeys, hashes, privateValues, damages } = verification;
  const checked: Record<Part, number | undefined> = {
    store: files,
    blocks: replayed,
    'public state': publicKeys,
    'private hashes': hashes,
    'private values': privateValues[organisation],
  };
  return PARTS.map((part) => ({
    what: part === 'store' ? 'store files' : part,
    checked: checked[part],
    damaged: damages.filter((damage) => partOf(damage) === part).length,
  }));
}

export function ledgerFindings(organisation: string, damages: readonly Damage[]): Finding[] {
  const remedies = {
    repair: `npm run repair -- --org ${organisation}`,
    resubmit: 'the client sends the request again; npm run repair drops what was altered',
    none: 'no copy is left',
  };
  return damages.map((damage) => ({
    place: damage.place,
    what: describeDamage(damage),
    remedy: remedies[remedyOf(damage)],
  }));
}

export function printOrganisation(organisation: string, rows: readonly Row[], findings: readonly Finding[]): void {
  const cells = rows.map(({ what, checked, damaged }) => [
    what,
    checked === undefined ? '' : checked.toLocaleString('en'),
    damaged === 0 ? '' : damaged.toLocaleString('en'),
  ]);
  console.log(`${table([[organisation, 'checked', 'damaged'], ...cells])}\n`);
  printFindings(findings);
}

export function printFindings(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  for (const [what, group] of Map.groupBy(findings, (finding) => finding.what)) {
    for (const { place, remedy } of group.slice(0, PRINTED)) console.log(`  ${place}: ${what} → ${remedy}`);
    if (group.length > PRINTED) console.log(`  … and ${group.length - PRINTED} more of: ${what}`);
  }
  console.log();
}
