/** `node main.ts RECEIPT ROOTS`: checks a receipt, and says what it proves and what it does not. Exit code 1: it does not hold. */
import { readFileSync } from 'node:fs';
import { type BadReceipt, checkReceipt, type Roots } from './check.ts';

const [receiptFile, rootsFile] = process.argv.slice(2);
if (receiptFile === undefined || rootsFile === undefined) {
  console.error(
    "usage: npm run -s verify:receipt -- RECEIPT ROOTS\n  RECEIPT  a .tlog-proof\n  ROOTS    the consortium's roots, JSON",
  );
  process.exit(2);
}
const roots = JSON.parse(readFileSync(rootsFile, 'utf8')) as Roots;
await checkReceipt(readFileSync(receiptFile), roots).then(
  ({ proved, notProved, witnesses, entry, tree, content }) => {
    console.log(`holds: transaction ${entry.transactionId ?? 'without id'}, leaf ${tree.index} of ${tree.size}`);
    for (const { mspId, time } of witnesses) console.log(`signed by ${mspId} at ${time}`);
    if (content !== undefined) console.log(`content: ${content.text ?? content.value}`);
    for (const line of proved) console.log(`proved: ${line}`);
    for (const line of notProved) console.log(`not proved: ${line}`);
  },
  (error: BadReceipt) => {
    console.error(`does not hold: ${error.message}`);
    process.exit(1);
  },
);
