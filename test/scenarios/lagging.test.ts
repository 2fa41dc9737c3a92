/**
 * Peers see each block one later than the other, in one order and in the other, so that each is behind every other once. The
 * whole story goes on: what one member refers to and another's peer does not hold yet is waited for there, and is nobody's
 * refusal.
 */
import { Parties } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { changeDetected, changeUndone } from '@telemed-ledger/scripts/demo/tampering.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { FixtureConsortium, until } from '../../gateway-api/src/consortium.fixture.ts';
import { ORGANISATIONS } from './acts.fixture.ts';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';

const LAG_MS = 60;
const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };
/** Those stop a gateway, which is another fault. */
const acts = steps.filter(({ run }) => run !== changeDetected && run !== changeUndone);

describe('A peer that lags behind others', function () {
  this.timeout(240_000);
  let consortium: FixtureConsortium;
  let parties: Parties;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    consortium = await FixtureConsortium.start([]);
    await Promise.all(ORGANISATIONS.map((name) => consortium.open(name)));
    parties = new Parties({ dataDir: consortium.dataDir, urls: Object.fromEntries(consortium.urls) });
  });
  after(async () => {
    parties?.close();
    await consortium?.close();
  });

  const lag = (names: readonly string[], milliseconds: number) => {
    for (const [place, name] of names.entries()) consortium.network.lag(name, milliseconds * place);
  };

  for (const names of [ORGANISATIONS, ORGANISATIONS.toReversed()])
    it(`has nothing refused that others hold: ${names.join(', then the ')}`, async () => {
      const startedAt = new Date().toISOString();
      const story: Story = { parties, visit: newVisit(), startedAt, locations: new Map(), accessIds: [] };
      lag(names, LAG_MS);
      try {
        for (const { title, run } of acts)
          await run(story, silent).catch((error) => {
            throw new Error(`${title}: ${error}`, { cause: error });
          });
      } finally {
        lag(names, 0);
        for (const name of names) await until(async () => (await consortium.gateway(name).readiness()).behind === 0);
      }
    });
});
