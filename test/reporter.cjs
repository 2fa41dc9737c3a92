/**
 * Mocha's spec reporter, closed by one plain line that says how many tests passed, failed and were skipped. Of a part of a run
 * (run.ts) the line is another, so that there is one closing line whatever ran beside it.
 */
const { reporters } = require('mocha');

module.exports = class Closing extends reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    if (process.env.TEST_PART === 'yes') console.log(`part of the run: ${passes} ${failures} ${pending}`);
    else console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
  }
};
