/** docs/claims.md, made of the table of a claim's states. A test holds the page equal to it; this file writes it anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLAIM_STATES, CLAIM_STEPS, type ClaimStep } from './claim-steps.ts';

export const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'claims.md');

const OPENING = `# What becomes of a claim

Made from the table of its states (\`chaincode/src/model/claim-steps.ts\`): change that, not this page.

A claim stands in one state. A step leads from one to the next; it is one transaction, is taken by one party, and is written once:
of two that are taken from the same state at the same time, one is refused (409). What this table does not hold cannot be done.
The payer's collection on the ledger decides; provider and bank have copies of the steps that concern them.`;

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const codes = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

/** The whole page. */
export function claimsPage(): string {
  const states = Object.entries(CLAIM_STATES).map(([status, means]) => [codes([status]), means]);
  const steps = Object.entries<ClaimStep>(CLAIM_STEPS).map(([name, { from, by, to, takes }]) => [
    ...[name, from.length === 0 ? 'nothing' : codes(from), by, codes(to), takes],
  ]);
  return `${[
    OPENING,
    `## States\n\n${table(['State', 'Means'], states)}`,
    `## Steps\n\n${table(['Step', 'From', 'By', 'To', 'Takes'], steps)}`,
  ].join('\n\n')}\n`;
}

if (import.meta.main) writeFileSync(PAGE, claimsPage());
