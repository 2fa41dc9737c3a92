/** Mocha's spec reporter, closed by one plain line that says how many tests passed, failed and were skipped. */
const { reporters } = require('mocha');

module.exports = class Closing extends reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
  }
};
