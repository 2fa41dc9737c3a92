import { expect } from 'chai';
import { findLedgerError } from './errors.ts';
import type { Changeable } from './example-claim.fixture.ts';
import { EXAMPLE_PLAN_NAME, examplePlan } from './example-plan.fixture.ts';
import { daysOfPlan, namesOfPlan, readPlan } from './plans.ts';

const changed = (change: (plan: Changeable) => void): Changeable => {
  const plan = examplePlan();
  change(plan);
  return plan;
};

describe('a plan', () => {
  it('reads an InsurancePlan', () => {
    const { categories, ...terms } = readPlan(examplePlan(), 3);
    expect(terms).to.deep.include({ version: 3, currency: 'USD', family: undefined });
    expect(terms.person).to.deep.equal({ deductible: 10000, outOfPocketMaximum: 30000 });
    expect([...terms.network!]).to.deep.equal(['hospital']);
    expect(categories.map(({ name }) => name)).to.deep.equal([
      ...['visits', 'therapy', 'excluded', 'waiting', 'authorized', 'other'],
    ]);
    const [visits, therapy, excluded, waiting, authorized] = categories;
    expect([...visits!.services]).to.deep.equal(['http://www.ama-assn.org/go/cpt|V']);
    expect(visits!.inNetwork).to.deep.include({ copay: 2500, hasDeductible: false });
    expect(visits!.outOfNetwork).to.deep.include({ copay: 0, hasDeductible: true });
    expect(therapy).to.deep.include({ maxUnits: 3, maxAmount: 50000 });
    expect([excluded!.isExcluded, waiting!.waitingDays, authorized!.needsAuthorization]).to.deep.equal([
      true,
      90,
      true,
    ]);
  });

  it('is named by its id and its identifiers, and counts on its days while it is active', () => {
    const plan = examplePlan();
    expect(namesOfPlan(plan)).to.deep.equal([plan.id, EXAMPLE_PLAN_NAME]);
    expect(daysOfPlan(plan)).to.deep.equal({ first: '2026-01-01', last: '2026-12-31' });
    expect(daysOfPlan(changed((one) => (one['status'] = 'retired')))).to.equal(undefined);
  });

  const cost = (plan: Changeable): Changeable => plan['plan'][0].specificCost[0].benefit[0].cost[0];
  const REFUSED: [string, (plan: Changeable) => void, string][] = [
    [
      'a general cost that is not computed',
      (plan) => (plan['plan'][0].generalCost[0].type.coding[0].code = 'x'),
      'InsurancePlan.plan[0].generalCost[0].type',
    ],
    [
      'a deductible of nobody',
      (plan) => (plan['plan'][0].generalCost[0].groupSize = 0),
      'InsurancePlan.plan[0].generalCost[0].groupSize',
    ],
    [
      'two deductibles of families',
      (plan) => {
        const [first] = plan['plan'][0].generalCost;
        plan['plan'][0].generalCost.push({ ...first, groupSize: 2 }, { ...first, groupSize: 4 });
      },
      'InsurancePlan.plan[0].generalCost[3].groupSize',
    ],
    [
      'a cost that is not computed',
      (plan) => (cost(plan)['type'].coding[0].code = 'x'),
      'InsurancePlan.plan[0].specificCost[0].benefit[0].cost[0].type',
    ],
    [
      'another applicability',
      (plan) => (cost(plan)['applicability'].coding[0].code = 'other'),
      'InsurancePlan.plan[0].specificCost[0].benefit[0].cost[0].applicability',
    ],
    [
      'two currencies',
      (plan) => (cost(plan)['value'].code = 'EUR'),
      'InsurancePlan.plan[0].specificCost[0].benefit[0].cost[0].value',
    ],
    [
      'an amount below zero',
      (plan) => (cost(plan)['value'].value = -1),
      'InsurancePlan.plan[0].specificCost[0].benefit[0].cost[0].value.value',
    ],
    [
      'costs of no benefit',
      (plan) => (plan['plan'][0].specificCost[0].category.coding[0].code = 'x'),
      'InsurancePlan.plan[0].specificCost[0].category',
    ],
    [
      'more than 100 per cent',
      (plan) => (plan['plan'][0].specificCost[1].benefit[0].cost[0].value.value = 101),
      'InsurancePlan.plan[0].specificCost[1].benefit[0].cost[0].value',
    ],
    [
      'half a visit',
      (plan) => (plan['coverage'][0].benefit[1].limit[0].value.value = 2.5),
      'InsurancePlan.coverage[0].benefit[1].limit[0].value',
    ],
    [
      'a limit that is not computed',
      (plan) => (plan['coverage'][0].benefit[1].limit[0].code.coding[0].code = 'lifetime'),
      'InsurancePlan.coverage[0].benefit[1].limit[0].code',
    ],
    [
      'two benefits of one type',
      (plan) => plan['coverage'][0].benefit.push(plan['coverage'][0].benefit[0]),
      'InsurancePlan.coverage[0].benefit[6].type',
    ],
    [
      'two benefits of all other services',
      (plan) => (plan['coverage'][0].benefit[0].extension = []),
      'InsurancePlan.coverage[0].benefit[5]',
    ],
    ['a network of a stranger', (plan) => (plan['network'][0] = { display: 'x' }), 'InsurancePlan.network[0]'],
    ['two plans', (plan) => plan['plan'].push({}), 'InsurancePlan.plan'],
  ];
  for (const [title, change, expression] of REFUSED)
    it(`refuses ${title}`, () => {
      let found: string | undefined;
      try {
        readPlan(changed(change), 1);
      } catch (error) {
        found = findLedgerError((error as Error).message)?.expression;
      }
      expect(found).to.equal(expression);
    });
});
