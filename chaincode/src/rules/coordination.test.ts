import { expect } from 'chai';
import fc from 'fast-check';
import { readBill } from '../model/bill.ts';
import type { PriorDecision } from '../model/coordination.ts';
import { readCover } from '../model/coverage.ts';
import { exampleClaim } from '../model/example-claim.fixture.ts';
import { adjudicateClaim } from './adjudication.ts';
import { coordinated } from './coordination.ts';

const units = fc.integer({ min: 0, max: 20_000 });
const decidedBefore = (lines: PriorDecision['lines']): PriorDecision => ({
  ...{ payer: 'payer', claimId: 'a', responseId: 'b', coverage: 'Coverage/c', holder: '0'.repeat(64), currency: 'USD' },
  lines,
});

describe('What is paid next to others', () => {
  const { claim, coverage } = exampleClaim();
  const alone = adjudicateClaim(
    readBill(claim),
    readCover(coverage),
    { on: () => undefined },
    {
      claim: undefined,
      lines: new Map(),
    },
  );

  it('comes with theirs to no more than each allows, leaves nothing out, and is never more than alone', () => {
    fc.assert(
      fc.property(fc.tuple(units, units), fc.tuple(units, units), (allowed, part) => {
        const lines = allowed.map((of, index) => ({
          ...{ sequence: index + 1, allowed: of },
          paid: Math.min(of, part[index]!),
        }));
        const { items, total } = coordinated(alone, [decidedBefore(lines)]);
        items.forEach((item, index) => {
          const { paid, allowed: most } = lines[index]!;
          const before = alone.items[index]!;
          expect(item.benefit).to.be.at.most(before.benefit);
          expect(item.benefit === 0 || item.benefit + paid <= before.eligible).to.equal(true);
          expect(most === 0 || item.benefit === 0 || item.benefit + paid <= most).to.equal(true);
          expect(item.submitted).to.equal(item.benefit + item.share + item.reduction);
          const adjusted = item.adjustments.reduce((sum, one) => sum + one.units, 0);
          expect(item.submitted).to.equal(item.benefit + adjusted);
        });
        expect(total.benefit).to.equal(items.reduce((sum, item) => sum + item.benefit, 0));
      }),
    );
  });

  it('is what it is where nobody else decided', () => {
    expect(coordinated(alone, [])).to.equal(alone);
    const { items } = coordinated(alone, [decidedBefore([])]);
    expect(items).to.deep.equal(alone.items);
  });
});
