/**
 * An organisation joins a consortium that runs, in a directory tree of its own, on another address and other ports, by the
 * files that were exported for it: the commands are those of docs/joining.md.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { type RunningConsortium, startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { FabricScene } from '../fabric/fabric-scene.fixture.ts';
import { Writing } from '../fabric/writing.fixture.ts';

const PAGE = new URL('../../docs/joining.md', import.meta.url);
const HOST = '127.0.0.2';
const SOME = 10;

/** Who runs which command, in the order of the page. */
const COMMANDS = [...readFileSync(PAGE, 'utf8').matchAll(/^ +(hospice|member)\$ (.+)$/gm)].map(([, who, command]) => ({
  who: who as 'hospice' | 'member',
  command: command!,
}));

describe('An organisation joins by the exported files alone, on Fabric', function () {
  this.timeout(400_000);
  let scene: FabricScene;
  let tree: string;
  let own: { DATA_DIR: string; CONSORTIUM: string };
  let gateway: RunningConsortium | undefined;
  let deploying: Promise<unknown> | undefined;
  const printed = new Map<string, string>();

  before(async function () {
    await skipWithoutFabric(this);
    scene = await FabricScene.start();
    tree = mkdtempSync(join(tmpdir(), 'joining-'));
    own = { DATA_DIR: join(tree, 'data'), CONSORTIUM: join(tree, 'consortium.yaml') };
    const { organisations } = loadConsortium(scene.definitionFile);
    const port = Math.max(...organisations.map(({ peerPort }) => peerPort)) + 1;
    const entry = `  - name: hospice\n    mspId: HospiceMSP\n    kind: provider\n    host: ${HOST}\n    gatewayPort: 8087\n    peerPort: ${port}\n`;
    const text = readFileSync(scene.definitionFile, 'utf8').replace('\npolicies:', `${entry}\npolicies:`);
    for (const file of [scene.definitionFile, own.CONSORTIUM]) writeFileSync(file, text);
  });
  after(async () => {
    await gateway?.close();
    if (own !== undefined) await runNetwork(['reset', '--yes'], own);
    await deploying?.catch(() => undefined);
    await scene?.close();
    if (tree !== undefined) rmSync(tree, { recursive: true });
  });

  const isJoiningDeploy = ({ who, command }: (typeof COMMANDS)[number]): boolean =>
    who === 'hospice' && command.endsWith('-- deploy');

  async function run({ who, command }: (typeof COMMANDS)[number]): Promise<void> {
    const [program, ...args] = command.replaceAll('/media', tree).replace('$CONSORTIUM', own.CONSORTIUM).split(' ');
    if (program === 'cp') return copyFileSync(args[0]!, args[1]!);
    if (command.startsWith('npm start')) {
      await scene.gatewaysAnew();
      gateway = await startConsortium({
        ...{ dataDir: own.DATA_DIR, consortiumFile: own.CONSORTIUM, network: 'fabric', ports: { hospice: 0 } },
      });
      return;
    }
    expect(args.slice(0, 3), command).to.deep.equal(['run', 'network', '--']);
    const words = args.slice(3);
    if (who === 'member') {
      printed.set(command, await scene.command(...words));
      return;
    }
    const { code, out, error } = await runNetwork(words, own);
    expect(code, `${command}\n${out}${error}`).to.equal(0);
    printed.set(command, out);
  }

  it('comes up by the commands of the page, one after the other', async () => {
    expect(COMMANDS).to.have.length(11);
    for (const each of COMMANDS) {
      // It waits until the others have approved too, which they do next.
      if (isJoiningDeploy(each)) {
        deploying = run(each);
        deploying.catch(() => undefined);
      } else await run(each);
    }
    await deploying;
    const [told, taken] = ['introduce', 'take'].map((name) => linesOf(name, /^ {2}ca\/\S+ [0-9A-F:]{95}$/gm));
    expect(told).to.have.length(2).and.to.deep.equal(taken);
    expect(printed.get('npm run network -- plan')).to.contain('members, hospice: becomes a member');
  });

  const linesOf = (command: string, pattern: RegExp): string[] =>
    [...printed].find(([name]) => name.includes(`-- ${command} `))?.[1].match(pattern) ?? [];

  it('has no key of another in any file, nor has anybody one of its own', () => {
    const keysIn = (directory: string): string[] =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => /PRIVATE KEY/.test(readFileSync(file, 'latin1')));
    expect(keysIn(join(tree, 'hospice')).concat(keysIn(join(tree, 'consortium')))).to.deep.equal([]);
    const others = (directory: string, isOwn: (file: string) => boolean) => keysIn(directory).filter((f) => !isOwn(f));
    const mine = keysIn(own.DATA_DIR);
    expect(mine.length).to.be.greaterThan(5);
    expect(
      others(own.DATA_DIR, (file) => /organisations\/hospice\/|fabric\/peers\/hospice\//.test(file)),
    ).to.deep.equal([]);
    const { dataDir } = scene.parties.reach;
    const owned = new Set(mine.map((file) => readFileSync(file, 'utf8')));
    expect(keysIn(dataDir).filter((file) => owned.has(readFileSync(file, 'utf8')))).to.deep.equal([]);
    expect(existsSync(join(dataDir, 'fabric', 'peers', 'hospice'))).to.equal(false);
  });

  it('writes and is acknowledged, and so are the others', async () => {
    const parties = new Parties({ dataDir: own.DATA_DIR, urls: gateway!.urls });
    const [joined, others] = [new Writing(parties, ['hospice']), new Writing(scene.parties, ['hospital', 'clinic'])];
    await Promise.all([joined.goOn(SOME), others.goOn(SOME)]);
    for (const writing of [joined, others]) {
      const { acknowledged, lost, doubled } = await writing.end();
      expect(acknowledged).to.be.at.least(SOME);
      expect([lost, doubled]).to.deep.equal([0, 0]);
    }
    parties.close();
  });

  it('sees its peer alone, and as high as the others', async () => {
    const { code, out, error } = await runNetwork(['status'], own);
    expect([code, error], out).to.deep.equal([0, '']);
    expect(out.match(/^(peer|orderer|chaincode)-\S+/gm)).to.deep.equal(['peer-hospice', 'chaincode-hospice']);
  });
});
