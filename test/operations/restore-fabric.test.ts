/**
 * The drill on Fabric: the hospital, with a peer and an orderer, is backed up while clients write, its host is lost, and it
 * is restored. Blocks, commit hashes, private data and read model are what they were; what was erased since is in no file.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { checkChannel } from '@telemed-ledger/scripts/verification/channel/channel-check.ts';
import type { PeerReport } from '@telemed-ledger/scripts/verification/channel/peer-check.ts';
import { reachOf } from '@telemed-ledger/scripts/verification/channel/reach.ts';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { FabricScene } from '../fabric/fabric-scene.fixture.ts';
import { Writing } from '../fabric/writing.fixture.ts';
import { Drill, ORGANISATION } from './drill.fixture.ts';

const SOME = 10;

describe('Backup and restore of an organisation, on Fabric', function () {
  this.timeout(400_000);
  const drill = new Drill();
  let scene: FabricScene;
  let directory: string;
  let shown: string;
  let report: PeerReport;

  before(async function () {
    await skipWithoutFabric(this);
    directory = mkdtempSync(join(tmpdir(), 'restore-'));
    scene = await FabricScene.start();
    await drill.recordBefore(scene.parties);
  });
  after(async () => {
    await scene?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  const dataDir = (): string => scene.parties.reach.dataDir;
  const file = (): string => join(directory, 'hospital.backup');
  const restore = (): Promise<string> =>
    scene.command('restore', file(), '--org', ORGANISATION, '--identity', join(directory, 'key.txt'));

  /** Everything that the hospital's peer has, each private value against its hash, each block against the others'. */
  async function reported(): Promise<PeerReport> {
    const consortium = loadConsortium(scene.definitionFile);
    const reaches = consortium.organisations.map(({ name }) => reachOf(dataDir(), name));
    const [own] = await checkChannel({ consortium, reaches, chosen: [ORGANISATION] });
    expect(own).to.deep.include({ organisation: ORGANISATION, findings: [] });
    expect(own).not.to.have.any.keys('away', 'refuses', 'withoutChaincode');
    return own!;
  }

  it('is made while clients write, of whom none loses anything', async () => {
    const identity = await generateX25519Identity();
    writeFileSync(join(directory, 'key.txt'), identity);
    const writing = new Writing(scene.parties, [ORGANISATION, 'clinic']);
    await writing.goOn(SOME);
    const recipient = await identityToRecipient(identity);
    const made = await scene.command('backup', '--org', ORGANISATION, '--to', file(), '--recipient', recipient);
    expect(made).to.match(/^its peer was away for \d+\.\d s$/m);
    await writing.goOn(SOME);
    const { longestGapMs, refused, ...counted } = await writing.end();
    console.log(`${made}${JSON.stringify(counted)}, longest gap ${longestGapMs} ms, ${JSON.stringify(refused)}`);
    expect(counted).to.deep.include({ lost: 0, doubled: 0 });
    await drill.changeAfter(scene.parties);
    shown = await drill.shown(scene.parties);
    report = await reported();
  });

  it('brings the organisation back, with what came since from the others, and what was erased is in no file', async () => {
    await scene.withoutGateways(async () => {
      const refusal = await restore().catch((error: Error) => error.message);
      expect(refusal).to.contain('a restore overwrites nothing');
      await scene.lose(ORGANISATION);
      const restored = await restore();
      console.log(restored);
      expect(restored).to.match(/^since the backup: [1-9]\d* blocks/m);
      expect(restored).to.match(/^ {2}[1-9]\d* private values, held by patients too$/m);
      expect(restored).to.match(/^lost: .*Idempotency-Keys of [1-9]\d* transactions/m);
    });
    const now = await reported();
    expect(now.digests.slice(0, report.digests.length)).to.deep.equal(report.digests);
    expect(now.values).to.be.at.least(report.values);
    expect(await drill.shown(scene.parties)).to.equal(shown);
    await scene.command('forget', 'patients', 'clinic');
    await drill.assertRight(scene.parties, dataDir());
  });

  it('leaves a network that orders with all orderers and takes writes of the organisation', async () => {
    const writing = new Writing(scene.parties, [ORGANISATION, 'clinic']);
    await writing.goOn(SOME);
    const { lost, doubled } = await writing.end();
    expect({ lost, doubled }).to.deep.equal({ lost: 0, doubled: 0 });
    expect(await scene.command('status')).to.match(/^orderer-hospital .* (consenter|leader)$/m);
  });
});
