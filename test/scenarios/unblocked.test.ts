/**
 * Every organisation in turn is dead, paused, or runs chaincode that refuses or computes something else, and every act that
 * is not its own goes through without it. In a consortium of its own, which gives up sooner than others.
 */
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import { type RunningServer, serve } from '../../chaincode/src/server.ts';
import { FixtureConsortium, until } from '../../gateway-api/src/consortium.fixture.ts';
import { ask, goThrough, ORGANISATIONS, prepare, prepareAll, type Stage } from './acts.fixture.ts';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';
import { changeChaincode, UNWILLING } from './unwilling.fixture.ts';

const LIMITS = { inFlightWrites: 300, clientWrites: 100, budgetMs: 12_000, feedWaitMs: 5_000, hedgeMs: 500 };
const READY_MS = 20_000;

describe('Nobody blocks a step that is not theirs', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let parties: Parties;
  const stages: Stage[] = [];

  /** On the port that it had before. */
  const open = (name: string) => {
    const port = Number(new URL(consortium.urls.get(name) ?? 'http://127.0.0.1:0').port);
    return consortium.open(name, { limits: LIMITS, port });
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    consortium = await FixtureConsortium.start([]);
    await Promise.all(ORGANISATIONS.map(open));
    parties = new Parties({ dataDir: consortium.dataDir, urls: Object.fromEntries(consortium.urls) });
    await prepareAll(parties);
    const lane = async (): Promise<void> => {
      while (stages.length < ORGANISATIONS.length * FAULTS.length) stages.push(await prepare(parties));
    };
    await Promise.all([lane(), lane(), lane()]);
  });
  after(async () => {
    parties?.close();
    await consortium?.close();
  });

  const embedded = (fault: 'pause' | 'drop') => async (organisation: string, run: () => Promise<unknown>) => {
    consortium.network[fault](organisation, true);
    try {
      await run();
    } finally {
      consortium.network[fault](organisation, false);
    }
  };
  const unwilling = (how: string) => async (organisation: string, run: () => Promise<unknown>) => {
    const { members } = consortium;
    const changeBack = changeChaincode(members, UNWILLING[how]!);
    let server: RunningServer | undefined;
    try {
      // In this thread; the others' chaincode runs in threads of its own and stays as it is.
      server = await serve({ consortium: members, ccid: `telemed:${'0'.repeat(64)}`, address: '127.0.0.1:0' });
      await consortium.useChaincode(organisation, server.address);
      await run();
    } finally {
      await consortium.useChaincode(organisation);
      server?.close();
      changeBack();
    }
  };
  const FAULTS: [string, (organisation: string, run: () => Promise<unknown>) => Promise<void>][] = [
    ['is dead', embedded('drop')],
    ['is paused', embedded('pause')],
    ...Object.keys(UNWILLING).map((how): (typeof FAULTS)[number] => [how, unwilling(how)]),
  ];

  /** What the clinic has asked for lies there when the custodian comes, so that the clinic may fail before it is decided. */
  async function askedMeanwhile(stage: Stage): Promise<void> {
    await consortium.shut('patients');
    await ask(stage, parties);
  }

  for (const [is, whileIt] of FAULTS)
    for (const organisation of ORGANISATIONS)
      it(`while the ${organisation} ${is}`, async () => {
        const stage = stages.pop()!;
        const isCustodian = organisation === 'patients';
        if (!isCustodian) await askedMeanwhile(stage);
        await whileIt(organisation, async () => {
          if (!isCustodian) await open('patients');
          await goThrough(stage, parties, organisation);
        });
        const gateways = ORGANISATIONS.map((name) => consortium.gateway(name));
        for (const gateway of gateways) await until(async () => (await gateway.readiness()).ready, READY_MS);
      });
});
