import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { prepareNodes } from './nodes.ts';
import { localHosts, prepareOrganisations } from './organisations.ts';
import { isRenewed, renewalOf, takeRenewed } from './renewals.ts';
import { renew, renewable } from './renewing.ts';

const consortium = loadConsortium();

describe('Renewed keys and certificates', function () {
  this.timeout(20_000);
  let dataDir: string;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'renewals-'));
    await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
  });
  after(() => rm(dataDir, { recursive: true }));

  const textOf = (directory: string): string =>
    ['cert.pem', 'key.pem'].map((file) => readFileSync(join(directory, file), 'utf8')).join('');
  const payer = () => join(dataDir, 'organisations', 'payer', 'orderers', 'orderer-payer');
  const ofPayer = async () => (await prepareNodes(dataDir, consortium)).orderers['orderer-payer']!;

  it('can be had by every orderer, peer, administrator and gateway', async () => {
    expect(renewable(consortium)).to.have.length(4 + 3 * 6);
    for (const name of renewable(consortium).filter((one) => !one.startsWith('orderer-'))) {
      const { directories } = await renew(dataDir, consortium, name, localHosts);
      expect(directories, name).not.to.deep.equal([]);
      expect(directories.map(isRenewed), name).not.to.include(true);
    }
    await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
  });

  it('are others than before, of a peer at once', async () => {
    const directory = join(dataDir, 'organisations', 'bank', 'peer');
    const before = textOf(directory);
    await renew(dataDir, consortium, 'peer-bank', localHosts);
    expect(textOf(directory)).not.to.equal(before);
    expect(existsSync(renewalOf(directory))).to.equal(false);
  });

  it("wait beside an orderer's, the same however often one asks, until they are taken", async () => {
    const before = await ofPayer();
    expect(before.next).to.equal(undefined);
    await renew(dataDir, consortium, 'orderer-payer', localHosts);
    const { next, ...waiting } = await ofPayer();
    expect(waiting).to.deep.equal(before);
    expect(next!.identity.certificate).not.to.equal(before.identity.certificate);
    await renew(dataDir, consortium, 'orderer-payer', localHosts);
    expect((await ofPayer()).next).to.deep.equal(next);
    await takeRenewed(payer());
    expect(await ofPayer()).to.deep.equal({ ...next, directory: payer() });
    await takeRenewed(payer());
    expect((await ofPayer()).identity).to.deep.equal(next!.identity);
  });

  it('are in their place after an interruption, and nothing is made anew', async () => {
    await renew(dataDir, consortium, 'orderer-payer', localHosts);
    const { next } = await ofPayer();
    // As it is between taking the old ones away and putting the new ones there.
    await rename(payer(), `${payer()}.ended`);
    expect((await ofPayer()).identity).to.deep.equal(next!.identity);
    expect([existsSync(renewalOf(payer())), existsSync(`${payer()}.ended`)]).to.deep.equal([false, false]);
  });

  it('are nobody else', async () => {
    const outcome = await renew(dataDir, consortium, 'peer-nobody', localHosts).catch((error: Error) => error.message);
    expect(outcome).to.equal('there is no peer-nobody');
  });
});
