/** What a claim costs does not grow with the claims before it: it asks the peer for as much, and writes as much. */
import { expect } from 'chai';
import { exampleIds } from '../model/example-claim.fixture.ts';
import { exampleUuid, Story, wideConsortium } from './example-story.fixture.ts';

const EARLIER = 10_000;
const LINE = { productOrService: { coding: [{ code: '185317003' }] }, net: { value: 80, currency: 'USD' } };

interface Cost {
  calls: number;
  writes: number;
}

/** Everything that a claim left on the ledger, as often as there are others, of other people. */
function repeat(story: Story, left: readonly [string, string][], times: number): void {
  for (let number = 0; number < times; number += 1) {
    const id = exampleUuid(100_000 + number);
    const hash = number.toString(16).padStart(32, '0');
    for (const [name, text] of left)
      story.ledger.private.set(
        name.replaceAll(exampleIds.claim, id).replace(/(service-(?:bucket|list)\/)[0-9a-f]{26}/, `$1${hash.slice(6)}`),
        text.replaceAll(exampleIds.claim, id),
      );
  }
}

/** Of a second claim, step by step, after so many others. */
async function costsAfter(earlier: number): Promise<Record<string, Cost>> {
  const story = new Story(wideConsortium);
  story.screens = false;
  await story.prepare();
  const before = new Set(story.ledger.private.keys());
  await story.submitClaim();
  await story.screenClaim();
  await story.adjudicate();
  repeat(
    story,
    [...story.ledger.private].filter(([name]) => !before.has(name) && !name.includes('-key/')),
    earlier,
  );
  const id = await story.another(15, { ...LINE, servicedDate: '2026-02-10' });
  const costs: Record<string, Cost> = {};
  for (const [step, take] of [
    ['submitted', () => story.submitClaim()],
    ['screened', () => story.screenClaim(id)],
    ['decided', () => story.ledger.submit('AdjudicateClaim', story.adjudication(id))],
  ] as const) {
    const { writes } = await take();
    costs[step] = { calls: story.ledger.lastCalls, writes: Object.keys(writes.private).length };
  }
  expect(story.status(id).status).to.equal('approved');
  return costs;
}

describe('What a claim costs', () => {
  it(`is the same after ${EARLIER.toLocaleString('en')} others as after one`, async function () {
    this.timeout(60_000);
    const [few, many] = [await costsAfter(0), await costsAfter(EARLIER)];
    expect(many).to.deep.equal(few);
    for (const { calls } of Object.values(few)) expect(calls).to.be.lessThan(120);
  });
});
