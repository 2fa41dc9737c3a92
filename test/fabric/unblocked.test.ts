/**
 * On real Fabric: each organisation's peer is killed and stopped, and its chaincode changed, and every act that is not its own
 * goes through without it. How much longer each takes than undisturbed is printed.
 */
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';
import { ACTS, ask, goThrough, ORGANISATIONS, prepare, prepareAll, type Stage } from '../scenarios/acts.fixture.ts';
import { changeChaincode, UNWILLING } from '../scenarios/unwilling.fixture.ts';
import { FabricScene } from './fabric-scene.fixture.ts';

const ROUNDS = 3;
type Took = Map<string, number>;
const inSeconds = (ms: number): string => `${ms < 0 ? '' : '+'}${(ms / 1000).toFixed(1)}`;

describe('Nobody blocks a step that is not theirs, on Fabric', function () {
  this.timeout(300_000);
  let scene: FabricScene;
  /** How long each act takes undisturbed, ms: the median of some rounds. */
  const usual: Took = new Map();
  const rows: string[][] = [];

  before(async function () {
    await skipWithoutFabric(this);
    scene = await FabricScene.start();
    await prepareAll(scene.parties);
  });
  after(async () => {
    for (const [what, ...cells] of rows) console.log(`      ${what?.padEnd(42)}${cells.join('  ')}`);
    await scene?.close();
  });

  const changed = (how: string) => async (organisation: string, run: () => Promise<unknown>) => {
    const changeBack = changeChaincode(scene.members, UNWILLING[how]!);
    try {
      await scene.whileServedHere(organisation, run);
    } finally {
      changeBack();
    }
  };
  const FAULTS: [string, (organisation: string, run: () => Promise<unknown>) => Promise<void>][] = [
    ['is killed', (organisation, run) => scene.whileKilled(organisation, run)],
    ['is stopped', (organisation, run) => scene.whilePaused(organisation, run)],
    ...Object.keys(UNWILLING).map((how): (typeof FAULTS)[number] => [how, changed(how)]),
  ];

  async function through(stage: Stage, without?: string): Promise<Took> {
    const started = performance.now();
    if (without !== 'patients') await ask(stage, scene.parties, without);
    const askedMs = performance.now() - started;
    const took = await goThrough(stage, scene.parties, without);
    // What was asked for is decided from then on.
    for (const { name, asked } of ACTS)
      if (asked !== undefined && took.has(name)) took.set(name, took.get(name)! + askedMs);
    return took;
  }

  it('takes so long undisturbed', async () => {
    const rounds: Took[] = [];
    while (rounds.length < ROUNDS) rounds.push(await through(await prepare(scene.parties)));
    for (const { name } of ACTS) {
      const [median = 0] = rounds
        .map((took) => took.get(name) ?? 0)
        .sort((a, b) => a - b)
        .slice(1);
      usual.set(name, median);
      rows.push([name, `${(median / 1000).toFixed(1)} s`]);
    }
  });

  for (const [is, whileIt] of FAULTS)
    for (const organisation of ORGANISATIONS)
      it(`while the ${organisation} ${is}`, async () => {
        const stage = await prepare(scene.parties);
        await whileIt(organisation, async () => {
          const took = await through(stage, organisation);
          expect(took.size).to.be.greaterThan(0);
          const more = [...took].map(([name, ms]) => `${inSeconds(ms - (usual.get(name) ?? 0))} ${name}`);
          rows.push([`the ${organisation} ${is}`, more.join(', ')]);
        });
      });
});
