/** `npm start` that is asked to end while requests are under way: they are answered, or it says what it left. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { pidsOf } from './embedded.ts';
import { ConsortiumProcess, kill } from './process.fixture.ts';

describe('npm start that is asked to end (on Linux only)', function () {
  this.timeout(120_000);
  const directory = mkdtempSync(join(tmpdir(), 'telemed-stop-'));
  let running: ConsortiumProcess | undefined;
  let parties: Parties | undefined;

  before(function () {
    // The processes are found through /proc.
    if (process.platform !== 'linux') this.skip();
  });
  afterEach(async () => {
    parties?.close();
    await running?.stop();
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** A write that waits for a network that is paused, and the consortium that is asked to end. */
  async function endingWithAWrite(environment: Record<string, string>) {
    running = await ConsortiumProcess.start(directory, {}, { CHECKPOINT_EVERY_MS: '0', ...environment });
    const { urls } = running;
    parties = new Parties({ dataDir: directory, urls });
    const { network } = pidsOf(running);
    const identifier = [{ system: 'urn:example:mrn', value: randomUUID() }];
    const body = { resourceType: 'Patient', identifier };
    kill(network!, 'SIGSTOP');
    const hospital = parties.of('hospital', 'system');
    const writing = hospital.send({ method: 'POST', path: '/fhir/R4/Patient', body }).catch((error: Error) => error);
    const operator = parties.of('hospital', 'operator');
    const inFlight = async () => String((await operator.send({ path: '/metrics' })).body);
    while (!/gateway_writes_in_flight\{[^}]*\} 1/.test(await inFlight())) await sleep(50);
    running.terminate();
    return { writing, goOn: () => kill(network!, 'SIGCONT') };
  }

  it('answers what is under way first, also what takes longer than five seconds', async () => {
    const { writing, goOn } = await endingWithAWrite({});
    await sleep(6_000);
    goOn();
    expect(await writing).to.include({ status: 201 });
    expect(await running!.ended).to.equal(0);
    expect(running!.output).to.not.match(/left \d+ requests/);
  });

  it('ends within its bound where that does not help, and says what it left', async () => {
    const { writing, goOn } = await endingWithAWrite({ DRAIN_MS: '500' });
    expect(await writing).to.be.instanceOf(Error);
    goOn();
    expect(await running!.ended).to.equal(0);
    expect(running!.output).to.match(/hospital left 1 requests unanswered/);
  });
});
