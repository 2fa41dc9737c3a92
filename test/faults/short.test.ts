/** The short form of `npm run test:faults`: a few faults on the embedded network, the same checks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startEmbedded } from './embedded.ts';
import type { FaultyNetwork, Part } from './network.ts';
import { faultTable } from './report.ts';
import { type RunOutcome, run } from './run.ts';
import { type Action, schedule } from './schedule.ts';

/** Of a schedule with one kill, of the network, among pauses of every part. */
const SEED = 51;
const FAULTS = 5;
const LONGEST_HOLD_MS = 1_000;

describe('A consortium whose processes are killed and paused (on Linux only)', function () {
  this.timeout(240_000);
  let directory: string;
  let network: FaultyNetwork;
  let outcome: RunOutcome;
  before(async function () {
    // Processes are found through /proc.
    if (process.platform !== 'linux') return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'telemed-faults-'));
    network = await startEmbedded(join(directory, 'data'));
    const allowed = (action: Action, { kind }: Part): boolean =>
      action === 'pause' || (action === 'kill' && kind === 'network');
    const options = { seed: SEED, count: FAULTS, parts: network.parts, allowed, longestHoldMs: LONGEST_HOLD_MS };
    const faults = schedule(options);
    outcome = await run({ network, seed: SEED, faults, clients: { records: 4, stories: 1 }, directory });
  });
  after(async () => {
    await network?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  it('meets the faults of its schedule, and answers again after each', () => {
    console.log(faultTable(outcome.carried, outcome.history).replaceAll(/^/gm, '      '));
    expect(outcome.carried).to.have.length(FAULTS);
    expect(
      outcome.carried.flatMap(({ fault }) => fault.strikes).filter(({ action }) => action === 'kill'),
    ).to.have.length(1);
  });

  it('has lost, doubled and changed nothing that was acknowledged, and has given no false answer', () => {
    const failed = outcome.checks.filter(({ problems }) => problems.length > 0);
    expect(failed, `seed ${SEED}: ${JSON.stringify(failed, null, 1)}`).to.deep.equal([]);
    expect(outcome.checks).to.have.length.above(10);
    expect(outcome.history.successes().length).to.be.above(50);
  });
});
