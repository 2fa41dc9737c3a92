/** What a family uses of a plan adds up over its members, whoever's claim comes first, and only payer and custodian are shown it. */
import { expect } from 'chai';
import { accumulatorSchema, type Sums } from '../model/accumulators.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { EXAMPLE_PLAN_NAME } from '../model/example-plan.fixture.ts';
import { codeOf, exampleUuid, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const COVERAGES = [exampleIds.coverage, exampleUuid(701), exampleUuid(702)];
const ALONE = exampleUuid(703);

describe('a family in a plan', () => {
  let story: Story;
  /** 100 each and 150 together; at most 300 each and 400 together. */
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    const { coverage } = story.example;
    coverage['class'] = [{ type: { coding: [{ code: 'plan' }] }, value: EXAMPLE_PLAN_NAME }];
    coverage['subscriberId'] = 'S-1';
    for (const [index, id] of COVERAGES.entries()) {
      coverage.id = id;
      await story.ledger.submit('RegisterCoverage', story.coverage(index === 0 ? 2 : 1));
    }
    coverage.id = ALONE;
    coverage['subscriberId'] = 'S-2';
    await story.ledger.submit('RegisterCoverage', story.coverage());
    general().push(
      { type: { coding: [{ code: 'deductible' }] }, groupSize: 4, cost: { value: 150, currency: 'USD' } },
      { type: { coding: [{ code: 'out-of-pocket-maximum' }] }, groupSize: 4, cost: { value: 400, currency: 'USD' } },
    );
  });

  const general = (): { type: { coding: { code: string }[] }; groupSize?: number; cost: object }[] =>
    story.insurancePlan['plan'][0].generalCost;
  const as = (coverage: string): void => {
    Object.assign(story.example.coverage, { id: coverage, subscriberId: coverage === ALONE ? 'S-2' : 'S-1' });
    story.example.claim['insurance'][0].coverage.reference = `Coverage/${coverage}`;
  };
  async function billed(coverage: string, number: number, value: number): Promise<string> {
    as(coverage);
    const line = { productOrService: { coding: [{ system: CPT, code: 'z' }] }, net: { value, currency: 'USD' } };
    const id = await story.another(number, line);
    await story.submitClaim();
    return id;
  }
  async function decided(coverage: string, number: number, value: number): Promise<Changeable> {
    const id = await billed(coverage, number, value);
    await story.ledger.submit('AdjudicateClaim', story.adjudication(id));
    return story.ledger.read(PAYER, `response/${id}`) as Changeable;
  }
  const amount = (response: Changeable, name: string): number =>
    response['resource'].item[0].adjudication.find(
      ({ category, reason }: Changeable) => category.coding[0].code === name && reason === undefined,
    ).amount.value;
  const together = (): Sums => {
    const { usage } = story.benefits();
    const { text, returns } = usage[1]!;
    expect(returns).to.deep.equal([]);
    return accumulatorSchema.parse(JSON.parse(text!)).totals;
  };

  it('meets its deductible together, and no member more than her own', async () => {
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second, third] = COVERAGES as [string, string, string];
    expect(amount(await decided(first, 1, 200), 'deductible')).to.equal(100);
    expect(amount(await decided(second, 2, 200), 'deductible')).to.equal(50);
    expect(amount(await decided(third, 3, 200), 'deductible')).to.equal(0);
    expect(together()).to.deep.equal({ deductible: 15_000, outOfPocket: 24_000, used: {} });
    expect(amount(await decided(ALONE, 4, 200), 'deductible')).to.equal(100);
  });

  it('is one deductible where the plan has none of a single person', async () => {
    story.insurancePlan['plan'][0].generalCost = general().filter(
      ({ type, groupSize }) => groupSize !== undefined || type.coding[0]?.code !== 'deductible',
    );
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second] = COVERAGES as [string, string];
    expect(amount(await decided(first, 1, 120), 'deductible')).to.equal(120);
    expect(amount(await decided(second, 2, 120), 'deductible')).to.equal(30);
    expect(amount(await decided(first, 3, 120), 'deductible')).to.equal(0);
  });

  it('pays no more together than the maximum', async () => {
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second] = COVERAGES as [string, string];
    await decided(first, 1, 900);
    const response = await decided(second, 2, 900);
    // 100 + 160 are hers; 140 are left of 400, of which 50 is the deductible.
    expect(together()).to.deep.include({ deductible: 15_000, outOfPocket: 40_000 });
    expect(amount(response, 'benefit')).to.equal(760);
  });

  it('has back what a claim took that is voided', async () => {
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second] = COVERAGES as [string, string];
    await decided(first, 1, 100);
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void', exampleUuid(2_001)));
    expect(amount(await decided(second, 2, 200), 'deductible')).to.equal(100);
    expect(together().deductible).to.equal(10_000);
    expect(amount(await decided(first, 3, 200), 'deductible')).to.equal(50);
  });

  it('loses nothing of two members’ claims that are decided at a time: the second is to be sent again', async () => {
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second] = COVERAGES as [string, string];
    await decided(first, 1, 50);
    const one = await billed(first, 2, 50);
    const mine = story.adjudication(one);
    const other = await billed(second, 3, 50);
    await story.ledger.submit('AdjudicateClaim', story.adjudication(other));
    expect(await codeOf(story.ledger.submit('AdjudicateClaim', mine))).to.equal('CONFLICT usage');
    as(first);
    await story.ledger.submit('AdjudicateClaim', story.adjudication(one));
    expect(together().deductible).to.equal(15_000);
  });

  it('is neither shown to providers nor hidden, exchanged or named by another secret', async () => {
    await story.ledger.submit('RegisterPlan', story.plan());
    const [first, second] = COVERAGES as [string, string];
    await decided(first, 1, 70);
    const id = await billed(second, 2, 70);
    const right = story.adjudication(id);
    const refused = (private_: object, input: object = right.input): Promise<string> =>
      codeOf(
        story.ledger.submit('AdjudicateClaim', {
          ...right,
          input,
          private: { ...right.private, ...private_ },
        } as never),
      );
    const { beyond: _, ...plain } = right.input;
    expect(await refused({}, plain)).to.equal('FORBIDDEN beyond');
    const { usage = [], family } = right.private as { usage?: object[]; family?: object };
    expect(await refused({ usage: usage.slice(0, 1) })).to.equal('CONFLICT usage');
    expect(await refused({ usage: [] })).to.equal('CONFLICT usage');
    expect(await refused({ family: undefined })).to.equal('CONFLICT usage');
    expect(await refused({ family: { secret: exampleSalt('0') } })).to.equal('CONFLICT usage');
    const forged = { text: JSON.stringify({ schema: 1, secret: exampleSalt('0') }) };
    expect(await refused({ family: forged })).to.match(/^INVALID family/);
    expect(family).to.have.property('text');
    // Nothing of it lies with a provider but what its own claim took.
    const names = [...story.ledger.private.keys()].filter((name) => name.startsWith(`${PROVIDER} `));
    expect(names.filter((name) => /accumulator|family-key/.test(name))).to.deep.equal([]);
    const { taken } = story.ledger.read(PROVIDER, `response/${exampleUuid(2_001)}`) as Changeable;
    expect(taken.map(({ sums }: { sums: Sums }) => sums.deductible)).to.deep.equal([7_000, 7_000]);
  });

  it('is of one size in a plan, and nobody is less than one person', async () => {
    general().push({
      type: { coding: [{ code: 'deductible' }] },
      groupSize: 2,
      cost: { value: 1, currency: 'USD' },
    } as never);
    expect(await codeOf(story.ledger.submit('RegisterPlan', story.plan()))).to.equal(
      'INVALID InsurancePlan.plan[0].generalCost[4].groupSize',
    );
    general()[4]!.groupSize = 0;
    expect(await codeOf(story.ledger.submit('RegisterPlan', story.plan()))).to.equal(
      'INVALID InsurancePlan.plan[0].generalCost[4].groupSize',
    );
  });
});
