/** All cases, in the order of the list, on one network that is started once. */
import type { ConformanceNetwork } from '../network.ts';
import { Suite } from '../suite.ts';
import { callCases } from './calls.ts';
import { channellessCases } from './channelless.ts';
import { conflictCases } from './commit.ts';
import { endorseCases } from './endorse.ts';
import { evaluateCases } from './evaluate.ts';
import { eventCases } from './events.ts';
import { malformedCases } from './malformed.ts';
import { commitCases } from './private.ts';
import { rangeCases } from './ranges.ts';
import { requestCases } from './requests.ts';
import { refusalCases, submitCases } from './submit.ts';
import { systemCases } from './system.ts';

/** Declares the suite; the returned function gives what the cases observed once they have run. */
export function conformance(start: () => Promise<ConformanceNetwork>): () => Suite {
  let suite: Suite;
  before(async function () {
    this.timeout(120_000);
    suite = new Suite(await start());
  });
  after(async function () {
    this.timeout(30_000);
    await suite?.close();
    await suite?.network.close();
  });
  beforeEach(function () {
    suite.begin(this.currentTest?.title ?? '');
  });
  const given = () => suite;
  evaluateCases(given);
  endorseCases(given);
  refusalCases(given);
  submitCases(given);
  eventCases(given);
  rangeCases(given);
  callCases(given);
  conflictCases(given);
  commitCases(given);
  systemCases(given);
  requestCases(given);
  channellessCases(given);
  malformedCases(given);
  return given;
}
