import { expect } from 'chai';
import fc from 'fast-check';
import type { Adjudication, Decided } from './adjudication.ts';
import { type OutcomeFacts, outcomeOf, reduced, whyNot } from './claim-outcomes.ts';

const line = (sequence: number, benefit: number, share: number): Decided => ({
  ...{ sequence, submitted: benefit + share, eligible: benefit + share, share, deductible: 0, benefit, reduction: 0 },
  ...{ adjustments: [], parts: [] },
});
function adjudicated(items: Decided[]): Adjudication {
  return reduced({ status: 'approved', currency: 'USD', hasDeductible: false, items, total: line(0, 0, 0) }, new Map());
}
const cents = fc.integer({ min: 0, max: 100_000 });
const lines = fc
  .array(fc.tuple(cents, cents), { minLength: 1, maxLength: 5 })
  .map((all) => all.map(([benefit, share], index) => line(index + 1, benefit, share)));
const human = { decision: { outcome: 'approve', reason: 'x' }, by: 'Practitioner/a' } as const;
const facts = (more: Partial<OutcomeFacts>): OutcomeFacts => ({
  ...{
    before: { status: 'submitted' },
    adjudication: adjudicated([line(1, 5_000, 0)]),
    isOutdated: false,
    score: 0,
    terms: {},
  },
  ...{ human: undefined, earlierBenefit: undefined, ...more },
});
const paidBefore = (units: number) => ({ status: 'submitted', paid: { units, currency: 'USD' } }) as const;

describe('What becomes of a claim', () => {
  it('leaves exactly the benefit paid: what was paid before, and what is due, less what is owed back', () => {
    fc.assert(
      fc.property(lines, cents, (items, paid) => {
        const adjudication = adjudicated(items);
        const { due, owedBack, status } = outcomeOf(facts({ adjudication, before: paidBefore(paid) }));
        expect(paid + due - owedBack).to.equal(adjudication.total.benefit);
        expect(Math.min(due, owedBack)).to.equal(0);
        if (due > 0) expect(['approved', 'partial']).to.include(status);
        else expect(['satisfied', 'denied', 'patient-responsibility']).to.include(status);
      }),
    );
  });

  it('waits for records that were changed, whoever would approve it, until somebody denies it', () => {
    const outdated = (more: Partial<OutcomeFacts>) => outcomeOf(facts({ isOutdated: true, ...more }));
    expect(outdated({})).to.include({ status: 'pended', waitsFor: 'evidence-outdated', due: 0 });
    expect(outdated({ human })).to.include({ status: 'pended', waitsFor: 'evidence-outdated', due: 0 });
    const denial = { decision: { outcome: 'deny', reason: 'x' }, by: human.by } as const;
    const adjudication = adjudicated([line(1, 0, 0)]);
    expect(outdated({ human: denial, adjudication })).to.include({ status: 'denied', due: 0 });
  });

  it('takes nothing away by an appeal, and pays what it is worth more', () => {
    fc.assert(
      fc.property(lines, cents, (items, earlierBenefit) => {
        const adjudication = adjudicated(items);
        const before = { ...paidBefore(earlierBenefit), status: 'appealed', appealOf: 2 } as const;
        const { due, owedBack, appeal } = outcomeOf(facts({ adjudication, before, human, earlierBenefit }));
        const { benefit } = adjudication.total;
        expect([due, owedBack]).to.deep.equal([Math.max(0, benefit - earlierBenefit), 0]);
        expect(appeal).to.equal(benefit > earlierBenefit ? 'overturned' : 'upheld');
      }),
    );
  });

  it('pays less by a person’s reductions, never more, and the sums hold line by line', () => {
    fc.assert(
      fc.property(lines, fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), cents)), (items, taken) => {
        const before = adjudicated(items);
        const after = reduced(before, new Map(taken));
        for (const [index, { submitted, benefit, share, reduction }] of after.items.entries()) {
          expect(submitted).to.equal(benefit + share + reduction);
          expect(benefit).to.be.within(0, before.items[index]!.benefit);
        }
        expect(after.total.benefit).to.equal(after.items.reduce((sum, { benefit }) => sum + benefit, 0));
      }),
    );
  });

  it('waits for as many people as the amount takes, and for one where the limits are in another currency', () => {
    const terms = { currency: 'USD', signAbove: 1_000, secondAbove: 4_999 };
    expect(outcomeOf(facts({ terms })).status).to.equal('queued');
    expect(outcomeOf(facts({ terms, human })).status).to.equal('countersign');
    const second: OutcomeFacts['before'] = { status: 'countersign', signers: ['Practitioner/b'] };
    expect(outcomeOf(facts({ terms, human, before: second })).status).to.equal('approved');
    expect(outcomeOf(facts({ terms: { ...terms, secondAbove: 5_000 }, human })).status).to.equal('approved');
    expect(outcomeOf(facts({ terms: { currency: 'EUR', signAbove: 9_000 } })).status).to.equal('queued');
  });

  it('waits for somebody from a score on, unless a person decides', () => {
    expect(outcomeOf(facts({ score: 100 }))).to.include({ status: 'pended', waitsFor: 'signals' });
    expect(outcomeOf(facts({ score: 99 })).status).to.equal('approved');
    expect(outcomeOf(facts({ score: 99, terms: { pendAtScore: 50 } })).status).to.equal('pended');
    expect(outcomeOf(facts({ score: 100, human })).status).to.equal('approved');
  });

  it('is nobody’s to decide who has signed it, or has decided what is appealed against', () => {
    expect(whyNot({ status: 'submitted' })).to.equal(undefined);
    for (const status of ['pended', 'queued', 'countersign', 'appealed'] as const)
      expect(whyNot({ status })).to.equal('a person is to decide it');
    expect(whyNot({ status: 'countersign', signers: [human.by] }, human)).to.include('signed');
    expect(whyNot({ status: 'appealed', appealOf: 2, deciders: [human.by] }, human)).to.include('decides no appeal');
    expect(whyNot({ status: 'pended', deciders: [human.by] }, human)).to.equal(undefined);
  });
});
