/**
 * Mocha's spec reporter, closed by one plain line that says how many tests passed, failed and were skipped. Of a part of a run
 * (run.ts) the line is another, so that there is one closing line whatever ran beside it; before it stands what each file in
 * which something failed has counted.
 */
const { relative } = require('node:path');
const { reporters } = require('mocha');

/** A hook has no file of its own. */
function fileOf(test) {
  for (let one = test; one !== undefined; one = one.parent) if (one.file) return relative(process.cwd(), one.file);
  return '';
}

module.exports = class Closing extends reporters.Spec {
  counts = new Map();

  constructor(runner, options) {
    super(runner, options);
    const count = (index) => (test) => {
      const counts = this.counts.get(fileOf(test)) ?? [0, 0, 0];
      counts[index] += 1;
      this.counts.set(fileOf(test), counts);
    };
    runner.on('pass', count(0)).on('fail', count(1)).on('pending', count(2));
  }

  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    if (process.env.TEST_PART !== 'yes') {
      console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
      return;
    }
    for (const [file, counts] of this.counts) if (counts[1] > 0) console.log(`failed in: ${counts.join(' ')} ${file}`);
    console.log(`part of the run: ${passes} ${failures} ${pending}`);
  }
};
