import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { whyNoFabric } from '../conformance/fabric-at-hand.ts';
import { Authorities, whyNoFabricCa } from './authorities.fixture.ts';

describe("A network of Fabric's own programs with keys by Fabric CA", function () {
  this.timeout(180_000);
  let dataDir: string;
  let environment: Record<string, string>;
  let authorities: Authorities;

  before(async function () {
    const reason = whyNoFabricCa() ?? (await whyNoFabric());
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    dataDir = mkdtempSync(join(tmpdir(), 'fabric-ca-network-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
    authorities = await Authorities.start(dataDir, loadConsortium(environment['CONSORTIUM']));
  });
  after(async () => {
    if (dataDir === undefined) return;
    await runNetwork(['reset', '--yes'], environment);
    await authorities?.stop();
    rmSync(dataDir, { recursive: true });
  });

  const succeed = async (command: string): Promise<string> => {
    const { code, out, error } = await runNetwork([command], environment);
    expect(code, `${command}: ${out}${error}`).to.equal(0);
    return out;
  };

  it('orders, and deploys until every organisation endorses with every other', async () => {
    await succeed('up');
    expect(await succeed('deploy')).to.contain('every organisation endorses with every other');
  });

  it('runs on when the authorities do not', async () => {
    await authorities.stop();
    await succeed('down');
    await succeed('up');
    expect(await succeed('deploy')).to.contain('nothing to do: sequence 1');
  });
});
