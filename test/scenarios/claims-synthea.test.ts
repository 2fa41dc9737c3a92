/**
 * The Claims of a provider's files, as Synthea writes them, from load to payment and to the reconciliation at provider, payer and bank:
 * a made-up file of that kind, and those of a directory that SYNTHEA_FILES names.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Reconciled, reconciled } from '@telemed-ledger/scripts/bench/billing/reconciled.ts';
import { reportOf } from '@telemed-ledger/scripts/bench/billing/report.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { syntheaFiles } from './synthea-files.fixture.ts';

const DIRECTORY = process.env['SYNTHEA_FILES'];
const PASSED = ['approved', 'patient-responsibility'];

/** All three sides have the same rows, and none knows a difference. */
function expectEqualSides({ sides }: Reconciled): void {
  const [first, ...others] = [...sides.values()];
  expect(first!.rows).to.have.length.greaterThan(0);
  for (const one of others) expect(one.rows).to.deep.equal(first!.rows);
  for (const { differences } of sides.values()) expect(differences).to.deep.equal([]);
}

describe('The Claims of a provider’s files', () => {
  it('pass but for what is not in the file, and say why where they do not', async function () {
    this.timeout(START_TIMEOUT_MS);
    const { parties, dataDir } = await consortium('files');
    const all = await reconciled(parties, syntheaFiles(dataDir));
    expect(all.notLoaded).to.deep.equal([]);
    expect(all.billed.map(({ outcome, reason }) => reason ?? outcome)).to.deep.equal([
      ...['taken', 'taken', 'the patient has no insurance'],
    ]);
    const visit = all.decided.find(({ answered }) => answered === undefined);
    const medicine = all.decided.find(({ answered }) => answered !== undefined);
    expect(visit).to.deep.include({ status: 'approved', reasons: [] });
    expect(medicine).to.deep.include({ status: 'pended', reasons: ['dispense-outstanding'] });
    expect(medicine!.answered).to.deep.include({ status: 'approved', reasons: [] });
    expectEqualSides(all);
    expect([...all.sides.values()][0]!.rows.map(({ claims }) => claims)).to.deep.equal([2]);
  });

  it('pass in Synthea’s own files', async function () {
    if (DIRECTORY === undefined) {
      console.log('skipped: SYNTHEA_FILES names no directory of Synthea’s R4 Bundles');
      this.skip();
    }
    this.timeout(1_800_000);
    const files = readdirSync(DIRECTORY)
      .filter((name) => name.endsWith('.json') || name.endsWith('.json.gz'))
      // What people refer to first.
      .sort((one, other) => Number(other.includes('Information')) - Number(one.includes('Information')))
      .map((name) => join(DIRECTORY, name));
    const all = await reconciled((await consortium('synthea')).parties, files);
    console.log(reportOf(all));
    expectEqualSides(all);
    const billed = all.billed.filter(({ outcome }) => outcome !== 'missing');
    // A medicine that was prescribed twice at one visit is no honest bill for two.
    const refused = billed.filter(({ outcome, reason }) => outcome !== 'taken' && reason !== 'duplicate').length;
    const stand = all.decided.map((one) => one.answered ?? one);
    const denied = stand.filter(({ status }) => status === 'denied' || status === 'partial').length;
    expect(refused + denied).to.be.at.most(billed.length * 0.005);
    for (const { status, reasons } of stand)
      if (!PASSED.includes(status)) expect(reasons, status).to.have.length.greaterThan(0);
  });
});
