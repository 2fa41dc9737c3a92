/**
 * A process that commits without end until it is killed: it prints the height after each block. Its argument is a
 * file with a saved fixture.
 */
import { readFileSync } from 'node:fs';
import { LedgerFixture, type SavedFixture } from './ledger.fixture.ts';

const [file] = process.argv.slice(2);
const saved: SavedFixture = JSON.parse(readFileSync(file ?? '', 'utf8'));
const fixture = await LedgerFixture.restore(saved);
for (let round = 0; ; round++) {
  const envelopes: Buffer[] = [];
  for (let at = 0; at < 5; at++) {
    envelopes.push(
      await fixture.transact(['alpha', 'beta'], (simulator) => {
        const key = `k${(round * 5 + at) % 17}`;
        simulator.getState('basic', '', key);
        simulator.putState('basic', '', key, Buffer.from(`round ${round}`));
        simulator.getPrivateDataHash('basic', 'shared', key);
        simulator.putState('basic', 'shared', key, Buffer.alloc(2000, round));
        simulator.putState('basic', 'short', key, Buffer.from(`round ${round}`));
      }),
    );
  }
  await fixture.commit(...envelopes);
  process.stdout.write(`${fixture.ledger.height()}\n`);
}
