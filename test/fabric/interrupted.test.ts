/**
 * What an operator does to a running network is killed on its way, with -9, and done again; the chaincode is upgraded to another
 * release's and rolled back; a certificate is revoked. Clients write meanwhile: nothing is lost, nothing there twice.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qualifiedName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { DEFAULTS } from '@telemed-ledger/gateway-api/config.ts';
import { LedgerConnection } from '@telemed-ledger/gateway-api/ledger/connect.ts';
import { enrolUser } from '@telemed-ledger/network/ca/organisations.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { FabricScene } from './fabric-scene.fixture.ts';
import { releaseIn } from './release.fixture.ts';
import { Writing } from './writing.fixture.ts';

const NOTHING = 'nothing to do: the channel is as it is defined';
const SOME = 10;
const USER = 'Practitioner/7f3a';

describe('What is killed on its way, on Fabric', function () {
  this.timeout(400_000);
  let scene: FabricScene;
  let tree: string;
  let other: string;

  before(async function () {
    await skipWithoutFabric(this);
    tree = mkdtempSync(join(tmpdir(), 'release-'));
    other = releaseIn(tree);
    scene = await FabricScene.start();
  });
  after(async () => {
    await scene?.close();
    if (tree !== undefined) rmSync(tree, { recursive: true });
  });

  /** While clients write; nothing of theirs is lost or doubled. */
  async function whileWriting(run: () => Promise<unknown>): Promise<void> {
    const writing = new Writing(scene.parties, ['hospital', 'clinic']);
    await writing.goOn(SOME);
    await run();
    await writing.goOn(SOME);
    const { lost, doubled, acknowledged, longestGapMs } = await writing.end();
    console.log(`      ${acknowledged} writes, longest gap ${(longestGapMs / 1000).toFixed(1)} s`);
    expect({ lost, doubled }).to.deep.equal({ lost: 0, doubled: 0 });
  }

  it('apply goes on from each step that it tells of', async () => {
    await whileWriting(async () => {
      await scene.command('renew', 'orderer-payer', 'peer-clinic');
      const definition = readFileSync(scene.definitionFile, 'utf8');
      writeFileSync(scene.definitionFile, definition.replace('timeoutMs: 40', 'timeoutMs: 60'));
      let kills = 0;
      // Each comes at least one line farther than the one before.
      for (;;) {
        const { code, out, error } = await scene.outcomeOf(['apply'], {
          killWhen: (text) => /\n/.test(text) && !/done|nothing more to do/.test(text),
        });
        if (code === 0) break;
        expect(code, `${out}${error}`).to.equal(null);
        kills += 1;
      }
      expect(kills).to.be.at.least(3);
    });
    expect(await scene.command('plan')).to.contain(NOTHING);
    expect(await scene.command('status')).not.to.match(/follower|behind|no answer/);
  });

  it('deploy is killed after its commit: up has the committed chaincode serve, and deploy has nothing more to do', async () => {
    appendFileSync(scene.definitionFile, '\nemptyCollections: 1\n');
    await whileWriting(async () => {
      const killed = await scene.outcomeOf(['deploy'], { killWhen: (out) => out.includes('committed ') });
      expect([killed.code, killed.out.match(/as sequence \d+/)?.[0]]).to.deep.equal([null, 'as sequence 2']);
      expect(await scene.command('up')).to.contain('next: npm start');
    });
    expect(await scene.command('deploy')).to.contain('nothing to do: sequence 2');
  });

  it('deploy is killed before its commit: up has the one before serve', async () => {
    const before = readFileSync(scene.definitionFile, 'utf8');
    writeFileSync(scene.definitionFile, before.replace('emptyCollections: 1', 'emptyCollections: 2'));
    await whileWriting(async () => {
      const killed = await scene.outcomeOf(['deploy'], { killWhen: (out) => out.includes('is loaded') });
      expect(killed.code).to.equal(null);
      await scene.command('up');
    });
    expect(await scene.command('deploy')).to.match(/sequence 3/);
  });

  it('the chaincode becomes another release’s, and the one before again', async () => {
    await whileWriting(async () => {
      const { code, out, error } = await scene.outcomeOf(['deploy'], { script: other });
      expect(code, `${out}${error}`).to.equal(0);
      expect(out).to.contain('deployed: sequence 4');
    });
    await whileWriting(async () => {
      expect(await scene.command('deploy')).to.contain('deployed: sequence 5');
    });
    expect(await scene.command('deploy')).to.contain('nothing to do: sequence 5');
  });

  it('a revoked certificate is refused by the gateway at once, and by every peer once it is applied', async () => {
    const { dataDir } = scene.parties.reach;
    const [revoked, kept] = await Promise.all(
      [USER, 'Practitioner/8e2b'].map((user) => enrolUser(dataDir, 'hospital', 'practitioner', user)),
    );
    const ask = async (files: { certificate: string; privateKey: string }): Promise<string> => {
      const profile = JSON.parse(
        readFileSync(join(dataDir, 'organisations', 'hospital', 'connection.json'), 'utf8'),
      ) as Record<string, string>;
      const tlsRootCertificate = readFileSync(profile['tlsRootCertificate']!, 'utf8');
      const connection = new LedgerConnection({ ...profile, tlsRootCertificate } as never, DEFAULTS.timeouts);
      try {
        const pem = {
          certificate: readFileSync(files.certificate, 'utf8'),
          privateKey: readFileSync(files.privateKey, 'utf8'),
        };
        const contract = connection.contract({ name: files.certificate, ...pem });
        const proposal = contract.newProposal(qualifiedName('ListOrganisations'), { arguments: ['{}'] });
        return await proposal.endorse().then(
          () => 'endorsed',
          () => 'refused',
        );
      } finally {
        connection.close();
      }
    };
    expect(await Promise.all([ask(revoked!), ask(kept!)])).to.deep.equal(['endorsed', 'endorsed']);
    await scene.command('revoke', '--org', 'hospital', `practitioner:${USER}`);
    expect(await scene.command('plan')).to.contain('revocation list');
    await scene.command('apply');
    expect(await Promise.all([ask(revoked!), ask(kept!)])).to.deep.equal(['refused', 'endorsed']);
    expect(loadConsortium(scene.definitionFile).emptyCollections).to.equal(2);
  });
});
