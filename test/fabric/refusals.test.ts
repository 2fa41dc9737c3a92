/**
 * Refusals by chaincode while other reads of the same transaction are under way: a peer that got the answer before its
 * reads were over ended with Go's `concurrent map iteration and map write`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qualifiedName, TRANSIENT_KEY } from '@telemed-ledger/chaincode/model/transactions.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { whyNoFabric } from '../conformance/fabric-at-hand.ts';
import { Member } from '../scenarios/consortium.fixture.ts';

const ROUNDS = 60;
const AT_ONCE = 8;
const RECORDS = 60;

describe('Chaincode that refuses while reads are under way, on Fabric', function () {
  this.timeout(300_000);
  let dataDir: string;
  let environment: Record<string, string>;
  before(async function () {
    const reason = await whyNoFabric();
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    dataDir = mkdtempSync(join(tmpdir(), 'refusals-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment['CONSORTIUM']!);
    for (const command of ['up', 'deploy']) {
      const { code, out, error } = await runNetwork([command], environment);
      expect(code, `${command}: ${out}${error}`).to.equal(0);
    }
  });
  after(async () => {
    if (dataDir === undefined) return;
    await runNetwork(['reset', '--yes'], environment);
    rmSync(dataDir, { recursive: true });
  });

  const processes = async (): Promise<string[]> =>
    [...(await runNetwork(['status'], environment)).out.matchAll(/^(\S+ +(?:running|down) +\d+ +\d*)/gm)].map(
      ([, row]) => row ?? '',
    );

  it('leaves every peer alive', async () => {
    const before = await processes();
    const hospital = new Member(dataDir, 'hospital');
    const contract = hospital.network.getContract('telemed');
    /** The second version of records that have no first: each is refused, the first one while the others are read. */
    const refuse = (): Promise<string> => {
      const records = Array.from({ length: RECORDS }, () => {
        const id = randomUUID();
        return { id, version: 2, salt: randomBytes(32).toString('hex'), resource: { resourceType: 'Observation', id } };
      });
      const options = {
        arguments: ['{}'],
        transientData: { [TRANSIENT_KEY]: JSON.stringify({ records }) },
        endorsingOrganizations: ['HospitalMSP', 'PatientsMSP'],
      };
      return contract
        .newProposal(qualifiedName('RecordVersions'), options)
        .endorse()
        .then(
          () => 'endorsed',
          (error: Error & { details?: { message: string }[] }) =>
            error.details?.map(({ message }) => message).join() ?? '',
        );
    };
    try {
      for (let round = 0; round < ROUNDS; round += 1)
        for (const text of await Promise.all(Array.from({ length: AT_ONCE }, refuse)))
          expect(text).to.contain('the version before this one is not recorded');
    } finally {
      hospital.close();
    }
    expect(await processes()).to.deep.equal(before);
  });
});
