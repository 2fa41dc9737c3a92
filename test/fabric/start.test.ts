/**
 * `npm start -- --network fabric` while the channel is written to without a pause, and while a peer is paused: the
 * gateways become ready, and none is ended for its own lag or another's.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { layoutOf, peerProcess } from '@telemed-ledger/network/fabric/layout.ts';
import { runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { type BareSdk, openSdk } from '@telemed-ledger/scripts/bench/sdk.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { ConsortiumProcess, kill } from '../faults/process.fixture.ts';

const LANES = 12;

/** Observations, written by the hospital's own client without its gateway, one after the other in several lanes. */
class SteadyWrites {
  readonly #sdk: BareSdk;
  readonly #lanes: Promise<void>[];
  #stopped = false;
  committed = 0;

  constructor(dataDir: string) {
    const profile = join(dataDir, 'organisations', 'hospital', 'connection.json');
    this.#sdk = openSdk(profile, randomUUID(), ['HospitalMSP', 'PatientsMSP']);
    this.#lanes = Array.from({ length: LANES }, () => this.#lane());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    this.#sdk.close();
  }

  async #lane(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#sdk.create();
        this.committed += 1;
      } catch {
        await sleep(100);
      }
    }
  }
}

describe('npm start on Fabric under steady writes', function () {
  this.timeout(300_000);
  let environment: { DATA_DIR: string; CONSORTIUM: string } | undefined;
  let writes: SteadyWrites | undefined;
  let running: ConsortiumProcess | undefined;
  let parties: Parties | undefined;

  before(async function () {
    await skipWithoutFabric(this);
    const dataDir = mkdtempSync(join(tmpdir(), 'start-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment.CONSORTIUM);
    for (const command of ['up', 'deploy']) {
      const { code, error } = await runNetwork([command], environment);
      expect(code, error).to.equal(0);
    }
    writes = new SteadyWrites(dataDir);
  });

  after(async () => {
    if (environment === undefined) return;
    signal('clinic', 'SIGCONT');
    parties?.close();
    await writes?.stop();
    await running?.stop();
    await runNetwork(['reset', '--yes'], environment);
    rmSync(environment.DATA_DIR, { recursive: true, force: true });
  });

  function signal(organisation: string, name: NodeJS.Signals): void {
    const { DATA_DIR, CONSORTIUM } = environment!;
    const pid = runningPid(layoutOf(DATA_DIR, loadConsortium(CONSORTIUM), 'bft'), peerProcess(organisation));
    if (pid !== undefined) kill(pid, name);
  }
  const readyz = async (organisation: string) => {
    const { status, body } = await parties!.of(organisation, 'operator').send({ path: '/readyz' });
    return { status, ...(body as { ready: boolean; behind?: number; block: number }) };
  };

  it('becomes ready while blocks keep coming', async () => {
    const [started, before] = [Date.now(), writes!.committed];
    running = await ConsortiumProcess.start(environment!.DATA_DIR, {}, { CONSORTIUM: environment!.CONSORTIUM }, [
      '--network',
      'fabric',
    ]);
    const seconds = (Date.now() - started) / 1000;
    console.log(`      ready after ${seconds.toFixed(1)} s, with ${writes!.committed - before} transactions meanwhile`);
    expect(writes!.committed).to.be.greaterThan(before);
    parties = new Parties({ dataDir: environment!.DATA_DIR, urls: running.urls });
  });

  it('has a record written by one message to the peer', async () => {
    const { peers } = layoutOf(environment!.DATA_DIR, loadConsortium(environment!.CONSORTIUM), 'bft');
    const { host, operationsPort } = peers.find(({ organisation }) => organisation.name === 'hospital')!;
    const metrics = await (await fetch(`http://${host}:${operationsPort}/metrics`)).text();
    const ours = metrics.split('\n').filter((line) => /^chaincode_shim_requests_received.*"telemed_/.test(line));
    const count = (type: string) =>
      Number(
        ours
          .find((line) => line.includes(`"${type}"`))
          ?.split(' ')
          .at(-1) ?? 0,
      );
    expect(count('WRITE_BATCH_STATE')).to.be.greaterThan(0);
    expect(count('PUT_STATE')).to.equal(0);
  });

  it('keeps all gateways while one of them is far behind, and after', async () => {
    signal('clinic', 'SIGSTOP');
    await sleep(15_000);
    for (const organisation of ['hospital', 'patients', 'payer', 'bank', 'regulator']) {
      expect(await readyz(organisation), organisation).to.include({ status: 200, ready: true });
    }
    expect((await readyz('clinic')).status).to.equal(503);
    signal('clinic', 'SIGCONT');
    const went = Date.now();
    for (;;) {
      const { ready, behind = 0 } = await readyz('clinic');
      if (ready) {
        console.log(
          `      the one that was paused is ready ${(Date.now() - went) / 1000} s later, ${behind} blocks behind`,
        );
        break;
      }
      if (Date.now() - went > 60_000) throw new Error('the gateway whose peer was paused did not become ready');
      await sleep(200);
    }
  });

  it('ends in order under load', async () => {
    running!.terminate();
    expect(await running!.ended).to.equal(0);
  });
});
