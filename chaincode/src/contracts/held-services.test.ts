import { expect } from 'chai';
import { canonicalJson } from '../model/canonical.ts';
import { exampleIds } from '../model/example-claim.fixture.ts';
import { Story, wideConsortium } from './example-story.fixture.ts';

/** What becomes of a claim between its submission and its decision, and how many of its services are asked for where the record tells what it took. */
const CHANGES: [string, (story: Story) => Promise<unknown>, 'fewer' | 'all'][] = [
  ['nothing', async () => {}, 'fewer'],
  [
    'a coverage that names another beneficiary',
    (story) => {
      story.example.coverage['beneficiary'].identifier = { system: 'urn:example:members', value: 'another' };
      return story.ledger.submit('RegisterCoverage', story.coverage(2));
    },
    'all',
  ],
  [
    'a coverage that ended before the visit',
    (story) => {
      story.example.coverage['period'] = { end: '2026-01-31' };
      return story.ledger.submit('RegisterCoverage', story.coverage(2));
    },
    'all',
  ],
  [
    'prices that leave a line out',
    (story) => story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '185317003': 12_000 }, 'USD', 'not-covered')),
    'fewer',
  ],
];

/** The record as one has it that was submitted before it told what it took. */
function forget(story: Story): void {
  for (const [name, text] of story.ledger.private) {
    if (!name.endsWith(` claim/${exampleIds.claim}`)) continue;
    const { held, ...before } = JSON.parse(text);
    expect(held).to.match(/^[0-9a-f]{64}$/);
    story.ledger.private.set(name, canonicalJson(before));
  }
}

/** A screening names the text of the claim that it was of. */
const withoutText = (writes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(writes).map(([name, text]) => [
      name,
      name.includes(' screening/') ? canonicalJson({ ...JSON.parse(text), claim: '' }) : text,
    ]),
  );

interface Decided {
  /** Of the decision. */
  calls: number;
  writes: Record<string, string>;
}

describe('Services that a claim holds each for itself since it was submitted', () => {
  async function decided(change: (story: Story) => Promise<unknown>, told: boolean): Promise<Decided> {
    const story = (await new Story(wideConsortium).prepare()).withoutLists();
    // One that was denied had the first places.
    story.example.claim['id'] = exampleIds.otherClaim;
    await story.submitClaim();
    const denial = { outcome: 'deny', reason: 'no' } as const;
    await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/a', denial, exampleIds.otherClaim));
    story.example.claim['id'] = exampleIds.claim;
    story.screens = false;
    await story.submitClaim();
    if (!told) forget(story);
    await story.screenClaim();
    await change(story);
    const { writes } = await story.adjudicate();
    return { calls: story.ledger.lastCalls, writes: withoutText(writes.private) };
  }

  for (const [title, change, asked] of CHANGES) {
    it(`are as if each were asked for again, after ${title}`, async () => {
      const [told, untold] = [await decided(change, true), await decided(change, false)];
      expect(told.writes).to.deep.equal(untold.writes);
      if (asked === 'all') expect(told.calls).to.equal(untold.calls);
      else expect(told.calls).to.be.lessThan(untold.calls);
    });
  }

  it('are freed where they stand, of a claim that is denied', async () => {
    const [, , [, ended]] = CHANGES as [unknown, unknown, (typeof CHANGES)[number]];
    const { writes } = await decided(ended, true);
    const freed = Object.keys(writes).filter((name) => name.includes(' fingerprint-freed/'));
    expect(freed).to.have.length(9);
    for (const name of freed) expect(name).to.match(/\/1$/);
  });

  it('are asked for again once the claim has taken another step', async () => {
    const story = (await new Story(wideConsortium).prepare()).withoutLists();
    await story.submitClaim();
    await story.ledger.submit(
      'AdjudicateClaim',
      story.decision('Practitioner/a', { outcome: 'pend', reason: 'missing' }),
    );
    const pended = story.ledger.lastCalls;
    await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/b', { outcome: 'deny', reason: 'no' }));
    expect(story.ledger.lastCalls).to.be.greaterThan(pended);
  });
});
