import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  CLAIM_STATUSES,
  CLAIM_STEPS,
  type ClaimStatus,
  type ClaimStep,
  type ClaimStepName,
  leadsTo,
  takersOf,
} from './claim-steps.ts';
import { claimsPage, PAGE } from './claim-steps-page.fixture.ts';

const NAMES = Object.keys(CLAIM_STEPS) as ClaimStepName[];
const STEPS: readonly ClaimStep[] = Object.values(CLAIM_STEPS);

describe('The states of a claim', () => {
  it('are all reached from its first step', () => {
    const reached = new Set<ClaimStatus>(STEPS.filter(({ from }) => from.length === 0).flatMap(({ to }) => to));
    for (const status of reached)
      for (const { from, to } of STEPS) if (from.includes(status)) for (const one of to) reached.add(one);
    expect([...reached].sort()).to.deep.equal([...CLAIM_STATUSES].sort());
  });

  it('are left and come to by the steps of the table, and by no others', () => {
    for (const name of NAMES) {
      const { from, to }: ClaimStep = CLAIM_STEPS[name];
      for (const before of [undefined, ...CLAIM_STATUSES])
        for (const after of CLAIM_STATUSES) {
          const isFrom = before === undefined ? from.length === 0 : from.includes(before);
          expect(leadsTo(name, before, after)).to.equal(isFrom && to.includes(after));
        }
    }
  });

  it('are nobody’s to begin with but the provider’s', () => {
    for (const status of CLAIM_STATUSES) expect(takersOf(status, 1)).to.not.include.members(['payer']);
    expect(takersOf('submitted', 1)).to.deep.equal(['provider']);
    expect(takersOf('denied', 2)).to.deep.equal(['payer']);
    expect(takersOf('settled', 4)).to.deep.equal(['bank']);
  });
});

describe('docs/claims.md', () => {
  it('is what the table says', () => {
    expect(readFileSync(PAGE, 'utf8'), 'run claim-steps-page.fixture.ts').to.equal(claimsPage());
  });
});
