/**
 * A running network on Fabric is changed while clients write: its batches, every orderer's, peer's and administrator's keys
 * and certificates. Nothing that was acknowledged is lost, nothing is there twice; how long nobody was acknowledged is printed.
 */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { FabricScene } from './fabric-scene.fixture.ts';
import { Writing } from './writing.fixture.ts';

const NOTHING = 'nothing to do: the channel is as it is defined';
const SOME = 20;

describe('A running channel is changed, on Fabric', function () {
  this.timeout(400_000);
  let scene: FabricScene;

  before(async function () {
    await skipWithoutFabric(this);
    scene = await FabricScene.start();
  });
  after(() => scene?.close());

  const define = (from: string, to: string): void => {
    const text = readFileSync(scene.definitionFile, 'utf8');
    expect(text).to.contain(from);
    writeFileSync(scene.definitionFile, text.replace(from, to));
  };
  const refused = (...args: string[]): Promise<string> =>
    scene.command(...args).then(
      () => 'not refused',
      (error: Error) => error.message,
    );

  /** Nothing lost, nothing doubled; how it went is printed. */
  async function ended(writing: Writing, atLeast: number): Promise<void> {
    const { longestGapMs, refused: answers, ...counted } = await writing.end();
    const gap = `longest gap ${(longestGapMs / 1000).toFixed(1)} s`;
    console.log(`      ${JSON.stringify(counted)}, ${gap}, ${JSON.stringify(answers)}`);
    expect(counted).to.deep.include({ lost: 0, doubled: 0 });
    expect(counted.acknowledged).to.be.at.least(atLeast);
  }

  it('has nothing to do at first, and says what a changed definition would do', async () => {
    expect(await scene.command('plan')).to.contain(NOTHING);
    define('timeoutMs: 40', 'timeoutMs: 60');
    const plan = await scene.command('plan');
    expect(plan).to.contain('ordering: batch timeout 40ms → 60ms');
    expect(plan).to.contain('signed by administrators of: hospital, patients, payer, regulator');
    expect(await scene.command('plan'), 'it changes nothing').to.equal(plan);
  });

  it('is refused what would leave too few orderers, before anything is touched', async () => {
    const before = readFileSync(scene.definitionFile, 'utf8');
    const without = before.replace(/ +- name: orderer-regulator\n.*\n.*\n/, '');
    expect(without).not.to.equal(before);
    writeFileSync(scene.definitionFile, without);
    for (const command of ['plan', 'apply']) expect(await refused(command)).to.match(/orderer|3f \+ 1/);
    writeFileSync(scene.definitionFile, before);
  });

  it('waits for signatures, which travel as a file, and goes on with those', async () => {
    const file = join(scene.parties.reach.dataDir, 'fabric', 'channel', 'update.pb');
    const waiting = await refused('apply', '--org', 'hospital');
    expect(waiting).to.contain('waits for signatures of administrators of patients, payer, regulator');
    const [atPayer, atClinic, atRegulator] = ['payer', 'clinic', 'regulator'].map((name) => {
      const own = join(scene.parties.reach.dataDir, `update-${name}.pb`);
      copyFileSync(file, own);
      return own;
    });
    expect(await scene.command('sign', atPayer!, '--org', 'payer')).to.contain('batch timeout 40ms → 60ms');
    await scene.command('sign', atClinic!, '--org', 'clinic');
    expect(await refused('apply', '--org', 'hospital', atPayer!, atClinic!)).to.contain('waits for signatures');
    await scene.command('sign', atRegulator!, '--org', 'regulator');
    expect(await scene.command('apply', '--org', 'hospital', atPayer!, atRegulator!)).to.contain('done: 1 updates');
    expect(existsSync(file)).to.equal(false);
    expect(await refused('sign', atRegulator!, '--org', 'patients'), 'it is of the past').to.match(/version/);
    for (const own of [atPayer!, atClinic!, atRegulator!]) rmSync(own);
  });

  it('names an orderer that only follows because its certificate is not in the channel, and puts it back', async () => {
    const { dataDir } = scene.parties.reach;
    rmSync(join(dataDir, 'organisations', 'payer', 'orderers', 'orderer-payer'), { recursive: true });
    const unknown = 'orderer-payer: the channel knows it by another certificate than the one on disk';
    // It orders until it is started again; `up` writes its files.
    expect(await refused('status')).to.contain(unknown);
    await scene.command('up');
    await scene.command('restart', 'orderer-payer');
    const status = await refused('status');
    expect(status)
      .to.match(/^orderer-payer .* follower$/m)
      .and.to.contain(unknown);
    expect(status).to.contain('npm run network -- apply mends it');
    await scene.command('apply');
    const mended = await scene.command('status');
    expect(mended).to.match(/^orderer-payer .* (consenter|leader)$/m);
    expect(mended.match(/^orderer-\S+ .* leader$/gm)).to.have.length(1);
  });

  it('renews every orderer, peer and administrator while clients write', async () => {
    const { organisations, ordering } = loadConsortium(scene.definitionFile);
    const writing = new Writing(scene.parties, ['hospital', 'hospital', 'clinic', 'clinic']);
    await writing.goOn(SOME);
    const names = organisations.flatMap(({ name }) => [`peer-${name}`, `admin-${name}`]);
    await scene.command('renew', ...ordering.orderers.map(({ name }) => name), ...names);
    const applied = await scene.command('apply');
    for (const { name } of ordering.orderers) expect(applied).to.contain(`${name} runs with the certificates on disk`);
    for (const { name } of organisations) expect(applied).to.contain(`peer-${name} runs with the certificates on disk`);
    await writing.goOn(SOME);
    define('timeoutMs: 60', 'timeoutMs: 50');
    await scene.command('apply');
    await writing.goOn(SOME);
    await ended(writing, 3 * SOME);
    expect(await scene.command('plan')).to.contain(NOTHING);
    expect(await scene.command('status')).not.to.match(/follower|behind|no answer/);
  });

  it('takes another organisation while clients write: its peer from block 0, its collections, its gateway', async () => {
    const { organisations } = loadConsortium(scene.definitionFile);
    const port = Math.max(...organisations.map(({ peerPort }) => peerPort)) + 1;
    const member = `  - name: hospice\n    mspId: HospiceMSP\n    kind: provider\n    gatewayPort: 8087\n    peerPort: ${port}\n`;
    const writing = new Writing(scene.parties, ['hospital', 'clinic']);
    await writing.goOn(SOME);
    define('\npolicies:', `${member}\npolicies:`);
    expect(await refused('up')).to.contain('see what would change with npm run network -- plan');
    expect(await scene.command('plan')).to.contain('members, hospice: becomes a member');
    expect(await scene.command('apply')).to.contain('members, hospice: becomes a member');
    await scene.command('up');
    await writing.goOn(SOME);
    expect(await scene.command('deploy')).to.contain('approved by organisations: 7 (sequence 2)');
    await writing.goOn(SOME);
    await ended(writing, 3 * SOME);
    await scene.gatewaysAnew();
    const own = new Writing(scene.parties, ['hospice', 'hospital']);
    await own.goOn(SOME);
    await ended(own, SOME);
  });
});
