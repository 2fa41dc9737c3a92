import { conformance } from './cases/all.ts';
import { crashCases } from './cases/crash.ts';
import { startEmbedded, startEmbeddedProcess } from './embedded.ts';

describe('Conformance of the embedded network', function () {
  this.timeout(30_000);
  conformance(() => startEmbedded());
  crashCases(startEmbeddedProcess);
});
