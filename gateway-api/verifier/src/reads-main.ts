/**
 * `node reads-main.ts PROOFS [RECEIPT ROOTS]`: checks how often a patient was read between two anchors of a log, and with a receipt
 * of the last anchor that they stand on the ledger. Exit code 1: it does not hold.
 */
import { readFileSync } from 'node:fs';
import { checkReceipt, type Roots } from './check.ts';
import { BadReads, type CheckedReads, checkReads, type ReadsProof } from './reads.ts';
import { sha256Hex } from './tree.ts';

const [proofsFile, receiptFile, rootsFile] = process.argv.slice(2);
if (proofsFile === undefined || (receiptFile === undefined) !== (rootsFile === undefined)) {
  console.error(
    `usage: npm run -s verify:reads -- PROOFS [RECEIPT ROOTS]
  PROOFS   what GET /log-anchors/<organisation>/proofs answers
  RECEIPT  what GET /log-anchors/<organisation>/<n>/tlog-proof answers, of the last of these anchors
  ROOTS    the consortium's roots, JSON`,
  );
  process.exit(2);
}

/** Each anchor holds the hash of the one before: a receipt of the last is one of all. */
async function demandAnchored({ marks }: CheckedReads, receipt: string, roots: string): Promise<void> {
  const { content } = await checkReceipt(readFileSync(receipt), JSON.parse(readFileSync(roots, 'utf8')) as Roots);
  const isLast = content !== undefined && (await sha256Hex(content.text ?? content.value)) === marks.at(-1);
  if (!isLast) throw new BadReads('the receipt is not of the last anchor');
}

try {
  const { proofs } = JSON.parse(readFileSync(proofsFile, 'utf8')) as { proofs: ReadsProof[] };
  const checked = await checkReads(proofs);
  if (receiptFile !== undefined && rootsFile !== undefined) await demandAnchored(checked, receiptFile, rootsFile);
  const { organisation, patient, from, to, reads, restarted } = checked;
  console.log(`holds: Patient/${patient} at ${organisation}, anchors ${from} to ${to}: ${reads.length} reads`);
  for (const [, at, outcome, interaction, subject, role, user, , access, type, records] of reads)
    console.log([at, outcome, interaction, type, records, 'by', role, user ?? subject, access ?? ''].join(' ').trim());
  for (const n of restarted)
    console.log(`the log was begun anew at anchor ${n}: what was not anchored before it may be lost`);
  console.log('proved: of what this log held between these anchors nothing about the patient is left out');
  if (receiptFile === undefined) console.log('not proved: that these anchors stand on the ledger, without a receipt');
  console.log('not proved: that each read was logged');
} catch (error) {
  console.error(`does not hold: ${(error as Error).message}`);
  process.exit(1);
}
