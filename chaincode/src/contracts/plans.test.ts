import { expect } from 'chai';
import { accumulatorSchema, type Sums } from '../model/accumulators.ts';
import { type Changeable, exampleIds } from '../model/example-claim.fixture.ts';
import { EXAMPLE_PLAN_NAME } from '../model/example-plan.fixture.ts';
import { codeOf, exampleUuid, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';

describe('plans on the ledger', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    story.example.coverage['class'] = [{ type: { coding: [{ code: 'plan' }] }, value: EXAMPLE_PLAN_NAME }];
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
  });

  /** From now on a claim for a visit of its own, of one line. */
  const another = (number: number, code = 'z', value = 120): Promise<string> =>
    story.another(number, { productOrService: { coding: [{ system: CPT, code }] }, net: { value, currency: 'USD' } });
  const newest = (year = '2026-01-01'): Sums => {
    const { usage } = story.benefits(year);
    return accumulatorSchema.parse(JSON.parse(usage[0]!.text!)).totals;
  };

  describe('RegisterPlan', () => {
    it('writes a version with its days, its names and copies for the providers that it is shown to', async () => {
      const { writes } = await story.ledger.submit('RegisterPlan', story.plan());
      const names = Object.keys(writes.private);
      const plan = `plan/${exampleIds.other}/1`;
      expect(names.filter((name) => !name.includes('plan-name/'))).to.deep.equal([
        `${PAYER} ${plan}`,
        `${PROVIDER} ${plan}`,
      ]);
      expect(names.filter((name) => name.startsWith(`${PAYER} plan-name/payer/`))).to.have.length(2);
      expect(names.join()).to.not.include(EXAMPLE_PLAN_NAME);
    });

    it('goes on version by version, each of which says which counts when', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      expect(await codeOf(story.ledger.submit('RegisterPlan', story.plan()))).to.equal('CONFLICT plan.version');
      story.insurancePlan['period'] = { start: '2026-07-01', end: '2026-12-31' };
      await story.ledger.submit('RegisterPlan', story.plan(2));
      expect(story.ledger.read(PAYER, `plan/${exampleIds.other}/2`)).to.have.deep.property('versions', [
        { version: 1, first: '2026-01-01', last: '2026-12-31' },
        { version: 2, first: '2026-07-01', last: '2026-12-31' },
      ]);
      const request = story.plan(3);
      const forged = { ...request.private!, before: story.text(PAYER, `plan/${exampleIds.other}/1`) };
      expect(await codeOf(story.ledger.submit('RegisterPlan', { ...request, private: forged }))).to.equal(
        'INVALID before',
      );
    });

    it('refuses what it does not compute, and a name that another plan has', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      story.insurancePlan['id'] = exampleIds.otherClaim;
      expect(await codeOf(story.ledger.submit('RegisterPlan', story.plan()))).to.equal(
        'INVALID InsurancePlan.identifier',
      );
      story.insurancePlan['plan'][0].generalCost[0].type.coding[0].code = 'x';
      const code = await codeOf(story.ledger.submit('RegisterPlan', story.plan()));
      expect(code).to.equal('INVALID InsurancePlan.plan[0].generalCost[0].type');
    });
  });

  describe('AdjudicateClaim', () => {
    const decide = (id: string, change: object = {}): Promise<unknown> => {
      const request = story.adjudication(id);
      return story.ledger.submit('AdjudicateClaim', { ...request, private: { ...request.private!, ...change } });
    };
    const decided = async (number: number, code?: string, value?: number): Promise<Changeable> => {
      const id = await another(number, code, value);
      await story.submitClaim();
      await decide(id);
      return story.ledger.read(PAYER, `response/${id}`) as Changeable;
    };
    const amount = (response: Changeable, name: string): number =>
      response['resource'].item[0].adjudication.find((one: Changeable) => one['category'].coding[0].code === name)
        .amount.value;

    it('goes by the coverage where the plan is not there', async () => {
      const response = await decided(1);
      expect(response).to.not.have.any.keys('plan', 'taken');
      expect(amount(response, 'copay')).to.equal(30);
    });

    it('takes the deductible once, entry by entry, and says so', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      const first = await decided(1, 'z', 70);
      expect(first['plan']).to.deep.equal({ id: exampleIds.other, versions: [1] });
      const sums = { deductible: 7000, outOfPocket: 7000, used: { other: { units: 1, amount: 0 } } };
      expect(first['taken']).to.deep.equal([{ year: '2026-01-01', entry: 1, sums }]);
      expect(amount(first, 'deductible')).to.equal(70);
      expect(story.status(exampleUuid(2_001)).status).to.equal('patient-responsibility');
      const second = await decided(2, 'z', 130);
      expect([amount(second, 'deductible'), amount(second, 'copay'), amount(second, 'benefit')]).to.deep.equal([
        30, 20, 80,
      ]);
      expect(newest()).to.deep.equal({
        ...{ deductible: 10000, outOfPocket: 12000, used: { other: { units: 2, amount: 8000 } } },
      });
      expect(first['resource'].item[0].adjudication.at(-1).reason.coding[1].code).to.equal('1');
    });

    it('goes by the terms in force on the day of the service, whenever they were changed', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      story.insurancePlan['plan'][0].generalCost[0].cost.value = 0;
      story.insurancePlan['period'] = { start: '2026-02-11' };
      await story.ledger.submit('RegisterPlan', story.plan(2));
      const response = await decided(1, 'z', 70);
      expect(response['plan']).to.deep.include({ versions: [1] });
      expect(amount(response, 'deductible')).to.equal(70);
      story.insurancePlan['period'] = { start: '2026-02-01' };
      await story.ledger.submit('RegisterPlan', story.plan(3));
      expect(amount(await decided(2, 'z', 70), 'benefit')).to.equal(56);
    });

    it('denies what the plan excludes by its own code, and uses nothing', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      const response = await decided(1, 'X');
      expect(story.status(exampleUuid(2_001))).to.include({ status: 'denied', reason: 'excluded' });
      expect(response).to.not.have.property('taken');
      const { reason } = response['resource'].item[0].adjudication.at(-1);
      expect(reason.coding.map(({ code }: { code: string }) => code)).to.deep.equal(['PR', '204', 'excluded']);
    });

    it('cannot be shown an earlier plan, no plan, another plan or an earlier use', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      await decided(1, 'z', 70);
      const before = story.benefits();
      await story.ledger.submit('RegisterPlan', story.plan(2));
      await decided(2, 'z', 10);
      const id = await another(3);
      await story.submitClaim();
      const now = story.benefits();
      const refused = (change: object): Promise<string> => codeOf(decide(id, change));
      expect(await refused({ plan: undefined })).to.equal('CONFLICT plan');
      expect(await refused({ plan: before.plan })).to.equal('CONFLICT plan');
      expect(await refused({ plan: { ...now.plan!, id: exampleIds.claim } })).to.equal('INVALID plan.id');
      expect(await refused({ plan: { ...now.plan!, versions: [] } })).to.equal('INVALID plan.versions');
      expect(await refused({ usage: [] })).to.equal('CONFLICT usage');
      expect(await refused({ usage: before.usage })).to.equal('CONFLICT usage');
      const forged = { ...now.usage[0]!, text: before.usage[0]!.text };
      expect(await refused({ usage: [forged] })).to.equal('INVALID usage');
      await decide(id);
    });

    it('gives back what a claim took that is voided, at once and whatever was taken since', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      await decided(1, 'z', 70);
      await decided(2, 'T', 40);
      expect(newest()).to.deep.include({ deductible: 10000, outOfPocket: 10200 - 200 });
      const request = story.withdrawal('void', exampleUuid(2_001));
      const { took, ...without } = request.private as { took?: string };
      expect(await codeOf(story.ledger.submit('WithdrawClaim', { ...request, private: without as never }))).to.match(
        / took$/,
      );
      expect(took).to.not.equal(undefined);
      await story.ledger.submit('WithdrawClaim', request);
      expect(story.status(exampleUuid(2_001))).to.not.have.property('taken');
      expect(story.benefits().usage[0]!.returns).to.have.length(1);
      const third = await decided(3, 'z', 100);
      expect(amount(third, 'deductible')).to.equal(70);
      expect(newest()).to.deep.include({ deductible: 10000 });
      expect(story.benefits().usage[0]!.returns).to.have.length(0);
    });

    it('gives back what was taken by a claim that another replaces', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      await decided(1, 'z', 70);
      story.example.claim['item'][0].net.value = 50;
      await story.ledger.submit('SubmitClaim', story.replacement(exampleIds.claim, exampleUuid(2_001)));
      expect(story.status(exampleUuid(2_001)).status).to.equal('replaced');
      await decide(exampleIds.claim);
      expect(newest()).to.deep.include({ deductible: 5000, outOfPocket: 5000 });
    });

    it('does not count a claim against itself that is decided anew', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      const first = await decided(1, 'z', 100);
      expect(amount(first, 'deductible')).to.equal(100);
      const id = exampleUuid(2_001);
      await story.ledger.submit('ReopenClaim', story.reopening('appeal', id));
      story.insurancePlan['plan'][0].generalCost[0].cost.value = 50;
      await story.ledger.submit('RegisterPlan', story.plan(2));
      await story.ledger.submit(
        'AdjudicateClaim',
        story.decision('Practitioner/second', { outcome: 'approve', reason: 'new terms' } as never, id),
      );
      const again = story.ledger.read(PAYER, `response/${id}/${story.status(id).step}`) as Changeable;
      expect(amount(again, 'benefit')).to.equal(40);
      expect(newest()).to.deep.include({ deductible: 5000, outOfPocket: 6000 });
    });

    it('is taken on one entry once: of two at a time the second is to be sent again', async () => {
      await story.ledger.submit('RegisterPlan', story.plan());
      const ids = [await another(1, 'z', 70)];
      await story.submitClaim();
      ids.push(await another(2, 'z', 70));
      await story.submitClaim();
      const requests = ids.map((id) => story.adjudication(id));
      await story.ledger.submit('AdjudicateClaim', requests[0]!);
      expect(await codeOf(story.ledger.submit('AdjudicateClaim', requests[1]!))).to.equal('CONFLICT usage');
      await decide(ids[1]!);
      expect(newest().deductible).to.equal(10000);
    });
  });
});
